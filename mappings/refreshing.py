"""Refreshing a plan: its lists are read again, and it is as good as new where all before values hold."""

from __future__ import annotations

from django.utils import timezone

from connectors import remotes
from connectors.jobs import JobFailed, Run
from mappings.models import Change, Mapping, Plan, PlanState, Scope
from mappings.observe import confirmed, read_scopes, store
from mappings.outcomes import moved


def refresh_plan(run: Run) -> None:
    """Read the plan's lists again: where all before values hold it is as good as new, and keeps its approval."""
    plan = Plan.objects.select_related("connector").get(pk=int(run.job.subject))
    began_at = timezone.now()
    reader = remotes.align_client(plan.connector, job=run.job, interactive=True, on_wait=run.waits_for)
    changes = list(plan.changes.select_related("scope__project"))
    for reading in read_scopes(reader, list({change.scope for change in changes if change.scope})):
        store(confirmed(reader, reading))
    mappings = Mapping.objects.in_bulk([change.mapping_id for change in changes])
    scopes = Scope.objects.in_bulk([change.scope_id for change in changes])
    for change in changes:
        change.detail = moved(change, mappings.get(change.mapping_id), scopes.get(change.scope_id))
    Change.objects.bulk_update(changes, ["detail"], batch_size=500)
    count = sum(bool(change.detail) for change in changes)
    if count:
        raise JobFailed(f"{count} of {len(changes)} rows changed in Align since this plan was made. Plan them again.")
    Plan.objects.filter(pk=plan.pk, state__in=[PlanState.DRAFT, PlanState.APPROVED]).update(seen_at=began_at)

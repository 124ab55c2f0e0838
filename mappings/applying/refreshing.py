"""Refreshing a plan: its lists are read again, and it is as good as new where all before values hold.

Where rows moved, a refreshed plan takes its place.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from alignadmin.errors import Refused
from connectors.credentials import clients
from connectors.jobs.runner import JobFailed, Run
from mappings.applying.outcomes import stale_reason
from mappings.edits.unused import why_unused
from mappings.models import Change, Mapping, Plan, PlanState, Scope
from mappings.observing.lists import confirmed, read_scopes, store
from mappings.planning import refresh


def refresh_plan(run: Run) -> None:
    """Read the plan's lists again: it stays and keeps its approval, or it is replaced."""
    plan = Plan.objects.select_related("connector", "author").get(pk=int(run.job.subject))
    began_at = timezone.now()
    changes = list(plan.changes.select_related("scope__project").order_by("position"))
    scopes = {change.scope for change in changes if change.scope}
    _read(run, plan, [scope for scope in scopes if not why_unused(scope)])
    reasons = _moved(changes)
    if not reasons:
        _as_good_as_new(plan, began_at)
        return
    try:
        refresh.replace(plan, reasons, actor=run.actor)
    except Refused as refused:
        raise JobFailed(f"{len(reasons)} of {len(changes)} rows moved since this plan was made. {refused}") from refused


def _read(run: Run, plan: Plan, scopes: list[Scope]) -> None:
    """Raises JobFailed when a list cannot be read: what it holds is not known, so nothing is concluded from it."""
    reader = clients.align_client(plan.connector, job=run.job, on_wait=run.waits_for)
    run.progress("reading Align's lists", done=0, total=len(scopes))
    failed = []
    for done, reading in enumerate(read_scopes(reader, scopes), start=1):
        sure = confirmed(reader, reading)
        store(sure)
        failed += [sure.error.sentence] if sure.error else []
        run.progress(str(reading.scope.place.path), done=done)
    if failed:
        raise JobFailed(
            f"{len(failed)} of {len(scopes)} lists could not be read, so the plan is as it was. {failed[0]}"
        )


def _moved(changes: list[Change]) -> dict[int, str]:
    """Change -> why its row is no longer as planned."""
    mappings = Mapping.objects.in_bulk([change.mapping_id for change in changes if change.mapping_id])
    scopes = Scope.objects.select_related("project").in_bulk([change.scope_id for change in changes if change.scope_id])
    reasons = {
        change.pk: stale_reason(change, mappings.get(change.mapping_id or 0), scopes.get(change.scope_id or 0))
        for change in changes
    }
    return {pk: reason for pk, reason in reasons.items() if reason}


def _as_good_as_new(plan: Plan, began_at: datetime) -> None:
    Plan.objects.filter(pk=plan.pk, state__in=[PlanState.DRAFT, PlanState.APPROVED]).update(seen_at=began_at)

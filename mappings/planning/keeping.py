"""A plan of lists of ours: its approval applies it. Nothing is sent; what was approved is agreed in the same commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.audit_sentences import MappingEvent
from connectors.ports.audited import context_of, event_fields
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping
from mappings.edits.unused import why_unused
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState, Scope
from mappings.planning.authors import author_of, earlier_of
from mappings.planning.entries import plan_entry

KEPT_HERE = "Kept here; nothing was sent to Align."
MOVED = "This mapping was changed here after it was planned."
ACTIONS = {ChangeState.DONE: "change.kept", ChangeState.STALE: "change.stale"}
KEPT_FIELDS = ["observed", "written_at", "version", *RECONCILED_FIELDS]


def keep(plan: Plan) -> list[Change]:
    """In the transaction that approves the plan, which holds its connector's row; returns its changes as they are then.

    1. Lock its lists and their rows, in the order of every writer.
    2. A row that is not as it was planned, or whose list does not count any more, is stale; what the others change is
       agreed.
    3. End the plan. Its entries are the caller's to append, by `record_kept`: they lock the history, which comes last.
    """
    now = timezone.now()
    changes = list(plan.changes.order_by("position"))
    Scope.objects.filter(pk__in={each.scope_id for each in changes if each.scope_id}).lock_in_order()
    Mapping.objects.filter(pk__in={each.mapping_id for each in changes if each.mapping_id}).lock_in_order()
    found = Mapping.objects.select_related("scope__project")
    rows = found.in_bulk([each.mapping_id for each in changes if each.mapping_id])
    for change in changes:
        row = rows.get(change.mapping_id or 0)
        if why := _why_stale(change, row):
            change.state, change.detail = ChangeState.STALE, why
        elif row is not None:
            change.state, change.detail, change.answered_at = ChangeState.DONE, KEPT_HERE, now
            _agree(row, change, now)
    done = [each for each in changes if each.state == ChangeState.DONE]
    Change.objects.bulk_update(changes, ["state", "detail", "answered_at"], batch_size=500)
    Mapping.objects.bulk_update([rows[each.mapping_id or 0] for each in done], KEPT_FIELDS, batch_size=500)
    _count_rows({each.scope_id for each in done if each.scope_id})
    plan.state, plan.finished_at = PlanState.FINISHED, now
    plan.save(update_fields=["state", "finished_at"])
    return changes


def record_kept(plan: Plan, changes: Sequence[Change], *, actor: Person) -> None:
    """After the entry of the approval."""
    trail.record_all([_audit_record(plan, each, actor) for each in changes])
    counts = dict(Counter(str(each.state) for each in changes))
    words = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    sentence = f"Plan {plan.pk} ended with its approval: {words}. {KEPT_HERE}"
    plan_entry("plan.finished", plan, actor, sentence, counts=counts, fingerprint=plan.approved_fingerprint)


def _why_stale(change: Change, row: Mapping | None) -> str:
    if row is None:
        return "This mapping's project is no longer in the catalogue."
    return why_unused(row.scope) or (MOVED if row.observed != change.before else "")


def _agree(row: Mapping, change: Change, now: datetime) -> None:
    """`wanted` may have moved on: then its edit waits as before."""
    row.applied = row.observed = change.after
    row.written_at = now
    row.version += 1
    reconcile_mapping(row, now=now)


def _count_rows(scopes: set[int]) -> None:
    """What a share of a list is a share of, see typed_confirmation."""
    held = Mapping.objects.filter(scope=OuterRef("pk"), observed__isnull=False).order_by()
    number = held.values("scope").annotate(number=Count("pk")).values("number")
    Scope.objects.filter(pk__in=scopes).update(rows=Coalesce(Subquery(number), 0))


def _audit_record(plan: Plan, change: Change, actor: Person) -> AuditRecord:
    return AuditRecord(
        action=ACTIONS[ChangeState(change.state)],
        actor=actor,
        context=context_of(plan.connector),
        subject=f"plan {plan.pk} change {change.position}",
        sentence=change.sentence,
        data={
            "method": change.method,
            "path": change.path,
            "query": change.query,
            "body": change.body,
            "detail": change.detail,
            "expected": change.expected_line,
        },
        event=event_fields(MappingEvent(**change.event)),
        plan=plan.pk,
        project_key=change.project_key,
        reason=plan.reason,
        ticket=plan.ticket,
        author=author_of(change),
        earlier=earlier_of(change),
        planner=plan.author,
        approver=plan.approver,
    )

"""A plan whose rows have moved is replaced by a refreshed one, which says how it differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.models import Connector
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.values import Situation
from mappings.models import Change, ChangeState, Plan, PlanState
from mappings.models import Mapping as Row
from mappings.planning.approval_asks import end_asks
from mappings.planning.creation import NothingToDo, make_plan
from mappings.planning.entries import plan_entry
from mappings.planning.plan_outcomes import tell_replaced

REPLACEABLE = (PlanState.DRAFT, PlanState.APPROVED)
GOES_ON = "It continues in the refreshed plan."


class PlanOvertaken(Refused):
    """The plan was started or cancelled while its lists were read: it is left as it is."""


# --- replacing -----------------------------------------------------------------------------------------------------


def replace(plan: Plan, moved: Mapping[int, str], *, actor: Person | None) -> Plan | None:
    """Put a refreshed plan in the place of one whose rows moved; None when nothing is left to do.

    `moved` says by change why its row is no longer as planned. The author, reason and ticket stay, the approval does
    not. All of it is one transaction: either there is the refreshed plan, or the old one is as it was.
    """
    with transaction.atomic():
        # The connector before the plan, as in making a plan, so that two never wait for each other crosswise.
        Connector.objects.locked().get(pk=plan.connector_id)
        old = Plan.objects.locked().select_related("connector", "author").get(pk=plan.pk)
        if old.state not in REPLACEABLE:
            raise PlanOvertaken(f"Plan {old.pk} is {old.get_state_display().lower()} by now, so it was not refreshed.")
        reasons = _reasons(old, moved)
        new = _made_again(old, [change for change, reason in reasons if not reason], actor or old.author)
        _retire(old, reasons, planned_again=_planned(new))
        end_asks(old)
        tell_replaced(old, new, actor=actor)
        _entry(old, new, actor)
    return new


def _reasons(old: Plan, moved: Mapping[int, str]) -> list[tuple[Change, str]]:
    """Each change with why it goes on no more; empty where it does."""
    changes = list(old.changes.order_by("position"))
    rows = Row.objects.select_related("scope").in_bulk([change.mapping_id for change in changes if change.mapping_id])
    return [(change, _why_dropped(change, rows.get(change.mapping_id or 0), moved)) for change in changes]


def _why_dropped(change: Change, row: Row | None, moved: Mapping[int, str]) -> str:
    if row is None or not row.scope.known:
        return moved.get(change.pk, "")
    if change.is_spare:
        held = [change.remote_id, change.before] in row.duplicates
        return "" if held else "Align no longer holds this further record."
    if row.situation in OPEN_SITUATIONS:
        return "Somebody changed this mapping elsewhere: decide about it first, under Drift."
    if row.observed == change.after:
        return "Align already holds this value."
    if row.wanted != change.after:
        return "Something else is wanted by now: that waits in the draft, for a plan of its own."
    return moved.get(change.pk, "") if row.situation != Situation.EDITED else ""


def _made_again(old: Plan, kept: Sequence[Change], actor: Person) -> Plan | None:
    ids = {change.mapping_id for change in kept if change.mapping_id}
    if not ids:
        return None
    try:
        new = make_plan(old.connector, ids, actor=actor, planner=old.author, reason=old.reason, ticket=old.ticket)
    except NothingToDo:
        return None
    new.replaces, new.restores_id = old, old.restores_id
    said = {row["key"] for row in new.refused}
    new.refused = [*new.refused, *(row for row in old.refused if row["key"] not in said)]
    new.save(update_fields=["replaces", "restores", "refused"])
    return new


def _planned(new: Plan | None) -> set[tuple[str, bool]]:
    return {(change.key, change.is_spare) for change in new.changes.all()} if new else set()


def _retire(old: Plan, reasons: Iterable[tuple[Change, str]], *, planned_again: set[tuple[str, bool]]) -> None:
    changes = []
    for change, reason in reasons:
        goes_on = (change.key, change.is_spare) in planned_again
        change.state = ChangeState.CANCELLED
        change.detail = GOES_ON if goes_on else reason or "It cannot be planned now; the refreshed plan says why."
        changes.append(change)
    Change.objects.bulk_update(changes, ["state", "detail"], batch_size=500)
    old.state = PlanState.REPLACED
    old.save(update_fields=["state"])


def _entry(old: Plan, new: Plan | None, actor: Person | None) -> None:
    if new is None:
        plan_entry("plan.replaced", old, actor, f"Refreshed plan {old.pk}: nothing is left to do, so it ended.")
        return
    kept, was = new.changes.count(), old.changes.count()
    sentence = f"Plan {new.pk} replaces plan {old.pk}, whose rows had moved: {kept} of {was} changes are left."
    if old.approved_at:
        sentence += " The approval does not carry over."
    plan_entry("plan.replaced", old, actor, sentence, by=new.pk, fingerprint=new.fingerprint)


# --- differences ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A change of the plan before that is not in this one. `is_open`: somebody has to decide about its row."""

    change: Change
    reason: str
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Altered:
    """A change that both have, with another value before, another record or another request."""

    before: Change
    after: Change


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How a refreshed plan differs from the one it replaces."""

    dropped: Sequence[Dropped]
    altered: Sequence[Altered]
    new: Sequence[Change]
    same: int


def differences(new: Plan, old: Plan) -> Differences:
    ours = {_identity(change): change for change in new.changes.order_by("position")}
    theirs = {_identity(change): change for change in old.changes.order_by("position")}
    both = [(theirs[key], change) for key, change in ours.items() if key in theirs]
    altered = [Altered(before=was, after=now) for was, now in both if _request(was) != _request(now)]
    return Differences(
        dropped=_dropped([change for key, change in theirs.items() if key not in ours]),
        altered=altered,
        new=[change for key, change in ours.items() if key not in theirs],
        same=len(both) - len(altered),
    )


def _identity(change: Change) -> tuple[str, int | None]:
    """A row's own change, or the deletion of one further record of it."""
    return change.key, change.remote_id if change.is_spare else None


def _request(change: Change) -> tuple[object, ...]:
    return change.before, change.after, change.remote_id, change.method, change.path, change.body


def _dropped(changes: Sequence[Change]) -> list[Dropped]:
    ids = {change.mapping_id for change in changes if change.mapping_id}
    open_rows = Row.objects.filter(pk__in=ids, situation__in=OPEN_SITUATIONS).values_list("pk", flat=True)
    open_ids = set(open_rows)
    return [Dropped(change=each, reason=each.detail, is_open=each.mapping_id in open_ids) for each in changes]

"""Taking back what was applied: a plan that restores what another one changed, and one value that a write overwrote.

Both work through wanted values, so that the matrix shows what the plan will do, and both leave a row alone that
somebody has moved or edited since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.edits import services
from mappings.edits.names import Names, names_of
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping
from mappings.edits.unused import why_unused
from mappings.engine.families import FAMILIES
from mappings.engine.plan import UnplannableRow as RefusedRow
from mappings.engine.values import Situation, TypeName
from mappings.models import OPEN_PLANS, UNANSWERED, Change, ChangeState, Edit, Mapping, Plan, PlanState
from mappings.planning.creation import make_plan
from mappings.planning.entries import plan_entry

ENDED = (PlanState.FINISHED, PlanState.CANCELLED)
FIELDS = ["wanted", "wanted_by", "wanted_at", "version", *RECONCILED_FIELDS]


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A done change that is not taken back, and why."""

    change: Change
    code: str  # gone, unknown, spare, moved, waiting
    sentence: str
    is_open: bool = False  # somebody has to decide about its row on the drift page


@dataclass(frozen=True, kw_only=True)
class TakingBack:
    """What a roll back would restore, in the order of the plan that it takes back, and what it would leave out."""

    changes: Sequence[Change]
    left_out: Sequence[LeftOut]


def can_roll_back(plan: Plan) -> bool:
    return plan.state in ENDED and plan.changes.filter(state=ChangeState.DONE).exists()


def why_nothing(plan: Plan) -> str:
    """Of an ended plan without a done change. A request that got no answer may have changed something."""
    if plan.changes.filter(state__in=UNANSWERED).exists():
        return (
            f"Whether plan {plan.pk} changed anything in Align is not known: one of its requests got no answer. "
            "Refresh the list in the matrix, and correct there what is wrong."
        )
    where = "here" if plan.is_ours else "in Align"
    return f"Plan {plan.pk} changed nothing {where}, so there is nothing to roll back."


def opening(plan: Plan) -> str:
    """How the reason of its roll back begins; a person completes it."""
    return f"Roll back plan {plan.pk}: "


def under_way(plan: Plan) -> Plan | None:
    """The roll back of this plan that is not over."""
    return Plan.objects.filter(restores=plan, state__in=OPEN_PLANS).select_related("author").first()


# --- what it would do ----------------------------------------------------------------------------------------------


def preview(plan: Plan) -> TakingBack:
    """Stores nothing."""
    done = _done(plan)
    rows = _rows(done)
    return _sort(done, rows, names_of(plan.connector, rows.values()))


def _done(plan: Plan) -> list[Change]:
    return list(plan.changes.filter(state=ChangeState.DONE).order_by("position"))


def _rows(done: Collection[Change], *, lock: bool = False) -> dict[int, Mapping]:
    found = Mapping.objects.select_related("scope__project", "wanted_by").order_by("pk")
    if lock:
        found = found.locked()
    return found.in_bulk([change.mapping_id for change in done if change.mapping_id])


def _sort(done: Collection[Change], rows: MappingOf[int, Mapping], names: Names) -> TakingBack:
    changes: list[Change] = []
    left_out: list[LeftOut] = []
    for change in done:
        why = _why_left_out(change, rows.get(change.mapping_id or 0), names)
        if why is None:
            changes.append(change)
        else:
            left_out.append(why)
    return TakingBack(changes=changes, left_out=left_out)


def _why_left_out(change: Change, row: Mapping | None, names: Names) -> LeftOut | None:
    if row is None:
        return LeftOut(change=change, code="gone", sentence="This mapping's project is no longer in the catalogue.")
    if change.is_spare:
        sentence = "It deleted a further record of one mapping. That record would be a duplicate again."
        return LeftOut(change=change, code="spare", sentence=sentence)
    if unused := why_unused(row.scope):
        return LeftOut(change=change, code="list-unused", sentence=unused)
    if not row.scope.known:
        sentence = "This list could not be read, so nobody knows what Align holds: refresh it first."
        return LeftOut(change=change, code="unknown", sentence=sentence)
    if row.observed != change.after:
        held = _words(names, change, row.observed)
        where = "here" if row.scope.is_ours else "in Align"
        sentence = f"Somebody changed it {where} since: it holds {held} now, and this plan had set something else."
        return LeftOut(change=change, code="moved", sentence=sentence, is_open=row.situation in OPEN_SITUATIONS)
    if row.keep_remote_id is not None or row.wanted not in (change.after, change.before):
        who = row.wanted_by or "Somebody"
        sentence = f"Another edit of it waits in the draft ({who}): apply that or take it out first."
        return LeftOut(change=change, code="waiting", sentence=sentence)
    return None


def _words(names: Names, change: Change, value: int | None) -> str:
    family = FAMILIES[change.family]
    return names.of(family.kind, family.direction, target=value) or "no mapping"


# --- doing it ------------------------------------------------------------------------------------------------------


def roll_back(plan: Plan, *, reason: str, ticket: str = "", actor: Person) -> Plan:
    """Plan the values from before `plan`: a usual plan, to review, approve and apply.

    Raises Refused when the plan is not over, when nothing of it can be taken back, or when a roll back of it is under
    way; the same form posted twice gives the one plan.
    """
    words = _reason(plan, reason)
    with transaction.atomic():
        # Before the rows, as in making a plan, so that the two never wait for each other crosswise.
        Connector.objects.locked().get(pk=plan.connector_id)
        plan.refresh_from_db(fields=["state"])
        _require_over(plan)
        if (made := under_way(plan)) is not None:
            return _same(made, plan, words, actor)
        taking_back = _restore_wanted(plan, actor, timezone.now())
        back = make_plan(
            plan.connector,
            [change.mapping_id for change in taking_back.changes if change.mapping_id],
            actor=actor,
            reason=words,
            ticket=ticket,
        )
        back.restores = plan
        back.refused = [*back.refused, *(_refused_row(each) for each in taking_back.left_out)]
        back.save(update_fields=["restores", "refused"])
        _entries(plan, back, taking_back, actor)
    return back


def _reason(plan: Plan, reason: str) -> str:
    own = reason.strip().removeprefix(opening(plan).strip()).strip()
    if not own:
        raise Refused("Say why it is rolled back: the reason goes into the history with every change.")
    return opening(plan) + own


def _require_over(plan: Plan) -> None:
    if plan.state not in ENDED:
        raise Refused(f"Plan {plan.pk} is {plan.get_state_display().lower()}: only an ended plan can be rolled back.")
    if not can_roll_back(plan):
        raise Refused(why_nothing(plan))


def _same(made: Plan, plan: Plan, reason: str, actor: Person) -> Plan:
    if (made.author_id, made.reason, made.state) == (actor.pk, reason, PlanState.DRAFT):
        return made
    raise Refused(f"Plan {made.pk} by {made.author} rolls back plan {plan.pk} already. Go on with that one.")


def _restore_wanted(plan: Plan, actor: Person, now: datetime) -> TakingBack:
    """Set the wanted values back, each as an edit that its author can undo like any other."""
    done = _done(plan)
    rows = _rows(done, lock=True)
    taking_back = _sort(done, rows, names_of(plan.connector, rows.values()))
    if not taking_back.changes:
        why = Counter(each.sentence for each in taking_back.left_out).most_common(3)
        raise Refused(" ".join([f"Nothing of plan {plan.pk} can be reverted.", *(sentence for sentence, _ in why)]))
    pairs = [(rows[change.mapping_id or 0], change) for change in taking_back.changes]
    edited = [_set_back(row, change, actor, now) for row, change in pairs if row.wanted != change.before]
    Mapping.objects.bulk_update([row for row, _ in edited], FIELDS, batch_size=500)
    # A new edit ends what could be redone, as every edit does.
    Edit.objects.filter(connector=plan.connector, person=actor, undone=True).delete()
    Edit.objects.bulk_create([edit for _, edit in edited], batch_size=500)
    return taking_back


def _set_back(row: Mapping, change: Change, actor: Person, now: datetime) -> tuple[Mapping, Edit]:
    edit = services.edit_of(row, change.before, actor=actor, now=now)
    row.wanted, row.wanted_by, row.wanted_at = change.before, actor, now
    row.version += 1
    reconcile_mapping(row, now=now)
    edit.version = row.version
    return row, edit


def _refused_row(left_out: LeftOut) -> dict[str, object]:
    return asdict(RefusedRow(key=left_out.change.key, code=left_out.code, sentence=left_out.sentence))


def _entries(plan: Plan, back: Plan, taking_back: TakingBack, actor: Person) -> None:
    taken, left = len(taking_back.changes), len(taking_back.left_out)
    positions = [change.position for change in taking_back.changes]
    trail.record(
        AuditRecord(
            action="mapping.edited",
            actor=actor,
            context=context_of(plan.connector),
            subject=f"plan {plan.pk}",
            sentence=f"Draft: {taken} mapping{'' if taken == 1 else 's'} back to what they were before plan {plan.pk}.",
            data={"plan": plan.pk, "changes": positions},
            reason=back.reason,
        )
    )
    sentence = f"Planned to take back {taken} of {taken + left} done changes of plan {plan.pk}."
    left_out = [asdict_of(each) for each in taking_back.left_out]
    plan_entry("plan.takes_back", back, actor, sentence, takes_back=plan.pk, left_out=left_out)


def asdict_of(left_out: LeftOut) -> dict[str, object]:
    return {"change": left_out.change.position, "code": left_out.code, "sentence": left_out.sentence}


# --- one value that a write overwrote ------------------------------------------------------------------------------


def can_put_back(change: Change, row: Mapping | None) -> bool:
    """The row is as our write left it: putting back disturbs no other edit and no later change."""
    if row is None or change.is_spare or not change.overwrote_name:
        return False
    return row.situation == Situation.IN_SYNC and row.observed == change.after != change.overwrote


def put_back(change: Change, *, actor: Person) -> Mapping:
    """Make the waiting edit that restores what the change overwrote; a plan then sends it like any other."""
    row = Mapping.objects.select_related("scope__connector", "scope__project").filter(pk=change.mapping_id or 0).first()
    if row is None or change.is_spare or not change.overwrote_name:
        raise Refused("This change overwrote nothing that could be reverted.")
    if row.wanted == change.overwrote:
        return row  # a second click: it waits, or is back already
    if not can_put_back(change, row):
        raise Refused("This mapping was edited or changed again since. Look at its row before you decide.")
    key = services.MatrixKey(scope=row.scope, work_item_type=TypeName(row.work_item_type), source_id=row.source_id)
    return services.set_wanted(services.EditRequest(key=key, wanted=change.overwrote, seen=change.after), actor=actor)

"""Plans and their changes, compared with the entries that say what was planned, decided and done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from alignadmin.audit.models import Entry
from connectors.history.verification.comparison import archived_seq
from connectors.history.verification.field_comparison import altered, compared, is_near
from connectors.models import HistoryRow
from connectors.ports.differences import MISSING, SURPLUS, Difference, Page, Position, TableComparison
from mappings.models import Change, ChangeState, Plan, PlanState
from mappings.planning.creation import stored_fingerprint
from mappings.planning.digests import digest_of

SIZE = 20  # plans of one page
AT_ONCE = 500  # entries in memory, of thousands that one plan may have
PLANS, CHANGES = "plans", "changes"
MADE, RETRIED = "plan.made", "plan.retry"
APPROVALS = ("plan.approved", "plan.emergency_approved")
STARTS = ("plan.started", RETRIED)
UNDER_WAY = frozenset({PlanState.APPLYING, PlanState.PAUSED})
# What a plan can be after the last of these entries. An apply that was asked to pause does so without another entry.
STATES: Mapping[str, frozenset[PlanState]] = {
    MADE: frozenset({PlanState.DRAFT}),
    **dict.fromkeys(APPROVALS, frozenset({PlanState.APPROVED})),
    **dict.fromkeys((*STARTS, "plan.pause", "plan.paused", "plan.resume"), UNDER_WAY),
    "plan.cancel": UNDER_WAY | {PlanState.CANCELLED},
    "plan.finished": frozenset({PlanState.FINISHED, PlanState.CANCELLED}),
    "plan.replaced": frozenset({PlanState.REPLACED}),
}
ENDS = ("plan.cancel", "plan.finished", "plan.replaced")
UNSENT = frozenset({ChangeState.PLANNED, ChangeState.SENDING, ChangeState.CANCELLED})
OUTCOMES: Mapping[str, frozenset[ChangeState]] = {
    "change.done": frozenset({ChangeState.DONE}),
    "change.failed": frozenset({ChangeState.FAILED}),
    "change.stale": frozenset({ChangeState.STALE}),
    "change.unknown": frozenset({ChangeState.UNKNOWN}),
    "change.planned": UNSENT,
    "change.retried": UNSENT,
    "change.cancelled": frozenset({ChangeState.CANCELLED}),
}
OVERWROTE = "change.overwrote"


@dataclass(frozen=True, kw_only=True)
class PlanEntries:
    """What one entry says."""

    seq: int
    at: datetime
    action: str
    body: Mapping[str, Any]

    @property
    def data(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body["data"]
        return found

    @property
    def actor(self) -> int | None:
        return (self.body["actor"] or {}).get("id")


@dataclass(kw_only=True)
class Story:
    """What the entries say of one plan: the last of each of its acts, and the last outcome of each change."""

    acts: dict[str, PlanEntries] = field(default_factory=dict)
    last: PlanEntries | None = None  # that says where the plan stands
    outcomes: dict[int, PlanEntries] = field(default_factory=dict)
    sent_again: dict[int, int] = field(default_factory=dict)  # by position, the entry that says so
    overwrites: dict[int, list[PlanEntries]] = field(default_factory=dict)

    def hear(self, told: PlanEntries) -> None:
        if told.action in OUTCOMES:
            self.outcomes[_position(told)] = told
        elif told.action == OVERWROTE:
            for position in told.data["changes"]:
                self.overwrites.setdefault(position, []).append(told)
        else:
            self.acts[told.action] = told
            if told.action in STATES:
                self.last = told
            if told.action == RETRIED:
                self.sent_again |= dict.fromkeys(told.data["changes"], told.seq)

    def latest(self, actions: Iterable[str]) -> PlanEntries | None:
        found = [self.acts[action] for action in actions if action in self.acts]
        return max(found, key=lambda told: told.seq, default=None)


def _position(told: PlanEntries) -> int:
    return int(told.body["subject"].rpartition(" ")[2])


# -- pages ------------------------------------------------------------------------------------------------------------


def plans(after: Position) -> Page:
    some = list(Plan.objects.filter(pk__gt=int(after or 0)).select_related("connector").order_by("pk")[:SIZE])
    rows, found = _compared(some)
    return Page(following=some[-1].pk if len(some) == SIZE else None, rows=rows, found=found)


def of_plans(numbers: Sequence[int]) -> list[Difference]:
    """What differs in these, and which of them are gone."""
    found: list[Difference] = []
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        _, differing = _compared(Plan.objects.filter(pk__in=some).select_related("connector").order_by("pk"))
        found += [*differing, *_gone(HistoryRow.objects.filter(plan__in=some))]
    return found


def _compared(some: Iterable[Plan]) -> tuple[int, list[Difference]]:
    """How many rows they have, and what differs in them."""
    gone, rows = archived_seq(), 0
    found: list[Difference] = []
    for plan in some:
        numbers = _numbers(plan)
        if numbers and numbers[0] <= gone:
            continue  # what it began with stands in an archive
        changes = list(plan.changes.order_by("position"))
        rows += len(changes) + 1
        found += _plan_compared(plan, changes, _story(numbers))
    return rows, found


def _numbers(plan: Plan) -> list[int]:
    rows = HistoryRow.objects.filter(plan=plan.pk, connector=plan.connector_id, entry_seq__isnull=False)
    return sorted(seq for seq in rows.values_list("entry_seq", flat=True) if seq)


def _story(numbers: Sequence[int]) -> Story:
    story = Story()
    for start in range(0, len(numbers), AT_ONCE):
        entries = Entry.objects.in_bulk(numbers[start : start + AT_ONCE])
        for seq, entry in sorted(entries.items()):
            story.hear(PlanEntries(seq=seq, at=entry.at, action=entry.action, body=json.loads(entry.body)))
    return story


def plans_that_are_gone(after: Position) -> Page:
    """`after` is not needed: there are none to be gone through one by one."""
    return Page(following=None, found=_gone(HistoryRow.objects.all()))


def _gone(rows: QuerySet[HistoryRow]) -> list[Difference]:
    made = rows.filter(action=MADE, entry_seq__isnull=False, plan__isnull=False)
    made = made.exclude(plan__in=Plan.objects.values("pk"))
    return [
        Difference(kind=MISSING, table=PLANS, seq=seq, sentence=f"Plan {plan}, which entry {seq} made, is gone.")
        for plan, seq in made.values_list("plan", "entry_seq")[:AT_ONCE]
    ]


# -- a plan -----------------------------------------------------------------------------------------------------------


def _plan_compared(plan: Plan, changes: Sequence[Change], story: Story) -> Iterator[Difference]:
    made = story.acts.get(MADE)
    if made is None or story.last is None:
        yield Difference(kind=SURPLUS, table=PLANS, sentence=f"No entry says that plan {plan.pk} was made.")
        return
    what = f"plan {plan.pk}"
    yield from compared(PLANS, what, vars(plan), _made(made), made.seq)
    approval, start = story.latest(APPROVALS), story.latest(STARTS)
    yield from compared(PLANS, what, vars(plan), _approved(approval), approval.seq if approval else None)
    yield from compared(PLANS, what, vars(plan), {"applier_id": start.actor if start else None})
    if plan.state not in STATES[story.last.action]:
        yield altered(PLANS, what, "state", plan.state, story.last.action, story.last.seq)
    yield from _times_compared(plan, story, made, approval)
    yield from _origin_compared(plan, story)
    yield from _changes_compared(plan, changes, made, story)


def _made(made: PlanEntries) -> dict[str, object]:
    planner = (made.body.get("people") or {}).get("planner")
    author = {"author_id": planner["id"]} if planner else {}  # one of before may have been refreshed by somebody else
    said = {"reason": made.body["reason"], "ticket": made.body["ticket"], "fingerprint": made.data["fingerprint"]}
    return {**said, **author}


def _approved(told: PlanEntries | None) -> dict[str, object]:
    if told is None:
        return {"approver_id": None, "approved_fingerprint": "", "emergency_reason": ""}
    return {
        "approver_id": told.actor,
        "approved_fingerprint": told.data["fingerprint"],
        "emergency_reason": told.data.get("emergency_reason", ""),
    }


def _times_compared(plan: Plan, story: Story, made: PlanEntries, approval: PlanEntries | None) -> Iterator[Difference]:
    """Of when it was finished only that it was: a cancelled one may end later than that was asked for."""
    pairs = (
        ("created_at", plan.created_at, made),
        ("approved_at", plan.approved_at, approval),
        ("started_at", plan.started_at, story.acts.get("plan.started")),
        ("finished_at", plan.finished_at, story.last if story.last and story.last.action == "plan.finished" else None),
    )
    for name, at, told in pairs:
        if told and not is_near(at, told.at):
            yield altered(PLANS, f"plan {plan.pk}", name, at, told.at, told.seq)
        elif told is None and at is not None and name != "finished_at":
            yield altered(PLANS, f"plan {plan.pk}", name, at, None)


def _origin_compared(plan: Plan, story: Story) -> Iterator[Difference]:
    """Which plan it takes back."""
    told = story.acts.get("plan.takes_back")
    if told and plan.restores_id != told.data["takes_back"]:
        yield altered(PLANS, f"plan {plan.pk}", "restores", plan.restores_id, told.data["takes_back"], told.seq)


# -- its changes ------------------------------------------------------------------------------------------------------


def _changes_compared(plan: Plan, changes: Sequence[Change], made: PlanEntries, story: Story) -> Iterator[Difference]:
    what = f"plan {plan.pk}"
    found = [each for change in changes for each in _change_compared(plan, change, story)]
    yield from found
    if len(changes) != made.data["changes"]:
        yield altered(CHANGES, what, "number of changes", len(changes), made.data["changes"], made.seq)
    elif not found and _fingerprint(plan) != made.data["fingerprint"]:
        yield altered(CHANGES, what, "requests of its changes", "something else", made.data["fingerprint"], made.seq)
    elif not found and digest_of(changes) != (said := made.data.get("changes_sha256", digest_of(changes))):
        yield altered(CHANGES, what, "what its changes say", digest_of(changes), said, made.seq)
    finished = story.acts.get("plan.finished")
    if finished and story.last is finished and (said := finished.data["counts"]) != (is_now := _counts(changes)):
        yield altered(CHANGES, what, "states of its changes", is_now, said, finished.seq)


def _fingerprint(plan: Plan) -> str:
    """Empty where a change was altered so that there is no such place: no request could be of it."""
    try:
        return stored_fingerprint(plan)
    except (ValueError, KeyError, TypeError):
        return ""


def _counts(changes: Sequence[Change]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.state] = found.get(change.state, 0) + 1
    return found


def _change_compared(plan: Plan, change: Change, story: Story) -> Iterator[Difference]:
    told = story.outcomes.get(change.position)
    what = f"change {change.position} of plan {plan.pk}"
    was_sent_again = told is not None and story.sent_again.get(change.position, 0) > told.seq
    states = UNSENT if told is None or was_sent_again else OUTCOMES[told.action]
    if change.state not in states or (change.state == ChangeState.CANCELLED and story.latest(ENDS) is None):
        said, seq = (told.action, told.seq) if told else ("not sent", None)
        yield altered(CHANGES, what, "state", change.state, said, seq)
    if told is None:
        yield from compared(CHANGES, what, _ended(change), NOT_SENT, None)
    else:
        yield from compared(CHANGES, what, _says(change), _said(told), told.seq)
        if was_sent_again and change.state == ChangeState.PLANNED:
            yield from compared(CHANGES, what, {"detail": change.detail}, {"detail": ""}, told.seq)
        if change.state in OUTCOMES[told.action] and not was_sent_again and told.action in SETTLED:
            yield from compared(CHANGES, what, _ended(change), _told_end(told), told.seq)
    yield from _overwrite_compared(change, what, story.overwrites.get(change.position, []))


NOT_SENT = {"detail": "", "sent_at": None}
SETTLED = ("change.done", "change.failed", "change.stale", "change.unknown")


def _says(change: Change) -> dict[str, object]:
    author = {"id": change.author_id, "name": change.author_name, "email": change.author_email}
    copy = {**author, "role": change.author_role} if change.author_id else None
    return {**vars(change), "expected": change.expected_line, "author": copy}


def _said(told: PlanEntries) -> dict[str, object]:
    request = {name: told.data[name] for name in ("method", "path", "query", "body", "expected")}
    people = told.body.get("people") or {}
    authors = {"author": people["author"], "earlier": people["earlier"]} if people.get("author") else {}
    event = told.body["event"]
    names = {name: event[name][:255] for name in ("source_name", "before_name", "after_name")}
    return {
        "sentence": told.body["sentence"],
        "project_key": told.body["project_key"],
        **names,
        **request,
        "event": event,
        **authors,
    }


def _ended(change: Change) -> dict[str, object]:
    return {"detail": change.detail, "sent_at": change.sent_at}


def _told_end(told: PlanEntries) -> dict[str, object]:
    happened = told.body["happened_at"]
    return {"detail": told.data["detail"], "sent_at": datetime.fromisoformat(happened) if happened else None}


def _overwrite_compared(change: Change, what: str, told: Sequence[PlanEntries]) -> Iterator[Difference]:
    if bool(told) != bool(change.overwrote_name):
        yield altered(CHANGES, what, "overwrote_name", change.overwrote_name, "something" if told else "")
    elif change.overwrote not in (said := [each.data["overwrote"] for each in told] or [None]):
        yield altered(CHANGES, what, "overwrote", change.overwrote, said[-1], told[-1].seq if told else None)


LOOKS = (
    TableComparison(name="plans and changes", page=plans, count=Change.objects.count, of_plans=of_plans),
    TableComparison(name="plans that are gone", page=plans_that_are_gone),
)

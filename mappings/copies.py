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
from connectors.ports.differences import MISSING, SURPLUS, UNREADABLE, Difference, Page, Position, TableComparison
from mappings.edits.key_on_write import has_choice
from mappings.engine.families import FAMILIES
from mappings.models import UNDER_WAY, Change, ChangeState, Plan, PlanState
from mappings.planning.creation import stored_fingerprint
from mappings.planning.digests import digest_of

SIZE = 20  # plans of one page
AT_ONCE = 500  # entries in memory, of thousands that one plan may have
PLANS, CHANGES = "plans", "changes"
MADE, RETRIED, FINISHED_PLAN = "plan.made", "plan.retry", "plan.finished"
APPROVALS = ("plan.approved", "plan.emergency_approved")
STARTS = ("plan.started", RETRIED)
# What a plan can be after the last of these entries. An apply that was asked to pause does so without another entry.
STATES: Mapping[str, frozenset[PlanState]] = {
    MADE: frozenset({PlanState.DRAFT}),
    **dict.fromkeys(APPROVALS, frozenset({PlanState.APPROVED})),
    **dict.fromkeys((*STARTS, "plan.pause", "plan.paused", "plan.resume"), frozenset(UNDER_WAY)),
    "plan.cancel": frozenset({*UNDER_WAY, PlanState.CANCELLED}),
    FINISHED_PLAN: frozenset({PlanState.FINISHED, PlanState.CANCELLED}),
    "plan.replaced": frozenset({PlanState.REPLACED}),
}
ENDS = ("plan.cancel", "plan.finished", "plan.replaced")
UNSENT = frozenset({ChangeState.PLANNED, ChangeState.CANCELLED})
UNDER_WAY_NOW = frozenset({ChangeState.SENDING})
OUTCOMES: Mapping[str, frozenset[ChangeState]] = {
    "change.done": frozenset({ChangeState.DONE}),
    "change.kept": frozenset({ChangeState.DONE}),
    "change.failed": frozenset({ChangeState.FAILED}),
    "change.stale": frozenset({ChangeState.STALE}),
    "change.unknown": frozenset({ChangeState.UNKNOWN}),
    "change.planned": UNSENT,
    "change.retried": UNSENT,
    "change.cancelled": frozenset({ChangeState.CANCELLED}),
}
SENT, OVERWROTE = "change.sent", "change.overwrote"


@dataclass(frozen=True, kw_only=True)
class PlanEntry:
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

    acts: dict[str, PlanEntry] = field(default_factory=dict)
    last: PlanEntry | None = None  # that says where the plan stands
    outcomes: dict[int, PlanEntry] = field(default_factory=dict)
    sent: dict[int, int] = field(default_factory=dict)  # by position, the last entry that its request left
    sent_again: dict[int, int] = field(default_factory=dict)  # likewise that it is to be sent once more
    overwrites: dict[int, list[PlanEntry]] = field(default_factory=dict)

    def add(self, entry: PlanEntry) -> None:
        if entry.action in OUTCOMES:
            self.outcomes[_position(entry)] = entry
        elif entry.action == OVERWROTE:
            for position in entry.data["changes"]:
                self.overwrites.setdefault(position, []).append(entry)
        else:
            self.acts[entry.action] = entry
            if entry.action in STATES:
                self.last = entry
            if entry.action == RETRIED:
                self.sent_again |= dict.fromkeys(entry.data["changes"], entry.seq)

    def is_under_way(self, position: int) -> bool:
        """Its request left, and nothing says since what became of it."""
        outcome = self.outcomes.get(position)
        since = max(outcome.seq if outcome else 0, self.sent_again.get(position, 0))
        return self.sent.get(position, 0) > since

    def latest(self, actions: Iterable[str]) -> PlanEntry | None:
        found = [self.acts[action] for action in actions if action in self.acts]
        return max(found, key=lambda entry: entry.seq, default=None)


def _position(entry: PlanEntry) -> int:
    return int(entry.body["subject"].rpartition(" ")[2])


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
        story = _story(numbers)
        if plan.state in UNDER_WAY or any(change.state == ChangeState.SENDING for change in changes):
            story.sent = _sent(plan, since=numbers[0])
        found += _plan_compared(plan, changes, story)
    return rows, found


def _numbers(plan: Plan) -> list[int]:
    rows = HistoryRow.objects.filter(plan=plan.pk, connector=plan.connector_id, entry_seq__isnull=False)
    return sorted(seq for seq in rows.values_list("entry_seq", flat=True) if seq)


def _story(numbers: Sequence[int]) -> Story:
    story = Story()
    for start in range(0, len(numbers), AT_ONCE):
        entries = Entry.objects.in_bulk(numbers[start : start + AT_ONCE])
        for seq, entry in sorted(entries.items()):
            story.add(PlanEntry(seq=seq, at=entry.at, action=entry.action, body=json.loads(entry.body)))
    return story


def _sent(plan: Plan, *, since: int) -> dict[int, int]:
    """By position, the last entry that says that its request left. These have no row, so they are looked for."""
    about = f'"subject":"plan {plan.pk} change '
    entries = Entry.objects.filter(action=SENT, seq__gt=since, body__contains=about).order_by("seq")
    return {
        int(json.loads(body)["subject"].rpartition(" ")[2]): seq for seq, body in entries.values_list("seq", "body")
    }


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
    if plan.state not in _states_after(story.last):
        yield altered(PLANS, what, "state", plan.state, story.last.action, story.last.seq)
    yield from _times_compared(plan, story, made, approval)
    yield from _origin_compared(plan, story)
    yield from _changes_compared(plan, changes, made, story)


def _states_after(entry: PlanEntry) -> frozenset[PlanState]:
    """One that ended was cancelled where any of its changes was."""
    if entry.action != FINISHED_PLAN:
        return STATES[entry.action]
    return frozenset({PlanState.CANCELLED if entry.data["counts"].get("cancelled") else PlanState.FINISHED})


def _made(made: PlanEntry) -> dict[str, object]:
    planner = (made.body.get("people") or {}).get("planner")
    author = {"author_id": planner["id"]} if planner else {}  # one of before may have been refreshed by somebody else
    said = {"reason": made.body["reason"], "ticket": made.body["ticket"], "fingerprint": made.data["fingerprint"]}
    return {**said, **author, "is_ours": made.data.get("is_ours", False)}


def _approved(entry: PlanEntry | None) -> dict[str, object]:
    if entry is None:
        return {"approver_id": None, "approved_fingerprint": "", "emergency_reason": ""}
    return {
        "approver_id": entry.actor,
        "approved_fingerprint": entry.data["fingerprint"],
        "emergency_reason": entry.data.get("emergency_reason", ""),
    }


def _times_compared(plan: Plan, story: Story, made: PlanEntry, approval: PlanEntry | None) -> Iterator[Difference]:
    """Of when it was finished only that it was: a cancelled one may end later than that was asked for."""
    pairs = (
        ("created_at", plan.created_at, made),
        ("approved_at", plan.approved_at, approval),
        ("started_at", plan.started_at, story.acts.get("plan.started")),
        ("finished_at", plan.finished_at, story.last if story.last and story.last.action == "plan.finished" else None),
    )
    for name, at, entry in pairs:
        if entry and not is_near(at, entry.at):
            yield altered(PLANS, f"plan {plan.pk}", name, at, entry.at, entry.seq)
        elif entry is None and at is not None and name != "finished_at":
            yield altered(PLANS, f"plan {plan.pk}", name, at, None)


def _origin_compared(plan: Plan, story: Story) -> Iterator[Difference]:
    """Which plan it takes back."""
    entry = story.acts.get("plan.takes_back")
    if entry and plan.restores_id != entry.data["takes_back"]:
        yield altered(PLANS, f"plan {plan.pk}", "restores", plan.restores_id, entry.data["takes_back"], entry.seq)


# -- its changes ------------------------------------------------------------------------------------------------------


def _changes_compared(plan: Plan, changes: Sequence[Change], made: PlanEntry, story: Story) -> Iterator[Difference]:
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
    except UNREADABLE:
        return ""


def _counts(changes: Sequence[Change]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        found[change.state] = found.get(change.state, 0) + 1
    return found


def _change_compared(plan: Plan, change: Change, story: Story) -> Iterator[Difference]:
    entry = story.outcomes.get(change.position)
    what = f"change {change.position} of plan {plan.pk}"
    was_sent_again = entry is not None and story.sent_again.get(change.position, 0) > entry.seq
    states = UNSENT if entry is None or was_sent_again else OUTCOMES[entry.action]
    if is_under_way := story.is_under_way(change.position):
        states = UNDER_WAY_NOW
    if change.state not in states or (change.state == ChangeState.CANCELLED and story.latest(ENDS) is None):
        said, seq = (entry.action, entry.seq) if entry else ("not sent", None)
        yield altered(CHANGES, what, "state", change.state, said, seq)
    if entry is None and is_under_way:
        yield from compared(CHANGES, what, {"detail": change.detail}, {"detail": ""}, None)
    elif entry is None:
        yield from compared(CHANGES, what, {**_ended(change), "key_turned": change.key_turned}, NOT_SENT, None)
    else:
        is_open = was_sent_again or entry.action not in FINISHED
        yield from compared(CHANGES, what, _says(change, entry, is_open=is_open), _said(entry), entry.seq)
        if change.key_turned and not has_choice(FAMILIES[change.family].direction, change.method):
            yield altered(CHANGES, what, "key_turned", change.key_turned, False, entry.seq)
        if was_sent_again and not is_under_way and change.state == ChangeState.PLANNED:
            yield from compared(CHANGES, what, {"detail": change.detail}, {"detail": ""}, entry.seq)
        if change.state in OUTCOMES[entry.action] and not was_sent_again and entry.action in FINISHED:
            yield from compared(CHANGES, what, _ended(change), _end_in_entry(entry), entry.seq)
    yield from _overwrite_compared(change, what, story.overwrites.get(change.position, []))


NOT_SENT = {"detail": "", "sent_at": None, "key_turned": False}
FINISHED = ("change.done", "change.kept", "change.failed", "change.stale", "change.unknown")


def _says(change: Change, entry: PlanEntry, *, is_open: bool) -> dict[str, object]:
    """`is_open`: it is to be sent once more, perhaps the other way with the project's key than the entry tells."""
    ways = (change.sent(turned=False), change.sent(turned=True))
    query, body = ways[change.key_turned]
    said = entry.data["query"], entry.data["body"]
    if is_open and said in ways:
        query, body = said
    author = {"id": change.author_id, "name": change.author_name, "email": change.author_email}
    copy = {**author, "role": change.author_role} if change.author_id else None
    return {**vars(change), "query": query, "body": body, "expected": change.expected_line, "author": copy}


def _said(entry: PlanEntry) -> dict[str, object]:
    request = {name: entry.data[name] for name in ("method", "path", "query", "body", "expected")}
    people = entry.body.get("people") or {}
    authors = {"author": people["author"], "earlier": people["earlier"]} if people.get("author") else {}
    event = entry.body["event"]
    names = {name: event[name][:255] for name in ("source_name", "before_name", "after_name")}
    return {
        "sentence": entry.body["sentence"],
        "project_key": entry.body["project_key"],
        **names,
        **request,
        "event": event,
        **authors,
    }


def _ended(change: Change) -> dict[str, object]:
    return {"detail": change.detail, "sent_at": change.sent_at}


def _end_in_entry(entry: PlanEntry) -> dict[str, object]:
    happened = entry.body["happened_at"]
    return {"detail": entry.data["detail"], "sent_at": datetime.fromisoformat(happened) if happened else None}


def _overwrite_compared(change: Change, what: str, entries: Sequence[PlanEntry]) -> Iterator[Difference]:
    if bool(entries) != bool(change.overwrote_name):
        yield altered(CHANGES, what, "overwrote_name", change.overwrote_name, "something" if entries else "")
    elif change.overwrote not in (said := [each.data["overwrote"] for each in entries] or [None]):
        yield altered(CHANGES, what, "overwrote", change.overwrote, said[-1], entries[-1].seq if entries else None)


COMPARISONS = (
    TableComparison(name="plans and changes", page=plans, count=Change.objects.count, of_plans=of_plans),
    TableComparison(name="plans that are gone", page=plans_that_are_gone),
)

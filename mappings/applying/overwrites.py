"""Changes of others that slipped in between our last look at Align and our write: found in Align's log, and told.

Align has no conditional write, so they cannot be kept from being overwritten. But its own line of our write says what
that write replaced, and the lines stand in Align's order: no difference between two clocks can change the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.audit_sentences import A2J, CREATED, DELETED, UPDATED, MappingEvent, parse
from connectors.history.mirror.matching import window
from connectors.models import AuditSource, Connector, HistoryRow, Source
from connectors.ports.audited import context_of, event_fields
from mappings.applying.outcomes import ALREADY_ABSENT
from mappings.engine.values import ALIGN_STATES, Kind
from mappings.engine.words import same_name
from mappings.models import Change, ChangeState
from mappings.planning.authors import author_of, earlier_of

RECENT = timedelta(days=1)  # older lines are looked at when an intake has just brought them
NO_RECORD = "no record"
AS_PLANNED, EMPTY, REPLACED = 1002, 1001, 1000  # one pair more counts for more than any of them being as planned


@dataclass(frozen=True, kw_only=True)
class LoggedKey:
    """What a line of Align's log names. From Align to Jira most lines do not say the project."""

    kind: str
    direction: str
    work_item_type: str
    source_id: int

    @property
    def family(self) -> str:
        return f"{self.direction}-{self.kind}"


@dataclass(frozen=True, kw_only=True)
class LoggedChange:
    """One line of a key: `is_ours` when the join has found our change for it, `projects` where it may have been.

    `at` is Align's time, `recorded_at` ours of when it came in.
    """

    pk: int
    at: datetime
    recorded_at: datetime
    user: str
    event: MappingEvent
    is_ours: bool
    projects: frozenset[str]

    @property
    def changes_nothing(self) -> bool:
        event = self.event
        return event.action == UPDATED and event.before_id is None and event.after_id is None

    @property
    def names_project(self) -> bool:
        return self.event.direction != A2J or self.event.project_key is not None


@dataclass(frozen=True, kw_only=True)
class Overwrite:
    """A value of somebody else's that our write replaced. Of several `changes` the log does not say which it was."""

    changes: tuple[Change, ...]
    value: int | None
    name: str
    theirs: LoggedChange | None  # their line; None: Align's log does not show who set it
    ours: LoggedChange


def find_overwrites(connector: Connector, since: datetime | None = None) -> int:
    """Record what our writes have overwritten, by the mirrored lines from `since` on; returns their number.

    Looking again finds nothing new. An overwrite is told once, by one entry, however often its lines are read.
    """
    recent = timezone.now() - RECENT
    since = min(since, recent) if since else recent
    found = [each for key in _suspects(connector, since) for each in _overwrites(connector, key, since)]
    return _record(connector, found) if found else 0


def only_in_log(connector: Connector) -> str:
    """What the page of a plan says where nobody would tell of an overwrite; empty where the log is read."""
    if connector.audit_source == AuditSource.ENDPOINT and not connector.log_by_hand:
        return ""
    return (
        "If somebody changes one of these mappings in Align in the seconds between the last look and the write, that "
        "change is overwritten, and only Align's own audit log shows it. That log is not read here: paste "
        "or upload its lines after the apply, and what was overwritten is told here."
    )


# --- where to look -----------------------------------------------------------------------------------------------


def _suspects(connector: Connector, since: datetime) -> list[LoggedKey]:
    """Keys with a line that is not ours, and a change of ours: whoever overwrites leaves such a line."""
    rows = HistoryRow.objects.filter(connector=connector, source=Source.OUTSIDE, at__gte=since).exclude(object_id=None)
    lines = set(rows.order_by().values_list("kind", "direction", "work_item_type", "object_id").distinct())
    if not lines:
        return []
    written = _written(connector, since).order_by().values_list("family", "work_item_type", "source_id").distinct()
    keys = [
        LoggedKey(kind=k, direction=d, work_item_type=t, source_id=s) for k, d, t, s in sorted(lines) if s is not None
    ]
    changed = set(written)
    return [key for key in keys if (key.family, key.work_item_type, key.source_id) in changed]


def _written(connector: Connector, since: datetime) -> QuerySet[Change]:
    """Changes that took effect, for lines from `since` on."""
    return Change.objects.filter(plan__connector=connector, state=ChangeState.DONE, sent_at__gte=since - window())


def _changes(connector: Connector, key: LoggedKey, since: datetime) -> list[Change]:
    found = _written(connector, since).filter(
        family=key.family, work_item_type=key.work_item_type, source_id=key.source_id
    )
    # What was already absent was not written by us.
    return list(
        found.exclude(detail=ALREADY_ABSENT).select_related("plan__author", "plan__approver").order_by("sent_at", "pk")
    )


def _lines(connector: Connector, key: LoggedKey, first: datetime, last: datetime) -> list[LoggedChange]:
    """The key's lines in Align's order. A row of ours has our clock's time, hence twice the window."""
    reach = 2 * window()
    rows = HistoryRow.objects.filter(
        connector=connector,
        line__isnull=False,
        at__range=(first - reach, last + reach),
        kind=key.kind,
        direction=key.direction,
        work_item_type=key.work_item_type,
        object_id=key.source_id,
    ).select_related("line")
    made = [(line.remote_id or 0, each) for row in rows if (line := row.line) and (each := _line(row))]
    return [each for _, each in sorted(made, key=lambda item: (item[1].at, item[0], item[1].pk))]


def _line(row: HistoryRow) -> LoggedChange | None:
    line = row.line
    event = parse(line.description, line.type).event if line else None
    if line is None or event is None:
        return None
    return LoggedChange(
        pk=line.pk,
        at=line.at,
        recorded_at=line.recorded_at,
        user=line.user,
        event=event,
        is_ours=row.source == Source.OURS,
        projects=frozenset(row.candidates),
    )


# --- which line is whose -----------------------------------------------------------------------------------------


def _overwrites(connector: Connector, key: LoggedKey, since: datetime) -> Iterator[Overwrite]:
    """A connector that was made anew in Align has two logs: a line of one says nothing of a write to the other."""
    changes = _changes(connector, key, since)
    for number in sorted({_number(change) for change in changes}):
        yield from _overwrites_of(connector, key, number, [each for each in changes if _number(each) == number])


def _number(change: Change) -> int:
    number: int = change.event["connector_id"]
    return number


def _overwrites_of(connector: Connector, key: LoggedKey, number: int, changes: Sequence[Change]) -> Iterator[Overwrite]:
    every = _lines(connector, key, _sent(changes[0]), max(_answered(change) for change in changes))
    lines = [line for line in every if line.event.connector_id in (0, number)]
    is_one_list = len({change.project_key for change in changes}) == 1
    for change, line in (_in_order if is_one_list else _by_values)(changes, lines):
        if line.changes_nothing or _as_planned(change, line):
            continue
        if (found := _overwrite(change, line, lines, changes)) is not None:
            yield found


def _in_order(changes: Sequence[Change], lines: Sequence[LoggedChange]) -> Iterator[tuple[Change, LoggedChange]]:
    """Requests of one mapping leave one after the other, so their lines stand in their order: as many pairs as there
    can be, and of those the ones that are most as planned.
    """
    best = [[0] * (len(lines) + 1) for _ in range(len(changes) + 1)]
    fits = [[_fit(change, line) for line in lines] for change in changes]
    for c in reversed(range(len(changes))):
        for n in reversed(range(len(lines))):
            taken = fits[c][n] + best[c + 1][n + 1] if fits[c][n] else 0
            best[c][n] = max(taken, best[c + 1][n], best[c][n + 1])
    c = n = 0
    while c < len(changes) and n < len(lines):
        if fits[c][n] and best[c][n] == fits[c][n] + best[c + 1][n + 1]:
            yield changes[c], lines[n]
            c, n = c + 1, n + 1
        elif best[c][n] == best[c + 1][n]:
            c += 1
        else:
            n += 1


def _by_values(changes: Sequence[Change], lines: Sequence[LoggedChange]) -> Iterator[tuple[Change, LoggedChange]]:
    """Of several projects at once neither project nor order is known: first what went as planned, then the rest."""
    left, waiting = list(lines), list(changes)
    for least in (AS_PLANNED, EMPTY, REPLACED):
        for change in list(waiting):
            line = next((line for line in left if _fit(change, line) == least), None)
            if line is not None:
                left.remove(line)
                waiting.remove(change)
                yield change, line


def _fit(change: Change, line: LoggedChange) -> int:
    """0 where the line cannot be that of the change's request; the more it is as planned, the higher."""
    reach = window()
    is_near = _sent(change) - reach <= line.at <= _answered(change) + reach
    # What was here before the request left is of another one, however alike: ours may not be in the log yet.
    if not is_near or line.recorded_at < _sent(change) or not _may_be_of(change, line):
        return 0
    if _as_planned(change, line):
        return AS_PLANNED
    if _changes_nothing(change, line):
        return EMPTY
    return REPLACED if _replaces(change, line) else 0


def _may_be_of(change: Change, line: LoggedChange) -> bool:
    return line.event.project_key is None or line.event.project_key == change.project_key


def _as_planned(change: Change, line: LoggedChange) -> bool:
    """The line says that our write replaced just what was planned to be replaced."""
    event = line.event
    if change.after is None:
        return event.action == DELETED and _is_value(event.before_id, event.before_name, change)
    if change.before is None:
        return event.action == CREATED and event.after_id == change.after
    return event.action == UPDATED and (event.before_id, event.after_id) == (change.before, change.after)


def _is_value(number: int | None, name: str, change: Change) -> bool:
    """Most deletions are told by names alone."""
    if number is not None:
        return number == change.before
    return same_name(name) in {same_name(change.before_name), same_name(change.event.get("before_name", ""))}


def _changes_nothing(change: Change, line: LoggedChange) -> bool:
    """Somebody had set the very value we wrote: our write has an empty line, and nothing of theirs is lost."""
    return change.after is not None and line.changes_nothing


def _replaces(change: Change, line: LoggedChange) -> bool:
    if change.after is None:
        return line.event.action == DELETED
    return not line.is_ours and line.event.action != DELETED and line.event.after_id == change.after


# --- what was overwritten ----------------------------------------------------------------------------------------


def _overwrite(
    change: Change, line: LoggedChange, lines: Sequence[LoggedChange], changes: Sequence[Change]
) -> Overwrite | None:
    if line.event.action == CREATED:
        gone = [each for each in lines if each.event.action == DELETED and each.at <= line.at and not each.is_ours]
        return Overwrite(changes=(change,), value=None, name=NO_RECORD, theirs=gone[-1] if gone else None, ours=line)
    theirs = _setter(line, lines)
    if theirs is not None and theirs.is_ours:
        return None
    if theirs is None and not line.names_project:
        return None  # it may be of another project, where our write has nothing to do with it
    value = line.event.before_id if theirs is None else theirs.event.after_id
    if value is None:
        value = _state_called(change, line.event.before_name)
    if value is None or value == change.before:
        return None
    name = line.event.before_name or (theirs.event.after_name if theirs else "") or str(value)
    same = _of_same_values(change, theirs, changes) if theirs and not theirs.names_project else (change,)
    return Overwrite(changes=same, value=value, name=name, theirs=theirs, ours=line)


def _setter(ours: LoggedChange, lines: Iterable[LoggedChange]) -> LoggedChange | None:
    """The last line before `ours` that set what `ours` replaced; pasted lines have whole seconds and no order."""
    number, name = ours.event.before_id, ours.event.before_name
    found = None
    for line in lines:
        event = line.event
        sets = event.action != DELETED and event.after_id is not None and line.pk != ours.pk
        same = event.after_id == number if number is not None else same_name(event.after_name) == same_name(name)
        if sets and same and line.at <= ours.at:
            found = line
    return found


def _state_called(change: Change, name: str) -> int | None:
    if not change.family.endswith(Kind.STATE) or change.family.startswith(A2J):
        return None
    return next((number for number, each in ALIGN_STATES.items() if same_name(each) == same_name(name)), None)


def _of_same_values(change: Change, theirs: LoggedChange, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Identical changes of one plan in several projects: any of them may be the one whose write replaced theirs."""
    values = (change.plan_id, change.before, change.after, change.action)
    alike = [each for each in changes if (each.plan_id, each.before, each.after, each.action) == values]
    possible = [each for each in alike if each.project_key in theirs.projects]
    return tuple(possible or alike)


# --- telling -----------------------------------------------------------------------------------------------------


def _record(connector: Connector, found: Sequence[Overwrite]) -> int:
    acts: list[AuditRecord] = []
    with transaction.atomic():
        for overwrite in found:
            marked = [each for each in overwrite.changes if _mark(each, overwrite)]
            if marked:
                acts.append(_audit_record(connector, marked[0], overwrite))
        trail.record_all(acts)
    return len(acts)


def _mark(change: Change, overwrite: Overwrite) -> bool:
    """Once, whoever looks: the conditional update is what lets one entry be written."""
    others = len(overwrite.changes) - 1
    doubt = f" (here or in {others} other project{'' if others == 1 else 's'})" if others else ""
    unmarked = Change.objects.filter(pk=change.pk, overwrote_name="")
    name = overwrite.name[: 255 - len(doubt)] + doubt
    return bool(unmarked.update(overwrote_name=name, overwrote=overwrite.value))


def _audit_record(connector: Connector, change: Change, overwrite: Overwrite) -> AuditRecord:
    plan, event = change.plan, MappingEvent(**change.event)
    return AuditRecord(
        action="change.overwrote",
        actor=None,
        context=context_of(connector),
        subject=f"plan {plan.pk} change {change.position}",
        sentence=_sentence(change, overwrite),
        data={
            "overwrote": overwrite.value,
            "changes": [each.position for each in overwrite.changes],
            "set_by": overwrite.theirs.user if overwrite.theirs else "",
            "set_at": overwrite.theirs.at.isoformat() if overwrite.theirs else "",
        },
        event=event_fields(
            replace(event, before_id=overwrite.value, before_name="" if overwrite.value is None else overwrite.name)
        ),
        plan=plan.pk,
        project_key=change.project_key,
        author=author_of(change),
        earlier=earlier_of(change),
        planner=plan.author,
        approver=plan.approver,
        reason=plan.reason,
        ticket=plan.ticket,
        happened_at=change.sent_at,
    )


def _sentence(change: Change, overwrite: Overwrite) -> str:
    theirs = overwrite.theirs
    who = f"set by {theirs.user} at {theirs.at:%H:%M:%S} UTC" if theirs else "set by somebody Align's log does not name"
    places = ", ".join(sorted({each.project_key for each in overwrite.changes if each.project_key}))
    doubt = f" Align's log does not say in which of {places}." if len(overwrite.changes) > 1 else ""
    return (
        f"Overwrote {overwrite.name}, {who}, between our last look and our write. {change.sentence}{doubt} "
        "To have theirs again, put it back on the plan's page."
    )


def _sent(change: Change) -> datetime:
    if change.sent_at is None:
        raise ValueError(f"change {change.pk} was never sent")
    return change.sent_at


def _answered(change: Change) -> datetime:
    return max(change.answered_at or _sent(change), _sent(change))

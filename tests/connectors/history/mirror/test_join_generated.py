"""A generated history of thousands of changes over 200 projects, as Align's log would tell it: every count right."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from alignadmin.audit.entries import lock_head
from connectors.align.audit_sentences import A2J, CREATED, DELETED, J2A, STATE, STEP, UPDATED, MappingEvent, write
from connectors.history.intake.pasted_log import LogLine
from connectors.history.mirror.matching import rejoin
from connectors.models import Case, CaseState, Certainty, Connector, HistoryRow, Intake, MirrorLine, Source
from tests.connectors.history.mirror.test_audit_join import NOON, REACH, align, line, ours
from tests.support import factories

__all__ = ["align"]

PROJECTS, OUTSIDE_SHARE = 200, 0.01
SKEW = 300  # seconds between the two clocks, at most
STATUSES = range(10_000, 10_012)  # the same ids in every project


@dataclass(kw_only=True)
class Generated:
    """What happened: our changes, and every line of the log with the change it is of (None: somebody else's)."""

    ours: list[tuple[MappingEvent, datetime]] = field(default_factory=list)
    lines: list[tuple[LogLine, int | None]] = field(default_factory=list)


def generate(rng: random.Random, changes: int) -> Generated:
    """Ten changes a minute. Each line is written up to five minutes off our clock; a few are never written."""
    made = Generated()
    for number in range(changes):
        at = NOON + timedelta(seconds=6 * number)
        event = an_event(rng)
        written = at + timedelta(seconds=rng.randint(-SKEW, SKEW))
        told = line(write(replace(event, record_id=number)), written, number)
        if rng.random() < OUTSIDE_SHARE:
            made.lines.append((told, None))
            continue
        made.ours.append((event, at))
        if rng.random() > 0.005:
            made.lines.append((told, len(made.ours) - 1))
    return made


def an_event(rng: random.Random) -> MappingEvent:
    direction, action, kind = rng.choice([J2A, A2J]), rng.choice([CREATED, UPDATED, DELETED]), rng.choice([STATE, STEP])
    status, target = rng.sample(STATUSES, 2)
    units = range(6) if kind == STATE else range(500, 512)
    unit, other = rng.sample(units, 2)
    source, before, after = (status, other, unit) if direction == J2A else (unit, status, target)
    return MappingEvent(
        connector_id=123,
        action=action,
        kind=kind,
        direction=direction,
        work_item_type=rng.choice(["Feature", "Story", "Defect"]),
        source_id=source,
        source_name=f"Name {source}",
        project_key=f"P{rng.randrange(PROJECTS)}" if direction == A2J else None,
        before_id=None if action == CREATED else before,
        before_name="" if action == CREATED else f"Name {before}",
        after_id=None if action == DELETED else after,
        after_name="" if action == DELETED else f"Name {after}",
    )


def look(event: MappingEvent) -> str:
    """Two changes look the same in the log when their sentences do, up to the record's id."""
    return write(replace(event, record_id=None))


# --- what must come out, by another way than the join's ---------------------------------------------------------------


@dataclass(kw_only=True)
class Expected:
    paired: int = 0
    surplus: int = 0
    may_be_exact: set[int] = field(default_factory=set)  # our changes that are alone with one line


def expected(made: Generated) -> Expected:
    """By look: neighbours within the window form a group; in it as many pairs as a maximum matching has."""
    mine: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    theirs: dict[str, list[datetime]] = defaultdict(list)
    for number, (event, at) in enumerate(made.ours):
        mine[look(event)].append((at, number))
    for told, _ in made.lines:
        assert told.at is not None
        theirs[_without_id(told.description)].append(told.at)
    found = Expected()
    for key in {*mine, *theirs}:
        _match(mine[key], theirs[key], found)
    return found


def _without_id(description: str) -> str:
    head, separator, rest = description.partition(" Id: ")
    return f"{head} Id: ?,{rest.partition(',')[2]}" if separator else description


def _match(mine: list[tuple[datetime, int]], theirs: list[datetime], found: Expected) -> None:
    partner: dict[int, int] = {}

    def place(ours: int, seen: set[int]) -> bool:
        for number, at in enumerate(theirs):
            if abs(mine[ours][0] - at) <= REACH and number not in seen:
                seen.add(number)
                if number not in partner or place(partner[number], seen):
                    partner[number] = ours
                    return True
        return False

    pairs = sum(place(number, set()) for number in range(len(mine)))
    found.paired, found.surplus = found.paired + pairs, found.surplus + len(theirs) - pairs
    for at, number in mine:
        near = [other for other, _ in mine if abs(other - at) <= REACH]
        if len(near) == 1 and sum(abs(other - at) <= REACH for other in theirs) == 1:
            found.may_be_exact.add(number)


# --- the real thing ---------------------------------------------------------------------------------------------------


def take_in_overlapping(connector: Connector, lines: Sequence[LogLine], rng: random.Random) -> None:
    """In parts that overlap, each out of order, the parts out of order, too; a third of the parts comes twice."""
    parts = [lines[max(0, start - 200) : start + 1000] for start in range(0, len(lines), 1000)]
    rng.shuffle(parts)
    for part in [*parts, *parts[: len(parts) // 3]]:
        shuffled = rng.sample(part, len(part))
        factories.lines_taken_in(connector, shuffled, Intake.ENDPOINT, NOON)


@pytest.mark.parametrize("changes", [2_000, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("lines_first", [False, True])
def test_a_generated_history_is_joined_with_every_count_right(
    align: Connector, lines_first: bool, changes: int, seed: int
) -> None:
    rng = random.Random(seed)
    made = generate(rng, changes)
    wanted = expected(made)
    lines = [told for told, _ in made.lines]
    early = len(made.ours) - (500 if lines_first else 0)  # the others are told after their lines came
    for start in range(0, early, 1000):
        ours(align, *made.ours[start : min(start + 1000, early)])
    take_in_overlapping(align, lines, rng)
    for start in range(early, len(made.ours), 250):
        ours(align, *made.ours[start : start + 250])

    outside_lines = sum(of is None for _, of in made.lines)
    rows = HistoryRow.objects.filter(connector=align).exclude(action__startswith="case.")
    assert MirrorLine.objects.count() == len(lines)  # neither lost nor doubled
    assert rows.filter(source=Source.OURS, line__isnull=False).count() == wanted.paired
    assert rows.filter(source=Source.OUTSIDE).count() == wanted.surplus >= outside_lines * 0.9
    assert_nothing_is_called_exact_that_is_not(made, wanted)
    assert_every_surplus_line_is_a_case(wanted)
    before = sorted(rows.values_list("source", "line", "certainty", "identical", "entry_seq"), key=str)
    with transaction.atomic():
        lock_head()
        joined = rejoin(align)
    assert (joined.paired, joined.outside) == (wanted.paired, wanted.surplus)
    assert sorted(rows.values_list("source", "line", "certainty", "identical", "entry_seq"), key=str) == before


def assert_nothing_is_called_exact_that_is_not(made: Generated, wanted: Expected) -> None:
    true_line = {of: told.remote_id for told, of in made.lines if of is not None}
    paired = HistoryRow.objects.filter(source=Source.OURS, line__isnull=False).order_by("entry_seq")
    number_of = _numbers(made)
    called = Counter()  # type: ignore[var-annotated]
    for row in paired.exclude(certainty=Certainty.ONE_OF_MANY).select_related("line"):
        number = number_of[row.entry_seq]
        assert number in wanted.may_be_exact
        assert row.line is not None
        called[true_line.get(number) == row.line.remote_id] += 1
    # Only a change whose own line was never written can be paired with somebody else's of the very same look.
    assert called[True] > len(made.ours) / 4
    assert called[False] <= len(made.ours) - len(true_line)


def _numbers(made: Generated) -> dict[int | None, int]:
    """Entries stand in the order in which the changes were told."""
    done = HistoryRow.objects.filter(source=Source.OURS, kind__gt="").order_by("entry_seq")
    seqs = list(done.values_list("entry_seq", flat=True))
    assert len(seqs) == len(made.ours)
    return {seq: number for number, seq in enumerate(seqs)}


def assert_every_surplus_line_is_a_case(wanted: Expected) -> None:
    surplus = set(HistoryRow.objects.filter(source=Source.OUTSIDE).values_list("line", flat=True))
    open_ = set(Case.objects.filter(state=CaseState.OPEN).values_list("line", flat=True))
    taken_back = set(Case.objects.filter(state=CaseState.REVERTED).values_list("line", flat=True))
    assert len(surplus) == wanted.surplus
    assert open_ | taken_back == surplus
    assert not open_ & taken_back

"""Our changes and the lines of Align's log: paired as multisets, never called exact in doubt, nothing outside lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.audit_sentences import A2J, CREATED, DELETED, J2A, STATE, STEP, UPDATED, MappingEvent, write
from connectors.history.intake.pasted_log import LogLine
from connectors.history.mirror import search_terms
from connectors.history.mirror.matching import Cluster, Joined, Point, clusters, pair, rejoin
from connectors.models import (
    Certainty,
    Connector,
    HistoryRow,
    Intake,
    IssueType,
    MirrorLine,
    Project,
    ReachableStatus,
    Source,
    Status,
)
from connectors.ports.audited import context_of, event_fields
from tests.support import factories
from tests.support.events import EVENT

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REACH = timedelta(minutes=5)


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
    )


def ours(connector: Connector, *events: tuple[MappingEvent, datetime]) -> None:
    with transaction.atomic():
        trail.record_all(
            [
                AuditRecord(
                    action="change.done",
                    actor=None,
                    context=context_of(connector),
                    subject="plan 1",
                    sentence="A change.",
                    event=event_fields(event),
                    plan=1,
                    project_key=event.project_key or "",
                    happened_at=at,
                )
                for event, at in events
            ]
        )


def line(description: str, at: datetime, remote_id: int | None = None) -> LogLine:
    return LogLine(
        number=1,
        raw="",
        type="CONFIG 123",
        user="Jira Align System",
        at=at,
        description=description,
        remote_id=remote_id,
    )


def theirs(connector: Connector, *lines: LogLine) -> None:
    factories.lines_taken_in(connector, lines, Intake.ENDPOINT, NOON)


def told(event: MappingEvent, at: datetime) -> LogLine:
    return line(write(event), at)


def states(connector: Connector) -> list[tuple[str, str, int]]:
    rows = HistoryRow.objects.filter(connector=connector).exclude(action__startswith="case.").order_by("at", "id")
    return [(row.source, row.certainty, row.identical) for row in rows]


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


OURS, OUTSIDE, ALIGN = Source.OURS, Source.OUTSIDE, Source.ALIGN
EXACT, ONE_OF, NONE = Certainty.EXACT, Certainty.ONE_OF_MANY, Certainty.NONE


@pytest.mark.parametrize("lines_first", [False, True])
def test_one_change_and_its_line_are_one_row_in_either_order(align: Connector, lines_first: bool) -> None:
    if lines_first:
        theirs(align, told(EVENT, minutes(4.9)))
    ours(align, (EVENT, NOON))
    if not lines_first:
        theirs(align, told(EVENT, minutes(4.9)))
    assert states(align) == [(OURS, EXACT, 1)]
    row = HistoryRow.objects.select_related("line").get(action=UPDATED)
    assert row.line is not None
    assert row.line.description == write(EVENT)
    assert row.project_key == "PROJ"


def test_a_line_outside_the_window_is_not_the_changes_own(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(5.1)))
    assert states(align) == [(OURS, NONE, 0), (OUTSIDE, NONE, 0)]


@pytest.mark.parametrize("at", [-5, 5])
def test_a_line_at_the_very_edge_of_the_window_is_the_changes_own(align: Connector, at: float) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(at)))
    assert states(align) == [(OURS, EXACT, 1)]


def test_a_change_is_found_by_the_user_of_its_line_as_long_as_that_is_its_line(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(1)))
    row = HistoryRow.objects.get(action=UPDATED)
    words = search_terms.beginnings(search_terms.REMOTE, "Jira Align System")
    assert words
    assert set(words) <= set(row.text.split(" "))
    assert not set(words) & set(search_terms.with_remote(row.text, "").split(" "))


def test_identical_changes_in_several_projects_are_one_of_k(align: Connector) -> None:
    ours(align, *((replace(EVENT, project_key=key), minutes(n)) for n, key in enumerate("ABC")))
    theirs(align, *(told(EVENT, minutes(n)) for n in range(3)))
    assert states(align) == [(OURS, ONE_OF, 3)] * 3
    assert MirrorLine.objects.count() == 3


def test_one_line_more_is_an_outside_case_with_its_candidates(align: Connector) -> None:
    ours(align, *((replace(EVENT, project_key=key), minutes(n)) for n, key in enumerate("BA")))
    theirs(align, *(told(EVENT, minutes(n)) for n in range(3)))
    assert Counter(states(align)) == {(OURS, ONE_OF, 3): 2, (OUTSIDE, NONE, 0): 1}
    outside = HistoryRow.objects.get(source=OUTSIDE)
    assert (outside.project_stated, outside.project_key, outside.candidates) == (False, "", ["A", "B"])


def test_a_later_line_corrects_what_was_called_exact(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(1)))
    assert states(align) == [(OURS, EXACT, 1)]
    theirs(align, told(EVENT, minutes(2)))
    assert states(align) == [(OURS, ONE_OF, 2), (OUTSIDE, NONE, 0)]


def test_a_change_told_later_takes_the_line_that_was_outside(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(EVENT, minutes(1)), told(EVENT, minutes(2)))
    ours(align, (replace(EVENT, project_key="B"), minutes(2)))
    assert states(align) == [(OURS, ONE_OF, 2)] * 2


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_chain_of_changes_is_settled_whole_however_long_it_is(align: Connector, newest_first: bool) -> None:
    """Only what is near a new row is read again, unless what hangs together goes on beyond it."""
    times = [minutes(4.5 * n) for n in range(-400, 1)]  # thirty hours, none further from the next than the window
    late, first = (times[0], times[1:]) if newest_first else (times[-1], times[:-1])
    ours(align, *((EVENT, at) for at in times))
    theirs(align, *(told(EVENT, at) for at in first))
    assert states(align).count((OURS, ONE_OF, 401)) == 400
    theirs(align, told(EVENT, late))
    assert states(align) == [(OURS, ONE_OF, 401)] * 401


def test_of_what_looks_the_same_for_years_only_the_near_is_read(align: Connector) -> None:
    years = [NOON - timedelta(days=7 * n) for n in range(1, 150)]
    for at in years:
        ours(align, (EVENT, at))
        theirs(align, told(EVENT, at))
    ours(align, (EVENT, NOON))
    read: list[object] = []

    def count(sender: type[HistoryRow], **kwargs: object) -> None:
        read.append(sender)

    post_init.connect(count, sender=HistoryRow)
    try:
        theirs(align, told(EVENT, NOON))
    finally:
        post_init.disconnect(count, sender=HistoryRow)
    assert len(read) == 1  # ours; the one made of the line comes without the signal
    assert states(align) == [(OURS, EXACT, 1)] * 150
    assert rejoin(align) == Joined(paired=150, exact=150, outside=0)


def test_a_created_line_names_its_project_so_it_is_exact(align: Connector) -> None:
    made = replace(EVENT, action=CREATED, before_id=None, before_name="")
    ours(align, (made, NOON), (replace(made, project_key="B"), NOON))
    theirs(align, told(replace(made, record_id=41), NOON), told(replace(made, project_key="B", record_id=42), NOON))
    assert states(align) == [(OURS, EXACT, 1)] * 2


def test_another_before_value_is_another_change(align: Connector) -> None:
    ours(align, (EVENT, NOON))
    theirs(align, told(replace(EVENT, before_id=10011, before_name="To Do"), NOON))
    assert states(align) == [(OURS, NONE, 0), (OUTSIDE, NONE, 0)]


@pytest.mark.parametrize("name", ["a] To [b", "x → y", "z (5) AlignStateId Changed - From [", "-", "Dev  COMPLETE"])
def test_names_with_separators_are_paired_all_the_same(align: Connector, name: str) -> None:
    for number, action in enumerate((CREATED, UPDATED, DELETED)):
        event = replace(EVENT, action=action, source_name=name, before_name=name, after_name=name, record_id=4)
        ours(align, (replace(event, record_id=None), minutes(number * 20)))
        theirs(align, told(event, minutes(number * 20 + 1)))
    assert [state[:2] for state in states(align)] == [(OURS, EXACT)] * 3


def test_lines_of_other_connectors_and_other_kinds_are_kept_but_are_no_outside_change(align: Connector) -> None:
    other = replace(line(write(EVENT), NOON), type="CONFIG 456")
    theirs(align, other, line("Connector saved", NOON))
    assert [state[0] for state in states(align)] == [ALIGN, ALIGN]
    assert list(HistoryRow.objects.order_by("id").values_list("parsed", flat=True)) == [True, False]


def test_candidates_are_the_carried_projects_that_have_the_statuses_in_scope_here_or_not(align: Connector) -> None:
    statuses = [
        Status.objects.create(connector=align, jira_id=n, name=f"S{n}", category="todo") for n in (10012, 10013)
    ]
    story = IssueType.objects.create(connector=align, jira_id=1, name="Story")
    carried = [("A", 2, "yes"), ("B", 1, "yes"), ("C", 2, "no"), ("D", 2, "yes"), ("E", 2, "out")]
    for number, (key, reaches, fact) in enumerate(carried):
        choice = {"scope_choice": "out", "carried": "yes"} if fact == "out" else {"carried": fact}
        shown = {"in_scope": fact == "yes", **choice}
        project = Project.objects.create(connector=align, jira_id=number, key=key, name=key, **shown)
        for status in statuses[:reaches]:
            ReachableStatus.objects.create(project=project, issue_type=story, status=status)
    theirs(align, told(EVENT, NOON), told(replace(EVENT, action=DELETED, before_name="S10013"), NOON))
    assert [row.candidates for row in HistoryRow.objects.order_by("id")] == [["A", "D", "E"]] * 2


def test_a_status_of_a_team_managed_project_names_the_project(align: Connector) -> None:
    project = Project.objects.create(connector=align, jira_id=1, key="TEAM", name="Team", team_managed=True)
    Status.objects.create(connector=align, jira_id=10101, name="To Do", category="todo", project=project)
    Status.objects.create(connector=align, jira_id=10001, name="To Do", category="todo")
    for number in (10101, 10001, 10999):
        event = replace(EVENT, direction=J2A, source_id=number, source_name="To Do", before_id=1, after_id=2)
        theirs(align, told(event, NOON))
    found = HistoryRow.objects.order_by("object_id").values_list("object_id", "project_key", "project_stated")
    assert list(found) == [(10001, "", True), (10101, "TEAM", True), (10999, "", False)]


def test_joining_everything_again_changes_nothing(align: Connector) -> None:
    ours(align, *((replace(EVENT, project_key=key), minutes(n)) for n, key in enumerate("AB")))
    theirs(align, *(told(EVENT, minutes(n)) for n in range(4)))
    before = list(HistoryRow.objects.order_by("id").values())
    with transaction.atomic():
        counts = rejoin(align)
    assert (counts.paired, counts.exact, counts.outside) == (2, 0, 2)
    assert list(HistoryRow.objects.order_by("id").values()) == before


def test_every_line_hangs_on_exactly_one_row(align: Connector) -> None:
    rng = random.Random(3)
    for _ in range(30):
        at = minutes(rng.uniform(0, 30))
        if rng.random() < 0.5:
            ours(align, (replace(EVENT, project_key=rng.choice("ABC")), at))
        else:
            theirs(align, told(EVENT, at))
    hung = list(HistoryRow.objects.exclude(line=None).values_list("line", flat=True))
    assert sorted(hung) == sorted(MirrorLine.objects.values_list("id", flat=True))


# -- the pure part ----------------------------------------------------------------------------------------------------

TIMES = st.lists(st.integers(0, 3600), max_size=8)


def points(seconds: Sequence[int]) -> list[Point]:
    return [Point(id=number, at=NOON + timedelta(seconds=at)) for number, at in enumerate(sorted(seconds))]


def most_pairs(cluster: Cluster) -> int:
    """The size of a largest matching, by augmenting paths."""
    taken: dict[int, Point] = {}

    def place(ours: Point, seen: set[int]) -> bool:
        for theirs in cluster.lines:
            if abs(ours.at - theirs.at) <= REACH and theirs.id not in seen:
                seen.add(theirs.id)
                if theirs.id not in taken or place(taken[theirs.id], seen):
                    taken[theirs.id] = ours
                    return True
        return False

    return sum(place(ours, set()) for ours in cluster.ours)


@given(TIMES, TIMES)
def test_no_pairing_has_more_pairs_and_exact_means_alone(our_times: list[int], line_times: list[int]) -> None:
    our_points, line_points = points(our_times), points(line_times)
    found = list(clusters(our_points, line_points, REACH))
    assert sum(len(cluster.ours) for cluster in found) == len(our_points)
    assert sum(len(cluster.lines) for cluster in found) == len(line_points)
    for cluster in found:
        pairs = pair(cluster, REACH)
        assert len(pairs) == most_pairs(cluster)
        for each in pairs:
            if each.identical == 1:
                at = our_points[each.row].at
                assert sum(abs(at - near.at) <= REACH for near in line_points) == 1
                assert sum(abs(line_points[each.line].at - near.at) <= REACH for near in our_points) == 1


# -- a long history ---------------------------------------------------------------------------------------------------


def random_event(rng: random.Random) -> MappingEvent:
    direction, action = rng.choice([J2A, A2J]), rng.choice([CREATED, UPDATED, DELETED])
    status = 10000 + rng.randrange(12)
    state = rng.randrange(6)
    source, target = ((status, "S"), (state, "T")) if direction == J2A else ((state, "T"), (status, "S"))
    names = (f"{source[1]}{source[0]}", f"{target[1]}{target[0]}")
    before = target[0] + 1 if action == UPDATED else target[0]
    return replace(
        EVENT,
        action=action,
        kind=rng.choice([STATE, STEP]),
        direction=direction,
        project_key=f"P{rng.randrange(200)}" if direction == A2J else None,
        source_id=source[0],
        source_name=names[0],
        before_id=None if action == CREATED else before,
        before_name="" if action == CREATED else f"{target[1]}{before}",
        after_id=None if action == DELETED else target[0],
        after_name="" if action == DELETED else names[1],
    )


def expected_counts(history: Sequence[tuple[MappingEvent, datetime]], lines: Sequence[LogLine]) -> tuple[int, int]:
    """Paired and outside, counted another way: by the sentence itself."""
    groups: dict[str, tuple[list[Point], list[Point]]] = {}
    for number, (event, at) in enumerate(history):
        groups.setdefault(write(event), ([], []))[0].append(Point(id=number, at=at))
    for number, each in enumerate(lines):
        assert each.at is not None
        groups.setdefault(each.description, ([], []))[1].append(Point(id=number, at=each.at))
    paired = sum(most_pairs(cluster) for mine, found in groups.values() for cluster in clusters(mine, found, REACH))
    return paired, len(lines) - paired


def test_a_long_history_is_joined_right_in_few_queries(align: Connector) -> None:
    rng = random.Random(11)
    history = [(random_event(rng), NOON + timedelta(seconds=60 * number)) for number in range(3000)]
    lines = [told(event, at + timedelta(seconds=rng.randint(-300, 300))) for event, at in history]
    lines += [told(random_event(rng), NOON + timedelta(seconds=rng.randrange(60 * 3000))) for _ in range(30)]
    rng.shuffle(lines)
    for start in range(0, len(history), 500):
        ours(align, *history[start : start + 500])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        theirs(align, *lines)
    paired, outside = expected_counts(history, lines)
    assert HistoryRow.objects.filter(source=OURS, line__isnull=False).count() == paired
    assert HistoryRow.objects.filter(source=OUTSIDE).count() == outside
    assert outside >= 30
    assert len(queries) < 250

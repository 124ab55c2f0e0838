"""Problems by kind, and how many there are: each place once, by one rule for groups, toggles and filters."""

from __future__ import annotations

from mappings.engine.checks import SEVERITIES, Problem, check
from mappings.engine.matrix import Only, build
from mappings.engine.problem_groups import SAYS, counted_places, group_problems
from mappings.engine.values import Category, Direction, Kind, SourceStatus, TypeName, state_targets
from mappings.engine.view import View

STATUSES = {id_: SourceStatus(id=id_, name=f"Status {id_}", category=Category.DOING) for id_ in (1, 2, 3)}
VIEW = View(
    kind=Kind.STATE,
    work_item_type=TypeName.STORY,
    statuses=STATUSES,
    reachable=frozenset(STATUSES),
    targets={target.id: target for target in state_targets()},
)


def test_every_kind_has_words_for_one_and_for_several() -> None:
    assert SAYS.keys() == SEVERITIES.keys()
    assert all(len(says) == 2 for says in SAYS.values())


def test_a_place_counts_once_in_its_row_or_else_in_its_column() -> None:
    found = (
        Problem("bounce", "a", 1, 4, Direction.ALIGN_TO_JIRA),
        Problem("bounce", "b", 1, 5, Direction.ALIGN_TO_JIRA),
        Problem("bounce", "of a project whose status has no row here", 99, 4, Direction.ALIGN_TO_JIRA),
        Problem("no-way-back", "c", None, 4, Direction.ALIGN_TO_JIRA),
        Problem("unmapped", "d", 1, None, Direction.JIRA_TO_ALIGN),
        Problem("twin", "only good to know", 2),
        Problem("step-fit", "about all of it"),
    )
    places = counted_places(VIEW, found)
    assert (places.rows, places.columns) == (frozenset({1}), frozenset({4}))
    assert places.words(Kind.STATE) == "1 status and 1 state"
    titles = {group.code: group.title for group in group_problems(VIEW, reversed(found))}
    assert titles == {
        "unmapped": "1 status has no mapping",
        "bounce": "1 status and 1 state do not come back as the same state",
        "no-way-back": "1 state has no way back to Jira",
        "twin": "1 status has the name of another",
        "step-fit": "Steps could follow the statuses",
    }
    assert list(titles) == [code for code in SEVERITIES if code in titles], "the worst first"


def test_a_kind_filters_to_the_rows_that_it_counts() -> None:
    problems = check(VIEW)
    matrix = build(VIEW, problems=problems)
    assert matrix.counts[Only.PROBLEMS] == len(counted_places(VIEW, problems).rows) == 3
    for group in group_problems(VIEW, problems):
        shown = build(VIEW, problems=problems, only=frozenset({group.code}))
        assert {row.status.id for each in shown.groups for row in each.rows} == group.places.rows

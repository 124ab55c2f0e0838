"""Which transition and which state are tried: what can be seen on the other side, and else the reason."""

from __future__ import annotations

import pytest

from alignadmin.http.listing import Records
from connectors.jira.issue_resources import JiraTransition
from connectors.jira.resources import JiraStatus
from mappings.items.round_trip.moves import chosen_state, chosen_transition

TODO, DOING, REVIEW, DONE, CANCELLED = 1, 2, 3, 4, 5
ENDS = (DONE, CANCELLED)
TO_ALIGN = {TODO: 1, DOING: 2, REVIEW: 3, DONE: 5}


def way(to: int, *, is_available: bool | None = None) -> JiraTransition:
    status = JiraStatus.from_json(
        {"id": str(to), "name": f"S{to}", "statusCategory": {"key": "done" if to in ENDS else "new"}}
    )
    return JiraTransition(id=10 + to, name="", to=status, is_available=is_available, fields=Records([], []))


@pytest.mark.parametrize(
    ("offered", "to_align", "expected"),
    [
        ([way(DONE), way(DOING)], TO_ALIGN, DOING),  # no end of the work before another
        ([way(DONE)], TO_ALIGN, DONE),
        ([way(DOING), way(REVIEW)], {**TO_ALIGN, DOING: 0}, REVIEW),  # an unmapped one shows 0 as well
        ([way(CANCELLED), way(REVIEW)], TO_ALIGN, REVIEW),
        ([way(CANCELLED)], TO_ALIGN, "No status that it can go to now is mapped (S5)"),
        ([way(DOING)], {DOING: 1, TODO: 1}, "shows 1 - Ready to start as well"),
        ([way(DOING, is_available=False)], TO_ALIGN, "No transition leads on"),
        ([way(TODO)], TO_ALIGN, "No transition leads on"),
        ([], TO_ALIGN, "No transition leads on"),
    ],
)
def test_a_transition_is_tried_that_shows_something_else(
    offered: list[JiraTransition], to_align: dict[int, int], expected: int | str
) -> None:
    found = chosen_transition(offered, status=TODO, state=1, to_align=to_align, is_carried=True)
    if isinstance(expected, int):
        assert (found.target, found.transition, found.reason) == (expected, 10 + expected, "")
    else:
        assert found.target is None
        assert expected in found.reason


@pytest.mark.parametrize(
    ("to_jira", "reachable", "expected"),
    [
        ({1: TODO, 2: DOING, 3: REVIEW, 5: DONE}, None, 3),  # seen although nothing came from Jira
        ({1: TODO, 2: DOING, 5: DONE}, None, 1),  # an end of the work comes last
        ({1: TODO, 2: DOING, 3: REVIEW}, {TODO}, 1),
        ({2: DOING, 4: TODO, 3: REVIEW}, None, 3),  # 4 would be set back to 1 by the status that it leads to
        ({1: TODO, 2: DOING}, {REVIEW}, "can go to from there"),
        ({2: DOING}, None, "nothing would move"),
        ({}, None, "none moves the issue"),
    ],
)
def test_a_state_is_tried_that_moves_the_issue(
    to_jira: dict[int, int], reachable: set[int] | None, expected: int | str
) -> None:
    found = chosen_state(
        status=DOING,
        before=TODO,
        state=2,
        shown=1,
        to_jira=to_jira,
        to_align=TO_ALIGN,
        is_carried=True,
        ends=ENDS,
        reachable=reachable,
    )
    if isinstance(expected, int):
        assert (found.target, found.reason) == (expected, "")
    else:
        assert found.target is None
        assert expected in found.reason


def test_where_nothing_is_carried_any_move_will_do() -> None:
    assert chosen_transition([way(CANCELLED)], status=TODO, state=1, to_align={}, is_carried=False).target == CANCELLED
    assert (
        chosen_state(status=CANCELLED, before=TODO, state=1, shown=1, to_jira={}, to_align={}, is_carried=False).target
        == 2
    )

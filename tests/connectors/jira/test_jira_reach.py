"""Bringing an issue to a status: ways that are known before, refusals, and what is said when it does not get there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from alignadmin.http.errors import NotFound, OutcomeUnknown, ServerFailed, SignInRefused
from connectors.jira import Deployment, NotReached, reach
from connectors.jira.reaching import ASKED, MOST_LOOKS, ways_from
from tests.support.jira_clients import SITES, writer_of
from tests.support.sandbox_fixture import RunningSandbox, sandbox
from tests.support.scripted_server import Reply, Seen, serving

pytestmark = pytest.mark.usefixtures("network")

__all__ = ["sandbox"]

PAY, STORY = 10001, 10001
BACKLOG, TO_DO, IN_REVIEW, QA, DONE, CANCELLED = 10011, 10001, 10013, 10015, 10003, 10018


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_an_issue_is_brought_to_a_status_by_the_shortest_way(
    sandbox: RunningSandbox, site: str, deployment: Deployment
) -> None:
    sandbox.reset(jira=site, transition_checks="yes")
    jira = writer_of(sandbox.url, deployment)
    key = jira.create_issue(PAY, STORY, {"summary": "To be moved"}).key
    assert reach(jira, key, BACKLOG).taken == ()
    with pytest.raises(NotReached, match=r"is in To Do .*after “To Do”.*Assign the issue to somebody") as caught:
        reach(jira, key, IN_REVIEW)
    assert caught.value.stands_in == jira.issue(key, ["status"]).status
    assert [each.to.id for each in caught.value.taken] == [TO_DO]
    assert caught.value.detail.startswith("Assign the issue")

    reached = reach(jira, key, QA)
    assert (reached.status.id, len(reached.taken)) == (QA, 2)
    assert [each.to.id for each in reach(jira, key, CANCELLED).taken] == [CANCELLED]
    assert reach(jira, key, DONE).status.id == DONE


# --- workflows of a test's own ----------------------------------------------------------------------------------------


@dataclass
class Workflow:
    """One issue, A-1, in a workflow of statuses by number. In the statuses of `peopled` there are other issues.

    `falls_to`: where a transition to a status really leads. `replies`: what the POST answers in its place, and whether
    it takes effect all the same. `shut`: where no transition is available to; `asking`: where one wants a value.
    """

    ways: dict[int, list[int]]
    here: int
    peopled: set[int] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)
    falls_to: dict[int, int] = field(default_factory=dict)
    replies: dict[int, tuple[int, bool]] = field(default_factory=dict)
    unreadable_after: int = 1000
    shut: set[int] = field(default_factory=set)
    asking: set[int] = field(default_factory=set)
    posted: list[int] = field(default_factory=list)

    def status(self, number: int) -> dict[str, Any]:
        category = "done" if number in self.ends else "indeterminate"
        return {"id": str(number), "name": f"S{number}", "statusCategory": {"key": category}}

    def transition(self, to: int) -> dict[str, Any]:
        fields = {"resolution": {"required": to in self.asking, "hasDefaultValue": False}}
        shape = {"id": str(to), "name": f"to {to}", "to": self.status(to), "fields": fields}
        return {**shape, "isAvailable": to not in self.shut}

    def issue(self, id_: int, status: int) -> dict[str, Any]:
        fields = {"status": self.status(status), "project": {"id": "5", "key": "A"}, "issuetype": {"id": "6"}}
        return {"id": str(id_), "key": f"A-{id_}", "fields": fields}

    def __call__(self, seen: Seen) -> Reply:
        if seen.path.endswith("/myself"):
            return Reply(data={"accountId": "1"})
        if seen.path.endswith("/search/jql"):
            status = int(seen.query["jql"].rpartition("(")[2].rstrip(")"))
            found = [self.issue(100 + status, status)] if status in self.peopled else []
            return Reply(data={"issues": found, "isLast": True})
        of = seen.path.split("/issue/")[1].split("/")[0]
        at = self.here if of == "A-1" else int(of) - 100
        if seen.method == "POST":
            return self.post(int(json.loads(seen.body)["transition"]["id"]))
        if seen.path.endswith("/transitions"):
            return Reply(data={"transitions": [self.transition(to) for to in self.ways.get(at, [])]})
        if len(self.posted) >= self.unreadable_after:
            return Reply(status=500)
        return Reply(data=self.issue(1, self.here))

    def post(self, to: int) -> Reply:
        self.posted.append(to)
        status, takes_effect = self.replies.get(to, (204, True))
        if takes_effect:
            self.here = self.falls_to.get(to, to)
        return Reply(status=status, data={"errorMessages": ["Said by Jira"]} if status >= 400 else None)


def line(*numbers: int) -> dict[int, list[int]]:
    return {one: [other] for one, other in pairwise(numbers)}


@pytest.mark.parametrize(
    ("flow", "may_pass_ends", "taken"),
    [
        (Workflow({1: [2, 3], 2: [1], 3: [4], 4: [9]}, here=1, peopled={2, 3, 4}), False, [3, 4, 9]),
        (Workflow({1: [2, 3], 2: [5], 3: [9]}, here=1, peopled={2, 3}), False, [3, 9]),
        # An end of the work is passed only where that is allowed, and else a longer way is taken.
        (Workflow({1: [2, 3], 2: [9], 3: [4], 4: [9]}, here=1, peopled={2, 3, 4}, ends={2}), False, [3, 4, 9]),
        (Workflow({1: [2, 3], 2: [9], 3: [4], 4: [9]}, here=1, peopled={2, 3, 4}, ends={2}), True, [2, 9]),
        # A transition that cannot be made now leads nowhere, and one that wants a value comes after one that does not.
        (Workflow({1: [2, 3], 2: [9], 3: [4], 4: [9]}, here=1, peopled={2, 3, 4}, shut={2}), False, [3, 4, 9]),
        (Workflow({1: [2, 3], 2: [9], 3: [9]}, here=1, peopled={2, 3}, asking={2}), False, [3, 9]),
        # No other issue tells what lies behind 2: it is tried, since behind 3 there is nothing for certain.
        (Workflow({1: [3, 2], 2: [4], 3: [], 4: [9]}, here=1, peopled={3}), False, [2, 4, 9]),
        # Jira brings it elsewhere than the transition says.
        (Workflow({1: [2], 2: [9], 7: [9]}, here=1, peopled={2}, falls_to={2: 7}), False, [2, 9]),
        # The answer was lost, and the transition was made.
        (Workflow(line(1, 2, 9), here=1, peopled={2}, replies={2: (502, True)}), False, [2, 9]),
        # It was, and an automation has moved the issue on since.
        (
            Workflow({1: [2], 2: [9], 7: [9]}, here=1, peopled={2}, falls_to={2: 7}, replies={2: (502, True)}),
            False,
            [2, 9],
        ),
    ],
)
def test_ways_of_other_workflows(flow: Workflow, may_pass_ends: bool, taken: list[int]) -> None:
    with serving(flow) as server:
        reached = reach(writer_of(server.address), "A-1", 9, may_pass_ends=may_pass_ends)
    assert ([each.to.id for each in reached.taken], reached.status.id, flow.posted) == (taken, 9, taken)


@pytest.mark.parametrize(
    ("flow", "kind", "words", "posted"),
    [
        (Workflow(line(1, 2, 3, 4, 9), here=1, peopled={2, 3, 4}), NotReached, "S1 (1), as it was. As far", []),
        (
            Workflow(line(1, 2, 3, 4, 9), here=1),
            NotReached,
            "S3 (3), after “to 2” and “to 3”. As far",
            [2, 3],
        ),
        (
            Workflow(line(1, 2, 3, 9), here=1, peopled={2, 3}, falls_to={9: 4}),
            NotReached,
            "S4 (4), after “to 2” and “to 3” and “to 9”. More than 3",
            [2, 3, 9],
        ),
        (Workflow({}, here=1), NotReached, "S1 (1), as it was. As far", []),
        (Workflow(line(1, 2, 9), here=1, ends={2}), NotReached, "without passing an end", []),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, falls_to={2: 1}), NotReached, "brought it back", [2]),
        (Workflow({1: [2], 2: [1, 3], 3: []}, here=1, peopled={1, 3}), NotReached, "S2 (2), after “to 2”", [2]),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, replies={2: (409, False)}), NotReached, "Said by Jira", [2]),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, replies={9: (403, False)}), NotReached, "after “to 2”", [2, 9]),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, replies={2: (502, False)}), OutcomeUnknown, "S1 (1), as it", [2]),
        (
            Workflow(line(1, 2, 9), here=1, peopled={2}, replies={9: (401, False)}),
            NotReached,
            "refused the sig",
            [2, 9],
        ),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, unreadable_after=1), NotReached, "where it is now, after", [2]),
        (
            Workflow(line(1, 2, 9), here=1, peopled={2}, replies={2: (502, True)}, unreadable_after=1),
            OutcomeUnknown,
            "to the status 9: where it is now could not be read. ",
            [2],
        ),
        (
            Workflow(line(1, 2, 9), here=1, peopled={2}, replies={9: (502, True)}, unreadable_after=2),
            OutcomeUnknown,
            "where it is now, after “to 2”, could not be read. ",
            [2, 9],
        ),
        (Workflow(line(1, 2, 9), here=1, peopled={2}, unreadable_after=0), ServerFailed, "Issue A-1", []),
        (Workflow(line(1, 9), here=1, replies={9: (401, False)}), SignInRefused, "", [9]),
    ],
)
def test_it_stops_and_says_where_the_issue_is(
    flow: Workflow, kind: type[Exception], words: str, posted: list[int]
) -> None:
    with serving(flow) as server, pytest.raises(kind) as caught:
        reach(writer_of(server.address), "A-1", 9)
    assert words in str(caught.value)
    assert flow.posted == posted
    if isinstance(caught.value, NotReached) and caught.value.stands_in is not None:
        assert caught.value.stands_in.id == flow.here


def test_looks_at_other_issues_have_an_end() -> None:
    flow = Workflow({1: [*range(10, 60)]}, here=1, peopled={*range(10, 60)}, replies={35: (400, False)})
    with serving(flow) as server, pytest.raises(NotReached, match="Said by Jira"):
        reach(writer_of(server.address), "A-1", 9)
    assert sum(path.endswith("/search/jql") for path in server.paths) == MOST_LOOKS
    assert flow.posted == [35], "the first that was not looked at, since behind all others there is nothing"


def test_an_issue_that_is_not_there_is_not_found(sandbox: RunningSandbox) -> None:
    with pytest.raises(NotFound):
        reach(writer_of(sandbox.url), "PAY-999999", DONE)


def test_ways_are_told_without_a_move_and_what_nobody_told_is_said_to_be_unknown() -> None:
    """From 1 two statuses lead on; behind 4 is 9, three transitions away, and 10 is farther than any is made."""
    flow = Workflow({1: [2, 3], 2: [1], 3: [4], 4: [9], 9: [10]}, here=1, peopled={2, 3, 4}, ends={9}, shut=set())
    looks = iter([True, True, True, False])
    with serving(flow) as server:
        jira = writer_of(server.address)
        issue, offered = jira.issue("A-1", ASKED), jira.transitions("A-1")
        whole = ways_from(jira, issue, offered, may_look=lambda: True)
        bounded = ways_from(jira, issue, offered, may_look=lambda: next(looks))
        flow.peopled = {2}
        partly = ways_from(jira, issue, offered, may_look=lambda: True)
    assert flow.posted == []
    assert whole.is_whole
    assert {status: [each.id for each in way.passes] for status, way in whole.by_status.items()} == {
        2: [2],
        3: [3],
        4: [3, 4],
        9: [3, 4, 9],
    }
    assert bounded == whole
    assert not partly.is_whole
    assert set(partly.by_status) == {2, 3}

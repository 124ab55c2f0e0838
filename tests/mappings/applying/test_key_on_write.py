"""Whether a write carries the project's key is learned once from Align's answers, with a look at the list between."""

from __future__ import annotations

import json

import pytest

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from alignadmin.http.errors import RateLimited
from connectors.jobs import runner
from connectors.models import Connector, Job
from mappings import planning
from mappings.applying.journal import Journal
from mappings.applying.outcomes import Outcome
from mappings.engine.values import TypeName
from mappings.models import Change, ContractFact
from tests.connectors.history.verification.test_comparison import differences
from tests.support import mapping_helpers as steps
from tests.support.sandbox_fixture import RunningSandbox

Cell = tuple[str, int, int, int]
FEATURE = TypeName.FEATURE
pytestmark = pytest.mark.django_db
# A team-managed project: its list, a free source, and two values for it.
J2A, A2J = ("j2a-state", 10205, 1, 2), ("a2j-state", 0, 10201, 10202)
LIST_OF = {"j2a-state": "connectors/123/mappings/states", "a2j-state": "projects/PROJ1/mappings/states"}


def ways(connector: Connector, family: str) -> dict[str, bool]:
    found = ContractFact.objects.filter(connector=connector, family=family, name="project-key").first()
    return found.value if found else {}


def carried(sandbox: RunningSandbox) -> list[tuple[str, bool]]:
    """The writes as they arrived, and whether the key went along: in the query, or from Align to Jira in the body."""
    return [
        (
            each["method"],
            bool(each["query"]) or ("/projects/" in each["path"] and "projectKey" in (each["body"] or {})),
        )
        for each in sandbox.journal()
        if each["method"] != "GET"
    ]


def write(connector: Connector, wanted: int | None, cell: Cell, *, admin: Person) -> str:
    family, source, *_ = cell
    steps.edit(connector, family, source, wanted, project="PROJ1", actor=admin)
    return steps.states(steps.apply_all(connector, actor=admin))[0]


@pytest.mark.parametrize(("cell", "switch"), [(J2A, "project_key_on_write"), (A2J, "project_key_in_body")])
@pytest.mark.parametrize("answers", ["ignored", "required", "refused"])
def test_a_create_an_update_and_a_delete_get_through_whatever_the_site_wants(
    sandbox: RunningSandbox,
    connector: Connector,
    admin: Person,
    cell: Cell,
    switch: str,
    answers: str,
) -> None:
    sandbox.reset(**{switch: answers})
    sandbox.clear_journal()
    for wanted in (cell[2], cell[3], None):
        assert write(connector, wanted, cell, admin=admin) == "done"
    needs = answers == "required"
    methods = ["POST", "PUT", "DELETE"]
    has_choice = {"DELETE": cell is J2A}
    expected = []
    for method in methods:
        asks = needs and has_choice.get(method, True)
        expected += [(method, False), (method, True)] if asks else [(method, False)]
    assert carried(sandbox) == expected
    assert ways(connector, cell[0]) == {method: needs for method in methods if has_choice.get(method, True)}


@pytest.mark.parametrize(("cell", "switch"), [(J2A, "project_key_on_write"), (A2J, "project_key_in_body")])
def test_the_list_is_read_between_the_two_and_what_worked_is_planned_from_then_on(
    sandbox: RunningSandbox, connector: Connector, admin: Person, cell: Cell, switch: str
) -> None:
    sandbox.reset(**{switch: "required"})
    sandbox.clear_journal()
    assert write(connector, cell[2], cell, admin=admin) == "done"
    requests = [(each["method"], each["path"]) for each in sandbox.journal()]
    first, second = (at for at, (method, _) in enumerate(requests) if method == "POST")
    between = [path for method, path in requests[first:second] if method == "GET"]
    assert any(path.endswith(LIST_OF[cell[0]]) for path in between)
    change = Change.objects.get()
    assert "only with the project key" in change.detail
    assert differences() == []
    sandbox.clear_journal()
    steps.edit(connector, cell[0], cell[1], None, project="PROJ1", actor=admin)
    steps.apply_all(connector, actor=admin)
    steps.edit(connector, cell[0], cell[1], cell[3], project="PROJ1", actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    planned = plan.changes.get()
    assert planned.carries_key
    assert not planned.key_turned
    assert steps.states(steps.apply(plan, actor=admin)) == ["done"]
    assert [each for each in carried(sandbox) if each[0] == "POST"] == [("POST", True)]


def test_where_both_ways_are_refused_nothing_is_learned_and_the_history_tells_both_requests(
    sandbox: RunningSandbox, connector: Connector, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", J2A[1], 1, project="PROJ1", actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    sandbox.faults({"method": "POST", "status": 400, "times": 2, "body": "No."})
    sandbox.clear_journal()
    steps.apply(plan, actor=admin)
    assert (plan.state, plan.changes.get().state) == ("finished", "failed")
    assert carried(sandbox) == [("POST", False), ("POST", True)]
    assert ways(connector, "j2a-state") == {}
    told = Entry.objects.filter(action__in=("change.planned", "change.failed")).order_by("seq")
    assert [json.loads(each.body)["data"]["query"] for each in told] == [[], [["ProjectKey", "PROJ1"]]]
    assert differences() == []


def test_a_site_that_is_busy_for_long_is_told_once_beside_the_first_reason(connector: Connector, admin: Person) -> None:
    steps.edit(connector, "j2a-state", J2A[1], 1, project="PROJ1", actor=admin)
    plan = planning.start_apply(steps.approved_plan(connector, actor=admin), typed=connector.slug, actor=admin)
    run = runner.claim("this worker", Job.objects.get(kind="apply").pk)
    assert run is not None
    plan.changes.update(key_turned=True, detail="No.")
    change = plan.changes.select_related("plan__connector", "mapping", "scope__project").get()
    journal = Journal(run=run, plan=plan)
    for _ in range(3):
        assert journal.mark_sending([change]) == [change]
        journal.record([Outcome(change=change, error=RateLimited("Too busy."))])
    assert (change.state, change.detail) == ("planned", "No. Sent with the project key: Too busy.")


def test_a_deletion_that_finds_nothing_is_looked_up_before_it_counts_as_done(
    sandbox: RunningSandbox, connector: Connector, admin: Person
) -> None:
    assert write(connector, 1, J2A, admin=admin) == "done"
    steps.edit(connector, "j2a-state", J2A[1], None, project="PROJ1", actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    delete = {"method": "DELETE", "status": 404, "times": 1, "body": "", "after_effect": True}
    sandbox.faults(delete)
    sandbox.clear_journal()
    steps.apply(plan, actor=admin)
    change = plan.changes.get()
    assert (change.state, change.detail) == ("done", "Already absent in Align.")
    assert carried(sandbox) == [("DELETE", False)]


def test_a_reason_that_names_something_else_is_told_and_not_asked_for_again(
    sandbox: RunningSandbox, connector: Connector, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", J2A[1], 1, project="PROJ1", actor=admin, type_=FEATURE)
    plan = steps.approved_plan(connector, actor=admin)
    sandbox.reset(type_ids="examples")
    sandbox.clear_journal()
    steps.apply(plan, actor=admin)
    change = plan.changes.get()
    assert change.state == "failed"
    assert "work item type id 3 is not valid" in change.detail
    assert carried(sandbox) == [("POST", False)]

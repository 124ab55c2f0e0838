"""The sandbox's Align side: the four mapping families over real HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests import SAMPLES
from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import ALIGN_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")

sandbox = sandbox_fixture.sandbox
SIGNED_IN = {"Authorization": f"bearer {ALIGN_TOKEN}"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A free key in one family and kind of project, and two targets for it."""

    path: str
    query: str = ""
    body: dict[str, Any]
    target: str
    first: int
    second: int
    project: str | None = None


CASES = {
    "j2a state, shared": Case(
        path="/mappings/states",
        body={"workItemTypeId": 4, "jiraStatusId": 10017},
        target="alignStateId",
        first=0,
        second=3,
    ),
    "j2a state, team": Case(
        path="/mappings/states",
        query="?ProjectKey=PROJ2",
        body={"workItemTypeId": 9, "jiraStatusId": 10302, "projectKey": "PROJ2"},
        target="alignStateId",
        first=2,
        second=0,
        project="PROJ2",
    ),
    "j2a step, shared": Case(
        path="/mappings/process-steps",
        body={"workItemTypeId": 3, "jiraStatusId": 10017},
        target="processStepId",
        first=513,
        second=514,
    ),
    "j2a step, team": Case(
        path="/mappings/process-steps",
        query="?ProjectKey=PROJ2",
        body={"workItemTypeId": 2, "jiraStatusId": 10302, "projectKey": "PROJ2"},
        target="processStepId",
        first=503,
        second=504,
        project="PROJ2",
    ),
    "a2j state, company": Case(
        path="/projects/PROJ/mappings/states",
        body={"workItemTypeId": 4, "alignStateId": 4},
        target="jiraStatusId",
        first=10016,
        second=10015,
        project="PROJ",
    ),
    "a2j state, team": Case(
        path="/projects/PROJ2/mappings/states",
        body={"workItemTypeId": 9, "alignStateId": 0},
        target="jiraStatusId",
        first=10301,
        second=10302,
        project="PROJ2",
    ),
    "a2j step, company": Case(
        path="/projects/PROJ/mappings/process-steps",
        body={"workItemTypeId": 4, "processStepId": 516},
        target="jiraStatusId",
        first=10016,
        second=10015,
        project="PROJ",
    ),
    "a2j step, team": Case(
        path="/projects/PROJ2/mappings/process-steps",
        body={"workItemTypeId": 3, "processStepId": 503},
        target="jiraStatusId",
        first=10302,
        second=10301,
        project="PROJ2",
    ),
}


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def url(case: Case, mapping_id: int | None = None) -> str:
    tail = case.query if mapping_id is None else f"/{mapping_id}"
    return f"/connectors/123{case.path}{tail}"


def created(sandbox: RunningSandbox, case: Case) -> dict[str, Any]:
    response = sandbox.align("POST", f"/connectors/123{case.path}", json={**case.body, case.target: case.first})
    assert response.status_code == 201, response.text
    record: dict[str, Any] = response.json()
    return record


def test_a_record_is_created_found_changed_and_deleted(sandbox: RunningSandbox, case: Case) -> None:
    record = created(sandbox, case)
    assert record.items() >= {**case.body, case.target: case.first, "connectorId": 123}.items()
    assert record.get("projectKey") == case.project
    assert record in sandbox.align("GET", url(case)).json()
    assert sandbox.align("GET", url(case, record["id"])).json() == record

    changed = sandbox.align("PUT", url(case, record["id"]), json={**record, case.target: case.second})
    assert (changed.status_code, changed.content) == (204, b"")
    after = sandbox.align("GET", url(case, record["id"])).json()
    assert after[case.target] == case.second
    assert {name: value for name, value in after.items() if not name.startswith(case.target[:-2])} == {
        name: value for name, value in record.items() if not name.startswith(case.target[:-2])
    }

    gone = sandbox.align("DELETE", url(case, record["id"]))
    assert (gone.status_code, gone.content) == (204, b"")
    assert sandbox.align("GET", url(case, record["id"])).status_code == 404
    assert sandbox.align("DELETE", url(case, record["id"])).status_code == 404
    assert after not in sandbox.align("GET", url(case)).json()


def test_a_second_record_of_one_key_is_refused(sandbox: RunningSandbox, case: Case) -> None:
    record = created(sandbox, case)
    again = sandbox.align("POST", f"/connectors/123{case.path}", json={**case.body, case.target: case.second})
    assert again.status_code == 400
    assert again.headers["Content-Type"].startswith("application/problem+json")
    assert sandbox.align("GET", url(case, record["id"])).json() == record


def test_wrong_fields_are_refused_by_name(sandbox: RunningSandbox, case: Case) -> None:
    right = {**case.body, case.target: case.first}
    source = next(name for name in case.body if name.endswith("Id") and name != "workItemTypeId")
    wrong = [
        ({name: value for name, value in right.items() if name != case.target}, case.target),
        ({**right, case.target: str(case.first)}, case.target),
        ({**right, case.target: True}, case.target),
        ({**right, case.target: 99999}, case.target),
        ({**right, source: 99999}, source),
        ({**right, "workItemTypeId": 1}, "WorkItemTypeId"),
    ]
    for body, field in wrong:
        response = sandbox.align("POST", f"/connectors/123{case.path}", json=body)
        assert response.status_code == 400, body
        assert field in response.json()["errors"], body
    assert sandbox.align("POST", f"/connectors/123{case.path}", data="{").status_code == 400
    assert sandbox.align("POST", f"/connectors/123{case.path}", json=[1]).status_code == 400
    created(sandbox, case)


def test_an_update_cannot_move_a_record_to_another_key(sandbox: RunningSandbox, case: Case) -> None:
    record = created(sandbox, case)
    moved = [{"workItemTypeId": 77}, {"id": record["id"] + 1}, {"connectorId": 9}, {"projectKey": "MOB"}]
    for change in moved:
        body = {**record, case.target: case.second, **change}
        assert sandbox.align("PUT", url(case, record["id"]), json=body).status_code == 400, change
    assert sandbox.align("PUT", url(case, record["id"]), json={}).status_code == 400
    assert sandbox.align("GET", url(case, record["id"])).json() == record


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("/mappings/states", ["jiraStatusId", "jiraStatusName", "alignStateId", "alignStateName"]),
        ("/mappings/process-steps", ["jiraStatusId", "jiraStatusName", "processStepId", "processStepName"]),
    ],
)
def test_records_have_the_published_fields_in_their_order(
    sandbox: RunningSandbox, family: str, shape: list[str]
) -> None:
    shared = sandbox.align("GET", f"/connectors/123{family}").json()[0]
    assert list(shared) == ["id", "connectorId", "workItemTypeId", *shape]
    for path in (f"/projects/PROJ{family}", f"{family}?ProjectKey=PROJ1"):
        own = sandbox.align("GET", f"/connectors/123{path}").json()[0]
        assert list(own) == ["id", "connectorId", "projectKey", "workItemTypeId", *shape]


def test_without_a_project_key_only_shared_mappings_are_listed(sandbox: RunningSandbox) -> None:
    plain = sandbox.align("GET", "/connectors/123/mappings/states").json()
    assert plain
    assert all("projectKey" not in row for row in plain)
    assert sandbox.align("GET", "/connectors/123/mappings/states?ProjectKey=null").json() == plain
    own = sandbox.align("GET", "/connectors/123/mappings/states?PROJECTKEY=proj1").json()
    assert {row["projectKey"] for row in own} == {"PROJ1"}
    assert sandbox.align("GET", "/connectors/123/mappings/states?ProjectKey=PROJ").json() == []
    assert sandbox.align("GET", "/connectors/123/mappings/states?ProjectKey=NOPE").status_code == 404


def test_a_type_id_selects_and_one_outside_the_table_gives_an_empty_list(sandbox: RunningSandbox) -> None:
    stories = sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
    assert {row["workItemTypeId"] for row in stories} == {4}
    everything = sandbox.align("GET", "/connectors/123/mappings/states").json()
    assert any(row["workItemTypeId"] == 2 for row in everything)
    outside = sandbox.align("GET", "/connectors/123/mappings/states?workitemtypeid=2")
    assert (outside.status_code, outside.json()) == (200, [])


def test_a_team_managed_project_needs_its_key_and_a_company_managed_one_must_not_have_it(
    sandbox: RunningSandbox,
) -> None:
    path = "/connectors/123/mappings/states"
    company = {"workItemTypeId": 4, "jiraStatusId": 10017, "alignStateId": 2, "projectKey": "PROJ"}
    team = {"workItemTypeId": 9, "jiraStatusId": 10202, "alignStateId": 2}
    assert "ProjectKey" in sandbox.align("POST", path, json=company).json()["errors"]
    assert "ProjectKey" in sandbox.align("POST", path, json=team).json()["errors"]
    assert sandbox.align("POST", path, json={**team, "projectKey": "PROJ1"}).status_code == 201


def test_a_mapping_is_not_found_under_another_project_family_or_connector(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_connector", id=124, name="Other")
    row = sandbox.align("GET", "/connectors/123/projects/PROJ/mappings/process-steps").json()[-1]
    own = f"/connectors/123/projects/PROJ/mappings/process-steps/{row['id']}"
    assert sandbox.align("GET", own).status_code == 200
    for other in (
        own.replace("PROJ", "PAY"),
        own.replace("PROJ", "NOPE"),
        own.replace("/123/", "/124/"),
        own.replace("/123/", "/999/"),
        own.replace(str(row["id"]), "99999"),
    ):
        assert sandbox.align("GET", other).status_code == 404, other
        assert sandbox.align("DELETE", other).status_code == 404, other
    assert sandbox.align("GET", own).json() == row


def test_unknown_routes_are_empty_404s_and_other_methods_405(sandbox: RunningSandbox) -> None:
    unknown = sandbox.align("GET", "/connectors/123/mappings/colours")
    assert (unknown.status_code, unknown.content) == (404, b"")
    assert sandbox.align("PATCH", "/connectors/123/mappings/states/1", json={}).status_code == 405
    assert sandbox.align("POST", "/connectors", json={}).status_code == 405


def replay(sandbox: RunningSandbox, name: str) -> list[tuple[int, Any]]:
    answers = []
    for sample in json.loads((SAMPLES / f"{name}.json").read_text()):
        # The samples carry whole published addresses, which leave out /rest.
        response = requests.request(
            sample["method"], sandbox.url + sample["path"], json=sample.get("body"), headers=SIGNED_IN, timeout=10
        )
        answers.append((response.status_code, response.json()))
    return answers


def test_example_1_configures_a_company_managed_project() -> None:
    running = RunningSandbox(type_ids="lax")
    answers = replay(running, "example1")
    assert [status for status, _ in answers] == [201] * 6
    states = running.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=2&$filter=jiraStatusId le 10003")
    assert [(row["jiraStatusName"], row["alignStateName"]) for row in states.json()] == [
        ("To Do", "Ready to start"),
        ("In Progress", "In progress"),
        ("Done", "Accepted"),
    ]
    log = [line["description"] for line in running.align("GET", "/connectors/123/auditlog").json()]
    running.close()
    assert len(log) == 6
    assert log[0].startswith("CONFIG Created - State mapping - Align to Jira - Feature - Accepted (5) - PROJ Id: ")


def test_example_2_configures_and_reads_a_team_managed_project() -> None:
    running = RunningSandbox(type_ids="lax", seed="examples")
    answers = replay(running, "example2")
    running.close()
    assert [status for status, _ in answers] == [201] * 6 + [200] * 2
    assert answers[6][1] == [record for _, record in answers[:3]]
    assert answers[7][1] == [record for _, record in answers[3:6]]
    assert {record["projectKey"] for _, record in answers[:6]} == {"PROJ"}


def test_example_3_reads_a_mixed_environment() -> None:
    running = RunningSandbox(type_ids="lax")
    for project, status in ((None, 10001), ("PROJ1", 10201), ("PROJ2", 10301)):
        body = {"workItemTypeId": 1, "jiraStatusId": status, "alignStateId": 1, "projectKey": project}
        assert running.align("POST", "/connectors/123/mappings/states", json=body).status_code == 201
    answers = replay(running, "example3")
    running.close()
    assert [status for status, _ in answers] == [200] * 3
    assert [[row["jiraStatusId"] for row in rows] for _, rows in answers] == [[10001], [10201], [10301]]


def test_of_twenty_posts_of_one_key_exactly_one_creates_a_record(sandbox: RunningSandbox) -> None:
    body = {"workItemTypeId": 4, "jiraStatusId": 10017, "alignStateId": 2}

    def post(_: int) -> int:
        return sandbox.align("POST", "/connectors/123/mappings/states", json=body).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(post, range(20)))
    assert statuses == [201] + [400] * 19
    rows = sandbox.align("GET", "/connectors/123/mappings/states?$filter=jiraStatusId eq 10017").json()
    assert len(rows) == 1
    assert len(sandbox.align("GET", "/connectors/123/auditlog").json()) == 1

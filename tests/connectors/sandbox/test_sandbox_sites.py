"""The sandbox's sites around the mappings: sign-in, rate limit, Align's lists, the Jira side."""

import time

import pytest
import requests

from connectors.sandbox.limiter import Limiter
from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")

sandbox = sandbox_fixture.sandbox


# -- Align: sign-in and addresses ------------------------------------------------------------------


def align_status(sandbox: RunningSandbox, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return sandbox.align("GET", "/connectors", headers=headers).status_code


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
def test_bearer_is_taken_in_any_case(sandbox: RunningSandbox, scheme: str) -> None:
    assert align_status(sandbox, f"{scheme} {ALIGN_TOKEN}") == 200


@pytest.mark.parametrize(
    "wrong", [None, "", ALIGN_TOKEN, "bearer", "bearer nope", f"bearer {JIRA_TOKEN}", "Basic %%%", "Digest x"]
)
def test_anything_else_is_401(sandbox: RunningSandbox, wrong: str | None) -> None:
    assert align_status(sandbox, wrong) == 401


def test_basic_needs_user_and_token(sandbox: RunningSandbox) -> None:
    def basic(user: str, token: str) -> int:
        return requests.get(f"{sandbox.url}/align/api/2/connectors", auth=(user, token), timeout=10).status_code

    assert basic(ADMIN, ALIGN_TOKEN) == 200
    assert basic("other@sandbox.test", ALIGN_TOKEN) == 401
    assert basic(ADMIN, "nope") == 401


@pytest.mark.parametrize(
    "path",
    [
        "/rest/align/api/2/connectors/123/projects",
        "/align/api/2/connectors/123/projects",
        "/REST/Align/API/2/Connectors/123/PROJECTS/",
    ],
)
def test_both_spellings_of_the_address_work_in_any_case(sandbox: RunningSandbox, path: str) -> None:
    headers = {"Authorization": f"bearer {ALIGN_TOKEN}"}
    assert requests.get(sandbox.url + path, headers=headers, timeout=10).json()[0]["projectKey"] == "PROJ"


# -- Align: lists ----------------------------------------------------------------------------------


def test_connectors_projects_priorities_and_the_current_user_are_listed(sandbox: RunningSandbox) -> None:
    assert [item["id"] for item in sandbox.align("GET", "/connectors").json()] == [123]
    assert sandbox.align("GET", "/connectors/123").json()["name"] == "Acme Jira"
    assert sandbox.align("GET", "/connectors/9").status_code == 404
    projects = sandbox.align("GET", "/connectors/123/projects").json()
    assert len(projects) == 19
    assert set(projects[0]) == {
        *("id", "errorMessage", "connectorId", "createdBy", "createDate", "programId", "projectId"),
        *("projectKey", "projectName", "lastUpdatedBy", "lastUpdatedDate", "self"),
    }
    assert len(sandbox.align("GET", "/connectors/123/priorities").json()) == 10
    assert sandbox.align("GET", "/users/current").json()["email"] == ADMIN


def test_process_flows_carry_their_steps_in_order(sandbox: RunningSandbox) -> None:
    flows = {flow["name"]: flow for flow in sandbox.align("GET", "/ValueStreams").json()}
    delivery = flows["Delivery flow"]
    assert (delivery["level"], delivery["isActive"], delivery["mapToState"]) == ("Story", True, True)
    assert delivery["programIds"] == [11, 12]
    assert [step["order"] for step in delivery["processSteps"]] == list(range(1, 8))
    assert delivery["processSteps"][0] == {"id": 511, "name": "Backlog", "order": 1, "state": 0}
    assert not flows["Legacy story flow"]["isActive"]
    serving = sandbox.align("GET", "/valuestreams", params={"$filter": "programIds/any(p: p eq 13)"}).json()
    assert [flow["name"] for flow in serving] == ["Legacy story flow"]
    assert sandbox.align("GET", "/ValueStreams/8").json() == delivery


# -- Align: rate limit -----------------------------------------------------------------------------


def test_the_request_after_the_limit_starts_a_block_and_jira_is_not_counted() -> None:
    running = RunningSandbox(rate_limit="5/60", block=60)
    for _ in range(10):
        assert running.jira("/rest/api/3/myself").status_code == 200
    statuses = [align_status(running, None) for _ in range(2)]
    statuses += [running.align("GET", path).status_code for path in ("/connectors", "/nowhere", "/users/current")]
    assert statuses == [401, 401, 200, 404, 200]
    blocked = running.align("GET", "/connectors")
    assert (blocked.status_code, blocked.text) == (429, "429 too many requests")
    assert "Retry-After" not in blocked.headers
    assert running.align("GET", "/connectors").status_code == 429
    assert running.jira("/rest/api/3/myself").status_code == 200
    assert [entry["status"] for entry in running.journal()][-3:] == [429, 429, 200]
    running.reset()
    assert running.align("GET", "/connectors").status_code == 200
    running.close()


def test_the_block_ends_by_itself() -> None:
    running = RunningSandbox(rate_limit="2/0.2", block=0.4)
    assert [running.align("GET", "/connectors").status_code for _ in range(3)] == [200, 200, 429]
    time.sleep(0.5)
    assert running.align("GET", "/connectors").status_code == 200
    running.close()


def test_any_window_of_sixty_seconds_counts_not_the_clock_minute() -> None:
    now = [0.0]
    limiter = Limiter("600/60", 60, clock=lambda: now[0])
    assert all(limiter.refuse("a") is None for _ in range(300))
    now[0] = 59.0
    assert all(limiter.refuse("a") is None for _ in range(300))
    now[0] = 60.0
    assert all(limiter.refuse("a") is None for _ in range(300))
    assert limiter.refuse("a") == 60
    assert limiter.refuse("b") is None
    now[0] = 119.9
    assert limiter.refuse("a") == pytest.approx(0.1)
    now[0] = 120.0
    assert limiter.refuse("a") is None


# -- Jira ------------------------------------------------------------------------------------------


def test_jira_knows_its_caller_or_answers_as_to_an_anonymous_one(sandbox: RunningSandbox) -> None:
    assert sandbox.jira("/rest/api/3/myself").json()["emailAddress"] == ADMIN
    for auth in (None, (ADMIN, "nope")):
        assert sandbox.jira("/rest/api/3/myself", auth=auth).status_code == 401
        assert sandbox.jira("/rest/api/3/serverInfo", auth=auth).json()["deploymentType"] == "Cloud"
        for path in ("status", "issuetype", "priority", "project"):
            answer = sandbox.jira(f"/rest/api/3/{path}", auth=auth)
            assert (answer.status_code, answer.json()) == (200, []), path
        found = sandbox.jira("/rest/api/3/project/search", auth=auth).json()
        assert (found["total"], found["values"], found["isLast"]) == (0, [], True)
        assert sandbox.jira("/rest/api/3/project/PROJ/statuses", auth=auth).status_code == 404
    wrong = sandbox.jira("/rest/api/3/status", auth=(ADMIN, "nope"))
    assert wrong.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


def test_projects_are_paged_with_their_style(sandbox: RunningSandbox) -> None:
    first = sandbox.jira("/rest/api/3/project/search?maxResults=12").json()
    assert (first["total"], first["isLast"], len(first["values"])) == (19, False, 12)
    second = requests.get(first["nextPage"], auth=(ADMIN, JIRA_TOKEN), timeout=10).json()
    assert (second["startAt"], second["isLast"], len(second["values"])) == (12, True, 7)
    styles = {item["key"]: (item["style"], item["simplified"]) for item in first["values"] + second["values"]}
    assert styles["PROJ"] == ("classic", False)
    assert styles["PROJ1"] == styles["PROJ2"] == ("next-gen", True)
    assert len(styles) == 19
    assert sandbox.jira("/rest/api/3/project/search?maxResults=500").json()["maxResults"] == 50
    assert [p["key"] for p in sandbox.jira("/rest/api/3/project/search?query=pay").json()["values"]] == ["PAY"]


def test_statuses_are_strings_with_category_and_scope(sandbox: RunningSandbox) -> None:
    statuses = {item["id"]: item for item in sandbox.jira("/rest/api/3/status").json()}
    assert [statuses[key]["name"] for key in ("10001", "10002", "10003")] == ["To Do", "In Progress", "Done"]
    assert [statuses[key]["statusCategory"]["key"] for key in ("10001", "10002", "10003")] == [
        "new",
        "indeterminate",
        "done",
    ]
    assert "scope" not in statuses["10001"]
    proj1 = sandbox.jira("/rest/api/3/project/PROJ1").json()["id"]
    assert statuses["10201"]["name"] == "To Do"
    assert statuses["10201"]["scope"] == {"type": "PROJECT", "project": {"id": proj1}}
    assert statuses["10013"]["name"] == statuses["10113"]["name"] == "In Review"


def test_a_project_tells_which_statuses_each_issue_type_reaches(sandbox: RunningSandbox) -> None:
    rows = {row["name"]: row for row in sandbox.jira("/rest/api/3/project/PROJ/statuses").json()}
    assert set(rows) == {"Epic", "Story", "Sub-task", "Bug"}
    assert rows["Sub-task"]["subtask"]
    assert "10017" in [status["id"] for status in rows["Story"]["statuses"]]
    assert "10017" not in [status["id"] for status in rows["Epic"]["statuses"]]
    assert sandbox.jira("/rest/api/3/project/proj/statuses").status_code == 404


def test_issue_types_and_priorities_are_listed(sandbox: RunningSandbox) -> None:
    types = sandbox.jira("/rest/api/3/issuetype").json()
    assert [item["hierarchyLevel"] for item in types if item["name"] == "Epic" and "scope" not in item] == [1]
    assert len([item for item in types if item["name"] == "Story"]) == 6
    assert [item["name"] for item in sandbox.jira("/rest/api/3/priority").json()][:2] == ["Highest", "High"]
    assert sandbox.jira("/rest/api/3/priority/search").json()["total"] == 5


def test_data_center_has_no_styles_no_search_and_takes_tokens() -> None:
    running = RunningSandbox(jira="server")
    assert running.jira("/rest/api/3/myself").status_code == 404
    assert running.jira("/rest/api/2/project/search").status_code == 404
    bearer = {"Authorization": f"Bearer {JIRA_TOKEN}"}
    assert running.jira("/rest/api/2/myself", auth=None, headers=bearer).json()["name"] == "admin"
    assert running.jira("/rest/api/2/serverInfo").json()["deploymentType"] == "Server"
    projects = running.jira("/rest/api/2/project").json()
    assert len(projects) == 14
    assert "style" not in projects[0]
    running.close()

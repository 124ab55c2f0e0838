"""Versions and sprints of the sandbox's Jira: what is refused, and what stays with issues and in the state file."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")
AGILE = "/rest/agile/1.0"


@pytest.fixture(scope="module")
def running(network: None) -> Iterator[RunningSandbox]:
    sandbox = RunningSandbox()
    yield sandbox
    sandbox.close()


def send(running: RunningSandbox, method: str, path: str, payload: Any = None) -> requests.Response:
    url = running.url + (path if path.startswith("/rest/") else f"/rest/api/3{path}")
    return requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)


@pytest.mark.parametrize(
    ("method", "path", "payload", "status"),
    [
        ("POST", "/version", {"name": "New"}, 400),
        ("POST", "/version", {"name": "New", "project": "NONE"}, 400),
        ("POST", "/version", {"name": " ", "project": "PAY"}, 400),
        ("POST", "/version", {"name": "1.0", "project": "PAY"}, 400),
        ("POST", "/version", {"name": "\ud800", "project": "PAY"}, 400),
        ("POST", "/version", {"name": "New", "project": "PAY", "released": "yes"}, 400),
        ("POST", "/version", {"name": "New", "project": "PAY", "releaseDate": "2027-02-30"}, 400),
        ("POST", "/version", ["New"], 400),
        ("PUT", "/version/100013", {"name": "1.0"}, 400),
        ("PUT", "/version/99", {"name": "New"}, 404),
        ("DELETE", "/version/100013?moveFixIssuesTo=100013", None, 404),
        ("POST", f"{AGILE}/sprint", {"name": "New"}, 400),
        ("POST", f"{AGILE}/sprint", {"name": "New", "originBoardId": "x"}, 400),
        ("POST", f"{AGILE}/sprint", {"name": "New", "originBoardId": 999}, 404),
        ("POST", f"{AGILE}/sprint", {"name": "New", "originBoardId": 7}, 400),  # a Kanban board
        ("POST", f"{AGILE}/sprint", {"name": 5, "originBoardId": 2}, 400),
        ("POST", f"{AGILE}/sprint", {"name": "New", "originBoardId": 2, "startDate": "soon"}, 400),
        ("PUT", f"{AGILE}/sprint/20", {"name": "A closed one"}, 400),
        ("PUT", f"{AGILE}/sprint/23", {"state": "active"}, 400),
        ("PUT", f"{AGILE}/sprint/23", {"state": "closed"}, 400),
        ("PUT", f"{AGILE}/sprint/23", {"startDate": "2027-01-02", "endDate": "2027-01-01"}, 400),
        ("DELETE", f"{AGILE}/sprint/22", None, 400),
    ],
)
def test_what_does_not_fit_is_refused(
    running: RunningSandbox, method: str, path: str, payload: Any, status: int
) -> None:
    answered = send(running, method, path, payload)
    assert answered.status_code == status, answered.text
    assert answered.json()


def test_whoever_may_not_manage_them_changes_nothing(running: RunningSandbox) -> None:
    rights = {"ADMINISTER_PROJECTS": False, "MANAGE_SPRINTS_PERMISSION": False}
    running.edit("set_token", site="jira", token=JIRA_TOKEN, permissions=rights)
    paths = {"/version/100013": 404, f"{AGILE}/sprint/23": 403}
    for path, status in paths.items():
        for method in ("PUT", "DELETE"):
            assert send(running, method, path, {"name": "New"}).status_code == status, (method, path)
    running.edit("set_token", site="jira", token=JIRA_TOKEN, permissions={})


def test_issues_follow_and_the_state_file_remembers(network: None, tmp_path: Any) -> None:
    """1. Issues of a version that is deleted have another. 2. Those of a deleted sprint go back to the backlog."""
    state = str(tmp_path / "state")
    running = RunningSandbox(state=state)
    version = send(running, "POST", "/version", {"name": "3.0", "projectId": 10001}).json()["id"]
    sprint = send(running, "POST", f"{AGILE}/sprint", {"name": "New", "originBoardId": 2}).json()["id"]
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "Planned"}
    given = {**fields, "fixVersions": [{"id": version}], "customfield_10020": sprint}
    key = send(running, "POST", "/issue", {"fields": given}).json()["key"]
    running.close()
    running = RunningSandbox(state=state)
    planned = send(running, "GET", f"/issue/{key}").json()["fields"]
    assert [each["name"] for each in planned["fixVersions"]] == ["3.0"]
    assert [each["id"] for each in planned["customfield_10020"]] == [sprint]
    assert send(running, "DELETE", f"/version/{version}?moveFixIssuesTo=100013").status_code == 204
    assert send(running, "DELETE", f"{AGILE}/sprint/{sprint}").status_code == 204
    planned = send(running, "GET", f"/issue/{key}").json()["fields"]
    assert ([each["id"] for each in planned["fixVersions"]], planned["customfield_10020"]) == (["100013"], None)
    running.close()

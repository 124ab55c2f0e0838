"""Jira's issues as Data Center answers: search with a total, plain texts, people by name, sessions."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture(scope="module")
def sandbox(network: None) -> Iterator[RunningSandbox]:
    """One for all of these tests."""
    running = RunningSandbox(jira="server-9")
    yield running
    running.close()


def send(sandbox: RunningSandbox, method: str, path: str, payload: object = None, **kwargs: Any) -> requests.Response:
    kwargs.setdefault("auth", ("admin", JIRA_TOKEN))
    url = sandbox.url + (path if path.startswith("/rest/") else f"/rest/api/2{path}")
    return requests.request(method, url, json=payload, timeout=10, **kwargs)


def get(sandbox: RunningSandbox, path: str) -> Any:
    response = send(sandbox, "GET", path)
    assert response.status_code == 200, (path, response.text)
    return response.json()


def test_a_search_has_a_start_and_a_total(sandbox: RunningSandbox) -> None:
    counted = get(sandbox, "/search?jql=project%3DPAY&maxResults=0")
    assert (counted["issues"], counted["total"]) == ([], 37)
    body = {"jql": "project = PAY order by key", "startAt": 30, "maxResults": 10, "fields": ["summary"]}
    page = send(sandbox, "POST", "/search", body).json()
    assert [each["key"] for each in page["issues"]] == [f"PAY-{number}" for number in range(31, 38)]
    assert (page["startAt"], page["total"], set(page["issues"][0]["fields"])) == (30, 37, {"summary"})
    for path in ("/search/jql?jql=project%3DPAY", "/field/search", "/statuses/search", "/label", "/users/search"):
        assert send(sandbox, "GET", path).status_code == 404, path
    assert send(sandbox, "POST", "/search/approximate-count", body).status_code == 404
    unbounded = get(sandbox, "/search?maxResults=1")
    assert unbounded["total"] > 400


def test_fields_are_those_of_data_center(sandbox: RunningSandbox) -> None:
    made = {
        "project": {"key": "PAY"},
        "issuetype": {"name": "Story"},
        "summary": "Made by a test",
        "description": "Plain text\nof two lines",
        "assignee": {"name": "ada.brook"},
        "customfield_10014": "PAY-1",
        "customfield_10020": 22,
    }
    key = send(sandbox, "POST", "/issue", {"fields": made}).json()["key"]
    fields = get(sandbox, f"/issue/{key}")["fields"]
    assert fields["description"] == "Plain text\nof two lines"
    assert (fields["assignee"]["name"], "accountId" in fields["assignee"]) == ("ada.brook", False)
    assert (fields["customfield_10014"], "parent" in fields) == ("PAY-1", False)
    assert "state=ACTIVE,name=PAY Sprint 3," in fields["customfield_10020"][0]
    types = get(sandbox, "/issue/createmeta/PAY/issuetypes")
    assert [each["name"] for each in types["values"]] == ["Epic", "Story", "Sub-task", "Bug"]
    form = get(sandbox, f"/issue/createmeta/PAY/issuetypes/{types['values'][1]['id']}")["values"]
    assert {"summary", "customfield_10014"} <= {each["fieldId"] for each in form}
    assert send(sandbox, "PUT", f"/issue/{key}/assignee", {"name": None}).status_code == 204
    unassigned = get(sandbox, "/search?jql=assignee%20is%20empty%20and%20key%3D" + key)
    assert unassigned["total"] == 1
    assert [each["name"] for each in get(sandbox, "/user/search?username=ada")] == ["ada.brook"]
    assert get(sandbox, "/user?username=ada.brook")["key"] == "ada.brook"
    assert send(sandbox, "GET", "/user?username=nobody").status_code == 404
    assert get(sandbox, "/workflow")[0]["steps"] > 3
    assert get(sandbox, "/project/PAY/workflowscheme")["defaultWorkflow"] == "jira"
    assert get(sandbox, "/serverInfo")["versionNumbers"] == [9, 12, 15]
    assert "location" not in get(sandbox, "/rest/agile/1.0/board/2")


def test_a_session_stands_for_a_sign_in_until_it_ends(sandbox: RunningSandbox) -> None:
    session = requests.Session()
    address = f"{sandbox.url}/rest/auth/1/session"
    assert session.get(address, timeout=10).status_code == 401
    wrong = session.post(address, json={"username": "admin", "password": "nope"}, timeout=10)
    assert (wrong.status_code, wrong.json()["errorMessages"]) == (401, ["Login failed"])
    begun = session.post(address, json={"username": ADMIN, "password": JIRA_TOKEN}, timeout=10)
    assert begun.json()["session"]["name"] == "JSESSIONID"
    assert session.get(address, timeout=10).json()["name"] == "admin"
    me = session.get(f"{sandbox.url}/rest/api/2/myself", timeout=10)
    assert (me.status_code, me.headers["X-Seraph-LoginReason"]) == (200, "OK")
    assert "X-RateLimit-FillRate" in me.headers
    put = session.put(address, json={}, timeout=10)
    assert (put.status_code, put.headers["Allow"]) == (405, "GET, POST, DELETE, OPTIONS")
    assert session.delete(address, timeout=10).status_code == 204
    assert session.get(f"{sandbox.url}/rest/api/2/myself", timeout=10).status_code == 401

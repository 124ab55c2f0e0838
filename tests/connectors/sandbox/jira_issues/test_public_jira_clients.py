"""Two public clients of Jira, unchanged but for address and sign-in, at the sandbox as Cloud and as Data Center."""

from collections.abc import Iterator
from typing import Any

import pytest
from atlassian import Jira
from jira import JIRA
from jira.exceptions import JIRAError

from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture(scope="module")
def cloud(network: None) -> Iterator[RunningSandbox]:
    running = RunningSandbox()
    yield running
    running.close()


@pytest.fixture(scope="module")
def data_center(network: None) -> Iterator[RunningSandbox]:
    running = RunningSandbox(jira="server")
    yield running
    running.close()


def test_the_client_jira_works_with_cloud(cloud: RunningSandbox) -> None:
    client: Any = JIRA(server=cloud.url, basic_auth=(ADMIN, JIRA_TOKEN))
    assert client.myself()["emailAddress"] == ADMIN
    assert client.approximate_issue_count("project = PAY") == 37
    assert len(client.search_issues("project in (PAY, PROJ, WEB, MOB)", maxResults=0)) > 100
    assert client.search_users(query="ada")[0].displayName == "Ada Brook"
    (project,) = client.createmeta(projectKeys="PAY", issuetypeNames="Bug", expand="projects.issuetypes.fields")[
        "projects"
    ]
    assert project["issuetypes"][0]["fields"]["summary"]["required"] is True
    made = client.create_version("3.0", "PAY", releaseDate="2027-06-30")  # the client waits a second
    assert client.version(made.id).releaseDate == "2027-06-30"
    made.delete()
    assert "3.0" not in {each.name for each in client.project_versions("PAY")}
    work_with_jira(client, ADMIN)


def test_the_client_jira_works_with_data_center(data_center: RunningSandbox) -> None:
    with pytest.warns(DeprecationWarning, match="Cookie"):
        with_cookie = JIRA(server=data_center.url, auth=("admin", JIRA_TOKEN))
    assert with_cookie.myself()["name"] == "admin"
    assert with_cookie.session().name == "admin"
    assert JIRA(server=data_center.url, token_auth=JIRA_TOKEN).myself()["name"] == "admin"
    client: Any = JIRA(server=data_center.url, basic_auth=("admin", JIRA_TOKEN))
    assert client.search_issues("project = PAY", maxResults=1).total == 37
    assert len(client.search_issues("project in (PAY, PROJ, WEB, MOB)", maxResults=False)) > 100
    assert [each.name for each in client.project_issue_types("PAY")] == ["Epic", "Story", "Sub-task", "Bug"]
    assert "summary" in {each.fieldId for each in client.project_issue_fields("PAY", "10001")}
    work_with_jira(client, "admin")


def webhooks_of(me: str) -> str:
    """They have moved with Data Center 10, where people are called by their names."""
    return "/rest/jira-webhook/1.0/webhooks" if me == "admin" else "/rest/webhooks/1.0/webhook"


def work_with_jira(client: Any, me: str) -> None:
    """Catalogue, search, then one issue from its making to its end, then boards."""
    assert client.server_info()["serverTitle"] == "Acme Jira"
    assert {"PAY", "PROJ"} <= {each.key for each in client.projects()}
    assert "customfield_10016" in {each["id"] for each in client.fields()}
    assert [each.key for each in client.search_issues("project = PAY order by key", maxResults=2)] == ["PAY-1", "PAY-2"]
    assert {each.name for each in client.project_versions("PAY")} == {"1.0", "1.1", "2.0", "Later"}
    assert {each.name for each in client.project_components("PAY")} >= {"Backend"}
    assert len(client.resolutions()) == 4
    assert "jira-software-users" in client.groups()
    assert "ada.brook@acme.test" in {each["email"] for each in client.group_members("jira-software-users").values()}
    issue = client.create_issue(project="PAY", issuetype="Story", summary="From a client", description="Plain text")
    assert (issue.fields.status.name, issue.fields.description) == ("Backlog", "Plain text")
    issue.update(summary="Changed", fields={"labels": ["one"]})
    issue.update(update={"labels": [{"add": "two"}]})
    assert client.assign_issue(issue, me)
    read = client.issue(issue.key)
    assert (read.fields.summary, read.fields.labels) == ("Changed", ["one", "two"])
    assert read.fields.assignee.displayName == "Workspace Admin"
    assert "labels" in client.editmeta(issue)["fields"]
    client.transition_issue(issue, "To Do")
    assert client.issue(issue.key).fields.status.name == "To Do"
    assert client.boards(projectKeyOrID="PAY")[0].name == "PAY board"
    assert len(client.boards(maxResults=False)) >= 14
    assert [each.state for each in client.sprints(2)] == ["closed", "closed", "active", "future"]
    client.add_issues_to_sprint(22, [issue.key])
    assert issue.key in [each.key for each in client.search_issues("sprint = 22", maxResults=50)]
    sprint = client.create_sprint("Made by a client", 2, startDate="2027-01-04", endDate="2027-01-15T17:00:00+01:00")
    assert client.update_sprint(sprint.id, name="Renamed", state="active")["endDate"] == "2027-01-15T16:00:00.000Z"
    client.add_issues_to_sprint(sprint.id, [issue.key])
    assert [each.key for each in client.search_issues(f"sprint = {sprint.id}")] == [issue.key]
    assert client.update_sprint(sprint.id, state="closed")["state"] == "closed"
    hook = {"name": "Heard by a client", "url": "http://127.0.0.1:9/x", "events": ["jira:issue_updated"]}
    webhooks = f"{client.server_url}{webhooks_of(me)}"
    made = client._session.post(webhooks, json=hook).json()
    assert made["self"] in [each["self"] for each in client._session.get(webhooks).json()]
    assert client._session.delete(made["self"]).status_code == 204
    issue.delete()
    with pytest.raises(JIRAError, match="Issue does not exist"):
        client.issue(issue.key)


def test_the_client_of_atlassian_python_api_works_with_cloud(cloud: RunningSandbox) -> None:
    client: Any = Jira(url=cloud.url, username=ADMIN, password=JIRA_TOKEN, cloud=True)
    assert client.approximate_issue_count("project = PAY") == {"count": 37}
    page = client.enhanced_jql("project = PAY order by key", limit=2, fields="summary")
    assert [each["key"] for each in page["issues"]] == ["PAY-1", "PAY-2"]
    after = client.enhanced_jql(
        "project = PAY order by key", limit=1, nextPageToken=page["nextPageToken"], fields="key"
    )
    assert [each["key"] for each in after["issues"]] == ["PAY-3"]
    assert client.user_find_by_user_string(query="ada")[0]["displayName"] == "Ada Brook"
    work_with_atlassian(client, client.myself()["accountId"])


def test_the_client_of_atlassian_python_api_works_with_data_center(data_center: RunningSandbox) -> None:
    client: Any = Jira(url=data_center.url, username="admin", password=JIRA_TOKEN, cloud=False)
    assert client.jql("project = PAY", limit=0)["total"] == 37
    assert client.user_find_by_user_string(username="ada")[0]["name"] == "ada.brook"
    work_with_atlassian(client, client.myself()["name"])


def work_with_atlassian(client: Any, me: str) -> None:
    """As above, with the methods of the other client."""
    assert client.get_server_info()["serverTitle"] == "Acme Jira"
    assert {"PAY", "PROJ"} <= {each["key"] for each in client.projects()}
    assert "customfield_10016" in {each["id"] for each in client.get_all_fields()}
    assert client.jql("project = PAY order by key", limit=1)["issues"][0]["fields"]["project"]["key"] == "PAY"
    assert len(client.get_project_versions("PAY")) == len(client.get_project_components("PAY")) == 4
    assert client.issue_createmeta_fieldtypes("PAY", "10001")["total"] > 20
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "From a client"}
    key = client.issue_create(fields)["key"]
    client.update_issue_field(key, {"summary": "Changed"})
    client.assign_issue(key, me)
    read = client.issue(key)["fields"]
    assert (read["summary"], read["assignee"]["displayName"]) == ("Changed", "Workspace Admin")
    assert "To Do" in [each["name"] for each in client.get_issue_transitions(key)]
    client.set_issue_status(key, "To Do")
    assert client.get_issue_status(key) == "To Do"
    assert client.get_all_agile_boards(project_key="PAY")["values"][0]["id"] == 2
    assert [each["id"] for each in client.get_all_sprints_from_board(2, state="active")["values"]] == [22]
    number = client.get_project("PAY")["id"]
    version = client.add_version(project_key="PAY", project_id=number, version="4.0")["id"]
    client.update_issue_field(key, {"fixVersions": [{"id": version}]})
    assert client.update_version(version, name="4.1", is_released=True)["released"] is True
    assert client.jql("project = PAY and fixVersion = '4.1'")["issues"][0]["key"] == key
    client.delete_version(version)
    assert client.issue(key)["fields"]["fixVersions"] == []
    sprint = client.create_sprint("Made by a client", 2)["id"]
    assert (
        client.update_partially_sprint(sprint, {"goal": "Less"})["goal"] == client.get_sprint(sprint)["goal"] == "Less"
    )
    client.delete_sprint(sprint)
    assert sprint not in [each["id"] for each in client.get_all_sprints_from_board(2)["values"]]
    hook = {"name": "Heard by a client", "url": "http://127.0.0.1:9/x", "events": ["jira:issue_updated"]}
    made = client.post(webhooks_of(me), data=hook)["self"].removeprefix(client.url)
    assert made in [each["self"].removeprefix(client.url) for each in client.get(webhooks_of(me))]
    client.delete(made)
    client.delete_issue(key)
    assert client.jql(f"project = PAY and text ~ '{key}'")["issues"] == []

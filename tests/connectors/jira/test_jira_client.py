"""The Jira client against the sandbox as Cloud and as Data Center, and against a scripted server."""

from typing import Any

import pytest

from alignadmin.http import Auth, Basic, Bearer, NoBudget, Remote, Retry, Site
from alignadmin.http.errors import BadRequest, Forbidden, Malformed, NotFound, RemoteError, SignInRefused
from connectors.jira import JIRA_WORDING, JiraClient, trim_site
from connectors.jira.dialect import Deployment
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox, sandbox
from tests.support.scripted_server import Reply, Seen, in_turn, serving

pytestmark = pytest.mark.usefixtures("network")

__all__ = ["sandbox"]

ME = {"accountId": "1", "displayName": "Ann"}
QUICK = Retry(tries=3, first_pause=0.001, usual_block=0.05, least_block=0.05, block_jitter=0.0)


def client_of(address: str, deployment: Deployment = "cloud", auth: Auth | None = None) -> JiraClient:
    site = Site(address=address, allow_private=True, wording=JIRA_WORDING)
    return JiraClient(Remote(site, budget=NoBudget(), auth=auth or Basic(ADMIN, JIRA_TOKEN), retry=QUICK), deployment)


def test_it_reads_a_cloud_site(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    assert client.myself().email == ADMIN
    assert client.server_info().deployment_type == "Cloud"
    projects = {project.key: project for project in client.projects()}
    assert not projects["PROJ"].is_team_managed
    assert projects["PROJ1"].is_team_managed
    assert projects["PROJ2"].is_team_managed
    statuses = {status.id: status for status in client.statuses()}
    assert (statuses[10001].name, statuses[10001].category) == ("To Do", "new")
    assert statuses[10003].category == "done"
    assert {type_.name for type_ in client.issue_types()} >= {"Epic", "Story", "Bug"}
    assert client.priorities()


def test_it_reads_a_data_center_site(sandbox: RunningSandbox) -> None:
    sandbox.reset(jira="server")
    for auth in (Basic(ADMIN, JIRA_TOKEN), Bearer(JIRA_TOKEN)):
        client = client_of(sandbox.url, "datacenter", auth)
        assert client.myself().id == "admin"
        assert client.server_info().deployment_type == "Server"
        assert "PROJ" in {project.key for project in client.projects()}
        assert not any(project.is_team_managed for project in client.projects())
        assert client.priorities()
    assert all("/rest/api/2/" in entry["path"] for entry in sandbox.journal())


def test_it_reads_the_statuses_that_each_issue_type_can_reach(sandbox: RunningSandbox) -> None:
    by_type = {found.issue_type.name: found for found in client_of(sandbox.url).project_statuses("PROJ")}
    assert {10001, 10002, 10003} <= {status.id for status in by_type["Story"].statuses}
    assert by_type["Sub-task"].issue_type.is_subtask
    assert {status.category for status in by_type["Epic"].statuses} <= {"new", "indeterminate", "done"}


def test_a_project_that_is_gone_is_not_found(sandbox: RunningSandbox) -> None:
    with pytest.raises(NotFound):
        client_of(sandbox.url).project_statuses("no/such project")


@pytest.mark.parametrize("ask", ["projects", "statuses", "issue_types", "priorities"])
def test_a_wrong_token_is_never_an_empty_list(sandbox: RunningSandbox, ask: str) -> None:
    client = client_of(sandbox.url, auth=Basic(ADMIN, "wrong"))
    with pytest.raises(SignInRefused, match=r"id\.atlassian\.com"):
        getattr(client, ask)()
    assert [entry["path"] for entry in sandbox.journal()] == ["/rest/api/3/myself"]


def test_after_a_refused_sign_in_nothing_more_is_sent(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url, auth=Basic(ADMIN, "wrong"))
    for _ in range(3):
        with pytest.raises(SignInRefused):
            client.myself()
    with pytest.raises(SignInRefused):
        client.server_info()
    assert len(sandbox.journal()) == 1


def test_a_captcha_is_a_refused_sign_in_that_says_what_to_do() -> None:
    denied = Reply(status=403, headers={"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=x"})
    with serving(in_turn(denied)) as server:
        client = client_of(server.address, "datacenter")
        for _ in range(2):
            with pytest.raises(SignInRefused, match="Sign in once in a browser"):
                client.myself()
        assert len(server.seen) == 1


def test_a_missing_right_is_not_a_refused_sign_in() -> None:
    with serving(in_turn(Reply(data=ME), Reply(status=403), Reply(data=[]))) as server:
        client = client_of(server.address)
        with pytest.raises(Forbidden, match="Browse projects"):
            client.project_statuses("PROJ")
        assert client.statuses() == []


def test_a_token_without_the_scope_for_one_call_is_good_for_the_others() -> None:
    # As Atlassian's gateway answers for tokens with scopes.
    lacking = Reply(status=401, data={"code": 401, "message": "Unauthorized; scope does not match"})
    with serving(in_turn(Reply(data=ME), lacking, Reply(data=[]))) as server:
        client = client_of(server.address)
        with pytest.raises(Forbidden, match=r"The token lacks the scope for this.*scope does not match"):
            client.project_statuses("PROJ")
        assert client.statuses() == []


@pytest.mark.parametrize("tells_total", [True, False])
def test_projects_are_read_page_by_page_even_if_pages_are_smaller_than_asked(tells_total: bool) -> None:
    projects = [{"id": str(number), "key": f"P{number}", "style": "classic"} for number in range(70)]

    def script(seen: Seen) -> Reply:
        if seen.path.endswith("/myself"):
            return Reply(data={"accountId": "1"})
        start = int(seen.query["startAt"])
        page: dict[str, Any] = {"values": projects[start : start + 20]}
        end = {"total": 70} if tells_total else {"isLast": start + 20 >= 70}
        return Reply(data=page | end)

    with serving(script) as server:
        assert [project.id for project in client_of(server.address).projects()] == list(range(70))
        assert len(server.seen) == 5


def test_an_empty_page_in_the_middle_does_not_loop() -> None:
    with serving(in_turn(Reply(data=ME), Reply(data={"values": [], "isLast": False}))) as server:
        with pytest.raises(Malformed):
            client_of(server.address).projects()
        assert len(server.seen) == 2


def test_statuses_know_the_project_that_owns_them() -> None:
    own = {"id": "7", "name": "To Do", "scope": {"type": "PROJECT", "project": {"id": "10001"}}}
    with serving(in_turn(Reply(data=ME), Reply(data=[own, {"id": "8", "name": "To Do", "scope": None}]))) as server:
        first, second = client_of(server.address).statuses()
    assert (first.project_id, second.project_id) == (10001, None)
    assert (first.id, first.category) == (7, "")


@pytest.mark.parametrize("row", [{"name": "x"}, {"id": "abc"}, {"id": None}, {"id": "-1"}, [], "x"])
def test_a_malformed_status_is_an_error_of_the_tree(row: object) -> None:
    with serving(in_turn(Reply(data=ME), Reply(data=[row]))) as server, pytest.raises(Malformed):
        client_of(server.address).statuses()


def test_jiras_own_words_are_kept() -> None:
    said = {"errorMessages": ["No project could be found."], "errors": {"key": "is wrong"}}
    with serving(in_turn(Reply(data=ME), Reply(status=400, data=said))) as server:
        with pytest.raises(BadRequest) as caught:
            client_of(server.address).projects()
        assert caught.value.detail == "No project could be found.; key: is wrong"
        assert caught.value.sentence.endswith("Jira says: “No project could be found.; key: is wrong”.")


def test_an_account_that_is_not_named_is_not_signed_in() -> None:
    with serving(in_turn(Reply(data={}))) as server, pytest.raises(SignInRefused, match="names nobody"):
        client_of(server.address).projects()
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("typed", "site"),
    [
        ("https://acme.atlassian.net/jira/software/projects/PROJ/boards/1", "https://acme.atlassian.net"),
        ("acme.atlassian.net/browse/PROJ-1", "https://acme.atlassian.net"),
        ("https://jira.acme.test/jira/rest/api/2/myself", "https://jira.acme.test/jira"),
        ("https://jira.acme.test/jira/browse/PROJ-1", "https://jira.acme.test/jira"),
        ("https://jira.acme.test/secure/Dashboard.jspa", "https://jira.acme.test"),
        ("https://api.atlassian.com/ex/jira/0a1b/rest/api/3/myself", "https://api.atlassian.com/ex/jira/0a1b"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ],
)
def test_a_pasted_address_is_trimmed_to_the_site(typed: str, site: str) -> None:
    assert trim_site(typed)[0] == site


def test_a_list_of_too_many_records_ends_with_a_sentence_that_names_it() -> None:
    rows = [{"id": number} for number in range(100_001)]
    with (
        serving(in_turn(Reply(data=ME), Reply(data=rows))) as server,
        pytest.raises(Malformed, match="Statuses: The site answered more than 100,000 records"),
    ):
        client_of(server.address).statuses()


@pytest.mark.parametrize("status", [404, 410, 503])
def test_a_site_that_was_closed_is_called_so(status: int) -> None:
    page = Reply(status=status, text="<!DOCTYPE html><title>Atlassian Cloud Notifications</title>")
    with serving(in_turn(page)) as server, pytest.raises(RemoteError) as raised:
        client_of(server.address).projects()
    assert "it was closed, moved or renamed" in raised.value.sentence


NO_SITE = {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}
UNAVAILABLE = "<!DOCTYPE html><title>Page Unavailable</title>Your Atlassian Cloud site is currently unavailable."


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(status=404, data=NO_SITE),
            "“Site temporarily unavailable”. So Atlassian answers where there is no open",
        ),
        (Reply(status=404, data={}, headers={"Atl-Missing-Tcs": "true"}), "there is no open site"),
        (Reply(status=404, text=UNAVAILABLE), "there is no open site"),
        (Reply(text=UNAVAILABLE), "there is no open site"),
        (
            Reply(status=302, headers={"Location": "https://www.atlassian.com/?token=x"}),
            "it was closed, moved or renamed",
        ),
    ],
)
def test_an_address_without_an_open_site_is_called_so_however_atlassian_says_it(reply: Reply, words: str) -> None:
    with serving(in_turn(reply)) as server, pytest.raises(RemoteError) as raised:
        client_of(server.address).projects()
    assert words in raised.value.sentence
    assert "token" not in raised.value.sentence


def test_a_thing_that_is_missing_makes_no_site_closed() -> None:
    nothing = Reply(status=404, data={"errorMessages": ["No project could be found"]})
    with serving(in_turn(nothing)) as server, pytest.raises(NotFound) as raised:
        client_of(server.address).projects()
    assert "closed" not in raised.value.sentence

"""Counting and searching issues by JQL, on Cloud and on Data Center, and what odd sites answer."""

from __future__ import annotations

from typing import Any

import pytest

from alignadmin.http import Basic, NoBudget, Remote, Retry, Site
from alignadmin.http.errors import Malformed, ReadOnlyRefused, RemoteError
from connectors.jira import JIRA_WORDING, READING_POSTS, JiraClient, JqlRefused
from connectors.jira.dialect import Deployment
from connectors.jira.jql import Jql, SearchField, is_in, is_not_in, issues_of
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox, sandbox
from tests.support.scripted_server import Reply, Seen, serving

__all__ = ["sandbox"]

DEPLOYMENTS: list[Deployment] = ["cloud", "datacenter"]
QUICK = Retry(tries=2, first_pause=0.001, usual_block=0.05, least_block=0.05, block_jitter=0.0)
ODD: list[Any] = [None, [], "x", 7, {}, {"issues": None}, {"issues": {}}, {"issues": [[], "x"], "isLast": True}]


def client_of(address: str, deployment: Deployment) -> JiraClient:
    site = Site(address=address, allow_private=True, wording=JIRA_WORDING, reading_posts=READING_POSTS)
    return JiraClient(Remote(site, budget=NoBudget(), auth=Basic(ADMIN, JIRA_TOKEN), retry=QUICK), deployment)


# --- the text -----------------------------------------------------------------------------------------------------


def test_conditions_quote_every_text_and_take_ids_alone_as_numbers() -> None:
    condition = issues_of([2, 1], [10]) & is_not_in(SearchField.STATUS, [3, 'Ready "now" \\ today', "a\u0000b\nc"])
    assert str(condition) == (
        r'project in (1, 2) AND issuetype in (10) AND status not in (3, "Ready \"now\" \\ today", "a b\nc")'
    )
    assert str(Jql() & is_not_in(SearchField.STATUS, ()) & is_in(SearchField.KEY, ["A-1"])) == 'key in ("A-1")'
    for values in ([], [-1], [True]):
        with pytest.raises(ValueError, match=r"condition|id"):
            is_in(SearchField.PROJECT, values)


# --- against the stand-in ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_number_is_that_of_the_issues_found_by_pages(sandbox: RunningSandbox, deployment: Deployment) -> None:
    sandbox.reset(jira="cloud" if deployment == "cloud" else "server")
    client = client_of(sandbox.url, deployment)
    project = next(each for each in client.projects() if each.key == "PROJ")
    stories = [each.id for each in client.issue_types() if each.name == "Story"]
    asked = issues_of([project.id], stories)
    found = [issue for page in client.search(asked, ["status"]) for issue in page]
    assert client.count(asked) == len({issue.id for issue in found}) > 0
    by_status = {int(issue.fields["status"]["id"]) for issue in found}
    counts = {status: client.count(asked & is_in(SearchField.STATUS, [status])) for status in by_status}
    assert sum(counts.values()) == len(found)
    assert client.count(asked & is_not_in(SearchField.STATUS, by_status)) == 0
    # Hundreds of ids are too long for an address, and a client that only reads may ask all the same.
    keys = [issue.key for issue in found] * (1 + 300 // len(found))
    long = Jql(f"{asked} AND key in ({', '.join(keys)})")
    assert client.count(long) == len(found)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_refused_query_says_where(sandbox: RunningSandbox, deployment: Deployment) -> None:
    sandbox.reset(jira="cloud" if deployment == "cloud" else "server")
    client = client_of(sandbox.url, deployment)
    with pytest.raises(JqlRefused) as caught:
        client.count(Jql("project in (1"))
    assert caught.value.character is None, "it ends too early, at no character"
    with pytest.raises(JqlRefused) as caught:
        next(client.search(Jql("project = PROJ AND AND")))
    assert (caught.value.line, caught.value.character) == (1, 20)
    with pytest.raises(JqlRefused, match="999999") as caught:
        client.count(is_in(SearchField.PROJECT, [999999]))
    assert caught.value.line is None


# --- odd sites ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_an_odd_answer_is_an_error_of_the_tree(deployment: Deployment) -> None:
    numbers: tuple[Any, ...] = (None, "many", True, -1, 1.5, 10**30, [], {"n": 1})
    answers: list[Any] = [*ODD, *({"count": number, "total": number} for number in numbers)]

    def script(seen: Seen) -> Reply:
        return Reply(data={"accountId": "1", "name": "1"} if seen.path.endswith("/myself") else answers[0])

    with serving(script) as server:
        client = client_of(server.address, deployment)
        while answers:
            with pytest.raises(Malformed, match="Number of issues"):
                client.count(issues_of([1], [1]))
            with pytest.raises(RemoteError, match="Issues"):
                list(client.search(issues_of([1], [1])))
            answers.pop(0)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_pages_that_do_not_end_are_refused(deployment: Deployment) -> None:
    page = {"issues": [{"id": "1", "key": "A-1"}], "nextPageToken": "same", "isLast": False, "total": 5}

    def script(seen: Seen) -> Reply:
        return Reply(data={"accountId": "1", "name": "1"} if seen.path.endswith("/myself") else page)

    with serving(script) as server, pytest.raises(Malformed):
        list(client_of(server.address, deployment).search(issues_of([1], [1])))


@pytest.mark.usefixtures("network")
def test_only_posts_that_ask_pass_a_client_that_only_reads() -> None:
    with serving(lambda _: Reply(data={})) as server:
        site = Site(address=server.address, allow_private=True, reading_posts=READING_POSTS)
        remote = Remote(site, budget=NoBudget(), retry=QUICK)
        remote.request("POST", "/rest/api/3/search/approximate-count", body={"jql": ""})
        for method, path in (
            ("POST", "/rest/api/3/issue"),
            ("PUT", "/rest/api/3/search/approximate-count"),
            ("POST", "/rest/api/3/search/approximate-count/../../issue"),
        ):
            with pytest.raises(ReadOnlyRefused):
                remote.request(method, path, body={})
        assert len(server.seen) == 1

"""What the product sends to Jira Cloud, and what the stand-in answers, beside Jira's own OpenAPI document.

The documents are Atlassian's, and no part of this product: JIRA_OPENAPI names files of them (see docs/CONTRIBUTING.md),
and without it that one comparison is left out. That the comparison finds what differs is held by a small own document.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alignadmin.http import Basic, NoBudget, Remote, Site
from alignadmin.http.remote import Call
from alignadmin.http.responses import Received
from connectors.jira import JIRA_WORDING, READING_POSTS, JiraWriter, WebhookWish
from connectors.jira.jql import issues_of
from tests.support.jira_clients import QUICK
from tests.support.openapi import Exchange, OpenApi
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox, sandbox

__all__ = ["sandbox"]

VARIABLE = "JIRA_OPENAPI"
SAMPLE = Path(__file__).parents[2] / "samples" / "jira_openapi.json"
PAY, STORY = 10001, 10001
# Differences of a document, not of ours: a sentence ends with one of these.
KNOWN = ('answer has a field that the document does not know: "defaultLocale".',)


class RecordingRemote(Remote):
    """Keeps what was sent and what came back."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.exchanges: list[Exchange] = []

    def _send(self, call: Call) -> Received:
        received = super()._send(call)
        data = json.loads(received.body) if received.body else None
        self.exchanges.append(
            Exchange(
                method=call.method,
                path=call.path,
                query=call.query,
                body=call.body,
                status=received.status,
                data=data,
            )
        )
        return received


def exchanges(sandbox: RunningSandbox) -> list[Exchange]:
    """Each call of the client once, at the stand-in for Cloud."""
    site = Site(address=sandbox.url, allow_private=True, wording=JIRA_WORDING, reading_posts=READING_POSTS)
    remote = RecordingRemote(site, budget=NoBudget(), auth=Basic(ADMIN, JIRA_TOKEN), retry=QUICK, read_only=False)
    jira = JiraWriter(remote, "cloud")
    jira.server_info()
    jira.projects()
    jira.projects_with([PAY, PAY + 1])
    jira.project_statuses("PAY")
    jira.statuses()
    jira.issue_types()
    jira.priorities()
    jira.fields()
    jira.permissions(["BROWSE_PROJECTS"], "PAY")
    jira.count(issues_of([PAY], [STORY]))
    next(jira.search(issues_of([PAY], [STORY]), ["status"]))
    jira.boards(PAY)
    jira.board_filter(2)
    jira.sprints(2)
    jira.create_types(PAY)
    jira.create_fields(PAY, STORY)
    person = jira.dialect.person(jira.users("ada")[0].id)
    text = jira.dialect.long_text("First line\n\nthird")
    made = jira.create_issue(PAY, STORY, {"summary": "New", "description": text, "labels": ["one"]})
    jira.issue(made.key, ["status", "summary", "description"])
    jira.edit_fields(made.key)
    jira.edit_issue(made.key, {"assignee": person}, {"labels": [{"add": "two"}]})
    jira.transition(made.key, next(each.id for each in jira.transitions(made.key) if each.name == "To Do"))
    jira.delete_issue(made.key, with_subtasks=True)
    wish = WebhookWish(name="New", url="http://127.0.0.1:9/x", events=["jira:issue_updated"], secret="s" * 9)
    jira.delete_webhook(jira.register_webhook(wish).id)
    return remote.exchanges


# --- the comparison itself --------------------------------------------------------------------------------------------

MYSELF = Exchange(method="GET", path="/rest/api/3/myself", data={"accountId": "1", "more": 1})
PROJECTS = Exchange(
    method="GET",
    path="/rest/api/3/project/search",
    query=(("startAt", "0"), ("id", "1,2")),
    data={"values": [{"id": "1", "key": "A", "style": "classic"}], "nextPage": None, "isLast": True},
)
COUNT = Exchange(
    method="POST", path="/rest/api/3/search/approximate-count", body={"jql": "project = 1"}, data={"count": 3}
)
ISSUE = Exchange(method="GET", path="/rest/api/3/issue/A-1", data={"id": "1", "key": "A-1", "fields": {"x": None}})


@pytest.mark.parametrize("exchange", [MYSELF, PROJECTS, COUNT, ISSUE], ids=str)
def test_what_is_as_the_document_says_has_no_difference(exchange: Exchange) -> None:
    assert OpenApi.of(SAMPLE).differences(exchange) == []


@pytest.mark.parametrize(
    ("exchange", "difference"),
    [
        (replace(MYSELF, path="/rest/api/3/me"), "the document has no such path."),
        (replace(MYSELF, path="/rest/api/3/myself/x"), "the document has no such path."),
        (replace(MYSELF, method="PUT"), "the document has this path for GET alone."),
        (replace(MYSELF, query=(("expand2", "x"),)), 'the document knows no query parameter "expand2".'),
        (replace(MYSELF, body={}), "the document knows no body."),
        (replace(MYSELF, status=201), "the document knows no answer 201."),
        (replace(MYSELF, data={}), 'answer lacks the field "accountId".'),
        (replace(MYSELF, data={"accountId": 1}), "answer.accountId is integer and not string."),
        (replace(MYSELF, data=[]), "answer is array and not object."),
        (replace(MYSELF, data={"accountId": "1", "active": None}), "answer.active is null and not boolean."),
        (replace(MYSELF, data={"accountId": "1", "active": 1}), "answer.active is integer and not boolean."),
        (replace(PROJECTS, query=(("id", "1,x"),)), 'query parameter "id" is no whole number: x.'),
        (replace(PROJECTS, data={"values": [{"id": "1"}]}), 'answer.values[] lacks the field "key".'),
        (replace(PROJECTS, data={"values": [{"key": "A", "id": 1}]}), "answer.values[].id is integer and not string."),
        (replace(PROJECTS, data={"total": True}), "answer.total is boolean and not integer."),
        (
            replace(PROJECTS, data={"values": [{"key": "A", "style": "old"}]}),
            "answer.values[].style is none of classic, next-gen: old.",
        ),
        (replace(COUNT, body=None), "the body is missing."),
        (replace(COUNT, body={"jql": "x", "max": 1}), 'body has a field that the document does not know: "max".'),
        (replace(COUNT, data={"count": 1, "n": 1}), 'answer has a field that the document does not know: "n".'),
        (replace(ISSUE, path="/rest/api/3/issue/picker", data={}), ""),
        (
            Exchange(method="DELETE", path="/rest/api/3/issue/A-1", query=(("deleteSubtasks", "yes"),), status=204),
            'query parameter "deleteSubtasks" is none of true, false: yes.',
        ),
    ],
)
def test_a_wrong_path_parameter_field_or_type_is_named(exchange: Exchange, difference: str) -> None:
    expected = [f"{exchange}: {difference}"] if difference else []
    assert OpenApi.of(SAMPLE).differences(exchange) == expected


# --- ours -------------------------------------------------------------------------------------------------------------


def as_it_is(_: dict[str, Any]) -> None:
    pass


def without_counting(document: dict[str, Any]) -> None:
    del document["paths"]["/rest/api/3/search/approximate-count"]


def with_another_field(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["User"]["required"] = ["accountNumber"]


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (as_it_is, []),
        (without_counting, ["POST /rest/api/3/search/approximate-count: the document has no such path."]),
        (with_another_field, ['GET /rest/api/3/myself: answer lacks the field "accountNumber".']),
    ],
)
def test_client_and_stand_in_are_compared_call_by_call(
    sandbox: RunningSandbox, alter: Callable[[dict[str, Any]], None], expected: list[str]
) -> None:
    whole = json.loads(SAMPLE.read_text("utf-8"))
    document = copy.deepcopy(whole)
    alter(document)
    of_sample = [each for each in exchanges(sandbox) if not misses(OpenApi(whole), each)]
    assert {each.path for each in of_sample} >= {MYSELF.path, PROJECTS.path, COUNT.path}
    assert list(dict.fromkeys(found for each in of_sample for found in OpenApi(document).differences(each))) == expected


def misses(document: OpenApi, exchange: Exchange) -> bool:
    """The small document has a few of the addresses alone."""
    return any("no such path" in each or "alone" in each for each in document.differences(exchange))


if VARIABLE in os.environ:  # else there is nothing to compare with, and no test

    def test_client_and_stand_in_are_as_jiras_own_documents_say(sandbox: RunningSandbox) -> None:
        documents = [OpenApi.of(Path(name)) for name in os.environ[VARIABLE].split(os.pathsep)]
        differences, left_out = [], set()
        for each in exchanges(sandbox):
            covering = [document for document in documents if document.covers(each)]
            if not covering:
                left_out.add(str(each))
            differences += [found for document in covering for found in document.differences(each)]
        print("Left out, as no document has this API:", ", ".join(sorted(left_out)) or "none")
        assert [each for each in dict.fromkeys(differences) if not each.endswith(KNOWN)] == []

"""Whatever an answer of Jira becomes: an error of the tree, or records that can be stored, and never a false "none"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alignadmin.http.errors import OutcomeUnknown, RemoteError
from connectors.jira import Deployment, JiraWriter, WebhookWish, reach
from connectors.jira.dialect import JQL_OF_ISSUES
from connectors.jira.issue_resources import JiraField, JiraTransition, WritableField
from connectors.jira.resources import JiraIssue, JiraUser
from connectors.jira.site_resources import JiraBoard, JiraSprint, JiraWebhook
from tests.support.jira_clients import writer_of
from tests.support.odd_answers import Sample, check_it_is_read_or_set_aside, check_what_is_set_aside_may_be_it
from tests.support.scripted_server import Reply, Seen, serving

SCHEMA = {"type": "array", "items": "option", "custom": "com.example:multiselect", "customId": 10031}
TAKEN = {
    "required": True,
    "schema": SCHEMA,
    "name": "Environments",
    "key": "customfield_10031",
    "hasDefaultValue": False,
    "operations": ["add", "set"],
    "allowedValues": [{"id": "10110", "value": "Test"}, {"id": "10111", "name": "Staging"}],
}
STATUS = {"id": "10015", "name": "QA", "statusCategory": {"id": 4, "key": "indeterminate"}}
SPRINT = {"id": 22, "state": "active", "name": "Sprint 3", "goal": "Less", "originBoardId": 2}
DAYS = {
    "startDate": "2026-11-09T08:00:00.000Z",
    "endDate": "2026-11-23T08:00:00.000+0100",
    "completeDate": "2026-11-23",
}
HOOK = {"name": "AlignAdmin", "url": "https://align.example/hook", "events": ["jira:issue_created"]}
SELF = "https://jira.example/rest/webhooks/1.0/webhook/"
SAMPLES = (
    Sample(
        name="Fields",
        record={
            "id": "customfield_10031",
            "key": "customfield_10031",
            "name": "Environments",
            "custom": True,
            "clauseNames": ["cf[10031]", "Environments"],
            "schema": SCHEMA,
        },
        read=JiraField.from_json,
        other={"id": "customfield_4711", "key": "customfield_4711"},
    ),
    Sample(
        name="Fields of a new issue",
        record={**TAKEN, "fieldId": "customfield_10031"},
        read=WritableField.from_json,
        other={"fieldId": "customfield_4711"},
    ),
    Sample(
        name="Transitions",
        record={
            "id": "31",
            "name": "Test",
            "to": STATUS,
            "isAvailable": True,
            "fields": {"10031": {"required": True, "allowedValues": [{"id": "1"}]}},
        },
        read=JiraTransition.from_json,
    ),
    Sample(name="Issues", record={"id": "10042", "key": "PROJ-42", "fields": {}}, read=JiraIssue.from_json),
    Sample(
        name="Boards",
        record={"id": 2, "name": "PAY board", "type": "scrum", "location": {"projectId": 10001, "projectKey": "PAY"}},
        read=JiraBoard.from_json,
    ),
    Sample(name="Sprints", record={**SPRINT, **DAYS}, read=JiraSprint.from_json),
    Sample(
        name="Webhooks by filters",
        record={**HOOK, "enabled": True, "filters": {JQL_OF_ISSUES: "project = PAY"}, "self": f"{SELF}7"},
        read=JiraWebhook.from_json,
        other={"self": f"{SELF}4711"},
    ),
    Sample(
        name="Webhooks by configuration",
        record={**HOOK, "id": 7, "active": True, "configuration": {"FILTERS": "project = PAY"}},
        read=JiraWebhook.from_json,
    ),
    Sample(
        name="Users",
        record={"accountId": "5b1", "displayName": "A", "emailAddress": "a@b.test", "timeZone": "UTC", "active": True},
        read=JiraUser.listed_from_json,
        other={"accountId": "4711"},
    ),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_record_is_read_or_set_aside_and_the_others_are_read(sample: Sample) -> None:
    check_it_is_read_or_set_aside(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_what_is_set_aside_may_be_the_record_that_it_was(sample: Sample) -> None:
    id_ = sample.read(sample.record).id
    check_what_is_set_aside_may_be_it(sample, id_ if isinstance(id_, int) else None)


def test_a_time_that_no_clock_shows_is_not_told() -> None:
    odds: tuple[Any, ...] = (
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "tomorrow",
        "2026-13-01",
        5,
        None,
        {},
    )
    for odd in odds:
        assert JiraSprint.from_json({**SPRINT, "startDate": odd}).starts_at is None


# --- whole answers ----------------------------------------------------------------------------------------------------

Call = Callable[[JiraWriter], Any]
READS: dict[str, Call] = {
    "Fields": lambda jira: jira.fields(),
    "Users": lambda jira: jira.users("ada"),
    "Webhooks": lambda jira: jira.webhooks(),
    "Boards": lambda jira: jira.boards(),
    "Filter of board 2": lambda jira: jira.board_filter(2),
    "Sprints of board 2": lambda jira: jira.sprints(2),
    "Issue A-1": lambda jira: jira.issue("A-1"),
    "Transitions of A-1": lambda jira: jira.transitions("A-1"),
    "Issue types for a new issue in A": lambda jira: jira.create_types("A"),
    "Fields of a new issue in A": lambda jira: jira.create_fields("A", 1),
    "Fields of an edit of A-1": lambda jira: jira.edit_fields("A-1"),
}
CREATES: tuple[Call, ...] = (
    lambda jira: jira.create_issue(1, 1, {}),
    lambda jira: jira.register_webhook(WebhookWish(name="W", url="https://x.test", events=[])),
)
# Of these nothing is told but their status.
OTHER_WRITES: tuple[Call, ...] = (
    lambda jira: jira.edit_issue("A-1", {}),
    lambda jira: jira.transition("A-1", 1),
    lambda jira: jira.delete_issue("A-1"),
    lambda jira: jira.delete_webhook(1),
)
ODD: tuple[Any, ...] = (
    None,
    "x",
    7,
    True,
    2**70,
    {},
    [None],
    ["x", 7],
    [[]],
    [{}],
    {"values": None},
    {"values": {}},
    {"values": [{"id": []}]},
    {"transitions": {}},
    {"transitions": [{"id": "1"}]},
    {"fields": 5},
    {"fields": {"summary": 7}},
    {"projects": {}},
    {"projects": [{"issuetypes": 7}]},
    {"projects": [7]},
    {"id": "9" * 5000, "key": "A-1"},
    {"key": "A-1"},
)
BESIDE = {"accountId": "1", "name": "1"}


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_an_answer_of_another_kind_is_an_error_that_names_what_was_read(deployment: Deployment) -> None:
    answers = list(ODD)

    def script(seen: Seen) -> Reply:
        if seen.path.endswith("/myself"):
            return Reply(data=BESIDE)
        is_in_the_old_way = isinstance(answers[0], dict) and "projects" in answers[0]
        is_new = "/issue/createmeta/" in seen.path
        return Reply(status=404, data={}) if is_new and is_in_the_old_way else Reply(data=answers[0])

    with serving(script) as server:
        jira = writer_of(server.address, deployment)
        while answers:
            for name, read in READS.items():
                with pytest.raises(RemoteError) as caught:
                    read(jira)
                assert caught.value.sentence.startswith(f"{name}: "), (answers[0], name)
            for create in CREATES:
                with pytest.raises(OutcomeUnknown):
                    create(jira)
            for write in OTHER_WRITES:
                assert write(jira) is None
            with pytest.raises(RemoteError):
                reach(jira, "A-1", 5)
            answers.pop(0)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_lists_that_do_not_end_or_have_no_size_are_refused(deployment: Deployment) -> None:
    endless = {"values": [{"id": 1, "fieldId": "a"}], "isLast": False}
    huge = [{"id": number} for number in range(100_001)]
    answers: list[tuple[Any, tuple[str, ...]]] = [
        (endless, ("Boards", "Sprints of board 2", "Issue types for a new issue in A", "Fields of a new issue in A")),
        ({"values": [], "isLast": False}, ("Boards", "Sprints of board 2")),
        (huge, ("Fields", "Webhooks")),
    ]

    def script(seen: Seen) -> Reply:
        return Reply(data=BESIDE if seen.path.endswith("/myself") else answers[0][0])

    with serving(script) as server:
        jira = writer_of(server.address, deployment)
        while answers:
            for name in answers[0][1]:
                with pytest.raises(RemoteError, match=f"{name}: "):
                    READS[name](jira)
            answers.pop(0)

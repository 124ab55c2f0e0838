"""Issues, what may be written into them, boards, users and webhooks: read and written, on Cloud and on Data Center."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alignadmin.http.errors import BadRequest, NotFound, OutcomeUnknown, ReadOnlyRefused
from connectors.jira import READING_POSTS, Deployment, JiraClient, JiraWriter, WebhookWish
from connectors.jira.jql import Jql
from tests.support.jira_clients import SITES, remote_of, writer_of
from tests.support.sandbox_fixture import RunningSandbox, sandbox
from tests.support.scripted_server import Reply, Seen, serving

pytestmark = pytest.mark.usefixtures("network")

__all__ = ["sandbox"]

PAY, STORY = 10001, 10001
ME = {"accountId": "1", "name": "1", "displayName": "Ann"}


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_an_issue_is_made_read_changed_and_deleted(sandbox: RunningSandbox, site: str, deployment: Deployment) -> None:
    sandbox.reset(jira=site)
    jira = writer_of(sandbox.url, deployment)
    text = jira.dialect.long_text("First line\n\nthird")
    made = jira.create_issue(PAY, STORY, {"summary": "New", "description": text, "labels": ["one"]})
    read = jira.issue(made.key, ["status", "summary", "description"])
    assert (read.id, read.key, read.fields["summary"], read.fields["description"]) == (made.id, made.key, "New", text)
    assert (read.status.name, read.status.category) == ("Backlog", "new")
    assert jira.issue(made.id).fields == {}

    person = jira.dialect.person(jira.users("ada")[0].id)
    jira.edit_issue(made.key, {"summary": "Changed", "assignee": person}, {"labels": [{"add": "two"}]})
    read = jira.issue(made.id, ["summary", "labels", "assignee"])
    assert (read.fields["summary"], read.fields["labels"]) == ("Changed", ["one", "two"])
    assert read.fields["assignee"]["displayName"] == "Ada Brook"
    with pytest.raises(BadRequest) as refused:
        jira.edit_issue(made.key, {"summary": "", "colour": "red"})
    assert "summary: You must specify a summary" in refused.value.detail
    assert "colour" in refused.value.detail

    moves = {each.name: each for each in jira.transitions(made.key)}
    assert moves["Cancelled"].to.category == "done"
    assert [field.id for field in moves["Cancelled"].fields] == ["resolution"]
    jira.transition(made.key, moves["To Do"].id)
    assert jira.issue(made.key, ["status"]).status.id == moves["To Do"].to.id
    with pytest.raises(BadRequest, match="is not valid for this issue"):
        jira.transition(made.key, 999)

    jira.delete_issue(made.key)
    with pytest.raises(NotFound, match=rf"Issue {made.key}: .*does not exist"):
        jira.issue(made.key)


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_projects_are_asked_for_by_id_as_many_at_once_as_the_site_takes(
    sandbox: RunningSandbox, site: str, deployment: Deployment
) -> None:
    sandbox.reset(jira=site)
    found = writer_of(sandbox.url, deployment).projects_with([*range(900_000, 900_050), PAY])
    assert [each.key for each in found if each.id == PAY] == ["PAY"]
    asked = sandbox.journal(containing="/project")
    assert (len(asked), len(found) == 1) == ((2, True) if deployment == "cloud" else (1, False))


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_what_a_write_takes_is_read_as_fields_with_types_and_choices(
    sandbox: RunningSandbox, site: str, deployment: Deployment
) -> None:
    sandbox.reset(jira=site)
    jira = writer_of(sandbox.url, deployment)
    known = {each.id: each for each in jira.fields()}
    points = known["customfield_10016"]
    assert (points.name, points.is_custom, points.schema.type, points.schema.custom_id) == (
        "Story Points",
        True,
        "number",
        10016,
    )
    assert not known["summary"].is_custom
    assert "cf[10016]" in points.clauses

    types = {each.name: each for each in jira.create_types("PAY")}
    assert types["Sub-task"].is_subtask
    assert jira.create_types(PAY) == list(types.values())
    taken = {each.id: each for each in jira.create_fields(PAY, types["Story"].id)}
    assert {each.id for each in taken.values() if each.must_be_given} >= {"summary", "issuetype"}
    team = taken["customfield_10030"]
    assert team.allowed is not None
    assert (team.allowed[0].id, team.allowed[0].name) == (10100, "Payments")
    assert (taken["labels"].schema.items, "add" in taken["labels"].operations) == ("string", True)
    assert taken["summary"].allowed is None
    with pytest.raises(NotFound):
        jira.create_fields(PAY, 1)
    with pytest.raises(NotFound, match="No project could be found with key 'NONE'"):
        jira.create_types("NONE")
    edited = {each.id for each in jira.edit_fields("PAY-1")}
    assert ("summary" in edited, "project" in edited) == (True, False)


def test_what_a_new_issue_takes_is_asked_in_the_old_way_where_there_is_no_other() -> None:
    summary = {"required": True, "name": "Summary", "schema": {"type": "string", "system": "summary"}}
    priority = {"required": True, "hasDefaultValue": True, "name": "Priority"}
    fields = {"summary": summary, "priority": priority}
    story = {"id": "10001", "name": "Story", "subtask": False, "fields": fields}

    def script(seen: Seen) -> Reply:
        if seen.path.endswith("/myself"):
            return Reply(data=ME)
        if not seen.path.endswith("/rest/api/2/issue/createmeta"):
            return Reply(status=404, data={"message": "null for uri"})
        is_there = seen.query.get("projectKeys") == "PAY" or seen.query.get("projectIds") == "10001"
        return Reply(data={"projects": [{"key": "PAY", "issuetypes": [story]}] if is_there else []})

    with serving(script) as server:
        jira = JiraClient(remote_of(server.address, read_only=True), "datacenter")
        assert [each.name for each in jira.create_types("PAY")] == ["Story"]
        taken = [(each.id, each.must_be_given) for each in jira.create_fields(10001, 10001)]
        assert taken == [("summary", True), ("priority", False)]
        assert server.seen[-1].query["issuetypeIds"] == "10001"
        with pytest.raises(NotFound, match="no such project"):
            jira.create_types("NONE")
        with pytest.raises(NotFound):
            JiraClient(remote_of(server.address, read_only=True), "cloud").create_types("PAY")


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_boards_sprints_and_users_are_read(sandbox: RunningSandbox, site: str, deployment: Deployment) -> None:
    sandbox.reset(jira=site)
    jira = writer_of(sandbox.url, deployment)
    (board,) = jira.boards("PAY")
    assert (board.id, board.kind, board.project_id) == (2, "scrum", PAY if site == "cloud" else None)
    boards = jira.boards()
    assert board in boards
    assert len({each.id for each in boards}) > 10
    sprints = jira.sprints(board.id)
    assert [each.state for each in sprints] == ["closed", "closed", "active", "future"]
    assert sprints[0].starts_at is not None
    assert sprints[0].completed_at is not None
    assert (sprints[0].starts_at < sprints[0].completed_at, sprints[0].board_id) == (True, board.id)
    assert jira.sprints(board.id, ["active"]) == [sprints[2]]
    assert jira.board_filter(board.id).jql == "project = PAY ORDER BY Rank ASC"
    with pytest.raises(NotFound):
        jira.board_filter(999_999)
    with pytest.raises(BadRequest, match="does not support sprints"):
        jira.sprints(next(each.id for each in boards if each.kind == "kanban"))
    assert [(each.display_name, each.is_active) for each in jira.users("ada", most=1)] == [("Ada Brook", True)]
    assert jira.users("nobody-of-that-name") == []


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_webhooks_are_registered_listed_and_deleted(sandbox: RunningSandbox, site: str, deployment: Deployment) -> None:
    sandbox.reset(jira=site)
    jira = writer_of(sandbox.url, deployment)
    wish = WebhookWish(
        name="AlignAdmin",
        url="http://127.0.0.1:9/a-path-nobody-guesses",
        events=["jira:issue_updated"],
        jql="project = PAY",
        secret="" if site == "server-9" else "never-answered",
    )
    made = jira.register_webhook(wish)
    assert (made.name, made.url, made.events, made.jql) == (wish.name, wish.url, ("jira:issue_updated",), wish.jql)
    assert made.is_active
    assert "guesses" not in repr(made)
    assert jira.webhooks() == [made]
    with pytest.raises(BadRequest, match="Field 'colour'"):
        jira.register_webhook(WebhookWish(name="Wrong", url=wish.url, events=wish.events, jql="colour = red"))
    jira.delete_webhook(made.id)
    assert jira.webhooks() == []
    with pytest.raises(NotFound):
        jira.delete_webhook(made.id)


def test_webhooks_of_data_center_10_are_read_to_their_end_and_signed_by_the_configuration() -> None:
    hooks = [{"id": number, "name": f"W{number}", "configuration": {}} for number in range(1, 71)]

    def script(seen: Seen) -> Reply:
        if seen.method == "POST":
            return Reply(status=201, data=hooks[0])
        start = int(seen.query.get("start", "0"))
        return Reply(data=ME if seen.path.endswith("/myself") else hooks[start : start + 25])

    with serving(script) as server:
        jira = writer_of(server.address, "datacenter")
        assert [each.id for each in jira.webhooks()] == list(range(1, 71))
        jira.register_webhook(WebhookWish(name="W1", url="https://x.test", events=[], jql="project = A", secret="s3"))
        assert set(server.paths[1:]) == {"/rest/jira-webhook/1.0/webhooks"}
        sent = json.loads(server.seen[-1].body)
    assert sent["configuration"] == {"EXCLUDE_BODY": "false", "FILTERS": "project = A", "SECRET": "s3"}


def test_a_webhook_with_a_secret_is_not_registered_where_jira_signs_nothing() -> None:
    def script(seen: Seen) -> Reply:
        if seen.path.endswith("/myself"):
            return Reply(data=ME)
        is_new = "/jira-webhook/" in seen.path
        return Reply(status=404) if is_new else Reply(status=201, data={"self": f"{seen.path}/7"})

    wish = WebhookWish(name="W", url="https://x.test", events=[], secret="s3")
    with serving(script) as server:
        jira = writer_of(server.address, "datacenter")
        with pytest.raises(BadRequest, match="New webhook W: This version of Jira does not sign"):
            jira.register_webhook(wish)
        assert "/rest/webhooks/1.0/webhook" not in server.paths
        assert jira.register_webhook(replace(wish, secret="")).id == 7


# --- reading and writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_a_client_that_reads_sends_nothing_that_writes(
    sandbox: RunningSandbox, site: str, deployment: Deployment
) -> None:
    sandbox.reset(jira=site)
    with pytest.raises(ReadOnlyRefused):
        JiraWriter(remote_of(sandbox.url, read_only=True), deployment)
    assert sandbox.journal() == []
    jira = JiraClient(remote_of(sandbox.url, read_only=False), deployment)
    jira.count(Jql("project = PAY"))
    next(jira.search(Jql(f"project in ({', '.join(['PAY'] * 300)})")))
    for read in (jira.projects, jira.fields, jira.boards, jira.webhooks, jira.statuses, jira.priorities):
        read()
    for name in ("issue", "transitions", "edit_fields"):
        getattr(jira, name)("PAY-1")
    jira.create_fields(PAY, STORY)
    asked = {(entry["method"], entry["path"].partition("?")[0]) for entry in sandbox.journal()}
    assert {path for method, path in asked if method != "GET"} <= READING_POSTS
    writes = {name for name in vars(JiraWriter) if not name.startswith("_")}
    assert len(writes) == 6
    assert not [name for name in writes if hasattr(jira, name)]


def test_a_write_whose_answer_names_nothing_is_not_known_and_not_sent_again() -> None:
    answers: list[Any] = [None, [], "x", {}, {"id": None}, {"id": "abc"}, {"self": "https://x/"}]

    def script(seen: Seen) -> Reply:
        return Reply(data=ME) if seen.path.endswith("/myself") else Reply(status=201, data=answers[0])

    with serving(script) as server:
        jira = writer_of(server.address)
        while answers:
            before = len(server.seen)
            with pytest.raises(OutcomeUnknown, match=r"New issue: .*Look for it before"):
                jira.create_issue(1, 1, {"summary": "x"})
            with pytest.raises(OutcomeUnknown, match=r"New webhook W: .*Look for it before"):
                jira.register_webhook(WebhookWish(name="W", url="https://x.test", events=["jira:issue_updated"]))
            assert len(server.seen) <= before + 3
            answers.pop(0)


def test_a_write_that_the_server_failed_at_is_not_known() -> None:
    def script(seen: Seen) -> Reply:
        return Reply(data=ME) if seen.path.endswith("/myself") else Reply(status=502)

    with serving(script) as server:
        with pytest.raises(OutcomeUnknown, match="Edit of A-1"):
            writer_of(server.address).edit_issue("A-1", {"summary": "x"})
        assert json.loads(server.seen[-1].body) == {"fields": {"summary": "x"}, "update": {}}
        assert len(server.seen) == 2


@pytest.mark.parametrize("before", ["", "x" * 190])
def test_a_secret_that_jira_repeats_is_in_no_error(before: str) -> None:
    def script(seen: Seen) -> Reply:
        said = {"errorMessages": [f"{before} not taken: {seen.body.decode()}"]}
        return Reply(data=ME) if seen.path.endswith("/myself") else Reply(status=400, data=said)

    wish = WebhookWish(name="W", url="https://x.test", events=[], secret="0123456789abcdef-0123456789abcdef")
    with serving(script) as server, pytest.raises(BadRequest, match="New webhook W") as caught:
        writer_of(server.address).register_webhook(wish)
    error = caught.value
    assert "[secret]" in error.detail
    assert "0123" not in f"{error} {error.sentence} {error.detail}"


def test_a_part_of_an_address_is_written_so_that_it_stays_one() -> None:
    def script(seen: Seen) -> Reply:
        return Reply(data=ME) if seen.path.endswith("/myself") else Reply(status=404, data={})

    with serving(script) as server, pytest.raises(NotFound):
        writer_of(server.address).delete_issue("A-1/../../project/A?x=1")
    assert server.paths[-1] == "/rest/api/3/issue/A-1%2F..%2F..%2Fproject%2FA%3Fx%3D1"

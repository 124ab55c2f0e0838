"""The Align client against the sandbox, and against a scripted server for what the sandbox would not do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from alignadmin.http import Auth, NoBudget, Remote, Retry, Site
from alignadmin.http.listing import aside_words
from connectors.align import ALIGN_WORDING, AlignClient, Basic, Bearer, Paging, WriteRequest, trim_site
from connectors.align.errors import (
    AddressRefused,
    BadRequest,
    Malformed,
    NotFound,
    NotJson,
    OutcomeUnknown,
    ServerFailed,
    SignInRefused,
)
from connectors.align.odata import Query, plain
from connectors.align.resources import AlignProcessFlow, MappingRecord
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, RunningSandbox, sandbox
from tests.support.scripted_server import Reply, Seen, in_turn, serving

pytestmark = pytest.mark.usefixtures("network")

__all__ = ["sandbox"]

QUICK = Retry(tries=3, first_pause=0.001, usual_block=0.05, least_block=0.05, block_jitter=0.0)
CREATE = WriteRequest(
    method="POST", path="mappings/states", body={"workItemTypeId": 9, "jiraStatusId": 10020, "alignStateId": 0}
)


def client_of(address: str, *, auth: Auth | None = None, connector_id: int = 123, **settings: Any) -> AlignClient:
    site = Site(address=address, allow_private=True, wording=ALIGN_WORDING, **settings)
    remote = Remote(site, budget=NoBudget(), auth=auth or Bearer(ALIGN_TOKEN), retry=QUICK, read_only=False)
    return AlignClient(remote, connector_id)


@contextmanager
def answering(*replies: Reply) -> Iterator[AlignClient]:
    with serving(in_turn(*replies)) as server:
        yield client_of(server.address)


def record(number: int) -> dict[str, object]:
    return {"id": number, "workItemTypeId": 3, "jiraStatusId": 10000 + number, "alignStateId": 0}


def test_it_reads_the_connector_and_what_belongs_to_it(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    assert 123 in [connector.id for connector in client.connectors()]
    assert client.connector().id == 123
    assert {"PROJ", "PROJ1", "PROJ2"} <= {project.project_key for project in client.projects()}
    flows = client.value_streams()
    assert all(flow.steps and flow.level for flow in flows)
    assert [step.order for step in flows[0].steps] == list(range(1, len(flows[0].steps) + 1))
    priorities = client.priorities()
    assert {(each.item_type_id, each.jira_priority_name, each.priority_id) for each in priorities} >= {
        (3, "Highest", 1),
        (4, "Lowest", 4),
    }
    user = client.whoami()
    assert user is not None
    assert user.email == ADMIN


def test_it_reads_all_four_families(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    shared = client.list_mappings("mappings/states")
    assert {row.project_key for row in shared} == {None}
    assert all(row.align_state_id is not None and row.process_step_id is None for row in shared)
    assert all(row.process_step_id is not None for row in client.list_mappings("mappings/process-steps"))
    back = client.list_mappings("projects/PROJ/mappings/states")
    assert {row.project_key for row in back} == {"PROJ"}
    assert client.list_mappings("projects/PROJ/mappings/process-steps", type_id=3)


def test_parameters_are_sent_only_when_given(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    client.list_mappings("mappings/states")
    client.list_mappings("mappings/states", project_key="PROJ1", type_id=4)
    first, *_, second = (entry["query"] for entry in sandbox.journal("GET", "mappings/states"))
    assert "ProjectKey" not in str(first)
    assert "WorkItemTypeId" not in str(first)
    assert "ProjectKey" in str(second)
    assert "PROJ1" in str(second)
    assert "WorkItemTypeId" in str(second)


def test_both_ways_to_sign_in_work(sandbox: RunningSandbox) -> None:
    for auth in (Bearer(ALIGN_TOKEN), Basic(ADMIN, ALIGN_TOKEN)):
        assert client_of(sandbox.url, auth=auth).connector().id == 123


def test_a_wrong_token_says_where_to_make_a_new_one(sandbox: RunningSandbox) -> None:
    with pytest.raises(SignInRefused, match="Make a new one in Jira Align"):
        client_of(sandbox.url, auth=Bearer("wrong")).connector()
    assert len(sandbox.journal()) == 1


def test_a_wrong_connector_id_is_not_found(sandbox: RunningSandbox) -> None:
    with pytest.raises(NotFound, match="connector id"):
        client_of(sandbox.url, connector_id=999).list_mappings("mappings/states")


def test_it_creates_updates_and_deletes(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    created = client.send(CREATE)
    assert created.status == 201
    path = f"mappings/states/{created.remote_id}"
    body = {"workItemTypeId": 9, "jiraStatusId": 10020, "alignStateId": 2}
    assert client.send(WriteRequest(method="PUT", path=path, body=body)).status == 204
    rows = {row.id: row for row in client.list_mappings("mappings/states")}
    assert created.remote_id is not None
    assert rows[created.remote_id].align_state_id == 2
    assert client.send(WriteRequest(method="DELETE", path=path)).status == 204
    assert created.remote_id not in {row.id for row in client.list_mappings("mappings/states")}
    with pytest.raises(NotFound):
        client.send(WriteRequest(method="DELETE", path=path))


@pytest.mark.parametrize("post_answer", ["object", "id", "empty"])
def test_the_new_id_is_found_in_every_form_of_the_answer(sandbox: RunningSandbox, post_answer: str) -> None:
    sandbox.reset(post_answer=post_answer)
    client = client_of(sandbox.url)
    created = client.send(CREATE)
    row = next(row for row in client.list_mappings("mappings/states", type_id=9) if row.jira_status_id == 10020)
    assert created.remote_id == row.id
    assert row.align_state_id == 0


@pytest.mark.parametrize(
    ("reply", "remote_id"),
    [
        (Reply(status=201, text='"17"'), 17),
        (Reply(status=201, text="17\n"), 17),
        (Reply(status=201, text="", headers={"Location": "https://x.test/mappings/states/18?x=1"}), 18),
        (Reply(status=201, data={"id": "19"}), 19),
        (Reply(status=201, data={"ok": True}), None),
        (Reply(status=201, data=True), None),
        (Reply(status=201, text="created"), None),
        (Reply(status=201, text=""), None),
    ],
)
def test_an_answer_without_an_id_gives_none(reply: Reply, remote_id: int | None) -> None:
    with answering(reply) as client:
        assert client.send(CREATE).remote_id == remote_id


@pytest.mark.parametrize("duplicate", ["400", "409"])
def test_a_refused_write_carries_aligns_reason(sandbox: RunningSandbox, duplicate: str) -> None:
    sandbox.reset(duplicate=duplicate)
    client = client_of(sandbox.url)
    client.send(CREATE)
    with pytest.raises(BadRequest) as caught:
        client.send(CREATE)
    assert caught.value.status == int(duplicate)
    assert caught.value.detail


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"after_effect": True, "status": 500}, {"cut": "before"}, {"cut": "after"}]
)
def test_a_write_is_sent_once_and_its_outcome_is_unknown(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    sandbox.faults({"method": "POST", **fault})
    with pytest.raises(OutcomeUnknown):
        client_of(sandbox.url).send(CREATE)
    assert len(sandbox.journal("POST")) == 1


def test_reads_survive_passing_failures(sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "GET", "status": 500, "times": 1}, {"method": "GET", "cut": "before", "times": 1})
    assert client_of(sandbox.url).connector().id == 123


def test_reads_give_up_in_the_end(sandbox: RunningSandbox) -> None:
    sandbox.faults({"status": 500})
    with pytest.raises(ServerFailed):
        client_of(sandbox.url).connector()
    assert len(sandbox.journal()) == 3


def test_a_web_page_instead_of_data_is_said(sandbox: RunningSandbox) -> None:
    sandbox.faults({"status": 200, "body": "<html>sign in</html>"})
    with pytest.raises(NotJson, match="is it the site of Jira Align"):
        client_of(sandbox.url).connectors()


def test_429_is_waited_for_and_nothing_fails(sandbox: RunningSandbox) -> None:
    sandbox.faults({"status": 429, "times": 3})
    client = client_of(sandbox.url)
    began = time.monotonic()
    assert client.send(CREATE).status == 201
    assert time.monotonic() - began >= 3 * 0.05
    assert [entry["status"] for entry in sandbox.journal("POST")] == [429, 429, 429, 201]


@pytest.mark.parametrize("paging", Paging)
@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (99, 2), (100, 2), (101, 2), (250, 3)])
def test_lists_are_read_to_their_end(paging: Paging, rows: int, requests: int) -> None:
    """The first page of a site may be cut off, whatever its length, so one more is asked for."""
    records = [record(number) for number in range(1, rows + 1)]

    def script(seen: Seen) -> Reply:
        condition = seen.query.get("$filter", "id gt 0")
        rest = [row for row in records if row["id"] > int(condition.rpartition(" ")[2])]  # type: ignore[operator]
        skip = int(seen.query.get("$skip", 0))
        return Reply(data=rest[skip : skip + int(seen.query["$top"])])

    with serving(script) as server:
        found = client_of(server.address).list_mappings("mappings/states", paging=paging)
        assert [row.id for row in found] == [row["id"] for row in records]
        assert len(server.seen) == requests
        assert {request.query["$orderby"] for request in server.seen} == {"id"}
        assert {request.path for request in server.seen} == {"/rest/align/api/2/connectors/123/mappings/states"}


@pytest.mark.parametrize("paging", Paging)
def test_a_site_that_ignores_the_paging_is_noticed(paging: Paging) -> None:
    with answering(Reply(data=[record(number) for number in range(100)])) as client, pytest.raises(Malformed):
        client.list_mappings("mappings/states", paging=paging)


def test_a_list_in_the_wrong_order_is_not_taken_for_complete() -> None:
    reply = Reply(data=[record(2), record(1)])
    with answering(reply) as client, pytest.raises(Malformed):
        client.list_mappings("mappings/states", paging=Paging.AFTER_ID)


def test_a_list_in_an_envelope_is_tolerated() -> None:
    with answering(Reply(data={"value": [record(1)]})) as client:
        assert [row.id for row in client.list_mappings("mappings/states")] == [1]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"message": "x"}, "list"),
        ("text", "list"),
        (None, "list"),
        ([1], "a number"),
        ([{"id": "x"}], "id"),
        ([{"workItemTypeId": 3}], "id"),
        ([{"id": 1, "workItemTypeId": 3}], "jiraStatusId"),
        ([{"id": 1, "workItemTypeId": True, "jiraStatusId": 1}], "workItemTypeId"),
        ([{"id": 1, "workItemTypeId": 3, "jiraStatusId": 1.5}], "jiraStatusId"),
        ([{"id": 2**63, "workItemTypeId": 3, "jiraStatusId": 1}], "id"),
        ([{"id": 1, "workItemTypeId": 2**40, "jiraStatusId": 1}], "workItemTypeId"),
    ],
)
def test_a_list_of_which_nothing_can_be_used_is_an_error_that_names_list_and_field(data: object, named: str) -> None:
    with answering(Reply(data=data)) as client, pytest.raises(Malformed, match=named) as caught:
        client.list_mappings("mappings/states")
    assert caught.value.sentence.startswith("State mappings, Jira to Align: ")


def test_a_record_that_cannot_be_used_is_set_aside_with_its_reason_and_the_others_are_read() -> None:
    rows = [record(1), {**record(17), "jiraStatusId": None}, "x", {**record(3), "alignStateId": [], "new": {}}]
    with answering(Reply(data=rows), Reply(data=[])) as client:
        found = client.list_mappings("mappings/states")
    assert [(each.id, each.align_state_id) for each in found] == [(1, 0), (3, None)]
    assert [each.id for each in found.aside] == [17, None]
    assert aside_words("State mappings", found.aside) == (
        'State mappings: 2 records cannot be used and are set aside (record 17: The field "jiraStatusId" is missing; '
        "a record: It is a text where mapping was expected)."
    )


def test_unknown_and_missing_fields_are_tolerated() -> None:
    row = MappingRecord.from_json({"id": 1, "workItemTypeId": 3, "jiraStatusId": "10001", "alignStateId": 0, "new": {}})
    assert (row.jira_status_id, row.align_state_id, row.process_step_id, row.project_key) == (10001, 0, None, None)
    flow = AlignProcessFlow.from_json({"id": 5, "processSteps": [{"id": 50}, {"id": 51, "state": 0}]})
    assert [(step.id, step.order, step.state) for step in flow.steps] == [(50, 1, None), (51, 2, 0)]
    assert flow.is_active
    silent = AlignProcessFlow.from_json({"id": 5, "processSteps": None})
    assert (silent.steps, silent.tells_steps) == ([], False)


def test_the_audit_log_is_read_from_an_id_and_a_time(sandbox: RunningSandbox) -> None:
    client = client_of(sandbox.url)
    before = client.audit_log()
    last = max((line.id or 0 for line in before), default=0)
    client.send(CREATE)
    (line,) = client.audit_log(after_id=last)
    assert line.user == "Jira Align System"
    assert line.type == "CONFIG 123"
    assert line.description.startswith("CONFIG Created - State mapping")
    assert line.timestamp
    assert line.timestamp.tzinfo is not None
    assert client.audit_log(since=line.timestamp, after_id=last) == [line]
    assert client.audit_log(since=datetime(2200, 1, 1, tzinfo=UTC)) == []


def test_a_site_without_an_audit_log_is_not_found(sandbox: RunningSandbox) -> None:
    sandbox.reset(audit_endpoint="no")
    with pytest.raises(NotFound):
        client_of(sandbox.url).audit_log()


@pytest.mark.parametrize("said", ["400", "403", "404", "405", "500", "list"])
def test_who_owns_the_token_is_told_or_not_and_never_an_error(sandbox: RunningSandbox, said: str) -> None:
    sandbox.reset(users_current=said)
    assert client_of(sandbox.url).whoami() is None
    assert client_of(sandbox.url).connector().id == 123


def test_a_refused_sign_in_is_one_also_where_the_owner_is_asked_for() -> None:
    with answering(Reply(status=401, text="")) as client, pytest.raises(SignInRefused):
        client.whoami()


@pytest.mark.parametrize(
    ("typed", "site", "has_note"),
    [
        ("https://acme.jiraalign.com", "https://acme.jiraalign.com", False),
        (" https://Acme.JiraAlign.com/ ", "https://acme.jiraalign.com", False),
        ("acme.jiraalign.com", "https://acme.jiraalign.com", True),
        ("https://acme.jiraalign.com/rest/align/api/2/connectors/1?x=1", "https://acme.jiraalign.com", True),
        ("https://acme.jiraalign.com/REST/Align/api/docs/index.html", "https://acme.jiraalign.com", True),
        ("https://acme.jiraalign.com/align/api/2", "https://acme.jiraalign.com", True),
        ("https://acme.jiraalign.com/Login#top", "https://acme.jiraalign.com", True),
        ("http://127.0.0.1:8001/rest/align/api/2", "http://127.0.0.1:8001", True),
    ],
)
def test_a_pasted_address_is_trimmed_to_the_site(typed: str, site: str, has_note: bool) -> None:
    trimmed, note = trim_site(typed)
    assert trimmed == site
    assert bool(note) == has_note


@pytest.mark.parametrize("typed", ["", "https://", "https://u:canary@acme.test", "javascript:alert(1)", "acme .test"])
def test_what_is_not_an_address_is_refused(typed: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        trim_site(typed)
    assert "canary" not in str(caught.value)


def test_query_options_are_built_in_the_documented_form() -> None:
    moment = datetime(2026, 2, 18, 12, 30, tzinfo=UTC)
    query = plain((("ProjectKey", "PROJ"), ("WorkItemTypeId", None))).page(top=100, skip=0).ordered("id")
    query = query.where("id", "gt", 7).where("name", "eq", "O'Hara").where("timestamp", "ge", moment)
    assert query.pairs() == (
        ("ProjectKey", "PROJ"),
        ("$top", "100"),
        ("$skip", "0"),
        ("$filter", "id gt 7 and name eq 'O''Hara' and timestamp ge 2026-02-18T12:30:00Z"),
        ("$orderby", "id"),
    )
    assert Query().pairs() == ()


def test_a_client_never_shows_its_token() -> None:
    client = client_of("https://acme.jiraalign.com", auth=Bearer("c4n4ry"))
    assert "c4n4ry" not in repr(client)
    assert "acme.jiraalign.com" in repr(client)


def test_a_list_without_an_end_is_left_after_too_many_records() -> None:
    def script(seen: Seen) -> Reply:
        skip = int(seen.query["$skip"])
        return Reply(data=[{"id": skip + number} for number in range(20_000)])

    with (
        serving(script) as server,
        pytest.raises(Malformed, match="Process flows: The site answered more than 100,000"),
    ):
        client_of(server.address).value_streams()

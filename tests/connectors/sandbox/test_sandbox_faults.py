"""Faults on demand, the journal of requests, and changes made by somebody else."""

import time
from typing import Any

import pytest
import requests

from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

sandbox = sandbox_fixture.sandbox
STATES = "/connectors/123/mappings/states"
FREE = {"workItemTypeId": 4, "jiraStatusId": 10017, "alignStateId": 2}


def post(sandbox: RunningSandbox) -> requests.Response:
    return sandbox.align("POST", STATES, json=FREE)


def written(sandbox: RunningSandbox) -> bool:
    return bool(sandbox.align("GET", f"{STATES}?$filter=jiraStatusId eq 10017").json())


# -- faults ----------------------------------------------------------------------------------------


def test_a_status_is_answered_without_effect_as_often_as_asked(sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "post", "path": "/mappings/", "status": 500, "times": 2})
    assert [post(sandbox).status_code for _ in range(2)] == [500, 500]
    assert not written(sandbox)
    assert post(sandbox).status_code == 201


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_every_code_can_be_asked_for_with_body_and_headers(sandbox: RunningSandbox, status: int) -> None:
    sandbox.faults({"status": status, "body": '{"title": "no"}', "headers": {"Retry-After": "7"}, "times": 1})
    answer = sandbox.align("GET", STATES)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (status, {"title": "no"}, "7")
    assert sandbox.align("GET", STATES).status_code == 200


def test_html_and_truncated_json_come_with_status_200(sandbox: RunningSandbox) -> None:
    sandbox.faults({"body": "<html>Sign in</html>", "times": 1}, {"body": '[{"id": 1', "times": 1})
    html, cut = sandbox.align("GET", STATES), sandbox.align("GET", STATES)
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (cut.status_code, cut.text) == (200, '[{"id": 1')


def test_a_500_may_come_after_the_effect(sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "POST", "after_effect": True, "status": 500, "times": 1})
    assert post(sandbox).status_code == 500
    assert written(sandbox)


@pytest.mark.parametrize(("cut", "effect"), [("before", False), ("after", True)])
def test_the_connection_is_cut_before_or_after_the_effect(sandbox: RunningSandbox, cut: str, effect: bool) -> None:
    sandbox.faults({"method": "POST", "cut": cut, "times": 1})
    with pytest.raises(requests.ConnectionError):
        post(sandbox)
    assert written(sandbox) is effect
    assert sandbox.journal("POST")[0]["status"] is None


def test_the_effect_may_come_after_the_cut(sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "POST", "delayed_effect_ms": 400, "times": 1})
    with pytest.raises(requests.ConnectionError):
        post(sandbox)
    assert not written(sandbox)
    deadline = time.monotonic() + 5
    while not written(sandbox) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert written(sandbox)


def test_somebody_else_may_be_a_moment_quicker(sandbox: RunningSandbox) -> None:
    record = sandbox.align("GET", STATES).json()[0]
    theirs = {"action": "update_mapping", "family": "j2a_state", "id": record["id"], "target": 5}
    sandbox.faults({"method": "PUT", "edit": theirs, "times": 1})
    target = 3 if record["alignStateId"] != 3 else 2
    assert sandbox.align("PUT", f"{STATES}/{record['id']}", json={"alignStateId": target}).status_code == 204
    ours, before = log(sandbox)[:2]
    assert "AlignStateId Changed - From [5] To" in ours["description"]
    assert "To [5]" in before["description"]


def test_an_edit_that_is_not_possible_any_more_leaves_the_request_as_it_is(sandbox: RunningSandbox) -> None:
    theirs = {"action": "delete_mapping", "family": "j2a_state", "id": 999_999}
    sandbox.faults({"method": "POST", "edit": theirs, "times": 1})
    assert post(sandbox).status_code == 201
    assert len(log(sandbox)) == 1


def test_the_journal_says_which_line_of_the_log_was_the_newest_when_a_request_came(sandbox: RunningSandbox) -> None:
    post(sandbox)
    sandbox.align("GET", STATES)
    assert [each["line"] for each in sandbox.journal()] == [0, 1]


def test_latency_makes_a_request_wait(sandbox: RunningSandbox) -> None:
    sandbox.faults({"path": "connectors/123/projects$", "latency_ms": 300})
    started = time.monotonic()
    assert sandbox.align("GET", "/connectors/123/projects").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_rules_match_by_part_or_pattern_of_the_address_and_can_be_cleared(sandbox: RunningSandbox) -> None:
    sandbox.faults({"path": r"/status(es)?$", "status": 503}, {"path": "$skip=100", "status": 502})
    assert sandbox.jira("/rest/api/3/status").status_code == 503
    assert sandbox.jira("/rest/api/3/project/PROJ/statuses").status_code == 503
    assert sandbox.align("GET", STATES, params={"$skip": 100}).status_code == 502
    assert sandbox.align("GET", STATES).status_code == 200
    sandbox.faults()
    assert sandbox.jira("/rest/api/3/status").status_code == 200


@pytest.mark.parametrize(
    "rule", [{"colour": 1}, {"cut": "never"}, {"times": "two"}, {"path": "("}, {"edit": 1}, "boom"]
)
def test_a_wrong_rule_is_refused(sandbox: RunningSandbox, rule: object) -> None:
    assert requests.post(f"{sandbox.url}/_sandbox/faults", json=rule, timeout=10).status_code == 400


# -- journal ---------------------------------------------------------------------------------------


def test_the_journal_holds_what_was_sent_and_no_secret(sandbox: RunningSandbox) -> None:
    post(sandbox)
    sandbox.align("GET", STATES, params={"ProjectKey": "PROJ1", "$filter": "id gt 7"})
    sandbox.align("PUT", f"{STATES}/1", data="{")
    sandbox.jira("/rest/api/3/myself")
    first, second, third, fourth = sandbox.journal()
    assert first["body"] == FREE
    assert (first["method"], first["path"], first["status"]) == ("POST", f"/rest/align/api/2{STATES}", 201)
    assert (second["query"], second["body"]) == ("ProjectKey=PROJ1&$filter=id gt 7", None)
    assert (third["body"], third["status"]) == ("{", 400)
    assert fourth["path"] == "/rest/api/3/myself"
    assert set(first) == {"method", "path", "query", "body", "status", "line", "at"}
    text = str(sandbox.journal())
    assert ALIGN_TOKEN not in text
    assert JIRA_TOKEN not in text
    sandbox.clear_journal()
    assert sandbox.journal() == []


# -- somebody else ---------------------------------------------------------------------------------


def log(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = sandbox.align("GET", "/connectors/123/auditlog").json()
    return lines


def test_somebody_else_changes_mappings_and_the_log_says_so(sandbox: RunningSandbox) -> None:
    record = sandbox.edit("create_mapping", family="j2a_state", type=4, source=10017, target=2)
    assert sandbox.align("GET", f"{STATES}/{record['id']}").json() == record
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=10017, target=3)
    assert sandbox.align("GET", f"{STATES}/{record['id']}").json()["alignStateId"] == 3
    sandbox.edit("delete_mapping", family="j2a_state", id=record["id"])
    assert sandbox.align("GET", f"{STATES}/{record['id']}").status_code == 404
    assert [line["description"].split()[1] for line in log(sandbox)] == ["Deleted", "Updated", "Created"]
    assert {line["user"] for line in log(sandbox)} == {"Jira Align System"}


def test_somebody_else_may_leave_no_trace_and_make_duplicates(sandbox: RunningSandbox) -> None:
    for _ in range(2):
        sandbox.edit("create_mapping", family="a2j_step", project="PROJ", type=4, source=516, target=1, audit=False)
    rows = sandbox.align("GET", "/connectors/123/projects/PROJ/mappings/process-steps?$filter=processStepId eq 516")
    assert [row["jiraStatusName"] for row in rows.json()] == ["Unknown", "Unknown"]
    assert log(sandbox) == []


def test_statuses_come_change_their_name_and_go(sandbox: RunningSandbox) -> None:
    added = sandbox.edit("add_status", name="Parked", category="new", projects=["PROJ"], issue_types=["Story"])
    reached = {row["name"]: row["statuses"] for row in sandbox.jira("/rest/api/3/project/PROJ/statuses").json()}
    assert reached["Story"][-1]["id"] == str(added["id"])
    assert reached["Epic"][-1]["id"] != str(added["id"])
    sandbox.edit("rename_status", id=10013, name="Peer review")
    names = {row["jiraStatusId"]: row["jiraStatusName"] for row in sandbox.align("GET", STATES).json()}
    assert (names[10013], names[10113]) == ("Peer review", "In Review")
    sandbox.edit("remove_status", id=10013)
    assert "10013" not in [item["id"] for item in sandbox.jira("/rest/api/3/status").json()]
    assert 10013 in [row["jiraStatusId"] for row in sandbox.align("GET", STATES).json()]


def test_a_status_added_to_a_team_managed_project_is_its_own(sandbox: RunningSandbox) -> None:
    added = sandbox.edit("add_status", name="Demo", category="done", projects=["PROJ1"])
    statuses = {item["id"]: item for item in sandbox.jira("/rest/api/3/status").json()}
    assert (
        statuses[str(added["id"])]["scope"]["project"]["id"] == sandbox.jira("/rest/api/3/project/PROJ1").json()["id"]
    )


def test_projects_come_change_their_key_and_go(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_project", key="NEW", name="New thing", style="next-gen")
    assert sandbox.jira("/rest/api/3/project/NEW").json()["style"] == "next-gen"
    before = sandbox.align("GET", "/connectors/123/projects/PROJ1/mappings/states").json()
    sandbox.edit("rename_project", key="PROJ1", new_key="GROW")
    after = sandbox.align("GET", "/connectors/123/projects/GROW/mappings/states").json()
    assert after == [{**row, "projectKey": "GROW"} for row in before]
    assert sandbox.align("GET", "/connectors/123/projects/PROJ1/mappings/states").status_code == 404
    sandbox.edit("remove_project", key="GROW")
    assert "GROW" not in [item["projectKey"] for item in sandbox.align("GET", "/connectors/123/projects").json()]


def test_steps_and_flows_change(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_step", flow=8, name="Demo", state=4)
    sandbox.edit("rename_step", id=513, name="Coding")
    sandbox.edit("remove_step", id=515)
    sandbox.edit("set_flow", flow=8, active=False, programmes=[13])
    flow = sandbox.align("GET", "/ValueStreams/8").json()
    assert (flow["isActive"], flow["programIds"]) == (False, [13])
    assert [step["name"] for step in flow["processSteps"]][2:] == [
        "Coding",
        "Reviewing",
        "Ready to release",
        "Released",
        "Demo",
    ]
    steps = {row["processStepId"]: row["processStepName"] for row in _steps(sandbox)}
    assert (steps[513], steps[515]) == ("Coding", "Testing")


def _steps(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sandbox.align("GET", "/connectors/123/mappings/process-steps").json()
    return rows


def test_tokens_are_revoked_and_a_narrow_token_sees_fewer_projects(sandbox: RunningSandbox) -> None:
    for site in ("align", "jira"):
        sandbox.edit("add_token", site=site, token=f"narrow-{site}", projects=["PROJ"])
    narrow = {"headers": {"Authorization": "bearer narrow-align"}}
    projects = sandbox.align("GET", "/connectors/123/projects", **narrow).json()
    assert [item["projectKey"] for item in projects] == ["PROJ"]
    assert sandbox.align("GET", "/connectors/123/projects/PAY/mappings/states", **narrow).status_code == 404
    found = sandbox.jira("/rest/api/3/project/search", auth=("admin@sandbox.test", "narrow-jira")).json()
    assert found["total"] == 1
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    assert sandbox.align("GET", STATES).status_code == 401
    assert sandbox.align("GET", STATES, **narrow).status_code == 200


def test_a_connector_can_be_added_as_a_copy(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_connector", id=124, name="Copy", copy_of=123)
    mine = sandbox.align("GET", STATES).json()
    theirs = sandbox.align("GET", "/connectors/124/mappings/states").json()
    assert len(mine) == len(theirs)
    assert {row["connectorId"] for row in theirs} == {124}
    assert not {row["id"] for row in mine} & {row["id"] for row in theirs}


@pytest.mark.parametrize(
    "edit",
    [
        {"action": "paint"},
        {"action": "rename_status", "id": 1, "name": "x"},
        {"action": "create_mapping", "family": "j2a_state"},
        {"action": "create_mapping", "family": "x"},
        {"action": "delete_mapping", "family": "j2a_state", "id": 9999},
        {"action": "add_connector", "id": 123},
        "boom",
    ],
)
def test_a_wrong_edit_is_refused(sandbox: RunningSandbox, edit: object) -> None:
    assert requests.post(f"{sandbox.url}/_sandbox/edit", json=edit, timeout=10).status_code == 400


def test_an_unknown_control_lists_the_known_ones(sandbox: RunningSandbox) -> None:
    answer = requests.get(f"{sandbox.url}/_sandbox/secrets", timeout=10)
    assert answer.status_code == 404
    assert "POST /_sandbox/reset" in answer.json()["known"]

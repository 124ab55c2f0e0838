"""Each switch of the sandbox, the command that sets them, and the state file."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox.options import SWITCHES, TEXT_SWITCHES, Options
from connectors.sandbox.store import StateError
from tests import ROOT
from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import RunningSandbox

sandbox = sandbox_fixture.sandbox
STATES = "/connectors/123/mappings/states"
FREE = {"workItemTypeId": 4, "jiraStatusId": 10017, "alignStateId": 2}


def post(sandbox: RunningSandbox, **changes: Any) -> requests.Response:
    return sandbox.align("POST", STATES, json={**FREE, **changes})


@pytest.mark.parametrize("kind", ["object", "id", "empty"])
def test_a_post_answers_with_the_record_its_id_or_nothing(sandbox: RunningSandbox, kind: str) -> None:
    sandbox.reset(post_answer=kind)
    answer = post(sandbox)
    assert answer.status_code == 201
    record = requests.get(
        answer.headers["Location"], headers={"Authorization": "bearer sandbox-align-token"}, timeout=10
    ).json()
    expected = {"object": record, "id": record["id"], "empty": None}[kind]
    assert (answer.json() if answer.content else None) == expected


@pytest.mark.parametrize(("kind", "status", "state"), [("400", 400, 2), ("409", 409, 2), ("upsert", 200, 3)])
def test_a_duplicate_is_refused_or_changes_the_record(
    sandbox: RunningSandbox, kind: str, status: int, state: int
) -> None:
    sandbox.reset(duplicate=kind)
    record_id = post(sandbox).json()["id"]
    assert post(sandbox, alignStateId=3).status_code == status
    assert sandbox.align("GET", f"{STATES}/{record_id}").json()["alignStateId"] == state


def test_a_large_top_may_be_refused(sandbox: RunningSandbox) -> None:
    assert sandbox.align("GET", f"{STATES}?$top=101").status_code == 200
    sandbox.reset(top_over_limit="400")
    assert sandbox.align("GET", f"{STATES}?$top=101").status_code == 400
    assert sandbox.align("GET", f"{STATES}?$top=100").status_code == 200


def test_a_429_may_say_when_to_come_back(sandbox: RunningSandbox) -> None:
    sandbox.reset(retry_after="yes", rate_limit="1/60", block=30)
    answers = [sandbox.align("GET", "/connectors") for _ in range(2)]
    assert answers[1].status_code == 429
    assert 29 <= int(answers[1].headers["Retry-After"]) <= 31


def test_lax_type_ids_are_taken_in_the_state_families_alone(sandbox: RunningSandbox) -> None:
    assert [post(sandbox, workItemTypeId=type_id).status_code for type_id in (1, 2)] == [400, 400]
    sandbox.reset(type_ids="lax")
    assert [post(sandbox, workItemTypeId=type_id).status_code for type_id in (1, 2, 7)] == [201, 201, 400]
    step = {"workItemTypeId": 1, "jiraStatusId": 10017, "processStepId": 513}
    assert sandbox.align("POST", "/connectors/123/mappings/process-steps", json=step).status_code == 400
    log = sandbox.align("GET", "/connectors/123/auditlog").json()
    assert all("Jira To Align - Feature - Blocked (10017)" in line["description"] for line in log)


def test_a_feature_may_be_2_in_place_of_3_in_the_state_families(sandbox: RunningSandbox) -> None:
    sandbox.reset(type_ids="examples")
    assert [post(sandbox, workItemTypeId=type_id).status_code for type_id in (3, 2)] == [400, 201]
    answered = sandbox.align("GET", f"{STATES}?WorkItemTypeId=2").json()
    assert {row["workItemTypeId"] for row in answered} == {2}
    assert 10017 in {row["jiraStatusId"] for row in answered}
    kept = {**answered[0], "alignStateId": 5}
    assert sandbox.align("PUT", f"{STATES}/{kept['id']}", json=kept).status_code == 204
    steps = sandbox.align("GET", "/connectors/123/mappings/process-steps").json()
    assert {row["workItemTypeId"] for row in steps} == {2, 3}  # of their own table, which stays


def test_the_log_may_call_work_item_types_by_terms_of_the_site(sandbox: RunningSandbox) -> None:
    sandbox.reset(audit_labels="Story=User Story, Feature=Epic")
    record = post(sandbox).json()
    sandbox.align("DELETE", f"{STATES}/{record['id']}")
    post(sandbox, workItemTypeId=9)
    log = [line["description"] for line in sandbox.align("GET", "/connectors/123/auditlog").json()]
    assert [line.split(" - ")[3] for line in log] == ["Defect", "User Story", "User Story"]


def test_projects_can_be_left_out_of_aligns_list_until_an_edit_adds_them(sandbox: RunningSandbox) -> None:
    def listed() -> set[str]:
        return {each["projectKey"] for each in sandbox.align("GET", "/connectors/123/projects").json()}

    everything = listed()
    sandbox.reset(not_in_align="HACK, SUP")
    assert listed() == everything - {"HACK", "SUP"}
    sandbox.edit("set_project", key="SUP", programme=11)
    sandbox.edit("set_project", key="HACK", in_align=True)
    assert listed() == everything - {"SUP"}


def jira_names(sandbox: RunningSandbox, path: str) -> set[str]:
    return {each["name"] for each in sandbox.jira(path).json()}


@pytest.mark.parametrize("of", ["site", "user"])
def test_jira_may_answer_in_the_language_of_the_tokens_user(sandbox: RunningSandbox, of: str) -> None:
    if of == "site":
        sandbox.reset(jira_language="de")
    else:
        sandbox.edit("set_token", site="jira", token=sandbox_fixture.JIRA_TOKEN, language="de")
    assert {"In Bearbeitung", "Backlog"} <= jira_names(sandbox, "/rest/api/3/status")
    assert jira_names(sandbox, "/rest/api/3/issuetype") == {"Epic", "Story", "Aufgabe", "Unteraufgabe", "Fehler"}
    assert "Fehler" in jira_names(sandbox, "/rest/api/3/project/PROJ/statuses")
    listed = sandbox.align("GET", STATES).json()
    assert {"In Progress", "To Do"} <= {row["jiraStatusName"] for row in listed}


def test_align_may_call_a_renamed_status_as_before_until_the_configuration_is_pulled(sandbox: RunningSandbox) -> None:
    sandbox.reset(configuration_pull="by-hand")
    sandbox.edit("rename_status", id=10017, name="Stuck")
    assert "Stuck" in jira_names(sandbox, "/rest/api/3/status")
    assert post(sandbox).json()["jiraStatusName"] == "Blocked"
    assert sandbox.edit("pull_configuration") == 1
    assert "Stuck" in {row["jiraStatusName"] for row in sandbox.align("GET", STATES).json()}
    assert sandbox.edit("rename_issue_type", id=10003, name="Subtask")["name"] == "Subtask"
    assert "Subtask" in jira_names(sandbox, "/rest/api/3/issuetype")


@pytest.mark.parametrize("limit", [20, 100, 200])
def test_a_page_may_hold_fewer_or_more_records(sandbox: RunningSandbox, limit: int) -> None:
    sandbox.reset(page_limit=str(limit))
    for status in range(20000, 20210):
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=status, target=2, audit=False)
    assert len(sandbox.align("GET", f"{STATES}?$top=1000").json()) == limit
    assert len(sandbox.align("GET", STATES).json()) == limit
    sandbox.reset(page_limit=str(limit), top_over_limit="400")
    assert sandbox.align("GET", f"{STATES}?$top={limit + 1}").status_code == 400


@pytest.mark.parametrize(
    ("kind", "differs"), [("all", set()), ("more", {"isActive"}), ("fewer", {"jiraStatusName", "alignStateName"})]
)
def test_a_record_may_have_other_fields(sandbox: RunningSandbox, kind: str, differs: set[str]) -> None:
    published = set(post(sandbox).json())
    sandbox.reset(record_fields=kind)
    created = post(sandbox).json()
    assert set(created) ^ published == differs
    assert set(sandbox.align("GET", f"{STATES}/{created['id']}").json()) == set(created)


def test_the_audit_endpoint_may_be_missing(sandbox: RunningSandbox) -> None:
    sandbox.reset(audit_endpoint="no")
    answer = sandbox.align("GET", "/connectors/123/auditlog")
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_status_that_was_not_pulled_may_be_refused_by_name(sandbox: RunningSandbox) -> None:
    assert post(sandbox, jiraStatusId=10020).status_code == 201
    sandbox.reset(pulled_statuses="listed")
    answer = post(sandbox, jiraStatusId=10020)
    assert answer.status_code == 400
    assert "Released (10020)" in answer.json()["errors"]["jiraStatusId"][0]
    assert post(sandbox).status_code == 201


def test_a_reset_forgets_everything_but_the_switches(sandbox: RunningSandbox) -> None:
    sandbox.reset(post_answer="id")
    post(sandbox)
    sandbox.faults({"status": 500})
    sandbox.reset()
    assert sandbox.journal() == []
    assert isinstance(post(sandbox).json(), int)
    sandbox.reset(seed="examples")
    assert [item["projectKey"] for item in sandbox.align("GET", "/connectors/123/projects").json()] == ["PROJ"]


@pytest.mark.parametrize(
    "payload",
    [{"seed": "huge"}, {"switches": {"colour": 1}}, {"switches": {"duplicate": "500"}}, {"switches": {"block": "x"}}],
)
def test_a_wrong_reset_is_refused_and_changes_nothing(sandbox: RunningSandbox, payload: dict[str, Any]) -> None:
    post(sandbox)
    answer = requests.post(f"{sandbox.url}/_sandbox/reset", json=payload, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert post(sandbox).status_code == 400


@pytest.mark.usefixtures("network")
@pytest.mark.usefixtures("network")
def test_a_restart_finds_what_was_written(tmp_path: Path) -> None:
    state = str(tmp_path / "sandbox.sqlite3")
    first = RunningSandbox(state=state)
    record = post(first).json()
    first.align("DELETE", f"{STATES}/1")
    first.edit("revoke_token", site="jira", token="sandbox-jira-token")
    log = first.align("GET", "/connectors/123/auditlog").json()
    first.close()

    second = RunningSandbox(state=state)
    assert second.align("GET", f"{STATES}/{record['id']}").json() == record
    assert second.align("GET", f"{STATES}/1").status_code == 404
    assert second.align("GET", "/connectors/123/auditlog").json() == log
    assert second.jira("/rest/api/3/myself").status_code == 401
    assert post(second).status_code == 400
    second.align("DELETE", f"{STATES}/{record['id']}")
    assert post(second).json()["id"] == record["id"] + 1
    second.close()


def test_a_state_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is no database, " * 100)
    with pytest.raises(StateError, match=r"notes\.txt"):
        RunningSandbox(state=str(path))
    assert path.read_text().startswith("this is no database")


@pytest.mark.usefixtures("network")
@pytest.mark.usefixtures("network")
def test_the_large_data_set_has_the_promised_size() -> None:
    running = RunningSandbox(seed="large")
    assert running.jira("/rest/api/3/project/search").json()["total"] == 2000
    flows = running.align("GET", "/ValueStreams").json()
    assert max(len(flow["processSteps"]) for flow in flows) == 30
    last = running.align("GET", "/connectors/123/projects/L1999/mappings/process-steps?$orderby=id desc&$top=1")
    users = running.align("GET", "/users?$skip=499").json()
    held = sum(1 for _ in running._server.site.world.all_mappings())
    running.close()
    assert (last.status_code, len(users)) == (200, 1)
    assert 95_000 <= held <= 105_000


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": "huge"},
        {"rate_limit": "fast"},
        {"rate_limit": "5/0"},
        {"duplicate": "500"},
        {"port": 70000},
        {"audit_labels": "Saga=Story"},
        {"audit_labels": "Story"},
        {"jira_language": "tlh"},
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        Options(**wrong)


@pytest.fixture
def command() -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), "sandbox"]


@pytest.mark.usefixtures("processes")
@pytest.mark.usefixtures("processes")
def test_the_help_marks_every_switch_as_not_confirmed(command: list[str]) -> None:
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert shown.count("NOT CONFIRMED") == len(SWITCHES) + len(TEXT_SWITCHES)
    assert all(switch.flag in shown for switch in (*SWITCHES, *TEXT_SWITCHES))


@pytest.mark.usefixtures("processes")
@pytest.mark.usefixtures("processes")
def test_the_command_serves_until_it_is_told_to_stop(command: list[str], tmp_path: Path) -> None:
    arguments = [
        "--port",
        "0",
        "--state",
        str(tmp_path / "state"),
        "--duplicate",
        "409",
        "--rate-limit",
        "60/6",
        "--lenient",
    ]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        overview = requests.get(f"{url}/_sandbox/", timeout=10).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    chosen = [overview["options"][name] for name in ("duplicate", "rate_limit", "lenient", "retry_after")]
    assert chosen == ["409", "60/6", "yes", "no"]


@pytest.mark.usefixtures("processes")
@pytest.mark.usefixtures("processes")
def test_a_taken_port_gives_one_clear_line(command: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"CommandError: Cannot listen on port {port}: Address already in use."


@pytest.mark.parametrize("path", ["/connectors/123/mappings/states/1", "/connectors/123/projects/1", "/ValueStreams/8"])
def test_a_single_record_may_be_refused(sandbox: RunningSandbox, path: str) -> None:
    assert sandbox.align("GET", path).json()["id"] == int(path.rpartition("/")[2])
    sandbox.reset(single_get="405")
    assert sandbox.align("GET", path).status_code == 405


@pytest.mark.parametrize(("said", "status"), [("yes", 200), ("no", 404), ("403", 403)])
def test_process_flows_may_be_missing_or_refused(sandbox: RunningSandbox, said: str, status: int) -> None:
    sandbox.reset(value_streams=said)
    assert sandbox.align("GET", "/ValueStreams").status_code == status


@pytest.mark.parametrize(
    ("shape", "kind"), [("objects", dict), ("state-names", dict), ("ids", int), ("names", str), ("none", type(None))]
)
def test_the_steps_of_a_flow_have_several_shapes(sandbox: RunningSandbox, shape: str, kind: type) -> None:
    sandbox.reset(step_shape=shape)
    steps = sandbox.align("GET", "/ValueStreams").json()[0]["processSteps"]
    assert isinstance(steps[0] if steps else steps, kind)


@pytest.mark.parametrize("odd", ["decoration", "unusable", "pascal", "items", "latin-1", "utf-16"])
def test_lists_of_both_sites_may_be_odd(sandbox: RunningSandbox, odd: str) -> None:
    plain = [sandbox.align("GET", "/ValueStreams"), sandbox.jira("/rest/api/3/status")]
    sandbox.reset(odd_records=odd)
    told = [sandbox.align("GET", "/ValueStreams"), sandbox.jira("/rest/api/3/status")]
    assert all(each.status_code == 200 for each in told)
    for before, after in zip(plain, told, strict=True):
        assert (before.content, before.headers["Content-Type"]) != (after.content, after.headers["Content-Type"])


def test_a_project_may_be_taken_out_of_aligns_connector(sandbox: RunningSandbox) -> None:
    sandbox.edit("set_project", key="PROJ", in_align=False)
    assert "PROJ" not in [item["projectKey"] for item in sandbox.align("GET", "/connectors/123/projects").json()]
    assert "PROJ" in [item["key"] for item in sandbox.jira("/rest/api/3/project/search").json()["values"]]

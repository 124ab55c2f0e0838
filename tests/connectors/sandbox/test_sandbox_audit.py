"""The sandbox's audit log: each of the twelve sentences, and how the log is read."""

import pytest

from connectors.sandbox import audit
from connectors.sandbox.families import FAMILIES
from tests.support import sandbox_fixture
from tests.support.sandbox_fixture import RunningSandbox

sandbox = sandbox_fixture.sandbox
Body = dict[str, int]

# Path of the family, body of a new record, target of its update, then head and the three endings.
FORMS = {
    "j2a state": (
        "/mappings/states",
        {"workItemTypeId": 6, "jiraStatusId": 10017, "alignStateId": 2},
        {"alignStateId": 3},
        "State mapping - Jira To Align - Task - Blocked (10017)",
        " Id: {id}, ConnectorId: 123, WorkItemTypeId: 6, JiraStatusId: 10017, JiraStatusName: Blocked, "
        "AlignStateId: 2, AlignStateName: In progress",
        " AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]",
        " Deleted mapping: [Blocked] → [Dev complete]",
    ),
    "j2a step": (
        "/mappings/process-steps",
        {"workItemTypeId": 3, "jiraStatusId": 10017, "processStepId": 513},
        {"processStepId": 514},
        "Process Step mapping - Jira To Align - Story - Blocked (10017)",
        " Id: {id}, ConnectorId: 123, WorkItemTypeId: 3, JiraStatusId: 10017, JiraStatusName: Blocked, "
        "ProcessStepId: 513, ProcessStepName: Developing",
        " ProcessStepId Changed - From [513] To [514], ProcessStepName Changed - From [Developing] To [Reviewing]",
        " Deleted mapping: [Jira Status Id 10017] → [Process Step ID 514]",
    ),
    "a2j state": (
        "/projects/PROJ/mappings/states",
        {"workItemTypeId": 4, "alignStateId": 4, "jiraStatusId": 10016},
        {"jiraStatusId": 10015},
        "State mapping - Align to Jira - Story - Test complete (4)",
        " - PROJ Id: {id}, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, AlignStateId: 4, "
        "AlignStateName: Test complete, JiraStatusId: 10016, JiraStateName: Ready for release",
        " JiraStatusId Changed - From [10016] To [10015], JiraStateName Changed - From [Ready for release] To [QA]",
        " Deleted mapping: [Test complete] → [QA]",
    ),
    "a2j step": (
        "/projects/PROJ/mappings/process-steps",
        {"workItemTypeId": 4, "processStepId": 516, "jiraStatusId": 10016},
        {"jiraStatusId": 10015},
        "Process Step mapping - Align to Jira - Story - Ready to release (516)",
        " - PROJ Id: {id}, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, ProcessStepId: 516, "
        "ProcessStepName: Ready to release, JiraStatusId: 10016, JiraStateName: Ready for release",
        " JiraStatusId Changed - From [10016] To [10015], JiraStateName Changed - From [Ready for release] To [QA]",
        " Deleted mapping: [Ready to release] → [QA]",
    ),
}


def test_the_documented_lines_are_the_ones_that_are_written() -> None:
    """The module's twelve example lines, written again from the records that they speak of."""
    names = {"jiraStatusId": 10013, "jiraStatusName": "In Review", "alignStateId": 3, "alignStateName": "Dev complete"}
    record = {"id": 41, "connectorId": 123, "workItemTypeId": 4, **names}
    record |= {"processStepId": 514, "processStepName": "Reviewing"}
    qa = {"jiraStatusId": 10015, "jiraStatusName": "QA"}
    older = {"alignStateId": 2, "alignStateName": "In progress", "processStepId": 513, "processStepName": "Developing"}
    lines = []
    for code in ("j2a_state", "j2a_step", "a2j_state", "a2j_step"):
        family = FAMILIES[code]
        if family.to_align:
            made = record | {"workItemTypeId": 3 if family.steps else 4}
            before, after, gone = made | older, made, made
        else:
            made = record | {"projectKey": "PROJ"} | (qa if code == "a2j_state" else {})
            before, after, gone = record, record | qa, record | qa
        lines += [audit.created(family, made), audit.updated(family, before, after), audit.deleted(family, gone)]
    documented = [line for line in (audit.__doc__ or "").splitlines() if line.startswith("CONFIG ")]
    assert lines == documented


def descriptions(sandbox: RunningSandbox) -> list[str]:
    """Oldest first."""
    lines = sandbox.align("GET", "/connectors/123/auditlog").json()
    return [line["description"] for line in reversed(lines)]


@pytest.mark.parametrize(
    ("path", "body", "change", "head", "made", "changed", "gone"), FORMS.values(), ids=FORMS.keys()
)
def test_each_write_leaves_the_published_sentence(
    sandbox: RunningSandbox, path: str, body: Body, change: Body, head: str, made: str, changed: str, gone: str
) -> None:
    path = f"/connectors/123{path}"
    record_id = sandbox.align("POST", path, json=body).json()["id"]
    sandbox.align("PUT", f"{path}/{record_id}", json=change)
    sandbox.align("DELETE", f"{path}/{record_id}")
    assert descriptions(sandbox) == [
        f"CONFIG Created - {head}{made.format(id=record_id)}",
        f"CONFIG Updated - {head}{changed}",
        f"CONFIG Deleted - {head}{gone}",
    ]


def test_a_line_names_no_person_and_says_when(sandbox: RunningSandbox) -> None:
    sandbox.align("DELETE", "/connectors/123/mappings/states/1")
    (line,) = sandbox.align("GET", "/connectors/123/auditlog").json()
    assert (line["type"], line["user"]) == ("CONFIG 123", "Jira Align System")
    assert line["timestamp"].endswith("Z")
    after = sandbox.align("GET", "/connectors/123/auditlog?$filter=timestamp gt 2026-01-01T00:00:00Z").json()
    assert after == [line]
    assert sandbox.align("GET", "/connectors/123/auditlog?$filter=timestamp lt 2026-01-01T00:00:00Z").json() == []


def test_the_log_is_newest_first_and_pages(sandbox: RunningSandbox) -> None:
    for mapping_id in (1, 2, 3):
        sandbox.align("DELETE", f"/connectors/123/mappings/states/{mapping_id}")
    newest = sandbox.align("GET", "/connectors/123/auditlog?$top=1").json()
    assert [line["id"] for line in newest] == [3]
    assert [line["id"] for line in sandbox.align("GET", "/connectors/123/auditlog?$skip=1").json()] == [2, 1]
    found = sandbox.align("GET", "/connectors/123/auditlog?$filter=contains(Description,'In Progress')").json()
    assert [line["id"] for line in found] == [3]


def test_refused_writes_leave_no_line(sandbox: RunningSandbox) -> None:
    sandbox.align("POST", "/connectors/123/mappings/states", json={"workItemTypeId": 1})
    sandbox.align("PUT", "/connectors/123/mappings/states/1", json={"alignStateId": 77})
    sandbox.align("DELETE", "/connectors/123/mappings/states/9999")
    assert descriptions(sandbox) == []


def test_a_change_between_twins_shows_the_id_alone_and_no_change_the_bare_head(sandbox: RunningSandbox) -> None:
    rows = sandbox.align("GET", "/connectors/123/projects/PROJ/mappings/states?$filter=jiraStatusId eq 10013").json()
    path = f"/connectors/123/projects/PROJ/mappings/states/{rows[-1]['id']}"
    for status in (10113, 10113):
        assert sandbox.align("PUT", path, json={"jiraStatusId": status}).status_code == 204
    head = "CONFIG Updated - State mapping - Align to Jira - Story - Dev complete (3)"
    assert descriptions(sandbox) == [f"{head} JiraStatusId Changed - From [10013] To [10113]", head]


def test_type_ids_outside_the_table_have_a_name_in_the_log(sandbox: RunningSandbox) -> None:
    for type_id in (2, 7):
        sandbox.edit("create_mapping", family="j2a_state", type=type_id, source=10017, target=2)
    heads = [text.split(" - ")[3] for text in descriptions(sandbox)]
    assert heads == ["Feature", "Type 7"]

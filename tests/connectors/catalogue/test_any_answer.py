"""Whatever a field of an answer becomes: never an exception, never a false "gone", nothing of another list touched.

Generated: each list and object that the clients read, each of its fields, each way in which it may be otherwise. That
a record is read or set aside is tried on all of them without a network; what is stored is tried through the sandbox, a
share of it here and all of it as a soak.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import rows_of
from alignadmin.http.listing import read_records
from connectors.align import resources as align
from connectors.jira import resources as jira
from connectors.jobs import runner
from connectors.models import (
    BudgetSlot,
    Connector,
    Finding,
    IssueType,
    Job,
    JobKind,
    JobState,
    ListState,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
)
from mappings.models import Mapping, Scope
from tests.support.odd_answers import (
    WAYS,
    Path,
    Read,
    Sample,
    altered,
    check_it_is_read_or_set_aside,
    check_what_is_set_aside_may_be_it,
    in_any_database,
    paths_of,
)
from tests.support.sandbox_fixture import RunningSandbox

OWN = {"type": "PROJECT", "project": {"id": "10001"}}
STATUS = {"id": "10015", "name": "QA", "statusCategory": {"id": 4, "key": "indeterminate"}, "scope": OWN}
TYPE = {"id": "10001", "name": "Story", "subtask": False, "hierarchyLevel": 0, "avatarId": 10315, "scope": OWN}
SHARED = {"id": 17, "connectorId": 123, "workItemTypeId": 4, "jiraStatusId": 10001, "jiraStatusName": "To Do"}
STEP = {"id": 590, "name": "Staging", "order": 1, "state": 3}
SAMPLES = (
    Sample(
        name="State mappings",
        record={**SHARED, "projectKey": "PROJ", "alignStateId": 1, "alignStateName": "Ready to start"},
        read=align.MappingRecord.from_json,
    ),
    Sample(
        name="Process step mappings",
        record={**SHARED, "projectKey": "PROJ", "processStepId": 5, "processStepName": "Backlog"},
        read=align.MappingRecord.from_json,
    ),
    Sample(
        name="Connectors",
        record={"id": 123, "name": "Acme", "type": "Jira", "isActive": True},
        read=align.ConnectorInfo.from_json,
    ),
    Sample(
        name="Projects in Align",
        record={
            "id": 1,
            "projectId": 10000,
            "projectKey": "PROJ",
            "projectName": "P",
            "programId": 12,
            "errorMessage": "",
        },
        read=align.ConnectorProject.from_json,
    ),
    Sample(
        name="Process flows",
        record={
            "id": 8,
            "name": "Delivery",
            "level": "Story",
            "isActive": True,
            "mapToState": True,
            "programIds": [11, 12],
            "processSteps": [STEP, {**STEP, "id": 591}],
        },
        read=align.AlignProcessFlow.from_json,
    ),
    Sample(
        name="Projects in Jira",
        record={"id": "10000", "key": "PROJ", "name": "P", "style": "classic", "simplified": False},
        read=jira.JiraProject.from_json,
    ),
    Sample(name="Statuses", record=STATUS, read=jira.JiraStatus.from_json),
    Sample(name="Issue types", record=TYPE, read=jira.JiraIssueType.from_json),
    Sample(
        name="Statuses of project PROJ",
        record={**TYPE, "statuses": [STATUS, {**STATUS, "id": "10016"}]},
        read=jira.IssueTypeStatuses.from_json,
    ),
    Sample(name="Priorities", record={"id": "3", "name": "Medium"}, read=jira.JiraPriority.from_json),
    Sample(
        name="Priorities in Align",
        record={"id": 1, "itemTypeId": 3, "jiraPriorityId": 3, "jiraPriorityName": "Medium", "priorityId": 2},
        read=align.ConnectorPriority.from_json,
    ),
)
OBJECTS: tuple[tuple[dict[str, Any], Read], ...] = (
    ({"accountId": "5b1", "displayName": "A", "emailAddress": "a@b.test", "timeZone": "UTC"}, jira.JiraUser.from_json),
    (
        {"baseUrl": "https://x", "version": "9", "deploymentType": "Cloud", "serverTitle": "J"},
        jira.JiraServer.from_json,
    ),
    ({"id": 1, "firstName": "A", "lastName": "B", "email": "a@b.test"}, align.AlignUser.from_json),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_record_is_read_or_set_aside_and_the_others_are_read(sample: Sample) -> None:
    check_it_is_read_or_set_aside(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_what_is_set_aside_may_be_the_record_that_it_was(sample: Sample) -> None:
    known = sample.read(sample.record)
    check_what_is_set_aside_may_be_it(
        sample, known.issue_type.id if isinstance(known, jira.IssueTypeStatuses) else known.id
    )


def test_what_is_no_list_is_said_and_a_record_that_is_none_is_set_aside() -> None:
    no_lists: tuple[Any, ...] = (None, "x", 5, True, {}, {"values": None}, {"items": {}}, {"message": "no"})
    for answer in no_lists:
        with pytest.raises(Malformed):
            rows_of(answer)
    for name in ("value", "values", "items", "data", "results", "Items", "DATA"):
        assert rows_of({name: [1]}) == [1]
    for sample in SAMPLES:
        no_records: tuple[Any, ...] = (None, "x", 5, True, [], [[]])
        assert len(read_records(no_records, sample.read).aside) == len(no_records)


@pytest.mark.parametrize(("record", "read"), OBJECTS, ids=["myself", "server", "align user"])
def test_an_object_is_read_whatever_its_fields_are(record: dict[str, Any], read: Read) -> None:
    for path in paths_of(record):
        for way in WAYS:
            in_any_database(read(altered(record, path, way)))


# --- through the sandbox ----------------------------------------------------------------------------------------------

STARTS = re.compile(
    r"(None of the \d+ lists could be read\. )?"
    r"(Projects in Jira|Statuses|Issue types|Statuses of project \w+|Projects in Align|Process flows|Connector \d+|"
    r"Sign-in at Jira|(State|Process step) mappings, .*): "
)
ALIGN = "/connectors/123"
LISTS: dict[str, tuple[str, str]] = {
    # what people call it: where it is asked for, and the address that a fault answers
    "Projects in Jira": ("/rest/api/3/project/search?startAt=0&maxResults=50", r"project/search\?"),
    "Statuses": ("/rest/api/3/status", r"/rest/api/3/status$"),
    "Issue types": ("/rest/api/3/issuetype", r"/rest/api/3/issuetype$"),
    "Statuses of project PROJ": ("/rest/api/3/project/PROJ/statuses", r"/project/PROJ/statuses$"),
    "Projects in Align": (f"{ALIGN}/projects", r"123/projects\?\$top=\d+&\$skip=0"),
    "Process flows": ("/ValueStreams", r"/ValueStreams\?\$top=\d+&\$skip=0"),
    "State mappings": (f"{ALIGN}/mappings/states", r"123/mappings/states\?\$top=\d+&\$skip=0"),
    "Process step mappings": (f"{ALIGN}/mappings/process-steps", r"123/mappings/process-steps\?\$top=\d+&\$skip=0"),
    "State mappings of PROJ": (f"{ALIGN}/projects/PROJ/mappings/states", r"PROJ/mappings/states\?\$top=\d+&\$skip=0"),
    "Connector": (ALIGN, r"/connectors/123$"),
    "Priorities in Align": (f"{ALIGN}/priorities", r"123/priorities\?\$top=\d+&\$skip=0"),
    "Priorities in Jira": ("/rest/api/3/priority/search?startAt=0&maxResults=50", r"priority/search\?"),
}
TABLES = (Project, Status, IssueType, ProcessFlow, ProcessStep)


def answer_of(sandbox: RunningSandbox, where: str) -> Any:
    response = sandbox.jira(where) if where.startswith("/rest/api/") else sandbox.align("GET", where)
    assert response.status_code == 200
    return response.json()


def rows_in(payload: Any) -> list[Any]:
    return rows_of(payload) if isinstance(payload, list) or "values" in payload else [payload]


def put(payload: Any, number: int, row: Any) -> Any:
    """The answer with one of its records replaced."""
    if isinstance(payload, list):
        return [*payload[:number], row, *payload[number + 1 :]]
    if "values" in payload:
        return {**payload, "values": put(payload["values"], number, row)}
    return row


def spread(payload: Any, chance: random.Random) -> Iterator[Any]:
    """Answers in which one record each is altered, one after the other, in all ways."""
    rows = rows_in(payload)
    found = {path for row in rows[:3] for path in paths_of(row)}
    fields = sorted((path for path in found if all(part in (0, str(part)) for part in path)), key=str)
    for path in fields:
        for way in ways_of(path):
            fitting = [number for number, row in enumerate(rows) if path in set(paths_of(row))]
            number = chance.choice(fitting)
            yield put(payload, number, altered(rows[number], path, way))


def ways_of(path: Path) -> list[str]:
    """Without those that are nothing odd: another key, a list that is empty, an item that a list no longer has."""
    if path[-1] in ("processSteps", "statuses", "programIds", "customerIds"):
        return [way for way in WAYS if way != "a list"]
    if path[-1] in ("key", "projectKey"):
        return [way for way in WAYS if way not in ("a text", "a UUID")]
    return [way for way in WAYS if way != "missing" or isinstance(path[-1], str)]


def several_at_once(payload: Any, chance: random.Random) -> Any:
    """One answer in which most records are altered, each in another way; the first stays."""
    for number, row in list(enumerate(rows_in(payload)))[1:]:
        path = chance.choice(list(paths_of(row)))
        payload = put(payload, number, altered(row, path, chance.choice(ways_of(path))))
    return payload


def work(owner: Connector, *kinds: JobKind) -> Sequence[Job]:
    """At once, whatever the ones before have taken of the rate budget."""
    BudgetSlot.objects.all().delete()
    owner.refresh_from_db()
    jobs = [runner.run_now(runner.start(owner, kind, actor=None)) for kind in kinds]
    Job.objects.filter(state=JobState.QUEUED).delete()
    return jobs


def gone() -> list[str]:
    return [f"{table.__name__} {each}" for table in TABLES for each in table._default_manager.exclude(vanished_at=None)]


@dataclass(frozen=True, kw_only=True)
class Before:
    """What no altered answer may make less."""

    reachable: set[tuple[int, int]]
    in_scope: set[int]
    observed: dict[int, int | None]

    @classmethod
    def now(cls) -> Before:
        return cls(
            reachable=set(ReachableStatus.objects.values_list("project_id", "status_id")),
            in_scope=set(Project.objects.filter(in_scope=True).values_list("jira_id", flat=True)),
            observed=dict(Mapping.objects.values_list("pk", "observed")),
        )


def check(jobs: Sequence[Job], name: str, before: Before, context: str) -> None:
    for job in jobs:
        assert job.state == JobState.DONE or STARTS.match(job.error), (context, job.kind, job.error)
    assert gone() == [], context
    assert not Finding.objects.filter(change="gone").exists(), context
    now = Before.now()
    assert before.reachable <= now.reachable, context
    assert before.in_scope == now.in_scope, context
    lost = [pk for pk, value in before.observed.items() if value is not None and now.observed.get(pk) is None]
    assert lost == [], context
    for state in ListState.objects.exclude(error="", set_aside=0):
        assert STARTS.match(state.trouble), (context, state.trouble)
        assert state.get_name_display() == name, (context, "another list's state", state.trouble)
    for project in Project.objects.exclude(read_error=""):
        assert (name, project.key) == ("Statuses of project PROJ", "PROJ"), (context, project.read_error)
        assert STARTS.match(project.read_error), context
    for scope in Scope.objects.exclude(error="", remark=""):
        assert "mappings" in name, (context, scope.error or scope.remark)
        assert STARTS.match(scope.error or scope.remark), (context, scope.error, scope.remark)


def tell(sandbox: RunningSandbox, path: str, payload: Any) -> None:
    sandbox.faults()
    sandbox.faults({"method": "GET", "path": path, "status": 200, "body": json.dumps(payload)})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_with_odd_records_costs_nothing_that_was_known(
    connector: Connector, sandbox: RunningSandbox, name: str
) -> None:
    where, path = LISTS[name]
    payload, before = answer_of(sandbox, where), Before.now()
    tell(sandbox, path, several_at_once(payload, random.Random(name)))
    check(work(connector, JobKind.REFRESH, JobKind.OBSERVE), name, before, name)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LISTS)
def test_each_field_of_each_list_in_each_way(connector: Connector, sandbox: RunningSandbox, name: str) -> None:
    where, path = LISTS[name]
    payload, before = answer_of(sandbox, where), Before.now()
    kind = JobKind.OBSERVE if "mappings" in name else JobKind.REFRESH
    for number, told in enumerate(spread(payload, random.Random(name))):
        tell(sandbox, path, told)
        check(work(connector, kind), name, before, f"{name}, answer {number}")

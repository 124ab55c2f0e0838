"""Refreshing the catalogue over real HTTP: what is stored, what is only marked, and what a failure leaves alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.audit.models import Entry
from alignadmin.http.listing import Records
from connectors.align.resources import ConnectorProject
from connectors.catalogue.align_lists import Flows, Projects, store_align_lists, update_scope
from connectors.catalogue.findings import SiteReading
from connectors.catalogue.jira_lists import JiraLists, store_jira_lists
from connectors.catalogue.reachable import ProjectStatuses, store_reachable
from connectors.jira.client import JiraClient
from connectors.jira.resources import IssueTypeStatuses, JiraIssueType, JiraProject, JiraStatus
from connectors.jobs import runner
from connectors.models import (
    Carried,
    Connector,
    Credential,
    IssueType,
    Job,
    JobKind,
    JobState,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
    StatusCategory,
    System,
)
from tests.support.processes import Site, eventually
from tests.support.sandbox_fixture import JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_SCOPE = 19  # projects of the sandbox's small company
IN_REVIEW, QA = 10013, 10015


def refresh(owner: Connector) -> Job:
    """The catalogue alone, without the mappings."""
    job = runner.run_now(runner.start(owner, JobKind.REFRESH, actor=None))
    owner.refresh_from_db()
    return job


@pytest.fixture
def filled(bare_connector: Connector) -> Connector:
    job = refresh(bare_connector)
    assert job.state == JobState.DONE, job.error
    return bare_connector


def vanished() -> dict[str, int]:
    tables = (Project, Status, IssueType, ProcessFlow, ProcessStep)
    return {table.__name__: table._default_manager.exclude(vanished_at=None).count() for table in tables}


def rows() -> dict[str, list[Any]]:
    """The whole catalogue, to compare; without when it was read."""
    tables = (Project, Status, IssueType, ProcessFlow, ProcessStep, ReachableStatus)
    names = {table: [each.attname for each in table._meta.concrete_fields] for table in tables}
    kept = {table: [name for name in names[table] if name not in ("read_at", "tried_at")] for table in tables}
    return {table.__name__: list(table._default_manager.order_by("pk").values(*kept[table])) for table in tables}


NOTHING = {"Project": 0, "Status": 0, "IssueType": 0, "ProcessFlow": 0, "ProcessStep": 0}


# --- what is read -----------------------------------------------------------------------------------------------------


def test_it_stores_both_kinds_of_project_with_programme_and_scope(filled: Connector) -> None:
    company, team = (Project.objects.get(key=key) for key in ("PROJ", "PROJ1"))
    assert (company.jira_id, company.team_managed, company.in_scope, company.programme_id) == (10000, False, True, 12)
    assert (team.jira_id, team.team_managed, team.in_scope, team.programme_id) == (10100, True, True, 11)
    assert Project.objects.filter(in_scope=True).count() == IN_SCOPE


def test_the_statuses_of_a_team_managed_project_belong_to_it_alone(filled: Connector) -> None:
    own = Status.objects.filter(project__key="PROJ1")
    assert sorted(own.values_list("jira_id", flat=True)) == [10201, 10202, 10203, 10204, 10205]
    assert Status.objects.get(jira_id=10001).project is None
    categories = dict(Status.objects.filter(jira_id__in=(10001, 10002, 10003)).values_list("jira_id", "category"))
    assert categories == {10001: StatusCategory.TODO, 10002: StatusCategory.DOING, 10003: StatusCategory.DONE}


def test_it_stores_which_statuses_each_issue_type_can_reach_in_a_project(filled: Connector) -> None:
    subtasks = ReachableStatus.objects.filter(project__key="PROJ", issue_type__name="Sub-task")
    assert sorted(subtasks.values_list("status__jira_id", flat=True)) == [10001, 10002, 10003, IN_REVIEW]


def test_it_stores_flows_with_their_steps_in_order(filled: Connector) -> None:
    flow = ProcessFlow.objects.get(align_id=8)
    assert (flow.name, flow.level, flow.is_active) == ("Delivery flow", "story", True)
    assert list(flow.steps.order_by("position").values_list("align_id", flat=True)) == list(range(511, 518))
    assert not ProcessFlow.objects.get(align_id=9).is_active


def test_it_only_reads_and_asks_each_thing_once_between_two_sign_ins(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    asked = [(each["method"], each["path"].removeprefix("/rest")) for each in sandbox.journal()]
    of_projects = [path for _, path in asked if path.endswith("/statuses")]
    assert {method for method, _ in asked} == {"GET"}
    assert len(of_projects) == len(set(of_projects)) == IN_SCOPE
    others = [path for _, path in asked if path not in of_projects]
    assert others.index("/api/3/myself") < others.index("/api/3/project/search")
    assert sorted(others) == sorted(
        [
            "/align/api/2/connectors/123",
            *["/align/api/2/connectors/123/projects"] * 2,  # a site's first page may be cut off
            *["/align/api/2/ValueStreams"] * 2,
            *["/align/api/2/connectors/123/priorities"] * 2,
            "/api/3/priority/search",
            "/api/3/myself",
            "/api/3/myself",
            "/api/3/project/search",
            "/api/3/status",
            "/api/3/issuetype",
        ]
    )


def test_the_job_counts_the_projects_and_the_connector_knows_when(filled: Connector) -> None:
    job = Job.objects.get()
    assert (job.done, job.total) == (IN_SCOPE, IN_SCOPE)
    assert filled.catalogue_at is not None
    assert filled.catalogue_error == ""


def test_data_center_is_read_by_its_own_addresses(bare_connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    bare_connector.refresh_from_db()
    assert refresh(bare_connector).state == JobState.DONE
    assert not Project.objects.filter(team_managed=True).exists()
    assert not sandbox.journal(containing="/rest/api/3")


# --- what changes -----------------------------------------------------------------------------------------------------


def test_a_second_refresh_changes_nothing_and_leaves_no_entry(filled: Connector) -> None:
    before, entries = rows(), Entry.objects.filter(action="catalogue.refreshed").count()
    assert refresh(filled).state == JobState.DONE
    assert rows() == before
    assert Entry.objects.filter(action="catalogue.refreshed").count() == entries == 1


def test_what_vanished_is_kept_and_marked_and_unmarked_when_it_is_back(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("remove_status", id=QA)
    sandbox.edit("remove_step", id=515)
    sandbox.edit("remove_project", key="PROJ2")
    refresh(filled)
    assert Project.objects.get(key="PROJ2").vanished_at
    assert Status.objects.get(jira_id=QA).vanished_at
    assert ProcessStep.objects.get(align_id=515).vanished_at
    assert not ReachableStatus.objects.filter(status__jira_id=QA, project__vanished_at=None).exists()

    sandbox.reset()
    refresh(filled)
    assert vanished() == NOTHING
    assert ReachableStatus.objects.filter(status__jira_id=QA).exists()


def test_a_status_that_only_a_project_shows_has_not_vanished(filled: Connector, sandbox: RunningSandbox) -> None:
    fewer = [each for each in sandbox.jira("/rest/api/3/status").json() if each["id"] != str(IN_REVIEW)]
    fewer_types = [each for each in sandbox.jira("/rest/api/3/issuetype").json() if each["id"] != "10003"]
    sandbox.faults(
        {"path": "/rest/api/3/status$", "status": 200, "body": json.dumps(fewer)},
        {"path": "/rest/api/3/issuetype$", "status": 200, "body": json.dumps(fewer_types)},
    )
    for _ in range(2):
        assert refresh(filled).state == JobState.DONE
        assert vanished() == NOTHING


def test_one_that_had_vanished_and_is_met_in_a_project_again_is_unmarked(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    Status.objects.filter(jira_id=IN_REVIEW).update(vanished_at="2026-01-01T00:00Z")
    fewer = [each for each in sandbox.jira("/rest/api/3/status").json() if each["id"] != str(IN_REVIEW)]
    sandbox.faults({"path": "/rest/api/3/status$", "status": 200, "body": json.dumps(fewer)})
    refresh(filled)
    assert vanished() == NOTHING


def test_a_project_that_leaves_aligns_connector_is_out_of_scope_but_not_gone(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("set_project", key="PROJ2", in_align=False)
    refresh(filled)
    project = Project.objects.get(key="PROJ2")
    assert (project.in_scope, project.vanished_at) == (False, None)


def test_a_project_that_is_gone_from_jira_is_carried_as_long_as_aligns_list_has_it(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    gone = Project.objects.get(key="PROJ2")
    Project.objects.filter(pk=gone.pk).update(vanished_at=timezone.now())
    records = Records([align_project(id=gone.align_id, project_id=gone.jira_id, project_key="PROJ2")])
    other = Records([align_project(id=1, project_id=1, project_key="OTHER")])
    for there, carried in ((records, Carried.YES), (other, Carried.NO), (records, Carried.YES)):
        update_scope(filled, Projects(records=there), timezone.now())
        gone.refresh_from_db()
        assert (gone.carried, gone.left_align_at is None) == (carried, carried == Carried.YES)


def jira_project(**values: Any) -> JiraProject:
    return JiraProject(**{"id": 1, "key": "NEW", "name": "One", "is_team_managed": False, **values})


def align_project(**values: Any) -> ConnectorProject:
    known = {"id": 9, "project_id": 1, "project_key": "OLD", "project_name": "One", "program_id": 7}
    return ConnectorProject(**{**known, "error_message": "", **values})


def read_now(owner: Connector) -> SiteReading:
    return SiteReading(connector=owner, began_at=timezone.now())


def store(
    owner: Connector,
    projects: list[JiraProject],
    align: Sequence[ConnectorProject] = (),
    statuses: Sequence[JiraStatus] = (),
) -> None:
    """What a refresh stores of these lists."""
    lists = JiraLists(projects=Records(projects), statuses=Records(statuses), types=Records())
    store_jira_lists(read_now(owner), lists)
    store_align_lists(read_now(owner), Projects(records=Records(align)), Flows(records=Records()))


def test_a_key_renamed_in_jira_is_noted_and_align_is_asked_by_the_one_it_knows(bare_connector: Connector) -> None:
    store(bare_connector, [jira_project(key="OLD")], [align_project()])
    store(bare_connector, [jira_project()], [align_project()])
    renamed = Project.objects.get()
    assert (renamed.key, renamed.align_key, renamed.wire_key, renamed.in_scope) == ("NEW", "OLD", "OLD", True)
    store(bare_connector, [jira_project()], [align_project(project_key="NEW")])
    renamed.refresh_from_db()
    assert (renamed.align_key, renamed.wire_key) == ("", "NEW")


def test_a_list_that_names_one_thing_twice_stores_it_once(bare_connector: Connector) -> None:
    status = JiraStatus(id=5, name="QA", category="done", project_id=None)
    twice = [jira_project(), jira_project(name="Renamed meanwhile")]
    store(bare_connector, twice, statuses=[status, status])
    assert [each.name for each in Project.objects.all()] == ["Renamed meanwhile"]
    assert Status.objects.count() == 1


def test_names_longer_than_any_column_are_cut(bare_connector: Connector) -> None:
    status = JiraStatus(id=5, name="→" * 300, category="new", project_id=None)
    store(bare_connector, [jira_project(name="→" * 300)], statuses=[status])
    assert Project.objects.get().name == Status.objects.get().name == "→" * 255


# --- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"path": "/connectors/123", "status": 401}, "Jira Align refused the sign-in (401)"),
        ({"path": "/connectors/123/projects", "status": 403}, "(403)"),
        ({"path": "/connectors/123/projects", "status": 200, "body": "<html>Sign in</html>"}, "web page"),
        ({"path": "/rest/api/3/status$", "status": 200, "body": '[{"id": 7, "na'}, "cut off or is not JSON"),
        ({"path": "/rest/api/3/myself", "status": 401}, "Jira refused the sign-in (401)"),
        ({"path": "/rest/api/3/issuetype", "status": 200, "body": '[{"name": "Epic"}]'}, "id"),
        ({"path": "project/search", "status": 200, "body": '{"isLast": true, "values": []}'}, "no project at all"),
        ({"path": "/project/.*/statuses", "status": 404}, "Statuses of project "),
    ],
    ids=["align 401", "align 403", "web page", "truncated", "jira 401", "no id", "no projects", "all projects alike"],
)
def test_a_failure_says_why_and_marks_nothing_as_gone(
    filled: Connector, sandbox: RunningSandbox, fault: dict[str, Any], sentence: str
) -> None:
    before, read_at = rows(), filled.catalogue_at
    sandbox.faults(fault)
    job = refresh(filled)
    assert job.state == JobState.FAILED
    assert sentence in job.error
    assert filled.catalogue_error == job.error
    assert filled.catalogue_at == read_at
    assert rows() == before
    sandbox.faults()
    refresh(filled)
    assert filled.catalogue_error == ""


def test_a_jira_that_takes_us_for_anonymous_is_not_a_jira_without_projects(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    before = rows()
    sandbox.edit("revoke_token", site="jira", token=JIRA_TOKEN)
    assert sandbox.jira("/rest/api/3/project/search").json()["values"] == []
    assert "refused the sign-in" in refresh(filled).error
    assert rows() == before


def test_without_a_credential_it_says_where_to_add_one(filled: Connector) -> None:
    Credential.objects.filter(system=System.JIRA).delete()
    assert "No Jira credential is stored for Acme" in refresh(filled).error


def test_a_secret_that_does_not_open_is_told_and_never_sent(filled: Connector, sandbox: RunningSandbox) -> None:
    sandbox.clear_journal()
    Credential.objects.filter(system=System.ALIGN).update(version=99)
    assert "does not open" in refresh(filled).error
    assert sandbox.journal() == []


def test_a_jira_token_that_dies_between_the_lists_marks_nothing_as_gone(
    filled: Connector, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_good_list(jira: JiraClient) -> list[JiraProject]:
        found = projects(jira)
        sandbox.edit("revoke_token", site="jira", token=JIRA_TOKEN)
        return found

    projects, before = JiraClient.projects, rows()
    monkeypatch.setattr(JiraClient, "projects", last_good_list)
    assert "Jira refused the sign-in (401)" in refresh(filled).error
    assert rows() == before


# --- large sites ------------------------------------------------------------------------------------------------------


def test_two_thousand_projects_take_few_queries(bare_connector: Connector) -> None:
    projects = [jira_project(id=number, key=f"K{number}") for number in range(2000)]
    in_scope = [align_project(id=number, project_id=number, project_key=f"K{number}") for number in range(2000)]
    statuses = [JiraStatus(id=number, name="QA", category="new", project_id=number % 2000) for number in range(10_000)]
    with CaptureQueriesContext(connection) as filling:
        store(bare_connector, projects, in_scope, statuses)
    assert len(filling) < 280  # a third of it the 12,000 names that the search finds
    with CaptureQueriesContext(connection) as again:
        store(bare_connector, projects, in_scope, statuses)
    assert len(again) < 50, "what is known already is not written again"
    with CaptureQueriesContext(connection) as emptying:
        store(bare_connector, projects[:1], in_scope)
    assert len(emptying) < 60
    assert (vanished()["Project"], vanished()["Status"]) == (1999, 10_000)


def test_a_portion_of_projects_takes_the_same_queries_whether_or_not_it_changed(bare_connector: Connector) -> None:
    count = 100
    store(bare_connector, [jira_project(id=number, key=f"K{number}") for number in range(count)])
    story = JiraIssueType(id=1, name="Story", is_subtask=False, hierarchy_level=0, project_id=None)
    statuses = Records(JiraStatus(id=number, name="QA", category="new", project_id=None) for number in range(12))
    answered = Records([IssueTypeStatuses(issue_type=story, statuses=statuses)])
    portion = [ProjectStatuses(project=project, statuses=answered) for project in Project.objects.all()]
    with CaptureQueriesContext(connection) as first:
        store_reachable(read_now(bare_connector), portion)
    assert len(first) < 32  # the names that the search finds among them
    with CaptureQueriesContext(connection) as second:
        store_reachable(read_now(bare_connector), portion)
    assert len(second) < len(first)
    assert ReachableStatus.objects.count() == count * 12


# --- the clock --------------------------------------------------------------------------------------------------------


def test_work_whose_wake_up_was_lost_is_found_by_the_clock(site: Site) -> None:
    said = "from connectors.models import *; job = Job(connector=Connector.objects.get(slug='acme'), "

    def shell(code: str) -> str:
        return site.command("shell", "-v", "0", "-c", code).strip()

    pk = shell(said + "kind='refresh', subject='again'); job.save(); print(job.pk)")
    look = f"from connectors.models import *; print(Job.objects.get(pk={pk}).state)"
    eventually(lambda: shell(look) == "done", within=60, what="the forgotten job")

"""What differs between two readings is a finding: with its ids and its date, in one entry, never on a first reading."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.catalogue.findings import CHANGED, words_of
from connectors.jobs import runner
from connectors.models import Connector, Finding, IssueType, Job, JobKind, JobState, Project, ReachableStatus, Status
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
QA, WAITING = 10015, 10777


def refresh(owner: Connector, actor: Person | None = None) -> Job:
    owner.refresh_from_db()
    job = runner.run_now(runner.start(owner, JobKind.REFRESH, actor=actor))
    assert job.state == JobState.DONE, job.error
    return job


@pytest.fixture
def filled(connector: Connector) -> Connector:
    assert not Finding.objects.exists(), "a first reading finds nothing"
    assert not Entry.objects.filter(action=CHANGED).exists()
    return connector


def said() -> set[str]:
    return {words_of(each) for each in Finding.objects.select_related("project")}


# --- each difference --------------------------------------------------------------------------------------------------


def test_a_new_status_is_found_in_the_site_and_in_each_project_that_reaches_it(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ", "PAY"])
    refresh(filled)
    assert said() == {
        "Waiting for vendor (10777) is new in Jira",
        "Waiting for vendor (10777) is new in PROJ",
        "Waiting for vendor (10777) is new in PAY",
    }
    refresh(filled)
    assert Finding.objects.count() == 3


def test_a_status_that_a_workflow_takes_up_or_gives_up_is_found_in_that_project_alone(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    reached = ReachableStatus.objects.filter(project__key="PROJ")
    known = set(reached.values_list("status__jira_id", flat=True))
    taken = Status.objects.filter(project=None).exclude(jira_id__in=known).earliest("jira_id")
    assert QA in known
    for name in reached.values_list("issue_type__name", flat=True).distinct():
        sandbox.edit("set_reach", key="PROJ", issue_type=name, statuses=[*(known - {QA}), taken.jira_id])
    refresh(filled)
    assert said() == {f"{taken.name} ({taken.jira_id}) is new in PROJ", "QA (10015) is gone from PROJ"}


def test_what_is_renamed_keeps_its_id_and_says_both_names(filled: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("rename_status", id=QA, name="Testing")
    sandbox.edit("rename_issue_type", id=10003, name="Spike")
    sandbox.edit("rename_project", key="PAY", new_key="PAYMENTS")
    sandbox.edit("rename_project", key="SRCH", name="Search and find")
    sandbox.edit("rename_step", id=515, name="Staging two")
    type_, project = IssueType.objects.get(jira_id=10003).name, Project.objects.get(key="SRCH")
    refresh(filled)
    assert said() >= {
        "QA (10015) is called Testing",
        f"{type_} (10003) is called Spike",
        f"{project.name} ({project.jira_id}) is called Search and find",
    }
    assert any("is called PAYMENTS" in each and each.startswith("PAY (") for each in said())
    assert any(each.endswith("(515) is called Staging two") for each in said())
    assert Finding.objects.count() == 5


def test_what_is_gone_is_called_as_it_was_last_and_what_is_back_ends_it(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("remove_status", id=QA)
    sandbox.edit("remove_step", id=515)
    sandbox.edit("remove_project", key="PROJ2")
    sandbox.edit("remove_issue_type", id=10003)
    refresh(filled)
    gone = said()
    assert {"QA (10015) is gone from Jira", "QA (10015) is gone from PROJ"} <= gone
    assert any(each.startswith("PROJ2 (") and each.endswith("is gone from Jira") for each in gone)
    assert any("(515) is gone from Jira Align" in each for each in gone)
    assert any("(10003) is gone from Jira" in each for each in gone)
    assert not any("is new" in each or "is back" in each for each in gone)
    assert Finding.objects.filter(ended_at=None).count() == len(gone)

    sandbox.reset()
    refresh(filled)
    assert not Finding.objects.filter(change="gone", ended_at=None).exists()
    assert "QA (10015) is back in Jira" in said()


def test_scope_programme_kind_and_flow_are_told_when_they_change(filled: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("set_project", key="PROJ", programme=11)
    sandbox.edit("set_project", key="PAY", style="next-gen")
    sandbox.edit("set_flow", flow=8, active=False)
    sandbox.edit("set_project", key="SRCH", in_align=False)
    refresh(filled)
    ids = dict(Project.objects.values_list("key", "jira_id"))
    assert said() == {
        f"PROJ ({ids['PROJ']}) is of programme 11, and was of programme 12",
        f"PAY ({ids['PAY']}) is team-managed, and was company-managed",
        f"SRCH ({ids['SRCH']}) is not in Align's connector, and was in Align's connector",
        "Delivery flow (8) is inactive, and was active",
    }


def test_a_new_project_is_one_finding_and_not_one_more_for_each_of_its_statuses(
    filled: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_project", key="FRESH", name="Fresh", style="next-gen")
    refresh(filled)
    made = Project.objects.get(key="FRESH")
    assert made.in_scope
    assert Status.objects.filter(project=made).exists()
    assert said() == {
        f"FRESH ({made.jira_id}) is new in Jira",
        f"FRESH ({made.jira_id}) is in Align's connector, and was not in Align's connector",
    }


# --- how it is kept ---------------------------------------------------------------------------------------------------


def test_a_reading_is_one_entry_whatever_it_found(filled: Connector, sandbox: RunningSandbox, admin: Person) -> None:
    for number in range(5):
        sandbox.edit("rename_status", id=10201 + number, name=f"Stage {number}")
    refresh(filled, actor=admin)
    (entry,) = Entry.objects.filter(action=CHANGED)
    body = json.loads(entry.body)
    assert body["sentence"] == "Read from Jira and Jira Align: 5 statuses renamed."
    assert body["actor"]["email"] == admin.email
    assert body["data"]["count"] == len(body["data"]["findings"]) == 5
    assert verification.verify().ok


def test_a_list_that_could_not_be_read_finds_nothing(filled: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("remove_status", id=QA)
    sandbox.faults({"path": "/rest/api/3/issuetype", "status": 500})
    filled.refresh_from_db()
    assert runner.run_now(runner.start(filled, JobKind.REFRESH, actor=None)).state == JobState.FAILED
    assert not Finding.objects.exists()


def test_many_findings_take_as_many_queries_as_one(filled: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("rename_status", id=QA, name="Testing")
    with CaptureQueriesContext(connection) as of_one:
        refresh(filled)
    for each in Status.objects.all():
        sandbox.edit("rename_status", id=each.jira_id, name=f"{each.name} again")
    with CaptureQueriesContext(connection) as of_many:
        refresh(filled)
    assert Finding.objects.filter(change="renamed").count() == 1 + Status.objects.count()
    assert abs(len(of_many) - len(of_one)) < 10

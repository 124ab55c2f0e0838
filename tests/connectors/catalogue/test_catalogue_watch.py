"""By the clock: what is new in Jira and Align is noticed within an interval, with few requests, once for each site."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.catalogue import schedule, sites
from connectors.catalogue.findings import words_of
from connectors.credentials.values import seal_secret
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import (
    BudgetSlot,
    Connector,
    Credential,
    Finding,
    Job,
    JobKind,
    JobState,
    Project,
    ReachableStatus,
    Status,
    System,
)
from connectors.setup.disconnecting import disconnect
from tests.conftest import SignIn
from tests.support import factories
from tests.support.sandbox_fixture import JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
QA, WAITING, IN_SCOPE = 10015, 10777, 19
JIRA_LISTS, ALIGN_LISTS = 5, 5  # requests, with what Align says of the connector; its two lists are each one full page


@pytest.fixture
def owner(connector: Connector) -> Connector:
    """Read a while ago; nothing but its lists and projects is due when `tick` says so."""
    later = timezone.now() + timedelta(days=1)
    Connector.objects.update(observe_due_at=later, contract_due_at=later, audit_due_at=later, observe_every=0)
    connector.refresh_from_db()
    return connector


def an_interval_later() -> None:
    """What time does, seen from the other side: everything was read an interval ago."""
    age = sites.interval()
    for each in Connector.objects.all():
        for name in ("jira_lists_at", "jira_lists_due_at", "align_lists_at", "align_lists_due_at"):
            setattr(each, name, getattr(each, name) - age)
        each.save()
    for project in Project.objects.exclude(read_at=None):
        assert project.read_at is not None
        before = project.read_at - age
        Project.objects.filter(pk=project.pk).update(read_at=before, tried_at=before)


def a_window_later() -> None:
    for each in Connector.objects.exclude(projects_due_at=None):
        Connector.objects.filter(pk=each.pk).update(projects_due_at=timezone.now())


def tick() -> None:
    an_interval_later()
    run_due()


def said(owner: Connector) -> set[str]:
    return {words_of(each) for each in owner.findings.select_related("project")}


def asked(sandbox: RunningSandbox) -> list[str]:
    return [each["path"] for each in sandbox.journal("GET")]


# --- what is noticed --------------------------------------------------------------------------------------------------


def test_a_new_status_is_noticed_with_its_projects_within_one_interval(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ", "PAY"])
    before = timezone.now()
    tick()
    assert said(owner) == {f"Waiting for vendor (10777) is new in {where}" for where in ("Jira", "PROJ", "PAY")}
    assert all(before <= each.found_at <= timezone.now() for each in Finding.objects.all())
    assert ReachableStatus.objects.filter(status__jira_id=WAITING, project__key="PROJ").exists()


def test_what_is_gone_is_told_in_the_same_reading_that_no_project_shows_it(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("remove_status", id=QA)
    tick()
    assert "QA (10015) is gone from Jira" in said(owner)
    assert Status.objects.get(jira_id=QA).vanished_at


def test_a_workflow_that_takes_up_a_known_status_is_noticed_though_no_list_shows_it(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    reached = ReachableStatus.objects.filter(project__key="PROJ", issue_type__name="Story")
    known = list(reached.values_list("status__jira_id", flat=True))
    all_known = ReachableStatus.objects.filter(project__key="PROJ").values("status__jira_id")
    taken = Status.objects.filter(project=None).exclude(jira_id__in=all_known).earliest("jira_id")
    sandbox.edit("set_reach", key="PROJ", issue_type="Story", statuses=[*known, taken.jira_id])
    tick()
    assert said(owner) == {f"{taken.name} ({taken.jira_id}) is new in PROJ"}


def test_steps_and_projects_of_align_are_noticed_and_a_project_in_scope_is_read_at_once(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_step", flow=8, name="Sign-off", id=599)
    sandbox.edit("add_project", key="FRESH", name="Fresh")
    tick()
    made = Project.objects.get(key="FRESH")
    assert "Sign-off (599) is new in Jira Align" in said(owner)
    assert f"FRESH ({made.jira_id}) is new in Jira" in said(owner)
    assert made.in_scope
    assert made.read_at is not None
    assert ReachableStatus.objects.filter(project=made).exists()


def test_a_reading_that_shows_nothing_new_writes_no_finding_and_moves_the_ages(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    an_interval_later()
    before = timezone.now()
    run_due()
    owner.refresh_from_db()
    assert not Finding.objects.exists()
    assert owner.jira_lists_at is not None
    assert owner.align_lists_at is not None
    assert min(owner.jira_lists_at, owner.align_lists_at) >= before
    assert not Project.objects.filter(in_scope=True).exclude(read_at__gte=before).exists()
    assert {each["method"] for each in sandbox.journal()} == {"GET"}


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_it_asks_the_cheap_lists_and_each_project_once(owner: Connector, sandbox: RunningSandbox) -> None:
    an_interval_later()
    sandbox.clear_journal()
    run_due()
    paths = asked(sandbox)
    of_projects = [path for path in paths if path.endswith("/statuses")]
    assert len(of_projects) == len(set(of_projects)) == IN_SCOPE
    assert len(paths) - len(of_projects) == JIRA_LISTS + ALIGN_LISTS
    run_due()
    assert asked(sandbox) == paths, "nothing is due any more"


def test_data_center_gives_its_lists_in_four_requests_and_a_sign_in(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    bare_connector.refresh_from_db()
    assert runner.run_now(runner.start(bare_connector, JobKind.REFRESH, actor=None)).state == JobState.DONE
    Connector.objects.update(jira_lists_due_at=timezone.now())
    sandbox.clear_journal()
    schedule.start_due_readings()
    run_due()
    lists = [path for path in asked(sandbox) if "/rest/api/2/" in path and not path.endswith("/statuses")]
    assert sorted(path.rpartition("/")[2] for path in lists) == ["issuetype", "myself", "myself", "project", "status"]


def test_the_lists_of_two_thousand_projects_take_few_requests(network: None, admin: Person) -> None:
    """Jira gives 50 projects at once, Align 100 of its connector's."""
    large = RunningSandbox(seed="large")
    try:
        made = factories.connector(large.url, actor=admin)
        for system in (System.JIRA, System.ALIGN):
            params = {"lists": True, "projects": []}
            job = runner.run_now(runner.start(made, JobKind.LISTS, actor=None, subject=system.value, params=params))
            assert job.state == JobState.DONE, job.error
        paths = asked(large)
    finally:
        large.close()
    assert Project.objects.filter(in_scope=True).count() > 1900
    assert len([path for path in paths if "/rest/api/3/" in path]) == 45
    assert len([path for path in paths if "/rest/align/" in path]) == 26, "the flows are one full page"


def test_a_rotation_keeps_within_its_share_and_goes_on_a_window_later(
    owner: Connector, sandbox: RunningSandbox, settings: LazySettings
) -> None:
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED = 160, 60  # a share of 10
    BudgetSlot.objects.all().delete()  # what the first reading has used
    assert sites.share() == 10
    an_interval_later()
    sandbox.clear_journal()
    rounds: list[int] = []
    while any(Connector.objects.exclude(projects_due_at=None)) or not rounds:
        a_window_later()
        run_due()
        jira = [path for path in asked(sandbox) if "/rest/api/3/" in path]
        rounds.append(len(jira))
        sandbox.clear_journal()
    assert rounds == [10, 10, 6], "5 of its projects beside the lists, then 9 and 5 with a sign-in"
    read = timezone.now() - timedelta(minutes=2)
    assert not Project.objects.filter(in_scope=True, read_at__lt=read).exists()


def test_what_the_lists_show_to_be_changed_is_read_before_what_is_oldest(
    owner: Connector, sandbox: RunningSandbox, settings: LazySettings
) -> None:
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED = 130, 60  # a share of 7: two projects beside the lists
    BudgetSlot.objects.all().delete()  # what the first reading has used
    youngest = Project.objects.filter(in_scope=True).order_by("-read_at")[0]
    sandbox.edit("rename_project", key=youngest.key, name="Another name")
    an_interval_later()
    BudgetSlot.objects.update(free_at=timezone.now())  # the first reading was before this window
    sandbox.clear_journal()
    schedule.start_due_readings()
    run_due()
    of_projects = [path for path in asked(sandbox) if path.endswith("/statuses")]
    assert len(of_projects) == 2
    assert any(f"/{youngest.key}/" in path for path in of_projects)


@pytest.mark.parametrize(
    ("projects", "kind", "minutes"),
    [(19, "cloud", 10), (400, "cloud", 10), (500, "cloud", 12), (2000, "cloud", 47), (2000, "datacenter", 43)],
)
def test_the_pace_is_that_of_ten_percent_of_the_slots(projects: int, kind: str, minutes: int) -> None:
    assert sites.rotation(projects, kind) <= timedelta(minutes=minutes)
    assert sites.rotation(projects, kind) > timedelta(minutes=minutes - 2)


# --- one site, several connectors -------------------------------------------------------------------------------------


@pytest.fixture
def second(owner: Connector, sandbox: RunningSandbox, admin: Person) -> Connector:
    """Another connector of the same two sites, signed in as the same accounts."""
    sandbox.edit("add_connector", id=124, name="Second", copy_of=123)
    made = factories.connector(sandbox.url, actor=admin, slug="second", name="Second", align_id=124)
    assert runner.run_now(runner.start(made, JobKind.REFRESH, actor=None)).state == JobState.DONE
    later = timezone.now() + timedelta(days=1)
    Connector.objects.update(observe_due_at=later, contract_due_at=later, audit_due_at=later, observe_every=0)
    made.refresh_from_db()
    return made


def test_connectors_that_share_a_site_are_read_once_and_each_is_told(
    owner: Connector, second: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ"])
    an_interval_later()
    sandbox.clear_journal()
    run_due()
    assert (
        said(owner) == said(second) == {f"Waiting for vendor (10777) is new in {where}" for where in ("Jira", "PROJ")}
    )
    paths = asked(sandbox)
    assert len([path for path in paths if path.endswith("/rest/api/3/status")]) == 1
    assert len([path for path in paths if path.endswith("/PROJ/statuses")]) == 1
    assert len([path for path in paths if path.lower().endswith("/valuestreams")]) == 2, "one full page"
    assert sorted({path for path in paths if path.endswith("/projects")}) == [
        f"/rest/align/api/2/connectors/{number}/projects" for number in (123, 124)
    ]


def test_another_account_reads_for_itself_and_what_it_does_not_see_is_gone_for_nobody_else(
    owner: Connector, second: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, projects=["PROJ", "PAY"])
    sandbox.edit("add_token", site="jira", token="wide", user="wide@sandbox.test")
    Credential.objects.filter(connector=second, system=System.JIRA).update(user="wide@sandbox.test")
    credential = Credential.objects.get(connector=second, system=System.JIRA)
    seal_secret(credential, "wide")
    credential.save()
    tick()
    assert any(each.endswith("is gone from Jira") for each in said(owner))
    assert said(second) == set()


@pytest.mark.parametrize("system", System)
def test_one_that_is_disconnected_while_its_site_is_read_fails_nothing_of_the_others(
    owner: Connector, second: Connector, admin: Person, system: System
) -> None:
    job = runner.start(second, JobKind.LISTS, actor=None, subject=f"{system} now", params={"lists": True})
    run = runner.claim("tester", job.pk)
    assert run is not None

    def give_up(_item: str, _done: int) -> None:
        if Connector.objects.get(pk=owner.pk).is_active:
            disconnect.disconnect(owner, reason="It is given up", actor=admin)

    run.report, began_at = give_up, timezone.now()
    runner.execute(run)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    second.refresh_from_db()
    assert second.lists_error == ""
    read_at = getattr(second, f"{system}_lists_at")
    assert read_at is not None
    assert read_at >= began_at


# --- when, and what fails ---------------------------------------------------------------------------------------------


def test_of_two_workers_one_starts_the_reading(owner: Connector) -> None:
    an_interval_later()
    together = threading.Barrier(4)

    def start(_: int) -> int:
        together.wait(timeout=20)
        return schedule.start_due_readings()

    with DatabaseThreads(4) as threads:
        started = list(threads.each_done(start, range(4)))
    assert sum(started) == 2, "Jira's and Align's"
    assert Job.objects.filter(kind=JobKind.LISTS).count() == 2


def test_some_connectors_are_not_read_by_the_clock(owner: Connector, settings: LazySettings) -> None:
    usual = {"is_active": True, "catalogue_at": timezone.now(), "maintenance_since": None}
    due = {"jira_lists_due_at": timezone.now(), "align_lists_due_at": timezone.now()}
    unusual: list[dict[str, Any]] = [
        {"is_active": False},
        {"catalogue_at": None},
        {"maintenance_since": timezone.now()},
    ]
    for values in unusual:
        Connector.objects.update(**due, **(usual | values))
        assert schedule.start_due_readings() == 0, values
    Connector.objects.update(**due, **usual)
    settings.CATALOGUE_INTERVAL = 0
    assert schedule.start_due_readings() == 0
    settings.CATALOGUE_INTERVAL = 600
    assert schedule.start_due_readings() == 2


def test_while_a_refresh_runs_the_reading_stays_due(owner: Connector) -> None:
    an_interval_later()
    job = runner.start(owner, JobKind.REFRESH, actor=None)
    assert schedule.start_due_readings() == 0
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert schedule.start_due_readings() == 2


def test_a_tick_with_nothing_due_asks_one_query(owner: Connector) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert schedule.start_due_readings() == 0
    assert len(queries) == 1


def test_one_projects_refusal_is_that_projects_and_the_others_are_read(
    owner: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"path": "/project/PAY/statuses", "status": 404})
    an_interval_later()
    before = timezone.now()
    run_due()
    refused = Project.objects.get(key="PAY")
    assert "404" in refused.read_error
    assert refused.read_at is not None
    assert refused.read_at < before
    assert refused.tried_at is not None
    assert refused.tried_at >= before, "it is not tried again before the others were"
    others = Project.objects.filter(in_scope=True).exclude(key="PAY")
    assert all(each.read_at and each.read_at >= before and not each.read_error for each in others)
    assert not Finding.objects.exists()
    sandbox.faults()
    tick()
    refused.refresh_from_db()
    assert refused.read_error == ""


@pytest.mark.parametrize(
    ("fault", "system"),
    [
        ({"path": "/rest/api/3/status$", "status": 403}, "jira"),
        ({"path": "project/search", "status": 200, "body": '{"isLast": true, "values": []}'}, "jira"),
        ({"path": "/connectors/123/projects", "status": 403}, "align"),
    ],
)
def test_a_system_that_fails_is_told_and_the_other_one_is_read_all_the_same(
    owner: Connector, sandbox: RunningSandbox, fault: dict[str, Any], system: str
) -> None:
    sandbox.faults(fault)
    an_interval_later()
    before = timezone.now()
    run_due()
    owner.refresh_from_db()
    other = "align" if system == "jira" else "jira"
    assert getattr(owner, f"{system}_lists_error")
    assert getattr(owner, f"{system}_lists_at") < before
    assert getattr(owner, f"{other}_lists_error") == ""
    assert getattr(owner, f"{other}_lists_at") >= before
    assert not Finding.objects.exists()
    sandbox.faults()
    tick()
    owner.refresh_from_db()
    assert owner.lists_error == ""


def test_without_a_credential_nothing_is_started(owner: Connector) -> None:
    Credential.objects.filter(system=System.JIRA).delete()
    an_interval_later()
    assert schedule.start_due_readings() == 1
    assert not Job.objects.filter(kind=JobKind.LISTS, subject="jira").exists()


def test_a_reading_that_began_before_a_later_one_is_not_stored(owner: Connector, sandbox: RunningSandbox) -> None:
    an_interval_later()
    schedule.start_due_readings()
    sandbox.edit("rename_status", id=QA, name="Testing")
    later = timezone.now() + timedelta(minutes=1)
    Connector.objects.update(jira_lists_at=later)
    Project.objects.update(read_at=later)
    run_due()
    owner.refresh_from_db()
    assert owner.jira_lists_at == later
    assert not Finding.objects.exists()


# --- by a click -------------------------------------------------------------------------------------------------------


def test_the_matrix_is_refreshed_with_the_statuses_of_the_project_it_shows(
    owner: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ"])
    sandbox.clear_journal()
    assert signed_in(Role.EDITOR).post("/connectors/acme/mappings/refresh/", {"scope": "PROJ"}).status_code == 303
    run_due()
    assert f"Waiting for vendor ({WAITING}) is new in PROJ" in said(owner)
    of_projects = [path for path in asked(sandbox) if path.endswith("/statuses") and "/rest/api/3/project/" in path]
    assert of_projects == ["/rest/api/3/project/PROJ/statuses"]


def test_check_now_on_the_drift_page_looks_for_what_is_new_as_well(
    owner: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ"])
    assert signed_in(Role.EDITOR).post("/connectors/acme/drift/check/").status_code == 303
    run_due()
    assert f"Waiting for vendor ({WAITING}) is new in PROJ" in said(owner)


def test_the_page_of_a_connector_tells_the_age_of_each_project_and_why_one_was_not_read(
    owner: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    sandbox.faults({"path": "/project/PAY/statuses", "status": 403})
    tick()
    Project.objects.filter(key="PROJ").update(read_at=timezone.now() - timedelta(minutes=23))
    page = signed_in(Role.VIEWER).get("/connectors/acme/projects/").content.decode()
    assert "23 min ago" in page[page.index("<bdi>PROJ</bdi>") :]
    assert "(403)" in page[page.index("<bdi>PAY</bdi>") : page.index("<bdi>PROJ</bdi>")]

"""The watch: what changes elsewhere is noticed in time, what could not be read is unknown, and nothing is written."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.http.errors import ReadOnlyRefused
from connectors.align.resources import WriteRequest
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import AuditSource, Connector, HistoryRow, Job, JobKind, JobState, Project
from connectors.setup import maintenance
from mappings import planning
from mappings.drift import covered, watch
from mappings.drift.decisions import Decision, decide
from mappings.engine.values import Situation
from mappings.models import Change, ChangeState, CheckKind, DriftCheck, Mapping, Scope
from mappings.observing.causes import cause_of
from mappings.observing.scopes import scopes_in_use
from tests.conftest import SignIn
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit, mapping, observe
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.snapshot import States

pytestmark = pytest.mark.django_db(transaction=True)
IN_PROGRESS, BLOCKED, IN_REVIEW, QA = 10002, 10012, 10013, 10015
DEV_COMPLETE = 3
LISTS = 12  # two shared ones, two of each project, and two more of the team-managed one
DRIFTED, IN_SYNC = Situation.DRIFTED, Situation.IN_SYNC


@pytest.fixture
def connector(transactional_db: None, bare_connector: Connector, states: States) -> Connector:
    """As the usual one, but of four projects, since most tests here read every list several times."""
    states.put("of four projects", lambda: read_of_four_projects(bare_connector))
    bare_connector.pk = Connector.objects.values_list("pk", flat=True).get()
    bare_connector.refresh_from_db()
    return bare_connector


def read_of_four_projects(connector: Connector) -> None:
    runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    Project.objects.exclude(key__in=("PROJ", "PAY", "SRCH", "PROJ1")).update(scope_choice="out", in_scope=False)
    Connector.objects.update(contract_due_at=timezone.now() + timedelta(days=1))
    observe(connector)
    run_due()


# --- what happens elsewhere, and the clock ----------------------------------------------------------------------------


def change_elsewhere(sandbox: RunningSandbox, target: int, *, audit: bool = True) -> None:
    """Jira to Align, shared by all company-managed projects: Story, In Review, which leads to 2."""
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=target, audit=audit)


def change_way_back(sandbox: RunningSandbox, target: int, *, audit: bool = True) -> None:
    """Align to Jira of one project: Story, Dev complete, which leads to In Review. Its line names no project."""
    place = {"project": "PROJ", "type": 4, "source": DEV_COMPLETE}
    sandbox.edit("update_mapping", family="a2j_state", target=target, audit=audit, **place)


def log_tick(connector: Connector) -> None:
    """A minute later: the log is due, and nothing else."""
    Connector.objects.filter(pk=connector.pk).update(audit_due_at=None)
    run_due()


def lists_tick(connector: Connector) -> DriftCheck:
    """An interval later: every list is due. The check that came of it."""
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=timezone.now() - timedelta(seconds=1))
    run_due()
    return checks(connector, CheckKind.LISTS)[-1]


def without_log(connector: Connector) -> None:
    Connector.objects.filter(pk=connector.pk).update(audit_source=AuditSource.NONE)
    connector.refresh_from_db()


def checks(connector: Connector, kind: CheckKind) -> list[DriftCheck]:
    return list(DriftCheck.objects.filter(connector=connector, kind=kind).order_by("pk"))


def shared_row(connector: Connector) -> Mapping:
    return mapping(connector, "j2a-state", IN_REVIEW)


def way_back(connector: Connector) -> Mapping:
    return mapping(connector, "a2j-state", DEV_COMPLETE, project="PROJ")


def list_reads(sandbox: RunningSandbox) -> list[str]:
    """Lists that were begun: one whose last page is full costs a request more."""
    return [each["path"] for each in sandbox.journal("GET", "/mappings/") if "$skip=0" in each["query"]]


# --- the log ----------------------------------------------------------------------------------------------------------


def test_what_the_log_tells_shows_within_one_tick_by_reading_one_list(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    change_elsewhere(sandbox, 5)
    sandbox.clear_journal()
    before = timezone.now()
    log_tick(connector)

    row = shared_row(connector)
    assert (row.wanted, row.applied, row.observed, row.situation) == (2, 2, 5, DRIFTED)
    assert row.drifted_at is not None
    assert before <= row.drifted_at <= timezone.now()
    assert len(list_reads(sandbox)) == 1
    check = checks(connector, CheckKind.LOG)[-1]
    counts = (check.scopes, check.unknown, check.requests, check.found, check.ended)
    assert counts == (1, 0, 2, 1, 0), "one list, which is one full page"
    assert (check.error, check.finished_at is not None) == ("", True)
    assert watch.status(connector).state == watch.WatchState.DRIFTED


def test_a_line_that_names_no_project_has_the_lists_read_that_had_the_old_value(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    had = Mapping.objects.filter(scope__family="a2j-state", work_item_type="story", source_id=DEV_COMPLETE)
    keys = had.filter(observed=IN_REVIEW).values_list("scope__project__key", flat=True)
    expected = sorted(f"/projects/{key}/mappings/states" for key in keys)
    assert 0 < len(expected) < Project.objects.filter(in_scope=True).count()
    change_way_back(sandbox, QA)
    sandbox.clear_journal()
    log_tick(connector)
    assert way_back(connector).situation == DRIFTED
    assert sorted(path[path.index("/projects/") :] for path in list_reads(sandbox)) == expected


def test_two_changes_of_one_row_between_two_looks_are_followed(connector: Connector, sandbox: RunningSandbox) -> None:
    change_way_back(sandbox, QA)
    change_way_back(sandbox, BLOCKED)
    log_tick(connector)
    row = way_back(connector)
    assert (row.applied, row.observed, row.situation) == (IN_REVIEW, BLOCKED, DRIFTED)


def test_a_deletion_and_a_creation_are_found_by_their_lines(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("delete_mapping", family="a2j_state", project="PROJ", type=4, source=DEV_COMPLETE)
    sandbox.edit("create_mapping", family="a2j_state", project="PROJ", type=4, source=4, target=QA)
    log_tick(connector)
    assert (way_back(connector).observed, way_back(connector).situation) == (None, DRIFTED)
    added = mapping(connector, "a2j-state", 4, project="PROJ")
    assert (added.wanted, added.observed, added.situation) == (None, QA, DRIFTED)


def test_our_own_lines_and_a_silent_log_have_nothing_read_and_add_no_row_a_minute(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    log_tick(connector)
    sandbox.clear_journal()
    for _ in range(3):
        log_tick(connector)
    assert list_reads(sandbox) == []
    quiet = checks(connector, CheckKind.LOG)
    assert [(check.scopes, check.error) for check in quiet] == [(0, "")]
    assert quiet[0].finished_at is not None
    assert quiet[0].finished_at > quiet[0].started_at


def test_a_line_is_followed_once(connector: Connector, sandbox: RunningSandbox) -> None:
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    sandbox.clear_journal()
    log_tick(connector)
    assert list_reads(sandbox) == []


def test_a_line_that_leaves_open_too_many_lists_brings_the_whole_check_forward(
    connector: Connector, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_NAMED", 0)
    started = timezone.now() - timedelta(minutes=10)
    DriftCheck.objects.filter(connector=connector, kind=CheckKind.LISTS).update(started_at=started)
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    assert shared_row(connector).situation == DRIFTED
    assert len(checks(connector, CheckKind.LISTS)) == 2


def test_a_log_that_cannot_be_read_is_told_once_with_its_reason(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "GET", "path": "auditlog", "status": 403})
    for _ in range(2):
        log_tick(connector)
    first, failed = checks(connector, CheckKind.LOG)
    assert (first.error, bool(failed.error)) == ("", True)
    sandbox.faults()
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    assert shared_row(connector).situation == DRIFTED


def test_a_list_that_the_log_names_and_that_cannot_be_read_is_unknown(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    change_elsewhere(sandbox, 5)
    sandbox.faults({"method": "GET", "path": "123/mappings/states", "status": 403})
    log_tick(connector)
    check = checks(connector, CheckKind.LOG)[-1]
    assert (check.scopes, check.unknown, check.found) == (1, 1, 0)
    assert check.error
    assert watch.status(connector).state == watch.WatchState.UNKNOWN
    assert Job.objects.filter(connector=connector, kind="intake").latest("pk").state == JobState.DONE


# --- every list -------------------------------------------------------------------------------------------------------


def test_without_a_log_the_lists_show_what_changed_vanished_and_came(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    without_log(connector)
    change_elsewhere(sandbox, 5)
    sandbox.edit("delete_mapping", family="a2j_state", project="PROJ", type=4, source=DEV_COMPLETE)
    sandbox.edit("create_mapping", family="a2j_state", project="PROJ", type=4, source=4, target=QA)
    log_tick(connector)
    assert shared_row(connector).situation == IN_SYNC

    check = lists_tick(connector)
    assert shared_row(connector).situation == DRIFTED
    assert (way_back(connector).observed, way_back(connector).situation) == (None, DRIFTED)
    assert mapping(connector, "a2j-state", 4, project="PROJ").situation == DRIFTED
    assert (check.found, check.ended, check.unknown, check.error) == (3, 0, 0, "")

    change_elsewhere(sandbox, 2)
    again = lists_tick(connector)
    assert (again.found, again.ended) == (0, 1)
    assert (shared_row(connector).situation, shared_row(connector).drifted_at) == (IN_SYNC, None)


def test_a_check_counts_its_lists_and_what_it_sent(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.clear_journal()
    check = lists_tick(connector)
    assert check.scopes == LISTS
    assert check.requests == len(sandbox.journal("GET", "/mappings/"))


def test_a_list_that_cannot_be_read_is_unknown_and_never_clean(connector: Connector, sandbox: RunningSandbox) -> None:
    assert watch.status(connector).state == watch.WatchState.CLEAN
    sandbox.faults({"method": "GET", "path": "123/mappings/states", "status": 403})
    check = lists_tick(connector)
    assert check.unknown == 1 + Project.objects.filter(in_scope=True, team_managed=True).count()
    assert (check.found, check.error) == (0, "")
    status = watch.status(connector)
    assert (status.state, status.unknown) == (watch.WatchState.UNKNOWN, check.unknown)
    assert f"{check.unknown} of {check.scopes} lists could not be read" in status.why


def test_a_check_that_failed_wholly_says_why(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.faults({"method": "GET", "path": "/mappings/", "status": 401})
    check = lists_tick(connector)
    assert (check.found, check.unknown, check.finished_at is not None) == (0, check.scopes, True)
    assert f"None of the {check.scopes} lists could be read" in check.error
    status = watch.status(connector)
    assert (status.state, status.drifted) == (watch.WatchState.UNKNOWN, 0)
    assert check.error in status.why


def test_a_token_that_sees_fewer_projects_is_no_deletion(connector: Connector, sandbox: RunningSandbox) -> None:
    narrow_token(sandbox)
    check = lists_tick(connector)
    assert (check.found, check.unknown) == (0, 4)
    assert not Mapping.objects.filter(situation=DRIFTED).exists()
    assert watch.status(connector).state == watch.WatchState.UNKNOWN


def test_lists_that_a_narrow_token_empties_are_no_deletion_and_are_asked_about_once(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    narrow_token(sandbox)
    sandbox.faults(
        *({"method": "GET", "path": f"/{key}/mappings/states", "status": 200, "body": "[]"} for key in ("PAY", "SRCH"))
    )
    sandbox.clear_journal()
    check = lists_tick(connector)
    assert (check.found, check.unknown) == (0, 4)
    assert not Mapping.objects.filter(situation=DRIFTED).exists()
    assert len([each for each in sandbox.journal("GET") if each["path"].endswith("/123/projects")]) == 1


def narrow_token(sandbox: RunningSandbox) -> None:
    sandbox.edit("revoke_token", site="align", token="sandbox-align-token")
    sandbox.edit(
        "add_token", site="align", token="sandbox-align-token", user="admin@sandbox.test", projects=["PROJ", "PROJ1"]
    )


def test_a_check_whose_worker_was_killed_is_closed_by_the_next_one(connector: Connector) -> None:
    left = DriftCheck.objects.create(connector=connector, kind=CheckKind.LISTS, started_at=timezone.now())
    lists_tick(connector)
    left.refresh_from_db()
    assert left.finished_at is not None
    assert "worker stopped" in left.error


def test_checks_are_forgotten_after_a_quarter_of_a_year(connector: Connector) -> None:
    old, kept = (
        DriftCheck.objects.create(connector=connector, kind=CheckKind.LISTS, started_at=at, finished_at=at)
        for at in (timezone.now() - timedelta(days=days) for days in (91, 89))
    )
    lists_tick(connector)
    assert [DriftCheck.objects.filter(pk=each.pk).exists() for each in (old, kept)] == [False, True]


# --- it cannot write --------------------------------------------------------------------------------------------------


def test_the_watch_only_reads_and_its_client_refuses_to_write(connector: Connector, sandbox: RunningSandbox) -> None:
    change_elsewhere(sandbox, 5)
    sandbox.clear_journal()
    log_tick(connector)
    lists_tick(connector)
    assert {each["method"] for each in sandbox.journal()} == {"GET"}

    job = Job.objects.filter(connector=connector, kind="observe").latest("pk")
    client = clients.align_client(connector, job=job)
    record = shared_row(connector).remote_id
    with pytest.raises(ReadOnlyRefused):
        client.send(WriteRequest(method="DELETE", path=f"mappings/states/{record}", query=(), body=None))
    assert sandbox.journal("DELETE") == []


# --- when -------------------------------------------------------------------------------------------------------------


def test_of_two_workers_one_starts_the_check(connector: Connector) -> None:
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=timezone.now() - timedelta(seconds=1))
    before = Job.objects.filter(kind="observe").count()
    together = threading.Barrier(4)

    def start(_: int) -> int:
        together.wait(timeout=20)
        return watch.start_due_checks()

    with DatabaseThreads(4) as threads:
        started = list(threads.each_done(start, range(4)))
    assert sum(started) == 1
    assert Job.objects.filter(kind="observe").count() == before + 1


def test_while_a_check_runs_the_next_one_stays_due(connector: Connector) -> None:
    due_at = timezone.now() - timedelta(seconds=1)
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=due_at)
    job = runner.start(connector, JobKind.OBSERVE, actor=None)
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, lease_until=timezone.now() + timedelta(minutes=1), owner="another worker"
    )
    assert watch.start_due_checks() == 0
    assert Connector.objects.get(pk=connector.pk).observe_due_at == due_at
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert watch.start_due_checks() == 1


def test_a_check_waits_for_a_refresh_which_says_what_lists_there_are(connector: Connector) -> None:
    Connector.objects.update(observe_due_at=timezone.now())
    job = Job.objects.create(connector=connector, kind=JobKind.REFRESH)
    assert watch.start_due_checks() == 0
    job.delete()
    assert watch.start_due_checks() == 1


def test_a_check_waits_for_the_plan_that_is_applied(connector: Connector, admin: Person) -> None:
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=timezone.now() - timedelta(seconds=1))
    applying = runner.start(connector, JobKind.APPLY, actor=admin, subject="1")
    assert watch.start_due_checks() == 0
    Job.objects.filter(pk=applying.pk).update(state=JobState.DONE)
    assert watch.start_due_checks() == 1


def test_some_connectors_are_not_checked_by_the_clock(connector: Connector) -> None:
    due = {"observe_due_at": timezone.now() - timedelta(seconds=1)}
    usual = {"observe_every": 900, "is_active": True, "catalogue_at": timezone.now(), "maintenance_since": None}
    unusual: list[dict[str, Any]] = [
        {"observe_every": 0},
        {"is_active": False},
        {"catalogue_at": None},
        {"maintenance_since": timezone.now()},
    ]
    for values in unusual:
        Connector.objects.filter(pk=connector.pk).update(**due, **(usual | values))
        assert watch.start_due_checks() == 0, values
    Connector.objects.filter(pk=connector.pk).update(**due, **usual)
    assert watch.start_due_checks() == 1


def test_a_shorter_interval_holds_at_once(connector: Connector) -> None:
    following = timezone.now() + timedelta(minutes=14)
    Connector.objects.filter(pk=connector.pk).update(observe_every=900, observe_due_at=following)
    assert watch.start_due_checks() == 0
    Connector.objects.filter(pk=connector.pk).update(observe_every=60)
    assert watch.start_due_checks() == 1


def test_a_check_that_somebody_starts_puts_the_next_one_off(connector: Connector, admin: Person) -> None:
    Connector.objects.filter(pk=connector.pk).update(observe_due_at=timezone.now() + timedelta(seconds=5))
    before = timezone.now()
    job = runner.run_now(watch.start_check(connector, admin))
    assert (job.state, job.requested_by) == (JobState.DONE, admin)
    connector.refresh_from_db()
    assert connector.observe_due_at is not None
    assert connector.observe_due_at >= before + timedelta(seconds=900)
    assert len(checks(connector, CheckKind.LISTS)) == 2


def test_in_maintenance_the_log_is_taken_in_and_no_drift_is_told(
    connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    maintenance.begin(connector, reason="Jira upgrade", actor=admin)
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    assert shared_row(connector).situation == IN_SYNC
    connector.refresh_from_db()
    status = watch.status(connector)
    assert (status.state, status.next_at) == (watch.WatchState.UNKNOWN, None)
    assert "Jira upgrade" in status.why
    maintenance.end(connector, actor=admin)
    run_due()
    assert shared_row(connector).situation == DRIFTED


def test_while_aligns_token_is_dead_a_check_is_unknown_and_sends_nothing(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    Connector.objects.filter(pk=connector.pk).update(gap_since=timezone.now())
    sandbox.clear_journal()
    check = lists_tick(connector)
    assert (check.scopes, check.requests, list_reads(sandbox)) == (0, 0, [])
    assert "is being replaced" in check.error
    connector.refresh_from_db()
    assert watch.status(connector).state == watch.WatchState.UNKNOWN


@contextmanager
def clock(tick: float) -> Iterator[None]:
    """The worker's: it looks for due work every `tick` seconds."""
    stop = threading.Event()

    def keep_time() -> None:
        try:
            while not stop.wait(tick):
                run_due()
        finally:
            connection.close()

    thread = threading.Thread(target=keep_time)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def seconds_until_seen(connector: Connector, target: int, *, longest: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < longest:
        if shared_row(connector).observed == target:
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(f"still not seen after {longest} s")


def test_a_change_that_stays_is_reported_within_the_interval_and_the_margin(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    """900 s and 120 s, with a tick of 5 s, scaled by 1/100 where that leaves room for one check on a busy machine."""
    every, tick, margin = 4, 0.05, 4.0
    without_log(connector)
    Connector.objects.filter(pk=connector.pk).update(observe_every=every, observe_due_at=timezone.now())
    with clock(tick):
        for moment, target in enumerate((5, 4, 1)):
            time.sleep(moment * 0.7)  # before, while and after the lists are read
            change_elsewhere(sandbox, target, audit=False)
            assert seconds_until_seen(connector, target, longest=30) <= every + margin
    whole = checks(connector, CheckKind.LISTS)
    starts = [check.started_at for check in whole][1:]
    assert len(starts) > 1, "no interval to look at"
    assert all(later - sooner >= timedelta(seconds=every) for sooner, later in pairwise(starts))


# --- while a plan is applied ------------------------------------------------------------------------------------------


def test_our_own_write_under_way_never_appears_as_drift(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """Align has taken it, its answer has not come, and somebody wants something else already."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    planning.start_apply(plan, typed=plan.connector.slug, actor=admin)
    sent = Change.objects.filter(plan=plan)
    sent.update(state=ChangeState.SENDING, sent_at=timezone.now())
    change_elsewhere(sandbox, 3, audit=False)
    edit(connector, "j2a-state", IN_REVIEW, 4, actor=admin)
    observe(connector)
    assert shared_row(connector).situation == Situation.EDITED
    assert checks(connector, CheckKind.LISTS)[-1].found == 0

    sent.update(state=ChangeState.FAILED)  # now it is nobody's write, and the same list shows it
    observe(connector)
    assert shared_row(connector).situation == Situation.CONFLICT
    assert checks(connector, CheckKind.LISTS)[-1].found == 1


# --- accepted until a date --------------------------------------------------------------------------------------------


def test_what_was_accepted_counts_as_drift_again_when_its_time_is_over(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    change_elsewhere(sandbox, 5)
    observe(connector)
    seen_at = shared_row(connector).drifted_at
    until = timezone.now() + timedelta(days=1)
    decide(shared_row(connector), Decision.ACCEPT, seen=5, until=until, reason="a trial", actor=admin)
    run_due()
    assert (shared_row(connector).situation, shared_row(connector).drifted_at) == (Situation.ACCEPTED, seen_at)

    Mapping.objects.filter(pk=shared_row(connector).pk).update(accepted_until=timezone.now() - timedelta(seconds=1))
    version = shared_row(connector).version
    run_due()
    row = shared_row(connector)
    assert (row.situation, row.drifted_at, row.version) == (DRIFTED, seen_at, version + 1)
    told = Entry.objects.filter(action="drift.acceptance_ended")
    assert told.count() == 1
    run_due()
    assert told.count() == 1


# --- causes -----------------------------------------------------------------------------------------------------------


def test_a_drift_names_the_line_that_caused_it(connector: Connector, sandbox: RunningSandbox) -> None:
    change_elsewhere(sandbox, 4)
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    row = shared_row(connector)
    cause = cause_of([row])[row.pk]
    assert cause.who == "Jira Align System"
    assert cause.line.endswith("AlignStateName Changed - From [Test complete] To [Accepted]")
    assert cause.is_certain
    assert abs(timezone.now() - cause.at) < timedelta(minutes=5)


def test_a_drift_that_no_line_tells_has_no_cause(connector: Connector, sandbox: RunningSandbox) -> None:
    """A line of long ago that says the same is not taken for it."""
    change_elsewhere(sandbox, 5)
    log_tick(connector)
    row = shared_row(connector)
    assert cause_of([row])
    change_elsewhere(sandbox, 2)
    log_tick(connector)
    long_ago(connector, timedelta(days=2))
    lists_tick(connector)
    change_elsewhere(sandbox, 5, audit=False)
    lists_tick(connector)
    row = shared_row(connector)
    assert row.situation == DRIFTED
    assert cause_of([row]) == {}


def long_ago(connector: Connector, age: timedelta) -> None:
    rows = list(HistoryRow.objects.filter(connector=connector))
    assert rows
    for row in rows:
        HistoryRow.objects.filter(pk=row.pk).update(at=row.at - age)


def test_a_deletion_and_a_line_without_a_project_are_named_too(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("delete_mapping", family="j2a_state", type=4, source=IN_REVIEW)
    change_way_back(sandbox, QA)
    log_tick(connector)
    gone, moved = shared_row(connector), way_back(connector)
    causes = cause_of([gone, moved])
    assert "CONFIG Deleted" in causes[gone.pk].line
    assert "From [10013] To [10015]" in causes[moved.pk].line
    assert not causes[moved.pk].is_certain


def test_our_own_change_is_no_cause(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 5, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    change_elsewhere(sandbox, 5, audit=False)
    observe(connector)
    log_tick(connector)
    row = shared_row(connector)
    assert row.situation == DRIFTED
    assert cause_of([row]) == {}


def test_the_causes_of_many_rows_take_as_many_queries_as_those_of_one(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    rows = [row for row in Mapping.objects.filter(scope__family="j2a-state", duplicates=[]) if row.observed is not None]
    for row in rows[:8]:
        sandbox.edit("update_mapping", family="j2a_state", id=row.remote_id, target=0 if row.observed else 1)
    log_tick(connector)
    drifted = list(Mapping.objects.filter(situation=DRIFTED))
    assert len(drifted) == 8
    with CaptureQueriesContext(
        connection,
    ) as of_one:
        cause_of(drifted[:1])
    with CaptureQueriesContext(connection) as of_all:
        assert len(cause_of(drifted)) == 8
    assert len(of_all) == len(of_one)


# --- how it stands ----------------------------------------------------------------------------------------------------


def test_the_promise_follows_the_settings_of_the_connector(connector: Connector) -> None:
    def promised(every: int, source: AuditSource) -> str:
        connector.observe_every, connector.audit_source = every, source
        return watch.status(connector).sentence

    assert promised(900, AuditSource.ENDPOINT) == (
        "A change that lasts longer than 15 min is reported within 17 min; shorter ones only through Align's log, "
        "which is read every minute."
    )
    assert promised(3600, AuditSource.NONE) == (
        "A change that lasts longer than 60 min is reported within 62 min; shorter ones are not, since Align's log "
        "is not read here."
    )
    assert promised(0, AuditSource.NONE) == (
        "No list is read by the clock. A change is noticed by a check that somebody starts."
    )


def test_a_check_that_takes_longer_than_the_interval_sets_the_promise(connector: Connector) -> None:
    last = checks(connector, CheckKind.LISTS)[-1]
    DriftCheck.objects.filter(pk=last.pk).update(finished_at=last.started_at + timedelta(minutes=31))
    sentence = watch.status(connector).sentence
    assert "lasts longer than 31 min is reported within 33 min" in sentence
    assert sentence.endswith("The last check took 31 min, longer than the 15 min between two of them.")


def test_what_nobody_has_looked_at_for_too_long_is_unknown(connector: Connector) -> None:
    oldest = Scope.objects.filter(connector=connector).earliest("pk")

    def state(age: timedelta) -> tuple[str, str]:
        Scope.objects.filter(pk=oldest.pk).update(observed_at=timezone.now() - age)
        status = watch.status(connector)
        return status.state, status.why

    assert state(timedelta(minutes=16, seconds=30)) == ("clean", "")
    unknown, why = state(timedelta(minutes=17, seconds=30))
    assert unknown == "unknown"
    assert "longer ago than 17 min" in why


def test_a_project_that_came_into_scope_is_unknown_until_its_lists_are_read(connector: Connector) -> None:
    connector_id = connector.pk
    Project.objects.create(connector_id=connector_id, jira_id=77_777, key="NEW", name="New", in_scope=True)
    status = watch.status(connector)
    assert (status.state, status.lists, status.unknown) == (watch.WatchState.UNKNOWN, LISTS + 2, 2)
    assert status.oldest_at is None


def test_the_status_of_many_connectors_takes_as_many_queries_as_that_of_one(connector: Connector) -> None:
    others = [
        Connector.objects.create(
            slug=f"c{number}",
            name=f"C{number}",
            align_site="https://align.test",
            align_connector_id=number,
            jira_site="https://jira.test",
        )
        for number in range(3)
    ]
    with CaptureQueriesContext(connection) as of_one:
        watch.status(connector)
    with CaptureQueriesContext(connection) as of_all:
        states = watch.statuses([connector, *others])
    assert len(of_all) == len(of_one)
    assert [states[each.pk].state for each in (connector, *others)] == ["clean", "unknown", "unknown", "unknown"]


def test_a_tick_with_nothing_due_asks_little(connector: Connector) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert watch.start_due_checks() == 0
    assert len(asked) == 1


def test_the_times_of_a_status_are_those_of_its_connector(connector: Connector) -> None:
    status = watch.status(connector)
    connector.refresh_from_db()
    oldest = scopes_in_use(connector).order_by("observed_at").values_list("observed_at", flat=True)[0]
    assert (status.next_at, status.oldest_at) == (connector.observe_due_at, oldest)
    assert isinstance(status.last and status.last.finished_at, datetime)
    assert not status.is_checking
    watch.start_check(connector, None)
    assert watch.status(connector).is_checking


# --- what "clean" covers ----------------------------------------------------------------------------------------------


def test_clean_says_what_it_covers_and_since_when_each_part_was_read(connector: Connector, signed_in: SignIn) -> None:
    log_tick(connector)
    times = {f"{name}_lists_at": timezone.now() - timedelta(minutes=age) for name, age in (("jira", 3), ("align", 4))}
    Connector.objects.filter(pk=connector.pk).update(**times)
    Project.objects.filter(key="PAY").update(read_at=timezone.now() - timedelta(minutes=7))
    Scope.objects.filter(pk=Scope.objects.earliest("pk").pk).update(observed_at=timezone.now() - timedelta(minutes=9))
    page = signed_in(Role.VIEWER).get("/connectors/acme/drift/").content.decode()
    said = re.sub(r"<[^>]+>", "", page[page.index("Clean covers") :]).partition(".")[0]
    assert said == (
        "Clean covers: 12 mapping lists, 9 min ago · Jira’s projects, statuses and issue types, 3 min ago · "
        "the statuses of each of 4 projects, 7 min ago · "
        "the connector’s projects and the process flows in Align, 4 min ago · Align’s log, just now"
    )
    without_log(connector)
    assert "Align’s log, not read here." in signed_in(Role.VIEWER).get("/connectors/acme/drift/").content.decode()


OLD, OLDER = timedelta(minutes=11, seconds=30), timedelta(minutes=12, seconds=30)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("jira_lists_at", "What Jira contains was read at"),
        ("align_lists_at", "What Align contains was read at"),
        ("read_at", "The statuses of a project were read at"),
    ],
)
def test_clean_is_not_said_where_the_catalogue_is_older_than_its_interval_allows(
    connector: Connector, column: str, said: str
) -> None:
    def at(age: timedelta) -> watch.WatchStatus:
        when = {column: timezone.now() - age}
        if column == "read_at":
            Project.objects.filter(key="PAY").update(**when)
        else:
            Connector.objects.filter(pk=connector.pk).update(**when)
        connector.refresh_from_db()
        return watch.status(connector)

    assert at(OLD).state == watch.WatchState.CLEAN
    status = at(OLDER)
    assert status.state == watch.WatchState.UNKNOWN
    assert status.why.startswith(said)
    assert "longer ago than 12 min" in status.why


def test_a_large_site_is_given_the_time_that_its_rotation_takes(connector: Connector) -> None:
    read_at = timezone.now() - timedelta(minutes=40)
    others = [
        Project(connector=connector, jira_id=90_000 + number, key=f"L{number}", name="L", in_scope=True)
        for number in range(2000)
    ]
    Project.objects.bulk_create(others)
    Project.objects.update(read_at=read_at)
    ages = covered.project_ages([connector])[connector.pk]
    margin = {"without_clock": timedelta(minutes=15), "margin": timedelta(minutes=2)}
    assert timedelta(minutes=44) < ages.rotation < timedelta(minutes=48)
    assert covered.too_old(connector, ages, **margin) == ""
    assert covered.too_old(connector, replace(ages, oldest_at=read_at - timedelta(minutes=10)), **margin)


def test_a_reading_that_failed_is_told_and_clean_is_not_said(connector: Connector) -> None:
    Connector.objects.filter(pk=connector.pk).update(jira_lists_error="Jira refused: 403.")
    connector.refresh_from_db()
    status = watch.status(connector)
    assert (status.state, status.why) == (
        watch.WatchState.UNKNOWN,
        "What is new in Jira and Align could not be looked for. Jira refused: 403.",
    )


def test_clean_names_the_new_status_that_falls_to_0(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    sandbox.edit("add_status", id=10777, name="Waiting for vendor", projects=["PROJ"], issue_types=["Story"])
    Connector.objects.filter(pk=connector.pk).update(jira_lists_due_at=timezone.now())
    Project.objects.update(tried_at=None)
    run_due()
    page = signed_in(Role.VIEWER).get("/connectors/acme/drift/").content.decode()
    assert "Every list matches what was applied, but 1 new status is not mapped." in page
    assert "Waiting for vendor (10777) is new in PROJ since" in page

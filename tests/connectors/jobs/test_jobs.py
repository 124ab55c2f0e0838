"""The lease of a job: one worker at a time, taken over when it dies, and nothing written by one that was frozen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState
from mappings import planning
from mappings.applying.job import apply_plan
from mappings.models import Plan, PlanState
from tests import ROOT
from tests.support import mapping_helpers
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015
KIND = JobKind.CONTRACT  # whose own handler stands aside meanwhile
DURATIONS = ("JOB_LEASE", "JOB_HEARTBEAT", "JOB_HEARTBEAT_PATIENCE", "REQUEST_DEADLINE", "SENDING_GRACE")
SETTINGS = (ROOT / "alignadmin" / "settings.py").read_text()


def idle(run: runner.Run) -> None:
    run.progress("idle")


@pytest.fixture
def handled() -> Iterator[list[Callable[[runner.Run], None]]]:
    """What the job of the tests does: the last function of the list."""
    functions: list[Callable[[runner.Run], None]] = [idle]
    before = runner._handlers[KIND]
    runner.handler(KIND)(lambda run: functions[-1](run))
    yield functions
    runner.handler(KIND)(before)


@pytest.fixture
def job(bare_connector: Connector, admin: Person, handled: object) -> Job:
    return runner.start(bare_connector, KIND, actor=admin)


def test_a_job_of_no_connector_is_active_once_for_its_subject_and_runs_to_its_end(handled: object) -> None:
    first = runner.start(None, KIND, actor=None, subject="1")
    assert runner.start(None, KIND, actor=None, subject="1") == first
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind=KIND, subject="1")
    assert runner.start(None, KIND, actor=None, subject="2") != first
    assert runner.run_now(first).state == JobState.DONE
    assert runner.start(None, KIND, actor=None, subject="1") != first


def taken(job: Job, owner: str = "first") -> runner.Run:
    run = runner.claim(owner, job.pk)
    assert run is not None
    return run


def run_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def shrink(settings: LazySettings, *, lease: float, heartbeat: float, patience: float) -> None:
    settings.JOB_LEASE, settings.JOB_HEARTBEAT, settings.JOB_HEARTBEAT_PATIENCE = lease, heartbeat, patience


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def done() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=done)
    thread.start()
    return thread


# --- one worker at a time ----------------------------------------------------------------------------------------


def test_two_workers_claim_one_job_and_one_gets_it(job: Job) -> None:
    barrier, claimed = threading.Barrier(2), list[runner.Run | None]()

    def claim(owner: str) -> None:
        barrier.wait(5)
        claimed.append(runner.claim(owner, job.pk))

    threads = [in_thread(lambda owner=owner: claim(owner)) for owner in ("one", "two")]  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert sorted(run is not None for run in claimed) == [False, True]
    job.refresh_from_db()
    assert (job.state, job.epoch) == (JobState.RUNNING, 1)


def test_a_lease_that_holds_is_not_taken_over_and_one_that_ran_out_is(job: Job) -> None:
    taken(job)
    assert runner.claim("second", job.pk) is None
    run_out(job)
    assert taken(job, "second").job.epoch == 2


def test_a_job_that_is_given_back_waits_from_then_on(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(days=1))
    taken(job).requeue()
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert timezone.now() - job.queued_at < timedelta(minutes=1)


def test_a_runner_that_was_taken_over_can_write_nothing_more(job: Job) -> None:
    first = taken(job)
    with transaction.atomic():
        first.assert_lease()
    run_out(job)
    second = taken(job, "second")

    assert not first.renew()
    with pytest.raises(runner.LeaseLost), transaction.atomic():
        first.assert_lease()
    with pytest.raises(runner.LeaseLost):
        first.end(JobState.DONE)
    first.requeue()
    second.end(JobState.DONE)
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_a_fence_keeps_others_from_taking_the_job_over_until_the_commit(job: Job) -> None:
    first = taken(job)
    claimed = list[runner.Run | None]()
    with transaction.atomic():
        first.assert_lease()
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        thread = in_thread(lambda: claimed.append(runner.claim("second", job.pk)))
        thread.join(0.5)
        assert claimed in ([], [None])  # it waits for the row, or sees the lease as it was
    thread.join()
    assert runner.claim("third", job.pk) or claimed[0]


def test_a_fence_outside_of_a_transaction_is_refused(job: Job) -> None:
    with pytest.raises(RuntimeError):
        taken(job).assert_lease()


# --- the heartbeat -----------------------------------------------------------------------------------------------


def test_the_heartbeat_keeps_the_lease_of_long_work(
    job: Job, handled: list[Callable[[runner.Run], None]], settings: LazySettings
) -> None:
    shrink(settings, lease=2.0, heartbeat=0.3, patience=0.3)
    leases = list[object]()

    def work(run: runner.Run) -> None:
        for _ in range(5):
            time.sleep(0.7)
            leases.append(Job.objects.values_list("lease_until", flat=True).get(pk=run.job.pk))
            assert runner.claim("second", run.job.pk) is None
            run.check_cancelled()

    handled.append(work)
    assert runner.run_now(job).state == JobState.DONE
    assert len(set(leases)) == 5


@contextmanager
def held_back(job: Job) -> Iterator[None]:
    """Another connection holds what a heartbeat has to write: the whole of SQLite, or the job's row."""
    ready, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
            ready.set()
            let_go.wait(20)

    thread = in_thread(hold)
    assert ready.wait(5)
    try:
        yield
    finally:
        let_go.set()
        thread.join()


def test_a_heartbeat_gives_up_in_time_and_the_runner_stops_before_its_lease_ends(
    job: Job, handled: list[Callable[[runner.Run], None]], settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    shrink(settings, lease=3.0, heartbeat=0.5, patience=0.5)
    stopped_before = list[float]()

    def work(run: runner.Run) -> None:
        with held_back(run.job):
            lease_until = Job.objects.values_list("lease_until", flat=True).get(pk=run.job.pk)
            assert lease_until is not None
            try:
                while True:
                    time.sleep(0.05)
                    run.check_cancelled()
            finally:
                stopped_before.append((lease_until - timezone.now()).total_seconds())

    handled.append(work)
    run = taken(job)
    runner.execute(run)
    assert "could not be renewed" in caplog.text
    assert stopped_before[0] > 0
    job.refresh_from_db()
    assert job.state == JobState.QUEUED  # handed back, for a worker that can write

    handled.append(idle)
    assert runner.run_now(job).state == JobState.DONE


def test_one_heartbeat_that_fails_does_not_end_the_others(
    job: Job, handled: list[Callable[[runner.Run], None]], settings: LazySettings
) -> None:
    shrink(settings, lease=6.0, heartbeat=0.4, patience=0.3)

    def work(run: runner.Run) -> None:
        with held_back(run.job):
            time.sleep(1.2)
        held_until = run.held_until
        time.sleep(2.0)
        assert run.held_until > held_until

    handled.append(work)
    done = runner.run_now(job)
    assert (done.state, done.error) == (JobState.DONE, "")


# --- who holds the connector -------------------------------------------------------------------------------------


def test_the_holder_is_told_by_name_and_since_when(job: Job, admin: Person, bare_connector: Connector) -> None:
    owner = bare_connector
    assert runner.holder(owner, JobKind.APPLY) is None
    run = taken(job)
    found = runner.holder(owner, KIND)
    assert found == runner.Holder(who=admin.name, since=run.job.started_at, subject="")  # type: ignore[arg-type]
    run.end(JobState.DONE)
    assert runner.holder(owner, KIND) is None


# --- an apply whose worker is frozen -----------------------------------------------------------------------------


def started(connector: Connector, admin: Person) -> Job:
    mapping_helpers.edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    mapping_helpers.edit(connector, "j2a-state", QA, 4, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    planning.start_apply(plan, typed=connector.slug, actor=admin)
    return Job.objects.get(kind="apply")


def writes(sandbox: RunningSandbox) -> int:
    return sum(len(sandbox.journal(method)) for method in ("POST", "PUT", "DELETE"))


def entries(action: str) -> int:
    return Entry.objects.filter(action=action).count()


@pytest.mark.parametrize("frozen", [True, False])
def test_a_runner_that_wakes_up_after_a_takeover_sends_and_writes_nothing(
    connector: Connector, admin: Person, sandbox: RunningSandbox, frozen: bool
) -> None:
    """It was stopped before its first request; meanwhile another worker has brought the plan to its end."""
    job = started(connector, admin)
    first = taken(job, "frozen")
    if frozen:
        run_out(job)
        runner.execute(taken(job, "second"))
    sandbox.clear_journal()
    before = Entry.objects.count()

    runner.execute(first)

    plan = Plan.objects.get()
    assert (plan.state, set(mapping_helpers.states(plan))) == (PlanState.FINISHED, {"done"})
    assert writes(sandbox) == (0 if frozen else 2)
    assert (Entry.objects.count() == before) is frozen
    assert entries("change.sent") == entries("change.done") == 2


def test_a_runner_that_is_taken_over_with_requests_on_their_way_leaves_them_to_the_other(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings
) -> None:
    """The answer comes to a runner whose epoch is past: only the one that took over writes what became of it."""
    settings.APPLY_THREADS = 1
    job = started(connector, admin)
    sandbox.faults({"method": "PUT", "latency_ms": 1500, "times": 1})
    first = taken(job, "slow")

    def take_over() -> None:
        deadline = time.monotonic() + 10
        while not writes(sandbox) and time.monotonic() < deadline:
            time.sleep(0.02)
        Job.objects.filter(pk=job.pk).update(epoch=2, owner="second")

    thread = in_thread(take_over)
    with pytest.raises(runner.LeaseLost):
        apply_plan(first)
    thread.join()
    assert mapping_helpers.states(Plan.objects.get()) == ["sending", "planned"]
    assert (entries("change.sent"), entries("change.done"), writes(sandbox)) == (1, 0, 1)

    run_out(job)
    runner.execute(taken(job, "third"))
    assert mapping_helpers.states(Plan.objects.get()) == ["done", "done"]
    assert (entries("change.sent"), entries("change.done"), writes(sandbox)) == (2, 2, 2)


def test_a_job_is_taken_up_again_by_itself_once_its_lease_has_run_out(
    connector: Connector, admin: Person, settings: LazySettings
) -> None:
    shrink(settings, lease=2.0, heartbeat=0.5, patience=0.3)
    job = started(connector, admin)
    taken(job, "died")
    began = time.monotonic()
    while Plan.objects.get().state != PlanState.FINISHED:
        assert time.monotonic() - began < 30
        run_due()
        time.sleep(0.1)
    assert mapping_helpers.states(Plan.objects.get()) == ["done", "done"]
    assert connection.in_atomic_block is False


def test_a_job_left_alone_is_taken_over_without_a_thread_of_the_queue(
    job: Job, handled: list[Callable[[runner.Run], None]], settings: LazySettings
) -> None:
    shrink(settings, lease=1.0, heartbeat=0.3, patience=0.2)
    done = threading.Event()
    handled.append(lambda run: done.set() if run.job.epoch == 2 else None)
    assert runner.take_over() == 0  # queued: that is the queue's
    taken(job, "died")
    assert runner.take_over() == 0
    waited = runner.seconds_to_next_end(30.0)
    assert 0 < waited < 1.5
    time.sleep(waited)
    assert runner.take_over() == 1
    assert done.wait(10)
    for thread in threading.enumerate():
        if thread.name.startswith("taken-over"):
            thread.join(10)
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_with_the_settings_as_they_come_nothing_is_stuck_longer_than_90_seconds() -> None:
    """From the kill: the lease runs out, the clock looks, the last request has settled, one list is read."""
    given = {name: float(re.search(rf'"{name}", ([0-9.]+)', SETTINGS)[1]) for name in DURATIONS}  # type: ignore[index]
    taken_over = given["JOB_LEASE"] + runner.RECHECK_AFTER
    settled = given["REQUEST_DEADLINE"] + given["SENDING_GRACE"]  # since the request left, before the kill
    a_list_and_the_request_again = 2 * given["REQUEST_DEADLINE"]
    assert max(taken_over, settled) + a_list_and_the_request_again <= 90
    assert 2 * given["JOB_HEARTBEAT"] + given["JOB_HEARTBEAT_PATIENCE"] <= given["JOB_LEASE"]


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(("lease", "beats"), [("2", "0.67 0.33"), ("30", "10.00 5.00"), ("90", "10.00 5.00")])
def test_a_shorter_lease_alone_is_renewed_in_time_all_the_same(lease: str, beats: str) -> None:
    """With beats of 10 s a job of 2 s would be lost as soon as it is taken, again and again."""
    told = "from alignadmin import settings as s; print(f'{s.JOB_HEARTBEAT:.2f} {s.JOB_HEARTBEAT_PATIENCE:.2f}')"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JOB_")}
    done = subprocess.run(
        [sys.executable, "-c", told], env=kept | {"JOB_LEASE": lease}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == beats

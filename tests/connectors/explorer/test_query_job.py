"""The job behind a run: whose slots it takes, and what becomes of a run whose worker was killed."""

from __future__ import annotations

import pytest

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.http import NoBudget
from alignadmin.http.budget import Ticket
from connectors.align.client import AlignClient
from connectors.align.query import read_query
from connectors.explorer import rows, services
from connectors.explorer.job import FirstPageDoor, RunReading
from connectors.models import Connector, Job, JobState, QueryPage, RunOutcome


class CountingBudget(NoBudget):
    """How often a slot was taken of it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def take(self, *, deadline: float, patience: float) -> Ticket:
        self.taken += 1
        return super().take(deadline=deadline, patience=patience)


def test_the_first_answer_is_waited_for_with_the_peoples_slots_and_all_others_are_bulk_work() -> None:
    peoples, bulk = CountingBudget(), CountingBudget()
    door = FirstPageDoor(peoples)
    door.before(bulk, deadline=10.0)
    door.lost(door.take(deadline=10.0, patience=1.0))  # no answer came, so the next try is the first page still
    for _ in range(4):
        door.answered(door.take(deadline=10.0, patience=1.0))
    assert (peoples.taken, bulk.taken) == (2, 3)


def test_a_stop_that_comes_after_the_last_page_stops_nothing(
    transactional_db: None, bare_connector: Connector, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes before it leaves what was read."""
    stored, ended = RunReading._store, []

    def stored_then_stopped(self: RunReading, page: list[rows.Row], client: AlignClient) -> None:
        stored(self, page, client)
        services.stop(self.found, actor=admin)

    monkeypatch.setattr(RunReading, "_store", stored_then_stopped)
    for query in ("/features?$top=3", "/features?$top=1000"):
        run = services.run(bare_connector, read_query(query), actor=admin)
        run_due()
        run.refresh_from_db()
        assert run.stopped_at is not None
        ended.append(run.ended)
    assert ended == [RunOutcome.AS_MANY, RunOutcome.STOPPED]


def test_a_run_whose_worker_was_killed_is_read_from_its_beginning(
    transactional_db: None, bare_connector: Connector, admin: Person
) -> None:
    run = services.run(bare_connector, read_query("/features?$select=id&$top=3"), actor=admin)
    for number in range(2):
        rows.sealed_page(run, number, number, [{"id": -1}]).save()
    Job.objects.filter(pk=run.job_id).update(epoch=2)
    run_due()
    run.refresh_from_db()
    assert (run.rows, QueryPage.objects.count()) == (3, 1)
    assert all(row["id"] > 0 for row in rows.from_row(run, 0))
    assert Entry.objects.filter(action="query.run").count() == 1
    # Ended, but killed before the job's end was written: nothing is read or told a second time.
    Job.objects.filter(pk=run.job_id).update(state=JobState.QUEUED)
    run_due()
    assert Entry.objects.filter(action="query.run").count() == 1

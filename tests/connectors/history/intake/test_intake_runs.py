"""Each taking-in of Align's log is a run that its lines name; whatever is changed of them afterwards is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import checkpoints, trail, triggers, verification
from alignadmin.audit.entries import START, canonical, digest
from alignadmin.audit.models import ChainHead, Entry
from connectors.history.intake import gaps, run_check, run_digest
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.intake import pull
from connectors.models import (
    AuditSource,
    Connector,
    Coverage,
    HistoryRow,
    Intake,
    IntakeRun,
    MirrorLine,
    OpenRun,
    SeenAgain,
)
from connectors.ports.differences import Difference
from tests.connectors.history.intake.test_audit_intake import UPDATED, Log, audit_line, row
from tests.support.intake_helpers import take_in

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def align(db: None) -> Connector:
    made = Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
        audit_source=AuditSource.ENDPOINT,
    )
    Connector.objects.update(created_at=NOW - timedelta(days=1))
    made.refresh_from_db()
    return made


@pytest.fixture
def reviewer(db: None) -> Person:
    return Person.objects.create_user("reviewer@example.test", name="Riva Reviewer", role="reviewer")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def read(connector: Connector, log: Log, minutes: float) -> None:
    pull(connector, log, clock=lambda: ago(minutes))


def paste(connector: Connector, actor: Person, *stamps: str, description: str = UPDATED) -> None:
    text = "\n".join(row(description, at=f"2026-11-{stamp}") for stamp in stamps)
    take_in(connector, text, intake=Intake.PASTE, actor=actor)


def told(run: IntakeRun) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Entry.objects.get(seq=run.entry_seq).body)["data"]["run"]
    return data


def found() -> list[Difference]:
    return list(run_check.compare())


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_paste_is_a_run_that_its_lines_and_its_entry_name(align: Connector, reviewer: Person) -> None:
    paste(align, reviewer, "20 12:00:00", "20 12:00:00", "20 13:00:00")
    run = IntakeRun.objects.get()
    assert (run.number, run.lines, run.person_id, run.person_name) == (1, 3, reviewer.pk, "Riva Reviewer")
    assert set(MirrorLine.objects.values_list("run", flat=True)) == {1}
    keys = sorted(MirrorLine.objects.values_list("pk", flat=True))
    assert told(run) == run_digest.facts(run) | {"hash": run.hash, "keys": [keys[0], keys[-1]]}
    assert Entry.objects.get(seq=run.entry_seq).action == "log.taken-in"
    assert found() == []


def test_lines_that_a_later_run_shows_again_are_kept_with_it(align: Connector, reviewer: Person) -> None:
    paste(align, reviewer, "20 12:00:00", "20 12:00:00", "20 13:00:00")
    paste(align, reviewer, "20 12:00:00", "20 14:00:00")
    again = SeenAgain.objects.get()
    first = MirrorLine.objects.earliest("pk").pk
    assert (again.run_id, again.first, again.last) == (2, first, first)
    assert IntakeRun.objects.get(number=2).seen_again == 1
    assert found() == []


def test_a_part_that_is_sent_once_more_is_one_range_of_lines(align: Connector, reviewer: Person) -> None:
    for _ in range(2):
        paste(align, reviewer, *[f"20 12:00:{second:02}" for second in range(30)], "20 12:00:05")
    again, run = SeenAgain.objects.get(), IntakeRun.objects.get(number=2)
    assert (again.last - again.first + 1, run.seen_again, run.lines) == (31, 31, 0)
    assert found() == []


def test_readings_that_bring_nothing_lengthen_the_open_run_and_write_no_entry(align: Connector) -> None:
    log = Log([audit_line(1, ago(90))])
    read(align, log, 50)
    assert IntakeRun.objects.count() == 1  # the first one tells since when the log is whole
    for minutes in (40, 30, 20):
        read(align, log, minutes)
    assert (IntakeRun.objects.count(), Entry.objects.count()) == (1, 1)
    open_ = OpenRun.objects.get()
    assert (open_.since, open_.until, open_.readings) == (ago(50), ago(20), 3)
    assert found() == []


def test_the_open_run_is_closed_as_one_entry_at_the_first_new_line(align: Connector) -> None:
    log = Log([audit_line(1, ago(90))])
    for minutes in (50, 40, 30):
        read(align, log, minutes)
    log.lines.append(audit_line(2, ago(25)))
    read(align, log, 20)
    run = IntakeRun.objects.latest("number")
    assert (run.number, run.readings, run.lines, OpenRun.objects.count()) == (2, 3, 1, 0)
    assert intake_runs.stretches(run) == [(ago(50), ago(20), "endpoint")]
    assert Entry.objects.get(seq=run.entry_seq).action == "log.read"
    assert not HistoryRow.objects.filter(entry_seq=run.entry_seq).exists()  # such rows would drown all others
    assert found() == []


def test_the_open_run_is_closed_once_an_hour(align: Connector) -> None:
    log = Log([audit_line(1, ago(300))])
    for minutes in range(200, 20, -10):
        read(align, log, minutes)
    runs = IntakeRun.objects.order_by("number")
    assert [(run.readings, run.lines) for run in runs] == [(1, 1), (6, 0), (6, 0)]
    assert OpenRun.objects.get().readings == 5
    assert Coverage.objects.get().until == ago(30)
    assert found() == []


def test_a_reading_that_leaves_a_hole_is_a_run_at_once(align: Connector) -> None:
    log = Log([audit_line(1, ago(90))])
    read(align, log, 60)
    read(align, log, 50)
    log.lines = []  # Align has thrown its log away
    read(align, log, 40)
    run = IntakeRun.objects.latest("number")
    assert intake_runs.stretches(run) == [(ago(60), ago(50), "endpoint"), (ago(40), ago(40), "endpoint")]
    assert [gap.since for gap in gaps.gaps(align, ago(60), ago(40))] == [ago(50)]
    assert found() == []


def test_the_endpoint_confirms_what_was_pasted_once(align: Connector, reviewer: Person) -> None:
    paste(align, reviewer, "20 12:00:00")
    log = Log([audit_line(1, datetime(2026, 11, 20, 12, 0, 0, 700_000, tzinfo=UTC))])
    for minutes in (30, 20, 10):
        pull(align, log, clock=lambda minutes=minutes: ago(minutes))  # type: ignore[misc]
    assert MirrorLine.objects.count() == 1
    assert SeenAgain.objects.count() == 1
    assert found() == []


# --- what was changed afterwards --------------------------------------------------------------------------------------


def run_sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def edit_line() -> None:
    """With a digest worked out anew, and its row with it: nothing of it contradicts itself."""
    line = MirrorLine.objects.filter(run=1).latest("pk").pk
    run_sql("UPDATE connectors_mirrorline SET description = 'harmless', digest = %s WHERE id = %s", "f" * 64, line)


def edit_time() -> None:
    run_sql("UPDATE connectors_mirrorline SET at = recorded_at WHERE occurrence = 2")


def delete_line() -> None:
    line = MirrorLine.objects.filter(occurrence=2).latest("pk").pk
    for table in ("connectors_case", "connectors_historyrow"):
        run_sql(f"DELETE FROM {table} WHERE line_id = %s", line)
    run_sql("DELETE FROM connectors_mirrorline WHERE id = %s", line)


def insert_line() -> None:
    line = MirrorLine.objects.earliest("pk")
    line.pk, line.digest = None, "e" * 64
    MirrorLine.objects.bulk_create([line])


def move_line() -> None:
    run_sql("UPDATE connectors_mirrorline SET run_id = 2 WHERE run_id = 1 AND occurrence = 2")


def edit_run() -> None:
    """With a hash worked out anew."""
    run = IntakeRun.objects.get(number=1)
    run.person_name = "Somebody Else"
    rewrite(run)


def edit_run_without_hash() -> None:
    run_sql("UPDATE connectors_intakerun SET covers = '[]' WHERE number = 2")


def delete_last_run() -> None:
    last = IntakeRun.objects.latest("number").number
    lines = list(MirrorLine.objects.filter(run=last).values_list("pk", flat=True))
    for line in lines:
        run_sql("DELETE FROM connectors_case WHERE line_id = %s", line)
        run_sql("DELETE FROM connectors_historyrow WHERE line_id = %s", line)
    run_sql("DELETE FROM connectors_mirrorline WHERE run_id = %s", last)
    run_sql("DELETE FROM connectors_seenagain WHERE run_id = %s", last)
    run_sql("DELETE FROM connectors_intakerun WHERE number = %s", last)


def delete_confirmation() -> None:
    run_sql("DELETE FROM connectors_seenagain")


def widen_coverage() -> None:
    run_sql("UPDATE connectors_coverage SET until = %s WHERE intake = 'paste'", ago(1))


def delete_coverage() -> None:
    run_sql("DELETE FROM connectors_coverage WHERE intake = 'endpoint'")


def invent_coverage() -> None:
    Coverage.objects.create(connector=Connector.objects.get(), since=ago(900), until=ago(800), intake=Intake.UPLOAD)


def widen_the_open_run() -> None:
    """Coverage says the same, so that only what an open run can be tells."""
    run_sql("UPDATE connectors_openrun SET since = %s", ago(1000))
    run_sql("UPDATE connectors_coverage SET since = %s WHERE intake = 'endpoint'", ago(1000))


def lengthen_the_open_run() -> None:
    for table in ("connectors_openrun", "connectors_coverage"):
        run_sql(f"UPDATE {table} SET until = %s", ago(-300))


def withhold_a_line() -> None:
    run_sql("INSERT INTO connectors_withdrawnline (line_id) SELECT max(id) FROM connectors_mirrorline")


def invent_a_withdrawal() -> None:
    run_sql(
        "INSERT INTO connectors_runwithdrawal (run_id, person_id, person_name, at, reason, entry_seq) "
        "VALUES (1, 1, 'x', %s, 'x', 1)",
        ago(1),
    )


def rewrite(run: IntakeRun) -> None:
    run.hash = run_digest.hash_of(run_digest.facts(run))
    run.save()


TAMPERING: list[Callable[[], None]] = [
    edit_line,
    edit_time,
    delete_line,
    insert_line,
    move_line,
    edit_run,
    edit_run_without_hash,
    delete_last_run,
    delete_confirmation,
    widen_coverage,
    delete_coverage,
    invent_coverage,
    widen_the_open_run,
    lengthen_the_open_run,
    withhold_a_line,
    invent_a_withdrawal,
]


@pytest.fixture
def taken_in(align: Connector, reviewer: Person) -> Iterator[None]:
    """Two pasted runs that overlap, readings of the endpoint, and an open one."""
    paste(align, reviewer, "20 12:00:00", "20 12:00:00", "20 13:00:00")
    paste(align, reviewer, "20 12:00:00", "20 14:00:00")
    log = Log([audit_line(1, ago(90))])
    for minutes in (80, 70, 50, 40):
        read(align, log, minutes)
    assert found() == []
    with triggers.lifted():
        yield
    connection.check_constraints()


@pytest.mark.usefixtures("taken_in")
@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda each: each.__name__)
def test_whatever_is_changed_afterwards_is_found(tamper: Callable[[], None]) -> None:
    tamper()
    assert found() != []
    assert all(each.sentence and each.kind in ("missing", "altered", "surplus") for each in found())


@pytest.mark.usefixtures("taken_in")
def test_a_change_is_told_with_its_run_and_the_entry_that_says_otherwise() -> None:
    edit_line()
    (told,) = found()
    assert (told.kind, told.table, told.seq) == ("altered", "lines of Align's log", 1)
    assert told.sentence.startswith("The lines that run 1 (pasted by Riva Reviewer, ")
    assert told.line == MirrorLine.objects.earliest("pk").pk


@pytest.mark.usefixtures("taken_in")
def test_lines_and_runs_and_entries_all_rewritten_with_hashes_worked_out_anew_are_caught_by_a_checkpoint() -> None:
    checkpoints.make(checkpoints.COMMAND)
    edit_line()
    prev = run_digest.START
    for run in IntakeRun.objects.order_by("number"):
        run.digest, run.prev = run_digest.of_lines(MirrorLine.objects.filter(run=run).order_by("pk")), prev
        rewrite(run)
        prev = run.hash
    rewrite_the_chain()
    assert found() == []
    assert "The chain is broken" in verification.verify().sentence


def rewrite_the_chain() -> None:
    runs = {run.entry_seq: run for run in IntakeRun.objects.all()}
    prev = START
    for entry in Entry.objects.order_by("seq"):
        body = json.loads(entry.body)
        if run := runs.get(entry.seq):
            body["data"]["run"] |= run_digest.facts(run) | {"hash": run.hash}
        text = canonical(body)
        prev, before = digest(prev, text), prev
        Entry.objects.filter(pk=entry.pk).update(body=text, prev=before, hash=prev)
    ChainHead.objects.update(hash=prev)


@pytest.mark.usefixtures("taken_in")
def test_an_edit_is_still_found_once_the_entry_of_its_run_has_left_into_an_archive() -> None:
    edit_run()
    ChainHead.objects.update(archived_seq=1)
    run_sql("DELETE FROM audit_entry WHERE seq = 1")
    assert [each.field for each in found()] == ["prev"]


def test_it_reads_by_pages_and_tells_how_far_it_is(
    align: Connector, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.history.intake.run_check.CHUNK", 4)
    for hour in range(3):
        paste(align, reviewer, *[f"2{hour} 12:00:{second:02}" for second in range(5)])
    far: list[int] = []
    assert list(run_check.compare(far.append)) == []
    assert far == [4, 8, 12, 15]
    with triggers.lifted():
        run_sql("UPDATE connectors_mirrorline SET remote_id = 5 WHERE run_id = 2")
        assert [each.seq for each in found()] == [IntakeRun.objects.get(number=2).entry_seq]


@pytest.mark.django_db(transaction=True)
def test_a_failed_intake_leaves_no_run(align: Connector, reviewer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(trail, "record", fails)
    with pytest.raises(RuntimeError):
        paste(align, reviewer, "20 12:00:00")
    monkeypatch.undo()
    assert (IntakeRun.objects.count(), MirrorLine.objects.count(), Coverage.objects.count()) == (0, 0, 0)
    paste(align, reviewer, "20 12:00:00")
    assert IntakeRun.objects.get().number == 1
    with transaction.atomic():
        assert found() == []

"""The history compared with its entries and lines: every forgery is found, nothing rightful is called wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import checkpoints, deliveries, trail, triggers
from alignadmin.audit import verification as chain
from alignadmin.audit.entries import AuditRecord, canonical
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.history.cases import services
from connectors.history.intake import run_digest
from connectors.history.mirror import projection
from connectors.history.verification import case_copies, comparison, rebuilding
from connectors.history.verification import services as verification
from connectors.jobs import runner
from connectors.models import Connector, HistoryRow, IntakeRun, Job, JobKind, JobState, Verification
from connectors.ports.audited import context_of, event_fields
from connectors.ports.differences import Difference, Page, Position, TableComparison
from connectors.setup.services import ConnectorData, edit_connector
from tests.connectors.history.mirror.test_audit_join import NOON, align, line, minutes, theirs, told
from tests.support import chain_mutations as mutations
from tests.support import factories
from tests.support.events import EVENT
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["align"]
pytestmark = pytest.mark.django_db
OF_LAB = 10401  # a status of the team-managed project LAB


def differences() -> list[Difference]:
    """By every look, to its end."""
    found: list[Difference] = []
    for look in verification.comparisons():
        position, is_through = None, False
        while not is_through:
            page = look.read(position)
            found += page.found
            position = page.following
            is_through = position is None
    return found


def changes(connector: Connector, person: Person, count: int) -> None:
    with transaction.atomic():
        trail.record_all(
            [
                AuditRecord(
                    action="change.done",
                    actor=person,
                    context=context_of(connector),
                    subject="plan 1",
                    sentence=f"Change {number}.",
                    event=event_fields(replace(EVENT, source_id=number)),
                    plan=1,
                    project_key="PROJ",
                    reason="A reason.",
                    ticket="CHG-1",
                    happened_at=minutes(number),
                )
                for number in range(count)
            ]
        )


@pytest.fixture
def reviewer(people: dict[Role, Person]) -> Client:
    client = Client()
    client.force_login(people[Role.REVIEWER])
    return client


@pytest.fixture
def history(align: Connector, people: dict[Role, Person]) -> Connector:
    """Eighty changes, most of them in Align's log, with outside changes between them, one of them explained."""
    changes(align, people[Role.ADMIN], 80)
    theirs(
        align,
        *(told(replace(EVENT, source_id=number), minutes(number)) for number in range(70)),
        *(told(replace(EVENT, source_id=number), minutes(number)) for number in range(100, 110)),
        told(replace(EVENT, source_id=1), minutes(1.5)),
        line("Connector saved by hand", NOON + timedelta(days=1)),
    )
    first = services.select(connector=align).last()
    assert first is not None
    services.explain([first.pk], "A trial.", actor=people[Role.EDITOR])
    assert differences() == []
    return align


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


class TestTheExample:
    def test_a_forged_row_is_found_by_the_command(self, history: Connector, capsys: pytest.CaptureFixture[str]) -> None:
        sql("UPDATE connectors_historyrow SET person_name = 'Eli', after_name = 'Done' WHERE entry_seq = 73")
        with pytest.raises(SystemExit) as left:
            call_command("verify_history")
        assert left.value.code == 1
        said = capsys.readouterr().err
        assert "The chain holds" in said
        assert "2 differences" in said
        assert "The row of entry 73 differs from it: person name says “Eli”, the entry says “" in said
        assert "after name says “Done”" in said

    def test_a_deleted_row_and_an_invented_one_are_found(
        self, history: Connector, capsys: pytest.CaptureFixture[str]
    ) -> None:
        HistoryRow.objects.filter(entry_seq=73).delete()
        invented = HistoryRow.objects.get(entry_seq=72)
        invented.pk, invented.entry_seq, invented.line = None, None, None
        invented.save()
        with pytest.raises(SystemExit):
            call_command("verify_history")
        said = capsys.readouterr().err
        assert "Entry 73 has no row: Change 72." in said
        assert "A row names no entry and no line, but nothing like it stands there: Change 71." in said

    def test_the_page_tells_it_there_and_then_and_the_button_for_good(
        self, history: Connector, reviewer: Client
    ) -> None:
        reviewer.post("/history/verify/")
        run_due()
        assert "verified up to entry" in text_of(reviewer, "/history/")
        assert "Verified " in text_of(reviewer, "/history/73/")
        sql("UPDATE connectors_historyrow SET person_name = 'Eli', reason = 'None' WHERE entry_seq = 73")
        told = "This row differs from its entry: person name says “Eli”, the entry says “Admin”; reason says “None”"
        assert told in text_of(reviewer, "/history/73/")
        html = text_of(reviewer, "/history/?row=73")
        assert told in html
        assert "Verified " not in html
        reviewer.post("/history/verify/")
        run_due()
        html = text_of(reviewer, "/history/")
        assert "checked, differences found" in html
        told = "2 differences between the rows and what they were made from were found."
        assert told in html
        assert told in text_of(reviewer, "/")

    def test_a_pairing_that_was_moved_is_told_when_the_row_is_opened(
        self, history: Connector, reviewer: Client
    ) -> None:
        sql("UPDATE connectors_historyrow SET certainty = 'one-of', identical = 2 WHERE entry_seq = 33")
        html = text_of(reviewer, "/history/33/")
        assert "certainty says “one-of”, the entries and lines say “exact”" in html
        assert "Do not rely on it" in html
        assert {each.table for each in differences()} == {"pairings"}


class TestNothingRightful:
    def test_a_connector_that_has_another_name_since(self, history: Connector, people: dict[Role, Person]) -> None:
        data = {name: getattr(history, name) for name in ("align_site", "align_connector_id", "jira_site", "jira_kind")}
        edit_connector(history, ConnectorData(name="Elsewhere", **data), actor=people[Role.ADMIN])
        theirs(history, told(replace(EVENT, source_id=200), minutes(200)))
        assert differences() == []

    def test_a_status_whose_project_is_known_later_and_has_another_key_since(
        self, bare_connector: Connector, sandbox: RunningSandbox, transactional_db: None
    ) -> None:
        lab = replace(EVENT, direction="j2a", source_id=OF_LAB, project_key=None, connector_id=factories.CONNECTOR_ID)
        theirs(bare_connector, told(lab, minutes(0)))
        row = HistoryRow.objects.get(connector=bare_connector, line__isnull=False)
        assert (row.project_key, row.project_stated) == ("", False)
        connector = factories.refreshed(bare_connector)
        row.refresh_from_db()
        assert (row.project_key, row.project_stated) == ("LAB", True)
        assert differences() == []
        sandbox.edit("rename_project", key="LAB", new_key="HAND")
        factories.refreshed(connector)
        row.refresh_from_db()
        assert row.project_key == "HAND"
        assert ":project:hand" in row.text
        assert differences() == []

    def test_a_person_who_has_another_name_since_keeps_the_one_of_that_time(
        self, history: Connector, people: dict[Role, Person], reviewer: Client
    ) -> None:
        Person.objects.filter(pk=people[Role.ADMIN].pk).update(name="Somebody Else")
        assert differences() == []
        html = text_of(reviewer, "/history/")
        assert "<bdi>Admin</bdi>" in html
        assert "Somebody Else" not in html

    def test_what_is_written_while_it_is_compared(self, history: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half of it is seen first, and all of it when it is looked at again."""
        entries = comparison.rows_of_entries(None)
        missing = replace_page(entries, [Difference(kind="missing", table="rows", seq=81, sentence="Half written.")])
        pages = iter([missing, entries])
        look = TableComparison(name="rows", page=lambda _: next(pages))
        assert verification._page(look, None).found == []


def replace_page(page: Page, found: list[Difference]) -> Page:
    return Page(following=page.following, rows=page.rows, found=found)


class TestChecks:
    @pytest.mark.usefixtures("processes")
    def test_it_goes_on_where_a_killed_worker_left_it(
        self, history: Connector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(comparison, "SIZE", 10)
        monkeypatch.setattr(verification, "PROGRESS_EVERY", 0)
        check = verification.ask(actor=None)
        seen: list[object] = []
        page = comparison.rows_of_entries

        def dies(position: object) -> Page:
            seen.append(position)
            if len(seen) == 4:
                raise SystemExit  # nothing of the worker's own hears it
            return page(position)

        entries = next(each for each in verification.comparisons() if each.name == "rows of entries")
        dying = TableComparison(name=entries.name, page=dies)
        monkeypatch.setattr(comparison, "COMPARISONS", (dying, *comparison.COMPARISONS[1:]))
        with pytest.raises(SystemExit):
            runner.run_jobs()
        check.refresh_from_db()
        assert (check.state, check.position) == ("running", 30)
        assert runner.run_jobs() == 0  # its lease has not run out
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert runner.run_jobs() == 1
        check.refresh_from_db()
        assert (check.state, check.differences, check.job.epoch) == ("done", 0, 2)
        assert seen[:5] == [None, 10, 20, 30, 30]

    def test_there_is_one_at_a_time(self, history: Connector, reviewer: Client, tmp_path: Path) -> None:
        reviewer.post("/history/verify/")
        reviewer.post("/history/verify/")
        assert Verification.objects.count() == 1
        run = runner.claim("first")
        assert run is not None
        other = verification.ask(actor=None, folder=tmp_path)
        assert other.job_id != run.job.pk
        assert runner.claim("second", other.job_id) is None
        runner.execute(run)
        assert runner.run_jobs() == 1
        other.refresh_from_db()
        assert other.state == JobState.DONE

    def test_a_command_first_ends_another_check_that_was_left_alone(self, history: Connector, tmp_path: Path) -> None:
        left = verification.ask(actor=None)
        assert runner.claim("a worker that is killed") is not None
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        told: list[str] = []
        asked = verification.ask(actor=None, folder=tmp_path)
        other = verification.run_now(asked, lambda item, done: told.append(f"{item}: {done}"))
        left.refresh_from_db()
        assert (left.state, other.state) == (JobState.DONE, JobState.DONE)
        assert "chain of entries: 0" in told

    def test_it_is_done_once_when_its_worker_dies_right_after_its_entry(self, history: Connector) -> None:
        check = verification.ask(actor=None)
        run = runner.claim("a worker that is killed")
        assert run is not None
        verification.verify_history(run)  # and the end of the job is not written
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert runner.run_jobs() == 1
        check.refresh_from_db()
        assert (check.state, check.job.state, check.job.epoch) == (JobState.DONE, JobState.DONE, 2)
        assert Entry.objects.filter(action=verification.VERIFIED).count() == 1

    def test_the_page_shows_how_far_it_is_until_its_end(self, history: Connector, reviewer: Client) -> None:
        reviewer.post("/history/verify/")
        run = runner.claim("this test")
        assert run is not None
        run.job.item, run.job.done, run.job.total = "rows of lines", 120, 500
        run.write()
        html = text_of(reviewer, "/history/verification/")
        assert "rows of lines, 120 of 500 rows read" in html
        waiting = reviewer.get("/history/verification/", headers={"HX-Request": "true"})
        assert "HX-Refresh" not in waiting.headers
        runner.execute(run)
        assert reviewer.get("/history/verification/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"

    def test_it_is_done_once_a_night(self, history: Connector, settings: Settings) -> None:
        settings.VERIFY_HOUR = (timezone.now().hour - 1) % 24
        with triggers.lifted():
            Entry.objects.filter(seq=1).update(at=NOON - timedelta(days=900))
        run_due()
        assert Verification.objects.filter(by_the_clock=True, job__state=JobState.DONE).count() == 1
        run_due()
        assert Verification.objects.count() == 1
        Verification.objects.update(created_at=timezone.now() - timedelta(days=1, hours=1))
        run_due()
        assert Verification.objects.count() == 2

    def test_an_entry_that_cannot_be_read_is_told_by_a_check_that_goes_on(
        self, history: Connector, reviewer: Client
    ) -> None:
        entry = Entry.objects.get(action="case.explained")
        with triggers.lifted():
            Entry.objects.filter(pk=entry.pk).update(body="x")
        sql("UPDATE connectors_historyrow SET reason = 'x' WHERE entry_seq = 3")
        check = verification.run_now(verification.ask(actor=None))
        assert (check.state, check.job.error) == ("done", "")
        found = verification.last_found()
        assert found is not None
        assert f"The chain is broken: entry {entry.seq} is not what was written" in found.sentence
        told_of = [each["sentence"] for each in check.found]
        assert "Cannot compare the rest of cases: an entry or a row cannot be read (JSONDecodeError)." in told_of
        assert any("entry 3" in each.lower() for each in told_of), told_of
        assert f"Entry {entry.seq} cannot be read" in text_of(reviewer, f"/history/{entry.seq}/")

    @pytest.mark.parametrize("name", ["event", "connector", "actor", "people"])
    def test_a_row_whose_entry_holds_something_else_is_shown_as_differing(
        self, history: Connector, reviewer: Client, name: str
    ) -> None:
        entry = Entry.objects.get(seq=3)
        with triggers.lifted():
            Entry.objects.filter(pk=3).update(body=canonical({**json.loads(entry.body), name: "x"}))
        page = reviewer.get("/history/3/")
        assert page.status_code == 200
        assert "Entry 3 cannot be read" in page.content.decode()

    def test_what_it_found_is_believed_from_its_entry_alone(self, history: Connector, reviewer: Client) -> None:
        """Neither the table of checks nor an entry that was edited makes a row verified."""
        job = Job.objects.create(kind=JobKind.VERIFY, state=JobState.DONE, finished_at=timezone.now())
        made = Verification.objects.create(job=job, created_at=timezone.now())
        Verification.objects.filter(pk=made.pk).update(until_seq=10**6, until_line=10**6, entry_seq=1)
        assert "verified up to entry" not in text_of(reviewer, "/history/")
        sql("UPDATE connectors_historyrow SET reason = 'x' WHERE entry_seq = 3")
        reviewer.post("/history/verify/")
        run_due()
        assert "checked, differences found" in text_of(reviewer, "/history/")
        entry = Entry.objects.latest("seq")
        with triggers.lifted():
            body = entry.body.replace('"differences":1', '"differences":0')
            Entry.objects.filter(pk=entry.pk).update(body=body)
        assert verification.last_found() is None

    def test_what_it_found_is_read_by_the_index_of_just_these_entries(self, history: Connector) -> None:
        """By the statement as it is run, with its value in a place of its own."""
        if connection.vendor == "postgresql":
            sql("SET LOCAL enable_seqscan = off")  # which is sooner for as few entries as these
        assert "entries_of_checks" in verification.entries_of_checks()[:1].explain()


class TestGuards:
    def test_a_trigger_that_does_nothing_is_found_and_mended(self, history: Connector) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER audit_entry_no_update")
                cursor.execute("CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT 1; END")
                what = "the trigger audit_entry_no_update"
            else:
                cursor.execute(
                    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN RETURN NEW; END $$"
                )
                what = "the function audit_refuse"
        assert triggers.missing() == []
        assert triggers.wrong() == [f"{what} does something else"]
        assert "W001" in str(triggers.check(None, ["default"]))
        with pytest.raises(SystemExit):
            call_command("verify_history")
        triggers.install()
        assert triggers.wrong() == []

    def test_a_trigger_that_is_switched_off_or_has_a_condition_is_found(self, history: Connector) -> None:
        if connection.vendor == "sqlite":  # which cannot switch one off
            name = "audit_entry_no_delete"
            sql(f"DROP TRIGGER {name}")
            refuse = "BEGIN SELECT RAISE(ABORT, 'The audit trail is only ever added to.'); END"
            sql(f"CREATE TRIGGER {name} BEFORE DELETE ON audit_entry WHEN OLD.seq < 0 {refuse}")
            assert triggers.wrong() == [f"the trigger {name} does something else"]
            return
        name = "audit_entry_no_change"
        sql(f"ALTER TABLE audit_entry ENABLE REPLICA TRIGGER {name}")
        assert triggers.wrong() == [f"the trigger {name} does something else"]
        sql(
            f"CREATE OR REPLACE TRIGGER {name} BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW"
            " WHEN (OLD.seq < 0) EXECUTE FUNCTION audit_refuse()"
        )
        assert triggers.wrong() == [f"the trigger {name} does something else"]

    def test_what_was_altered_while_the_triggers_were_gone_is_named(
        self, history: Connector, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, (table, _) in triggers.wanted(connection.vendor).items():
            sql(f"DROP TRIGGER {name}" + ("" if connection.vendor == "sqlite" else f" ON {table}"))
        sql("UPDATE audit_entry SET body = replace(body, 'A reason', 'No reason') WHERE seq = 40")
        sql("UPDATE connectors_mirrorline SET description = replace(description, 'QA', 'UAT')")
        triggers.install()
        assert triggers.wrong() == []
        with pytest.raises(SystemExit):
            call_command("verify_history")
        said = capsys.readouterr().err
        assert "The chain is broken: entry 40 is not what was written" in said
        assert "36 differences between the rows and what they were made from were found" in said


class TestRebuilding:
    def test_what_was_forged_is_made_again_and_nothing_else_is_touched(
        self, history: Connector, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = list(HistoryRow.objects.order_by("entry_seq", "line").exclude(entry_seq=73).values())
        whole = HistoryRow.objects.filter(entry_seq=73).values().get()
        sql("UPDATE connectors_historyrow SET person_name = 'Eli', text = 'eli' WHERE entry_seq = 73")
        outside = HistoryRow.objects.filter(source="outside").order_by("line")[0]
        sql(f"UPDATE connectors_historyrow SET source = 'alignadmin', after_name = 'x' WHERE id = {outside.pk}")
        call_command("rebuild_history")
        assert "differences of rows from their entries and lines were repaired" in capsys.readouterr().out
        assert differences() == []
        after = HistoryRow.objects.order_by("entry_seq", "line").exclude(entry_seq=73).exclude(action="history.rebuilt")
        assert list(after.values()) == before
        assert HistoryRow.objects.filter(entry_seq=73).values().get() == whole
        assert Entry.objects.latest("seq").action == "history.rebuilt"

    def test_rows_that_are_gone_invented_or_paired_wrongly_are_put_right(self, history: Connector) -> None:
        HistoryRow.objects.filter(entry_seq__in=(5, 60)).delete()
        HistoryRow.objects.filter(source="outside").order_by("line").last().delete()  # type: ignore[union-attr]
        HistoryRow.objects.filter(entry_seq=20).update(line=None, certainty="", identical=0)
        invented = HistoryRow.objects.get(entry_seq=30)
        invented.pk, invented.entry_seq, invented.line = None, None, None
        invented.save()
        rebuilding.rebuild(actor=None)
        assert differences() == []
        assert rebuilding.rebuild(actor=None).count == 0

    def test_the_search_finds_what_was_made_again(self, history: Connector, reviewer: Client) -> None:
        sql("UPDATE connectors_historyrow SET text = 'hidden' WHERE entry_seq = 73")
        assert "#73<" not in text_of(reviewer, "/history/?q=%22Change+72%22")
        rebuilding.rebuild(actor=None)
        assert "#73<" in text_of(reviewer, "/history/?q=%22Change+72%22")


class TestWrittenAnew:
    def test_everything_with_new_hashes_is_caught_by_the_copies_of_checkpoints(self, history: Connector) -> None:
        """Entry, chain, head, row, and the runs that saw the head: all of it agrees, and the copies do not."""
        checkpoints.make(checkpoints.COMMAND)
        deliveries.deliver_due()
        assert chain.verify().ok
        forged = mutations.load()
        for place, row in enumerate(forged.entries):
            if row["action"] == "change.done":
                said = json.loads(row["body"])
                said["actor"]["name"] = "Eli"
                forged.entries[place]["body"] = canonical(said)
        mutations.rehash(forged)
        hashes = {row["seq"]: row["hash"] for row in forged.entries} | {0: "0" * 64}
        with triggers.lifted():
            mutations.resign(forged)
            mutations.store(forged)
            _write_runs_anew(hashes)
            mutations.rehash(forged := mutations.load())
            mutations.resign(forged)
            mutations.store(forged)
        rebuilding.rebuild(actor=None)  # the rows follow
        assert HistoryRow.objects.filter(person_name="Eli").count() == 80
        assert differences() == []
        verdict = chain.verify()
        assert not verdict.ok
        assert "is not the one that was delivered" in verdict.sentence


def _write_runs_anew(hashes: dict[int, str]) -> None:
    prev = run_digest.START
    for run in IntakeRun.objects.order_by("number"):
        run.prev, run.head_hash = prev, hashes[run.head_seq]
        prev = run.hash = run_digest.hash_of(run_digest.facts(run))
        IntakeRun.objects.filter(pk=run.pk).update(prev=run.prev, head_hash=run.head_hash, hash=run.hash)
        entry = Entry.objects.get(seq=run.entry_seq)
        said = json.loads(entry.body)
        said["data"]["run"] |= {"prev": run.prev, "head_hash": run.head_hash, "hash": run.hash}
        Entry.objects.filter(pk=entry.pk).update(body=canonical(said))


def test_a_blank_row_is_what_its_model_makes() -> None:
    fields = [field.attname for field in HistoryRow._meta.concrete_fields]
    ours, models_own = projection.blank(action="created", connector_id=7), HistoryRow(action="created", connector_id=7)
    assert [getattr(ours, name) for name in fields] == [getattr(models_own, name) for name in fields]
    assert ours._state.adding
    assert ours.candidates is not projection.blank().candidates


@pytest.mark.parametrize("page", [comparison.rows_of_lines, case_copies.all_cases])
def test_a_page_never_goes_through_all_rows_without_an_entry(
    align: Connector, page: Callable[[Position], Page]
) -> None:
    """Or a history ten times as long takes a hundred times as long."""
    theirs(align, told(EVENT, NOON))
    with CaptureQueriesContext(connection) as asked:
        assert page(0).rows == 1
    if connection.vendor != "sqlite":
        return  # PostgreSQL chooses by what it knows of the table's values
    steps: list[str] = []
    with connection.cursor() as cursor:
        for query in asked:
            if 'FROM "connectors_historyrow"' in query["sql"]:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                steps += [step for *_, step in cursor.fetchall()]
    assert steps
    assert not [step for step in steps if "(entry_seq=?)" in step]

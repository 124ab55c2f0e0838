"""Archives: written, read back and checked; entries leave only when they may, and nothing is ever lost."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Role
from alignadmin.audit import archive, archive_index, checkpoints, deliveries, standalone_checker, triggers, verification
from alignadmin.audit.archive import NotArchived
from alignadmin.audit.models import Archive, ChainHead, Checkpoint, Entry
from connectors.models import HistoryRow
from tests.alignadmin.audit.test_audit_trail import append_some, tamper
from tests.support.crash import crashes

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=500)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return monkeypatch


@pytest.fixture
def old(clock: pytest.MonkeyPatch) -> None:
    """Ten entries and three checkpoints of 500 days ago, and five entries of today."""
    for count in (4, 0, 6):
        append_some(count)
        checkpoints.make(checkpoints.HOUR)
    clock.setattr(timezone, "now", lambda: LATER)
    append_some(5)
    checkpoints.make(checkpoints.HOUR)
    deliveries.deliver_due()


def run(*options: str) -> str:
    out = StringIO()
    call_command("archive_history", *options, stdout=out)
    return out.getvalue()


def only_file(settings: Settings) -> Path:
    (path,) = Path(settings.ARCHIVE_FOLDER).glob("*.zip")  # drafts of killed runs have another name
    return path


# -- writing ----------------------------------------------------------------------------------------------------------


def test_an_archive_is_a_file_that_the_checker_checks(old: None, settings: Settings) -> None:
    assert "holds the entries 1 to 10" in run()
    path = only_file(settings)
    report = standalone_checker.check(path, standalone_checker.read_copies(Path(settings.CHECKPOINT_FOLDER)))
    assert report.ok, report.wrong
    assert report.remarks == []
    assert (report.first, report.last, report.entries, report.checkpoints) == (1, 10, 10, 3)
    with zipfile.ZipFile(path) as made:
        assert {"README.txt", "checker.py", "manifest.json", "manifest.sig"} <= set(made.namelist())
        assert json.loads(made.read("manifest.json"))["kind"] == "archive"
    assert Entry.objects.filter(seq__lte=10).count() == 10
    assert '"removed":false' in Entry.objects.get(action="history.archived").body
    assert verification.verify().ok


def test_written_twice_it_is_one(old: None, settings: Settings) -> None:
    assert run() == run()
    only_file(settings)
    assert Archive.objects.count() == Entry.objects.filter(action="history.archived").count() == 1


def test_an_earlier_end_may_be_asked_for(old: None) -> None:
    with pytest.raises(CommandError, match="There is nothing to archive"):
        run("--until", "2026-02-27")
    assert "holds the entries 1 to 10" in run("--until", "2026-03-02")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-31", "", "2026-13-01", "9" * 50])
def test_it_refuses_what_is_no_day(old: None, day: str) -> None:
    with pytest.raises(CommandError, match="is not a date"):
        run("--until", day)


def test_it_refuses_what_is_younger_than_twelve_months(old: None, clock: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="younger than 12 months stay"):
        run("--until", f"{LATER:%Y-%m-%d}")
    clock.setattr(timezone, "now", lambda: NOW + timedelta(days=360))
    with pytest.raises(CommandError, match="nothing to archive"):
        run()


def test_it_refuses_a_history_that_does_not_hold(old: None, settings: Settings) -> None:
    tamper("UPDATE audit_entry SET body = replace(body, 'Planned 3', 'Planned 4') WHERE seq = 4")
    with pytest.raises(CommandError, match="entry 4 is not what was written"):
        run()
    assert not list(Path(settings.ARCHIVE_FOLDER).glob("*"))
    assert not Archive.objects.exists()


def test_it_refuses_a_file_that_stands_in_its_way(old: None, settings: Settings) -> None:
    folder = Path(settings.ARCHIVE_FOLDER)
    folder.mkdir(parents=True)
    (folder / "history-000000001-000000010.zip").write_text("something else")
    with pytest.raises(CommandError, match="is not a whole zip file"):
        run()
    assert only_file(settings).read_text() == "something else"


def test_a_folder_that_cannot_be_written_is_told(old: None, settings: Settings) -> None:
    folder = Path(settings.ARCHIVE_FOLDER)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file")
    with pytest.raises(CommandError, match="Check ARCHIVE_FOLDER"):
        run()


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2028-02-29", 12, "2027-02-28"),
        ("2026-03-31", 13, "2025-02-28"),
        ("2026-01-15", 24, "2024-01-15"),
        ("2026-12-31", 18, "2025-06-30"),
        ("2026-12-31", 12, "2025-12-31"),
    ],
)
def test_months_are_those_of_the_calendar(day: str, months: int, expected: str) -> None:
    assert f"{archive.months_before(datetime.fromisoformat(day), months):%Y-%m-%d}" == expected


# -- removing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept_a_year(old: None, settings: Settings) -> None:
    settings.RETENTION_MONTHS = 12


@pytest.mark.parametrize(("months", "why"), [(0, "stay for good"), (6, "less than 12 is never kept"), (24, "nothing")])
def test_it_refuses_to_remove_what_has_to_be_kept(kept_a_year: None, settings: Settings, months: int, why: str) -> None:
    settings.RETENTION_MONTHS = months
    with pytest.raises(CommandError, match=why):
        run("--remove")
    assert Entry.objects.filter(seq__lte=10).count() == 10
    settings.RETENTION_MONTHS = 12
    assert "10 entries were removed from the database" in run("--remove")


def test_the_chain_holds_without_the_entries_and_says_where_they_are(kept_a_year: None, settings: Settings) -> None:
    run("--remove")
    assert Entry.objects.order_by("seq")[0].seq == 11
    assert ChainHead.objects.get().archived_seq == 10
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert "The chain holds: 7 entries, from 11 to 17" in verdict.sentence
    assert "Entries 1 to 10 stand in the archive history-000000001-000000010.zip, which holds, too." in verdict.sentence
    only_file(settings).unlink()
    verdict = verification.verify()
    assert verdict.ok
    assert "which is not at hand: put it into" in verdict.sentence
    assert triggers.missing() == []
    with pytest.raises(DatabaseError), transaction.atomic():
        Entry.objects.filter(seq=11).delete()


def test_the_rows_of_the_history_stay_and_say_where_their_entry_is(
    kept_a_year: None, signed_in: Callable[[Role], Client]
) -> None:
    before = set(HistoryRow.objects.values_list("entry_seq", "sentence"))
    run("--remove")
    assert before <= set(HistoryRow.objects.values_list("entry_seq", "sentence"))
    assert archive_index.holding(10) == archive_index.Holding(
        name="history-000000001-000000010.zip", removed_at=Archive.objects.get().removed_at or LATER
    )
    assert archive_index.holding(11) is None
    row = HistoryRow.objects.get(entry_seq=3)
    shown = signed_in(Role.REVIEWER).get(reverse("history-row", args=[row.number])).content.decode()
    assert "history-000000001-000000010.zip</bdi>; removed from this database" in shown
    assert "is missing" not in shown


def test_the_next_archive_goes_on_where_the_last_one_ended(
    kept_a_year: None, clock: pytest.MonkeyPatch, settings: Settings
) -> None:
    run("--remove")
    with pytest.raises(CommandError, match="nothing to archive"):
        run("--remove")
    clock.setattr(timezone, "now", lambda: LATER + timedelta(days=400))
    assert "holds the entries 11 to " in run("--remove")
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert verdict.sentence.count("which holds, too") == 2
    second = sorted(Path(settings.ARCHIVE_FOLDER).iterdir())[1]
    assert standalone_checker.check(second, standalone_checker.read_copies(Path(settings.CHECKPOINT_FOLDER))).ok


def altered_file(settings: Settings) -> None:
    path = only_file(settings)
    path.write_bytes(path.read_bytes() + b"x")


def forged_head(settings: Settings) -> None:
    with triggers.lifted():
        Entry.objects.filter(seq=11).delete()
    ChainHead.objects.update(archived_seq=11, archived_hash=Entry.objects.get(seq=12).prev)


def forged_archive(settings: Settings) -> None:
    with triggers.lifted():
        Entry.objects.filter(seq=11).delete()
    of = {"path": "x.zip", "size": 1, "sha256": "0" * 64, "created_at": NOW, "removed_at": NOW}
    Archive.objects.create(first_seq=11, last_seq=11, checkpoint=Checkpoint.objects.all()[0], **of)
    ChainHead.objects.update(archived_seq=11, archived_hash=Entry.objects.get(seq=12).prev)


def lost_archive(settings: Settings) -> None:
    Archive.objects.all().delete()


@pytest.mark.parametrize(
    ("forge", "wrong"), [(altered_file, 1), (forged_head, 11), (forged_archive, 11), (lost_archive, 1)]
)
def test_what_is_neither_here_nor_in_a_signed_archive_is_found(
    kept_a_year: None, settings: Settings, forge: object, wrong: int
) -> None:
    run("--remove")
    assert verification.verify().ok
    assert callable(forge)
    forge(settings)
    verdict = verification.verify()
    assert not verdict.ok
    assert verdict.first_wrong_seq == wrong


def test_a_file_that_was_altered_since_lets_nothing_leave(kept_a_year: None, settings: Settings) -> None:
    made = archive.write(archive.end_of_prefix(LATER, to_remove=True), actor=None)
    altered_file(settings)
    with pytest.raises(NotArchived, match="is not there as it was written"):
        archive.remove(made, actor=None, now=LATER)
    assert Entry.objects.filter(seq__lte=10).count() == 10


def test_two_runs_at_once_remove_it_once(kept_a_year: None) -> None:
    made = archive.write(archive.end_of_prefix(LATER, to_remove=True), actor=None)
    assert archive.remove(made, actor=None, now=LATER) == 10
    with pytest.raises(NotArchived, match="Another run has archived meanwhile"):
        archive.remove(made, actor=None, now=LATER)


def test_an_entry_that_should_have_left_before_lets_nothing_leave(kept_a_year: None, clock: pytest.MonkeyPatch) -> None:
    stray = Entry.objects.get(seq=3)
    run("--remove")
    stray.save(force_insert=True)
    end = Checkpoint.objects.filter(seq__gt=10).order_by("number")[0]
    much_later = LATER + timedelta(days=400)
    clock.setattr(timezone, "now", lambda: much_later)
    made = archive.write(end, actor=None, now=much_later)
    with pytest.raises(NotArchived, match="the archive holds another number: nothing was removed"):
        archive.remove(made, actor=None, now=much_later)
    assert Entry.objects.filter(seq=3).exists()
    assert Entry.objects.filter(seq__gt=10, seq__lte=end.seq).count() == end.seq - 10


# -- killed -----------------------------------------------------------------------------------------------------------


def archive_everything(archives: str, folder: str, now: str) -> None:
    from django.conf import settings

    settings.ARCHIVE_FOLDER, settings.CHECKPOINT_FOLDER, settings.RETENTION_MONTHS = Path(archives), Path(folder), 12
    at = datetime.fromisoformat(now)
    made = archive.write(archive.end_of_prefix(at, to_remove=True), actor=None, now=at)
    archive.remove(made, actor=None, now=at)


@pytest.mark.usefixtures("processes")
def test_killed_at_any_point_nothing_is_lost(kept_a_year: None, settings: Settings) -> None:
    """Before each run and after each kill every old entry is in the database or in an archive that holds."""
    done: list[Path] = []

    def begin() -> list[str]:
        return [str(settings.ARCHIVE_FOLDER), str(settings.CHECKPOINT_FOLDER), LATER.isoformat()]

    for crash in crashes(archive_everything, begin):
        verdict = verification.verify()
        assert verdict.ok, (crash, verdict.sentence)
        gone = ChainHead.objects.get().archived_seq
        assert gone in (0, 10)
        assert Entry.objects.filter(seq__lte=10).count() == 10 - gone
        assert triggers.missing() == []
        if gone:
            done.append(only_file(settings))
            break
    assert done
    assert "which holds, too" in verification.verify().sentence


def test_it_is_refused_while_the_entry_about_it_cannot_be_written(
    kept_a_year: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise DatabaseError("the disk is full")

    made = archive.write(archive.end_of_prefix(LATER, to_remove=True), actor=None)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_record", refuse)
        with pytest.raises(DatabaseError):
            archive.remove(made, actor=None, now=LATER)
    assert Entry.objects.filter(seq__lte=10).count() == 10
    assert triggers.missing() == []
    connection.close()
    assert archive.remove(made, actor=None, now=LATER) == 10

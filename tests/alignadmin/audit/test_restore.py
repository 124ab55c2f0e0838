"""After a restore: what fits, what is lost, how the history says so, and that nothing else passes as a restore."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from alignadmin.audit import checkpoints, deliveries, standalone_checker, triggers, verification
from alignadmin.audit.models import ChainHead, Checkpoint, CheckpointDelivery, Entry
from connectors.models import HistoryRow
from tests.alignadmin.audit.test_audit_trail import append_some
from tests.alignadmin.audit.test_checker import run, zipped
from tests.environment import PASSWORD
from tests.support.processes import Site, migrated_site

AT = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
WHY = "The disk failed on Sunday; restored from Saturday's backup."
GAP = "A GAP WAS DECLARED"

in_the_database = pytest.mark.django_db


def checkpoint(hour: int) -> Checkpoint:
    return checkpoints.make(checkpoints.HOUR, now=AT + timedelta(hours=hour))


def hours(first: int, last: int) -> None:
    for hour in range(first, last + 1):
        append_some(4)
        checkpoint(hour)
    deliveries.deliver_due()


def restore(number: int) -> None:
    """As the database was when checkpoint `number` had been made; the folder keeps what was delivered since."""
    last = Checkpoint.objects.filter(number=number).first()
    seq = last.seq if last else 0
    with triggers.lifted():
        CheckpointDelivery.objects.filter(checkpoint__number__gt=number).delete()
        Checkpoint.objects.filter(number__gt=number).delete()
        Entry.objects.filter(seq__gt=seq).delete()
        HistoryRow.objects.filter(entry_seq__gt=seq).delete()
        ChainHead.objects.update(seq=seq, hash=json.loads(last.body)["hash"] if last else standalone_checker.START)


@pytest.fixture
def folder(db: None, settings: Settings) -> Path:
    """Six hours were delivered, and the database is the one of the third."""
    hours(1, 6)
    restore(3)
    return Path(settings.CHECKPOINT_FOLDER)


def declared(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    call_command("history_restored", reason=WHY, **options)
    return capsys.readouterr().out


# -- before it is declared ---------------------------------------------------------------------------------------------


@in_the_database
def test_a_restored_history_fails_its_check_and_says_what_to_do(folder: Path) -> None:
    verdict = verification.verify()
    assert not verdict.ok
    assert "checkpoint 4, delivered at" in verdict.sentence
    assert "history_restored" in verdict.sentence


@in_the_database
def test_no_checkpoint_takes_the_number_of_one_that_was_delivered(folder: Path, settings: Settings) -> None:
    append_some(1)
    with pytest.raises(
        CommandError, match=r"CHECKPOINT_FOLDER holds checkpoint 6, but this database ends with 3.*history_restored"
    ):
        call_command("checkpoint")
    assert Checkpoint.objects.count() == 3
    settings.CHECKPOINT_INTERVAL = 3600.0
    assert checkpoints.make_due() == 0


@in_the_database
def test_the_clock_warns_once_an_hour_and_not_at_each_tick(
    folder: Path, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_warned", None)
    settings.CHECKPOINT_INTERVAL = 3600.0
    for _ in range(3):
        checkpoints.make_due()
    assert 1 <= len([each for each in caplog.messages if "was not made" in each]) <= 2


# -- the declaration ---------------------------------------------------------------------------------------------------


@in_the_database
def test_a_signed_entry_names_the_gap_and_every_check_tells_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = declared(capsys)
    assert "Entry 13 and checkpoint 7 declare the gap" in said
    entry = Entry.objects.get(action="history.restored")
    body = json.loads(entry.body)
    assert body["reason"] == WHY
    assert "ended with entry 12 and checkpoint 3. Checkpoints 4 to 6" in body["sentence"]
    assert (body["data"]["common"], body["data"]["last"], body["data"]["seq"]) == (3, 6, 24)
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert any(GAP in remark and "checkpoints 4 to 6" in remark for remark in verdict.remarks)
    hours(8, 9)
    later = verification.verify()
    assert later.ok, later.sentence
    assert GAP in later.sentence, "the gap stays visible"
    assert HistoryRow.objects.filter(action="history.restored").exists()


@in_the_database
def test_the_numbers_of_lost_checkpoints_are_given_to_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared(capsys)
    hours(8, 9)
    assert list(Checkpoint.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 7, 8, 9]
    assert len(list(folder.rglob("*.json"))) == 9
    assert not CheckpointDelivery.objects.filter(delivered_at=None).exists()


@in_the_database
def test_a_backup_from_before_the_first_checkpoint_is_declared_likewise(
    db: None, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    hours(1, 2)
    restore(0)
    declared(capsys)
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert GAP in verdict.sentence
    assert list(Checkpoint.objects.values_list("number", flat=True)) == [3]


@in_the_database
def test_a_second_restore_is_a_second_gap(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared(capsys)
    hours(8, 10)
    restore(8)
    assert not verification.verify().ok
    declared(capsys)
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert verdict.sentence.count(GAP) == 2


@in_the_database
def test_checkpoints_that_were_made_after_the_restore_stay_and_the_copies_are_of_the_lost_ones(
    folder: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder was restored, too; the copies come from somewhere else."""
    settings.CHECKPOINT_FOLDER = tmp_path / "new"
    hours(14, 15)
    assert "is not the one that was delivered" in verification.verify(folder=folder).sentence
    assert "checkpoint 7 declare the gap" in declared(capsys, checkpoints=folder)
    for copies in (folder, Path(settings.CHECKPOINT_FOLDER)):
        verdict = verification.verify(folder=copies)
        assert verdict.ok, verdict.sentence
        assert "ended with checkpoint 3; checkpoints 4 to 6" in verdict.sentence


@in_the_database
def test_nothing_is_declared_where_nothing_is_lost(db: None, settings: Settings, tmp_path: Path) -> None:
    hours(1, 3)
    with pytest.raises(CommandError, match="Nothing is lost"):
        call_command("history_restored", reason=WHY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="Nothing is lost"):
        call_command("history_restored", reason=WHY, checkpoints=tmp_path / "empty")
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("history_restored", reason=WHY, checkpoints=tmp_path / "none")
    with pytest.raises(CommandError, match="Say why"):
        call_command("history_restored", reason=" ")
    assert not Entry.objects.filter(action="history.restored").exists()


def edited(path: Path, **values: Any) -> None:
    record = json.loads(path.read_text())
    body = json.loads(record["body"]) | values
    path.write_text(json.dumps(record | {"body": json.dumps(body, sort_keys=True, separators=(",", ":"))}))


@in_the_database
def test_copies_that_this_installation_did_not_sign_are_no_gap(folder: Path) -> None:
    last = max(folder.rglob("*.json"))
    kept = last.read_text()
    edited(last, seq=9999)
    with pytest.raises(CommandError, match="Checkpoint 6 has a signature that does not fit"):
        call_command("history_restored", reason=WHY)
    last.write_text(kept)
    edited(last, key="0" * 16)
    with pytest.raises(CommandError, match="Checkpoint 6 has no key of this installation"):
        call_command("history_restored", reason=WHY)
    assert not Entry.objects.filter(action="history.restored").exists()


# -- what does not pass as a gap ---------------------------------------------------------------------------------------


@in_the_database
def test_a_copy_of_the_lost_time_that_was_altered_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared(capsys)
    for number in (4, 5, 6):
        (path,) = folder.rglob(f"checkpoint-{number:09d}.json")
        kept = path.read_text()
        edited(path, seq=1)
        verdict = verification.verify()
        assert not verdict.ok
        assert "declares as lost" in verdict.sentence
        path.write_text(kept)
    assert verification.verify().ok


@in_the_database
def test_an_end_that_is_cut_off_after_a_declared_gap_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared(capsys)
    hours(8, 9)
    restore(7)
    assert "checkpoint 8, delivered at" in verification.verify().sentence


Change = Callable[[dict[str, Any]], dict[str, Any]]


@in_the_database
@pytest.mark.parametrize(
    "change",
    [
        lambda gap: gap | {"common": 2},
        lambda gap: gap | {"after": 2},
        lambda gap: gap | {"until": 9},
        lambda gap: gap | {"digest": "0" * 64},
        lambda gap: gap | {"seq": 12},
        lambda _: {},
    ],
)
def test_a_declaration_that_was_rewritten_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str], change: Change
) -> None:
    declared(capsys)
    last = Checkpoint.objects.get(number=7)
    body = json.loads(last.body)
    body["gap"] = change(body["gap"])
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    with triggers.lifted():
        Checkpoint.objects.filter(number=7).update(body=text, hash=standalone_checker.checkpoint_digest(text))
    assert not verification.verify().ok


@in_the_database
def test_a_checkpoint_that_is_left_out_is_no_gap(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared(capsys)
    hours(8, 9)
    with triggers.lifted():
        CheckpointDelivery.objects.filter(checkpoint__number=8).delete()
        Checkpoint.objects.filter(number=8).delete()
    assert "checkpoint 8 is missing" in verification.verify().sentence


# -- packs -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
@in_the_database
def test_the_checker_takes_a_pack_over_a_declared_gap_only_with_a_note(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared(capsys)
    hours(8, 9)
    pack = zipped(tmp_path / "pack.zip", 6, 20)
    for arguments in ((pack,), (pack, "--checkpoints", folder)):
        code, said = run(*arguments)
        assert code == 0, said
        assert f"Note: {GAP}." in said
        assert "checkpoints 4 to 6" in said
    (lost,) = folder.rglob("checkpoint-000000005.json")
    edited(lost, seq=1)
    code, said = run(pack, "--checkpoints", folder)
    assert code == 1
    assert "checkpoint 6, delivered at" in said, "it does not follow the one that was altered"
    assert "declares as lost" in said


@pytest.mark.usefixtures("processes")
@in_the_database
def test_a_pack_of_what_came_after_the_gap_holds_too(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared(capsys)
    hours(8, 11)
    for first in (13, 14, 25):
        code, said = run(zipped(tmp_path / f"{first}.zip", first, 28), "--checkpoints", folder)
        assert code == 0, said


@pytest.mark.usefixtures("processes")
@in_the_database
def test_a_pack_without_the_declaring_checkpoint_was_cut(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared(capsys)
    hours(8, 9)
    unpacked = tmp_path / "pack"
    shutil.unpack_archive(zipped(tmp_path / "pack.zip", 6, 20), unpacked)
    lines = (unpacked / "checkpoints.jsonl").read_bytes().splitlines(keepends=True)
    (unpacked / "checkpoints.jsonl").write_bytes(b"".join(line for line in lines if b"gap" not in line))
    code, said = run(unpacked)
    assert code == 1
    assert "is missing" in said


# -- the drill: real processes, a real backup --------------------------------------------------------------------------


@pytest.fixture
def site(processes: None, tmp_path: Path) -> Iterator[Site]:
    with migrated_site(tmp_path / "var", CHECKPOINT_INTERVAL="0") as made:
        yield made


def back_up(site: Site, path: Path) -> None:
    """As docs/operations.md says, while web and worker run."""
    if site.database_url:
        subprocess.run(["pg_dump", "--format=custom", f"--file={path}", site.database_url], check=True, timeout=60)
        return
    with closing(sqlite3.connect(site.data_dir / "alignadmin.sqlite3")) as live, closing(sqlite3.connect(path)) as copy:
        live.backup(copy)


def put_back(site: Site, path: Path) -> None:
    """Nothing runs any more; what there was is gone."""
    if site.database_url:
        with psycopg.connect(site.database_url, autocommit=True) as emptied:
            emptied.execute("DROP SCHEMA public CASCADE")
            emptied.execute("CREATE SCHEMA public")
        put = ["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={site.database_url}", str(path)]
        subprocess.run(put, check=True, timeout=60)
        return
    for each in site.data_dir.glob("alignadmin.sqlite3*"):
        each.unlink()
    shutil.copy(path, site.data_dir / "alignadmin.sqlite3")


def admin(site: Site, email: str) -> None:
    site.command("createadmin", email, "--password-stdin", stdin=f"{PASSWORD}\n")


def test_the_drill_of_docs_operations(site: Site, tmp_path: Path) -> None:
    site.start_web()
    site.start_worker()
    admin(site, "before@example.test")
    site.command("checkpoint")
    back_up(site, tmp_path / "backup")
    admin(site, "after@example.test")
    site.command("checkpoint")
    site.stop()
    put_back(site, tmp_path / "backup")

    assert "checkpoint 2, delivered at" in failed(site, "verify_history")
    assert "history_restored" in failed(site, "checkpoint")
    assert "declare the gap" in site.command("history_restored", "--reason", WHY)
    said = site.command("verify_history")
    assert "The chain holds" in said
    assert GAP in said
    assert "Checkpoint 4" in site.command("checkpoint")
    again = Site(data_dir=site.data_dir, database_url=site.database_url)
    try:
        again.start_web()
        session = again.signed_in("before@example.test")
        shown = session.get(f"{again.url}/history/?q=restored", timeout=10).text
        assert "restored from a backup that ended with entry" in shown
        with pytest.raises(AssertionError):
            again.signed_in("after@example.test")
        assert requests.get(f"{again.url}/healthz", timeout=10).status_code == 200
    finally:
        again.stop()


def failed(site: Site, *arguments: str) -> str:
    """What the command says while it exits 1."""
    with pytest.raises(AssertionError, match="exit code 1") as told:
        site.command(*arguments)
    return str(told.value)

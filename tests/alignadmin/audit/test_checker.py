"""The stand-alone checker as an auditor runs it: with Python and cryptography alone, on good and on bad input."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from alignadmin.audit import bundle, checkpoints, deliveries, standalone_checker
from tests.alignadmin.audit.test_audit_trail import append_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("processes")]
AT = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)


def checkpoint(hour: int) -> None:
    checkpoints.make(checkpoints.HOUR, now=AT + timedelta(hours=hour))


@pytest.fixture
def copies(settings: Settings) -> Path:
    """Six hours of four entries each, with their checkpoints delivered."""
    for hour in range(6):
        append_some(4)
        checkpoint(hour)
    deliveries.deliver_due()
    return Path(settings.CHECKPOINT_FOLDER)


def zipped(path: Path, first: int | None, last: int | None) -> Path:
    """What is checked of every pack and archive, and a signed manifest; rows are in test_pack_truth."""
    own = checkpoints.make(checkpoints.PACK, now=AT + timedelta(hours=7))
    deliveries.deliver_due()
    span = bundle.span(first, last, own)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        writing = bundle.Writing(zip=made)
        writing.add_chain(span)
        writing.add("statements.txt", [b"What is ", b"not there\n"])
        writing.finish({"kind": "pack"}, span, own.at)
    return path


@pytest.fixture
def pack(copies: Path, tmp_path: Path) -> Path:
    return zipped(tmp_path / "pack.zip", 6, 14)


@pytest.fixture
def folder(pack: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(pack) as made:
        made.extractall(tmp_path / "pack")
    return tmp_path / "pack"


def run(*arguments: object, script: Path = Path(standalone_checker.__file__)) -> tuple[int, str]:
    """In a Python of its own that knows nothing of this product."""
    ran = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, arguments)],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout + ran.stderr


def said(path: Path, copies: Path | None = None) -> str:
    """In this process, and without the exit code where something is wrong."""
    return standalone_checker.text_of(
        standalone_checker.check(path, standalone_checker.read_copies(copies) if copies else None)
    )


# -- good packs -------------------------------------------------------------------------------------------------------


def test_a_pack_holds_as_zip_and_as_folder(pack: Path, folder: Path, copies: Path) -> None:
    expected = "Everything holds: 11 entries, from 6 to 16, 7 checkpoints.\n"
    for path in (pack, folder):
        assert run(path, "--checkpoints", copies) == (0, expected)


def test_the_checker_that_comes_with_a_pack_is_this_one(pack: Path, folder: Path, copies: Path) -> None:
    assert (folder / "checker.py").read_bytes() == Path(standalone_checker.__file__).read_bytes()
    assert run(pack, "--checkpoints", copies, script=folder / "checker.py")[0] == 0


def test_it_imports_nothing_but_the_standard_library_and_cryptography(pack: Path) -> None:
    source = Path(standalone_checker.__file__).read_text()
    names = {
        line.split()[1].split(".")[0] for line in source.splitlines() if line.strip().startswith(("import ", "from "))
    }
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_without_checkpoints_of_ones_own_it_says_what_it_cannot_know(pack: Path) -> None:
    code, text = run(pack)
    assert code == 0
    assert "Everything holds" in text
    assert "You gave no checkpoints of your own" in text
    assert checkpoints.public_keys()[0].key_id in text


def test_a_pack_without_any_checkpoint_is_told_to_prove_little(folder: Path) -> None:
    rewrite(folder, standalone_checker.CHECKPOINTS, b"")
    text = said(folder)
    assert "There is no checkpoint" in text
    assert "cannot be known" in text


def test_a_pack_without_entries_holds(copies: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "empty.zip", None, None)
    assert run(path, "--checkpoints", copies) == (0, "Everything holds: 0 entries, 1 checkpoints.\n")


def test_copies_may_stand_in_one_file_of_lines(pack: Path, copies: Path, tmp_path: Path) -> None:
    mailed = tmp_path / "mailed"
    mailed.mkdir()
    (mailed / "all.jsonl").write_text("".join(path.read_text() for path in sorted(copies.rglob("*.json"))))
    assert run(pack, "--checkpoints", mailed)[0] == 0


def test_copies_of_another_time_are_told_to_prove_nothing(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "None of the checkpoints you hold is in this pack" in run(pack, "--checkpoints", tmp_path / "none")[1]


# -- falsified packs --------------------------------------------------------------------------------------------------


def rewrite(folder: Path, name: str, raw: bytes) -> None:
    """As a forger would: the manifest says what the file is now, and is not signed any more."""
    (folder / name).write_bytes(raw)
    manifest = json.loads((folder / standalone_checker.MANIFEST).read_text())
    for each, of in manifest["files"].items():
        of["sha256"] = standalone_checker.PackFiles(folder).sha256(each)
    (folder / standalone_checker.MANIFEST).write_text(json.dumps(manifest))
    (folder / standalone_checker.SIGNATURE).unlink(missing_ok=True)


def edited(folder: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    rewrite(folder, name, b"".join(change((folder / name).read_bytes().splitlines(keepends=True))))


def test_an_altered_file_is_found_by_the_manifest(folder: Path) -> None:
    (folder / "statements.txt").write_text("Something else")
    assert "WRONG: statements.txt is not the file that manifest.json names." in said(folder)


def test_an_altered_manifest_is_found_by_its_signature(folder: Path) -> None:
    raw = (folder / standalone_checker.MANIFEST).read_text()
    (folder / standalone_checker.MANIFEST).write_text(raw.replace("pack", "Pack"))
    assert "manifest.json is not the one that the product signed" in said(folder)


def test_a_manifest_without_a_signature_is_told(folder: Path) -> None:
    (folder / standalone_checker.SIGNATURE).unlink()
    assert "manifest.json is not signed" in said(folder)


def test_the_first_wrong_entry_is_named(folder: Path) -> None:
    edited(
        folder, standalone_checker.ENTRIES, lambda lines: [line.replace(b"Planned 1 ", b"Planned 9 ") for line in lines]
    )
    code, text = run(folder)
    assert code == 1
    assert "WRONG: entry 6 is not what was written." in text
    assert "The first wrong entry is 6" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:3] + lines[4:], "entry 9 is missing"),
        (lambda lines: lines[1:], "the first entry is 7, not 6"),
        (lambda lines: lines[:-1], "the entries from 16 to 16 are missing: checkpoint 4 signed them"),
        (lambda lines: lines[:2] + lines[1:], "entry 8 is missing"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "entry 8 is missing"),
        (lambda _: [], "the first entry is None, not 6"),
    ],
)
def test_entries_that_are_not_there_are_found(
    folder: Path, change: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    edited(folder, standalone_checker.ENTRIES, change)
    assert told in said(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[1:], "checkpoint 1 is missing"),
        (lambda lines: [lines[0], *lines[2:]], "checkpoint 2 is missing"),
        (
            lambda lines: [line.replace(b"2026-03-01T12", b"2026-03-01T13") for line in lines],
            "is not signed by the key",
        ),
    ],
)
def test_checkpoints_that_are_not_what_was_signed_are_found(
    folder: Path, change: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    edited(folder, standalone_checker.CHECKPOINTS, change)
    assert told in said(folder)


def test_a_pack_that_knows_less_than_the_copies_was_cut_off(pack: Path, copies: Path) -> None:
    later = copies / "later"
    later.mkdir()
    made = checkpoints.make(checkpoints.HOUR, now=AT + timedelta(hours=6, minutes=30))
    (later / "one.json").write_text(json.dumps(deliveries.record(made)))
    assert "the end of the history was cut off or written anew" in said(pack, copies)


def test_two_copies_of_one_checkpoint_that_differ_are_a_fork(pack: Path, copies: Path) -> None:
    path = sorted(copies.rglob("*.json"))[2]
    record = json.loads(path.read_text())
    record["body"] = record["body"].replace('"cause":"hour"', '"cause":"Hour"')
    (copies / "another.json").write_text(json.dumps(record))
    code, text = run(pack, "--checkpoints", copies)
    assert (code, text) == (1, "WRONG: there are two different copies of checkpoint 3.\n")


def test_a_key_that_takes_the_name_of_another_is_found(folder: Path) -> None:
    keys = json.loads((folder / standalone_checker.KEYS).read_text())
    keys[0]["public"] = base64.b64encode(b"x" * 32).decode()
    rewrite(folder, standalone_checker.KEYS, json.dumps(keys).encode())
    assert "is not the key of that name" in said(folder)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["manifest.json", "entries.jsonl", "checkpoints.jsonl", "keys.json", "statements.txt"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    code, text = run(folder)
    assert code == 1
    assert text.startswith(f"WRONG: {name} is missing from the pack.\n")


def test_nothing_there_is_a_sentence(tmp_path: Path, pack: Path) -> None:
    code, text = run(tmp_path / "nothing.zip")
    assert (code, text) == (1, f"WRONG: there is no file or folder {tmp_path / 'nothing.zip'}.\n")
    assert run(pack, "--checkpoints", tmp_path / "nowhere")[0] == 1


def test_called_wrongly_it_exits_two() -> None:
    code, text = run()
    assert code == 2
    assert "usage" in text


GARBAGE = [
    b"not json",
    b"[]",
    b"null",
    b"{}",
    b'{"seq": "1"}',
    b'{"seq": 1, "prev": 1, "hash": 2, "body": 3}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"seq": ' + b"9" * 5000 + b"}",
    b'{"body": "{}", "signature": "x"}',
    b'{"body": "\\ud800", "signature": "\\ud800", "seq": 6, "prev": "\\ud800", "hash": "x"}',
]


@pytest.mark.parametrize("raw", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize(
    "name",
    [standalone_checker.ENTRIES, standalone_checker.CHECKPOINTS, standalone_checker.KEYS, standalone_checker.MANIFEST],
)
def test_garbage_is_a_sentence(folder: Path, name: str, raw: bytes) -> None:
    (folder / name).write_bytes(raw)
    report = standalone_checker.check(folder)
    assert not report.ok
    assert len(standalone_checker.text_of(report)) < 500


@pytest.mark.parametrize("raw", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_among_the_copies_is_a_sentence(pack: Path, copies: Path, raw: bytes) -> None:
    (copies / "garbage.json").write_bytes(raw)
    code, text = run(pack, "--checkpoints", copies)
    assert code == 1
    assert "garbage.json, line 1, is not a checkpoint" in text


def test_what_a_pack_says_does_not_reach_the_terminal_as_it_is(folder: Path) -> None:
    manifest = json.loads((folder / standalone_checker.MANIFEST).read_text())
    manifest["entries"]["first"] = "\x1b[2J\ud800" + "long" * 1000
    (folder / standalone_checker.MANIFEST).write_text(json.dumps(manifest))
    code, text = run(folder)
    assert code == 1
    assert "?[2J?longlong" in text
    assert len(text) < 2000


def test_a_huge_line_is_refused_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standalone_checker, "LONGEST_LINE", 1000)
    with (folder / standalone_checker.ENTRIES).open("ab") as file:
        file.write(b"x" * 2000)
    assert "entries.jsonl, line" in said(folder)
    assert "longer than 1000 bytes" in said(folder)


def test_a_zip_that_is_cut_off_anywhere_is_a_sentence(pack: Path, tmp_path: Path) -> None:
    raw = pack.read_bytes()
    cut = tmp_path / "cut.zip"
    for size in [0, 1, 100, len(raw) // 2, len(raw) - 30, len(raw) - 1]:
        cut.write_bytes(raw[:size])
        assert "is not a whole zip file; get it again" in said(cut)


def test_a_zip_with_any_damaged_byte_is_found_or_holds_the_same(pack: Path, tmp_path: Path) -> None:
    raw = bytearray(pack.read_bytes())
    rng = random.Random(5)
    damaged = tmp_path / "damaged.zip"
    wrong = 0
    for _ in range(60):
        at = rng.randrange(len(raw))
        damaged.write_bytes(bytes(raw[:at]) + bytes([raw[at] ^ (1 << rng.randrange(8))]) + bytes(raw[at + 1 :]))
        wrong += not standalone_checker.check(
            damaged
        ).ok  # a date in the zip's own lists says nothing about what it holds
    assert wrong > 40


def test_a_name_that_leads_outside_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / standalone_checker.MANIFEST).read_text())
    manifest["files"]["../../etc/passwd"] = {"sha256": "0" * 64}
    (folder / standalone_checker.MANIFEST).write_text(json.dumps(manifest))
    assert "../../etc/passwd is missing from the pack" in said(folder)


def test_a_folder_where_a_file_should_be_is_a_sentence(folder: Path) -> None:
    (folder / standalone_checker.ENTRIES).unlink()
    (folder / standalone_checker.ENTRIES).mkdir()
    assert "entries.jsonl is missing" in said(folder)
    shutil.rmtree(folder)
    assert "there is no file or folder" in said(folder)

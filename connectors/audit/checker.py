"""Checks an evidence pack or an archive of AlignAdmin's history without AlignAdmin.

    python checker.py PACK [--checkpoints FOLDER]

PACK is the zip file or the folder it was unpacked into; FOLDER holds the checkpoints that were delivered to you hour by
hour. It needs Python 3.10 or newer and the package `cryptography`. It exits with 0 when everything holds, with 1 when
something is wrong or cannot be read, and with 2 when it was called wrongly.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, BinaryIO

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # said in one line instead of a traceback
    sys.exit("This checker needs the package cryptography. Install it: python -m pip install cryptography")

START = "0" * 64
ENTRY_TAG, CHECKPOINT_TAG, FILE_TAG = b"alignadmin.audit.v1", b"alignadmin.checkpoint.v1", b"alignadmin.file.v1\n"
LONGEST_LINE = 32 * 1024 * 1024
LONGEST_SENTENCE = 600
BLOCK = 1024 * 1024
ENTRIES, CHECKPOINTS, KEYS, MANIFEST, SIGNATURE = (
    "entries.jsonl",
    "checkpoints.jsonl",
    "keys.json",
    "manifest.json",
    "manifest.sig",
)


class Wrong(Exception):
    """Something is not what was written; names the first wrong entry, or the wrong checkpoint, where one is known."""

    def __init__(self, why: str, *, seq: int | None = None, checkpoint: int | None = None) -> None:
        super().__init__(why)
        self.why, self.seq, self.checkpoint = why, seq, checkpoint


class Unreadable(Wrong):
    """A file is missing, cut off or not in the form it should have."""


# -- what is hashed and signed ----------------------------------------------------------------------------------------


def digest(prev: str, body: str) -> str:
    """The hash of an entry: SHA-256 over a tag, and the one before and the stored text, each after its length."""
    parts = (_bytes(prev), _bytes(body))
    return hashlib.sha256(ENTRY_TAG + b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def checkpoint_digest(body: str) -> str:
    """The hash of a checkpoint, which the next one names; its signature is over the text itself."""
    return hashlib.sha256(CHECKPOINT_TAG + _bytes(body)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON may hold half a character; what we write is plain ASCII


def file_text(raw: bytes) -> bytes:
    """What is signed of a manifest; no checkpoint's text begins so."""
    return FILE_TAG + raw


def key_id_of(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def fields(text: str | bytes) -> dict[str, Any]:
    """The object that a text holds in JSON; empty where it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class Keyring:
    """Public keys by their ids; an id is made from its key, so none can stand for another."""

    def __init__(self, known: Keyring | None = None) -> None:
        self._keys: dict[str, bytes] = dict(known._keys) if known else {}

    def add(self, key_id: object, public: object) -> None:
        try:
            raw = base64.b64decode(str(public), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32 or key_id != key_id_of(raw):
            raise Wrong(f"the public key {str(key_id)[:40]} is not the key of that name")
        self._keys[str(key_id)] = raw

    def ids(self) -> list[str]:
        return list(self._keys)

    def public(self, key_id: str) -> str:
        return base64.b64encode(self._keys.get(key_id, b"")).decode()

    def has_signed(self, key_id: str, signature: str, text: bytes) -> bool:
        if key_id not in self._keys:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self._keys[key_id]).verify(
                base64.b64decode(signature, validate=True), text
            )
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


# -- checkpoints ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """What a history that was restored from a backup has lost, as the first checkpoint afterwards declares it.

    Checkpoints after `common` up to `until` were delivered elsewhere and belong to what is lost; `digest`, `seq` and
    `at` are those of `last`, the last of them. `after` is the checkpoint before the one that says so.
    """

    common: int
    after: int
    until: int
    last: int
    digest: str
    seq: int
    at: str

    def has_lost(self, number: int) -> bool:
        return self.common < number <= self.until


@dataclass(frozen=True)
class Signed:
    """A checkpoint: its text, the signature over it, and what the text says."""

    body: str
    signature: str
    number: int
    seq: int
    hash: str
    at: str
    prev: str
    key: str
    cause: str
    next: str  # the public key that signs from the next one on; empty: the same
    lost: str  # the key whose place this one's takes without having been named by it; empty: none
    archive: Mapping[str, Any]  # what was to leave the database right after it; empty: nothing
    gap: Gap | None  # what was lost before it, where the history was restored from a backup

    @property
    def digest(self) -> str:
        return checkpoint_digest(self.body)


def read_signed(body: object, signature: object, where: str) -> Signed:
    says = fields(body) if isinstance(body, str) else {}
    archive = says.get("archive", {})
    values = {name: says.get(name) for name in ("number", "seq", "hash", "at", "prev", "key", "cause")}
    numbers = [values.pop("number"), values.pop("seq")]
    texts = [*values.values(), says.get("next", ""), says.get("lost", ""), signature]
    if not all(type(each) is int for each in numbers) or not all(isinstance(each, str) for each in texts):
        raise Unreadable(f"{where} is not a checkpoint")
    if not isinstance(archive, dict):
        raise Unreadable(f"{where} is not a checkpoint")
    known: dict[str, Any] = {name: values[name] for name in ("hash", "at", "prev", "key", "cause")}
    known |= {"number": numbers[0], "seq": numbers[1], "next": says.get("next", ""), "lost": says.get("lost", "")}
    return Signed(body=str(body), signature=str(signature), archive=archive, gap=_gap(says.get("gap"), where), **known)


def _gap(said: object, where: str) -> Gap | None:
    if said is None:
        return None
    kinds = {each.name: int if each.type == "int" else str for each in dataclass_fields(Gap)}
    if not isinstance(said, dict) or any(type(said.get(name)) is not kind for name, kind in kinds.items()):
        raise Unreadable(f"{where} is not a checkpoint")
    found = Gap(**{name: said[name] for name in kinds})
    if not 0 <= found.common <= found.after <= found.until or not found.common < found.last <= found.until:
        raise Unreadable(f"{where} is not a checkpoint")
    return found


class Seals:
    """Checks checkpoints in their order: signature, number, the one before, and who may sign after whom."""

    def __init__(self, keys: Keyring, *, from_first: bool) -> None:
        self.keys = keys
        self.remarks: list[str] = []
        self.first: Signed | None = None
        self.before: Signed | None = None
        self._from_first = from_first

    def checked(self, checkpoints: Iterable[Signed]) -> Iterator[Signed]:
        for each in checkpoints:
            why = self._wrong(each)
            if why:
                expected = self.before.number + 1 if self.before else 1
                raise Wrong(why, checkpoint=min(each.number, expected) if self._from_first else each.number)
            if each.gap:
                self.remarks.append(_lost_words(each, each.gap))
            self.first, self.before = self.first or each, each
            yield each

    def _wrong(self, each: Signed) -> str:
        before, name = self.before, f"checkpoint {each.number}"
        if not self.keys.has_signed(each.key, each.signature, _bytes(each.body)):
            return f"{name} is not signed by the key {each.key[:40]}"
        if before is None:
            if self._from_first and each.number != _next_number(0, each):
                return "checkpoint 1 is missing"
            is_first = self._from_first or each.number == 1
            return "" if not is_first or each.prev == START else f"{name} does not begin the chain"
        if each.number != _next_number(before.number, each):
            return f"checkpoint {before.number + 1} is missing"
        if each.prev != before.digest or each.seq < before.seq:
            return f"{name} does not follow the one before it"
        return self._wrong_key(before, each)

    def _wrong_key(self, before: Signed, each: Signed) -> str:
        named = before.next or self.keys.public(before.key)
        if named == self.keys.public(each.key):
            return ""
        if each.lost == before.key:
            self.remarks.append(
                f"From checkpoint {each.number} ({each.at}) on the key {each.key} signs, because the one before, "
                f"{each.lost}, was lost: have that confirmed by those who run the product."
            )
            return ""
        return f"checkpoint {each.number} is signed by a key that the one before did not name"


def _next_number(before: int, each: Signed) -> int:
    """Of the checkpoint after the one of this number; numbers that were lost are not given again."""
    return each.gap.until + 1 if each.gap and each.gap.after == before else before + 1


def _lost_words(each: Signed, gap: Gap) -> str:
    which = f"{gap.common + 1}" if gap.last == gap.common + 1 else f"{gap.common + 1} to {gap.last}"
    return (
        f"A GAP WAS DECLARED. Checkpoint {each.number} ({each.at}) says: the history was restored from a backup, which "
        f"ended with checkpoint {gap.common}; checkpoints {which}, the last of {gap.at} with {gap.seq} entries, were "
        "delivered elsewhere and belong to entries that are lost. Their numbers were given to others since. Ask those "
        "who run the product why, and look at what earlier packs say of that time."
    )


@dataclass(frozen=True)
class Copy:
    """What a checkpoint that was kept elsewhere said."""

    digest: str
    seq: int
    hash: str
    at: str
    prev: str


class Copies:
    """Checkpoints from outside the database, by their number; two that differ are a fork."""

    def __init__(self) -> None:
        self.by_number: dict[int, Copy] = {}
        self.keys = Keyring()
        self.last: Signed | None = None  # the one of the highest number
        self._gaps: list[Gap] = []
        self._own: dict[int, str] = {}  # what the history holds, as far as gaps have to be compared with it

    def add(self, record: Mapping[str, Any], where: str) -> None:
        signed = read_signed(record.get("body"), record.get("signature"), where)
        if "public" in record:
            self.keys.add(record.get("key_id"), record["public"])
        copy = Copy(digest=signed.digest, seq=signed.seq, hash=signed.hash, at=signed.at, prev=signed.prev)
        if self.by_number.setdefault(signed.number, copy) != copy:
            raise Wrong(f"there are two different copies of checkpoint {signed.number}", checkpoint=signed.number)
        if self.last is None or signed.number > self.last.number:
            self.last = signed

    def expect(self, gaps: Iterable[Gap]) -> None:
        """Those that the history declares, before it is compared: copies of what is lost cannot be in it."""
        self._gaps = list(gaps)

    def compare(self, each: Signed) -> None:
        if any(gap.common <= each.number <= gap.until for gap in self._gaps):
            self._own[each.number] = each.digest
        if each.gap:
            self._compare_lost(each, each.gap)
        copy = self.by_number.get(each.number)
        is_lost = any(gap.has_lost(each.number) for gap in self._gaps)
        if copy and copy.digest != each.digest and not is_lost:
            raise Wrong(
                f"checkpoint {each.number} is not the one that was delivered at {copy.at}", checkpoint=each.number
            )

    def _compare_lost(self, each: Signed, gap: Gap) -> None:
        """What was delivered of the lost part follows the last checkpoint before it and ends with the one declared."""
        before = (gap.common, START if gap.common == 0 else self._own.get(gap.common))
        for number in range(gap.common + 1, gap.until + 1):
            copy = self.by_number.get(number)
            if copy is None or copy.digest == self._own.get(number):
                continue
            follows = before[0] != number - 1 or before[1] in (None, copy.prev)
            if not follows or number > gap.last or (number == gap.last and copy.digest != gap.digest):
                raise Wrong(
                    f"checkpoint {number}, delivered at {copy.at}, is none of those that checkpoint {each.number} "
                    "declares as lost",
                    checkpoint=number,
                )
            before = (number, copy.digest)


def read_copies(folder: Path) -> Copies:
    """Every .json and .jsonl file below the folder, one checkpoint a line. Raises Wrong."""
    if not folder.is_dir():
        raise Unreadable(f"there is no folder {folder}")
    copies = Copies()
    for path in sorted(each for each in folder.rglob("*.json*") if each.suffix in (".json", ".jsonl")):
        with path.open("rb") as stream:
            for number, line in enumerate(_lines(stream, path.name), start=1):
                copies.add(fields(line), f"{path.name}, line {number},")
    return copies


# -- entries ----------------------------------------------------------------------------------------------------------


class Walk:
    """Checks entries in their order, each against the one before and against every checkpoint that names it."""

    def __init__(self, seq: int, hash_: str | None, checkpoints: Iterator[Signed]) -> None:
        self.seq, self.hash = seq, hash_
        self.rows = 0
        self.sealed = seq  # the last entry that a checkpoint named
        self._checkpoints = checkpoints
        self._next = next(checkpoints, None)
        self._compare()

    def step(self, seq: int, prev: str, hash_: str, body: str) -> dict[str, Any]:
        """What the entry says. Raises Wrong."""
        said = self._checked(seq, prev, hash_, body)
        self.seq, self.hash = seq, hash_
        self.rows += 1
        if self._next and self._next.seq <= seq:
            self._compare()
        return said

    def _checked(self, seq: int, prev: str, hash_: str, body: str) -> dict[str, Any]:
        if seq != self.seq + 1:
            # A gap is named by the number that is not there.
            raise Wrong(f"entry {self.seq + 1} is missing", seq=min(seq, self.seq + 1))
        if self.hash is not None and prev != self.hash:
            raise Wrong(f"entry {seq} does not follow the one before it", seq=seq)
        if hash_ != digest(prev, body):
            raise Wrong(f"entry {seq} is not what was written", seq=seq)
        said = fields(body)
        if said.get("seq") != seq:
            raise Wrong(f"the columns of entry {seq} differ from its body", seq=seq)
        return said

    def _compare(self) -> None:
        while self._next and self._next.seq <= self.seq:
            each = self._next
            if each.seq == self.seq and self.hash not in (None, each.hash):
                which = (
                    f"entry {each.seq}" if each.seq <= self.sealed + 1 else f"one of {self.sealed + 1} to {each.seq}"
                )
                raise Wrong(
                    f"the entries up to {each.seq} are not those that checkpoint {each.number} signed at {each.at}: "
                    f"{which} is not what was written",
                    seq=min(self.sealed + 1, each.seq),
                    checkpoint=each.number,
                )
            self.sealed = max(self.sealed, each.seq)
            self._next = next(self._checkpoints, None)

    @property
    def has_next(self) -> bool:
        return self._next is not None

    def end(self, *, is_whole: bool) -> None:
        """Look at the checkpoints that are left; where the entries should be whole, they may name none beyond."""
        while self._next:
            if is_whole:
                raise Wrong(
                    f"the entries from {self.seq + 1} to {self._next.seq} are missing: checkpoint "
                    f"{self._next.number} signed them at {self._next.at}",
                    seq=self.seq + 1,
                    checkpoint=self._next.number,
                )
            self._next = next(self._checkpoints, None)


# -- a pack -----------------------------------------------------------------------------------------------------------


class Source:
    """The files of a pack, in a folder or in a zip."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if not path.exists():
            raise Unreadable(f"there is no file or folder {path}")
        if path.is_dir():
            return
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise Unreadable(f"{path.name} is not a whole zip file; get it once more") from error

    def has(self, name: str) -> bool:
        return name in self._zip.namelist() if self._zip else (self.path / name).is_file()

    def open(self, name: str) -> BinaryIO:
        if "/" in name or "\\" in name or not self.has(name):
            raise Unreadable(f"{name[:100]} is missing from the pack")
        try:
            return self._zip.open(name) if self._zip else (self.path / name).open("rb")  # type: ignore[return-value]
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise Unreadable(f"{name} in the zip file cannot be read; get the file once more") from error

    def read(self, name: str) -> bytes:
        with self.open(name) as stream:
            return next(iter(_blocks(stream, name, LONGEST_LINE)), b"")

    def lines(self, name: str) -> Iterator[bytes]:
        with self.open(name) as stream:
            yield from _lines(stream, name)

    def sha256(self, name: str) -> str:
        found = hashlib.sha256()
        with self.open(name) as stream:
            for block in _blocks(stream, name, BLOCK):
                found.update(block)
        return found.hexdigest()

    def close(self) -> None:
        if self._zip:
            self._zip.close()


READ_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


def _blocks(stream: BinaryIO, name: str, size: int) -> Iterator[bytes]:
    try:
        while block := stream.read(size):
            yield block
    except READ_FAILURES as error:
        raise Unreadable(f"{name} is cut off or damaged; get it once more") from error


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    try:
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise Unreadable(f"{name}, line {number}, is longer than {LONGEST_LINE} bytes")
            yield line
    except READ_FAILURES as error:
        raise Unreadable(f"{name} is cut off or damaged after line {number}; get it once more") from error


@dataclass
class Report:
    """What a check found. `remarks` say what could not be known."""

    entries: int = 0
    first: int | None = None
    last: int | None = None
    checkpoints: int = 0
    wrong: str = ""
    first_wrong_seq: int | None = None
    wrong_checkpoint: int | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.wrong


def check(path: Path, copies: Copies | None = None) -> Report:
    """Check a pack, as a folder or a zip; `copies` are checkpoints that came another way."""
    report = Report()
    try:
        source = Source(path)
        try:
            _check(source, copies, report)
        finally:
            source.close()
    except Wrong as wrong:
        report.wrong, report.first_wrong_seq, report.wrong_checkpoint = wrong.why, wrong.seq, wrong.checkpoint
    except OSError as error:
        report.wrong = f"{path} cannot be read: {error.strerror or error}"
    return report


def _check(source: Source, copies: Copies | None, report: Report) -> None:
    manifest = fields(source.read(MANIFEST))
    if not manifest:
        raise Unreadable(f"{MANIFEST} is not what the product writes")
    keys = _keys(source, copies)
    _check_entries(source, manifest, keys, copies, report)
    _check_files(source, manifest)
    _check_manifest(source, keys, report)


def _keys(source: Source, copies: Copies | None) -> Keyring:
    found = Keyring(copies.keys if copies else None)
    try:
        listed = json.loads(source.read(KEYS))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{KEYS} is not what the product writes") from error
    for each in listed if isinstance(listed, list) else [None]:
        if not isinstance(each, dict):
            raise Unreadable(f"{KEYS} is not what the product writes")
        found.add(each.get("key_id"), each.get("public"))
    return found


def _check_entries(
    source: Source, manifest: Mapping[str, Any], keys: Keyring, copies: Copies | None, report: Report
) -> None:
    seals = Seals(keys, from_first=False)
    if copies:
        copies.expect(each.gap for each in _checkpoints(source, report) if each.gap)
    compared: set[int] = set()
    checkpoints = _compared(seals.checked(_checkpoints(source, report)), copies, compared)
    walk: Walk | None = None
    for number, line in enumerate(source.lines(ENTRIES), start=1):
        seq, prev, hash_, body = _entry(line, number)
        if walk is None:
            if seq == 1 and prev != START:
                raise Wrong("entry 1 does not begin the chain", seq=1)
            walk, report.first = Walk(seq - 1, prev, checkpoints), seq
        walk.step(seq, prev, hash_, body)
        report.entries, report.last = walk.rows, seq
    if walk is None:
        walk = Walk(0, None, checkpoints)
    beyond = walk.has_next and walk.sealed < walk.seq
    walk.end(is_whole=beyond or _is_whole(manifest))
    _check_ends(manifest, report)
    _check_first_checkpoint(seals.first, report)
    _check_later_copies(manifest, seals.before, copies)
    report.remarks += [*seals.remarks, *_unknown(walk, keys, copies, compared, report)]


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether the pack is said to reach to the end that its last checkpoint signed."""
    said = manifest.get("entries")
    return isinstance(said, dict) and said.get("whole") is True


def _compared(checkpoints: Iterator[Signed], copies: Copies | None, compared: set[int]) -> Iterator[Signed]:
    for each in checkpoints:
        if copies:
            copies.compare(each)
            if each.number in copies.by_number:
                compared.add(each.number)
        yield each


def _checkpoints(source: Source, report: Report) -> Iterator[Signed]:
    for number, line in enumerate(source.lines(CHECKPOINTS), start=1):
        record = fields(line)
        signed = read_signed(record.get("body"), record.get("signature"), f"{CHECKPOINTS}, line {number},")
        if record.get("key_id") != signed.key:
            raise Wrong(f"checkpoint {signed.number} names two keys", checkpoint=signed.number)
        report.checkpoints = number
        yield signed


def _entry(line: bytes, number: int) -> tuple[int, str, str, str]:
    record = fields(line)
    seq, prev, hash_, body = (record.get(name) for name in ("seq", "prev", "hash", "body"))
    if type(seq) is not int or not all(isinstance(each, str) for each in (prev, hash_, body)):
        raise Unreadable(f"{ENTRIES}, line {number}, is not an entry")
    return seq, str(prev), str(hash_), str(body)


def _check_ends(manifest: Mapping[str, Any], report: Report) -> None:
    """The manifest says from where to where; entries that were cut off at an end leave no gap."""
    said = manifest.get("entries")
    if not isinstance(said, dict):
        return
    if said.get("first") != report.first:
        raise Wrong(f"the first entry is {report.first}, not {said.get('first')} as in {MANIFEST}", seq=report.first)
    if said.get("last") != report.last:
        raise Wrong(
            f"the last entry is {report.last}, not {said.get('last')} as in {MANIFEST}", seq=(report.last or 0) + 1
        )


def _check_first_checkpoint(first: Signed | None, report: Report) -> None:
    """A pack has the checkpoint before its first entry, too; else none was made before."""
    if first is None or not report.first or first.seq < report.first:
        return
    before = first.gap.after if first.gap else first.number - 1
    if before:
        raise Wrong(f"checkpoint {before} is missing", checkpoint=before)


def _check_later_copies(manifest: Mapping[str, Any], last: Signed | None, copies: Copies | None) -> None:
    """What was delivered before the pack was made has to be known to it: else the end of the history was cut off."""
    made_at, ends_at = manifest.get("made_at"), last.number if last else 0
    if not copies or not isinstance(made_at, str) or manifest.get("kind") == "archive":
        return
    for number, copy in copies.by_number.items():
        if number > ends_at and copy.at < made_at:
            raise Wrong(
                f"you hold checkpoint {number} of {copy.at}, but the pack was made at {made_at} and knows only "
                f"{ends_at}: the end of the history was cut off or written anew",
                seq=(last.seq if last else 0) + 1,
                checkpoint=number,
            )


def _unknown(walk: Walk, keys: Keyring, copies: Copies | None, compared: set[int], report: Report) -> Iterator[str]:
    ids = ", ".join(keys.ids()) or "none"
    if report.entries and not report.checkpoints:
        yield (
            "There is no checkpoint: the entries agree with each other, but whether all of them were written anew, or "
            "whether the end was cut off, cannot be known."
        )
    elif report.last and walk.sealed < report.last:
        yield (
            f"The entries from {max(walk.sealed + 1, report.first or 1)} to {report.last} stand after the last "
            "checkpoint of this pack: only a later checkpoint can vouch for them."
        )
    if copies is None:
        yield (
            "You gave no checkpoints of your own (--checkpoints FOLDER): that the end was not cut off, and that not "
            f"everything was written anew and signed with another key, cannot be known. This pack's keys are: {ids}. "
            "Compare them with what you were told when the product was set up."
        )
    elif not compared:
        yield "None of the checkpoints you hold is in this pack, so it was not compared with anything from outside."


def _check_files(source: Source, manifest: Mapping[str, Any]) -> None:
    """Every other file is the one that the manifest names, to the byte."""
    listed = manifest.get("files", {})
    if isinstance(listed, list):
        listed = {str(each.get("name")): each for each in listed if isinstance(each, dict)}
    if not isinstance(listed, dict):
        raise Unreadable(f"{MANIFEST} is not what the product writes")
    for name, said in listed.items():
        wanted = said.get("sha256") if isinstance(said, dict) else said
        if source.sha256(name) != wanted:
            raise Wrong(f"{name} is not the file that {MANIFEST} names")


def _check_manifest(source: Source, keys: Keyring, report: Report) -> None:
    if not source.has(SIGNATURE):
        report.remarks.append(f"{MANIFEST} is not signed: rows and plans are as whoever gave you the pack left them.")
        return
    said = fields(source.read(SIGNATURE))
    key_id, signature = str(said.get("key_id")), str(said.get("signature"))
    if not keys.has_signed(key_id, signature, file_text(source.read(MANIFEST))):
        raise Wrong(f"{MANIFEST} is not the one that the product signed")


# -- the command ------------------------------------------------------------------------------------------------------


def told(report: Report) -> str:
    """The outcome in words, fit for a terminal whatever a pack says."""
    if report.ok:
        span = f", from {report.first} to {report.last}" if report.entries else ""
        first = f"Everything holds: {report.entries} entries{span}, {report.checkpoints} checkpoints."
    else:
        first = f"WRONG: {plain(report.wrong)}."
        if report.first_wrong_seq is not None:
            first += f"\nThe first wrong entry is {report.first_wrong_seq}; do not rely on it or on what follows."
    return "\n".join([first, *(f"Note: {plain(each)}" for each in report.remarks)])


def plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:LONGEST_SENTENCE])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an evidence pack or an archive of AlignAdmin's history.")
    parser.add_argument("pack", type=Path, help="the zip file, or the folder it was unpacked into")
    parser.add_argument("--checkpoints", type=Path, metavar="FOLDER", help="checkpoints that were delivered to you")
    given = parser.parse_args(arguments)
    try:
        copies = read_copies(given.checkpoints) if given.checkpoints else None
    except Wrong as wrong:
        print(f"WRONG: {plain(wrong.why)}.")
        return 1
    except OSError as error:
        print(f"WRONG: {given.checkpoints} cannot be read: {error.strerror or error}.")
        return 1
    report = check(given.pack, copies)
    print(told(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())

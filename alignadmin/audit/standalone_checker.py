"""Checks an evidence pack or an archive of AlignAdmin's history without AlignAdmin.

    python checker.py PACK [--checkpoints FOLDER]

PACK is the zip file or the folder it was unpacked into; FOLDER holds the checkpoints that were delivered to you hour by
hour. It needs Python 3.10 or newer and the package `cryptography`. It exits with 0 when everything holds, with 1 when
something is wrong or cannot be read, and with 2 when it was called wrongly.

It is one file on purpose, so that it can be read and carried as one. In this order: what is hashed and signed,
checkpoints, entries, what a row and a plan say of an entry, which rows a filter finds, the files of a pack, the check,
the command. Nothing in it comes from the product's own making of rows: two that agree were written twice.
"""

from __future__ import annotations

import argparse
import base64
import bisect
import csv
import hashlib
import io
import json
import re
import sys
import unicodedata
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # said in one line instead of a traceback
    sys.exit("This checker needs the package cryptography. Install it: python -m pip install cryptography")

START = "0" * 64
ENTRY_TAG, CHECKPOINT_TAG, FILE_TAG = b"alignadmin.audit.v1", b"alignadmin.checkpoint.v1", b"alignadmin.file.v1\n"
LONGEST_LINE = 32 * 1024 * 1024
LONGEST_SENTENCE = 600
LONGEST_VALUE = 120
BLOCK = 1024 * 1024
ENTRIES, CHECKPOINTS, KEYS, MANIFEST, SIGNATURE = (
    "entries.jsonl",
    "checkpoints.jsonl",
    "keys.json",
    "manifest.json",
    "manifest.sig",
)
ROWS, TABLE, PLANS, LINES = "rows.jsonl", "rows.csv", "plans.jsonl", "lines.jsonl"


class Wrong(Exception):
    """Something is not what was written; names the first wrong entry, checkpoint or row, where one is known."""

    def __init__(
        self, why: str, *, seq: int | None = None, checkpoint: int | None = None, row: int | None = None
    ) -> None:
        super().__init__(why)
        self.why, self.seq, self.checkpoint, self.row = why, seq, checkpoint, row


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


def unbase64(text: str) -> bytes:
    """Raises ValueError. The last letter holds bits that stand for nothing, so one text alone is taken for a value."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the usual form")
    return raw


class Keyring:
    """Public keys by their ids; an id is made from its key, so none can stand for another."""

    def __init__(self, known: Keyring | None = None) -> None:
        self._keys: dict[str, bytes] = dict(known._keys) if known else {}

    def add(self, key_id: object, public: object) -> None:
        try:
            raw = unbase64(str(public))
        except ValueError:
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
            Ed25519PublicKey.from_public_bytes(self._keys[key_id]).verify(unbase64(signature), text)
        except (InvalidSignature, ValueError):
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
        self.left = 0  # the last entry that left the database into an archive, as one of them says
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
            left = each.archive.get("last_seq")
            self.left = max(self.left, left) if type(left) is int else self.left
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


# -- what a row and a plan say of an entry ----------------------------------------------------------------------------

# Acts that no row tells: the journal of a request on its way, the use of a secret, a reading of the log.
WITHOUT_ROW = ("change.sent", "credential.used", "log.read")
DONE, ELSEWHERE = "change.done", "mapping.changed_elsewhere"
OURS, OUTSIDE, OTHER = "alignadmin", "outside", "align"
CONNECTOR = ("slug", "name", "align_site", "align_connector_id")
FORMER = "former_numbers"  # only of a connector that was made anew in Align: [[number, until when], ...]
LINE = ("id", "remote_id", "type", "user", "at", "description", "occurrence", "intake", "recorded_at", "run_id")
NAMES = (
    "seq", "hash", "connector", "at", "source", "action", "kind", "direction", "work_item_type", "project_key",
    "project_stated", "object_id", "object_name", "before_id", "before_name", "after_id", "after_name", "person_id",
    "person_name", "person_email", "planner_id", "planner_name", "approver_id", "approver_name", "applier_id",
    "applier_name", "reason", "ticket", "plan", "sentence", "parsed", "certainty", "identical", "candidates", "line",
)  # fmt: skip
PAIRING = ("certainty", "identical", "line")  # of a change: the line of Align's log that tells it
NO_KEPT_CHARACTER = re.compile("[\x00\ud800-\udfff]")
Row = dict[str, Any]


def _named_connector(said: Mapping[str, Any] | None) -> Row | None:
    if not said:
        return None
    named = {name: said.get(name) for name in CONNECTOR}
    return named | {FORMER: said[FORMER]} if said.get(FORMER) else named


def _numbers(connector: Mapping[str, Any] | None) -> list[object]:
    """Its number in Align and those that it had before it was made anew there."""
    if not connector:
        return []
    former = connector.get(FORMER)
    return [connector.get("align_connector_id"), *(each[0] for each in former or ())]


def row_of(seq: int, hash_: str, said: Mapping[str, Any]) -> Row | None:
    """The row of an entry as rows.jsonl has it, but for the line it is paired with; None for an act without a row."""
    action = said["action"]
    if action in WITHOUT_ROW:
        return None
    event, connector = said.get("event"), said.get("connector")
    row: Row = {"seq": seq, "hash": hash_, "at": moment(said.get("happened_at") or said["at"]), "source": OURS}
    row["connector"] = _named_connector(connector)
    row["action"] = action[:40]
    row |= {"kind": "", "direction": "", "work_item_type": "", "project_stated": True, "parsed": True, "candidates": []}
    row |= {"object_id": None, "before_id": None, "before_name": "", "after_id": None, "after_name": ""}
    row["object_name"], row["project_key"] = kept(said["subject"]), kept(said["project_key"])[:255]
    row |= {"reason": kept(said["reason"]), "ticket": kept(said["ticket"])[:100], "plan": said["plan"]}
    row["sentence"] = kept(said["sentence"])
    if event:
        row |= _of_event(event, row["project_key"])
        if action == DONE:
            row["action"] = event["action"]
        elif action == ELSEWHERE:  # until a line of Align's log tells it, see as_observation
            row |= {"action": event["action"], "source": OUTSIDE}
    return row | _people(said)


def as_observation(row: Row) -> Row:
    """What only the watch had seen stands in the row of the line that told it; this one says that it was seen."""
    return row | {"source": OURS, "action": ELSEWHERE}


def _of_event(event: Mapping[str, Any], project: str) -> Row:
    return {
        "kind": event["kind"],
        "direction": event["direction"],
        "work_item_type": kept(folded(event["work_item_type"]))[:255],
        "project_key": project or kept(event.get("project_key") or "")[:255],
        "object_id": event["source_id"],
        "object_name": kept(event["source_name"]),
        "before_id": event["before_id"],
        "before_name": kept(event["before_name"]),
        "after_id": event["after_id"],
        "after_name": kept(event["after_name"]),
    }


def _people(said: Mapping[str, Any]) -> Row:
    """Who decided, planned, approved and applied; entries from before that was kept name who acted and who approved."""
    stated, actor = said.get("people") or {}, said["actor"] or {}
    applier = actor if said["action"].startswith("change.") else {}
    four = {
        "person": stated.get("author") or actor,
        "planner": stated.get("planner") or {},
        "approver": said["approver"] or {},
        "applier": applier,
    }
    row: Row = {}
    for part, person in four.items():
        row |= {f"{part}_id": person.get("id"), f"{part}_name": kept(person.get("name", ""))[:320]}
    return row | {"person_email": kept(four["person"].get("email", ""))[:320]}


def kept(text: str) -> str:
    """As a database keeps it: with neither NUL nor half characters."""
    return NO_KEPT_CHARACTER.sub("\ufffd", text)


# Characters that show nothing, beside the formats (category Cf).
SHOWS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def folded(name: str) -> str:
    """The form under which a site's names count as one: whatever their capitals, spaces and unseen letters."""
    seen = "".join(each for each in SHOWS_NOTHING.sub("", name) if unicodedata.category(each) != "Cf")
    low = unicodedata.normalize("NFD", unicodedata.normalize("NFD", seen).casefold())
    return unicodedata.normalize("NFC", " ".join(low.split()))


def moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(timezone.utc).isoformat()  # noqa: UP017  (Python 3.10)


ACT = ("at", "action", "actor", "connector", "sentence", "reason", "ticket", "data")
CHANGE = ("at", "action", "actor", "approver", "reason", "ticket", "sentence")
REQUEST = ("method", "path", "query", "body")
ANSWER = {"answer": "detail", "expected_line": "expected"}


def in_plans(seq: int, hash_: str, said: Mapping[str, Any]) -> Row | None:
    """What plans.jsonl has of an entry: an act on a whole plan, or a change; None where it is about no plan."""
    if said.get("plan") is None or said["action"] in WITHOUT_ROW:
        return None
    if said["action"].startswith("plan."):
        return {"seq": seq, "hash": hash_, **{name: said[name] for name in ACT}}
    data, people = said["data"], said.get("people") or {}
    change = {"record": "change", "plan": said["plan"], "seq": seq, "hash": hash_, "project": said["project_key"]}
    change |= {name: said[name] for name in CHANGE}
    change |= {"author": people.get("author"), "earlier": people.get("earlier", []), "planner": people.get("planner")}
    change |= {"applier": said["actor"], "sent_at": said["happened_at"], "change": said["event"]}
    change["request"] = {name: data[name] for name in REQUEST if name in data}
    change |= {name: data.get(of) for name, of in ANSWER.items()}
    change["other"] = {name: data[name] for name in data if name not in (*REQUEST, *ANSWER.values())}
    return change


def plan_of(number: object, acts: Sequence[Mapping[str, Any]]) -> Row:
    """A plan as its acts tell it."""

    def first(found: Iterable[Mapping[str, Any]], *actions: str) -> Mapping[str, Any]:
        return next((act for act in found if act["action"] in actions), {})

    last = acts[-1] if acts else {}
    made, started = first(acts, "plan.made"), first(acts, "plan.started")
    approved = first(reversed(acts), "plan.approved", "plan.emergency_approved")
    return {
        "record": "plan",
        "plan": number,
        "connector": last.get("connector"),
        "reason": last.get("reason", ""),
        "ticket": last.get("ticket", ""),
        "planner": made.get("actor"),
        "made_at": made.get("at"),
        "approver": approved.get("actor"),
        "approved_at": approved.get("at"),
        "approved_fingerprint": approved.get("data", {}).get("fingerprint"),
        "in_emergency": approved.get("action") == "plan.emergency_approved",
        "applied_by": started.get("actor"),
        "started_at": started.get("at"),
        "acts": list(acts),
    }


# -- what a row says of a line of Align's log -------------------------------------------------------------------------

FIELDS_OF = {
    ("state", "j2a"): "AlignStateId",
    ("state", "a2j"): "JiraStatusId",
    ("step", "j2a"): "ProcessStepId",
    ("step", "a2j"): "JiraStatusId",
}
UNITS = {"state": "state", "step": "process step"}
NOBODY = {
    "person_id": None, "person_email": "", "planner_id": None, "planner_name": "", "approver_id": None,
    "approver_name": "", "applier_id": None, "applier_name": "", "reason": "", "ticket": "", "plan": None,
    "hash": None, "certainty": "", "identical": 0,
}  # fmt: skip
KEPT_RAW: Row = {
    "kind": "", "direction": "", "work_item_type": "", "object_name": "", "project_key": "", "before_name": "",
    "after_name": "", "object_id": None, "before_id": None, "after_id": None, "project_stated": True, "candidates": [],
    "action": "log line", "source": OTHER,
}  # fmt: skip
# What Align published: the names of work item types, and their ids in each family of records.
TYPES = ("feature", "story", "task", "defect")
PUBLISHED_IDS = {
    "j2a-state": {3: "feature", 4: "story", 6: "task", 9: "defect"},
    "a2j-state": {3: "feature", 4: "story", 9: "defect"},
    "j2a-step": {2: "feature", 3: "story"},
    "a2j-step": {3: "feature", 4: "story"},
}
TYPE_ID = re.compile(r"WorkItemTypeId\s*[:=]\s*([0-9]{1,9})", re.IGNORECASE)
FROM_TO = re.compile(r"\]\s*to\s*\[", re.IGNORECASE)
# What can be read in one way only, so that nobody can call it unreadable.
PLAIN = re.compile(
    r"CONFIG (?:Created|Updated|Deleted) - (?:State|Process Step) mapping - (?:Jira To Align|Align to Jira) - \w+ - "
    r"[\w ]+ \([0-9]{1,18}\)(?: - \w+)? (?:Id: [0-9]+, ConnectorId: [0-9]+, [\w :,]+"
    r"|\w+Id Changed - From \[[0-9]{1,18}\] To \[[0-9]{1,18}\](?:, \w+Name Changed - From \[[\w ]*\] To \[[\w ]*\])?"
    r"|Deleted mapping: \[[\w ]+\] \u2192 \[[\w ]+\])"
)

CHANGED = re.compile(r"Id Changed - From \[([0-9]+)\] To \[([0-9]+)\](?:, \w+ Changed - From \[(.*)\] To \[(.*)\])?$")


class Meanings:
    """What a site's terms and type ids mean, as the manifest says, each with the entry that said so last.

    Those that an entry of the pack says are compared with it. Of the others only the manifest's signature vouches.
    """

    def __init__(self, listed: object) -> None:
        self._said: dict[tuple[str, str], tuple[object, int]] = {}  # by entries of the pack: the last of each
        self._terms: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.unproved: set[int] = set()  # entries that are not in the pack
        self.without_entry = 0
        try:
            for each in listed if isinstance(listed, list) else ():
                self._add(each["connector"], each["labels"], each["type_ids"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(f"the terms in {MANIFEST} are not what the product writes") from error

    def _add(self, slug: str, labels: Mapping[str, Any], type_ids: Mapping[str, Any]) -> None:
        for label, meaning in labels.items():
            if label != folded(label) or meaning["means"] not in ("", *TYPES):
                raise ValueError
            self._terms[slug, label] = meaning
        for family, meaning in type_ids.items():
            if set(meaning["means"]) - set(TYPES) or family not in PUBLISHED_IDS:
                raise ValueError
            self._terms[slug, f"{family}:"] = meaning

    def add_entry(self, seq: int, said: Mapping[str, Any]) -> None:
        """An entry, in its place."""
        if said["action"] in ("terms.learned", "terms.decided"):
            for label, means in said["data"]["terms"].items():
                type_ = means["type"] if isinstance(means, dict) else means
                self._said[said["connector"]["slug"], folded(label)[:255]] = type_, seq
        elif said["action"] == "contract.type_ids":
            self._said[said["connector"]["slug"], f"{said['data']['family']}:"] = said["data"]["after"], seq

    def compare(self, first: int | None, last: int | None, head: object) -> None:
        """With what the entries from `first` to `last` say; `head` is the last that there was."""
        end = head if type(head) is int else last or 0
        for (slug, term), (means, seq) in self._said.items():
            meaning = self._terms.get((slug, term), {})
            entry = meaning.get("entry")
            is_later = type(entry) is int and last is not None and last < entry <= end
            if not is_later and (meaning.get("means"), entry) != (means, seq):
                raise Wrong(f"what {shown(term)} means on {shown(slug)} is not what entry {seq} says", seq=seq)
        for key, meaning in self._terms.items():
            entry = meaning.get("entry")
            if entry is None:
                self.without_entry += 1
            elif type(entry) is not int or (first and last and first <= entry <= last and key not in self._said):
                raise Wrong(f"entry {entry} does not say what {shown(key[1])} means on {shown(key[0])}")
            elif not (first and last and first <= entry <= last):
                self.unproved.add(entry)

    def of_label(self, slug: str, label: str) -> str:
        term = folded(label)
        meaning = self._terms.get((slug, term), {})
        return meaning.get("means") or term

    def of_id(self, slug: str, family: str, number: int) -> str:
        """Empty for an id that means no work item type."""
        meaning = self._terms.get((slug, f"{family}:"))
        by_id = PUBLISHED_IDS[family]
        if meaning:
            overridden = {id_: type_ for type_, id_ in by_id.items()} | meaning["means"]
            by_id = {id_: type_ for type_, id_ in overridden.items()}
        return by_id.get(number, "")

    def remarks(self) -> Iterator[str]:
        if self.unproved:
            which = ", ".join(map(str, sorted(self.unproved)[:20]))
            yield (
                "What some of the site's terms or type ids mean, and by it the work item type of lines of Align's log, "
                f"is said by entries that are not in this pack ({which}): whoever signed the manifest vouches for it."
            )
        if self.without_entry:
            yield (
                f"For {self.without_entry} meanings of the site's terms or type ids no entry is named: whoever signed "
                "the manifest vouches for them."
            )


def why_not_of_line(row: Row, meanings: Meanings) -> str:
    """Why a row without an entry does not say what the four columns of its line say; empty where it does."""
    line = row["line"]
    said = {"at": moment(line["at"]), "person_name": line["user"][:320], **NOBODY}
    if not row["parsed"]:
        said |= {"sentence": line["description"], **KEPT_RAW}
    for name, value in said.items():
        if row[name] != value:
            return f"{name} says {shown(row[name])}, its line {shown(value)}"
    if not row["parsed"]:
        is_plain = (line["type"] or line["user"]) and PLAIN.fullmatch(line["description"])
        return "it is called unreadable, and its line can be read" if is_plain else ""
    if row["candidates"] and row["project_stated"]:
        return "it names candidates for a project that is stated"
    number = re.search("[0-9]{1,9}", line["type"])
    if number and row["source"] != (OUTSIDE if int(number[0]) in (0, *_numbers(row["connector"])) else OTHER):
        return f"source says {shown(row['source'])}, which its line's type does not"
    return _why_not_stated(line["description"], row, meanings)


def _why_not_stated(description: str, row: Row, meanings: Meanings) -> str:
    """The sentence of the row says what its fields say, and these stand in the line at their places."""
    readings = _before_colon(row)
    if not readings:
        return f"sentence says {shown(row['sentence'])}, which its other fields do not"
    # Both may be meant where a term holds " in ": "Work in Progress".
    whys = [_why_not_read(description, row, label, key, meanings) for label, key in readings]
    return "" if "" in whys else whys[-1]


def _why_not_read(description: str, row: Row, label: str, key: str, meanings: Meanings) -> str:
    if key and kept(key)[:255] != row["project_key"]:
        return f"project_key says {shown(row['project_key'])}, its line {shown(key)}"
    if row["work_item_type"] not in _types(description, row, label, meanings):
        return f"work_item_type says {shown(row['work_item_type'])}, its line {shown(label)}"
    text = FROM_TO.sub("] To [", description)
    for name in ("object_name", "before_name", "after_name"):
        if FROM_TO.sub("] To [", row[name]) not in text:
            return f"{name} says {shown(row[name])}, which does not stand in its line"
    plain = CHANGED.search(description) if PLAIN.fullmatch(description) else None
    if plain and row["action"] == "updated":
        said = (int(plain[1]), int(plain[2]), plain[3] or "", plain[4] or "")
        if said != tuple(row[name] for name in ("before_id", "after_id", "before_name", "after_name")):
            return f"its line says that it went from {shown(plain[1])} to {shown(plain[2])}"
    term = rf"[-\u2013\u2014]\s*{re.escape(label)}\s*[-\u2013\u2014]"
    patterns = {"work_item_type": term, "project_key": re.escape(key), **_patterns(row)}
    for name, pattern in patterns.items():
        if not re.search(pattern, text, re.IGNORECASE):
            return f"{name} says {shown(row.get(name))}, which does not stand in its line"
    return ""


def _types(description: str, row: Row, label: str, meanings: Meanings) -> set[str]:
    """The types that the line can be about: what its type id says, which a creation has, else what its term means.

    Where names hold what looks like a type id, either may be.
    """
    slug, found = (row["connector"] or {}).get("slug", ""), [meanings.of_label(row["connector"]["slug"], label)]
    if row["action"] == "created":
        family = f"{row['direction']}-{row['kind']}"
        ids = [type_ for each in TYPE_ID.findall(description) if (type_ := meanings.of_id(slug, family, int(each)))]
        is_sure = len(ids) == 1 and len(re.findall("WorkItemTypeId", description, re.IGNORECASE)) == 1
        found = ids if is_sure and PLAIN.fullmatch(description) else [*found, *ids]
    return {kept(each)[:255] for each in found}


def _before_colon(row: Row) -> list[tuple[str, str]]:
    """What the sentence says of the work item type and the project, if all the rest of it is as the fields say."""
    source, target = "Jira status", f"Align {UNITS.get(row['kind'], '')}"
    if row["direction"] == "a2j":
        source, target = target, source
    object_, before, after = (_named(row[f"{part}_id"], row[f"{part}_name"]) for part in ("object", "before", "after"))
    rest = {
        "created": f" now leads to {target} {after}.",
        "deleted": f" no longer leads to {target} {before}.",
    }.get(row["action"], f" leads to {target} {after}, before to {before}." if before or after else " was saved again.")
    sentence, ends = row["sentence"], f": {source} {object_}{rest}"
    if row["action"] not in ("created", "updated", "deleted") or not sentence.endswith(ends):
        return []
    sentence = sentence[: -len(ends)]
    label, separator, key = sentence.rpartition(" in ")
    return [(label, key), (sentence, "")] if separator and not re.search(r"\s", key) else [(sentence, "")]


def _named(number: int | None, name: str) -> str:
    return " ".join(part for part in (name, f"({number})" if number is not None else "") if part)


def _patterns(row: Row) -> dict[str, str]:
    """What a line has to hold, by the field that says so; numbers may have noughts before them."""
    direction = "jira to align" if row["direction"] == "j2a" else "align to jira"
    found = {"action": row["action"][:-1], "kind": rf"{UNITS[row['kind']]}s? mappings?", "direction": direction}
    found = {name: text.replace(" ", r"\s*") for name, text in found.items()}
    before, after = (_digits(row[f"{part}_id"]) for part in ("before", "after"))
    if row["object_id"] is not None:
        found["object_id"] = rf"\b{_digits(row['object_id'])}\b"
    if row["action"] == "created" and row["after_id"] is not None:
        found["after_id"] = rf"{FIELDS_OF[row['kind'], row['direction']]}\s*[:=]\s*{after}\b"
    if row["action"] == "deleted" and row["before_id"] is not None:
        found["before_id"] = rf"\b{before}\s*\]"
    if row["action"] == "updated" and (row["before_id"], row["after_id"]) != (None, None):
        found["after_id"] = rf"\[{before}\] To \[{after}\]"
    if row["action"] == "updated" and (row["before_name"] or row["after_name"]):
        names = (re.escape(FROM_TO.sub("] To [", row[f"{part}_name"])) for part in ("before", "after"))
        found["after_name"] = r"\[{}\] To \[{}\]".format(*names)
    return found


def _digits(number: int | None) -> str:
    return r"[^\]]*" if number is None else f"0*{number}"


def shown(value: object) -> str:
    if value in (None, "", []):
        return "nothing"
    text = str(value)
    return f"\u201c{text[:LONGEST_VALUE]}\u2026\u201d" if len(text) > LONGEST_VALUE else f"\u201c{text}\u201d"


# -- which rows a filter finds ----------------------------------------------------------------------------------------


class Filter:
    """The filter that a pack names, as far as it can be asked of a row that was made again from its entry."""

    # Of other qualifiers and of words one cannot tell from an entry alone whether a row has them.
    KNOWN = ("action", "type", "kind", "direction", "project", "plan", "source", "connector", "since", "until")

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.since, self.until = (_time(manifest.get(name)) for name in ("since", "until"))
        self.wanted: dict[str, list[str]] = {}
        self.is_known = isinstance(manifest.get("query"), str)
        for name, quoted, bare in TERM.findall(manifest["query"]) if self.is_known else ():
            value = (quoted.replace('""', '"') if quoted else bare).strip().casefold()
            if name.lower() in self.KNOWN and value.isascii():
                self.wanted.setdefault(name.lower(), []).append(value)
            elif name or value:
                self.is_known = False
        self.connectors = self._connectors(manifest.get("connectors"))

    def _connectors(self, listed: object) -> set[object]:
        """The ids of those that the filter names: their names then and now may differ."""
        found: set[object] = set()
        for each in listed if isinstance(listed, list) else ():
            names = {str(name).casefold() for name in (each.get("slug"), each.get("name"), *_numbers(each))}
            if any(
                value in names or value.removeprefix("config ") in names for value in self.wanted.get("connector", ())
            ):
                found.add(each.get("id"))
        return found

    def finds(self, row: Row, said: Mapping[str, Any]) -> bool:
        at = datetime.fromisoformat(row["at"])
        if (self.since and at < self.since) or (self.until and at >= self.until):
            return False
        if "connector" in self.wanted and (said["connector"] or {}).get("id") not in self.connectors:
            return False
        asked = ((name, values) for name, values in self.wanted.items() if name not in NOT_ASKED)
        return all(any(self._has(row, name, value) for value in values) for name, values in asked)

    @staticmethod
    def _has(row: Row, name: str, value: str) -> bool:
        if name == "action":
            wanted = value.rstrip(".")
            return f"{row['action']}.".startswith(f"{wanted}.")
        if name == "project":
            return bool(row["project_key"].casefold() == value or not row["project_stated"])
        if name == "plan":
            return value.isdecimal() and len(value) < 20 and row["plan"] == int(value)
        said = str(row[{"type": "work_item_type"}.get(name, name)])
        return said.casefold() == MEANT.get(value, value)


TERM = re.compile(r'(?:([A-Za-z]+):)?(?:"((?:[^"]|"")*)(?:"|\Z)|(\S+))')
MEANT = {"jira to align": "j2a", "align to jira": "a2j", "process step": "step"}
NOT_ASKED = ("connector", "since", "until")


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


# -- a pack -----------------------------------------------------------------------------------------------------------


class PackFiles:
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
            raise Unreadable(f"{path.name} is not a whole zip file; get it again") from error

    def has(self, name: str) -> bool:
        return name in self._zip.namelist() if self._zip else (self.path / name).is_file()

    def open(self, name: str) -> BinaryIO:
        if "/" in name or "\\" in name or not self.has(name):
            raise Unreadable(f"{name[:100]} is missing from the pack")
        try:
            return self._zip.open(name) if self._zip else (self.path / name).open("rb")  # type: ignore[return-value]
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise Unreadable(f"{name} in the zip file cannot be read; get the file again") from error

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
        raise Unreadable(f"{name} is cut off or damaged; get it again") from error


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    try:
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise Unreadable(f"{name}, line {number}, is longer than {LONGEST_LINE} bytes")
            yield line
    except READ_FAILURES as error:
        raise Unreadable(f"{name} is cut off or damaged after line {number}; get it again") from error


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
    wrong_row: int | None = None  # its place in rows.jsonl
    rows: int | None = None  # that were compared; None in an archive, which has none
    remarks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.wrong


def check(path: Path, copies: Copies | None = None) -> Report:
    """Check a pack, as a folder or a zip; `copies` are checkpoints that came another way."""
    report = Report()
    try:
        source = PackFiles(path)
        try:
            _check(source, copies, report)
        finally:
            source.close()
    except Wrong as wrong:
        report.wrong, report.first_wrong_seq, report.wrong_checkpoint = wrong.why, wrong.seq, wrong.checkpoint
        report.wrong_row = wrong.row
    except OSError as error:
        report.wrong = f"{path} cannot be read: {error.strerror or error}"
    return report


def _check(source: PackFiles, copies: Copies | None, report: Report) -> None:
    manifest = fields(source.read(MANIFEST))
    if not manifest:
        raise Unreadable(f"{MANIFEST} is not what the product writes")
    keys = _keys(source, copies)
    has_rows = "rows" in manifest or any(map(source.has, (ROWS, TABLE, PLANS, LINES)))
    made = RemadeRows(Filter(manifest), Meanings(manifest.get("terms"))) if has_rows else None
    _check_entries(source, manifest, keys, copies, report, made)
    _check_files(source, manifest)
    _check_manifest(source, keys, report)
    if made:
        made.lines = _check_lines(source, made)
        head = manifest.get("chain_head")
        made.meanings.compare(report.first, report.last, head.get("seq") if isinstance(head, dict) else None)
        _check_rows(source, manifest, made, report)
        _check_plans(source, manifest, made)


def _keys(source: PackFiles, copies: Copies | None) -> Keyring:
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
    source: PackFiles,
    manifest: Mapping[str, Any],
    keys: Keyring,
    copies: Copies | None,
    report: Report,
    made: RemadeRows | None,
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
        said = walk.step(seq, prev, hash_, body)
        if made:
            made.add(seq, hash_, said)
        report.entries, report.last = walk.rows, seq
    if walk is None:
        walk = Walk(0, None, checkpoints)
    beyond = walk.has_next and walk.sealed < walk.seq
    walk.end(is_whole=beyond or _is_whole(manifest))
    _check_ends(manifest, report)
    _check_numbers(manifest, seals)
    _check_first_checkpoint(seals.first, report)
    _check_later_copies(manifest, seals.before, copies)
    if made:
        made.left = seals.left
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


def _checkpoints(source: PackFiles, report: Report) -> Iterator[Signed]:
    for number, line in enumerate(source.lines(CHECKPOINTS), start=1):
        record = _as_written(line, CHECKPOINTS, number)
        signed = read_signed(record.get("body"), record.get("signature"), f"{CHECKPOINTS}, line {number},")
        if record.get("key_id") != signed.key:
            raise Wrong(f"checkpoint {signed.number} names two keys", checkpoint=signed.number)
        report.checkpoints = number
        yield signed


def _entry(line: bytes, number: int) -> tuple[int, str, str, str]:
    record = _as_written(line, ENTRIES, number)
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


def _check_numbers(manifest: Mapping[str, Any], seals: Seals) -> None:
    said = manifest.get("checkpoints")
    found = {"first": seals.first.number, "last": seals.before.number} if seals.first and seals.before else None
    if isinstance(said, dict) and said != found:
        raise Wrong(f"the checkpoints are not those from {said.get('first')} to {said.get('last')} of {MANIFEST}")


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


def _check_files(source: PackFiles, manifest: Mapping[str, Any]) -> None:
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


def _check_manifest(source: PackFiles, keys: Keyring, report: Report) -> None:
    if not source.has(SIGNATURE):
        report.remarks.append(f"{MANIFEST} is not signed: rows and plans are as whoever gave you the pack left them.")
        return
    said = fields(source.read(SIGNATURE))
    key_id, signature = str(said.get("key_id")), str(said.get("signature"))
    if not keys.has_signed(key_id, signature, file_text(source.read(MANIFEST))):
        raise Wrong(f"{MANIFEST} is not the one that the product signed")


# -- the rows of a pack -----------------------------------------------------------------------------------------------

SIZE = 16  # bytes that are kept of what an entry makes
NOTHING = bytes(SIZE)
LACKING, PRESENT = 1, 2


def short(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=SIZE).digest()


class RemadeRows:
    """What each entry makes of a row and of a line of plans.jsonl: a few bytes each, however long they are."""

    def __init__(self, filter_: Filter, meanings: Meanings) -> None:
        self.filter, self.meanings = filter_, meanings
        self.left = 0  # entries up to here stand in archives
        self.first: int | None = None
        self.acts, self.changes = Counter[int](), Counter[int]()  # by plan
        self.runs: dict[int, tuple[object, object]] = {}  # how many lines a taking-in brought, and their digest
        self.takers: dict[int, object] = {}  # the connector that it was for, as it was called then
        self.lines = Lines()
        self.observations: dict[int, bytes] = {}  # of what the watch had seen before a line told it
        self._rows, self._plans, self._found = bytearray(), bytearray(), bytearray()

    def add(self, seq: int, hash_: str, said: Mapping[str, Any]) -> None:
        self.first = seq if self.first is None else self.first
        try:
            row, planned = row_of(seq, hash_, said), in_plans(seq, hash_, said)
            is_found = row is not None and self.filter.is_known and self.filter.finds(row, said)
            self.meanings.add_entry(seq, said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Wrong(f"entry {seq} is not in the form that the product writes", seq=seq) from error
        if row and said["action"] == ELSEWHERE and said["event"]:
            self.observations[seq] = short(as_observation(row))
            is_found = False  # either may be
        self._rows += short(row) if row else NOTHING
        self._plans += short(planned) if planned else NOTHING
        self._found.append(LACKING if is_found else 0)
        run = said["data"].get("run") if said["action"] in TAKEN_IN else None
        if isinstance(run, dict):
            self.runs[run.get("number", 0)] = run.get("lines"), run.get("digest")
            self.takers[run.get("number", 0)] = _named_connector(said.get("connector"))
        if planned:
            (self.changes if "record" in planned else self.acts)[said["plan"]] += 1

    def has(self, seq: object) -> bool:
        return type(seq) is int and self.first is not None and 0 <= seq - self.first < len(self._found)

    def is_row(self, record: Row) -> bool:
        """Whether the entry makes this row; whoever asks knows that it is here."""
        seq, found = record["seq"], short({name: record[name] for name in record if name not in PAIRING})
        return found in (self._at(self._rows, seq), self.observations.get(seq))

    def is_in_plans(self, record: Row) -> bool:
        return self.has(record.get("seq")) and self._at(self._plans, record["seq"]) == short(record)

    def mark_present(self, seq: int) -> None:
        self._found[seq - (self.first or 0)] |= PRESENT

    def lacking(self) -> int | None:
        """The first entry that the filter finds and no row tells."""
        place = self._found.find(LACKING)
        return None if place < 0 else place + (self.first or 0)

    def _at(self, of: bytearray, seq: int) -> bytes:
        place = (seq - (self.first or 0)) * SIZE
        return bytes(of[place : place + SIZE])


TAKEN_IN = ("log.read", "log.taken-in")
RUN_TAG = b"alignadmin.intake-run.v1"
DIGESTED = ("id", "remote_id", "type", "user", "at", "description", "digest", "occurrence", "intake", "recorded_at")


class Lines:
    """What lines.jsonl has of each line: its id and a few bytes, by the taking-in that brought it."""

    def __init__(self) -> None:
        self.unproved = 0  # lines of takings-in whose entries are not here
        self._ids = array("q")
        self._short = bytearray()
        self._places: dict[int, tuple[int, int]] = {}  # of each taking-in, where its lines begin and end

    def add(self, line: Row) -> None:
        here = len(self._ids)
        start, end = self._places.get(line["run_id"], (here, here))
        if end != here or (end > start and line["id"] <= self._ids[-1]):
            raise ValueError
        self._places[line["run_id"]] = start, here + 1
        self._ids.append(line["id"])
        self._short += short({name: line[name] for name in LINE})

    def has(self, line: Row) -> bool:
        """Also of a line of a taking-in that is not here: of those from before runs were kept none is."""
        if line["run_id"] not in self._places:
            self.unproved += 1
            return True
        start, end = self._places[line["run_id"]]
        place = bisect.bisect_left(self._ids, line["id"], start, end)
        is_here = place < end and self._ids[place] == line["id"]
        return is_here and self._short[place * SIZE : (place + 1) * SIZE] == short(line)


def _check_lines(source: PackFiles, made: RemadeRows) -> Lines:
    """Each taking-in whose entry is here has brought these lines and no others."""
    found, run, digest, count = Lines(), 0, hashlib.sha256(RUN_TAG), 0
    for number, raw in enumerate(source.lines(LINES), start=1):
        line = _as_written(raw, LINES, number)
        try:
            if line["run_id"] != run:
                _check_run(made, found, run, count, digest.hexdigest())
                run, digest, count = line["run_id"], hashlib.sha256(RUN_TAG), 0
            found.add(line)
            values = json.dumps([line[name] for name in DIGESTED], separators=(",", ":"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"{LINES}, line {number}, is not a line of Align's log", row=number) from error
        digest.update(values.encode() + b"\n")
        count += 1
    _check_run(made, found, run, count, digest.hexdigest())
    return found


def _check_run(made: RemadeRows, found: Lines, run: int, count: int, digest: str) -> None:
    if run in made.runs and made.runs[run] != (count, digest):
        raise Wrong(f"the lines of the taking-in {run} in {LINES} are not those that its entry tells of")
    if run not in made.runs:
        found.unproved += count


@dataclass
class Tally:
    """What the rows are in numbers, as the manifest has to say."""

    count: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    first_at: str | None = None
    last_at: str | None = None
    without_entry: int = 0
    archived: int = 0
    of_catalogue: int = 0

    def add(self, row: Row) -> None:
        self.count += 1
        self.by_source[row["source"]] += 1
        self.first_at, self.last_at = self.first_at or row["at"], row["at"]
        self.without_entry += row["seq"] is None
        self.of_catalogue += row["seq"] is None and bool(row["project_key"] or row["candidates"])

    def as_said(self) -> Row:
        return {
            "count": self.count,
            "by_source": dict(self.by_source),
            "first_at": self.first_at,
            "last_at": self.last_at,
            "without_entry": self.without_entry,
        }


def _check_rows(source: PackFiles, manifest: Mapping[str, Any], made: RemadeRows, report: Report) -> None:
    """Each row against its entry or line, the table for spreadsheets against the rows, and what the filter finds."""
    tally, table, before = Tally(), Table(source, manifest), None
    try:
        table.begin()
        for number, line in enumerate(source.lines(ROWS), start=1):
            row = _as_written(line, ROWS, number)
            before = _check_row(source, row, number, made, tally, before)
            table.compare(row, number)
        table.end()
    finally:
        table.close()
    said = manifest.get("rows")
    if not isinstance(said, dict) or said != tally.as_said():
        raise Wrong(f"the rows are not as many, or not of those times, as {MANIFEST} says")
    if (seq := made.lacking()) is not None:
        raise Wrong(f"{ROWS} lacks the row of entry {seq}, which the filter finds", seq=seq)
    report.rows = tally.count
    report.remarks += _unknown_of_rows(tally, made, table)


def _check_row(
    source: PackFiles, row: Row, number: int, made: RemadeRows, tally: Tally, before: Any
) -> tuple[datetime, bool, int]:
    """Its place in the order, which no two rows share."""
    try:
        why = _why_not(row, made, tally)
        place = (datetime.fromisoformat(row["at"]), row["seq"] is None, row["seq"] or row["line"]["id"])
        tally.add(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{ROWS}, line {number}, is not a row", row=number) from error
    if why == DIFFERS:
        why = _named_difference(source, row)
    if why:
        which = f"of entry {row['seq']}" if row["seq"] is not None else f"of line {row['line']['id']}"
        raise Wrong(f"the row {which} in {ROWS} is not what was written: {why}", row=number)
    if before is not None and not before < place:
        raise Wrong(f"{ROWS}, line {number}, stands twice or out of its order", row=number)
    return place


def _as_written(line: bytes, name: str, number: int) -> Row:
    """No space, no field twice, no letter in another form: nothing that a reader could take for something else."""
    found = fields(line)
    if json.dumps(found, separators=(",", ":")).encode() + b"\n" != line:
        raise Unreadable(f"{name}, line {number}, is not written as the product writes it", row=number)
    return found


DIFFERS = "it differs from its entry"


def _why_not(row: Row, made: RemadeRows, tally: Tally) -> str:
    if tuple(row) != NAMES or (row["line"] is not None and tuple(row["line"]) != LINE):
        return "it has other fields than a row has"
    seq = row["seq"]
    if row["line"] is not None and not made.lines.has(row["line"]):
        return f"its line is not that of {LINES}"
    if seq is None:
        return _why_not_taken_in(row, made) or why_not_of_line(row, made.meanings)
    if not made.has(seq):
        if type(seq) is int and 0 < seq <= made.left and seq < (made.first or made.left + 1):
            tally.archived += 1
            return _why_not_paired(row)
        return "its entry is not in this pack"
    if not made.is_row(row):
        return DIFFERS
    made.mark_present(seq)
    return _why_not_paired(row)


def _why_not_taken_in(row: Row, made: RemadeRows) -> str:
    """The connector of a row without an entry is the one that its line was taken in for."""
    named = row["connector"]
    if not isinstance(named, dict) or tuple(named) not in (CONNECTOR, (*CONNECTOR, FORMER)):
        return "its connector has other fields than a connector has"
    said = made.takers.get(row["line"]["run_id"], named)
    return "" if named == said else f"connector says {shown(named)}, the entry of its taking-in {shown(said)}"


def _why_not_paired(row: Row) -> str:
    """A change is paired with a line that states it, or with none."""
    line, certainty, identical = (row[name] for name in ("line", "certainty", "identical"))
    if line is None:
        return "" if (certainty, identical) == ("", 0) else "it is called paired with a line, and has none"
    if type(identical) is not int or identical < 1 or certainty != ("exact" if identical == 1 else "one-of"):
        return f"certainty says {shown(certainty)} of {shown(identical)}"
    moment(line["at"])
    if not row["kind"] or row["source"] != OURS:
        return "it is paired with a line, and is no change"
    text, object_ = line["description"], row["object_id"]
    states = {name: pattern for name, pattern in _patterns(row).items() if name in ("action", "kind", "direction")}
    if not all(re.search(pattern, text, re.IGNORECASE) for pattern in states.values()):
        return "the line it is paired with states another change"
    if object_ is not None and not re.search(rf"\b0*{object_}\b", text) and row["object_name"] not in text:
        return "the line it is paired with names another object"
    return ""


def _named_difference(source: PackFiles, row: Row) -> str:
    """Which field differs: its entry is looked up once more."""
    for number, line in enumerate(source.lines(ENTRIES), start=1):
        seq, _, hash_, body = _entry(line, number)
        if seq != row["seq"]:
            continue
        made = row_of(seq, hash_, fields(body))
        if made is None:
            return "its entry makes no row"
        expected = as_observation(made) if row["action"] == ELSEWHERE else made
        for name in expected:
            if row[name] != expected[name] or type(row[name]) is not type(expected[name]):
                return f"{name} says {shown(row[name])}, its entry {shown(expected[name])}"
    return DIFFERS


def _unknown_of_rows(tally: Tally, made: RemadeRows, table: Table) -> Iterator[str]:
    if tally.without_entry:
        yield (
            f"{tally.without_entry} rows are lines of Align's log without an entry of ours. They say what their lines "
            "say, as those were taken in."
        )
    if made.lines.unproved:
        yield (
            f"For {made.lines.unproved} lines of Align's log the entry of their taking-in is not in this pack: that "
            "they are what was taken in is vouched for by whoever signed the manifest."
        )
    if tally.without_entry:
        yield from made.meanings.remarks()
    if tally.of_catalogue:
        yield (
            f"The projects of up to {tally.of_catalogue} of them are those that the product's catalogue names where "
            "the line does not: nothing in this pack proves them."
        )
    if tally.archived:
        yield (
            f"{tally.archived} rows are of entries up to {made.left}, which have left into an archive: check those "
            "with the archive."
        )
    if not made.filter.is_known:
        yield (
            "The filter asks for words or people: whether it leaves out rows of this pack's entries rightly was not "
            "checked. Every entry is in entries.jsonl."
        )
    if not table.is_compared:
        yield f"This Python does not know the time zone {shown(table.zone)}: {TABLE} was not compared with {ROWS}."


# -- the table for spreadsheets ---------------------------------------------------------------------------------------

COLUMNS = {
    "Time": "time", "Time (UTC)": "at", "Connector": "connector_name", "Align connector": "config", "Source": "source",
    "Action": "action", "Mapping type": "kind", "Direction": "direction", "Work item type": "work_item_type",
    "Project": "project_key", "Project stated by Align": "project_stated", "Object id": "object_id",
    "Object": "object_name", "Before id": "before_id", "Before": "before_name", "After id": "after_id",
    "After": "after_name", "Person": "person_name", "E-mail": "person_email", "Planned by": "planner_name",
    "Approved by": "approver_name", "Applied by": "applier_name", "Reason": "reason", "Ticket": "ticket",
    "Plan": "plan", "Sentence": "sentence", "Read": "parsed", "Pairing": "certainty", "Identical lines": "identical",
    "Align line": "line_id", "Align type": "line_type", "Align user": "line_user", "Align time (UTC)": "line_at",
    "Align description": "line_description", "Entry": "seq", "Entry hash": "hash",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Table:
    """rows.csv, read beside rows.jsonl: it has to be what these rows give, to the byte."""

    def __init__(self, source: PackFiles, manifest: Mapping[str, Any]) -> None:
        self.zone = manifest.get("time_zone")
        self._zone = _zone(self.zone)
        self._stream = io.BufferedReader(source.open(TABLE), BLOCK)  # type: ignore[type-var]

    def begin(self) -> None:
        self._expect(BYTE_ORDER_MARK + _csv([list(COLUMNS)]), 0)

    @property
    def is_compared(self) -> bool:
        return self._zone is not None

    def compare(self, row: Row, number: int) -> None:
        if self._zone:
            self._expect(_csv([self._cells(row, self._zone)]), number)

    def end(self) -> None:
        if self._zone and self._read(1):
            raise Wrong(f"{TABLE} goes on after the last row of {ROWS}")

    def close(self) -> None:
        self._stream.close()

    def _cells(self, row: Row, zone: ZoneInfo) -> list[object]:
        connector, line = row["connector"] or {}, row["line"] or {}
        at, number = datetime.fromisoformat(row["at"]), connector.get("align_connector_id")
        flat = {
            **row,
            "time": at.astimezone(zone).isoformat(sep=" ", timespec="seconds"),
            "connector_name": connector.get("name"),
            "config": f"CONFIG {number}" if number is not None else None,
            "project_stated": "yes" if row["project_stated"] else "no",
            "parsed": "yes" if row["parsed"] else "kept raw",
            **{f"line_{name}": line.get(name) for name in ("id", "type", "user", "at", "description")},
        }
        return [flat[name] for name in COLUMNS.values()]

    def _expect(self, wanted: bytes, number: int) -> None:
        there = self._read(len(wanted))
        if there == wanted:
            return
        which = f"row {number}" if number else "the heading"
        raise Wrong(f"{which} of {TABLE} is not that of {ROWS}{self._column(there, wanted)}", row=number + 1)

    def _column(self, there: bytes, wanted: bytes) -> str:
        """Which column differs, where the rest of the row can be read."""
        whole = there + self._read(BLOCK)
        rows = (csv.reader(io.StringIO(raw.decode("utf-8", "replace"), newline="")) for raw in (whole, wanted))
        try:
            cells, expected = (next(each, []) for each in rows)
        except csv.Error:
            return ""
        for name, says, said in zip(COLUMNS, cells, expected):  # noqa: B905  (either may be shorter)
            if says != said:
                return f": {name} says {shown(says)}, not {shown(said)}"
        return ""

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except READ_FAILURES as error:
            raise Unreadable(f"{TABLE} is cut off or damaged; get it again") from error


def _zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, KeyError):  # of which ZoneInfoNotFoundError is one
        return None


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> str:
    """With an apostrophe before what a spreadsheet would run as a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(FORMULA) else text


# -- the plans of a pack ----------------------------------------------------------------------------------------------


def _check_plans(source: PackFiles, manifest: Mapping[str, Any], made: RemadeRows) -> None:
    """Each act and each change against its entry, each plan against its acts, and that none of them is left out."""
    number, last_plan, last_seq, count = 0, 0, 0, 0
    changes: Counter[int] = Counter()
    for number, line in enumerate(source.lines(PLANS), start=1):
        record, where = _as_written(line, PLANS, number), f"{PLANS}, line {number},"
        try:
            if record["record"] == "plan":
                _check_plan(record, made, where, number)
                is_next, last_plan, last_seq = record["plan"] > last_plan, record["plan"], 0
                changes[record["plan"]] = 0
                count += 1
            else:
                is_next, last_seq = record["seq"] > last_seq and record["plan"] in changes, record["seq"]
                if not made.is_in_plans(record):
                    raise Wrong(f"{where} is not what its entry says", row=number)
                changes[record["plan"]] += 1
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(f"{where} is not what the product writes", row=number) from error
        if not is_next:
            raise Wrong(f"{where} stands twice or out of its order", row=number)
    for plan, found in changes.items():
        if found != made.changes[plan]:
            raise Wrong(f"{PLANS} has {found} changes of plan {plan}, the entries {made.changes[plan]}")
    if manifest.get("plans") != count:
        raise Wrong(f"{PLANS} has {count} plans, {MANIFEST} says {shown(manifest.get('plans'))}")


def _check_plan(record: Row, made: RemadeRows, where: str, number: int) -> None:
    acts, plan = record["acts"], record["plan"]
    for act in acts:
        if not made.is_in_plans(act):
            raise Wrong(f"{where} has an act that its entry does not say", row=number)
    seqs = [act["seq"] for act in acts]
    if seqs != sorted(set(seqs)) or len(seqs) != made.acts[plan]:
        raise Wrong(f"{where} does not have all acts on plan {plan} in their order", row=number)
    expected = plan_of(plan, acts)
    for name in {**expected, **record}:
        if record.get(name) != expected.get(name):
            said = shown(expected.get(name))
            raise Wrong(f"{where} says {name} {shown(record.get(name))}, its acts say {said}", row=number)
    if short(record) != short(expected):
        raise Wrong(f"{where} has other fields than a plan has", row=number)


# -- the command ------------------------------------------------------------------------------------------------------


def text_of(report: Report) -> str:
    """The outcome in words, fit for a terminal whatever a pack says."""
    if report.ok:
        span = f", from {report.first} to {report.last}" if report.entries else ""
        first = f"Everything holds: {report.entries} entries{span}, {report.checkpoints} checkpoints."
        if report.rows is not None:
            first += f"\nEvery row says what its entry or its line says: {report.rows} rows."
    else:
        first = f"WRONG: {plain(report.wrong)}."
        if report.wrong_row is not None:
            first += f"\nThe first wrong row is in line {report.wrong_row} of its file; do not rely on the pack."
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
    print(text_of(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())

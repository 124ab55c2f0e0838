"""Checking the whole chain of entries, row by row, with constant memory: links, columns, checkpoints and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from django.conf import settings
from django.db.models import Max

from alignadmin.audit import archive_index, standalone_checker, triggers
from alignadmin.audit.checkpoints import FOLDER, HOUR, public_keys
from alignadmin.audit.models import ChainHead, Checkpoint, CheckpointDelivery, Entry
from alignadmin.audit.standalone_checker import Copies, Gap, Keyring, Seals, Signed, Walk, Wrong

CHUNK = 2000
Progress = Callable[[int], None]
Row: TypeAlias = tuple[int, str, str, str, datetime, str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check of the chain found; `first_wrong_seq` is the sequence number where the chain first breaks.

    `remarks` are what it could not know and what people should look at; `sentence` tells them, too.
    """

    ok: bool
    rows: int
    first_seq: int | None
    last_seq: int | None
    first_wrong_seq: int | None
    wrong_checkpoint: int | None
    checkpoints: int
    remarks: tuple[str, ...]
    sentence: str


@dataclass(kw_only=True)
class ChainReading:
    """One check under way, and how far it has come."""

    head: ChainHead
    end: int  # of the table, which may be beyond the head's
    last_checkpoint: int
    seals: Seals
    copies: Copies | None
    walk: Walk | None = None
    wrong: Wrong | None = None
    hours: Hours = field(default_factory=lambda: Hours())
    signed_archives: list[Signed] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass
class Hours:
    """Stretches of time without the checkpoints that the clock should have made."""

    last: datetime | None = None
    missed: int = 0
    longest: tuple[datetime, datetime] | None = None

    def add(self, at: datetime, cause: str) -> None:
        if cause != HOUR:
            return
        interval = settings.CHECKPOINT_INTERVAL
        if self.last and interval > 0 and (between := round((at - self.last).total_seconds() / interval) - 1) > 0:
            self.missed += between
            if not self.longest or at - self.last > self.longest[1] - self.longest[0]:
                self.longest = (self.last, at)
        self.last = at


def verify(progress: Progress | None = None, folder: Path | None = None) -> Verdict:
    """Read everything and compare.

    Checkpoints are compared with the copies in `folder`, else in CHECKPOINT_FOLDER.
    """
    reading = _begin()
    try:
        reading.copies = _copies(folder or Path(settings.CHECKPOINT_FOLDER))
        if reading.copies:
            reading.copies.expect(declared_gaps())
        _read_keys(reading.seals.keys)
        _read_entries(reading, progress)
        _compare_with_head(reading)
        _compare_with_copies(reading)
        reading.remarks += archive_index.check(reading.head, reading.signed_archives, reading.copies)
    except Wrong as wrong:
        reading.wrong = wrong
    return _verdict(reading, triggers.wrong())


def _begin() -> ChainReading:
    # The tables' ends are read before the head: an append in between can only make the head the larger one.
    last_checkpoint = Checkpoint.objects.aggregate(last=Max("number"))["last"] or 0
    end = Entry.objects.aggregate(end=Max("seq"))["end"] or 0
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    seals = Seals(Keyring(), from_first=True)
    return ChainReading(head=head, end=end, last_checkpoint=last_checkpoint, seals=seals, copies=None)


def _copies(folder: Path) -> Copies | None:
    found = standalone_checker.read_copies(folder) if folder.is_dir() else None
    return found if found and found.by_number else None


def declared_gaps() -> list[Gap]:
    """As they stand in the checkpoints, whose signatures are checked when their turn comes."""
    rows = Checkpoint.objects.filter(body__contains='"gap":{').order_by("number").values_list("body", flat=True)
    return [gap for body in rows if (gap := standalone_checker.read_signed(body, "", "a checkpoint").gap)]


def _read_keys(keys: Keyring) -> None:
    for each in public_keys():
        keys.add(each.key_id, each.public)


def _checkpoints(reading: ChainReading) -> Iterator[Signed]:
    """Each as it is stored, once its columns agree with its text."""
    number = 0
    while rows := list(
        Checkpoint.objects.filter(number__gt=number, number__lte=reading.last_checkpoint).order_by("number")[:CHUNK]
    ):
        for row in rows:
            number = row.number
            signed = standalone_checker.read_signed(row.body, row.signature, f"checkpoint {number}")
            columns = (row.number, row.seq, row.at.isoformat(), row.key_id, row.cause, row.hash)
            if columns != (signed.number, signed.seq, signed.at, signed.key, signed.cause, signed.digest):
                raise Wrong(f"the columns of checkpoint {number} differ from its text", checkpoint=number)
            yield signed


def _compared(reading: ChainReading) -> Iterator[Signed]:
    for each in reading.seals.checked(_checkpoints(reading)):
        if reading.copies:
            reading.copies.compare(each)
        reading.hours.add(datetime.fromisoformat(each.at), each.cause)
        if each.archive:
            reading.signed_archives.append(each)
        yield each


def _read_entries(reading: ChainReading, progress: Progress | None) -> None:
    head = reading.head
    start = (head.archived_seq, head.archived_hash) if head.archived_seq else (0, standalone_checker.START)
    reading.walk = walk = Walk(*start, _compared(reading))
    for seq, prev, hash_, body, at, action in _entries(head.archived_seq, head.seq):
        said = walk.step(seq, prev, hash_, body)
        # The columns repeat what the body says, for searching; only the body is hashed.
        if (said.get("at"), said.get("action")) != (at.isoformat(), action):
            raise Wrong(f"the columns of entry {seq} differ from its body", seq=seq)
        if progress and walk.rows % CHUNK == 0:
            progress(walk.rows)
    walk.end(is_whole=True)


def _entries(after: int, last: int) -> Iterator[Row]:
    """By pages of the key: entries never change, so no snapshot is needed, and no database keeps a result for us.

    What stands at or before `after` is read, too: it should have left with its archive.
    """
    stored = Entry.objects.filter(seq__lte=last).values_list("seq", "prev", "hash", "body", "at", "action")
    seq: int | None = None
    while rows := list((stored if seq is None else stored.filter(seq__gt=seq)).order_by("seq")[:CHUNK]):
        yield from rows
        seq = rows[-1][0]


def _compare_with_head(reading: ChainReading) -> None:
    walk, head = reading.walk, reading.head
    assert walk is not None  # noqa: S101  (the entries were read)
    if walk.seq < head.seq:
        raise Wrong(f"the entries from {walk.seq + 1} to {head.seq} are missing", seq=walk.seq + 1)
    if reading.end > head.seq:
        raise Wrong(f"entry {head.seq + 1} was not appended by this product", seq=head.seq + 1)
    if walk.hash != (head.hash if head.seq else standalone_checker.START):
        raise Wrong("the last entry is not the one that was appended last", seq=walk.seq)


def _compare_with_copies(reading: ChainReading) -> None:
    """Copies that this database does not have any more tell that its end was cut off."""
    if not reading.copies:
        return
    beyond = {number: copy for number, copy in reading.copies.by_number.items() if number > reading.last_checkpoint}
    # One may have been made while we read.
    there = dict(Checkpoint.objects.filter(number__gt=reading.last_checkpoint).values_list("number", "body"))
    for number, copy in sorted(beyond.items()):
        if standalone_checker.checkpoint_digest(there.get(number, "")) != copy.digest:
            raise Wrong(
                f"checkpoint {number}, delivered at {copy.at} with {copy.seq} entries, is not in the database: the end "
                "of the history was cut off, or the database was restored from a backup (then manage.py "
                "history_restored says so in the history)",
                seq=reading.head.seq + 1,
                checkpoint=number,
            )


# -- in words ---------------------------------------------------------------------------------------------------------


def _verdict(reading: ChainReading, lacking: list[str]) -> Verdict:
    walk, wrong = reading.walk, reading.wrong
    rows = walk.rows if walk else 0
    first = reading.head.archived_seq + 1 if rows else None
    last = walk.seq if walk and rows else None
    remarks = [] if wrong else [*reading.seals.remarks, *reading.remarks, *_unknown(reading)]
    return Verdict(
        ok=wrong is None and not lacking,
        rows=rows,
        first_seq=first,
        last_seq=last,
        first_wrong_seq=wrong.seq if wrong else None,
        wrong_checkpoint=wrong.checkpoint if wrong else None,
        checkpoints=reading.last_checkpoint,
        remarks=tuple(remarks),
        sentence=" ".join([_main_sentence(wrong, lacking, rows, first, last), *remarks]),
    )


def _main_sentence(wrong: Wrong | None, lacking: list[str], rows: int, first: int | None, last: int | None) -> str:
    if wrong:
        return f"The chain is broken: {wrong.why}."
    if lacking:
        return f"The chain holds, but its tables are not guarded: {'; '.join(lacking)}. Run manage.py migrate."
    if rows:
        return f"The chain holds: {rows} entries, from {first} to {last}, nothing missing or altered."
    return "The chain holds: no entries yet."


def _unknown(reading: ChainReading) -> Iterator[str]:
    walk = reading.walk
    if not reading.last_checkpoint:
        if walk and walk.rows:
            yield (
                "There is no checkpoint yet: whether everything was written anew, or the end cut off, cannot be known."
            )
        return
    if walk and walk.sealed < walk.seq:
        yield f"Entries {walk.sealed + 1} to {walk.seq} wait for the next checkpoint."
    if reading.copies is None:
        yield (
            "No copies of checkpoints are at hand: whether the end was cut off together with its checkpoints cannot "
            "be known."
        )
    elif lost := _lost_copies(reading):
        yield f"The folder lacks {lost} checkpoints that were delivered there."
    if reading.hours.longest:
        since, until = reading.hours.longest
        yield (
            f"{reading.hours.missed} hourly checkpoints were not made; the longest time without one is from "
            f"{since:%d %b %Y, %H:%M} to {until:%d %b %Y, %H:%M} UTC."
        )


def _lost_copies(reading: ChainReading) -> int:
    """How many are not in the folder although they were written there once."""
    delivered = CheckpointDelivery.objects.filter(place=FOLDER, checkpoint__number__lte=reading.last_checkpoint)
    numbers = delivered.exclude(delivered_at=None).values_list("checkpoint_id", flat=True)
    return sum(number not in reading.copies.by_number for number in numbers.iterator()) if reading.copies else 0

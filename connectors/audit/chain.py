"""Checking the whole chain of entries, row by row, with constant memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Max
from django.utils import timezone

from connectors.audit import triggers
from connectors.audit.models import ChainHead, Entry
from connectors.audit.trail import START, digest

CHUNK = 2000
Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check of the chain found; `first_wrong_seq` is the sequence number where the chain first breaks."""

    ok: bool
    rows: int
    first_seq: int | None
    last_seq: int | None
    first_wrong_seq: int | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """The stored columns of one entry."""

    seq: int
    prev: str
    hash: str
    body: str
    at: str
    action: str


@dataclass(kw_only=True)
class Reading:
    """How far the check has come."""

    rows: int = 0
    seq: int = 0
    hash: str = START
    wrong: int | None = None
    why: str = ""


def verify(progress: Progress | None = None) -> Verdict:
    """Read every entry and compare; the verdict is kept for the head of the history page."""
    # The table's end is read before the head: an append in between can only make the head the larger one.
    end = Entry.objects.aggregate(end=Max("seq"))["end"] or 0
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    reading = _read(_links(head.seq), progress)
    if reading.wrong is None:
        reading.wrong, reading.why = _compare_with_head(reading, head, end)
    verdict = _verdict(reading, triggers.missing())
    ChainHead.objects.filter(pk=1).update(verified_at=timezone.now(), verified_seq=reading.seq, wrong_seq=reading.wrong)
    return verdict


def _links(last: int) -> Iterator[Link]:
    stored = Entry.objects.filter(seq__lte=last).order_by("seq")
    for entry in stored.iterator(chunk_size=CHUNK):
        yield Link(
            seq=entry.seq,
            prev=entry.prev,
            hash=entry.hash,
            body=entry.body,
            at=entry.at.isoformat(),
            action=entry.action,
        )


def _read(links: Iterator[Link], progress: Progress | None) -> Reading:
    reading = Reading()
    for link in links:
        why = _wrong(link, reading)
        if why:
            # A gap is named by the number that is not there.
            reading.wrong, reading.why = min(link.seq, reading.seq + 1), why
            break
        reading.rows, reading.seq, reading.hash = reading.rows + 1, link.seq, link.hash
        if progress and reading.rows % CHUNK == 0:
            progress(reading.rows)
    return reading


def _wrong(link: Link, reading: Reading) -> str:
    if link.seq != reading.seq + 1:
        return f"entry {reading.seq + 1} is missing"
    if link.prev != reading.hash:
        return f"entry {link.seq} does not follow the one before it"
    if link.hash != digest(link.prev, link.body):
        return f"entry {link.seq} is not what was written"
    return "" if _columns_agree(link) else f"the columns of entry {link.seq} differ from its body"


def _columns_agree(link: Link) -> bool:
    """The columns repeat what the body says, for searching; only the body is hashed."""
    try:
        body = json.loads(link.body)
    except ValueError:
        return False
    return (body.get("seq"), body.get("at"), body.get("action")) == (link.seq, link.at, link.action)


def _compare_with_head(reading: Reading, head: ChainHead, end: int) -> tuple[int | None, str]:
    if reading.seq < head.seq:
        return reading.seq + 1, f"the entries from {reading.seq + 1} to {head.seq} are missing"
    if end > head.seq:
        return head.seq + 1, f"entry {head.seq + 1} was not appended by this product"
    if reading.hash != head.hash:
        return reading.seq, "the last entry is not the one that was appended last"
    return None, ""


def _verdict(reading: Reading, lacking: list[str]) -> Verdict:
    if reading.wrong is not None:
        sentence = f"The chain is broken: {reading.why}."
    elif lacking:
        sentence = f"The chain holds, but the tables lack their triggers: {', '.join(lacking)}. Run manage.py migrate."
    elif reading.rows:
        sentence = f"The chain holds: {reading.rows} entries, from 1 to {reading.seq}, nothing missing or altered."
    else:
        sentence = "The chain holds: no entries yet."
    return Verdict(
        ok=reading.wrong is None and not lacking,
        rows=reading.rows,
        first_seq=1 if reading.rows else None,
        last_seq=reading.seq or None,
        first_wrong_seq=reading.wrong,
        sentence=sentence,
    )

"""Which entries a request has appended, so that an error after them can lead back to what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from alignadmin.audit.models import Entry

_collected: ContextVar[list[Entry] | None] = ContextVar("entries of this request", default=None)


@contextmanager
def collecting() -> Iterator[None]:
    """For one request, in its thread."""
    token = _collected.set([])
    try:
        yield
    finally:
        _collected.reset(token)


def collect(entries: Sequence[Entry]) -> None:
    """Appended, and not yet known to be kept: their transaction may still be taken back."""
    if (found := _collected.get()) is not None:
        found.extend(entries)


def kept() -> list[Entry]:
    """Those of this request that are in the database, in their order."""
    hashes = {entry.seq: entry.hash for entry in _collected.get() or ()}
    found = Entry.objects.filter(seq__in=hashes).order_by("seq")
    return [entry for entry in found if hashes[entry.seq] == entry.hash]

"""Which entries a request has appended, so that an error after them can lead back to what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from alignadmin.audit.models import Entry

_noted: ContextVar[list[Entry] | None] = ContextVar("entries of this request", default=None)


@contextmanager
def noting() -> Iterator[None]:
    """For one request, in its thread."""
    token = _noted.set([])
    try:
        yield
    finally:
        _noted.reset(token)


def note(entries: Sequence[Entry]) -> None:
    """Appended, and not yet known to be kept: their transaction may still be taken back."""
    if (noted := _noted.get()) is not None:
        noted.extend(entries)


def kept() -> list[Entry]:
    """Those of this request that are in the database, in their order."""
    noted = {entry.seq: entry.hash for entry in _noted.get() or ()}
    found = Entry.objects.filter(seq__in=noted).order_by("seq")
    return [entry for entry in found if noted[entry.seq] == entry.hash]

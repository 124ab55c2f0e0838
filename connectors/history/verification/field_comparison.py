"""A row beside the entry that it repeats: field by field, and times.

A time that a table has beside its entry was taken in the same transaction: it may be older by what that waited for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from alignadmin.audit.models import Entry
from connectors.ports.differences import ALTERED, Difference, quoted

WAITED = timedelta(minutes=1)  # a transaction, at most, between what it notes and its entry


def altered(table: str, what: str, name: str, says: object, said: object, seq: int | None = None) -> Difference:
    field = name.replace("_", " ")
    source = f"entry {seq}" if seq else "the history"
    sentence = f"{what[:1].upper()}{what[1:]}: {field} says {quoted(says)}, {source} says {quoted(said)}."
    return Difference(kind=ALTERED, table=table, seq=seq, field=field, sentence=sentence)


def compared(
    table: str, what: str, says: Mapping[str, object], said: Mapping[str, object], seq: int | None = None
) -> Iterator[Difference]:
    """Field by field; of `said` those that are there."""
    for name, value in said.items():
        if says[name] != value:
            yield altered(table, what, name, says[name], value, seq)


def is_near(at: datetime | None, stated_at: datetime) -> bool:
    return at is not None and timedelta(0) <= stated_at - at <= WAITED


def body_of(entry: Entry) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(entry.body)
    return found

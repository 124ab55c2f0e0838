"""How parts of the catalogue are stored: added or changed by their remote ids, marked as vanished, never deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.utils import timezone

from connectors.models import Connector

ROWS_AT_ONCE = 500
KEYS_AT_ONCE = 5000
LONGEST_NAME = 255  # PostgreSQL refuses what the column does not hold
UNNAMED = "(no name)"


def upsert(table: type[Model], connector: Connector, rows: Iterable[Any], *, key: str, fields: Sequence[str]) -> None:
    """Add or change by the remote id, and unmark what had vanished. A list that says nothing new writes nothing.

    A list that changed while it was paged can name one thing twice; PostgreSQL refuses to upsert a row twice.
    """
    columns = {field.name: field.attname for field in table._meta.concrete_fields}
    names = [columns[name] for name in fields]
    stored = table._default_manager.filter(connector=connector).values_list(key, "vanished_at", *names)
    known = {remote_id: values for remote_id, *values in stored}
    each = {getattr(row, key): row for row in rows}
    if "name" in names:
        _keep_names(each, {remote_id: values[1 + names.index("name")] for remote_id, values in known.items()})
    table._default_manager.bulk_create(
        [row for id_, row in each.items() if known.get(id_) != [None, *(getattr(row, name) for name in names)]],
        update_conflicts=True,
        unique_fields=["connector", key],
        update_fields=[*fields, "vanished_at"],
        batch_size=ROWS_AT_ONCE,
    )


def _keep_names(rows: Mapping[int, Any], known: Mapping[int, str]) -> None:
    """A name only decorates: where a site leaves it out, the last one stays."""
    for remote_id, row in rows.items():
        row.name = row.name or known.get(remote_id) or UNNAMED


def mark_vanished(table: type[Model], connector: Connector, key: str, answered: Iterable[int]) -> None:
    """Compared here, since all ids of a large site are more parameters than a statement of SQLite takes."""
    there, now = set(answered), timezone.now()
    stored = table._default_manager.filter(connector=connector, vanished_at=None).values_list("pk", key)
    gone = [pk for pk, remote_id in stored if remote_id not in there]
    for some in batches(gone):
        table._default_manager.filter(pk__in=some).update(vanished_at=now)


def batches(keys: Collection[int]) -> Iterator[list[int]]:
    """As many as a statement takes."""
    ordered = sorted(keys)
    for first in range(0, len(ordered), KEYS_AT_ONCE):
        yield ordered[first : first + KEYS_AT_ONCE]

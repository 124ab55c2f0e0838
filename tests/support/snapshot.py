"""What the real jobs leave in the database once they have read a sandbox, kept to be put back before other tests.

To read it takes seconds of two processors, and several hundred tests begin with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.db.models import DateTimeField, Field, Model
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from connectors.models import Coverage, HistoryRow, IntakeRun, MirrorLine, OpenRun, RunWithdrawal
from tests.support import tables

LEFT = tables.FILLED_BY_MIGRATIONS | {"django_session", Person._meta.db_table}
# An entry's time stands in its hashed body, too, and that of a line or a run in its digest.
UNMOVED = {
    model._meta.db_table for model in (Entry, HistoryRow, MirrorLine, IntakeRun, OpenRun, RunWithdrawal, Coverage)
}
AT_ONCE = 5000


@dataclass(frozen=True, kw_only=True)
class Table:
    model: type[Model]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    taken_at: datetime
    tables: list[Table]

    def put_back(self, *, to_the_second: bool = False) -> None:
        """Instead of what stands in these tables; times are as long ago as they were, or the times that they were."""
        later = timedelta() if to_the_second else timezone.now() - self.taken_at
        with tables.without_triggers(), connection.cursor() as cursor:
            for table in self.tables:
                cursor.execute(f"DELETE FROM {table.model._meta.db_table}")
            for table in self.tables:
                rows = [_moved(table.model, row, later) for row in table.rows]
                tables.insert(table.model._meta.db_table, _names(table.model), rows)


class States:
    """Snapshots by name, of this process. The sandbox is no part of them: a test brings it to where it was itself."""

    def __init__(self) -> None:
        self._kept: dict[str, Snapshot] = {}

    def put(self, name: str, make: Callable[[], object], *, to_the_second: bool = False) -> None:
        """As `make` once left the database, which then had what it has now.

        `to_the_second` where times of tables are held beside those of entries, which stay.
        """
        if kept := self._kept.get(name):
            kept.put_back(to_the_second=to_the_second)
            cache.clear()  # it knows things by the ids and uuids that are there again now
            return
        make()
        self._kept[name] = taken()


def taken() -> Snapshot:
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table in LEFT or not model._meta.managed:
                continue
            cursor.execute(f"SELECT {_names(model)} FROM {table} LIMIT {AT_ONCE}")
            rows = cursor.fetchall()
            assert len(rows) < AT_ONCE, f"{table} has too many rows for a snapshot"
            if rows:
                found.append(Table(model=model, rows=rows))
    return Snapshot(taken_at=timezone.now(), tables=found)


def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _names(model: type[Model]) -> str:
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in _fields(model))


def _moved(model: type[Model], row: tuple[Any, ...], later: timedelta) -> tuple[Any, ...]:
    if model._meta.db_table in UNMOVED:
        return row
    return tuple(
        _later(value, later) if isinstance(field, DateTimeField) and value is not None else value
        for field, value in zip(_fields(model), row, strict=True)
    )


def _later(value: Any, later: timedelta) -> Any:
    """SQLite gives a time as text."""
    if isinstance(value, datetime):
        return value + later
    return (datetime.fromisoformat(value) + later).isoformat(" ")

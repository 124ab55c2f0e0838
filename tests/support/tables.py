"""What stands in the tables, emptied and filled between two tests, past the product and its triggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from alignadmin.audit import triggers

FILLED_BY_MIGRATIONS = {"django_content_type", "auth_permission"}  # which no test changes


@contextmanager
def without_triggers() -> Iterator[None]:
    """One transaction. PostgreSQL sets them aside for it, its foreign keys, too: to drop and make them takes longer."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
        return
    with triggers.lifted(), transaction.atomic():  # at whose end the foreign keys are checked
        yield


def empty(tables: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        # Our own tables' names alone are put into the text.
        asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in sorted(tables))
        cursor.execute(" UNION ALL ".join(asked))
        filled = [table for (table,) in cursor.fetchall()]
        with without_triggers():
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")


def insert(table: str, names: str, rows: Sequence[Sequence[Any]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # a fifth of the time that INSERTs take
            with cursor.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)

"""Counting a wake-up, and reading how many there were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import F

from alignadmin.wake_ups.models import WakeUpCount

CHANNEL = "alignadmin_wake_up"  # of PostgreSQL
# Read ten times a second on SQLite, by every worker, and there the ORM takes longer than the rest of an idle worker.
NUMBER = f'SELECT number FROM "{WakeUpCount._meta.db_table}" WHERE id = %s'  # noqa: S608  # nosec B608  # our own name


def count_one() -> None:
    """The number first: a worker that PostgreSQL has notified compares it."""
    row = WakeUpCount.objects.filter(pk=WakeUpCount.THE_ROW)
    with _not_waiting_for_the_disk():
        if not row.update(number=F("number") + 1):
            WakeUpCount.objects.get_or_create(pk=WakeUpCount.THE_ROW)  # 0, which differs from a row that is not there
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


@contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """A number lost with the power is no loss: workers look at their start. SQLite allows it between transactions."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


def counted() -> int:
    """-1 before the first one."""
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [WakeUpCount.THE_ROW])
        row = cursor.fetchone()
    return -1 if row is None else int(row[0])

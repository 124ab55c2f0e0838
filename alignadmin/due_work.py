"""What is due: functions that find it in our own tables and do it, run by a worker whom a wake-up or a tick rouses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import transaction

from alignadmin.wake_ups import counting

_due_work: list[Callable[[], int]] = []


def due_work(run: Callable[[], int]) -> Callable[[], int]:
    """Register a function that finds and does what is due, and returns how much it did."""
    _due_work.append(run)
    return run


def run_due() -> int:
    """Do in this thread what is due now, and what that makes due; returns how much it was."""
    done = 0
    while found := sum(run() for run in _due_work):
        done += found
    return done


def wake() -> None:
    """Make a worker look for work once the current transaction is committed.

    One that cannot be counted undoes nothing and fails no request: the next tick finds the work.
    """
    transaction.on_commit(counting.count_one, robust=True)


def last_hour(moment: datetime, hour: int) -> datetime:
    """When that hour of the day (UTC, 0 to 23) last began, for what happens once a day."""
    began = moment.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return began if began <= moment else began - timedelta(days=1)

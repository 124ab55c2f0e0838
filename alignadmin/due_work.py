"""The queue, as little of it as we need: a wake-up call for the worker.

A queue may lose a task whose worker is killed, so nothing is ever stored in one: what is due stands in our own
tables, and a wake-up (or the tick every few seconds) makes a worker look there.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from huey.contrib.djhuey import HUEY, db_task

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


@db_task()  # type: ignore[untyped-decorator]
def look_for_work() -> None:
    run_due()


def wake() -> None:
    """Make a worker look for work once the current transaction is committed."""
    transaction.on_commit(look_for_work)


__all__ = ["HUEY", "due_work", "look_for_work", "run_due", "wake"]

"""Wake-ups: counted once what they are for is committed, and heard by whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from django.db import connection, connections, transaction

from alignadmin.due_work import wake
from alignadmin.wake_ups.counting import count_one, counted
from alignadmin.wake_ups.models import WakeUpCount
from alignadmin.wake_ups.watch import POLL_EVERY_THOUGH_NOTIFIED, WakeUpWatch
from tests.support.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = WakeUpCount._meta.db_table


def closing(work: Callable[[], object]) -> None:
    """In a thread of its own, which leaves no connection open."""
    try:
        work()
    finally:
        connections.close_all()


@contextmanager
def heard() -> Iterator[list[tuple[float, int]]]:
    """When a worker's watch heard how many wake-ups, from before the first on."""
    told: list[tuple[float, int]] = []
    stopping, ready = Event(), Event()

    def hear() -> None:
        watch = WakeUpWatch(stopping)
        watch.wait()
        ready.set()
        while not stopping.is_set():
            if number := watch.wait():
                told.append((time.monotonic(), number))

    thread = Thread(target=closing, args=(hear,))
    thread.start()
    ready.wait(10)
    try:
        yield told
    finally:
        stopping.set()
        thread.join()


def test_a_wake_up_is_counted_with_the_commit_and_not_before() -> None:
    with transaction.atomic():
        wake()
        assert counted() == -1
    assert counted() == 0
    wake()
    assert counted() == 1


def test_what_is_undone_wakes_nobody() -> None:
    wake()
    with transaction.atomic():
        wake()
        transaction.set_rollback(True)
    assert counted() == 0


def test_none_of_many_at_once_is_lost() -> None:
    count_one()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(closing, count_one) for _ in range(40)]:
            done.result()
    assert counted() == 40


def test_a_wake_up_that_cannot_be_counted_fails_nothing_that_is_committed() -> None:
    with moved_away(), transaction.atomic():
        wake()
    assert counted() == -1


@contextmanager
def moved_away() -> Iterator[None]:
    """The table is not there: a database that does not answer as it should."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {TABLE}")


def test_what_others_count_is_heard_and_nothing_that_was_before() -> None:
    for _ in range(3):
        count_one()
    with heard() as told:
        time.sleep(2 * POLL_EVERY_THOUGH_NOTIFIED)
        assert told == []
        count_one()
        eventually(lambda: bool(told), what="the wake-up")
        assert [number for _, number in told] == [1]
        count_one()
        count_one()
        eventually(lambda: sum(number for _, number in told) == 3, what="both others")


def test_one_that_waits_hears_it_sooner_than_the_number_is_read_on_postgresql() -> None:
    count_one()
    delays = []
    with heard() as told:
        for number in range(5):
            time.sleep(0.13 * number)
            began = time.monotonic()
            count_one()
            eventually(lambda number=number: len(told) > number, what="the wake-up")  # type: ignore[misc]
            delays.append(told[number][0] - began)
    assert sorted(delays)[2] < POLL_EVERY_THOUGH_NOTIFIED / 2, delays


def test_a_watch_that_met_a_database_in_trouble_hears_again() -> None:
    count_one()
    with heard() as told:
        with moved_away():
            time.sleep(3 * POLL_EVERY_THOUGH_NOTIFIED)
        time.sleep(2 * POLL_EVERY_THOUGH_NOTIFIED)
        assert told == []
        count_one()
        eventually(lambda: bool(told), what="the wake-up after the trouble")

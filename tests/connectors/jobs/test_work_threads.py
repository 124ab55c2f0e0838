"""The worker's threads: a look for each wake-up, side by side, whatever becomes of one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Event

import pytest
from django.db import OperationalError

from connectors.jobs.clock import tick
from connectors.jobs.work_threads import WorkThreads
from tests.support.processes import Site, eventually, migrated_site

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_clock_asks_for_one_look_however_often_it_ticks() -> None:
    threads = WorkThreads(4, int)
    for _ in range(3):
        tick(threads)
    assert threads.asked == 1


def test_no_more_looks_wait_than_there_are_threads() -> None:
    threads = WorkThreads(4, int)
    threads.ask(7)
    assert threads.asked == 4


def test_two_wake_ups_are_looked_after_side_by_side() -> None:
    both = Barrier(3)
    threads = WorkThreads(4, lambda: both.wait(10))
    threads.start()
    threads.ask(2)
    both.wait(10)
    threads.end()


def test_while_one_is_busy_another_one_looks() -> None:
    may_end, looks = Event(), list[int]()

    def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            may_end.wait(10)

    threads = WorkThreads(2, look)
    threads.start()
    for number in (1, 2, 3):
        threads.ask()
        eventually(lambda number=number: len(looks) == number, within=5, what="the look")  # type: ignore[misc]
    may_end.set()
    threads.end()


@pytest.mark.parametrize(
    ("error", "said"),
    [(OperationalError("gone"), "due work could not be looked for: gone"), (KeyError("x"), "due work failed")],
)
def test_a_look_that_fails_is_told_and_the_thread_goes_on(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            raise error

    threads = WorkThreads(1, look)
    threads.start()
    with caplog.at_level(logging.WARNING):
        for number in (1, 2):
            threads.ask()
            eventually(lambda number=number: len(looks) == number, within=5, what="the look")  # type: ignore[misc]
    threads.end()
    assert [record.getMessage() for record in caplog.records] == [said]


def test_the_end_waits_for_the_look_that_is_under_way_and_begins_no_other() -> None:
    begun, ended = Event(), list[int]()

    def look() -> None:
        begun.set()
        time.sleep(0.3)
        ended.append(1)

    threads = WorkThreads(1, look)
    threads.start()
    threads.ask()
    begun.wait(5)
    threads.ask()
    threads.end()
    assert ended == [1]


# --- the real worker --------------------------------------------------------------------------------------------------


@pytest.fixture
def site(processes: None, tmp_path: Path) -> Iterator[Site]:
    """Its clock ticks once an hour: what happens sooner was woken."""
    with migrated_site(tmp_path / "var", LOG_LEVEL="INFO", TICK="3600") as made:
        yield made


QUEUE = (
    "from connectors.models import *; from connectors.jobs import runner; "
    "acme, _ = Connector.objects.get_or_create(slug='acme', defaults=dict(align_connector_id=1, is_active=False)); "
    "runner.start(acme, 'refresh', actor=None, subject='{}')"
)
ENDED = "from connectors.models import *; print(Job.objects.exclude(finished_at=None).count())"


def shell(site: Site, code: str) -> str:
    return site.command("shell", "-v", "0", "-c", code).strip()


def test_what_another_process_queues_is_begun_without_a_tick_and_the_end_is_quick(site: Site) -> None:
    site.start_worker()
    (worker,) = site.children.started
    eventually(lambda: "has started" in worker.log.read_text(), what="the start")
    for number in (1, 2):
        shell(site, QUEUE.format(number))
        eventually(lambda number=number: shell(site, ENDED) == str(number), within=15, what="the job")  # type: ignore[misc]
    worker.process.terminate()
    began = time.monotonic()
    assert worker.process.wait(10) == 0
    assert time.monotonic() - began < 3
    assert "has ended" in worker.log.read_text()

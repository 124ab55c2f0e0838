"""The worker's clock and its ear: one thread makes it look for due work every few seconds, one at each wake-up.

The clock is also what finds, at the worker's start and whenever a lease ends, the jobs whose worker was killed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connections

from alignadmin import starting
from alignadmin.wake_ups.watch import WakeUpWatch
from connectors.jobs import heartbeat, runner
from connectors.jobs.work_threads import WorkThreads

log = logging.getLogger(__name__)
# Short looks of rooms that this one does not know; each is filled in when the apps are ready.
AT_EACH_TICK: list[Callable[[], None]] = []


def start(threads: WorkThreads) -> None:
    """Both go on until the worker is asked to end."""
    for name, target in (("clock", _keep_time), ("wake-ups", _watch_wake_ups)):
        threading.Thread(target=target, args=(threads,), name=name, daemon=True).start()


def _watch_wake_ups(threads: WorkThreads) -> None:
    watch = WakeUpWatch(runner.stopping)
    while not runner.stopping.is_set():
        if wake_ups := watch.wait():
            threads.ask(wake_ups)
    connections.close_all()


def _keep_time(threads: WorkThreads) -> None:
    """The first tick is at once: what a killed worker left behind waits for nobody's click."""
    trouble = ""
    while True:
        wait = settings.TICK
        try:
            tick(threads)
            wait = runner.seconds_to_next_end(settings.TICK)
            if trouble:
                log.info("the clock goes on: the database answers again")
            trouble = ""
        except DatabaseFailure as error:  # told once, not at every tick
            if trouble != (trouble := starting.reason_of(error)):
                log.warning("the clock stands still, because the database does not answer as it should: %s", trouble)
        except Exception:  # the worker's outermost loop: the next tick tries again
            log.exception("the clock could not wake the worker")
        finally:
            connections.close_all()
        if runner.stopping.wait(wait):
            return


def tick(threads: WorkThreads) -> None:
    """Take over jobs that were left alone, and have one thread look for work, unless one is asked to already.

    The clock does no work itself: a job of many minutes would stop it, and a daemon thread ends without finishing.
    """
    heartbeat.beat()
    runner.take_over()
    threads.ask_unless_asked()
    for look in AT_EACH_TICK:
        try:
            look()
        except Exception:  # the clock goes on, and so do the other looks
            log.exception("%s failed, which the clock calls at each tick", getattr(look, "__qualname__", look))

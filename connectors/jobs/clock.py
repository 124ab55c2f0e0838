"""The worker's clock: besides being woken, each worker process is made to look for due work every few seconds.

It is also what finds, at the worker's start and whenever a lease ends, the jobs whose worker was killed.
"""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connections

from alignadmin import starting
from alignadmin.due_work import HUEY, look_for_work
from connectors.jobs import heartbeat, runner

log = logging.getLogger(__name__)
_clock_lock = threading.Lock()
_stop = threading.Event()


@HUEY.on_startup()  # type: ignore[untyped-decorator]
def start_clock() -> None:
    """Runs in each worker thread at its start; one thread of the process keeps the clock."""
    if _clock_lock.acquire(blocking=False):
        threading.Thread(target=_keep_time, name="clock", daemon=True).start()


@HUEY.on_shutdown()  # type: ignore[untyped-decorator]
def stop_clock() -> None:
    _stop.set()


def _keep_time() -> None:
    """The first tick is at once: what a killed worker left behind waits for nobody's click."""
    trouble = ""
    while True:
        wait = settings.TICK
        try:
            tick()
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
        if _stop.wait(wait):
            return


def tick() -> None:
    """Take over jobs that were left alone, and wake the worker, unless a wake-up waits already.

    The clock does no work itself: a job of many minutes would stop it, and a daemon thread ends without finishing.
    """
    heartbeat.beat()
    runner.take_over()
    if HUEY.pending_count() == 0:
        look_for_work()

"""The worker's clock: besides being woken, each worker process is made to look for due work every few seconds."""

from __future__ import annotations

import logging
import threading

from django.conf import settings

from alignadmin.tasks import HUEY, look_for_work

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
    while not _stop.wait(settings.TICK):
        try:
            tick()
        except Exception:  # the worker's outermost loop: the next tick tries again
            log.exception("the clock could not wake the worker")


def tick() -> None:
    """Wake the worker, unless a wake-up waits already.

    The clock does no work itself: a job of many minutes would stop it, and a daemon thread ends without finishing.
    """
    if HUEY.pending_count() == 0:
        look_for_work()

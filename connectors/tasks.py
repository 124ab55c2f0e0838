"""The worker's clock: besides being woken, each worker process looks for due work every few seconds."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import connections

from alignadmin.tasks import HUEY, run_due

log = logging.getLogger(__name__)
_stop = threading.Event()


@HUEY.on_startup()
def start_clock() -> None:
    """Runs in each worker thread at its start; one thread of the process keeps the clock."""
    if _clock_lock.acquire(blocking=False):
        threading.Thread(target=_tick, name="clock", daemon=True).start()


@HUEY.on_shutdown()
def stop_clock() -> None:
    _stop.set()


_clock_lock = threading.Lock()


def _tick() -> None:
    while not _stop.wait(settings.TICK):
        try:
            run_due()
        except Exception:  # the worker's outermost loop: the next tick tries again
            log.exception("looking for due work failed")
        finally:
            connections.close_all()

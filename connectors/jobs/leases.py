"""What a lease is made of: until when it is surely ours, and the thread that renews it while the work goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, connections
from django.utils import timezone

log = logging.getLogger(__name__)

Renew = Callable[[], bool]  # False once it is somebody else's


def end(now: datetime | None = None) -> datetime:
    """Of a lease that is taken or renewed now."""
    return (now or timezone.now()) + timedelta(seconds=settings.JOB_LEASE)


def surely_until(began: float) -> float:
    """Until when nobody can take it over; the last beat that may save the lease has given up by then."""
    return began + float(settings.JOB_LEASE) - float(settings.JOB_HEARTBEAT_PATIENCE)


@contextmanager
def heartbeat(name: str, renew: Renew) -> Iterator[None]:
    """Renew the lease from a thread of its own while the work goes on."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(stop, name, renew), name=f"lease of {name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat_until(stop: threading.Event, name: str, renew: Renew) -> None:
    due = time.monotonic() + settings.JOB_HEARTBEAT
    try:
        while not stop.wait(max(0.0, due - time.monotonic())) and _beat(name, renew):
            due = max(due + settings.JOB_HEARTBEAT, time.monotonic())
    finally:
        connections.close_all()


def _beat(name: str, renew: Renew) -> bool:
    """A beat that could not be written is left to the next one."""
    try:
        _be_impatient()
        return renew()
    except DatabaseFailure as error:
        log.warning("the lease of %s could not be renewed: %s", name, error)
        connection.close()
        return True


def _be_impatient() -> None:
    """On this thread's connection: a beat that waits too long for a lock would only come too late."""
    patience = int(settings.JOB_HEARTBEAT_PATIENCE * 1000)
    with connection.cursor() as cursor:  # the ORM sets nothing of a connection
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
        else:
            cursor.execute(f"SET lock_timeout = {patience}; SET statement_timeout = {patience}")

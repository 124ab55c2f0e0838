"""The lease of a pack that is being written, as of a job: one worker at a time, taken over when that worker dies.

A pack has no connector, which every job has; the pattern is that of connectors.jobs. Every write names the epoch.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, connections
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from connectors.audit.models import Pack, PackState
from connectors.jobs import PROGRESS_EVERY, Interrupted, LeaseLost, owner_name, stopping

log = logging.getLogger(__name__)


@dataclass
class Hold:
    """A claimed pack in the hands of the worker that writes it."""

    pack: Pack
    held_until: float  # on the monotonic clock; nobody takes it over before
    written_at: float = field(default=0.0)

    def progress(self, done: int) -> None:
        """Say how far it is; written at most twice a second. Raises LeaseLost."""
        self.hear()
        self.pack.done = done
        if time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.written_at = time.monotonic()
            self.write(done=done, total=self.pack.total)

    def hear(self) -> None:
        """Raises Interrupted when the worker was asked to end, and LeaseLost when the lease may end soon."""
        if stopping.is_set():
            raise Interrupted
        if time.monotonic() >= self.held_until:
            raise LeaseLost

    def fence(self) -> None:
        """The first statement of a transaction that only the holder may commit. Raises LeaseLost."""
        if not connection.in_atomic_block:
            raise RuntimeError("A fence stands in the transaction that it guards.")
        if not self.mine().select_for_update().values_list("pk", flat=True).first():
            raise LeaseLost

    def write(self, **values: Any) -> None:
        if not self.mine().update(**values):
            raise LeaseLost

    def give_back(self) -> None:
        self.mine().update(state=PackState.QUEUED, lease_until=None)

    def renew(self) -> bool:
        began = time.monotonic()
        if not self.mine().update(lease_until=_lease_end(timezone.now())):
            return False
        self.held_until = _surely_until(began)
        return True

    def mine(self) -> QuerySet[Pack]:
        return Pack.objects.filter(pk=self.pack.pk, epoch=self.pack.epoch, state=PackState.RUNNING)


def claim(pk: int | None = None) -> Hold | None:
    """Take one pack (or only the one of that key) that is queued, or whose worker has let its lease run out."""
    now, began = timezone.now(), time.monotonic()
    free = Q(state=PackState.QUEUED) | Q(state=PackState.RUNNING, lease_until__lt=now)
    waiting = Pack.objects.filter(free).order_by("id")
    for pack in waiting if pk is None else waiting.filter(pk=pk):
        # The conditional update is the claim.
        taken = Pack.objects.filter(free, pk=pack.pk, epoch=pack.epoch).update(
            state=PackState.RUNNING, owner=owner_name()[:100], epoch=F("epoch") + 1, lease_until=_lease_end(now)
        )
        if taken:
            mine = Pack.objects.select_related("asked_by", "schedule").get(pk=pack.pk)
            return Hold(pack=mine, held_until=_surely_until(began))
    return None


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.JOB_LEASE)


def _surely_until(began: float) -> float:
    """Until when nobody can take it over; the last beat that may save the lease has given up by then."""
    return began + float(settings.JOB_LEASE) - float(settings.JOB_HEARTBEAT_PATIENCE)


@contextmanager
def heartbeat(hold: Hold) -> Iterator[None]:
    """Renew the lease from a thread of its own while the work goes on."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(stop, hold), name=f"pack-{hold.pack.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat_until(stop: threading.Event, hold: Hold) -> None:
    try:
        while not stop.wait(float(settings.JOB_HEARTBEAT)) and _beat(hold):
            pass
    finally:
        connections.close_all()


def _beat(hold: Hold) -> bool:
    """False once the pack is somebody else's. A beat that could not be written is left to the next one."""
    try:
        _be_impatient()
        return hold.renew()
    except DatabaseFailure as error:
        log.warning("The lease of pack %s could not be renewed: %s", hold.pack.pk, error)
        connection.close()
        return True


def _be_impatient() -> None:
    """On this thread's connection: a beat that waits too long for a lock would only come too late."""
    patience = int(settings.JOB_HEARTBEAT_PATIENCE * 1000)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
        else:
            cursor.execute(f"SET lock_timeout = {patience}; SET statement_timeout = {patience}")

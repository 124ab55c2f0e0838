"""The lease of a pack that is being written, as of a job: one worker at a time, taken over when that worker dies.

A pack has no connector, which every job has; the pattern is that of connectors.jobs.runner. Every write names its
epoch.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from connectors.jobs import leases
from connectors.jobs.runner import PROGRESS_EVERY, Interrupted, LeaseLost, owner_name, stopping
from connectors.models import Pack, PackState

log = logging.getLogger(__name__)


@dataclass
class Hold:
    """A claimed pack in the hands of the worker that writes it."""

    pack: Pack
    held_until: float  # on the monotonic clock; nobody takes it over before
    written_at: float = field(default=0.0)

    def progress(self, done: int) -> None:
        """Say how far it is; written at most twice a second. Raises LeaseLost."""
        self.check_cancelled()
        self.pack.done = done
        if time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.written_at = time.monotonic()
            self.write(done=done, total=self.pack.total)

    def check_cancelled(self) -> None:
        """Raises Interrupted when the worker was asked to end, and LeaseLost when the lease may end soon."""
        if stopping.is_set():
            raise Interrupted
        if time.monotonic() >= self.held_until:
            raise LeaseLost

    def assert_lease(self) -> None:
        """The first statement of a transaction that only the holder may commit. Raises LeaseLost."""
        if not connection.in_atomic_block:
            raise RuntimeError("A fence stands in the transaction that it guards.")
        if not self.mine().select_for_update(no_key=True).values_list("pk", flat=True).first():
            raise LeaseLost

    def write(self, **values: Any) -> None:
        if not self.mine().update(**values):
            raise LeaseLost

    def requeue(self) -> None:
        self.mine().update(state=PackState.QUEUED, lease_until=None)

    def renew(self) -> bool:
        began = time.monotonic()
        if not self.mine().update(lease_until=leases.end()):
            return False
        self.held_until = leases.surely_until(began)
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
            state=PackState.RUNNING, owner=owner_name()[:100], epoch=F("epoch") + 1, lease_until=leases.end(now)
        )
        if taken:
            mine = Pack.objects.select_related("asked_by", "schedule").get(pk=pack.pk)
            return Hold(pack=mine, held_until=leases.surely_until(began))
    return None

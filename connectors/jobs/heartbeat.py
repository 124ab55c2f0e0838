"""The workers' signs of life: each process keeps a row, and pages and `/readyz` tell since when none was heard."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from connectors.models import WorkerHeartbeat

KEPT = timedelta(days=7)  # the row of a process that is gone
LEAST_BEATS = 3  # that have to be missing before a worker counts as silent
_beaten_at: float | None = None  # of this process


@dataclass(frozen=True, kw_only=True)
class Silence:
    """No worker is heard. `since` is when the last one was; None: none ever was."""

    since: datetime | None


def beat() -> None:
    """For the clock, at each of its ticks: one short write every JOB_HEARTBEAT seconds."""
    global _beaten_at
    now = time.monotonic()
    if _beaten_at is not None and now - _beaten_at < settings.JOB_HEARTBEAT:
        return
    _write_row(is_first=_beaten_at is None)
    _beaten_at = now


def _write_row(*, is_first: bool) -> None:
    name, now = f"{socket.gethostname()}:{os.getpid()}"[:100], timezone.now()
    if not is_first and WorkerHeartbeat.objects.filter(process=name).update(heard_at=now):
        return
    WorkerHeartbeat.objects.update_or_create(process=name, defaults={"started_at": now, "heard_at": now})
    WorkerHeartbeat.objects.filter(heard_at__lt=now - KEPT).delete()


def patience() -> timedelta:
    """After which a worker counts as silent."""
    beats = LEAST_BEATS * max(float(settings.JOB_HEARTBEAT), float(settings.TICK))
    return timedelta(seconds=max(float(settings.WORKER_SILENT_AFTER), beats))


def last_heartbeat_at() -> datetime | None:
    last_at: datetime | None = WorkerHeartbeat.objects.aggregate(last_at=Max("heard_at"))["last_at"]
    return last_at


def silence(now: datetime | None = None) -> Silence | None:
    """One query; None while a worker is heard."""
    last_at = last_heartbeat_at()
    if last_at is not None and (now or timezone.now()) - last_at <= patience():
        return None
    return Silence(since=last_at)


def heard(now: datetime | None = None) -> QuerySet[WorkerHeartbeat]:
    """The workers that are."""
    return WorkerHeartbeat.objects.filter(heard_at__gte=(now or timezone.now()) - patience())


def processes_alive(now: datetime | None = None) -> int:
    return heard(now).count()

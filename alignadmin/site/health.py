"""Whether this installation can do its work, part by part, for `/readyz` and whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from django.utils import timezone

from alignadmin import sealing, starting
from alignadmin.errors import SealError
from connectors.jobs import heartbeat
from connectors.models import Job, JobState


@dataclass(frozen=True, kw_only=True)
class HealthPart:
    """`says` is one sentence for the operator; figures are counts and seconds."""

    name: str
    ok: bool
    says: str
    figures: Mapping[str, int | None] = field(default_factory=dict)


def parts() -> list[HealthPart]:
    """Every part that can be looked at: without a database or its tables the others are not known."""
    found = []
    for check in (_database, _migrations, _keys, _worker, _queue):
        found.append(_checked(check))
        if not found[-1].ok and check in (_database, _migrations):
            break
    return found


def _checked(check: Callable[[], HealthPart]) -> HealthPart:
    try:
        return check()
    except DatabaseError as error:
        return HealthPart(
            name=check.__name__.strip("_"), ok=False, says=f"Could not be looked at ({type(error).__name__})."
        )


def _database() -> HealthPart:
    why = starting.unreachable()
    return HealthPart(name="database", ok=not why, says=why or "The database answers.")


def _migrations() -> HealthPart:
    why = starting.lacking_tables()
    return HealthPart(name="migrations", ok=not why, says=why or "The database has every migration of this version.")


def _keys() -> HealthPart:
    try:
        sealing.verify_stored()
    except SealError as error:
        return HealthPart(name="keys", ok=False, says=str(error))
    return HealthPart(name="keys", ok=True, says="The keys open what is stored.")


def _worker() -> HealthPart:
    now, last_at = timezone.now(), heartbeat.last_heartbeat_at()
    figures = {"heard_seconds_ago": _seconds(now, last_at), "processes": heartbeat.processes_alive(now)}
    if last_at is None:
        return HealthPart(name="worker", ok=False, says="No worker has reported yet: start one.", figures=figures)
    if heartbeat.silence(now):
        says = f"No worker has reported since {last_at:%Y-%m-%d %H:%M:%S} UTC: start one."
        return HealthPart(name="worker", ok=False, says=says, figures=figures)
    return HealthPart(name="worker", ok=True, says="A worker reports.", figures=figures)


def _queue() -> HealthPart:
    """Jobs that wait for a worker. A worker that is heard and takes none up is stuck, or there are too few."""
    now = timezone.now()
    queued = Job.objects.filter(state=JobState.QUEUED).aggregate(count=Count("pk"), oldest=Min("queued_at"))
    age = _seconds(now, queued["oldest"])
    figures = {"waiting": queued["count"], "oldest_seconds": age}
    if age is not None and age > settings.QUEUE_LATE_AFTER:
        says = f"A job has waited for {age} s: the worker is stuck or busy; see its log, or start another one."
        return HealthPart(name="queue", ok=False, says=says, figures=figures)
    return HealthPart(name="queue", ok=True, says="No job waits for too long.", figures=figures)


def _seconds(now: datetime, then: datetime | None) -> int | None:
    return None if then is None else max(0, round((now - then).total_seconds()))

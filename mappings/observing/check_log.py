"""The history of checks: a row for each look at every list, and for each look at the log that led to something.

A row without an end belongs to a check that runs, or to one whose worker was killed: the next one closes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.jobs.runner import JobFailed
from connectors.models import Connector
from mappings.models import CheckKind, DriftCheck
from mappings.observing.preferences import CHECKS_KEPT

BROKEN_OFF = "The worker stopped before this check was done; it was begun again."


@dataclass(kw_only=True)
class CheckTally:
    """What a check has read and found so far; the columns of DriftCheck say what each number counts."""

    scopes: int = 0
    unknown: int = 0
    requests: int = 0
    found: int = 0
    ended: int = 0
    error: str = ""


@contextmanager
def recorded(connector: Connector, kind: CheckKind) -> Iterator[CheckTally]:
    """Keep a check from its beginning to its end. A failure that has words for people is kept too, and goes on."""
    # One job at a time looks, so what is still open has been left by a worker that is gone.
    _of(connector, kind).filter(finished_at=None).update(finished_at=timezone.now(), error=BROKEN_OFF)
    check = DriftCheck.objects.create(connector=connector, kind=kind, started_at=timezone.now())
    tally = CheckTally()
    try:
        yield tally
    except (RemoteError, SealError, JobFailed) as error:
        tally.error = str(error)
        _end(check, tally)
        raise
    _end(check, tally)


def _end(check: DriftCheck, tally: CheckTally) -> None:
    # A check that was taken for dead and closed keeps that end.
    DriftCheck.objects.filter(pk=check.pk, finished_at=None).update(finished_at=timezone.now(), **asdict(tally))


def _of(connector: Connector, kind: CheckKind) -> QuerySet[DriftCheck]:
    return DriftCheck.objects.filter(connector=connector, kind=kind)


def latest(connector: Connector, kind: CheckKind) -> DriftCheck | None:
    """The newest one that has ended."""
    return _of(connector, kind).exclude(finished_at=None).order_by("-started_at", "-pk").first()


def forget_old(connector: Connector) -> None:
    kept = timedelta(days=CHECKS_KEPT.value())
    DriftCheck.objects.filter(connector=connector, started_at__lt=timezone.now() - kept).delete()


# --- looks at the log ------------------------------------------------------------------------------------------------


def log_said_nothing(connector: Connector, at: datetime) -> None:
    """Every minute's look would drown the others, so one row spans all of them until one finds something."""
    _prolong(connector, at, error="")


def log_failed(connector: Connector, at: datetime, error: str) -> None:
    """Why the log could not be read; one row while the reason stays the same."""
    _prolong(connector, at, error=error)


def _prolong(connector: Connector, at: datetime, *, error: str) -> None:
    last = latest(connector, CheckKind.LOG)
    if last is not None and last.scopes == 0 and last.error == error:
        DriftCheck.objects.filter(pk=last.pk).update(finished_at=at)
    else:
        DriftCheck.objects.create(connector=connector, kind=CheckKind.LOG, started_at=at, finished_at=at, error=error)


def checked_until(connector: Connector) -> datetime | None:
    """Lines taken in until then have been looked at; None before the first look."""
    finished = _of(connector, CheckKind.LOG).filter(Q(error="") | Q(scopes__gt=0)).exclude(finished_at=None)
    last = finished.order_by("-started_at", "-pk").first()
    if last is None:
        return None
    return last.started_at if last.scopes else last.finished_at

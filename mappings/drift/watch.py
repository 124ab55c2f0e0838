"""The watch over changes made elsewhere: by the clock, the tail of Align's log is followed and every list is read.

The log comes first, since it is cheap: what it tells of others' changes names lists, and those are read at once.
Nothing here can write to Align; what could not be read is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.credentials import clients
from connectors.history.intake.schedule import AFTER_PULL, PULL_FAILED
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, Run
from connectors.models import ACTIVE, AuditSource, Connector, Job, JobKind
from mappings.drift.lists_in_log import lists_named
from mappings.drift.status import WatchState, WatchStatus, status, statuses
from mappings.models import CheckKind, Scope
from mappings.observing import check_log as checks
from mappings.observing import unexplained_changes
from mappings.observing.job import observe_scopes, refuse_if_none_read
from mappings.observing.scopes import scopes_in_use

# Where the log leaves open in which of more lists than these something changed, all of them are read, and sooner.
MOST_NAMED = 60


def start_check(connector: Connector, actor: Person | None) -> Job:
    """Read every list now, or as soon as there are slots: it is bulk work, whoever asks for it."""
    return runner.start(connector, JobKind.OBSERVE, actor=actor)


# --- every list, by the clock -----------------------------------------------------------------------------------------


@due_work
def start_due_checks() -> int:
    """Start a check of each connector whose time has come; of several workers one does."""
    now = timezone.now()
    return sum(_start_due(connector, now) for connector in _watched() if _is_due(connector, now))


def _watched() -> QuerySet[Connector]:
    """A check waits while the one before it runs, and while a plan is applied, which needs the requests itself.

    It waits for a refresh as well, which says of which projects there are lists.
    """
    active = Job.objects.filter(connector=OuterRef("pk"), state__in=ACTIVE)
    busy = Exists(active.filter(Q(kind__in=(JobKind.APPLY, JobKind.REFRESH)) | Q(kind=JobKind.OBSERVE, subject="")))
    ready = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    return ready.filter(~busy, observe_every__gt=0)


def _is_due(connector: Connector, now: datetime) -> bool:
    due_at = connector.observe_due_at
    if due_at is None or due_at <= now:
        return True
    # Somebody has shortened the interval since, or the clock went back.
    return due_at > now + timedelta(seconds=connector.observe_every)


def _start_due(connector: Connector, now: datetime) -> bool:
    following = now + timedelta(seconds=connector.observe_every)
    seen = Connector.objects.filter(pk=connector.pk, observe_due_at=connector.observe_due_at)
    with transaction.atomic():
        # The conditional update is the claim; in one commit with the job, so that no check is lost between them.
        if not seen.update(observe_due_at=following):
            return False
        runner.start(connector, JobKind.OBSERVE, actor=None)
    return True


# --- what the log names -----------------------------------------------------------------------------------------------


def check_log(run: Run) -> None:
    """Read the lists in which the log says that somebody else changed something. Runs at the end of each intake.

    Never raises for what Align answers: the intake itself was good.
    """
    connector = Connector.objects.get(pk=run.connector.pk)
    unexplained_changes.record_unexplained(connector)
    if connector.audit_source != AuditSource.ENDPOINT or connector.maintenance_since is not None:
        return
    now = timezone.now()
    since = checks.checked_until(connector)
    # At the first look the log may reach back for years; what it says of then, the lists have said already.
    named = lists_named(connector, since=since) if since is not None else frozenset()
    if not named:
        checks.log_said_nothing(connector, now)
    elif len(named) > MOST_NAMED:
        checks.log_said_nothing(connector, now)
        _bring_forward(connector, now)
    else:
        _read_named(run, scopes_in_use(connector).filter(pk__in=named).select_related("project", "connector"))


def _read_named(run: Run, scopes: Iterable[Scope]) -> None:
    try:
        with checks.recorded(run.connector, CheckKind.LOG) as tally:
            named = list(scopes)
            client = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for)
            observe_scopes(client, named, run, tally)
            refuse_if_none_read(named, tally)
    except (RemoteError, SealError, JobFailed):
        pass  # kept with the check


def _bring_forward(connector: Connector, now: datetime) -> None:
    """Not sooner than a third of the interval after the last one: others' bulk changes go on for a while."""
    if not connector.observe_every:
        start_check(connector, actor=None)
        return
    last = checks.latest(connector, CheckKind.LISTS)
    spacing = timedelta(seconds=connector.observe_every / 3)
    sooner = max(now, last.started_at + spacing) if last else now
    Connector.objects.filter(pk=connector.pk, observe_due_at__gt=sooner).update(observe_due_at=sooner)


def log_not_read(connector: Connector, sentence: str) -> None:
    checks.log_failed(connector, timezone.now(), sentence)


AFTER_PULL.append(check_log)
PULL_FAILED.append(log_not_read)

__all__ = ["WatchState", "WatchStatus", "check_log", "start_check", "status", "statuses"]

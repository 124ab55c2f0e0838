"""How the watch over a connector stands: clean, drifted or unknown, and what is promised about the next change.

Clean is said only while every list, and what Jira and Align contain, was read lately and without an error; anything
else is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from connectors.models import ACTIVE, AuditSource, Connector, Job, JobKind, Project, has_lists
from connectors.setup import maintenance
from mappings.drift import covered
from mappings.drift.covered import Covered, ProjectAges
from mappings.drift.queries import KNOWN
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction
from mappings.models import CheckKind, DriftCheck, Mapping, Scope
from mappings.observing.job import GAP
from mappings.observing.scopes import in_use

# What a tick, the queue and an uneven pace may add to the interval between two readings of one list.
MARGIN = timedelta(minutes=2)
WITHOUT_CLOCK = timedelta(minutes=15)  # for how long a check is good where none follows by the clock


class WatchState(StrEnum):
    CLEAN = "clean"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class WatchStatus:
    """`why` says why something is not known, also beside drift that is; `sentence` is what the watch promises."""

    state: WatchState
    drifted: int  # rows, conflicts among them
    lists: int
    unknown: int  # of the lists
    last: DriftCheck | None  # at every list
    last_log: DriftCheck | None
    next_at: datetime | None  # of the check at every list; it waits when that is past
    oldest_at: datetime | None  # when the list that was not read for longest was read; None: one was never read
    is_checking: bool
    why: str
    sentence: str
    covers: tuple[Covered, ...]


@dataclass(frozen=True, kw_only=True)
class ListCounts:
    """The lists of one connector in numbers."""

    expected: int = 0
    read: int = 0
    failed: int = 0
    oldest_at: datetime | None = None

    @property
    def unknown(self) -> int:
        return self.expected - self.read + self.failed


def status(connector: Connector) -> WatchStatus:
    return statuses([connector])[connector.pk]


def statuses(connectors: Sequence[Connector]) -> dict[int, WatchStatus]:
    """Of many connectors by their keys, in a fixed number of queries."""
    keys = [connector.pk for connector in connectors]
    lists, drifted, last = list_counts(keys), drifted_counts(keys), _last_checks(keys)
    ages = covered.project_ages(connectors)
    whole = Job.objects.filter(connector__in=keys, kind=JobKind.OBSERVE, subject="", state__in=ACTIVE)
    checking = set(whole.values_list("connector_id", flat=True))
    return {
        connector.pk: _status(
            connector,
            lists=lists[connector.pk],
            ages=ages[connector.pk],
            drifted=drifted.get(connector.pk, 0),
            last=last.get((connector.pk, CheckKind.LISTS)),
            last_log=last.get((connector.pk, CheckKind.LOG)),
            is_checking=connector.pk in checking,
        )
        for connector in connectors
    }


def _status(
    connector: Connector,
    *,
    lists: ListCounts,
    ages: ProjectAges,
    drifted: int,
    last: DriftCheck | None,
    last_log: DriftCheck | None,
    is_checking: bool,
) -> WatchStatus:
    why = _why_not_known(connector, lists, last) or covered.too_old(
        connector, ages, without_clock=WITHOUT_CLOCK, margin=MARGIN
    )
    oldest_at = lists.oldest_at if lists.read == lists.expected else None
    log_at = last_log.finished_at if last_log and _source(connector) is AuditSource.ENDPOINT else None
    state = WatchState.DRIFTED if drifted else WatchState.UNKNOWN if why else WatchState.CLEAN
    return WatchStatus(
        state=state,
        drifted=drifted,
        lists=lists.expected,
        unknown=lists.unknown,
        last=last,
        last_log=last_log,
        next_at=connector.observe_due_at if _goes_by_the_clock(connector) else None,
        oldest_at=oldest_at,
        is_checking=is_checking,
        why=why,
        sentence=promise(connector, _took(last)),
        covers=covered.parts(connector, ages, lists=lists.expected, lists_at=oldest_at, log_at=log_at),
    )


def _goes_by_the_clock(connector: Connector) -> bool:
    return bool(connector.observe_every) and connector.is_active and connector.maintenance_since is None


# --- why something is not known ---------------------------------------------------------------------------------------


def _why_not_known(connector: Connector, lists: ListCounts, last: DriftCheck | None) -> str:
    if not connector.is_active:
        return f"{connector} is deactivated: nothing is read."
    if connector.maintenance_since is not None:
        return f"{maintenance.sentence(connector)} Nothing is checked by the clock until it ends."
    if connector.gap_since is not None:
        return GAP
    if not lists.read:
        return "No list has been read yet."
    if last is not None and last.error:
        return f"The last check failed. {last.error}"
    if lists.unknown:
        return f"{lists.unknown} of {lists.expected} lists could not be read, so their content is unknown."
    return _too_old(connector, lists, last)


def _too_old(connector: Connector, lists: ListCounts, last: DriftCheck | None) -> str:
    good_for = (_pace(connector, _took(last)) or WITHOUT_CLOCK) + MARGIN
    if lists.oldest_at is None or timezone.now() - lists.oldest_at <= good_for:
        return ""
    when = f"{lists.oldest_at:%Y-%m-%d %H:%M} UTC"
    if not connector.observe_every:
        return f"No check is made by the clock, and the oldest list was read at {when}. Start a check."
    return (
        f"The oldest list was read at {when}, longer ago than {_words(good_for)}: a check waits for a plan that is "
        "applied, for free requests, or for a worker that does not run."
    )


# --- what is promised -------------------------------------------------------------------------------------------------


def promise(connector: Connector, took: timedelta) -> str:
    """`took`: how long the last check at every list went on; a longer one than the interval sets the pace."""
    every, pace = timedelta(seconds=connector.observe_every), _pace(connector, took)
    if not pace:
        return f"No list is read by the clock. {_LOG_ALONE[_source(connector)].format(_log_pace())}"
    shorter = _SHORTER[_source(connector)].format(_log_pace())
    sentence = f"A change that lasts longer than {_words(pace)} is reported within {_words(pace + MARGIN)}; {shorter}."
    if pace == every:
        return sentence
    return f"{sentence} The last check took {_words(took)}, longer than the {_words(every)} between two of them."


_SHORTER = {
    AuditSource.ENDPOINT: "shorter ones only through Align's log, which is read every {}",
    AuditSource.UNTRIED: "shorter ones are not, until Align's log has been read once",
    AuditSource.NONE: "shorter ones are not, since Align's log is not read here",
}
_LOG_ALONE = {
    AuditSource.ENDPOINT: "A change is noticed through Align's log, which is read every {}, or by a check that "
    "somebody starts.",
    AuditSource.UNTRIED: "A change is noticed by a check that somebody starts.",
    AuditSource.NONE: "A change is noticed by a check that somebody starts.",
}


def _source(connector: Connector) -> AuditSource:
    return AuditSource.NONE if connector.log_by_hand else AuditSource(connector.audit_source)


def _pace(connector: Connector, took: timedelta) -> timedelta:
    """Between two readings of one list; nothing where none is read by the clock."""
    return max(timedelta(seconds=connector.observe_every), took) if connector.observe_every else timedelta()


def paces(connectors: Sequence[Connector]) -> dict[int, timedelta]:
    """By their keys, in two queries: what is promised between two readings of one list."""
    last = _last_checks([connector.pk for connector in connectors])
    return {each.pk: _pace(each, _took(last.get((each.pk, CheckKind.LISTS)))) for each in connectors}


def _took(last: DriftCheck | None) -> timedelta:
    return last.finished_at - last.started_at if last and last.finished_at else timedelta()


def _log_pace() -> str:
    interval = timedelta(seconds=settings.AUDIT_INTERVAL)
    return "minute" if interval == timedelta(minutes=1) else _words(interval)


def _words(duration: timedelta) -> str:
    """ "90 s", "15 min", "2 h 30 min"; a part of a minute counts as one where there are many."""
    seconds = math.ceil(duration.total_seconds())
    if seconds < 120 and seconds % 60:
        return f"{seconds} s"
    hours, minutes = divmod(-(-seconds // 60), 60)
    if hours < 2:
        return f"{hours * 60 + minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


# --- counted for many connectors at once ------------------------------------------------------------------------------


def list_counts(keys: Sequence[int]) -> dict[int, ListCounts]:
    """Also of projects that came into scope since the last check: their lists have no row yet, and are not known."""
    was_read = Q(observed_at__isnull=False)
    scopes = Scope.objects.filter(in_use(), connector__in=keys).order_by().values("connector_id")
    counts = scopes.annotate(
        read=Count("pk", filter=was_read),
        failed=Count("pk", filter=was_read & ~Q(error="")),
        oldest_at=Min("observed_at"),
    ).values_list("connector_id", "read", "failed", "oldest_at")
    found = {connector_id: values for connector_id, *values in counts}
    return {
        key: ListCounts(expected=expected, read=read, failed=failed, oldest_at=oldest_at)
        for key, expected in _expected(keys).items()
        for read, failed, oldest_at in [found.get(key, (0, 0, None))]
    }


def _expected(keys: Sequence[int]) -> dict[int, int]:
    shared, a2j = (sum(each.direction is direction for each in FAMILIES.values()) for direction in Direction)
    projects = Project.objects.filter(has_lists(), connector__in=keys).order_by()
    counts = projects.values("connector_id").annotate(every=Count("pk"), team=Count("pk", filter=Q(team_managed=True)))
    own = {
        connector_id: a2j * every + shared * team
        for connector_id, every, team in counts.values_list("connector_id", "every", "team")
    }
    return {key: shared + own.get(key, 0) for key in keys}


def drifted_counts(keys: Sequence[int]) -> dict[int, int]:
    """Rows of lists that are known, as everywhere else."""
    rows = Mapping.objects.filter(in_use("scope__"), KNOWN, scope__connector__in=keys, situation__in=OPEN_SITUATIONS)
    counted = rows.order_by().values("scope__connector_id").annotate(rows=Count("pk"))
    return dict(counted.values_list("scope__connector_id", "rows"))


def _last_checks(keys: Sequence[int]) -> dict[tuple[int, CheckKind], DriftCheck]:
    ended = DriftCheck.objects.filter(connector__in=keys).exclude(finished_at=None)
    newest = ended.order_by().values("connector_id", "kind").annotate(newest=Max("pk")).values_list("newest", flat=True)
    found = DriftCheck.objects.filter(pk__in=list(newest))
    return {(check.connector_id, CheckKind(check.kind)): check for check in found}

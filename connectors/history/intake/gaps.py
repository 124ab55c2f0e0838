"""Which time Align's log was taken in for, and which not: a gap is time that no intake covers.

Stretches are written in the transaction that stores their lines. Whoever reads them gets exact times; only the alarms
(`state`) let the newest gap pass until intervals have been missed, since a moment without an intake is normal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from connectors.models import Coverage, Intake
from connectors.models.connector import AuditSource, Connector

BY_HAND = timedelta(days=7)  # between two intakes where a person takes the lines in: reviews are weekly
MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class CoverageGap:
    """Time that no intake covers, from `since` up to `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class CoverageState:
    """What is known of one connector's log. `gaps` are newest first; the first is `open` when it goes on till now."""

    connector: Connector
    by_hand: bool
    since: datetime  # from when on it is looked at
    covered_until: datetime | None  # None: nothing was taken in yet
    gaps: Sequence[CoverageGap]
    open: CoverageGap | None  # of `gaps`: intervals were missed and nothing has come in since

    @property
    def shown(self) -> Sequence[CoverageGap]:
        return self.gaps[:MOST_SHOWN]

    @property
    def more(self) -> int:
        return len(self.gaps) - len(self.shown)

    @property
    def sentence(self) -> str:
        """Of the open gap; empty without one."""
        if self.open is None:
            return ""
        what = "no lines of Align's audit log were pasted or uploaded" if self.by_hand else "its log was not read"
        return f"{self.connector.name}: {what} since {_stamp(self.open.since)}."


def gaps(connector: Connector, since: datetime, until: datetime) -> list[CoverageGap]:
    """The time between the two that no intake covers, oldest first; to the second of the last intake."""
    stretches = Coverage.objects.filter(connector=connector, until__gte=since, since__lte=until)
    return between(stretches.order_by("since").values_list("since", "until"), since, until)


def state(connector: Connector, *, now: datetime | None = None) -> CoverageState:
    """From the first intake on, or from when the connector was added if that was earlier."""
    return states_of([connector], now=now)[0]


def states_of(connectors: Sequence[Connector], *, now: datetime | None = None) -> list[CoverageState]:
    """Of each, as `state` says it, in one query."""
    stretches: dict[int, list[tuple[datetime, datetime]]] = {connector.pk: [] for connector in connectors}
    rows = Coverage.objects.filter(connector__in=list(stretches)).order_by("since")
    for pk, since, until in rows.values_list("connector_id", "since", "until"):
        stretches[pk].append((since, until))
    now = now or timezone.now()
    return [_state(connector, stretches[connector.pk], now) for connector in connectors]


def _state(connector: Connector, stretches: Sequence[tuple[datetime, datetime]], now: datetime) -> CoverageState:
    since = min([first for first, _ in stretches] + [connector.created_at, now])
    covered_until = max((last for _, last in stretches), default=None)
    found = between(stretches, since, now)
    still = found.pop() if found and found[-1].until == now else None
    lasting = [gap for gap in found if gap.until - gap.since >= timedelta(seconds=1)]  # pasted times are whole seconds
    late = still if still and now - still.since > patience(connector) else None
    return CoverageState(
        connector=connector,
        by_hand=is_by_hand(connector),
        since=since,
        covered_until=covered_until,
        gaps=[*([late] if late else []), *reversed(lasting)],
        open=late,
    )


def states() -> list[CoverageState]:
    """Of every active connector whose log was asked for, or is taken in by hand."""
    return states_of([each for each in Connector.objects.filter(is_active=True).order_by("name") if is_awaited(each)])


def is_awaited(connector: Connector) -> bool:
    return connector.is_active and connector.catalogue_at is not None


def is_by_hand(connector: Connector) -> bool:
    return connector.log_by_hand or connector.audit_source == AuditSource.NONE


def patience(connector: Connector) -> timedelta:
    """How long the newest gap may be. The interval in which the next intake is awaited is none of the missed ones."""
    missed: int = settings.AUDIT_MISSED
    if is_by_hand(connector):
        return BY_HAND * missed
    return timedelta(seconds=settings.AUDIT_INTERVAL) * (missed + 1)


def cover(connector: Connector, since: datetime, until: datetime, intake: Intake) -> None:
    """Note a covered stretch, in the transaction that stores its lines; a pull that follows the last moves it on."""
    since = min(since, until)
    same = Coverage.objects.filter(connector=connector, intake=intake)
    touching = same.filter(since__lte=until, until__gte=since).order_by("-until").first()
    if touching is None:
        Coverage.objects.create(connector=connector, since=since, until=until, intake=intake)
    else:
        whole = {"since": min(since, touching.since), "until": max(until, touching.until)}
        Coverage.objects.filter(pk=touching.pk).update(**whole)


def cover_anew(connector: Connector, intake: Intake, stretches: Iterable[tuple[datetime, datetime]]) -> None:
    """Instead of what is noted for this way of taking in, once a run of it does not count any more."""
    Coverage.objects.filter(connector=connector, intake=intake).delete()
    Coverage.objects.bulk_create(
        [Coverage(connector=connector, since=since, until=until, intake=intake) for since, until in stretches]
    )


def is_covered_at_all(connector: Connector) -> bool:
    return Coverage.objects.filter(connector=connector).exists()


def pulled_until(connector: Connector) -> datetime | None:
    """Up to when the endpoint was read last; the next pull has to start before that."""
    pulled = Coverage.objects.filter(connector=connector, intake=Intake.ENDPOINT)
    return pulled.order_by("-until").values_list("until", flat=True).first()


def between(stretches: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> list[CoverageGap]:
    found, covered = [], since
    for first, last in stretches:
        if first > covered:
            found.append(CoverageGap(since=covered, until=min(first, until)))
        covered = max(covered, last)
    if covered < until:
        found.append(CoverageGap(since=covered, until=until))
    return [gap for gap in found if gap.since < gap.until]


def _stamp(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M} UTC"

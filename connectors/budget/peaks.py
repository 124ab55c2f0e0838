"""How the rate budget was used over the last hours: noted by the workers' clock, drawn on the operator's page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from connectors.budget.origins import sites
from connectors.budget.slots import System, limits_from_settings, now, taken
from connectors.models import BudgetGate, BudgetPeak

EVERY = 30.0  # seconds between two looks of one process; a taken slot stays taken for longer
STEP = timedelta(minutes=5)
KEPT = timedelta(hours=48)
SHOWN, HOUR = timedelta(hours=6), timedelta(hours=1)
WIDTH, HEIGHT = 3, 48  # of a bar, and of the whole picture
_looked_at: float | None = None  # by this process


def note_due() -> None:
    """For the worker's clock, at each tick. A site of which no slot is taken costs no write."""
    global _looked_at
    if _looked_at is not None and time.monotonic() - _looked_at < EVERY:
        return
    _looked_at = time.monotonic()
    note(now())


def note(moment: datetime) -> None:
    """Of several workers the highest number that one has seen stays."""
    counted = BudgetGate.objects.annotate(used=Count("slots", filter=taken(limits_from_settings(), moment)))
    gates = counted.filter(Q(used__gt=0) | Q(blocked_until__gt=moment))
    begins = _step(moment)
    for gate in gates:
        is_blocked = gate.blocked_until is not None and gate.blocked_until > moment
        with transaction.atomic():
            mine, _ = BudgetPeak.objects.get_or_create(gate=gate, at=begins, defaults={"used": gate.used})
            same = BudgetPeak.objects.filter(pk=mine.pk)
            same.filter(used__lt=gate.used).update(used=gate.used)
            if is_blocked:
                same.filter(was_blocked=False).update(was_blocked=True)
    old = BudgetPeak.objects.filter(at__lt=moment - KEPT)
    if old.exists():  # else nothing is written: a worker without work is quiet
        old.delete()


def _step(moment: datetime) -> datetime:
    seconds = STEP.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


@dataclass(frozen=True, kw_only=True)
class PeakBar:
    """Five minutes: how many slots were taken at most, and where its rectangle stands in the picture."""

    at: datetime
    used: int
    was_blocked: bool
    x: int
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class HourPeak:
    """The same of one hour, for a table; `begins` is when it began."""

    begins: datetime
    used: int
    was_blocked: bool

    @property
    def label(self) -> str:
        """ "from 14:05", in the viewer's zone."""
        return f"from {timezone.localtime(self.begins):%H:%M}"


@dataclass(frozen=True, kw_only=True)
class SitePeaks:
    """The last hours of one site. `bars` are those with something in them, oldest first."""

    system: System
    site: str
    total: int
    for_work: int  # of the total: what workers may take
    refusals: int
    blocked_until: datetime | None
    bars: Sequence[PeakBar]
    since: datetime

    @property
    def width(self) -> int:
        return int(SHOWN / STEP) * WIDTH

    @property
    def hours(self) -> list[HourPeak]:
        found = []
        for number in range(SHOWN // HOUR):
            begins = self.since + number * HOUR
            bars = [bar for bar in self.bars if begins <= bar.at < begins + HOUR]
            used, was_blocked = max((bar.used for bar in bars), default=0), any(bar.was_blocked for bar in bars)
            found.append(HourPeak(begins=begins, used=used, was_blocked=was_blocked))
        return found


def of_sites(moment: datetime) -> list[SitePeaks]:
    """Of each site that an active connector leads to, in two queries."""
    limits, first = limits_from_settings(), _step(moment) - SHOWN + STEP
    gates = {(gate.system, gate.origin): gate for gate in BudgetGate.objects.all()}
    peaks: dict[int, list[PeakBar]] = {}
    for peak in BudgetPeak.objects.filter(at__gte=first).order_by("at"):
        peaks.setdefault(peak.gate_id, []).append(_bar(peak, first, limits.for_bulk()))
    found = []
    for system, site in sites():
        gate = gates.get((system, site))
        until = gate.blocked_until if gate else None
        found.append(
            SitePeaks(
                system=system,
                site=site,
                total=limits.slots,
                for_work=limits.for_bulk(),
                refusals=gate.refusals if gate else 0,
                blocked_until=until if until and until > moment else None,
                bars=peaks.get(gate.pk, []) if gate else [],
                since=first,
            )
        )
    return found


def _bar(peak: BudgetPeak, first: datetime, full: int) -> PeakBar:
    """A full one is all that workers may take: they wait then, though slots are kept for people."""
    height = min(float(HEIGHT), max(2.0, round(HEIGHT * peak.used / full, 1)))
    return PeakBar(
        at=peak.at,
        used=peak.used,
        was_blocked=peak.was_blocked,
        x=int((peak.at - first) / STEP) * WIDTH,
        y=round(HEIGHT - height, 1),
        height=height,
    )

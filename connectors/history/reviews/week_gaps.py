"""Time of a week for which a connector's log was not taken in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from connectors.history.intake import gaps
from connectors.history.intake.gaps import CoverageGap
from connectors.history.reviews.weeks import Week
from connectors.models import Coverage
from connectors.models.connector import Connector

ROUNDING = timedelta(minutes=2)  # of a pull every minute


@dataclass(frozen=True, kw_only=True)
class GapOf:
    connector: Connector
    gap: CoverageGap

    def __str__(self) -> str:
        return f"{self.gap.since:%-d %b, %H:%M} to {self.gap.until:%-d %b, %H:%M} UTC"


def gaps_of(week: Week) -> list[GapOf]:
    return gaps_of_weeks([week])[week]


def gaps_of_weeks(chosen: Sequence[Week]) -> dict[Week, list[GapOf]]:
    """Of connectors in use, from when each was added, in two queries.

    A minute without an intake is how an intake by the minute works.
    """
    now = timezone.now()
    since, until = min(chosen).since, min(max(chosen).until, now)
    connectors = Connector.objects.filter(is_active=True, created_at__lt=until).order_by("name")
    stretches = defaultdict[int, list[tuple[datetime, datetime]]](list)
    covered = Coverage.objects.filter(connector__is_active=True, until__gte=since, since__lte=until)
    for key, first, last in covered.order_by("since").values_list("connector_id", "since", "until"):
        stretches[key].append((first, last))
    found: dict[Week, list[GapOf]] = {week: [] for week in chosen}
    for connector in connectors:
        without = gaps.between(stretches[connector.pk], max(since, connector.created_at), until)
        for week in chosen:
            found[week] += [GapOf(connector=connector, gap=gap) for gap in _within(week, without)]
    return found


def _within(week: Week, without: Sequence[CoverageGap]) -> list[CoverageGap]:
    cut = (CoverageGap(since=max(gap.since, week.since), until=min(gap.until, week.until)) for gap in without)
    return [gap for gap in cut if gap.until - gap.since > ROUNDING]

"""Figures of the watch: how old its lists are, and what has drifted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.models import Connector
from mappings.drift.status import drifted_counts, list_counts, paces

AGE = Figure(
    name="alignadmin_drift_age_seconds",
    help="Seconds since the list of Align that was not read for longest was read; absent where none is read by the "
    "clock: in maintenance, with checks off, or before the first refresh of the catalogue.",
    labels=("connector",),
)
PACE = Figure(
    name="alignadmin_drift_pace_seconds",
    help="Seconds between two readings of one list, as the watch promises; absent like the age.",
    labels=("connector",),
)
UNKNOWN = Figure(
    name="alignadmin_lists_unknown",
    help="Lists of Align that were never read or could not be read last, of those that the connector should have.",
    labels=("connector",),
)
DRIFTED = Figure(
    name="alignadmin_mappings_drifted",
    help="Mappings that somebody changed elsewhere and nobody has decided about.",
    labels=("connector",),
)


def _read(now: datetime) -> Iterator[FigureValue]:
    connectors = list(Connector.objects.filter(is_active=True).order_by("slug"))
    keys = [each.pk for each in connectors]
    lists, drifted, pace = list_counts(keys), drifted_counts(keys), paces(connectors)
    for connector in connectors:
        counts = lists[connector.pk]
        if connector.observe_every and connector.maintenance_since is None and connector.catalogue_at:
            yield AGE.of(age(now, counts.oldest_at or connector.catalogue_at), connector.slug)
            yield PACE.of(pace[connector.pk].total_seconds(), connector.slug)
        yield UNKNOWN.of(counts.unknown, connector.slug)
        yield DRIFTED.of(drifted.get(connector.pk, 0), connector.slug)


DRIFT_FIGURES = FigureSource(name="drift", figures=(AGE, PACE, UNKNOWN, DRIFTED), read=_read)

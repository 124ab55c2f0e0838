"""Figures of Align's audit log: up to when each active connector's is covered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.history.intake.gaps import is_by_hand
from connectors.models import Connector, Coverage

AGE = Figure(
    name="alignadmin_log_age_seconds",
    help="Seconds since the time up to which Align's audit log was imported; without an import, since the connector "
    "was added.",
    labels=("connector", "way"),  # endpoint, or hand: people paste or upload it
)


def _read(now: datetime) -> Iterator[FigureValue]:
    until = dict(Coverage.objects.order_by().values_list("connector_id").annotate(Max("until")))
    for connector in Connector.objects.filter(is_active=True).order_by("slug"):
        way = "hand" if is_by_hand(connector) else "endpoint"
        yield AGE.of(age(now, until.get(connector.pk, connector.created_at)), connector.slug, way)


LOG_FIGURES = FigureSource(name="log", figures=(AGE,), read=_read)

"""Figures of Align's audit log: up to when each active connector's is covered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.models import AuditSource, Connector, Coverage

AGE = Figure(
    name="alignadmin_log_age_seconds",
    help="Seconds since the time up to which Align's audit log was imported; without an import, since the connector "
    "was added; absent before the first refresh of its catalogue.",
    labels=("connector", "way"),  # endpoint, or hand: people paste or upload it
)


def _read(now: datetime) -> Iterator[FigureValue]:
    until = dict(Coverage.objects.order_by().values_list("connector_id").annotate(Max("until")))
    for connector in Connector.objects.filter(is_active=True, catalogue_at__isnull=False).order_by("slug"):
        yield AGE.of(age(now, until.get(connector.pk, connector.created_at)), connector.slug, _way(connector))


def _way(connector: Connector) -> str:
    """By hand where somebody chose that, or this Align has no such address; not where it was read and fails now."""
    is_unread = connector.audit_source == AuditSource.NONE and not connector.audit_problem
    return "hand" if connector.log_by_hand or is_unread else "endpoint"


LOG_FIGURES = FigureSource(name="log", figures=(AGE,), read=_read)

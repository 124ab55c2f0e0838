"""Figures of what was read of both systems: how old it is, and what Align says of a connector and its projects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, QuerySet

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.catalogue.reported import was_told_lately
from connectors.models import Connector, Project, System, in_scope_here

AGE = Figure(
    name="alignadmin_catalogue_age_seconds",
    help="Seconds since the lists of a system were last read; absent where the clock reads none: in maintenance, with "
    "CATALOGUE_INTERVAL=0, or before the first refresh of the catalogue.",
    labels=("connector", "system"),
)
ACTIVE = Figure(
    name="alignadmin_connector_active_in_align",
    help="Whether Align said lately that the connector is active (1, else 0); absent where it has not told for a day.",
    labels=("connector",),
)
MESSAGES = Figure(
    name="alignadmin_align_messages",
    help="Error messages of Align that stand with the connector and its projects.",
    labels=("connector",),
)


def _read(now: datetime) -> Iterator[FigureValue]:
    troubled = Project.objects.filter(in_scope_here()).exclude(align_error="").order_by()
    messages = dict(troubled.values_list("connector_id").annotate(Count("pk")))
    for each in _active():
        if settings.CATALOGUE_INTERVAL and each.catalogue_at and each.maintenance_since is None:  # as the clock asks
            yield AGE.of(age(now, each.align_lists_at or each.catalogue_at), each.slug, System.ALIGN)
            yield AGE.of(age(now, each.jira_lists_at or each.catalogue_at), each.slug, System.JIRA)
        if each.align_active is not None and was_told_lately(each, now):
            yield ACTIVE.of(each.align_active, each.slug)
        yield MESSAGES.of(messages.get(each.pk, 0) + bool(each.align_message), each.slug)


def _active() -> QuerySet[Connector]:
    return Connector.objects.filter(is_active=True).order_by("slug")


CATALOGUE_FIGURES = FigureSource(name="catalogue", figures=(AGE, ACTIVE, MESSAGES), read=_read)

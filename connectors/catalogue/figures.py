"""Figures of what was read of both systems: how old it is, and what Align says of a connector and its projects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, QuerySet

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.models import Connector, Project, System

AGE = Figure(
    name="alignadmin_catalogue_age_seconds",
    help="Seconds since the lists of a system were last read; of one never read, since the connector was added.",
    labels=("connector", "system"),
)
ACTIVE = Figure(
    name="alignadmin_connector_active_in_align",
    help="Whether Align said lately that the connector is active (1, else 0); absent where it does not tell.",
    labels=("connector",),
)
MESSAGES = Figure(
    name="alignadmin_align_messages",
    help="Error messages of Align that stand with the connector and its projects.",
    labels=("connector",),
)


def _read(now: datetime) -> Iterator[FigureValue]:
    troubled = Project.objects.filter(in_scope=True, vanished_at=None).exclude(align_error="").order_by()
    messages = dict(troubled.values_list("connector_id").annotate(Count("pk")))
    columns = ("pk", "slug", "created_at", "align_lists_at", "jira_lists_at", "align_active", "align_message")
    for pk, slug, created_at, align_at, jira_at, active, message in _active().values_list(*columns):
        yield AGE.of(age(now, align_at or created_at), slug, System.ALIGN)
        yield AGE.of(age(now, jira_at or created_at), slug, System.JIRA)
        if active is not None:
            yield ACTIVE.of(active, slug)
        yield MESSAGES.of(messages.get(pk, 0) + bool(message), slug)


def _active() -> QuerySet[Connector]:
    return Connector.objects.filter(is_active=True).order_by("slug")


CATALOGUE_FIGURES = FigureSource(name="catalogue", figures=(AGE, ACTIVE, MESSAGES), read=_read)

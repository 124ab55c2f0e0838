"""What Align says of a connector and of its projects: isActive and errorMessage, and since when it says that.

Only what is said now is kept with connector and project; a row tells when it was something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from alignadmin.http.errors import RemoteError, SignInRefused
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorInfo
from connectors.models import Connector, Project, ReportedChange, ReportedField

KEPT = timedelta(days=90)
MOST_KEPT = 5000  # of one connector: a message with a time in it differs in each project at each reading
LONGEST = 500


def read_connector(align: AlignClient) -> ConnectorInfo | None:
    """None where this alone cannot be read, which stops no list."""
    try:
        return align.connector()
    except SignInRefused:
        raise
    except RemoteError:
        return None


def store_connector(connector: Connector, told: ConnectorInfo | None, at: datetime) -> None:
    """Keep what it says now, and what differs from before. That it is active says nothing new the first time."""
    if told is None:
        return
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if stored.align_connector_id != connector.align_connector_id:  # made anew meanwhile
            return
        active = stored.align_active if told.is_active is None else told.is_active
        message = told.error_message[:LONGEST]
        changes = [
            _change(connector, None, ReportedField.ACTIVE, _words(stored.align_active), _words(active), at),
            _change(connector, None, ReportedField.MESSAGE, stored.align_message, message, at),
        ]
        is_first = stored.align_active is None and active
        store_changes(connector, changes[1:] if is_first else changes)
        if (stored.align_active, stored.align_message) != (active, message):
            Connector.objects.filter(pk=connector.pk).update(align_active=active, align_message=message)


def of_project(connector: Connector, project: Project, before: str, at: datetime) -> ReportedChange:
    return _change(connector, project, ReportedField.MESSAGE, before, project.align_error, at)


def store_changes(connector: Connector, changes: Iterable[ReportedChange]) -> None:
    """Those that are any, in the transaction that stores the reading; the oldest make room."""
    found = [each for each in changes if each.before != each.after][-MOST_KEPT:]
    if not found:
        return
    ReportedChange.objects.bulk_create(found, batch_size=500)
    mine = ReportedChange.objects.filter(connector=connector)
    mine.filter(at__lt=found[0].at - KEPT).delete()
    beyond = list(mine.order_by("-id").values_list("id", flat=True)[MOST_KEPT : MOST_KEPT + 1])
    if beyond:
        mine.filter(id__lte=beyond[0]).delete()


def _change(
    connector: Connector, project: Project | None, field: ReportedField, before: str, after: str, at: datetime
) -> ReportedChange:
    return ReportedChange(
        connector=connector, project=project, field=field, before=before[:LONGEST], after=after[:LONGEST], at=at
    )


def _words(active: bool | None) -> str:
    """As Align's API writes it."""
    return "" if active is None else str(active).lower()

"""What Align says of a connector and of its projects: isActive and errorMessage, and since when it says that.

Only what is said now is kept with connector and project; a row tells when it was something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alignadmin.due_work import due_work
from alignadmin.http.errors import Forbidden, NotFound, RemoteError
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorInfo
from connectors.models import Connector, Project, ReportedChange, ReportedField

KEPT = timedelta(days=90)
MOST_KEPT = 5000  # of one connector's projects, and of itself: a message with a time in it differs at each reading
LONGEST = 500
ASKED_AGAIN = timedelta(days=1)  # after a token that may not see the connector, or a site without this address
LATELY = timedelta(days=1)
# Of a connector that Align was not asked for yet: of a new one, and once it is another one there.
UNTOLD: Mapping[str, bool | datetime | str | None] = {
    "align_active": None,
    "align_told_at": None,
    "align_message": "",
    "align_ask_again_at": None,
}


def ask(connector: Connector, client: Callable[[], AlignClient], at: datetime) -> None:
    """Once the lists of the same reading are stored: what cannot be told here takes nothing from them."""
    again_at = connector.align_ask_again_at
    if again_at is not None and at < again_at <= at + ASKED_AGAIN:
        return
    try:
        told = client().connector()
    except (Forbidden, NotFound):
        asked = {"align_site": connector.align_site, "align_connector_id": connector.align_connector_id}
        Connector.objects.filter(pk=connector.pk, **asked).update(align_ask_again_at=at + ASKED_AGAIN)
    except RemoteError:  # the next reading asks again
        return
    else:
        store_connector(connector, told, at)


def store_connector(connector: Connector, told: ConnectorInfo, at: datetime) -> None:
    """Keep what it says now, and what differs from before. That it is active says nothing new the first time."""
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if stored.align_connector_id != connector.align_connector_id:  # made anew meanwhile
            return
        if stored.align_site != connector.align_site:  # moved meanwhile
            return
        if stored.align_lists_at is not None and stored.align_lists_at > at:  # a later reading is stored already
            return
        active = stored.align_active if told.is_active is None else told.is_active
        message = told.error_message[:LONGEST]
        changes = [
            _change(connector, None, ReportedField.ACTIVE, _words(stored.align_active), _words(active), at),
            _change(connector, None, ReportedField.MESSAGE, stored.align_message, message, at),
        ]
        is_first = stored.align_active is None and active
        store_changes(connector, changes[1:] if is_first else changes)
        Connector.objects.filter(pk=connector.pk).update(
            align_active=active,
            align_told_at=stored.align_told_at if told.is_active is None else at,
            align_message=message,
            align_ask_again_at=None,
        )


def was_told_lately(connector: Connector, now: datetime) -> bool:
    """Whether Align has told within a day that it is active, or not; what is older says nothing of now."""
    return connector.align_told_at is not None and now - connector.align_told_at <= LATELY


def of_project(connector: Connector, project: Project, before: str, at: datetime) -> ReportedChange:
    return _change(connector, project, ReportedField.MESSAGE, before, project.align_error, at)


def store_changes(connector: Connector, changes: Iterable[ReportedChange]) -> None:
    """Those that are any, in the transaction that stores the reading; the oldest make room."""
    found = [each for each in changes if each.before != each.after][-MOST_KEPT:]
    if not found:
        return
    ReportedChange.objects.bulk_create(found, batch_size=500)
    for of_projects in (True, False):  # apart, so that projects never push out what was said of the connector
        mine = ReportedChange.objects.filter(connector=connector, project__isnull=not of_projects)
        beyond = list(mine.order_by("-id").values_list("id", flat=True)[MOST_KEPT : MOST_KEPT + 1])
        if beyond:
            mine.filter(id__lte=beyond[0]).delete()


@due_work
def forget_old() -> int:
    """By the clock, as a connector of which nothing new is said has old rows, too."""
    old = ReportedChange.objects.filter(at__lt=timezone.now() - KEPT)
    return old.delete()[0] if old.exists() else 0  # else nothing is written: a worker without work is quiet


def _change(
    connector: Connector, project: Project | None, field: ReportedField, before: str, after: str, at: datetime
) -> ReportedChange:
    return ReportedChange(
        connector=connector, project=project, field=field, before=before[:LONGEST], after=after[:LONGEST], at=at
    )


def _words(active: bool | None) -> str:
    """As Align's API writes it."""
    return "" if active is None else str(active).lower()

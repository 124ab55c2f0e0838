"""The Jira statuses that Align does not know yet: refused in an apply, or without a name in its own lists.

Align learns statuses by its configuration data pull, which its API neither starts nor shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.urls import reverse

from connectors.models import Confirmation, Connector, HistoryRow, Source
from connectors.setup.readiness import about_statuses
from mappings.edits.names import names_for
from mappings.engine.values import Direction
from mappings.matrix.address import url_of_cell
from mappings.models import Mapping

FAILED, TAKEN = "change.failed", ("created", "updated")
MOST_LOOKED_AT = 500  # failed changes, the newest
MOST_SHOWN = 100
NO_SOURCE = '["", '  # in the names of a record, as JSON: the first of the two
TO_ALIGN = Direction.JIRA_TO_ALIGN.value


@dataclass(frozen=True, kw_only=True)
class UnpulledStatus:
    """`at`: when Align refused it; None: its list has no name for it, as it was read last."""

    id: int
    name: str
    said: str
    at: datetime | None
    href: str


def unpulled(connector: Connector) -> list[UnpulledStatus]:
    """By name; a status that was refused is told as that. In a fixed number of queries."""
    found = {each.id: each for each in (*_unnamed(connector), *_refused(connector))}
    return sorted(found.values(), key=lambda each: (each.name.casefold(), each.id))[:MOST_SHOWN]


def _refused(connector: Connector) -> Iterator[UnpulledStatus]:
    """Since somebody confirmed last that all are pulled, and not taken by Align since."""
    ours = HistoryRow.objects.filter(connector=connector, source=Source.OURS, plan__isnull=False)
    confirmed = Confirmation.objects.filter(connector=connector, code="statuses-pulled").first()
    failed = ours.filter(action=FAILED)
    if confirmed is not None:
        failed = failed.filter(at__gt=confirmed.confirmed_at)
    refused: dict[int, tuple[HistoryRow, str]] = {}
    for row, said in about_statuses(list(failed.order_by("-at", "-id")[:MOST_LOOKED_AT])):
        status = _status_of(row)
        if status is not None:
            refused.setdefault(status[0], (row, said))
    if not refused:
        return
    taken = ours.filter(action__in=TAKEN).filter(
        Q(direction=TO_ALIGN, object_id__in=refused) | (~Q(direction=TO_ALIGN) & Q(after_id__in=refused))
    )
    last: dict[int, datetime] = {}
    for row in taken.order_by("at", "id"):
        if status := _status_of(row):
            last[status[0]] = row.at
    for id_, (row, said) in refused.items():
        if id_ not in last or last[id_] < row.at:
            yield UnpulledStatus(
                id=id_,
                name=(_status_of(row) or (id_, ""))[1] or f"Status {id_}",
                said=said,
                at=row.at,
                href=reverse("plan", args=[row.plan]),
            )


def _status_of(row: HistoryRow) -> tuple[int, str] | None:
    """Id and name of the Jira status that a change is about."""
    if row.direction == TO_ALIGN:
        return None if row.object_id is None else (row.object_id, row.object_name)
    return None if row.after_id is None else (row.after_id, row.after_name)


def _unnamed(connector: Connector) -> Iterator[UnpulledStatus]:
    """Of what Align holds from Jira to Align: records without a name for their status, though the list has names."""
    rows = Mapping.objects.filter(
        scope__connector=connector, scope__family__startswith=f"{TO_ALIGN}-", observed__isnull=False
    )
    # Of thousands of rows only those that may be meant are read whole.
    empty = rows.annotate(said=Cast("names_in_align", TextField())).filter(said__contains=NO_SOURCE)
    unnamed = [row for row in empty.select_related("scope__project").order_by("pk") if _lacks_name(row)]
    names = names_for(unnamed)
    for row in unnamed:
        yield UnpulledStatus(
            id=row.source_id,
            name=names.statuses.get(row.source_id, f"Status {row.source_id}"),
            said="Align’s list has no name for it.",
            at=None,
            href=url_of_cell(
                connector,
                row.scope.family,
                row.scope.project,
                row.work_item_type,
                source=row.source_id,
                value=row.observed,
            ),
        )


def _lacks_name(row: Mapping) -> bool:
    said = row.names_in_align.get(str(row.remote_id))
    return said is not None and not said[0] and bool(said[1])

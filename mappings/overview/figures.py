"""What the pages of connectors show of their mappings: coverage, changes made elsewhere and edits, in few queries."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q

from connectors.models import Connector
from connectors.ports.extensions import ConnectorProjects, CoverageSquare, DriftFigures, ProjectFigures
from mappings.drift.status import WatchState, WatchStatus, statuses
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.matrix.coverage import CoverageRow, coverage
from mappings.models import Mapping
from mappings.observing.scopes import in_use

NOT_COUNTED = ("unknown", "lost", "na")  # states of squares whose statuses are not known to be mapped or not
STYLES = {WatchState.CLEAN: "ok", WatchState.DRIFTED: "warn", WatchState.UNKNOWN: ""}
DRIFTED = Q(situation__in=OPEN_SITUATIONS, scope__error="")  # of a list that could not be read nothing is known


def projects(connector: Connector) -> ConnectorProjects:
    """Of the lists that company-managed projects share, drift and edits are counted once, apart from the projects."""
    rows = Mapping.objects.filter(in_use("scope__"), DRIFTED | Q(waits=True), scope__connector=connector).order_by()
    counted = rows.values_list("scope__project_id").annotate(
        drifted=Count("pk", filter=DRIFTED), waiting=Count("pk", filter=Q(waits=True))
    )
    counts = {project: (drifted, edits) for project, drifted, edits in counted}
    found = coverage(connector).rows
    shared = counts.get(None, (0, 0))
    return ConnectorProjects(
        of={row.pk: _figures(row, *counts.get(row.pk, (0, 0))) for row in found},
        sharing=sum(not row.team_managed for row in found),
        shared_drifted=shared[0],
        shared_edits=shared[1],
    )


def _figures(row: CoverageRow, drifted: int, edits: int) -> ProjectFigures:
    known = [square for square in row.squares if square.state not in NOT_COUNTED]
    return ProjectFigures(
        squares=[CoverageSquare(state=square.state, label=square.label) for square in row.squares],
        mapped=sum(square.mapped for square in known),
        total=sum(square.total for square in known),
        drifted=drifted,
        edits=edits,
    )


def drift(connectors: Sequence[Connector]) -> dict[int, DriftFigures]:
    """By the keys of the connectors."""
    waiting = Mapping.objects.filter(waits=True, scope__connector__in=connectors).order_by()
    edits = dict(waiting.values_list("scope__connector_id").annotate(rows=Count("pk")))
    return {pk: _drift(status, edits.get(pk, 0)) for pk, status in statuses(connectors).items()}


def _drift(status: WatchStatus, edits: int) -> DriftFigures:
    return DriftFigures(
        style=STYLES[status.state],
        word=f"{status.drifted} to review" if status.drifted else status.state.value,
        why=status.why,
        edits=edits,
        checked_at=status.last.finished_at if status.last else None,
    )

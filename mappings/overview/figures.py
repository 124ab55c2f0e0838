"""What the pages of connectors show of their mappings: coverage, changes made elsewhere and edits, in few queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Count, Q, QuerySet

from connectors.models import Connector
from connectors.ports.extensions import ConnectorProjects, CoverageFigures, CoverageSquare, DriftFigures
from mappings.drift.queries import drifted_rows
from mappings.drift.status import WatchState, WatchStatus, statuses
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.edits.queries import unplanned
from mappings.matrix.coverage import CoverageRow
from mappings.matrix.coverage import coverage as project_coverage
from mappings.models import Mapping

NOT_COUNTED = ("unknown", "lost", "na")  # states of squares whose statuses are not known to be mapped or not
NOT_KNOWN = ("unknown", "lost")
STYLES = {WatchState.CLEAN: "ok", WatchState.DRIFTED: "warn", WatchState.UNKNOWN: ""}


def projects(connector: Connector) -> ConnectorProjects:
    """Of the lists that company-managed projects share, drift and edits are counted once, apart from the projects."""
    mine = {"scope__connector": connector}
    drifted = _by_project(drifted_rows(connector).order_by())
    edits = _by_project(unplanned().filter(Q(scope__project__isnull=False) | Q(scope__is_ours=False), **mine))
    return ConnectorProjects(
        sharing=projects_in_scope(connector).filter(team_managed=False).count(),
        shared_drifted=drifted.pop(None, 0),
        shared_edits=edits.pop(None, 0),
        drifted={pk: rows for pk, rows in drifted.items() if pk is not None},
        edits={pk: rows for pk, rows in edits.items() if pk is not None},
    )


def _by_project(rows: QuerySet[Mapping]) -> dict[int | None, int]:
    return dict(rows.values_list("scope__project_id").annotate(rows=Count("pk")))


def coverage(connector: Connector, only: Collection[int] | None) -> dict[int, CoverageFigures]:
    return {row.pk: _figures(row) for row in project_coverage(connector, only).rows}


def _figures(row: CoverageRow) -> CoverageFigures:
    counted = [square for square in row.squares if square.state not in NOT_COUNTED]
    return CoverageFigures(
        squares=[CoverageSquare(state=square.state, label=square.label) for square in row.squares],
        mapped=sum(square.mapped for square in counted),
        total=sum(square.total for square in counted),
        is_known=not any(square.state in NOT_KNOWN for square in row.squares),
    )


def drift(connectors: Sequence[Connector]) -> dict[int, DriftFigures]:
    """By the keys of the connectors."""
    waiting = unplanned().filter(scope__connector__in=connectors)
    edits = dict(waiting.values_list("scope__connector_id").annotate(rows=Count("pk")))
    return {pk: _drift(status, edits.get(pk, 0)) for pk, status in statuses(connectors).items()}


def _drift(status: WatchStatus, edits: int) -> DriftFigures:
    return DriftFigures(
        style=STYLES[status.state],
        word=f"{status.drifted} to review" if status.drifted else status.state.value,
        why=status.why,
        edits=edits,
        read_at=status.oldest_at,
    )

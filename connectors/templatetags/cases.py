"""What the history's pages say beside a row and in their head: its people and case, and time no intake covers."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from connectors.history.cases import services
from connectors.history.intake import gaps, intake
from connectors.models import Case, HistoryRow
from connectors.models.connector import Connector

register = template.Library()


@register.simple_tag
def case_of(row: HistoryRow) -> Case | None:
    return services.of_row(row)


@register.filter
def people_beside(row: HistoryRow) -> list[tuple[str, str]]:
    """("planned and applied", "Pia Planner"): who else had to do with it, each once, in the order of the acts."""
    acts: dict[tuple[int | None, str], list[str]] = {}
    for act, number, name in (
        ("planned", row.planner_id, row.planner_name),
        ("approved", row.approver_id, row.approver_name),
        ("applied", row.applier_id, row.applier_name),
    ):
        # Of an act on a whole plan its planner is told where that is somebody else.
        if name and (row.applier_name or number != row.person_id):
            acts.setdefault((number, name), []).append(act)
    return [(_listed(done), name) for (_, name), done in acts.items()]


def _listed(done: Sequence[str]) -> str:
    *first, last = done
    return f"{', '.join(first)} and {last}" if first else last


@register.filter
def log_trouble(connector: Connector) -> str:
    """Why Align's log is not read, where it should be: for the two pages that tell a connector's health."""
    return intake.how_it_comes(connector) if connector.audit_problem and not connector.log_by_hand else ""


@register.simple_tag
def gap_states() -> Sequence[gaps.CoverageState]:
    return gaps.states()

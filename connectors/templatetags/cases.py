"""What the history's pages say beside a row and in their head: its case, and time no intake covers."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.template import Context

from connectors.history.cases import services
from connectors.history.intake import gaps, intake
from connectors.models import Case, HistoryRow
from connectors.models.connector import Connector

register = template.Library()


@register.simple_tag
def case_of(row: HistoryRow) -> Case | None:
    return services.of_row(row)


@register.filter
def log_trouble(connector: Connector) -> str:
    """Why Align's log is not read, where it should be: for the two pages that tell a connector's health."""
    return intake.trouble(connector)


@register.simple_tag(takes_context=True)
def gap_states(context: Context) -> Sequence[gaps.CoverageState]:
    """Those of the page, where it has them at hand as `gap_states`."""
    at_hand: Sequence[gaps.CoverageState] | None = context.get("gap_states")
    return gaps.states() if at_hand is None else at_hand

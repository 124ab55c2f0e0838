"""`{% with standing=row|standing:standings %}`: how far a row of the history may be relied on."""

from __future__ import annotations

from django import template

from connectors.history.verification.row_status import RowStatus, RowStatuses
from connectors.models import HistoryRow

register = template.Library()


@register.filter
def standing(row: HistoryRow, standings: RowStatuses) -> RowStatus:
    return standings.of(row)

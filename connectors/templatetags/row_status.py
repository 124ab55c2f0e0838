"""`{% with status=row|row_status:row_statuses %}`: how far a row of the history may be relied on."""

from __future__ import annotations

from django import template

from connectors.history.verification.row_status import RowStatus, RowStatuses
from connectors.models import HistoryRow

register = template.Library()


@register.filter
def row_status(row: HistoryRow, row_statuses: RowStatuses) -> RowStatus:
    return row_statuses.of(row)

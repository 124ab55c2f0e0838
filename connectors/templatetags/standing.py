"""`{% with standing=row|standing:standings %}`: how far a row of the history may be relied on."""

from __future__ import annotations

from django import template

from connectors.history.verification.seal_status import Standing, Standings
from connectors.models import HistoryRow

register = template.Library()


@register.filter
def standing(row: HistoryRow, standings: Standings) -> Standing:
    return standings.of(row)

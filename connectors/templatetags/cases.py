"""What the history's pages say beside a row and in their head: its case, and time that no intake covers."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from connectors.audit import cases, gaps
from connectors.audit.models import Case, HistoryRow

register = template.Library()


@register.simple_tag
def case_of(row: HistoryRow) -> Case | None:
    return cases.of_row(row)


@register.simple_tag
def gap_states() -> Sequence[gaps.State]:
    return gaps.states()

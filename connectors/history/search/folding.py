"""Rows of one plan that stand next to each other: the newest is shown, the others fold below it and are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from connectors.history.search.action_words import words_of
from connectors.models import HistoryRow

MOST_OPEN = 2  # rows of a plan: more are folded, since a line that says what is folded takes the room of one


@dataclass(frozen=True, kw_only=True)
class PlanRows:
    """`first` is shown; `more` fold below it, except where one of them is open in the drawer."""

    first: HistoryRow
    more: Sequence[HistoryRow] = ()
    is_open: bool = False

    @property
    def summary(self) -> str:
        """ "8 × changed, 2 × change failed, apply started": what is folded, the most frequent first."""
        counts = Counter(words_of(row.action) for row in self.more)
        words = ((number, text[:1].lower() + text[1:]) for text, number in counts.most_common())
        return ", ".join(f"{number} × {text}" if number > 1 else text for number, text in words)


def folded(rows: Sequence[HistoryRow], *, opened: int | None = None, is_on: bool = True) -> list[PlanRows]:
    """In the order of the rows. `opened` is the key of the row in the drawer, which has to be seen."""
    groups: list[PlanRows] = []
    for plan, found in groupby(rows, key=lambda row: (row.connector_id, row.plan) if row.plan else None):
        members = list(found)
        if is_on and plan and len(members) > MOST_OPEN:
            first, *more = members
            groups.append(PlanRows(first=first, more=more, is_open=any(row.pk == opened for row in more)))
        else:
            groups += [PlanRows(first=row) for row in members]
    return groups

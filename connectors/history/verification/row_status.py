"""How far a row of the history may be relied on, as its page and the list say it: compared when it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.history.verification import comparison, pairings, services
from connectors.history.verification.services import CheckResult
from connectors.models import HistoryRow
from connectors.ports.differences import Difference


@dataclass(frozen=True, kw_only=True)
class RowStatus:
    """Of one row. `differs`: why it is not to be relied on; `verified_at`: of the last check that covered it."""

    differs: str = ""
    verified_at: datetime | None = None
    is_behind_break: bool = False  # of the chain

    @property
    def is_trusted(self) -> bool:
        return not (self.differs or self.is_behind_break)


class RowStatuses:
    """Of the rows of one page."""

    def __init__(self, rows: Sequence[HistoryRow], found: CheckResult | None) -> None:
        self.found = found
        self.differing = comparison.of_shown(rows)

    def of(self, row: HistoryRow) -> RowStatus:
        differences = self.differing.get(row.pk, [])
        found = self.found
        if found is None:
            return RowStatus(differs=sentence(row, differences))
        is_covered = found.trusts_entry(row.entry_seq) if row.entry_seq else found.trusts_line(row.line_id or 0)
        behind = bool(row.entry_seq and found.wrong_seq is not None and row.entry_seq >= found.wrong_seq)
        return RowStatus(
            differs=sentence(row, differences),
            verified_at=found.at if is_covered and not differences else None,
            is_behind_break=behind,
        )


def of_one(row: HistoryRow) -> RowStatus:
    """With its pairing, which costs too much for a list."""
    row_statuses = RowStatuses([row], services.last_found())
    row_statuses.differing[row.pk] = [*row_statuses.differing.get(row.pk, []), *pairings.of_row(row)]
    return row_statuses.of(row)


def sentence(row: HistoryRow, differences: Sequence[Difference]) -> str:
    if not differences:
        return ""
    details = "; ".join(each.detail or each.sentence.rstrip(".") for each in differences)
    source = "its entry" if row.entry_seq else "its line"
    return f"This row differs from {source}: {details}. Do not rely on it."

"""What the reading of a pack's span has found: how many rows were chosen, and what differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from alignadmin.errors import Refused
from connectors.ports.differences import Difference

MOST_DIFFERENCES = 1000
MOST_NAMED = 20
TOO_MANY = (
    f"More than {MOST_DIFFERENCES:,} rows of the history's table differ from the entries and lines they stand for. "
    "Run manage.py verify_history, make the table again from them with manage.py rebuild_history, then ask for this "
    "pack again."
)


@dataclass(kw_only=True)
class Found:
    """What the span holds: how many rows were chosen, and what differs."""

    chosen: int = 0
    entries: int = 0  # that were made into rows again
    lines: int = 0
    first_seq: int | None = None  # of the chosen rows
    last_seq: int | None = None
    plans: set[int] = field(default_factory=set)
    changes: Counter[int] = field(default_factory=Counter)  # of mappings, chosen or not, by connector
    differences: list[Difference] = field(default_factory=list)
    has_other_plans: bool = False  # than the entries tell of
    absent: list[tuple[int, int]] = field(default_factory=list)  # entries in archives that are not at hand

    @property
    def sentences(self) -> list[str]:
        """Of the first differences, for people."""
        return [each.sentence for each in self.differences[:MOST_NAMED]]

    def add_row(self, seq: int | None, plan: int | None) -> None:
        """A row is chosen."""
        self.chosen += 1
        if seq is not None:
            self.first_seq = min(self.first_seq or seq, seq)
            self.last_seq = max(self.last_seq or seq, seq)
        if plan is not None:
            self.plans.add(plan)

    def add_difference(self, difference: Difference) -> None:
        """Raises Refused where there are so many that no list of them helps."""
        if len(self.differences) >= MOST_DIFFERENCES:
            raise Refused(TOO_MANY)
        self.differences.append(difference)

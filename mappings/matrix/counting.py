"""The button "Count issues" of a matrix: which rows it counts, how far it is, and what it says."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from connectors.models import Connector
from mappings.engine.matrix import Matrix
from mappings.in_use.counting import StatusCount, counted_before
from mappings.matrix.address import MatrixAddress


class Counting:
    """Of the rows that a matrix shows; `position` is the row at which a count goes on while one is under way."""

    def __init__(self, connector: Connector, address: MatrixAddress, matrix: Matrix) -> None:
        self._connector = connector
        self._address = address
        self._matrix = matrix
        self.position: int | None = None
        self.trouble = ""

    @cached_property
    def known(self) -> dict[int, StatusCount]:
        return counted_before(self._connector, self._address.shown)

    @cached_property
    def status_ids(self) -> list[int]:
        """Those shown that Jira has: it refuses a question about others."""
        return [row.status.id for group in self._matrix.groups for row in group.rows if not row.status.vanished]

    @property
    def total(self) -> int:
        return len(self.status_ids)

    @property
    def is_under_way(self) -> bool:
        return self.position is not None and self.position < self.total and not self.trouble

    @property
    def start(self) -> int:
        """Where the next step begins: at the first row that was not counted, or from the top again."""
        if self.position is not None and self.position < self.total:
            return self.position
        open_ = (place for place, status_id in enumerate(self.status_ids) if status_id not in self.known)
        return next(open_, 0)

    @property
    def done(self) -> int:
        return sum(status_id in self.known for status_id in self.status_ids)

    @property
    def at(self) -> datetime | None:
        """Of the oldest count that is shown."""
        return min((self.known[id_].at for id_ in self.status_ids if id_ in self.known), default=None)

    @property
    def is_told(self) -> bool:
        """Whether there is more to show than the button."""
        return bool(self.position is not None or self.at)

    @property
    def label(self) -> str:
        if not self.done:
            return "Count issues"
        return "Count again" if self.done == self.total else f"Count the other {self.total - self.done}"

    @property
    def sentence(self) -> str:
        """For the live region."""
        if self.is_under_way:
            return f"Counting issues: {self.position} of {self.total} statuses"
        return f"Issues of {self.done} statuses counted" if self.position is not None and not self.trouble else ""

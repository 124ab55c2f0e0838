"""What a comparison of the history with its sources finds, and how it goes through a table: page by page, resumable."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)
ALTERED, MISSING, SURPLUS = "altered", "missing", "surplus"
LONGEST_VALUE = 120  # of a value in a sentence
STOPPED = "The comparison of %s stopped at a text that cannot be read"
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # what comes of a text that was altered
Position = Any  # where a page ended, as JSON keeps it; None before the first


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where a table does not say what the entries or the mirrored lines say.

    `seq` and `line` name the entry or the line it is about, as far as there is one.
    """

    kind: str
    table: str
    sentence: str
    field: str = ""
    seq: int | None = None
    line: int | None = None
    detail: str = ""  # of one field: what it says and what it should say


@dataclass(frozen=True, kw_only=True)
class Page:
    """How far a look has come (None: to the end), how many rows it took, and what differs in them.

    `more` differences were counted beside those that are named.
    """

    following: Position
    rows: int = 0
    found: Sequence[Difference] = ()
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class TableComparison:
    """One table that is compared: `page` looks at what comes after a position."""

    name: str  # what it is at, for people
    page: Callable[[Position], Page]
    count: Callable[[], int] = field(default=lambda: 0)  # of its rows, for the progress
    of_plans: Callable[[Sequence[int]], Sequence[Difference]] | None = None  # in these, where it is about plans
    is_final: bool = False  # what it finds is no half of what somebody writes just now

    def read(self, position: Position) -> Page:
        """A page, or that the rest cannot be compared: one altered text keeps nobody from comparing other tables."""
        try:
            return self.page(position)
        except UNREADABLE as error:
            log.exception(STOPPED, self.name)
            return Page(following=None, found=[self._unreadable(error)])

    def read_plans(self, numbers: Sequence[int]) -> Sequence[Difference]:
        """What differs in these plans; nothing where it is not about plans."""
        if self.of_plans is None:
            return ()
        try:
            return self.of_plans(numbers)
        except UNREADABLE as error:
            log.exception(STOPPED, self.name)
            return [self._unreadable(error)]

    def _unreadable(self, error: Exception) -> Difference:
        sentence = f"Cannot compare the rest of {self.name}: an entry or a row cannot be read ({type(error).__name__})."
        return Difference(kind=ALTERED, table=self.name, sentence=sentence)


def quoted(value: object) -> str:
    """A value in a sentence."""
    if value in (None, "", []):
        return "nothing"
    text = str(value)
    return f"“{text[:LONGEST_VALUE]}…”" if len(text) > LONGEST_VALUE else f"“{text}”"

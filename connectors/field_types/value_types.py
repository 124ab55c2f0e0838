"""The types that fields of both systems have.

Two fields can be a pair only where both have one and the same type. What nothing tells for certain is UNKNOWN, and is
called by the remote's own spelling: a type is never guessed from a name or a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ValueType(StrEnum):
    """Several of a thing are another type than one of it: a list cannot be carried into a field that holds one."""

    TEXT = "text"
    RICH_TEXT = "rich text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "date and time"
    TRUTH = "yes or no"
    SINGLE = "single select"
    MULTI = "multi select"
    USER = "user"
    USERS = "several users"
    TIME_FRAME = "time frame"  # a sprint, an iteration, a program increment
    TIME_FRAMES = "several time frames"
    MILESTONE = "milestone"
    MILESTONES = "several milestones"
    RELEASES = "several releases"
    TEAM = "team"
    LABELS = "labels"
    ITEM = "link to an item"
    ITEMS = "links to items"
    STATUS = "status"
    UNKNOWN = "unknown"

    @property
    def has_options(self) -> bool:
        return self in (ValueType.SINGLE, ValueType.MULTI)


_BY_VALUE = {each.value: each for each in ValueType}


@dataclass(frozen=True, kw_only=True)
class ToldType:
    """`type` of a formula is that of its result. `spelled`: as the remote calls it, for what is unknown here."""

    type: ValueType
    spelled: str
    is_formula: bool = False

    @property
    def words(self) -> str:
        """ "number (formula)", "unknown (cascadingselect)"."""
        known = f"{self.type} ({self.spelled or 'not told'})" if self.type is ValueType.UNKNOWN else str(self.type)
        return f"{known} (formula)" if self.is_formula else known


def told_type(type_: str, spelled: str, *, is_formula: bool) -> ToldType:
    """As it is stored; a type that an earlier or later version knows and this one does not is unknown."""
    known = _BY_VALUE.get(type_, ValueType.UNKNOWN)
    return ToldType(type=known, spelled=spelled, is_formula=is_formula)

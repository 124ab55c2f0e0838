"""Quarters of weeks: a week belongs to the quarter that has its Thursday, as ISO 8601 gives it a year.

So each week is of exactly one quarter. A quarter has as many weeks as it has Thursdays: 13 as a rule, 14 where it must,
and 12 in the first of a year that begins on a Friday and has no leap day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.history.reviews import weeks
from connectors.history.reviews.weeks import DAY, Week
from connectors.history.search.periods import MINUTE

SLUG = "[0-9]{4}-Q[1-4]"
THURSDAY = 3  # Monday is 0


class QuarterSlug:
    """ "2026-Q4" in an address."""

    regex = SLUG

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


@dataclass(frozen=True, kw_only=True, order=True)
class Quarter:
    year: int
    number: int  # 1 to 4

    def __str__(self) -> str:
        return f"Q{self.number} {self.year}"

    @property
    def slug(self) -> str:
        return f"{self.year}-Q{self.number}"

    @property
    def weeks(self) -> list[Week]:
        """The oldest first."""
        day, end = self._first_day, self.after._first_day
        thursday = day + timedelta(days=(THURSDAY - day.weekday()) % 7)
        count = (end - thursday + timedelta(days=6)).days // 7
        return [Week(monday=thursday - THURSDAY * DAY + each * 7 * DAY) for each in range(count)]

    @property
    def _first_day(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def before(self) -> Quarter:
        is_first = self.number == 1
        return Quarter(year=self.year - is_first, number=4 if is_first else self.number - 1)

    @property
    def after(self) -> Quarter:
        is_last = self.number == 4
        return Quarter(year=self.year + is_last, number=1 if is_last else self.number + 1)

    @property
    def query(self) -> str:
        """Exactly the rows of its weeks in the history's search, whatever the zone of whoever follows the link."""
        first, last = self.weeks[0], self.weeks[-1]
        return f"since:{first.since:{MINUTE}} until:{last.until - timedelta(minutes=1):{MINUTE}}"


def quarter_of(week: Week) -> Quarter:
    thursday = week.monday + THURSDAY * DAY
    return Quarter(year=thursday.year, number=(thursday.month + 2) // 3)


def read(slug: str, now: datetime) -> Quarter | None:
    """The quarter of this name; None for what is none, and for one that has no week to review yet."""
    if not re.fullmatch(SLUG, slug) or slug[:4] in ("0000", "9999"):  # years whose neighbours Python does not know
        return None
    found = Quarter(year=int(slug[:4]), number=int(slug[-1]))
    return found if quarter_of(weeks.first(now)) <= found <= quarter_of(weeks.week_of(now)) else None

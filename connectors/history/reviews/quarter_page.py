"""What the page of a quarter shows: its weeks as a strip and as a table, and which of them may be signed together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.db import models
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.history.reviews import drafts, quarters, quiet_weeks, week_counts, week_gaps, weeks
from connectors.history.reviews.notes import LONGEST_NOTE
from connectors.history.reviews.own_changes import OwnPart, own_parts
from connectors.history.reviews.quarters import Quarter
from connectors.history.reviews.weeks import ReviewStatus, Week, WeekLine
from connectors.history.search.query_language import Term

MOST_GAPS = 3  # of a week are named


class WeekState(models.TextChoices):
    """As a cell of the strip says it; each has a look of its own in the stylesheet."""

    BEFORE = "before", "before the first entry"
    SIGNED = "signed", "signed"
    CHANGED = "changed", "changed"
    LATE = "late", "overdue"
    OPEN = "open", "to sign"
    RUNNING = "running", "in progress"
    LATER = "later", "not begun"


@dataclass(frozen=True, kw_only=True)
class WeekCell:
    """`line` is None of a week before the first entry, and of one that has not begun."""

    week: Week
    line: WeekLine | None
    state: WeekState
    own: OwnPart | None = None  # why the viewer may not sign it

    @property
    def number(self) -> str:
        return self.week.number.partition("-")[2]


@dataclass(frozen=True, kw_only=True)
class QuarterSums:
    weeks: int  # that are reviewed at all, those to come among them
    signed: int
    to_sign: int
    overdue: int
    open_cases: int
    open_questions: int


@dataclass
class QuarterPage:
    quarter: Quarter
    viewer: Person
    now: datetime
    first: Week  # that is reviewed at all

    # -- the weeks ----------------------------------------------------------------------------------------------------

    @cached_property
    def cells(self) -> Sequence[WeekCell]:
        """The oldest first."""
        running = weeks.week_of(self.now)
        chosen = [week for week in self.quarter.weeks if self.first <= week <= running]
        lines = {line.week: line for line in week_counts.lines_of(chosen, self.now)}
        to_sign = [week for week, line in lines.items() if line.is_to_sign]
        own = own_parts(self.viewer, to_sign) if self.may_review else {}
        return [self._cell(week, lines.get(week), own) for week in self.quarter.weeks]

    def _cell(self, week: Week, line: WeekLine | None, own: Mapping[Week, OwnPart]) -> WeekCell:
        return WeekCell(week=week, line=line, state=self._state(week, line), own=own.get(week))

    def _state(self, week: Week, line: WeekLine | None) -> WeekState:
        if line is None:
            return WeekState.BEFORE if week < self.first else WeekState.LATER
        if not line.is_over:
            return WeekState.RUNNING
        if line.review:
            return WeekState.CHANGED if line.changed else WeekState.SIGNED
        return WeekState.LATE if line.is_late else WeekState.OPEN

    @property
    def lines(self) -> Sequence[WeekLine]:
        return [cell.line for cell in self.cells if cell.line]

    @cached_property
    def sums(self) -> QuarterSums:
        states = [cell.state for cell in self.cells]
        return QuarterSums(
            weeks=len(states) - states.count(WeekState.BEFORE),
            signed=states.count(WeekState.SIGNED),
            to_sign=sum(line.is_to_sign for line in self.lines),
            overdue=states.count(WeekState.LATE),
            open_cases=sum(line.open_cases for line in self.lines),
            open_questions=sum(line.open_questions for line in self.lines),
        )

    @cached_property
    def review_status(self) -> ReviewStatus:
        """Of all quarters."""
        return weeks.review_status(self.now)

    # -- other pages --------------------------------------------------------------------------------------------------

    @property
    def before(self) -> Quarter | None:
        return self.quarter.before if quarters.quarter_of(self.first) < self.quarter else None

    @property
    def after(self) -> Quarter | None:
        return self.quarter.after if self.quarter < quarters.quarter_of(weeks.week_of(self.now)) else None

    @property
    def cases_address(self) -> str:
        query = f"{self.quarter.query} {Term(name='case', value='open')}"
        return f"{reverse('history')}?{urlencode({'q': query})}"

    # -- signing quiet weeks together ---------------------------------------------------------------------------------

    @property
    def may_review(self) -> bool:
        return may(self.viewer, Right.REVIEW)

    @property
    def quiet(self) -> Sequence[WeekLine]:
        """Those that the viewer may sign together."""
        return [cell.line for cell in self.cells if cell.line and cell.line.is_quiet and not cell.own]

    @cached_property
    def gaps(self) -> Mapping[Week, str]:
        """Of quiet weeks during which a connector's log was not taken in: an outside change may be missing there."""
        chosen = [line.week for line in self.quiet]
        found = week_gaps.gaps_of_weeks(chosen) if chosen else {}
        return {week: _named(gaps) for week, gaps in found.items()}

    @property
    def quiet_rows(self) -> int:
        return sum(line.rows for line in self.quiet)

    @property
    def left_out(self) -> Sequence[WeekCell]:
        """Quiet ones that somebody else has to sign."""
        return [cell for cell in self.cells if cell.line and cell.line.is_quiet and cell.own]

    @property
    def not_quiet(self) -> Iterator[tuple[WeekLine, str]]:
        """To be signed one by one, and what is open in each."""
        for line in self.lines:
            if line.is_to_sign and not line.is_quiet:
                yield line, ", ".join(quiet_weeks.not_quiet(line))

    @property
    def seen(self) -> str:
        """What the page shows of the quiet weeks, as its form sends it."""
        return " ".join(str(quiet_weeks.seen_of(line)) for line in self.quiet)

    @cached_property
    def prepared(self) -> str:
        """What the viewer has prepared for the quiet weeks, as the one note of them."""
        notes = drafts.notes_of(self.viewer, [line.week for line in self.quiet])
        note = "\n".join(f"{line.week}: {notes[line.week]}" for line in self.quiet if line.week in notes)
        return note if len(note) <= self.longest_note else f"{note[: self.longest_note - 1]}…"

    @property
    def longest_note(self) -> int:
        return LONGEST_NOTE


def _named(gaps: Sequence[week_gaps.GapOf]) -> str:
    """The first of them; the week's own page has all."""
    more = f"; {len(gaps) - MOST_GAPS} more" if len(gaps) > MOST_GAPS else ""
    return "; ".join(f"{each.connector.name}, {each}" for each in gaps[:MOST_GAPS]) + more

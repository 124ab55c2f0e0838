"""What the page of one week shows: counts and a summary, the sample, questions, and whether the viewer may sign it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.history.reviews import drafts, quarters, samples, week_counts, week_gaps, weeks
from connectors.history.reviews import sign_off as review
from connectors.history.reviews.notes import LONGEST_NOTE
from connectors.history.reviews.own_changes import own_changes
from connectors.history.reviews.quarters import Quarter
from connectors.history.reviews.samples import Among, Sample
from connectors.history.reviews.week_gaps import GapOf
from connectors.history.reviews.weeks import Week, WeekLine
from connectors.history.search.query_language import Term
from connectors.models import HistoryRow, Question, Review, Source
from connectors.models.connector import Connector

STARTED, EMERGENCY = "plan.started", "plan.emergency_approved"
MOST_LINES = 12  # of each part of the summary; the history has the rest
MOST_PLANS = 100


@dataclass(frozen=True, kw_only=True)
class WeekTally:
    """One line of the summary, and its rows in the history."""

    name: str
    rows: int
    address: str


@dataclass
class WeekPage:
    week: Week
    viewer: Person
    now: datetime
    asked_sample: int = 0  # the entry of a sample, as the address names it

    @cached_property
    def line(self) -> WeekLine:
        return week_counts.line_of(self.week, self.now)

    @property
    def review(self) -> Review | None:
        return self.line.review

    @property
    def before(self) -> Week | None:
        return self.week.before if self.week > weeks.first(self.now) else None

    @property
    def after(self) -> Week | None:
        return self.week.after if self.week < weeks.week_of(self.now) else None

    @property
    def quarter(self) -> Quarter:
        return quarters.quarter_of(self.week)

    # -- the summary --------------------------------------------------------------------------------------------------

    def search(self, *terms: Term) -> str:
        """The address of the week's rows, or of those of them with these qualifiers."""
        query = " ".join([self.week.query, *map(str, terms)])
        return f"{reverse('history')}?{urlencode({'q': query})}"

    @property
    def rows_address(self) -> str:
        return self.search()

    @property
    def outside_address(self) -> str:
        return self.search(Term(name="source", value=Source.OUTSIDE))

    @property
    def cases_address(self) -> str:
        return self.search(Term(name="case", value="open"))

    @cached_property
    def actions(self) -> Sequence[WeekTally]:
        return [self._tally("action", name, name, rows) for name, rows in self._counts("action")]

    @cached_property
    def people(self) -> Sequence[WeekTally]:
        return [self._tally("author", name, name or "AlignAdmin", rows) for name, rows in self._counts("person_name")]

    @cached_property
    def connectors(self) -> Sequence[WeekTally]:
        counts = self._counts("connector")
        known = Connector.objects.in_bulk([key for key, _ in counts if key])
        return [
            self._tally("connector", known[key].slug, known[key].name, rows)
            if key
            else WeekTally(name="none, such as sign-ins", rows=rows, address="")
            for key, rows in counts
        ]

    def _counts(self, column: str) -> list[tuple[Any, int]]:
        found = weeks.rows_of(self.week).values_list(column).annotate(total=Count("id"))
        return list(found.order_by("-total", column)[: MOST_LINES + 1])

    def _tally(self, qualifier: str, value: str, name: str, rows: int) -> WeekTally:
        return WeekTally(name=name, rows=rows, address=self.search(Term(name=qualifier, value=value)) if value else "")

    @cached_property
    def emergencies(self) -> Sequence[HistoryRow]:
        return list(self._entries_of(EMERGENCY)[:MOST_PLANS])

    @cached_property
    def applied(self) -> Sequence[HistoryRow]:
        """The start of each plan, once."""
        starts = {row.plan: row for row in reversed(list(self._entries_of(STARTED)[:MOST_PLANS]))}
        return sorted(starts.values(), key=lambda row: (row.at, row.pk))

    def _entries_of(self, action: str) -> Any:
        return weeks.rows_of(self.week).filter(action=action, plan__isnull=False).order_by("at", "id")

    @cached_property
    def gaps(self) -> list[GapOf]:
        return week_gaps.gaps_of(self.week)

    @cached_property
    def questions(self) -> list[Question]:
        return list(review.questions_of(self.week).select_related("asked_by", "to", "answered_by"))

    @property
    def open_questions(self) -> int:
        return sum(question.answered_at is None for question in self.questions)

    # -- the sample ---------------------------------------------------------------------------------------------------

    @cached_property
    def sample(self) -> Sample | None:
        """The one of the address, else the one that was signed with."""
        if self.asked_sample:
            return samples.of_entry(self.asked_sample, self.week)
        return samples.of_data(self.sign_off.get("sample"))

    @cached_property
    def sample_rows(self) -> list[HistoryRow]:
        return self.sample.rows() if self.sample else []

    @property
    def among(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in Among]

    # -- signing ------------------------------------------------------------------------------------------------------

    @cached_property
    def sign_off(self) -> Mapping[str, Any]:
        return review.sign_off_of(self.review) if self.review else {}

    @cached_property
    def own(self) -> list[HistoryRow]:
        """In a running week, too: who has some needs no note prepared."""
        return own_changes(self.viewer, self.week) if self.line.is_to_sign or not self.line.is_over else []

    @cached_property
    def draft(self) -> str:
        """What the viewer has prepared for the note."""
        return drafts.notes_of(self.viewer, [self.week]).get(self.week, "") if self.may_review else ""

    @property
    def may_review(self) -> bool:
        return may(self.viewer, Right.REVIEW)

    @property
    def longest_note(self) -> int:
        return LONGEST_NOTE

"""Signing quiet weeks together: one act and one note, an entry for each week, all of them or none.

What was seen of each week goes with the form. A week that is not as it was seen is named, and then none is signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit.entries import lock_head
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.history.reviews import sign_off, week_counts
from connectors.history.reviews.notes import lines_of_browser, refuse_long_note
from connectors.history.reviews.own_changes import OwnPart, own_parts
from connectors.history.reviews.quarters import Quarter
from connectors.history.reviews.weeks import Week, WeekLine
from connectors.models import Review

SEEN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})\.([0-9]{1,9})")
MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class SeenQuietWeek:
    """A week as the page showed it: the entry of the sign-off before (0: none), and its rows."""

    week: Week
    review: int
    rows: int

    def __str__(self) -> str:
        return f"{self.week.slug}.{self.review}.{self.rows}"


def seen_of(line: WeekLine) -> SeenQuietWeek:
    return SeenQuietWeek(week=line.week, review=line.review.entry_seq if line.review else 0, rows=line.rows)


def read(text: str) -> list[SeenQuietWeek]:
    """What `str` of each wrote, with spaces between; empty for anything else, so that no part of it is signed."""
    found: list[SeenQuietWeek] = []
    for each in text.split():
        match = SEEN.fullmatch(each)
        try:
            monday = date.fromisoformat(match[1]) if match else None
        except ValueError:
            monday = None
        if match is None or monday is None or monday.weekday() != 0 or monday.year >= date.max.year:
            return []
        found.append(SeenQuietWeek(week=Week(monday=monday), review=int(match[2]), rows=int(match[3])))
    return found


def in_words(text: str) -> str:
    """For the page that confirms a sign-in, as the weeks' own page has them."""
    found = read(text)
    return "; ".join(f"{each.week}, {counted(each.rows, 'row')}" for each in found) or text


def sign_together(quarter: Quarter, *, note: str, seen: Sequence[SeenQuietWeek], actor: Person) -> list[Review]:
    """Raises Refused, with each week that is not as it was seen."""
    note = lines_of_browser(note)
    if not note:
        raise Refused("Say in the note what you looked at: it is the one note of all these weeks. Nothing was signed.")
    refuse_long_note(note)
    asked = {each.week: each for each in seen}
    chosen = [week for week in quarter.weeks if week in asked]
    if not chosen or len(chosen) != len(seen):
        raise Refused(f"The form names no weeks of {quarter}. Reload the page, then sign. Nothing was signed.")
    with transaction.atomic():
        head = lock_head()  # no row, case or question comes in until this is through
        sign_off.refuse_no_reviewer(actor)
        lines = week_counts.lines_of(chosen, timezone.now())
        _refuse_changed(lines, asked, own_parts(actor, chosen))
        return sign_off.store(lines, note, head, actor=actor)


def _refuse_changed(
    lines: Sequence[WeekLine], asked: Mapping[Week, SeenQuietWeek], own: Mapping[Week, OwnPart]
) -> None:
    problems = [f"{line.week}: {why}" for line in lines for why in _why_not(line, asked[line.week], own)]
    if problems:
        more = f"; and {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        named = "; ".join(problems[:MOST_NAMED])
        raise Refused(f"Nothing was signed, because of {named}{more}. Look at the weeks again, then sign.")


def _why_not(line: WeekLine, seen: SeenQuietWeek, own: Mapping[Week, OwnPart]) -> Iterator[str]:
    """The first reason, of those that the page would have shown."""
    return islice(_reasons(line, seen, own), 1)


def _reasons(line: WeekLine, seen: SeenQuietWeek, own: Mapping[Week, OwnPart]) -> Iterable[str]:
    if not line.is_over:
        yield f"it is not over, it ends on {line.week.sunday:%A}, 24:00 UTC"
    if line.review and line.review.entry_seq != seen.review:
        yield f"{line.review.person_name} signed it at {line.review.at:%H:%M} UTC on {line.review.at:%-d %b %Y}"
    if not line.is_to_sign:
        yield "it is signed, and nothing has changed in it since"
    if line.week in own:
        yield f"it has {counted(own[line.week].rows, 'change')} of your own, so someone else signs it"
    yield from not_quiet(line)
    if line.rows != seen.rows:
        yield f"it has {counted(line.rows, 'row')} now, and had {seen.rows} when you opened the page"


def not_quiet(line: WeekLine) -> Iterator[str]:
    """What is open in it."""
    if line.open_cases:
        yield f"{counted(line.open_cases, 'outside change')} not explained"
    if line.open_questions:
        yield f"{counted(line.open_questions, 'question')} not answered"

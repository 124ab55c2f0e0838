"""What there is in each of some weeks: rows, outside changes, cases and questions, in a query of each for all weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from connectors.history.reviews import weeks
from connectors.history.reviews.weeks import Week, WeekLine
from connectors.history.search.day_bars import DayNumber
from connectors.models import Case, CaseState, HistoryRow, Question, Review, Source

SAID = (CaseState.EXPLAINED, CaseState.REVERTED)  # by a person, or by a change of ours; a withdrawn one is none at all
# Its line has found its cause among our own changes since, so that it is no outside change.
FOUND = Q(state=CaseState.EXPLAINED, decided_by="")


def line_of(week: Week, now: datetime) -> WeekLine:
    return lines_of([week], now)[0]


def lines_of(chosen: Sequence[Week], now: datetime) -> list[WeekLine]:
    """In the order of `chosen`."""
    if not chosen:
        return []
    reviews = {each.week: each for each in Review.objects.filter(week__in=[week.monday for week in chosen])}
    rows, outside, cases = Counter[Week](), Counter[Week](), Counter[tuple[Week, bool]]()
    counted = by_day(HistoryRow.objects.order_by(), chosen)
    for week, found in counted(rows=Count("source"), outside=Count("source", filter=Q(source=Source.OUTSIDE))):
        rows[week] += found["rows"]
        outside[week] += found["outside"]
    of_cases = Case.objects.filter(state__in=(CaseState.OPEN, *SAID)).exclude(FOUND)
    for week, found in by_day(of_cases, chosen, "state")(total=Count("pk")):
        cases[week, found["state"] == CaseState.OPEN] += found["total"]
    questions = _questions(chosen)
    return [
        WeekLine(
            week=week,
            rows=rows[week],
            outside=outside[week],
            open_cases=cases[week, True],
            explained_cases=cases[week, False],
            open_questions=questions[week, True],
            answered_questions=questions[week, False],
            review=reviews.get(week.monday),
            now=now,
        )
        for week in chosen
    ]


def by_day(rows: QuerySet[Any], chosen: Sequence[Week], *columns: str) -> Any:
    """A function of aggregates that gives them as pairs of week and values, several of a week: one for each day.

    A day is a number there (see DayNumber), and what lies between weeks that were not chosen is left out.
    """
    first, last = min(chosen), max(chosen)
    wanted = set(chosen)
    of_span = rows.filter(at__gte=first.since, at__lt=last.until)
    days = of_span.annotate(day=DayNumber("at", begin=int(first.since.timestamp()))).values("day", *columns)

    def counted(**aggregates: Any) -> list[tuple[Week, dict[str, Any]]]:
        found = [(_week(first, each["day"]), each) for each in days.annotate(**aggregates).order_by()]
        return [(week, each) for week, each in found if week in wanted]

    return counted


def _week(first: Week, day: int) -> Week:
    return Week(monday=first.monday + timedelta(weeks=day // 7))


def _questions(chosen: Sequence[Week]) -> Counter[tuple[Week, bool]]:
    """By the week of the row that was asked about, and whether nobody has answered."""
    first, last, wanted = min(chosen), max(chosen), set(chosen)
    of_entry = HistoryRow.objects.filter(entry_seq=OuterRef("entry_seq")).values("at")[:1]
    of_line = HistoryRow.objects.filter(line=OuterRef("line")).values("at")[:1]
    row_at = Coalesce(Subquery(of_entry), Subquery(of_line), output_field=DateTimeField())
    asked = Question.objects.annotate(row_at=row_at).filter(row_at__gte=first.since, row_at__lt=last.until)
    times = asked.values_list("row_at", "answered_at")
    found = ((weeks.week_of(at), answered_at is None) for at, answered_at in times)
    return Counter(each for each in found if each[0] in wanted)

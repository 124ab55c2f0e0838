"""A bar per day: how many rows of a search each of its last days has, and how many of them are outside changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Func, IntegerField, Q
from django.utils import timezone

from connectors.history.mirror import search_index
from connectors.history.mirror.search_index import TimeSpan
from connectors.history.search import query_language
from connectors.history.search.queries import HistoryPage, history_page
from connectors.history.search.query_language import HistoryFilter
from connectors.models import HistoryRow, Source

BAR_DAYS = 60
BAR_WIDTH, BAR_HEIGHT = 10, 44


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day: how many rows, how many of them outside, and where its rectangle stands in the picture."""

    day: date
    rows: int
    outside: int
    x: float
    y: float
    height: float
    outside_height: float

    def __str__(self) -> str:
        return f"{self.day:%-d %b %Y}: {self.rows} rows, {self.outside} outside"


@dataclass(frozen=True, kw_only=True)
class Bars:
    bars: Sequence[Bar]
    first: date
    last: date
    most: int
    has_more: bool  # the search allows earlier days than the first


def bars(chosen: HistoryFilter | None, first_page: HistoryPage | None = None) -> Bars | None:
    """The last 60 days of what the search leaves; the table itself has no such window."""
    page = first_page or history_page(chosen, size=1)
    if chosen is None or not page.rows:
        return None
    last, since = timezone.localdate(page.rows[0].at), chosen.span.since
    earliest = timezone.localdate(since) if since else date.min
    first = max(earliest, last - timedelta(days=BAR_DAYS - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    is_all = first_page is not None and not (page.older or page.newer)
    counts = _of_rows(page.rows, first) if is_all else _per_day(chosen, first, last)
    most = max((total for total, _ in counts.values()), default=1)
    return Bars(
        bars=[_bar(place, day, *counts.get(day, (0, 0)), most) for place, day in enumerate(days)],
        first=first,
        last=last,
        most=most,
        has_more=earliest < first,
    )


def _of_rows(rows: Sequence[HistoryRow], first: date) -> dict[date, tuple[int, int]]:
    days = [(timezone.localdate(row.at), row.source == Source.OUTSIDE) for row in rows]
    total = Counter(day for day, _ in days if day >= first)
    outside = Counter(day for day, is_outside in days if is_outside)
    return {day: (total[day], outside[day]) for day in total}


def _per_day(chosen: HistoryFilter, first: date, last: date) -> dict[date, tuple[int, int]]:
    with search_index.advised(by_words=False):
        return _tallied(chosen, first, last)


def _tallied(chosen: HistoryFilter, first: date, last: date) -> dict[date, tuple[int, int]]:
    """Counted by numbers of seconds: a date of a zone costs a call of Python for each row on SQLite."""
    counts: dict[date, tuple[int, int]] = {}
    for start, end in _without_clock_change(first, last):
        begin, finish = day_start(start), day_start(end + timedelta(days=1))
        rows = query_language.within(chosen, TimeSpan(since=begin, until=finish)).filter(at__lt=finish)
        found = rows.order_by().annotate(day=DayNumber("at", begin=int(begin.timestamp()))).values("day")
        for day in found.annotate(rows=Count("source"), outside=Count("source", filter=Q(source=Source.OUTSIDE))):
            # The 25th hour of a long day belongs to it, too.
            which = min(start + timedelta(days=day["day"]), end)
            total, outside = counts.get(which, (0, 0))
            counts[which] = (total + day["rows"], outside + day["outside"])
    return counts


def _without_clock_change(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The stretches of days that are all 24 hours long; a day that is not is a stretch of its own."""
    start, day = first, first
    while day <= last:
        if day_start(day + timedelta(days=1)).utcoffset() != day_start(day).utcoffset():
            if start < day:
                yield start, day - timedelta(days=1)
            yield day, day
            start = day + timedelta(days=1)
        day += timedelta(days=1)
    if start <= last:
        yield start, last


class DayNumber(Func):
    """How many times 24 hours after `begin`, a number of seconds."""

    output_field = IntegerField()
    template = "(floor(extract(epoch from %(expressions)s) - %(begin)d)::bigint / 86400)"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "((CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER) - %(begin)d) / 86400)"
        return self.as_sql(compiler, connection, template=template, **extra)


def day_start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def _bar(place: int, day: date, total: int, outside: int, most: int) -> Bar:
    height = max(2.0, BAR_HEIGHT * total / most) if total else 0.0
    return Bar(
        day=day,
        rows=total,
        outside=outside,
        x=place * BAR_WIDTH,
        y=round(BAR_HEIGHT - height, 1),
        height=round(height, 1),
        outside_height=round(height * outside / total, 1) if total else 0.0,
    )

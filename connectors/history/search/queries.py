"""What the history pages read: pages by key, bars per day, the state of the chain and of the intakes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, DateTimeField, ExpressionWrapper, F, Func, IntegerField, Q, QuerySet
from django.utils import timezone

from alignadmin.audit import archive_index
from alignadmin.audit.entries import digest
from alignadmin.audit.models import ChainHead, Entry
from connectors.align.audit_sentences import parse
from connectors.history.mirror import search_index
from connectors.history.mirror.search_index import TimeSpan
from connectors.history.search import query_language
from connectors.history.search.query_language import HistoryFilter
from connectors.history.verification import row_status, services
from connectors.history.verification.row_status import RowStatus
from connectors.history.verification.services import CheckResult
from connectors.models import HistoryRow, Source
from connectors.models.connector import Connector

Rows = QuerySet[HistoryRow]
PAGE = 50
BAR_DAYS = 60
NEIGHBOURS = 5
MOST_RAW = 1000  # are counted
NEAR, FAR = timedelta(days=30), timedelta(days=180)


# -- pages by key -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PageBound:
    """A place in the order (time, id), newest first: the row that a page stops before or starts after."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{int(self.at.timestamp() * 1_000_000)}-{self.id}"


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    rows: Sequence[HistoryRow]
    older: PageBound | None
    newer: PageBound | None


def read_key(text: str) -> PageBound | None:
    found = re.fullmatch(r"([0-9]{1,17})-([0-9]{1,18})", text)
    if not found:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(found[1]))
    return PageBound(at=at, id=int(found[2]))


def key_of(row: HistoryRow) -> PageBound:
    return PageBound(at=row.at, id=row.pk)


def history_page(
    chosen: HistoryFilter | None, *, before: PageBound | None = None, after: PageBound | None = None, size: int = PAGE
) -> HistoryPage:
    """`before` gives the rows older than it, `after` the ones just newer; both newest first."""
    if chosen is None:
        return HistoryPage(rows=[], older=None, newer=None)
    found = _beside(chosen, before=before, after=after, count=size + 1)
    more, found = len(found) > size, found[:size]
    if after:
        found = found[::-1]
        return HistoryPage(rows=found, older=_last(found), newer=key_of(found[0]) if more else None)
    return HistoryPage(
        rows=found, older=_last(found) if more else None, newer=key_of(found[0]) if before and found else None
    )


def _beside(
    chosen: HistoryFilter, *, before: PageBound | None, after: PageBound | None, count: int
) -> Sequence[HistoryRow]:
    """The `count` rows nearest to the key, the nearest first."""
    # The bound on `at` alone is what lets the index be used.
    if after:
        span, order = TimeSpan(since=after.at), ("at", "id")
        beyond = Q(at__gt=after.at) | Q(at=after.at, id__gt=after.id)
    elif before:
        span, order = TimeSpan(until=before.at), ("-at", "-id")
        beyond = Q(at__lt=before.at) | Q(at=before.at, id__lt=before.id)
    else:
        span, order, beyond = TimeSpan(), ("-at", "-id"), Q()
    wanted = Wanted(chosen=chosen, span=span.within(chosen.span), beyond=beyond, order=order, count=count)
    if not chosen.groups:
        return wanted.ordered(query_language.within(chosen, wanted.span))
    return _by_row_number(wanted) if connection.vendor == "sqlite" else _walked_or_searched(wanted)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The rows of a page: `count` of a selection in a span that are beyond a key, in an order of time."""

    chosen: HistoryFilter
    span: TimeSpan
    beyond: Q
    order: Sequence[str]
    count: int

    @property
    def is_newest(self) -> bool:
        return self.order[0] == "-at"

    def ordered(self, rows: Rows) -> list[HistoryRow]:
        return list(rows.filter(self.beyond).select_related("connector", "line").order_by(*self.order)[: self.count])

    def chosen_of(self, ids: Sequence[int]) -> Rows:
        """Of these rows, whose words are known to be right, the ones that meet the other conditions, too."""
        return query_language.within(replace(self.chosen, groups=()), TimeSpan()).filter(pk__in=ids)


def _by_row_number(wanted: Wanted) -> list[HistoryRow]:
    """SQLite's index gives the nearest first. More each time: what it finds may be left out by another condition."""
    for times in (1, 8, 64):
        most = times * wanted.count
        ids = search_index.nearest(wanted.chosen.groups, wanted.span, most, newest=wanted.is_newest)
        found = wanted.ordered(wanted.chosen_of(ids))
        if len(found) == wanted.count or len(ids) < most:
            return found
    return wanted.ordered(query_language.within(wanted.chosen, wanted.span))


def _walked_or_searched(wanted: Wanted) -> list[HistoryRow]:
    """PostgreSQL expects words to be spread evenly, and would walk years of rows for those of somebody who has left.

    So a month is walked, then as far as the page should reach if all is like that month, then the words' index asked.
    """
    with search_index.advised(by_words=False):
        ids = _walked(wanted)
        if ids is None:
            search_index.advise(by_words=True)
            ids = _ids(wanted, wanted.span, _unordered(wanted.order))
    return wanted.ordered(wanted.chosen_of(ids))


def _walked(wanted: Wanted) -> list[int] | None:
    """None when the page is not full from what is near."""
    ends = HistoryRow.objects.order_by(wanted.order[0]).values_list("at", flat=True)
    edge = (wanted.span.until if wanted.is_newest else wanted.span.since) or ends.first()
    reach = NEAR
    while edge is not None and reach <= FAR:
        near = TimeSpan(since=edge - reach) if wanted.is_newest else TimeSpan(until=edge + reach)
        found = _ids(wanted, wanted.span.within(near), wanted.order)
        if len(found) == wanted.count:
            return found
        reach = reach * (2 * wanted.count / len(found)) if found else timedelta.max
    return None


def _ids(wanted: Wanted, span: TimeSpan, order: Sequence[Any]) -> list[int]:
    """Sorted are times and ids only, not rows with all they bear."""
    rows = (
        query_language.within(wanted.chosen, span).filter(wanted.beyond).order_by(*order).values_list("pk", flat=True)
    )
    return list(rows[: wanted.count])


def _unordered(order: Sequence[str]) -> list[Any]:
    """The same order, told so that no index gives it."""
    time = ExpressionWrapper(F("at") + timedelta(0), output_field=DateTimeField())
    return [time.desc() if order[0] == "-at" else time.asc(), order[1]]


def _last(found: Sequence[HistoryRow]) -> PageBound | None:
    return key_of(found[-1]) if found else None


def in_aligns_log(chosen: HistoryFilter | None) -> HistoryFilter | None:
    """What Align shows, and our own changes that no line of it was found for yet."""
    shown = Q(line__isnull=False) | (Q(source=Source.OURS) & ~Q(match=""))
    return chosen and replace(chosen, columns=chosen.columns & shown)


# -- a bar per day ----------------------------------------------------------------------------------------------------


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


BAR_WIDTH, BAR_HEIGHT = 10, 44


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


# -- the head of the page ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ChainState:
    rows: int
    first_at: datetime | None
    last_at: datetime | None
    found: CheckResult | None  # by the last check


def chain_state() -> ChainState:
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    ends = dict(Entry.objects.filter(seq__in=(1, head.seq)).values_list("seq", "at"))
    return ChainState(
        rows=head.seq,
        first_at=ends.get(1),
        last_at=ends.get(head.seq),
        found=services.last_found(),
    )


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Since when the history is kept, and how many lines of Align's log no grammar reads: `raw`, or more of them.

    How many rows there are is not told: to count a million takes a database longer than all the rest of the page.
    """

    since: datetime | None
    raw: int
    more_raw: bool


def kept() -> Kept:
    first = HistoryRow.objects.order_by("at").values_list("at", flat=True).first()
    raw = HistoryRow.objects.filter(parsed=False)[: MOST_RAW + 1].count()
    return Kept(since=first, raw=min(raw, MOST_RAW), more_raw=raw > MOST_RAW)


# Offered to whoever types an action; any other that an entry bears is found, too.
ACTIONS = ("created", "updated", "deleted", "plan", "mapping", "credential", "connector", "person", "log", "history")


# -- one row ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Detail:
    """Everything the side panel shows of one row."""

    row: HistoryRow
    entry: Entry | None
    archive: archive_index.Holding | None  # which the entry has left the database into
    whole: bool  # the entry has the hash it was written with
    standing: RowStatus
    ambiguous: bool
    neighbours: Sequence[HistoryRow]
    has_author: bool  # the entry says who decided on the value; those of before say only who applied it
    earlier: Sequence[str]  # whose values of the same mapping that one replaced since it was last in sync


def detail(row: HistoryRow) -> Detail:
    entry = Entry.objects.filter(seq=row.entry_seq).first() if row.entry_seq else None
    people = (json.loads(entry.body).get("people") if entry else None) or {}
    return Detail(
        row=row,
        entry=entry,
        archive=archive_index.holding(row.entry_seq) if row.entry_seq and entry is None else None,
        whole=entry is not None and entry.hash == digest(entry.prev, entry.body),
        standing=row_status.of_one(row),
        ambiguous=bool(row.line and parse(row.line.description, row.line.type).ambiguous),
        neighbours=_neighbours(row),
        has_author=bool(people.get("author")),
        earlier=[each["name"] or each["email"] for each in people.get("earlier", ())],
    )


def _neighbours(row: HistoryRow) -> list[HistoryRow]:
    """The five rows before and after it, of the same connector."""
    near = HistoryRow.objects.filter(connector=row.connector).select_related("connector", "line").exclude(pk=row.pk)
    after = near.filter(at__gte=row.at).filter(Q(at__gt=row.at) | Q(id__gt=row.pk)).order_by("at", "id")
    before = near.filter(at__lte=row.at).filter(Q(at__lt=row.at) | Q(id__lt=row.pk)).order_by("-at", "-id")
    return [*list(after[:NEIGHBOURS])[::-1], *before[:NEIGHBOURS]]


def connectors() -> list[Connector]:
    return list(Connector.objects.order_by("name"))

"""What the history pages read: pages by key, bars per day, the state of the chain and of the intakes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from connectors.audit import rows as make
from connectors.audit import trail
from connectors.audit.grammar import parse
from connectors.audit.models import ChainHead, Entry, HistoryRow, Source
from connectors.models.connector import Connector

Rows = QuerySet[HistoryRow]
PAGE = 50
BAR_DAYS = 60
NEIGHBOURS = 5


# -- pages by key -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Key:
    """A place in the order (time, id), newest first: the row that a page stops before or starts after."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{int(self.at.timestamp() * 1_000_000)}-{self.id}"


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    rows: Sequence[HistoryRow]
    older: Key | None
    newer: Key | None


def read_key(text: str) -> Key | None:
    found = re.fullmatch(r"([0-9]{1,17})-([0-9]{1,18})", text)
    if not found:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(found[1]))
    return Key(at=at, id=int(found[2]))


def key_of(row: HistoryRow) -> Key:
    return Key(at=row.at, id=row.pk)


def history_page(rows: Rows, *, before: Key | None = None, after: Key | None = None, size: int = PAGE) -> HistoryPage:
    """`before` gives the rows older than it, `after` the ones just newer; both newest first."""
    rows = rows.select_related("connector", "line")
    if after:
        newer = rows.filter(Q(at__gt=after.at) | Q(at=after.at, id__gt=after.id)).filter(at__gte=after.at)
        found = list(newer.order_by("at", "id")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        return HistoryPage(rows=found, older=_last(found), newer=key_of(found[0]) if more else None)
    if before:
        # The bound on `at` alone is what lets the index be used.
        rows = rows.filter(at__lte=before.at).filter(Q(at__lt=before.at) | Q(id__lt=before.id))
    found = list(rows.order_by("-at", "-id")[: size + 1])
    more, found = len(found) > size, found[:size]
    return HistoryPage(
        rows=found, older=_last(found) if more else None, newer=key_of(found[0]) if before and found else None
    )


def _last(found: Sequence[HistoryRow]) -> Key | None:
    return key_of(found[-1]) if found else None


def in_aligns_log(rows: Rows) -> Rows:
    """What Align shows, and our own changes that no line of it was found for yet."""
    return rows.filter(Q(line__isnull=False) | (Q(source=Source.OURS) & ~Q(match="")))


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


@dataclass(frozen=True, kw_only=True)
class Bars:
    bars: Sequence[Bar]
    first: date
    last: date
    most: int


BAR_WIDTH, BAR_HEIGHT = 10, 44


def bars(rows: Rows, since: date | None, until: date | None) -> Bars | None:
    """The last 60 days of what the filter leaves; the table itself has no such window."""
    newest = rows.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        return None
    last = min(until or date.max, timezone.localdate(newest))
    first = max(since or date.min, last - timedelta(days=BAR_DAYS - 1))
    start = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    per_day = (
        rows.filter(at__gte=start)
        .order_by()
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(rows=Count("id"), outside=Count("id", filter=Q(source=Source.OUTSIDE)))
    )
    counts = {found["day"]: (found["rows"], found["outside"]) for found in per_day}
    most = max((total for total, _ in counts.values()), default=1)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return Bars(
        bars=[_bar(place, day, *counts.get(day, (0, 0)), most) for place, day in enumerate(days)],
        first=first,
        last=last,
        most=most,
    )


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
    verified_at: datetime | None
    verified_seq: int
    wrong_seq: int | None


def chain_state() -> ChainState:
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    ends = dict(Entry.objects.filter(seq__in=(1, head.seq)).values_list("seq", "at"))
    return ChainState(
        rows=head.seq,
        first_at=ends.get(1),
        last_at=ends.get(head.seq),
        verified_at=head.verified_at,
        verified_seq=head.verified_seq,
        wrong_seq=head.wrong_seq,
    )


def kept_raw() -> int:
    return HistoryRow.objects.filter(parsed=False).count()


# -- one row ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Detail:
    """Everything the side panel shows of one row."""

    row: HistoryRow
    entry: Entry | None
    whole: bool  # the entry has the hash it was written with
    same: bool  # the row says what its entry or line says
    ambiguous: bool
    neighbours: Sequence[HistoryRow]


def detail(row: HistoryRow) -> Detail:
    entry = Entry.objects.filter(seq=row.entry_seq).first() if row.entry_seq else None
    return Detail(
        row=row,
        entry=entry,
        whole=entry is not None and entry.hash == trail.digest(entry.prev, entry.body),
        same=_same(row, entry),
        ambiguous=bool(row.line and parse(row.line.description, row.line.type).ambiguous),
        neighbours=_neighbours(row),
    )


def _same(row: HistoryRow, entry: Entry | None) -> bool:
    if row.entry_seq:
        again = trail.row_of(entry) if entry else None
    elif row.line and row.connector:
        again = make.of_lines(row.connector, [row.line])[0]
        # What the catalogue knew of a status's project may have changed since; the line itself cannot.
        again.project_key, again.project_stated = row.project_key, row.project_stated
    else:
        return False
    return again is not None and make.as_mapping(again) == make.as_mapping(row)


def _neighbours(row: HistoryRow) -> list[HistoryRow]:
    """The five rows before and after it, of the same connector."""
    near = HistoryRow.objects.filter(connector=row.connector).select_related("connector", "line").exclude(pk=row.pk)
    after = near.filter(at__gte=row.at).filter(Q(at__gt=row.at) | Q(id__gt=row.pk)).order_by("at", "id")
    before = near.filter(at__lte=row.at).filter(Q(at__lt=row.at) | Q(id__lt=row.pk)).order_by("-at", "-id")
    return [*list(after[:NEIGHBOURS])[::-1], *before[:NEIGHBOURS]]


def connectors() -> list[Connector]:
    return list(Connector.objects.order_by("name"))

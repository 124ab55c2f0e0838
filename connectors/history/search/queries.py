"""What the history pages read: pages by key, the state of the chain and of the intakes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.audit import archive_index, standalone_checker
from alignadmin.audit.entries import digest
from alignadmin.audit.models import ChainHead, Entry
from connectors.align.audit_sentences import parse
from connectors.catalogue.project_keys import present_keys
from connectors.history.mirror import search_index
from connectors.history.mirror.search_index import TimeSpan
from connectors.history.search import query_language, visibility
from connectors.history.search.query_language import HistoryFilter
from connectors.history.verification import row_status, services
from connectors.history.verification.row_status import RowStatus
from connectors.history.verification.services import CheckResult
from connectors.models import HistoryRow, Source

Rows = QuerySet[HistoryRow]
PAGE = 50
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


def tell_present_keys(rows: Sequence[HistoryRow]) -> None:
    """Say of each row what its project is called now, where it was renamed since."""
    now = present_keys({(row.connector_id, row.project_key) for row in rows if row.project_key})
    for row in rows:
        row.project_now = now.get((row.connector_id, row.project_key), "")


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
    """Everything the drawer shows of one row."""

    row: HistoryRow
    entry: Entry | None
    archive: archive_index.Holding | None  # which the entry has left the database into
    whole: bool  # the entry has the hash it was written with
    status: RowStatus
    ambiguous: bool
    neighbours: Sequence[HistoryRow]
    has_author: bool  # the entry says who decided on the value; those of before say only who applied it
    earlier: Sequence[str]  # whose values of the same mapping that one replaced since it was last in sync


def detail(row: HistoryRow, person: Person) -> Detail:
    """As the person may see it, who may see the row."""
    entry = Entry.objects.filter(seq=row.entry_seq).first() if row.entry_seq else None
    people = _people(entry)
    tell_present_keys([row])
    return Detail(
        row=row,
        entry=entry,
        archive=archive_index.holding(row.entry_seq) if row.entry_seq and entry is None else None,
        whole=entry is not None and entry.hash == digest(entry.prev, entry.body),
        status=row_status.of_one(row),
        ambiguous=bool(row.line and parse(row.line.description, row.line.type).ambiguous),
        neighbours=_neighbours(row, person),
        has_author=bool(people.get("author")),
        earlier=[each["name"] or each["email"] for each in people.get("earlier", ())],
    )


def _people(entry: Entry | None) -> Mapping[str, Any]:
    """As the entry has them; none where it was altered so that they cannot be read."""
    people = standalone_checker.fields(entry.body).get("people") if entry else None
    return people if isinstance(people, dict) else {}


def _neighbours(row: HistoryRow, person: Person) -> list[HistoryRow]:
    """The five rows before and after it that the person sees, of the same connector."""
    near = (
        visibility.rows(person).filter(connector=row.connector).select_related("connector", "line").exclude(pk=row.pk)
    )
    after = near.filter(at__gte=row.at).filter(Q(at__gt=row.at) | Q(id__gt=row.pk)).order_by("at", "id")
    before = near.filter(at__lte=row.at).filter(Q(at__lt=row.at) | Q(id__lt=row.pk)).order_by("-at", "-id")
    return [*list(after[:NEIGHBOURS])[::-1], *before[:NEIGHBOURS]]

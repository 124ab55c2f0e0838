"""What a pack is of: the rows that a search of the history finds, read in the zone of whoever asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.text import one_line
from connectors.history.mirror.search_index import Group
from connectors.history.search import periods, query_language
from connectors.history.search.query_language import Search, Term
from connectors.models import HistoryRow
from connectors.models.connector import Connector

Rows = QuerySet[HistoryRow]
LONGEST = 2000  # characters of a query
MOST_COUNTED = 100_000  # rows, before a page says "more than"
SINCE, UNTIL, CASE = "since", "until", "case"


class BadQuery(ValueError):
    """The message is for people: what cannot be understood."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A search that was understood, with days instead of "today" or "30d", so that it means the same ever after.

    `since` and `until` bound the rows' times where the search does; `until` itself is outside.
    """

    query: str
    words: str  # the filter for people
    time_zone: str
    since: datetime | None
    until: datetime | None
    connectors: Sequence[Connector]  # that the filter names; empty: all
    rows: Rows
    columns: Q  # the same selection without its span and without the index of words: a condition,
    groups: tuple[Group, ...]  # and groups of words, of each of which a row has to have one

    @property
    def has_dates(self) -> bool:
        return bool(self.since or self.until)

    @property
    def asks_for_cases(self) -> bool:
        """Which no entry answers by itself."""
        return bool(query_language.parse(self.query).values(CASE))


def select(query: str, time_zone: str) -> Selection:
    """Raises BadQuery."""
    if len(query) > LONGEST:
        raise BadQuery(f"The filter is longer than {LONGEST:,} characters: shorten it.")
    with timezone.override(ZoneInfo(time_zone)):
        found = _with_days(query_language.parse(query))
        if problems := query_language.trouble(found):
            raise BadQuery(" ".join(problems))
        found = query_language.build([_with_code(term) for term in found.terms], found.words)
        since, until = query_language.bounds(found)
        columns, groups = query_language.without_index(found)
        return Selection(
            query=query_language.write(found),
            words=in_words(found),
            time_zone=time_zone,
            since=since,
            until=until,
            connectors=_connectors(found),
            rows=query_language.rows(found),
            columns=columns,
            groups=groups,
        )


def has_dates(query: str) -> bool:
    found = query_language.parse(query)
    return bool(found.values(SINCE) or found.values(UNTIL))


def _with_days(found: Search) -> Search:
    return query_language.build([_with_day(term) for term in found.terms], found.words)


def _with_day(term: Term) -> Term:
    period = periods.read(term.value, timezone.localtime()) if term.name in (SINCE, UNTIL) else None
    if period is None or term.value.strip()[:4].isdecimal():
        return term
    day = period.start if term.name == SINCE else period.end - timedelta(microseconds=1)
    return Term(name=term.name, value=f"{day:%Y-%m-%d}")


def _with_code(term: Term) -> Term:
    """A pack is compared by whoever holds it, who need not know what a type is called here."""
    return Term(name=term.name, value=query_language.type_code(term.value)) if term.name == "type" else term


def in_words(found: Search) -> str:
    terms = [f"{term.name} {term.value}" for term in found.terms]
    return one_line(", ".join([*terms, *(f"with the word {text}" for text in found.words)])) or "everything"


def _connectors(found: Search) -> list[Connector]:
    """Those that the search's own condition on the column names."""
    conditions = [query_language.QUALIFIERS["connector"](value).columns.children for value in found.values("connector")]
    chosen = [each for children in conditions for each in children if isinstance(each, tuple)]
    return list(
        Connector.objects.filter(pk__in={number for _, numbers in chosen for number in numbers}).order_by("name")
    )


# -- reading it -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """How many rows, counted no further than MOST_COUNTED."""

    rows: int

    @property
    def is_bounded(self) -> bool:
        return self.rows > MOST_COUNTED

    def __str__(self) -> str:
        return f"more than {MOST_COUNTED:,}" if self.is_bounded else f"{self.rows:,}"


def count(selection: Selection) -> RowCount:
    return RowCount(rows=selection.rows.order_by()[: MOST_COUNTED + 1].count())

"""One row beside the table: everything about it, and the way to the next and the previous one of the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from alignadmin.accounts.models import Person
from connectors.history.mirror.search_index import TimeSpan
from connectors.history.search import numbers, queries, query_language
from connectors.history.search.page import HistoryUrl
from connectors.history.search.query_language import HistoryFilter
from connectors.models import HistoryRow


@dataclass(frozen=True, kw_only=True)
class RowStep:
    """Another row of the search. `address` opens the page of the table that has it; a script opens it in this one."""

    number: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Drawer:
    detail: queries.Detail
    close: str
    newer: RowStep | None
    older: RowStep | None


def find(number: str, chosen: HistoryFilter | None) -> HistoryRow | None:
    """Among the rows of the search as the person sees it: beside a table without it, a row would seem to be of it."""
    if chosen is None:
        return None
    row = numbers.find(number, query_language.within(replace(chosen, groups=()), query_language.EVER))
    if row is None or not chosen.groups:
        return row
    # The span spares the index of words all but the row's own second.
    with_words = query_language.within(chosen, TimeSpan(since=row.at, until=row.at)).filter(pk=row.pk)
    return row if with_words.exists() else None


def of(
    row: HistoryRow, chosen: HistoryFilter | None, place: HistoryUrl, here: Mapping[str, str], *, person: Person
) -> Drawer:
    """`chosen` is the search as the person sees it, `here` the place of the table's page in it."""
    key = queries.key_of(row)
    older = queries.history_page(chosen, before=key, size=1).rows
    newer = queries.history_page(chosen, after=key, size=1).rows
    return Drawer(
        detail=queries.detail(row, person),
        close=place.address(**here),
        older=_step(place, older[0], before=str(key)) if older else None,
        newer=_step(place, newer[0], after=str(key)) if newer else None,
    )


def _step(place: HistoryUrl, row: HistoryRow, **page: str) -> RowStep:
    return RowStep(number=row.number, address=place.address(**page, row=row.number))

"""The rows of a search as a table for spreadsheets, for whoever sees them; taking it is an entry.

An evidence pack proves what it says by the chain, which holds every entry: it is for those who may read all of them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from alignadmin import csv_safe
from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.history.mirror import search_index
from connectors.history.search import query_language, visibility
from connectors.history.search.action_words import words_of
from connectors.history.search.query_language import HistoryFilter, Search
from connectors.history.search.saved_views import LONGEST_QUERY
from connectors.models import HistoryRow

MOST = 50_000  # rows, some 20 MB
AT_ONCE = 1000
LONGEST_TOLD = 300  # characters of a query in the sentence of the entry, whose data has all of it
LONGEST_EXPORT = 300  # seconds until one that was killed keeps nobody from the next
EXPORTED = "history.exported"
COLUMNS = (
    "Time (UTC)", "Connector", "Source", "Action", "In words", "Mapping type", "Direction", "Work item type",
    "Project", "Project stated by Align", "Object id", "Object", "Before id", "Before", "After id", "After",
    "Person", "Planned by", "Approved by", "Applied by", "Reason", "Ticket", "Plan", "Sentence", "Number",
)  # fmt: skip


def read(query: str) -> Search:
    """A search to export, as it was typed. Raises Refused, before anything is made of a text that is too long."""
    if len(query) > LONGEST_QUERY:
        raise Refused(f"The search has {len(query):,} characters; one that is exported may have {LONGEST_QUERY:,}.")
    wanted = query_language.parse(query)
    if troubles := query_language.trouble(wanted):
        raise Refused(f"This search is not understood, so nothing was exported. {' '.join(troubles)}")
    return wanted


def count(search: Search, person: Person) -> int | None:
    """How many rows there are to export; None for more than MOST. Nothing is found by what is not understood."""
    chosen = visibility.select(search, person)
    if chosen is None:
        return 0
    with _advised(chosen):
        found = _rows(chosen)[: MOST + 1].count()
    return found if found <= MOST else None


def write(search: Search, *, actor: Person) -> io.BytesIO:
    """The file, at its beginning, of a search that is understood. Raises Refused.

    1. Count, which is cheap: what is too large is not built first, and of nothing there is no file.
    2. Build the file, one at a time for each person.
    3. Record it.
    """
    number = count(search, actor)
    if number == 0:
        raise Refused("No row matches, so nothing was exported.")
    if number is None:
        raise _too_many()
    with _one_at_a_time(actor):
        file, written = _built(search, actor)
    _record(search, written, actor)
    return file


def _built(search: Search, actor: Person) -> tuple[io.BytesIO, int]:
    """The file, and how many rows it has, which may have become more since they were counted."""
    chosen = visibility.select(search, actor)
    assert chosen is not None  # noqa: S101  (it has no trouble)
    file, number = io.BytesIO(), 0
    file.write(csv_safe.BYTE_ORDER_MARK + csv_safe.lines([COLUMNS]))
    with _advised(chosen):
        found = _rows(chosen).select_related("connector").defer("text").order_by("-at", "-id")
        for row in found[: MOST + 1].iterator(chunk_size=AT_ONCE):
            number += 1
            file.write(csv_safe.lines([_cells(row)]))
    if number > MOST:
        raise _too_many()
    file.seek(0)
    return file, number


def _too_many() -> Refused:
    return Refused(f"More than {MOST:,} rows match. Narrow the search, for instance by since: and until:.")


def _rows(chosen: HistoryFilter) -> QuerySet[HistoryRow]:
    return query_language.within(chosen, query_language.EVER)


def _advised(chosen: HistoryFilter) -> AbstractContextManager[None]:
    """Where words are searched for, the database is told to use their index, as for pages."""
    return search_index.advised(by_words=True) if chosen.groups else nullcontext()


@contextmanager
def _one_at_a_time(person: Person) -> Iterator[None]:
    """Raises Refused while another export of the person is being built."""
    key = f"history.export.{person.pk}"
    if not cache.add(key, True, LONGEST_EXPORT):
        raise Refused("Another export of yours is being made. Wait until it has arrived, then try again.")
    try:
        yield
    finally:
        cache.delete(key)


def _cells(row: HistoryRow) -> tuple[object, ...]:
    return (
        f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", row.connector.slug if row.connector else "",
        row.get_source_display(), row.action, words_of(row.action), row.kind, row.direction, row.work_item_type,
        row.project_key, "yes" if row.project_stated else "no", row.object_id, row.object_name, row.before_id,
        row.before_name, row.after_id, row.after_name, row.person_name, row.planner_name, row.approver_name,
        row.applier_name, row.reason, row.ticket, row.plan, row.sentence, row.number,
    )  # fmt: skip


def _record(search: Search, number: int, actor: Person) -> None:
    query = query_language.write(search)
    told = query if len(query) <= LONGEST_TOLD else f"{query[:LONGEST_TOLD]}…"
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action=EXPORTED,
                actor=actor,
                subject="history",
                sentence=f"Exported {counted(number, 'row')} of the history: {told or 'everything'}.",
                data={"query": query, "rows": number},
            )
        )

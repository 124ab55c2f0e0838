"""The rows of a search as a table for spreadsheets, for whoever sees them; taking it is an entry.

An evidence pack proves what it says by the chain, which holds every entry: it is for those who may read all of them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC

from django.db import transaction

from alignadmin import csv_safe
from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.history.search import query_language, visibility
from connectors.history.search.action_words import words_of
from connectors.history.search.query_language import Search
from connectors.models import HistoryRow

MOST = 50_000  # rows, some 20 MB
AT_ONCE = 1000
EXPORTED = "history.exported"
COLUMNS = (
    "Time (UTC)", "Connector", "Source", "Action", "In words", "Mapping type", "Direction", "Work item type",
    "Project", "Project stated by Align", "Object id", "Object", "Before id", "Before", "After id", "After",
    "Person", "Planned by", "Approved by", "Applied by", "Reason", "Ticket", "Plan", "Sentence", "Number",
)  # fmt: skip


def count(search: Search, person: Person) -> int | None:
    """How many rows there are to export; None for more than MOST. Nothing is found by what is not understood."""
    chosen = visibility.select(search, person)
    found = query_language.within(chosen, query_language.EVER)[: MOST + 1].count() if chosen else 0
    return found if found <= MOST else None


def write(search: Search, *, actor: Person) -> io.BytesIO:
    """The file, at its beginning. Raises Refused."""
    if troubles := query_language.trouble(search):
        raise Refused(f"This search is not understood, so nothing was exported. {' '.join(troubles)}")
    file = io.BytesIO()
    file.write(csv_safe.BYTE_ORDER_MARK + csv_safe.lines([COLUMNS]))
    number = 0
    for row in _rows(search, actor):
        number += 1
        file.write(csv_safe.lines([_cells(row)]))
    if number > MOST:
        raise Refused(f"More than {MOST:,} rows match. Narrow the search, for instance by since: and until:.")
    _record(search, number, actor)
    file.seek(0)
    return file


def _rows(search: Search, person: Person) -> Iterator[HistoryRow]:
    chosen = visibility.select(search, person)
    assert chosen is not None  # noqa: S101  (it has no trouble)
    found = query_language.within(chosen, query_language.EVER).select_related("connector").order_by("-at", "-id")
    return found[: MOST + 1].iterator(chunk_size=AT_ONCE)


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
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action=EXPORTED,
                actor=actor,
                subject="history",
                sentence=f"Exported {counted(number, 'row')} of the history: {query or 'everything'}.",
                data={"query": query, "rows": number},
            )
        )

"""Rows of the history that differ from their entry or line are made again; what is right stays as it is.

Each page of a table is mended in a transaction of its own, behind the head's lock, so it may be interrupted and run
again. Cases, plans, questions and lines themselves are no copies that could be made again: those come from a backup.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.audit.models import Entry
from connectors.history.intake import gaps
from connectors.history.mirror import case_lifecycle, matching, search_index, search_terms
from connectors.history.mirror import projection as make
from connectors.history.mirror.projection import row_of
from connectors.history.mirror.terms import terms_of
from connectors.history.verification import comparison, pairings
from connectors.history.verification.comparison import FIELDS
from connectors.models import HistoryRow, MirrorLine, WithdrawnLine
from connectors.models.connector import Connector
from connectors.ports.differences import Difference, Page, Position, TableComparison

REBUILT = "history.rebuilt"
MOST_LISTED = 100  # differences that the entry names
TRIES = 3  # what was mended may show what stood behind it: a line that loses a wrong row has none
Progress = Callable[[str, int], None]


@dataclass(kw_only=True)
class Rebuilt:
    """What was found and mended, and how much of it there was."""

    count: int = 0
    found: list[Difference] = field(default_factory=list)  # the first ones
    left: int = 0  # that could not be mended

    @property
    def sentence(self) -> str:
        if not self.count:
            return "No row differed from its entry or line: nothing was made again."
        said = (
            f"{self.count:,} differences of rows from their entries and lines were repaired: the rows were made again."
        )
        return said + (f" {self.left:,} are left." if self.left else "")


def rebuild(*, actor: Person | None, progress: Progress | None = None) -> Rebuilt:
    """Mend all rows, their pairings and what the search finds them by; that it was done is an entry."""
    done = Rebuilt()
    for table in (*comparison.COMPARISONS, *pairings.COMPARISONS):
        position, rows, is_through = None, 0, False
        while not is_through:
            page = _mended(table, position, done)
            position, rows = page.following, rows + page.rows
            is_through = position is None
            if progress:
                progress(table.name, rows)
    _open_missing_cases()
    search_index.rebuild()
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action=REBUILT,
                actor=actor,
                subject="rows of the history",
                sentence=done.sentence,
                data={"differences": done.count, "left": done.left, "found": [each.sentence for each in done.found]},
            )
        )
    return done


def _mended(table: TableComparison, position: Position, done: Rebuilt) -> Page:
    page = table.page(position)
    if not page.found:
        return page
    with transaction.atomic():
        lock_head()
        page = table.page(position)
        done.count += len(page.found)
        done.found += page.found[: MOST_LISTED - len(done.found)]
        for _ in range(TRIES):
            _mend(page.found)
            page = table.page(position)
            if not page.found:
                break
        done.left += len(page.found)
    return page


def _mend(found: Sequence[Difference]) -> None:
    match_keys: dict[int, set[str]] = defaultdict(set)
    for seq in sorted({each.seq for each in found if each.seq}):
        _add_match_keys(match_keys, _mend_entry(seq))
    for line in sorted({each.line for each in found if each.line}):
        _add_match_keys(match_keys, _mend_line(line))
    if any(each.seq is None and each.line is None for each in found):
        HistoryRow.objects.filter(entry_seq=None, line=None).delete()
        HistoryRow.objects.filter(entry_seq__lte=0).delete()
    for connector, some in match_keys.items():
        matching.pair_lines(Connector.objects.get(pk=connector), some)


def _add_match_keys(match_keys: dict[int, set[str]], rows: Iterable[HistoryRow]) -> None:
    for row in rows:
        if row.match and row.connector_id:
            match_keys[row.connector_id].add(row.match)


def _mend_entry(seq: int) -> Sequence[HistoryRow]:
    """The row as it was and as it is."""
    entry = Entry.objects.filter(seq=seq).first()
    again = row_of(entry, has_line=make.has_line(entry)) if entry else None
    stored = HistoryRow.objects.filter(entry_seq=seq).select_related("line").first()
    if again is None:
        if stored and seq > comparison.archived_seq():
            stored.delete()
    elif stored is None:
        insert([again])
    else:
        line = stored.line if again.match and _is_its_line(again, stored.line) else None
        _write(stored, again, text=search_terms.with_remote(again.text, line.user) if line else again.text)
        if line is None:
            HistoryRow.objects.filter(pk=stored.pk).update(line=None, certainty="", identical=0)
    return [row for row in (stored, again) if row]


def _is_its_line(again: HistoryRow, line: MirrorLine | None) -> bool:
    return (
        line is not None
        and line.connector_id == again.connector_id
        and not WithdrawnLine.objects.filter(line=line).exists()
        and make.match_of_line(line.connector, line, terms_of(line.connector)) == again.match
    )


def _mend_line(key: int) -> Sequence[HistoryRow]:
    line = MirrorLine.objects.select_related("connector").filter(pk=key).first()
    stored = HistoryRow.objects.filter(line=key).first()
    if line is None or WithdrawnLine.objects.filter(line=key).exists():
        if stored and stored.entry_seq is None:
            stored.delete()
        return [stored] if stored else []
    (again,) = make.of_lines(line.connector, [line])
    if stored and stored.entry_seq:
        if stored.match == again.match and stored.connector_id == again.connector_id:
            return [stored]  # the join says whose line it is
        return _mend_entry(stored.entry_seq)
    if stored is None:
        matching.name_candidates(line.connector, [again])
        insert([again])
    else:
        _write(stored, again, text=again.text)
        kept = {"line_id": line.pk, "certainty": "", "identical": 0}
        if again.project_stated:
            kept["candidates"] = []
        HistoryRow.objects.filter(pk=stored.pk).update(**kept)
    return [row for row in (stored, again) if row]


def _write(stored: HistoryRow, again: HistoryRow, *, text: str) -> None:
    values = {name: getattr(again, name) for name in FIELDS}
    HistoryRow.objects.filter(pk=stored.pk).update(
        **values, text=text, **({"candidates": []} if again.entry_seq else {})
    )


def _open_missing_cases() -> None:
    for connector in Connector.objects.order_by("pk"):
        if gaps.is_covered_at_all(connector):
            with transaction.atomic():
                lock_head()
                case_lifecycle.open_missing(connector)

"""The rows of the history, each made again from its entry or line and compared with the stored one, both ways.

A row that is not there, one that says something else, and one that nothing stands behind are all differences. What a
page of a table finds while others write may be half of something; whoever reports it looks again under the head's lock.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from alignadmin.audit.models import ChainHead, Entry
from connectors.history.mirror import projection as make
from connectors.history.mirror import search_terms
from connectors.history.mirror.projection import row_of
from connectors.history.mirror.terms import terms_of
from connectors.models import HistoryRow, MirrorLine, WithdrawnLine
from connectors.models.connector import Connector
from connectors.ports.differences import (
    ALTERED,
    MISSING,
    SURPLUS,
    UNREADABLE,
    Difference,
    Page,
    Position,
    TableComparison,
    quoted,
)

SIZE = 1000  # rows of one page
ROWS, HEADS = "rows of the history", "heads of the chain"
PAIRING = ("line_id", "certainty", "identical")  # is worked out from all that looks the same, see pairings
FIELDS = tuple(
    field.attname
    for field in HistoryRow._meta.concrete_fields
    if field.attname not in ("id", "line_id", "certainty", "identical", "candidates", "text")
)
TEXT = "text"
AS_TEXT = Cast("candidates", TextField())  # of hardly any row they are looked at, see NO_CANDIDATES
COLUMNS = ("id", "entry_seq", *PAIRING, "line__user", "as_text", TEXT, *FIELDS)
NO_CANDIDATES = "[]"
UNPAIRED = (None, "", 0)
values_of = itemgetter(*FIELDS)  # of a row's own dictionary: Django's way to a foreign key is a long one
Values: TypeAlias = "tuple[Any, ...]"
PUT_INTO_WORDS = {"text": "words it is found by", "candidates": "candidate projects"}


class StoredRow(NamedTuple):
    """A row as it stands in the table."""

    id: int
    entry_seq: int | None
    pairing: Values
    user: str  # of the line it hangs on
    candidates: str  # as JSON
    text: str
    values: Values

    @property
    def line(self) -> int | None:
        line: int | None = self.pairing[0]
        return line


def archived_seq() -> int:
    """Entries up to here stand in archives."""
    return ChainHead.objects.filter(pk=1).values_list("archived_seq", flat=True).first() or 0


def stored(chosen: Q) -> list[StoredRow]:
    found = HistoryRow.objects.filter(chosen).annotate(as_text=AS_TEXT).order_by("id").values_list(*COLUMNS)
    return [
        StoredRow(row[0], row[1], row[2:5], row[5] or "", row[6], row[7], row[8:])
        for row in found.iterator(chunk_size=SIZE)
    ]


# -- rows of entries --------------------------------------------------------------------------------------------------


def rows_of_entries(after: Position) -> Page:
    """Each entry has its row, except those of acts that the pages do not show, and each row its entry."""
    start = int(after or archived_seq())
    texts = Entry.objects.filter(seq__gt=start).order_by("seq").values_list(*make.EntryText._fields)
    entries = list(map(make.EntryText._make, texts[:SIZE]))
    is_last = len(entries) < SIZE
    span = Q(entry_seq__gt=start) if is_last else Q(entry_seq__gt=start, entry_seq__lte=entries[-1].seq)
    by_seq = {row.entry_seq: row for row in stored(span)}
    found = [each for entry in entries for each in _entry_compared(entry, by_seq.pop(entry.seq, None))]
    found += [_surplus(row) for row in by_seq.values()]
    return Page(following=None if is_last else entries[-1].seq, rows=len(entries), found=found)


def _entry_compared(entry: Entry | make.EntryText, row: StoredRow | None) -> Iterator[Difference]:
    try:
        again = row_of(entry, has_line=make.has_line(entry))
    except UNREADABLE:  # the chain's check names it
        yield Difference(kind=ALTERED, table=ROWS, seq=entry.seq, sentence=f"Entry {entry.seq} cannot be read.")
        return
    if again is None:
        if row:
            yield _surplus(row)
    elif row is None:
        yield Difference(
            kind=MISSING, table=ROWS, seq=entry.seq, sentence=f"Entry {entry.seq} has no row: {again.sentence}"
        )
    else:
        yield from differing(again, row)


def differing(again: HistoryRow, row: StoredRow) -> Iterator[Difference]:
    """Where a stored row does not say what its entry or line says."""
    text = again.text
    if again.entry_seq and row.line and (remote := search_terms.beginnings(search_terms.REMOTE, row.user)):
        text = " ".join([text, *remote])
    unpaired = row.pairing if again.match and again.entry_seq else (again.line_id, *UNPAIRED[1:])
    surplus = json.loads(row.candidates) if again.entry_seq and row.candidates != NO_CANDIDATES else []
    found_alike = row.text == text or set(row.text.split()) == set(text.split())  # their order says nothing
    values = values_of(vars(again))
    if row.values == values and found_alike and row.pairing == unpaired and not surplus:
        return
    for name, says, said in zip(FIELDS, row.values, values, strict=True):
        if says != said:
            yield _altered(again, name, says, said)
    for name, says, said in zip(PAIRING, row.pairing, unpaired, strict=True):
        if says != said:
            yield _altered(again, name, says, said)
    if not found_alike:
        yield _altered(again, TEXT, *_only(row.text, text))
    if surplus:
        yield _altered(again, "candidates", surplus, [])


def _altered(again: HistoryRow, name: str, says: object, said: object) -> Difference:
    seq, line = again.entry_seq, None if again.entry_seq else again.line_id
    source = f"entry {seq}" if seq else f"line {line}"
    label = PUT_INTO_WORDS.get(name, name.removesuffix("_id").replace("_", " "))
    detail = f"{label} says {quoted(says)}, the {source.split()[0]} says {quoted(said)}"
    sentence = f"The row of {source} differs from it: {detail}."
    return Difference(kind=ALTERED, table=ROWS, seq=seq, line=line, field=name, sentence=sentence, detail=detail)


def _only(says: str, said: str) -> tuple[str, str]:
    """Of two lists of words those that the other does not have."""
    mine, others = says.split(), said.split()
    surplus, lacking = sorted(set(mine) - set(others)), sorted(set(others) - set(mine))
    return " ".join(surplus) or says, " ".join(lacking) or said


def _surplus(row: StoredRow) -> Difference:
    what = f"entry {row.entry_seq}" if row.entry_seq else f"line {row.line}" if row.line else "no entry and no line"
    sentence = f"A row names {what}, but nothing like it stands there: {_said(row)}"
    return Difference(kind=SURPLUS, table=ROWS, seq=row.entry_seq, line=row.line, sentence=sentence)


def _said(row: StoredRow) -> str:
    return str(row.values[FIELDS.index("sentence")])


# -- rows of lines ----------------------------------------------------------------------------------------------------


def rows_of_lines(after: Position) -> Page:
    """Each line has a row of its own or hangs on a change of ours that looks like it, and never both."""
    start = int(after or 0)
    lines = list(_lines(start))
    is_last = len(lines) < SIZE
    span = Q(line__gt=start) if is_last else Q(line__gt=start, line__lte=lines[-1].pk)
    there = _hanging(span)
    # By their keys: asked for rows of the span without an entry, SQLite would go through all that have none.
    by_line = {row.line: row for row in stored(Q(pk__in=[row.id for row in there if row.entry_seq is None]))}
    paired = {row.line: row for row in there if row.entry_seq is not None}
    found: list[Difference] = []
    withdrawn = set(WithdrawnLine.objects.filter(line__in=[line.pk for line in lines]).values_list("line", flat=True))
    for connector, some in _by_connector(line for line in lines if line.pk not in withdrawn):
        found += _lines_compared(connector, some, by_line, paired)
    counted = {line.pk for line in lines if line.pk not in withdrawn}
    found += [_surplus(row) for key, row in by_line.items() if key not in counted]
    found += [_hangs_wrong(row) for key, row in paired.items() if key not in counted]
    return Page(following=None if is_last else lines[-1].pk, rows=len(lines), found=found)


class Hanging(NamedTuple):
    """Of a row that a line hangs on, what tells whether the two look alike if it is one of ours."""

    id: int
    line: int
    entry_seq: int | None
    match: str
    connector_id: int | None


def _hanging(span: Q) -> list[Hanging]:
    rows = HistoryRow.objects.filter(span).values_list("id", "line_id", "entry_seq", "match", "connector_id")
    return list(map(Hanging._make, rows))


def _lines(start: int) -> Iterator[make.LineText]:
    texts = MirrorLine.objects.filter(pk__gt=start).order_by("pk").values_list(*make.LineText._fields)
    return map(make.LineText._make, texts[:SIZE])


def _by_connector(lines: Iterable[make.Line]) -> Iterator[tuple[Connector, list[make.Line]]]:
    by_key: dict[int, list[make.Line]] = defaultdict(list)
    for line in lines:
        by_key[line.connector_id].append(line)
    connectors = Connector.objects.in_bulk(by_key)
    for key, some in by_key.items():
        yield connectors[key], some


def _lines_compared(
    connector: Connector,
    lines: Sequence[make.Line],
    by_line: Mapping[int | None, StoredRow],
    paired: Mapping[int, Hanging],
) -> Iterator[Difference]:
    former, terms = Former(connector), terms_of(connector)
    alone = [line for line in lines if line.pk not in paired]
    made = {line.pk: row for line, row in zip(alone, make.of_lines(connector, alone, terms=terms), strict=True)}
    for line in lines:
        row, again = by_line.get(line.pk), made.get(line.pk)
        if hanging := paired.get(line.pk):
            # Whether just this line belongs to it is looked at in pairings.
            match_key = make.match_of_line(connector, line, terms)
            if not match_key or (match_key, connector.pk) != (hanging.match, hanging.connector_id):
                yield _hangs_wrong(hanging)
        elif again and row is None:
            sentence = f"Line {line.pk} has no row: {line.description}"
            yield Difference(kind=MISSING, table=ROWS, line=line.pk, sentence=sentence)
        elif again and row:
            yield from former.allowed(line, again, row)


def _hangs_wrong(row: Hanging) -> Difference:
    sentence = f"Line {row.line} hangs on the row of entry {row.entry_seq}, which says something else."
    return Difference(kind=ALTERED, table=ROWS, seq=row.entry_seq, line=row.line, field="line_id", sentence=sentence)


@dataclass
class Former:
    """A line's row is also found by the name that its connector had when the line came in; entries tell those."""

    connector: Connector
    names: frozenset[str] | None = None

    def allowed(self, line: make.Line, again: HistoryRow, row: StoredRow) -> Iterator[Difference]:
        found = list(differing(again, row))
        if [each.field for each in found] == [TEXT] and self._is_of_another_name(line, again, row):
            return
        yield from found

    def _is_of_another_name(self, line: make.Line, again: HistoryRow, row: StoredRow) -> bool:
        if self.names is None:
            self.names = frozenset(make.names_of(self.connector))
        mine = set(row.text.split())
        return any(mine == set(make.words_of_line(again, line, name).split()) for name in self.names)


# -- rows of nothing --------------------------------------------------------------------------------------------------


def rows_of_nothing(after: Position) -> Page:
    """And a second head of the chain, which nothing reads."""
    rows = stored(Q(entry_seq=None, line=None) | Q(entry_seq__lte=0))
    found = [_surplus(row) for row in rows]
    for head in ChainHead.objects.exclude(pk=1):
        sentence = f"The chain has a second head, {head.pk}."
        found.append(Difference(kind=SURPLUS, table=HEADS, sentence=sentence))
    return Page(following=None, rows=len(rows), found=found)


# -- one page of the table, or one row --------------------------------------------------------------------------------


def of_shown(shown: Sequence[HistoryRow]) -> dict[int, list[Difference]]:
    """Of rows on a page, those that do not say what their entry or line says; by row. In a few queries for all."""
    there = {row.id: row for row in stored(Q(pk__in=[row.pk for row in shown]))}
    entries = Entry.objects.in_bulk([row.entry_seq for row in shown if row.entry_seq])
    found: dict[int, list[Difference]] = {row.pk: [] for row in shown}
    by_line: dict[int | None, StoredRow] = {
        row.line_id: there[row.pk] for row in shown if row.line_id and row.pk in there
    }
    alone: dict[int | None, HistoryRow] = {
        row.line_id: row for row in shown if row.line_id and not row.entry_seq and row.pk in there
    }
    for row in shown:
        if row.entry_seq in entries and row.pk in there:
            found[row.pk] += _entry_compared(entries[row.entry_seq], there[row.pk])
        elif row.pk in there and (row.entry_seq > archived_seq() if row.entry_seq else not row.line_id):
            found[row.pk].append(_surplus(there[row.pk]))
    for connector, lines in _by_connector(row.line for row in alone.values() if row.line):
        for each in _lines_compared(connector, lines, by_line, {}):
            found[alone[each.line].pk].append(each)
    return {pk: differences for pk, differences in found.items() if differences}


COMPARISONS = (
    TableComparison(name="rows of entries", page=rows_of_entries, count=Entry.objects.count),
    TableComparison(name="rows of lines", page=rows_of_lines, count=MirrorLine.objects.count),
    TableComparison(name="rows without a source", page=rows_of_nothing),
)

"""Rows of the page's table, compared with what was made again from entries and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeAlias

from django.db.models import Q

from connectors.align.audit_sentences import J2A
from connectors.history.packs.span_bounds import Ends
from connectors.models import HistoryRow
from connectors.ports.differences import ALTERED, LONGEST_VALUE, MISSING, SURPLUS, Difference, quoted

FROM_THE_CATALOGUE, NOTHING = frozenset({"project_key", "project_stated"}), frozenset[str]()
APART = ("id", "line_id", "certainty", "identical", "candidates", "text")  # are compared by themselves, or not at all
FIELDS = tuple(each.attname for each in HistoryRow._meta.concrete_fields if each.attname not in APART)
STORED = ("id", "line_id", "certainty", "identical", "text", *FIELDS)
values_of = attrgetter(*FIELDS)
Values: TypeAlias = "tuple[Any, ...]"
MatchKey: TypeAlias = "tuple[int, str]"  # connector, and what lines that look the same have in common


@dataclass(frozen=True, kw_only=True)
class RowDifference(Difference):
    """A row of the page's table that does not say what its entry or line says, or that stands for neither.

    It is none after all where lines with its match key, or the terms by which it is read, have changed meanwhile.
    """

    table: str = "rows"
    match_key: MatchKey | None = None  # "" of what any line may tell
    read_for: int | None = None  # of a line, the connector whose terms say how it is read


@dataclass(kw_only=True)
class TableRow:
    """A row as it stands in the table of the page."""

    id: int
    line: int | None
    certainty: str
    identical: int
    text: str
    values: Values

    @property
    def at(self) -> datetime:
        at: datetime = self.values[FIELDS.index("at")]
        return at

    @property
    def seq(self) -> int | None:
        seq: int | None = self.values[FIELDS.index("entry_seq")]
        return seq


def stored_rows(which: Q, ends: Ends) -> list[TableRow]:
    found = HistoryRow.objects.filter(which, id__lte=ends.row).order_by("id").values_list(*STORED)
    return [
        TableRow(id=row[0], line=row[1], certainty=row[2], identical=row[3], text=row[4], values=row[5:])
        for row in found
    ]


def differing(row: HistoryRow, stored: TableRow) -> Iterator[tuple[str, object, object]]:
    """Field, what the table says, and what it should say."""
    if stored.values == (made := values_of(row)):
        return
    for name, says, said in zip(FIELDS, stored.values, made, strict=True):
        if says != said:
            yield name, says, said


def may_differ(row: HistoryRow) -> frozenset[str]:
    """Of a line that names no project the catalogue told it when it came in, and may tell something else today."""
    is_from_catalogue = row.parsed and (row.direction == J2A or not row.project_stated)
    return FROM_THE_CATALOGUE if is_from_catalogue else NOTHING


def missing(what: str, row: HistoryRow, *, seq: int | None = None, line: int | None = None) -> RowDifference:
    sentence = f"{what} has no row: {row.sentence[:LONGEST_VALUE]}"
    return RowDifference(
        kind=MISSING, seq=seq, line=line, sentence=sentence, match_key=_match_key(row) if line else None
    )


def altered(
    what: str,
    fields: Iterable[tuple[str, object, object]],
    *,
    seq: int | None = None,
    line: int | None = None,
    match_key: MatchKey | None = None,
    read_for: int | None = None,
) -> RowDifference:
    parts = "; ".join(f"{_named(name)} says {quoted(says)}, not {quoted(said)}" for name, says, said in fields)
    sentence = f"The row of {what} differs from it: {parts}."
    return RowDifference(kind=ALTERED, seq=seq, line=line, sentence=sentence, match_key=match_key, read_for=read_for)


def surplus(row: TableRow) -> RowDifference:
    what = f"entry {row.seq}" if row.seq else f"line {row.line}" if row.line else "no entry and no line"
    said = row.values[FIELDS.index("sentence")]
    sentence = f"A row names {what}, which does not stand for it: {said[:LONGEST_VALUE]}"
    return RowDifference(kind=SURPLUS, seq=row.seq, line=row.line, sentence=sentence)


def _match_key(row: HistoryRow) -> MatchKey | None:
    return (row.connector_id, row.match) if row.connector_id and row.match else None


def _named(field_name: str) -> str:
    return field_name.removesuffix("_id").replace("_", " ")

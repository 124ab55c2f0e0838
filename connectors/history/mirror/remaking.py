"""Makes the rows of lines again that would be told otherwise by now, and pairs them again.

What a line's term for a work item type means, which type ids its site uses, and to which project a status belongs is
not in the line: when that changes, its row follows, so that a row is always what its line says with what is known now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from alignadmin.audit.bulk_insert import insert
from alignadmin.folding import fold
from connectors.align.audit_sentences import J2A, label_of
from connectors.history.mirror import case_lifecycle, matching, search_terms
from connectors.history.mirror import projection as make
from connectors.models import Certainty, HistoryRow, MirrorLine, Source
from connectors.models.connector import Connector

AT_ONCE = 500
TERM_FIELDS = ["work_item_type", "match", "text"]  # of a row, what its line's term decides
PLACED = ["project_key", "project_stated", "text"]  # and what its status's project decides


@dataclass(kw_only=True)
class Remade:
    """What one run changes."""

    matches: set[str] = field(default_factory=set)  # the match keys before and after
    rows: list[HistoryRow] = field(default_factory=list)  # outside ones, told otherwise
    released: list[HistoryRow] = field(default_factory=list)  # of ours, whose line has another look
    lines: list[MirrorLine] = field(default_factory=list)  # theirs, which stand alone until they are paired again


def remake(connector: Connector, terms: set[str] | None, *, since: datetime | None = None) -> None:
    """Of every line that has one of these folded terms, or of all; `since`: only of lines from then on.

    To be called under trail.lock_head.
    """
    remade = Remade()
    for some in _with_terms(connector, terms, since):
        _remake(connector, some, remade)
    # A line hangs on one row at most, so it is taken off before it gets a row of its own.
    HistoryRow.objects.bulk_update(remade.released, ["line", "certainty", "identical", "text"], batch_size=200)
    HistoryRow.objects.bulk_update(remade.rows, TERM_FIELDS, batch_size=200)
    alone = make.of_lines(connector, remade.lines)
    matching.name_candidates(connector, alone)
    insert(alone)
    case_lifecycle.open_again(connector, alone, matching.window())
    matching.pair_lines(connector, remade.matches)


def _remake(connector: Connector, some: list[HistoryRow], remade: Remade) -> None:
    lines = [row.line for row in some if row.line]
    for row, new in zip(some, make.of_lines(connector, lines), strict=True):
        remade.matches |= {row.match, new.match} - {""}
        if row.source != Source.OURS:
            if any(getattr(row, name) != getattr(new, name) for name in TERM_FIELDS):
                row.work_item_type, row.match, row.text = new.work_item_type, new.match, new.text
                remade.rows.append(row)
        elif row.match != new.match and row.line:
            remade.lines.append(row.line)
            row.line, row.certainty, row.identical = None, Certainty.NONE, 0
            row.text = search_terms.with_remote(row.text, "")
            remade.released.append(row)


def follow_statuses(connector: Connector, ids: Collection[int]) -> None:
    """Of lines about these Jira statuses, whose projects are others now. To be called under trail.lock_head."""
    rows = HistoryRow.objects.filter(connector=connector, entry_seq=None, parsed=True, direction=J2A)
    wanted = sorted(ids)
    for start in range(0, len(wanted), AT_ONCE):
        about = rows.filter(object_id__in=wanted[start : start + AT_ONCE]).select_related("line").order_by("pk")
        last = 0
        while some := list(about.filter(pk__gt=last)[:AT_ONCE]):
            last = some[-1].pk
            made = make.of_lines(connector, [row.line for row in some if row.line])
            for row, new in zip(some, made, strict=True):
                for name in PLACED:
                    setattr(row, name, getattr(new, name))
            HistoryRow.objects.bulk_update(some, PLACED, batch_size=200)


def _with_terms(connector: Connector, terms: set[str] | None, since: datetime | None) -> Iterator[list[HistoryRow]]:
    """Rows with their lines, at most so many at once. The database finds a plain term, others are read for."""
    rows = HistoryRow.objects.filter(connector=connector, line__isnull=False, parsed=True).exclude(match="")
    if since is not None:
        rows = rows.filter(line__at__gte=since)
    if terms and len(terms) == 1 and (term := next(iter(terms))).isascii():
        rows = rows.filter(line__description__icontains=term.split(" ")[0])
    last, found = 0, list[HistoryRow]()
    while some := list(rows.filter(pk__gt=last).select_related("line").order_by("pk")[:AT_ONCE]):
        last = some[-1].pk
        found += [row for row in some if row.line and (terms is None or fold(label_of(row.line.description)) in terms)]
        if len(found) >= AT_ONCE:
            yield found
            found = []
    if found:
        yield found

"""Which line belongs to which change of ours, worked out again from all that looks the same, and compared.

Match keys, times and lines are those of rows that were compared with their entries and lines before. Groups are
read in the order of an index, so that a million rows need no more memory than the largest group.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from connectors.history.mirror import matching
from connectors.history.mirror.matching import Cluster, Pair, Point
from connectors.history.verification.comparison import AS_TEXT, NO_CANDIDATES
from connectors.models import Certainty, HistoryRow
from connectors.models.connector import Connector
from connectors.ports.differences import ALTERED, SURPLUS, Difference, Page, Position, TableComparison, quoted

SIZE = 2000  # rows of one page; a group is never cut
PAIRINGS = "pairings"
COLUMNS = (
    "id",
    "entry_seq",
    "line_id",
    "line__at",
    "match",
    "at",
    "certainty",
    "identical",
    "project_key",
    "project_stated",
    "as_text",
)


def pairings(after: Position) -> Page:
    """`after` is a connector and the look up to which its rows have been gone through."""
    connector, match_key = after or (0, "")
    rows = _rows(connector, match_key)[:SIZE]
    found = list(rows)
    if len(found) == SIZE:
        *whole, last = [list(group) for _, group in groupby(found, key=attrgetter("match"))]
        groups = whole or [list(_rows(connector, match_key).filter(match=last[0].match))]
        following: Position = (connector, groups[-1][0].match)
    else:
        groups = [list(group) for _, group in groupby(found, key=attrgetter("match"))]
        later = Connector.objects.filter(pk__gt=connector).order_by("pk").values_list("pk", flat=True).first()
        following = (later, "") if later else None
    differences = [each for group in groups for each in compared(group)]
    return Page(following=following, rows=sum(map(len, groups)), found=differences)


def _rows(connector: int, match_key: str) -> Any:
    rows = HistoryRow.objects.filter(connector=connector, match__gt=match_key).exclude(match="")
    return rows.annotate(as_text=AS_TEXT).order_by("match", "at", "id").values_list(*COLUMNS, named=True)


def compared(group: Sequence[Any]) -> Iterator[Difference]:
    """The rows of one look: ours with their lines, and lines alone."""
    if len(group) == 1 and _is_alone(group[0]):
        return
    ours = [Point(id=row.entry_seq, at=row.at) for row in group if row.entry_seq]
    lines = {row.line_id: row.line__at for row in group if row.line_id}
    alone = {row.line_id: row for row in group if row.line_id and not row.entry_seq}
    by_seq = {row.entry_seq: row for row in group if row.entry_seq}
    reach = matching.window()
    points = [Point(id=line, at=at) for line, at in lines.items()]
    for cluster in matching.clusters(ours, points, reach):
        pairs = matching.pair(cluster, reach)
        partner = {pair.row: pair for pair in pairs}
        for point in cluster.ours:
            yield from _ours_compared(by_seq[point.id], partner.get(point.id))
        yield from _lines_compared(cluster, {pair.line for pair in pairs}, by_seq, alone)


def _is_alone(row: Any) -> bool:
    """Most match keys have one row, with which nothing is to be worked out: it has its line, or there is none."""
    if not row.entry_seq:
        return not row.project_stated or row.as_text == NO_CANDIDATES
    if row.line_id is None:
        return (row.certainty, row.identical) == (Certainty.NONE, 0)
    return (row.certainty, row.identical) == (Certainty.EXACT, 1) and abs(row.at - row.line__at) <= matching.window()


def of_row(row: HistoryRow) -> list[Difference]:
    """What differs in the pairing of one row: all that looks the same near it is paired again."""
    if not row.match or row.connector_id is None:
        return []
    alike = _rows(row.connector_id, "").filter(match=row.match)
    span, reach = matching.around([row.at]), matching.window()
    group = list(alike.filter(at__range=(span.since, span.until)))
    if (
        span.since
        and span.until
        and not all(span.since + 2 * reach < each.at < span.until - 2 * reach for each in group)
    ):  # they may hang together with others beyond it
        group = list(alike)
    return [each for each in compared(group) if each.seq == row.entry_seq and (each.seq or each.line == row.line_id)]


def _ours_compared(row: Any, pair: Pair | None) -> Iterator[Difference]:
    certainty = Certainty.NONE
    if pair:
        certainty = Certainty.EXACT if pair.identical == 1 else Certainty.ONE_OF_MANY
    said = {"line": pair.line if pair else None, "certainty": certainty, "identical": pair.identical if pair else 0}
    says = {"line": row.line_id, "certainty": row.certainty, "identical": row.identical}
    for name, value in said.items():
        if says[name] != value:
            detail = f"{name} says {quoted(says[name])}, the entries and lines say {quoted(value)}"
            sentence = f"The row of entry {row.entry_seq} is not paired as it should be: {detail}."
            yield Difference(
                kind=ALTERED, table=PAIRINGS, seq=row.entry_seq, field=name, sentence=sentence, detail=detail
            )


def _lines_compared(
    cluster: Cluster, taken: set[int], by_seq: dict[int, Any], alone: dict[int, Any]
) -> Iterator[Difference]:
    projects = sorted({key for point in cluster.ours if (key := by_seq[point.id].project_key)})
    for point in cluster.lines:
        row = alone.get(point.id)
        if row is None:
            continue
        if point.id in taken:
            sentence = f"Line {point.id} is told as an outside change, but it is of a change of ours."
            yield Difference(kind=SURPLUS, table=PAIRINGS, line=point.id, sentence=sentence)
            continue
        # Without a change of ours near it, the candidates are what the catalogue knew at that time.
        candidates = json.loads(row.as_text)
        if (said := [] if row.project_stated else projects or candidates) != candidates:
            sentence = (
                f"The row of line {point.id} names the candidate projects {quoted(candidates)}, the changes near "
                f"it {quoted(said)}."
            )
            yield Difference(kind=ALTERED, table=PAIRINGS, line=point.id, field="candidates", sentence=sentence)


def _count() -> int:
    return HistoryRow.objects.exclude(match="").count()


COMPARISONS = (TableComparison(name="pairings", page=pairings, count=_count),)

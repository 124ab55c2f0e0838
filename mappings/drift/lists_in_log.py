"""Which lists the lines of Align's log name: where somebody else changed something since they were last read.

Most of Align's sentences about Align to Jira tell no project. Then the rows that had the old value say where it can
have been; where none had, every list of the family may be the one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.align.audit_sentences import J2A, UPDATED
from connectors.history.intake import intake
from connectors.history.mirror import matching
from connectors.models import Connector, HistoryRow, Source, Status
from mappings.models import Mapping
from mappings.observing.scopes import scopes_in_use

# A line that is pasted while a check looks is stored with the time before its commit.
OVERLAP = timedelta(minutes=1)
RowKey = tuple[str, str, int | None]  # family, work item type, source


@dataclass(frozen=True, kw_only=True)
class LastSeen:
    """One list in use: when it was read last, and the project it belongs to, as Align calls it."""

    pk: int
    family: str
    project_key: str
    observed_at: datetime | None


@dataclass(kw_only=True)
class ListsInLog:
    """All lists in use, and which of their rows have a source with a value."""

    by_pk: dict[int, LastSeen] = field(default_factory=dict)
    by_place: dict[tuple[str, str], LastSeen] = field(default_factory=dict)
    by_family: dict[str, list[LastSeen]] = field(default_factory=lambda: defaultdict(list))
    # What each list's row of a source can have by now: more than one value, when several lines speak of it.
    holding: dict[RowKey, dict[int, set[int | None]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, known: LastSeen) -> None:
        self.by_pk[known.pk] = self.by_place[known.family, known.project_key] = known
        self.by_family[known.family].append(known)

    def follow(self, row: HistoryRow, about: Iterable[LastSeen]) -> None:
        """The next line about the same row starts where this one ended."""
        for known in about:
            self.holding[_key(row)].setdefault(known.pk, set()).add(row.after_id)


def lists_named(connector: Connector, *, since: datetime) -> frozenset[int]:
    """Keys of the lists that lines taken in after `since` are about, those left out that were read after the line."""
    lines = _outside_lines(connector, since)
    if not lines:
        return frozenset()
    lists, ids_by_name = _lists(connector, lines), _ids_by_name(connector, lines)
    named: set[int] = set()
    for line in lines:
        about = list(_about(line, lists, ids_by_name))
        lists.follow(line, about)
        named |= {known.pk for known in about if _was_read_before(known, line)}
    return frozenset(named)


def _outside_lines(connector: Connector, since: datetime) -> list[HistoryRow]:
    """In the order in which things happened; those that changed nothing left out."""
    rows = HistoryRow.objects.filter(connector=connector, source=Source.OUTSIDE, line__recorded_at__gt=since - OVERLAP)
    # Lines come in that much later than they were written; the bound on `at` alone is what lets an index be used.
    recent = rows.filter(at__gt=since - OVERLAP - intake.overlap() - matching.window())
    ordered = recent.select_related("line").defer("text").order_by("at", "pk")
    return [row for row in ordered if row.action != UPDATED or row.before_id != row.after_id]


def _was_read_before(known: LastSeen, row: HistoryRow) -> bool:
    """The list was read before the line was taken in, and before it can have been written by Align's clock."""
    if known.observed_at is None or row.line is None:
        return True
    return known.observed_at <= min(row.line.recorded_at, row.at + matching.window())


def _about(row: HistoryRow, lists: ListsInLog, ids_by_name: dict[str, set[int]]) -> Iterable[LastSeen]:
    family = f"{row.direction}-{row.kind}"
    if row.project_stated:
        known = lists.by_place.get((family, row.project_key)) or _shared(row, family, lists)
        return [known] if known else []
    before = {row.before_id} if row.before_id is not None else ids_by_name.get(row.before_name.casefold(), set())
    holding = lists.holding[_key(row)]
    had = [lists.by_pk[pk] for pk, values in holding.items() if not before or not values.isdisjoint(before)]
    return had or lists.by_family[family]


def _key(row: HistoryRow) -> RowKey:
    return f"{row.direction}-{row.kind}", row.work_item_type, row.object_id


def _shared(row: HistoryRow, family: str, lists: ListsInLog) -> LastSeen | None:
    """A status of a company-managed project stands in the list that all of those share."""
    return lists.by_place.get((family, "")) if row.direction == J2A else None


def _lists(connector: Connector, rows: Sequence[HistoryRow]) -> ListsInLog:
    lists = ListsInLog()
    for scope in scopes_in_use(connector).select_related("project"):
        key = scope.project.wire_key if scope.project else ""
        lists.add(LastSeen(pk=scope.pk, family=scope.family, project_key=key, observed_at=scope.observed_at))
    sources = {row.object_id for row in rows if not row.project_stated and row.object_id is not None}
    found = Mapping.objects.filter(scope__connector=connector, source_id__in=sources)
    fields = ("scope_id", "scope__family", "work_item_type", "source_id", "observed")
    for scope_id, family, type_, source, observed in found.values_list(*fields):
        if scope_id in lists.by_pk:
            lists.holding[family, type_, source][scope_id] = {observed}
    return lists


def _ids_by_name(connector: Connector, rows: Sequence[HistoryRow]) -> dict[str, set[int]]:
    """A deletion tells the old value by its name alone."""
    names = {row.before_name.casefold() for row in rows if row.before_id is None and row.before_name}
    found: dict[str, set[int]] = defaultdict(set)
    if names:
        for number, name in Status.objects.filter(connector=connector).values_list("jira_id", "name"):
            if name.casefold() in names:
                found[name.casefold()].add(number)
    return found

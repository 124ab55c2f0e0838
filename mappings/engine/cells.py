"""The cells of the grid: what each shows, and the marks of the statuses and targets that they stand for.

Nearly all cells are empty. Those that show anything are drawn from the rows, once; the others are made when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.engine.values import Direction, Row, Situation, Target
from mappings.engine.view import View


class Mark(StrEnum):
    UNMAPPED = "unmapped"
    VANISHED = "vanished"
    TWIN = "twin"
    UNUSED = "unused"
    CHANGED = "changed"
    DRIFTED = "drifted"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Cell:
    """A dot is Jira to Align, a ring Align to Jira: wanted here; was here when last applied; observed here instead."""

    status_id: int
    target_id: int
    dot: bool
    dot_was: bool
    dot_observed: bool
    ring: bool
    ring_was: bool
    ring_observed: bool
    dot_allowed: bool
    ring_allowed: bool


SITUATION_MARKS: Mapping[Situation, frozenset[Mark]] = {
    Situation.UNKNOWN: frozenset({Mark.UNKNOWN}),
    Situation.EDITED: frozenset({Mark.CHANGED}),
    Situation.DRIFTED: frozenset({Mark.DRIFTED}),
    Situation.CONFLICT: frozenset({Mark.CHANGED, Mark.CONFLICT}),
    Situation.IN_SYNC: frozenset(),
    Situation.ACCEPTED: frozenset(),
}
NOWHERE: frozenset[int] = frozenset()


@dataclass(slots=True)
class Rings:
    """Align to Jira turned round: status id -> the targets that stand, stood or were seen there."""

    now: dict[int, set[int]]
    was: dict[int, set[int]]
    observed: dict[int, set[int]]
    marks: dict[int, set[Mark]]


def rings_of(rows: Iterable[Row]) -> Rings:
    rings = Rings(now={}, was={}, observed={}, marks={})
    for row in rows:
        if row.wanted is not None:
            rings.now.setdefault(row.wanted, set()).add(row.source_id)
        if row.applied is not None and row.applied != row.wanted:
            rings.was.setdefault(row.applied, set()).add(row.source_id)
        seen = seen_elsewhere(row)
        if seen is not None:
            rings.observed.setdefault(seen, set()).add(row.source_id)
        # An edited ring changes two rows: the status it leaves and the status it goes to.
        for status_id in values_of(row):
            rings.marks.setdefault(status_id, set()).update(SITUATION_MARKS[row.situation])
    return rings


def seen_elsewhere(row: Row) -> int | None:
    """The observed value, where it is neither the wanted nor the applied one."""
    return row.observed if row.known and row.observed not in (row.wanted, row.applied) else None


def values_of(row: Row) -> Iterator[int]:
    return (value for value in (row.wanted, row.applied, row.observed) if value is not None)


class Drawing:
    """Draws the cells of one row after the other."""

    def __init__(self, view: View, targets: list[Target]) -> None:
        self.by_id = {target.id: target for target in targets}
        self.columns = {target.id: column for column, target in enumerate(targets)}
        has_rings = view.project_key is not None and view.own_a2j_known
        dots = view.allows(Direction.JIRA_TO_ALIGN) and view.j2a_known
        self.allowed = (dots, has_rings and view.allows(Direction.ALIGN_TO_JIRA))
        self.ids = [target.id for target in targets]

    def empty(self, status_id: int, target_id: int) -> Cell:
        return Cell(status_id, target_id, False, False, False, False, False, False, *self.allowed)

    def cells(self, status_id: int, row: Row | None, rings: Rings) -> dict[int, Cell]:
        """Nearly all cells are empty: only those that show anything are made, by target id."""
        cells = _Cells(lambda target_id: self.empty(status_id, target_id))
        if row is not None:
            _draw_dot(cells, row)
        for target_id in rings.now.get(status_id, NOWHERE):
            cells[target_id].ring = True
        for target_id in rings.was.get(status_id, NOWHERE):
            cells[target_id].ring_was = True
        for target_id in rings.observed.get(status_id, NOWHERE):
            cells[target_id].ring_observed = True
        return cells

    def in_order(self, target_ids: Iterable[int]) -> tuple[Target, ...]:
        return tuple(self.by_id[target_id] for target_id in sorted(target_ids, key=self.columns.__getitem__))


class _Cells(dict[int, Cell]):
    """Cells by target id, each made when it is first drawn on."""

    def __init__(self, make: Callable[[int], Cell]) -> None:
        self._make = make

    def __missing__(self, target_id: int) -> Cell:
        self[target_id] = self._make(target_id)
        return self[target_id]


def _draw_dot(cells: dict[int, Cell], row: Row) -> None:
    if row.wanted is not None:
        cells[row.wanted].dot = True
    if row.applied is not None and row.applied != row.wanted:
        cells[row.applied].dot_was = True
    seen = seen_elsewhere(row)
    if seen is not None:
        cells[seen].dot_observed = True

"""The grid as a view model: statuses by category, targets by flow, and what every cell and row shows.

Rows and cells are prepared once from dictionaries, so that no cell searches for anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.engine import words
from mappings.engine.checks import Problem, check
from mappings.engine.values import Category, Direction, Row, Severity, Situation, SourceStatus, Target
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


class Only(StrEnum):
    """The toggles. Several together keep the rows that fit all of them."""

    UNMAPPED = "unmapped"
    CHANGED = "changed"
    PROBLEMS = "problems"


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


@dataclass(slots=True, kw_only=True)
class MatrixRow:
    """One status. `target` is what it shows in Align, `returns` are the targets that move an issue to it.

    `drawn` are the few cells that show anything, by target id; the empty ones are made only when asked for.
    """

    status: SourceStatus
    reachable: bool
    j2a: Row | None
    marks: frozenset[Mark]
    twin_of: str
    problems: tuple[Problem, ...]
    drawn: Mapping[int, Cell]
    drawing: _Drawing
    target: Target | None
    returns: tuple[Target, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, in the order of the columns."""
        return tuple(self.cell(target_id) for target_id in self.drawing.ids)

    def cell(self, target_id: int) -> Cell:
        return self.drawn.get(target_id) or self.drawing.empty(self.status.id, target_id)


@dataclass(frozen=True, kw_only=True)
class ColumnGroup:
    """The states, or the steps of one process flow."""

    flow_id: int | None
    name: str
    active: bool
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class RowGroup:
    code: str  # a status category, or "unused"
    label: str
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, kw_only=True)
class StatusCoverage:
    """Over the reachable statuses; all are `unknown` while the list has never been read."""

    mapped: int
    unmapped: int
    unknown: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """`groups` are filtered; `rows`, `counts`, `coverage` and `problems` are of the whole matrix."""

    columns: tuple[ColumnGroup, ...]
    groups: tuple[RowGroup, ...]
    rows: tuple[MatrixRow, ...]
    counts: Mapping[Only, int]
    coverage: StatusCoverage
    problems: tuple[Problem, ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(target for group in self.columns for target in group.targets)


def build(
    view: View,
    *,
    problems: Iterable[Problem] | None = None,
    only: frozenset[Only] = frozenset(),
    text: str = "",
) -> Matrix:
    """Build the grid. `problems` are taken from `check(view)` unless they are at hand already."""
    found = check(view) if problems is None else tuple(problems)
    columns = tuple(_columns(view))
    rows = tuple(_rows(view, [target for group in columns for target in group.targets], found))
    return Matrix(
        columns=columns,
        groups=tuple(_groups(rows, only, words.same_name(text))),
        rows=rows,
        counts={each: sum(1 for row in rows if _fits(row, each)) for each in Only},
        coverage=_coverage(view),
        problems=found,
    )


# --- columns ---------------------------------------------------------------------------------------------------


def _columns(view: View) -> Iterator[ColumnGroup]:
    """Targets by flow in their order; one that is gone keeps a column while a mapping still names it."""
    named = _named_targets(view)
    flows: dict[tuple[int | None, str, bool], list[Target]] = {}
    for target in view.targets.values():
        if not target.vanished or target.id in named:
            flows.setdefault((target.flow_id, target.flow_name, target.flow_active), []).append(target)
    for (flow_id, name, active), targets in flows.items():
        yield ColumnGroup(flow_id=flow_id, name=name, active=active, targets=tuple(targets))
    if strangers := sorted(named - view.targets.keys()):
        gone = tuple(words.unknown_target(view.kind, target_id) for target_id in strangers)
        yield ColumnGroup(flow_id=None, name="Not in Align", active=False, targets=gone)


def _named_targets(view: View) -> set[int]:
    named = {row.source_id for row in view.own_a2j if any(True for _ in _values(row))}
    return named.union(*(_values(row) for row in view.j2a))


def _values(row: Row) -> Iterator[int]:
    return (value for value in (row.wanted, row.applied, row.observed) if value is not None)


# --- rows ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rings:
    """Align to Jira turned round: status id -> the targets that stand, stood or were seen there."""

    now: dict[int, set[int]]
    was: dict[int, set[int]]
    observed: dict[int, set[int]]
    marks: dict[int, set[Mark]]


SITUATION_MARKS: Mapping[Situation, frozenset[Mark]] = {
    Situation.UNKNOWN: frozenset({Mark.UNKNOWN}),
    Situation.EDITED: frozenset({Mark.CHANGED}),
    Situation.DRIFTED: frozenset({Mark.DRIFTED}),
    Situation.CONFLICT: frozenset({Mark.CHANGED, Mark.CONFLICT}),
    Situation.IN_SYNC: frozenset(),
    Situation.ACCEPTED: frozenset(),
}
NOWHERE: frozenset[int] = frozenset()
NOTHING: Mapping[int, Cell] = {}


def _rings(rows: Iterable[Row]) -> _Rings:
    rings = _Rings(now={}, was={}, observed={}, marks={})
    for row in rows:
        if row.wanted is not None:
            rings.now.setdefault(row.wanted, set()).add(row.source_id)
        if row.applied is not None and row.applied != row.wanted:
            rings.was.setdefault(row.applied, set()).add(row.source_id)
        seen = _seen_elsewhere(row)
        if seen is not None:
            rings.observed.setdefault(seen, set()).add(row.source_id)
        # An edited ring changes two rows: the status it leaves and the status it goes to.
        for status_id in _values(row):
            rings.marks.setdefault(status_id, set()).update(SITUATION_MARKS[row.situation])
    return rings


def _seen_elsewhere(row: Row) -> int | None:
    """The observed value, where it is neither the wanted nor the applied one."""
    return row.observed if row.known and row.observed not in (row.wanted, row.applied) else None


def _rows(view: View, targets: list[Target], problems: tuple[Problem, ...]) -> Iterator[MatrixRow]:
    j2a = {row.source_id: row for row in view.j2a}
    rings = _rings(view.own_a2j)
    of_status: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.status_id is not None:
            of_status.setdefault(problem.status_id, []).append(problem)
    draw = _Drawing(view, targets)
    for status in _statuses(view, j2a, rings):
        row = j2a.get(status.id)
        leads_to = None if row is None else row.wanted
        yield MatrixRow(
            status=status,
            reachable=status.id in view.reachable,
            j2a=row,
            marks=_marks(view, status, row, rings),
            twin_of=_twin_of(view, status.id),
            problems=tuple(of_status.get(status.id, ())),
            drawn=draw.cells(status.id, row, rings),
            drawing=draw,
            target=None if leads_to is None else draw.by_id[leads_to],
            returns=draw.in_order(rings.now.get(status.id, NOWHERE)),
        )


def _statuses(view: View, j2a: Mapping[int, Row], rings: _Rings) -> Iterator[SourceStatus]:
    """Reachable statuses and those with any record, in the catalogue's order; ids it does not know come last."""
    mapped = {status_id for status_id, row in j2a.items() if any(True for _ in _values(row))}
    shown = view.reachable | mapped | rings.marks.keys()
    yield from (status for status in view.statuses.values() if status.id in shown)
    yield from (words.unknown_status(status_id) for status_id in sorted(shown - view.statuses.keys()))


def _marks(view: View, status: SourceStatus, row: Row | None, rings: _Rings) -> frozenset[Mark]:
    marks = set(rings.marks.get(status.id, ()))
    if row is not None:
        marks |= SITUATION_MARKS[row.situation]
    elif not view.j2a_known:
        marks.add(Mark.UNKNOWN)
    reachable = status.id in view.reachable
    if _is_unmapped(view, status.id):
        marks.add(Mark.UNMAPPED)
    if not reachable:
        marks.add(Mark.UNUSED)
    if status.vanished:
        marks.add(Mark.VANISHED)
    if status.id in view.twins:
        marks.add(Mark.TWIN)
    return frozenset(marks)


def _is_unmapped(view: View, status_id: int) -> bool:
    if not view.j2a_known or not view.allows(Direction.JIRA_TO_ALIGN):
        return False
    return status_id in view.reachable and status_id not in view.leads_to


def _twin_of(view: View, status_id: int) -> str:
    """ "10013, 10213 (PROJ1)": the other statuses of the same name, three at most."""
    others = [view.status(other) for other in view.twins.get(status_id, ())[:4] if other != status_id]
    return ", ".join(f"{each.id} ({each.project_key})" if each.project_key else str(each.id) for each in others[:3])


class _Drawing:
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

    def cells(self, status_id: int, row: Row | None, rings: _Rings) -> dict[int, Cell]:
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
    seen = _seen_elsewhere(row)
    if seen is not None:
        cells[seen].dot_observed = True


# --- groups, filters, counts -----------------------------------------------------------------------------------


def _groups(rows: tuple[MatrixRow, ...], only: frozenset[Only], text: str) -> Iterator[RowGroup]:
    shown = [row for row in rows if all(_fits(row, each) for each in only) and _matches(row, text)]
    for category in Category:
        group = tuple(row for row in shown if row.reachable and row.status.category is category)
        if group:
            yield RowGroup(code=category.value, label=category.label, rows=group)
    if unused := tuple(row for row in shown if not row.reachable):
        yield RowGroup(code="unused", label="Unused", rows=unused)


def _fits(row: MatrixRow, only: Only) -> bool:
    if only is Only.UNMAPPED:
        return Mark.UNMAPPED in row.marks
    if only is Only.CHANGED:
        return Mark.CHANGED in row.marks
    return any(problem.severity is not Severity.INFO for problem in row.problems)


def _matches(row: MatrixRow, text: str) -> bool:
    """Text fits a status by name or id, or a target it leads to or returns from by name."""
    if not text:
        return True
    names = [row.status.name, str(row.status.id), *(target.name for target in row.returns)]
    if row.target is not None:
        names.append(row.target.name)
    return any(text in words.same_name(name) for name in names)


def _coverage(view: View) -> StatusCoverage:
    total = len(view.reachable)
    mapped = len(view.reachable & view.leads_to.keys())
    if not view.j2a_known:
        return StatusCoverage(mapped=0, unmapped=0, unknown=total, total=total)
    return StatusCoverage(mapped=mapped, unmapped=total - mapped, unknown=0, total=total)


# --- the flow picture ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixLine:
    status_id: int
    target_id: int
    bounces: bool = False


@dataclass(frozen=True, kw_only=True)
class MatrixLines:
    """Statuses left, targets right; `forward` is Jira to Align, `backward` Align to Jira, `bounces` part of it."""

    left: tuple[SourceStatus, ...]
    right: tuple[Target, ...]
    forward: tuple[MatrixLine, ...]
    backward: tuple[MatrixLine, ...]
    bounces: tuple[MatrixLine, ...]


def flows(matrix: Matrix) -> MatrixLines:
    bouncing = {(each.status_id, each.target_id) for each in matrix.problems if each.code == "bounce"}
    backward = tuple(
        MatrixLine(status_id=row.status.id, target_id=target.id, bounces=(row.status.id, target.id) in bouncing)
        for row in matrix.rows
        for target in row.returns
    )
    return MatrixLines(
        left=tuple(row.status for row in matrix.rows),
        right=matrix.targets,
        forward=tuple(
            MatrixLine(status_id=row.status.id, target_id=row.target.id)
            for row in matrix.rows
            if row.target is not None
        ),
        backward=backward,
        bounces=tuple(line for line in backward if line.bounces),
    )


def differing_cells(before: Matrix, after: Matrix) -> tuple[Cell, ...]:
    """The cells of `after` that are drawn differently in `before`, for answering a toggle with just those."""
    drawn = {row.status.id: row.drawn for row in before.rows}
    return tuple(cell for row in after.rows for cell in _differing(drawn.get(row.status.id, NOTHING), row))


def _differing(before: Mapping[int, Cell], row: MatrixRow) -> Iterator[Cell]:
    if before != row.drawn:
        for target_id in before.keys() | row.drawn.keys():
            if before.get(target_id) != row.drawn.get(target_id):
                yield row.cell(target_id)

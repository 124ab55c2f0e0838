"""The grid as a view model: statuses by category, targets by flow, and what every cell and row shows.

Rows and cells are prepared once from dictionaries, so that no cell searches for anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappings.engine import words
from mappings.engine.cells import NOWHERE, SITUATION_MARKS, Cell, Drawing, Mark, Rings, rings_of, values_of
from mappings.engine.checks import SEVERITIES, Problem, check
from mappings.engine.problem_groups import counted_places
from mappings.engine.values import Category, Row, Severity, SourceStatus, Target
from mappings.engine.view import View


class Only(StrEnum):
    """The toggles. Several together keep the rows that fit all of them; the kinds of problems filter likewise."""

    UNMAPPED = "unmapped"  # the kind of problem, too
    CHANGED = "changed"
    PROBLEMS = "problems"


FILTERS = frozenset({*(each.value for each in Only), *SEVERITIES})


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
    drawing: Drawing
    target: Target | None
    returns: tuple[Target, ...]
    unknown_type_id: int | None = None  # of a record that stands here and may be of this type

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
    unrecognised: int = 0  # a record of an unknown type id stands there


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
    only: frozenset[str] = frozenset(),
    text: str = "",
) -> Matrix:
    """Build the grid. `problems` are taken from `check(view)` unless they are at hand already."""
    found = check(view) if problems is None else tuple(problems)
    columns = tuple(_columns(view))
    rows = tuple(_rows(view, _targets_of(columns), found, _statuses(view)))
    return Matrix(
        columns=columns,
        groups=tuple(_groups(rows, only, words.same_name(text))),
        rows=rows,
        counts=count_rows(view, found),
        coverage=coverage_of(view),
        problems=found,
    )


def build_rows(
    view: View, problems: Iterable[Problem], status_ids: Collection[int]
) -> tuple[tuple[Target, ...], tuple[MatrixRow, ...]]:
    """All columns and only these rows, as `build` makes them; one of a status that is not shown has empty cells."""
    targets = _targets_of(_columns(view))
    statuses = (view.status(status_id) for status_id in sorted(status_ids))
    return tuple(targets), tuple(_rows(view, targets, problems, statuses))


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
        yield ColumnGroup(flow_id=None, name=words.NOT_IN_ALIGN, active=False, targets=gone)


def _targets_of(columns: Iterable[ColumnGroup]) -> list[Target]:
    return [target for group in columns for target in group.targets]


def _named_targets(view: View) -> set[int]:
    named = {row.source_id for row in view.own_a2j if any(True for _ in values_of(row))}
    return named.union(*(values_of(row) for row in view.j2a))


# --- rows ------------------------------------------------------------------------------------------------------


def _rows(
    view: View, targets: list[Target], problems: Iterable[Problem], statuses: Iterable[SourceStatus]
) -> Iterator[MatrixRow]:
    j2a = {row.source_id: row for row in view.j2a}
    rings = rings_of(view.own_a2j)
    of_status: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.status_id is not None:
            of_status.setdefault(problem.status_id, []).append(problem)
    draw = Drawing(view, targets)
    for status in statuses:
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
            unknown_type_id=view.unrecognised[status.id] if view.is_unrecognised(status.id) else None,
        )


def _statuses(view: View) -> Iterator[SourceStatus]:
    """Reachable statuses and those with any record, in the catalogue's order; ids it does not know come last."""
    shown = view.ids_in_rows
    yield from (status for status in view.statuses.values() if status.id in shown)
    yield from (words.unknown_status(status_id) for status_id in sorted(shown - view.statuses.keys()))


def _marks(view: View, status: SourceStatus, row: Row | None, rings: Rings) -> frozenset[Mark]:
    marks = set(rings.marks.get(status.id, ()))
    if row is not None:
        marks |= SITUATION_MARKS[row.situation]
    elif not view.j2a_known:
        marks.add(Mark.UNKNOWN)
    reachable = status.id in view.reachable
    if status.id in view.unmapped:
        marks.add(Mark.UNMAPPED)
    if not reachable:
        marks.add(Mark.UNUSED)
    if status.vanished:
        marks.add(Mark.VANISHED)
    if status.id in view.twins:
        marks.add(Mark.TWIN)
    return frozenset(marks)


def _twin_of(view: View, status_id: int) -> str:
    """ "10013, 10213 (PROJ1)": the other statuses of the same name, three at most."""
    others = [view.status(other) for other in view.twins.get(status_id, ())[:4] if other != status_id]
    return ", ".join(f"{each.id} ({each.project_key})" if each.project_key else str(each.id) for each in others[:3])


# --- groups, filters, counts -----------------------------------------------------------------------------------


def _groups(rows: tuple[MatrixRow, ...], only: frozenset[str], text: str) -> Iterator[RowGroup]:
    shown = [row for row in rows if all(_fits(row, each) for each in only) and _matches(row, text)]
    for category in Category:
        group = tuple(row for row in shown if row.reachable and row.status.category is category)
        if group:
            yield RowGroup(code=category.value, label=category.label, rows=group)
    if unused := tuple(row for row in shown if not row.reachable):
        yield RowGroup(code="unused", label="Unused", rows=unused)


def _fits(row: MatrixRow, only: str) -> bool:
    if only == Only.UNMAPPED:
        return Mark.UNMAPPED in row.marks
    if only == Only.CHANGED:
        return Mark.CHANGED in row.marks
    if only == Only.PROBLEMS:
        return any(problem.severity is not Severity.INFO for problem in row.problems)
    return any(problem.code == only for problem in row.problems)


def _matches(row: MatrixRow, text: str) -> bool:
    """Text fits a status by name or id, or a target it leads to or returns from by name."""
    if not text:
        return True
    names = [row.status.name, str(row.status.id), *(target.name for target in row.returns)]
    if row.target is not None:
        names.append(row.target.name)
    return any(text in words.same_name(name) for name in names)


def count_rows(view: View, problems: Iterable[Problem]) -> dict[Only, int]:
    """How many rows of the whole matrix fit each toggle."""
    changed = {row.source_id for row in view.j2a if Mark.CHANGED in SITUATION_MARKS[row.situation]}
    changed.update(*(values_of(row) for row in view.own_a2j if Mark.CHANGED in SITUATION_MARKS[row.situation]))
    return {
        Only.UNMAPPED: len(view.unmapped),
        Only.CHANGED: len(changed),
        Only.PROBLEMS: len(counted_places(view, problems).rows),
    }


def coverage_of(view: View) -> StatusCoverage:
    total = len(view.reachable)
    mapped = len(view.reachable & view.leads_to.keys())
    if not view.j2a_known:
        return StatusCoverage(mapped=0, unmapped=0, unknown=total, total=total)
    strange = sum(view.is_unrecognised(status_id) for status_id in view.reachable)
    return StatusCoverage(
        mapped=mapped, unmapped=total - mapped - strange, unknown=0, total=total, unrecognised=strange
    )

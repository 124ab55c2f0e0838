"""What is drawn differently in a matrix after some of its rows were edited: found from the rows that differ.

Everything else of a matrix follows from the catalogue, which no edit changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mappings.engine.cells import Cell, values_of
from mappings.engine.checks import Problem
from mappings.engine.matrix import MatrixRow, build_rows
from mappings.engine.values import Row, Target
from mappings.engine.view import View


@dataclass(frozen=True, kw_only=True)
class Redrawing:
    """As they are after the edit: rows whose header may differ, and each cell that may, with its row."""

    targets: tuple[Target, ...]
    headers: tuple[MatrixRow, ...]
    cells: tuple[tuple[MatrixRow, Cell], ...]


@dataclass(frozen=True, kw_only=True)
class CheckedView:
    """A view with what `check` finds in it."""

    view: View
    problems: tuple[Problem, ...]


def redrawing(before: CheckedView, after: CheckedView) -> Redrawing:
    """What differs between two views of one matrix whose rows alone differ.

    1. A dot is drawn in the cells of its three values, before and after; a ring in its column likewise.
    2. A header is drawn from its own row, the rings that lead there, its problems and its twins.
    """
    cells = set(_cells(before.view, after.view))
    headers = {status_id for status_id, _ in cells} | _other_problems(before.problems, after.problems)
    headers |= {source_id for source_id, _, _ in _differing(before.view.j2a, after.view.j2a)}
    if before.view.shown_statuses != after.view.shown_statuses:
        old, new = before.view.twins, after.view.twins
        headers |= {status_id for status_id in old.keys() | new.keys() if old.get(status_id) != new.get(status_id)}
    targets, rows = build_rows(after.view, after.problems, headers)
    by_status = {row.status.id: row for row in rows}
    drawn = ((by_status[status_id], by_status[status_id].cell(target_id)) for status_id, target_id in sorted(cells))
    return Redrawing(targets=targets, headers=rows, cells=tuple(drawn))


def _cells(before: View, after: View) -> Iterator[tuple[int, int]]:
    """(status id, target id)"""
    for status_id, old, new in _differing(before.j2a, after.j2a):
        yield from ((status_id, target_id) for row in (old, new) if row for target_id in values_of(row))
    for target_id, old, new in _differing(before.own_a2j, after.own_a2j):
        yield from ((status_id, target_id) for row in (old, new) if row for status_id in values_of(row))


def _differing(before: Iterable[Row], after: Iterable[Row]) -> Iterator[tuple[int, Row | None, Row | None]]:
    """(source id, the row before, the row after); None where there was or is none."""
    old, new = {row.source_id: row for row in before}, {row.source_id: row for row in after}
    for source_id in old.keys() | new.keys():
        was, now = old.get(source_id), new.get(source_id)
        if was is not now and was != now:
            yield source_id, was, now


def _other_problems(before: tuple[Problem, ...], after: tuple[Problem, ...]) -> set[int]:
    """Statuses that have other problems than before, or have them in another order."""
    old, new = _by_status(before), _by_status(after)
    return {status_id for status_id in old.keys() | new.keys() if old.get(status_id) != new.get(status_id)}


def _by_status(problems: Iterable[Problem]) -> dict[int, list[Problem]]:
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.status_id is not None:
            found.setdefault(problem.status_id, []).append(problem)
    return found

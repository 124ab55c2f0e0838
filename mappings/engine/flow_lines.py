"""The flow picture as a view model: a line from each status to its target, and back."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.engine.matrix import Matrix
from mappings.engine.values import SourceStatus, Target


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

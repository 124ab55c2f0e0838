"""The flow picture: statuses left, targets right, a curve for every mapping, as geometry attributes for SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from mappings.engine.flow_lines import MatrixLine, flows
from mappings.engine.matrix import Matrix
from mappings.engine.values import Kind
from mappings.engine.words import target_words

MOST = 24  # on either side; beyond, lines cannot be told apart
WIDTH, STEP, TOP = 300, 26, 16
LEFT, RIGHT = 112, 188  # where curves start and end
LONGEST = 17  # characters of a name; the whole name is its tooltip

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Label:
    y: float
    text: str
    full: str


@dataclass(frozen=True, kw_only=True)
class Curve:
    d: str
    style: str  # forward, backway, bounce
    full: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    width: int
    height: int
    left: tuple[Label, ...]
    right: tuple[Label, ...]
    curves: tuple[Curve, ...]


def draw(matrix: Matrix, kind: Kind) -> Picture | None:
    """The picture of the whole matrix; None when it has too many statuses or targets to be read."""
    lines = flows(matrix)
    used = {line.target_id for line in (*lines.forward, *lines.backward)}
    targets = [target for target in lines.right if target.id in used or len(lines.right) <= MOST]
    if not lines.left or not targets or len(lines.left) > MOST or len(targets) > MOST:
        return None
    height = TOP + STEP * max(len(lines.left), len(targets))
    lefts = {status.id: (y, status.name) for status, y in _spread(lines.left, height)}
    rights = {target.id: (y, target_words(kind, target)) for target, y in _spread(targets, height)}
    return Picture(
        width=WIDTH,
        height=height,
        left=tuple(_label(y, name) for y, name in lefts.values()),
        right=tuple(_label(y, name) for y, name in rights.values()),
        curves=tuple(
            [_curve(line, lefts, rights, "forward") for line in lines.forward]
            + [_curve(line, lefts, rights, "bounce" if line.bounces else "backway") for line in lines.backward]
        ),
    )


def _spread(values: tuple[T, ...] | list[T], height: int) -> list[tuple[T, float]]:
    """Both sides take the whole height, so that a short side stands beside the middle of a long one."""
    room = (height - TOP) / len(values)
    return [(value, round(TOP / 2 + room * (place + 0.5), 1)) for place, value in enumerate(values)]


def _label(y: float, name: str) -> Label:
    return Label(y=y + 4, text=name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…", full=name)


Ends = dict[int, tuple[float, str]]


def _curve(line: MatrixLine, lefts: Ends, rights: Ends, style: str) -> Curve:
    """The way back runs three units lower, so that there and back are two lines."""
    lower = 0 if style == "forward" else 3
    (left, status), (right, target) = lefts[line.status_id], rights[line.target_id]
    y1, y2, middle = left + lower, right + lower, (LEFT + RIGHT) / 2
    full = f"{status} shows {target}" if style == "forward" else f"{target} returns to {status}"
    return Curve(
        d=f"M{LEFT} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {RIGHT} {y2:g}",
        style=style,
        full=f"{full}, which shows another state" if style == "bounce" else full,
    )

"""The pictures of progress as geometry: of each row two bars, one for each side, and a mark where there is one.

Widths are in percent of the picture, so that texts keep their size on any screen; heights are in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ROW, LABEL, BAR, GAP = 58, 16, 12, 4  # pixels
LONGEST = 48  # signs of a name; the whole one stands in the table


@dataclass(frozen=True, kw_only=True)
class BarPart:
    """`style`: a class of the stylesheet. `said`: its tooltip."""

    share: float
    style: str
    said: str


@dataclass(frozen=True, kw_only=True)
class BarRow:
    """`bars`: of Align, then of Jira, each with its parts from the left; shares are of the largest row, 0 to 1."""

    label: str
    bars: Sequence[Sequence[BarPart]]
    mark: float | None = None
    mark_said: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawnPart:
    x: str
    y: int
    width: str
    style: str
    said: str


@dataclass(frozen=True, kw_only=True)
class DrawnRow:
    text_y: int
    label: str
    parts: Sequence[DrawnPart]
    mark_x: str
    mark_from: int
    mark_to: int
    mark_said: str


@dataclass(frozen=True, kw_only=True)
class BarPicture:
    height: int
    bar: int
    alternative: str
    rows: Sequence[DrawnRow]


def draw(rows: Iterable[BarRow], alternative: str) -> BarPicture | None:
    """None without a row."""
    drawn = [_row(place, each) for place, each in enumerate(rows)]
    if not drawn:
        return None
    return BarPicture(height=ROW * len(drawn), bar=BAR, alternative=alternative, rows=drawn)


def _row(place: int, row: BarRow) -> DrawnRow:
    top = place * ROW
    parts = []
    for number, bar in enumerate(row.bars):
        left, y = 0.0, top + LABEL + 4 + number * (BAR + GAP)
        for each in bar:
            if each.share > 0:
                parts.append(
                    DrawnPart(x=_percent(left), y=y, width=_percent(each.share), style=each.style, said=each.said)
                )
            left += each.share
    label = row.label if len(row.label) <= LONGEST else f"{row.label[: LONGEST - 1]}…"
    return DrawnRow(
        text_y=top + LABEL - 3,
        label=label,
        parts=parts,
        mark_x="" if row.mark is None else _percent(row.mark),
        mark_from=top + LABEL + 1,
        mark_to=top + LABEL + 7 + 2 * BAR + GAP,
        mark_said=row.mark_said,
    )


def _percent(share: float) -> str:
    """With a point, whatever language the page is in."""
    return f"{min(max(share, 0.0), 1.0) * 100:.3f}%"

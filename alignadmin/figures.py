"""Figures of this installation that a monitoring system asks for: rooms register them, `/metrics` reads them.

Each is read from the database when it is asked for, so that every process tells the same. Names stay as they are once
published: other people's pictures and alerts are made of them. Units are seconds and plain counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`help` names the unit. `labels` have few values: a connector, a kind, a state; never a person or a project."""

    name: str  # alignadmin_queue_age_seconds
    help: str
    labels: tuple[str, ...] = ()
    only_rises: bool = False  # a counter, whose name ends in _total

    def of(self, value: float, *labels: str) -> FigureValue:
        return FigureValue(figure=self, value=value, labels=labels)


@dataclass(frozen=True, kw_only=True)
class FigureValue:
    figure: Figure
    value: float
    labels: tuple[str, ...] = ()  # in the order of the figure's


@dataclass(frozen=True, kw_only=True)
class FigureSource:
    """Figures that are read together, in a number of queries that does not grow with what is counted."""

    name: str  # the label of alignadmin_scrape_errors
    figures: tuple[Figure, ...]
    read: Callable[[datetime], Iterable[FigureValue]]  # at that moment


_sources: list[FigureSource] = []


def register(*found: FigureSource) -> None:
    """Once, when the apps are ready."""
    _sources.extend(found)


def sources() -> Sequence[FigureSource]:
    return tuple(_sources)


def age(now: datetime, then: datetime) -> float:
    """Seconds, none below 0: clocks of two machines differ."""
    return max(0.0, (now - then).total_seconds())

"""How far linked items are, as either system sees it: counts and points by group, and points of teams by iteration
against their velocity. Pure sums: those of the groups of one kind add up to the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

LAST_ITERATIONS = 3  # that a velocity is the mean of


class Stage(StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    UNKNOWN = "unknown"  # that side does not tell

    @property
    def label(self) -> str:
        return {"todo": "To do", "doing": "In progress", "done": "Done", "unknown": "Not told"}[self]


OF_STATES: Mapping[int, Stage] = {
    0: Stage.TODO,
    1: Stage.TODO,
    2: Stage.DOING,
    3: Stage.DOING,
    4: Stage.DOING,
    5: Stage.DONE,
}
OF_CATEGORIES: Mapping[str, Stage] = {"new": Stage.TODO, "indeterminate": Stage.DOING, "done": Stage.DONE}


@dataclass(frozen=True, kw_only=True)
class ProgressItem:
    """A linked item. Points are None where that side has none. Ids are Align's; None where it is in none of the kind."""

    level: str
    id: int
    key: str
    title: str
    align: Stage
    jira: Stage
    align_points: float | None = None
    jira_points: float | None = None
    release: int | None = None
    epic: int | None = None
    feature: int | None = None
    team: int | None = None
    iteration: int | None = None

    @property
    def is_apart(self) -> bool:
        """Both sides tell, and they do not agree."""
        return Stage.UNKNOWN not in (self.align, self.jira) and self.align is not self.jira


@dataclass
class SideSum:
    """Of one side, by stage."""

    counts: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    points: dict[Stage, float] = field(default_factory=lambda: dict.fromkeys(Stage, 0.0))

    def add(self, stage: Stage, points: float | None) -> None:
        self.counts[stage] += 1
        self.points[stage] += points or 0.0

    def as_json(self) -> dict[str, dict[str, float]]:
        return {
            "counts": {each.value: self.counts[each] for each in Stage},
            "points": {each.value: round(self.points[each], 2) for each in Stage},
        }


@dataclass
class GroupSum:
    """`id` is None of what is in no such group."""

    id: int | None
    number: int = 0
    apart: int = 0
    align: SideSum = field(default_factory=SideSum)
    jira: SideSum = field(default_factory=SideSum)

    def add(self, item: ProgressItem) -> None:
        self.number += 1
        self.apart += item.is_apart
        self.align.add(item.align, item.align_points)
        self.jira.add(item.jira, item.jira_points)


def roll_up(items: Iterable[ProgressItem], group: Callable[[ProgressItem], int | None]) -> list[GroupSum]:
    """The largest first, what is in none last."""
    found: dict[int | None, GroupSum] = {}
    for each in items:
        id_ = group(each)
        found.setdefault(id_, GroupSum(id_)).add(each)
    return sorted(found.values(), key=lambda each: (each.id is None, -each.number, each.id or 0))


def whole(items: Iterable[ProgressItem]) -> GroupSum:
    found = GroupSum(None)
    for each in items:
        found.add(each)
    return found


# --- teams ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class IterationDates:
    """`ends` is None where Align tells none: such a one is never over."""

    id: int
    begins: date | None
    ends: date | None

    @property
    def order(self) -> tuple[date, int]:
        return self.ends or self.begins or date.max, self.id


@dataclass(frozen=True, kw_only=True)
class TeamIteration:
    """Points of a team in an iteration. `velocity`: the mean of what was done, as Align sees it, in the team's last
    iterations that were over before this one; None without one. `past`: how many these were.
    """

    team: int | None
    iteration: int
    number: int
    planned: float
    done_align: float
    done_jira: float
    velocity: float | None
    past: int
    is_over: bool


def team_iterations(
    items: Sequence[ProgressItem],
    iterations: Mapping[int, IterationDates],
    today: date,
    *,
    only: Collection[int] | None = None,
) -> list[TeamIteration]:
    """By team, then by the end of the iteration. `only`: ids of iterations that are told; the others count for
    velocities alone. Items without an iteration are in none of it.
    """
    by_team: dict[int | None, dict[int, list[ProgressItem]]] = defaultdict(lambda: defaultdict(list))
    for each in items:
        if each.iteration is not None:
            by_team[each.team][each.iteration].append(each)
    found = []
    for team in sorted(by_team, key=lambda each: (each is None, each or 0)):
        done: list[tuple[date, float]] = []  # of iterations that are over, in the order of their ends
        unknown = IterationDates(id=0, begins=None, ends=None)
        ordered = sorted(by_team[team], key=lambda each: (iterations.get(each, unknown).order[0], each))
        for iteration in ordered:
            some = by_team[team][iteration]
            dates = iterations.get(iteration, unknown)
            begins = dates.begins or dates.ends or date.max
            past = [points for ended, points in done if ended <= begins][-LAST_ITERATIONS:]
            is_over = dates.ends is not None and dates.ends < today
            done_align = sum(each.align_points or 0.0 for each in some if each.align is Stage.DONE)
            if is_over and dates.ends is not None:
                done.append((dates.ends, done_align))
            if only is not None and iteration not in only:
                continue
            found.append(
                TeamIteration(
                    team=team,
                    iteration=iteration,
                    number=len(some),
                    planned=sum(each.align_points or 0.0 for each in some),
                    done_align=done_align,
                    done_jira=sum(each.jira_points or 0.0 for each in some if each.jira is Stage.DONE),
                    velocity=sum(past) / len(past) if past else None,
                    past=len(past),
                    is_over=is_over,
                )
            )
    return found

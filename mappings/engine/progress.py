"""How far linked items are, as either system sees it: counts and points by group, and points of teams by iteration
against their velocity. Pure sums: those of the groups of one kind add up to the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

LAST_ITERATIONS = 3  # that a velocity is the mean of


class WorkStage(StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    UNKNOWN = "unknown"  # that side does not tell

    @property
    def label(self) -> str:
        return {"todo": "To do", "doing": "In progress", "done": "Done", "unknown": "Not told"}[self]


OF_STATES: Mapping[int, WorkStage] = {
    0: WorkStage.TODO,
    1: WorkStage.TODO,
    2: WorkStage.DOING,
    3: WorkStage.DOING,
    4: WorkStage.DOING,
    5: WorkStage.DONE,
}
OF_CATEGORIES: Mapping[str, WorkStage] = {
    "new": WorkStage.TODO,
    "indeterminate": WorkStage.DOING,
    "done": WorkStage.DONE,
}


@dataclass(frozen=True, kw_only=True)
class ProgressItem:
    """A linked item. Points are None where that side has none. Ids are Align's, None where it is in no such thing.

    `key`: of its issue, as Jira calls it now where it told. `issue_id`: Jira's, None where Align and we know none.
    """

    level: str
    id: int
    key: str
    title: str
    align: WorkStage
    jira: WorkStage
    align_points: float | None = None
    jira_points: float | None = None
    release: int | None = None
    epic: int | None = None
    feature: int | None = None
    team: int | None = None
    iteration: int | None = None
    issue_id: int | None = None

    @property
    def is_apart(self) -> bool:
        """Both sides tell, and they do not agree."""
        return WorkStage.UNKNOWN not in (self.align, self.jira) and self.align is not self.jira


@dataclass
class SideSum:
    """Of one side, by stage."""

    counts: dict[WorkStage, int] = field(default_factory=lambda: dict.fromkeys(WorkStage, 0))
    points: dict[WorkStage, float] = field(default_factory=lambda: dict.fromkeys(WorkStage, 0.0))

    def add(self, stage: WorkStage, points: float | None) -> None:
        self.counts[stage] += 1
        self.points[stage] += points or 0.0

    def as_json(self) -> dict[str, dict[str, float]]:
        return {
            "counts": {each.value: self.counts[each] for each in WorkStage},
            "points": {each.value: round(self.points[each], 2) for each in WorkStage},
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
    others: Sequence[ProgressItem] = (),
) -> list[TeamIteration]:
    """By team, then by the end of the iteration. `others` count for velocities alone. Items without an iteration are
    in none of it.
    """
    told = _by_iteration(items)
    every = _by_iteration((*items, *others))
    found = []
    for team in sorted({team for team, _ in told}, key=lambda each: (each is None, each or 0)):
        done: list[tuple[date, float]] = []  # of iterations that are over, in the order of their ends
        of_team = [iterations.get(id_, _undated(id_)) for some, id_ in every if some == team]
        for dates in sorted(of_team, key=lambda each: each.order):
            begins = dates.begins or dates.ends or date.max
            past = [points for ended, points in done if ended <= begins][-LAST_ITERATIONS:]
            is_over = dates.ends is not None and dates.ends < today
            if is_over and dates.ends is not None:
                done.append((dates.ends, _done(every[team, dates.id])))
            if some := told.get((team, dates.id)):
                found.append(
                    TeamIteration(
                        team=team,
                        iteration=dates.id,
                        number=len(some),
                        planned=sum(each.align_points or 0.0 for each in some),
                        done_align=_done(some),
                        done_jira=sum(each.jira_points or 0.0 for each in some if each.jira is WorkStage.DONE),
                        velocity=sum(past) / len(past) if past else None,
                        past=len(past),
                        is_over=is_over,
                    )
                )
    return found


def _by_iteration(items: Iterable[ProgressItem]) -> dict[tuple[int | None, int], list[ProgressItem]]:
    found: dict[tuple[int | None, int], list[ProgressItem]] = defaultdict(list)
    for each in items:
        if each.iteration is not None:
            found[each.team, each.iteration].append(each)
    return found


def _undated(iteration: int) -> IterationDates:
    return IterationDates(id=iteration, begins=None, ends=None)


def _done(items: Iterable[ProgressItem]) -> float:
    return sum(each.align_points or 0.0 for each in items if each.align is WorkStage.DONE)

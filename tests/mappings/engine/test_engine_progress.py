"""Sums of progress: those of the groups equal the whole, whatever the items are, and velocities are of what is over."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from mappings.engine.progress import (
    GroupSum,
    IterationDates,
    ProgressItem,
    WorkStage,
    roll_up,
    team_iterations,
    whole,
)

TODAY = date(2026, 12, 1)
POINTS = (None, 0.0, 0.5, 1.0, 3.0, 8.0, 13.0)


def world(seed: int) -> list[ProgressItem]:
    random = Random(seed)

    def some(first: int, last: int) -> int | None:
        ids: list[int | None] = [None, *range(first, last)]
        return random.choice(ids)

    return [
        ProgressItem(
            level=random.choice(["story", "defect"]),
            id=number,
            key=f"A-{number}",
            title="",
            align=random.choice(list(WorkStage)),
            jira=random.choice(list(WorkStage)),
            align_points=random.choice(POINTS),
            jira_points=random.choice(POINTS),
            release=some(1, 4),
            epic=some(10, 14),
            feature=some(20, 30),
            team=some(40, 43),
            iteration=some(50, 56),
        )
        for number in range(random.randint(0, 60))
    ]


def facts(sums: list[GroupSum]) -> tuple[object, ...]:
    return (
        sum(each.number for each in sums),
        sum(each.apart for each in sums),
        *(sum(each.align.counts[stage] for each in sums) for stage in WorkStage),
        *(sum(each.jira.counts[stage] for each in sums) for stage in WorkStage),
        *(sum(each.align.points[stage] for each in sums) for stage in WorkStage),
        *(sum(each.jira.points[stage] for each in sums) for stage in WorkStage),
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_sums_of_groups_equal_the_whole(seed: int) -> None:
    items = world(seed)
    for group in (
        lambda each: each.release,
        lambda each: each.epic,
        lambda each: each.feature,
        lambda each: each.team,
    ):
        groups = roll_up(items, group)
        assert facts(groups) == facts([whole(items)])
        assert len({each.id for each in groups}) == len(groups)
        assert all(sum(each.align.counts.values()) == sum(each.jira.counts.values()) == each.number for each in groups)
    dated = {id_: IterationDates(id=id_, begins=None, ends=date(2026, 11, id_ - 40)) for id_ in range(50, 56)}
    told = team_iterations(items, dated, TODAY)
    within = [each for each in items if each.iteration is not None]
    assert sum(each.number for each in told) == len(within)
    assert sum(each.planned for each in told) == sum(each.align_points or 0 for each in within)
    assert sum(each.done_jira for each in told) == sum(
        each.jira_points or 0 for each in within if each.jira is WorkStage.DONE
    )


def done(iteration: int, points: float, *, stage: WorkStage = WorkStage.DONE) -> ProgressItem:
    return ProgressItem(
        level="story",
        id=iteration,
        key=f"A-{iteration}",
        title="",
        align=stage,
        jira=WorkStage.DONE,
        align_points=points,
        jira_points=points,
        team=1,
        iteration=iteration,
    )


def test_a_velocity_is_of_the_last_three_iterations_that_were_over_before() -> None:
    ends = {
        1: date(2026, 9, 1),
        2: date(2026, 9, 15),
        3: date(2026, 10, 1),
        4: date(2026, 10, 15),
        5: date(2026, 12, 9),
    }
    begins = {1: date(2026, 8, 15), **{number: ends[number - 1] for number in range(2, 6)}}
    dates = {each: IterationDates(id=each, begins=begins[each], ends=ends[each]) for each in ends}
    items = [
        done(1, 10),
        done(2, 20),
        done(3, 3),
        done(3, 5, stage=WorkStage.DOING),
        done(4, 40),
        done(5, 7),
        done(9, 1),
    ]
    told = {each.iteration: each for each in team_iterations(items, dates, TODAY)}
    assert [(told[each].velocity, told[each].past) for each in (1, 2, 3, 4, 5)] == [
        (None, 0),
        (10, 1),
        (15, 2),
        (11, 3),
        (21, 3),
    ]
    assert (told[3].planned, told[3].done_align, told[3].done_jira) == (8, 3, 8)
    assert [told[each].is_over for each in (4, 5, 9)] == [True, False, False]
    others = team_iterations(items[5:6], dates, TODAY, items[:5])
    assert [(each.iteration, each.planned, each.velocity) for each in others] == [(5, 7, 21)]


def test_an_item_stands_apart_only_where_both_sides_tell() -> None:
    pairs = {(one, other) for one in WorkStage for other in WorkStage}
    apart = {
        (one, other)
        for one, other in pairs
        if ProgressItem(level="story", id=1, key="A-1", title="", align=one, jira=other).is_apart
    }
    assert apart == {(one, other) for one, other in pairs if one != other and WorkStage.UNKNOWN not in (one, other)}

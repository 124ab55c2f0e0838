"""The hour that the clocks show twice in autumn: which of the two a time is of, by the order of the lines.

Pure. Where the order shows nothing, the caller asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from itertools import pairwise

from connectors.align.audit_times import in_utc

DAY = timedelta(days=1)


class Fold(Enum):
    """Which of the two it is."""

    FIRST = 0
    SECOND = 1
    UNKNOWN = 2


def folds(written: Sequence[datetime | None], zone: tzinfo) -> dict[int, Fold]:
    """For the places of times that the clocks have shown twice.

    The log goes forward or backward. Where its clock jumps against that, the hour has begun again.
    """
    days = {at.date() for at in written if at and not at.tzinfo}
    changing = {day for day in days if is_of_change(day, zone)}
    doubled = {place for place, at in enumerate(written) if at and at.date() in changing and is_doubled(at, zone)}
    if not doubled:
        return {}
    spans = [
        (at, at + timedelta(hours=1) if place in doubled else at)
        for place, each in enumerate(written)
        if (at := in_utc(each, zone))
    ]
    directions = _directions(spans)
    found: dict[int, Fold] = {}
    for day in {at.date() for place in doubled if (at := written[place])}:
        places = [place for place in sorted(doubled) if (at := written[place]) and at.date() == day]
        found |= _by_order([(place, at) for place in places if (at := written[place])], directions)
    return found


def is_of_change(day: date, zone: tzinfo) -> bool:
    """Whether the clocks may show an hour of this day twice: asked of a day, it need not be asked of each line."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return len({(midnight + number * DAY).utcoffset() for number in (-1, 0, 1, 2)}) > 1
    except OverflowError:  # at the ends of the calendar
        return True


def is_doubled(at: datetime, zone: tzinfo) -> bool:
    if at.tzinfo:
        return False
    first, second = (at.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second and in_utc(at, zone) is not None


def _directions(spans: Sequence[tuple[datetime, datetime]]) -> tuple[bool, ...]:
    """The ways in which the log may go on, by the first and last moment of each time: True for forward.

    Both where it does not show, and none where the lines are in no order.
    """
    forward = any(after > before for (_, before), (after, _) in pairwise(spans))
    backward = any(after < before for (before, _), (_, after) in pairwise(spans))
    return () if forward and backward else (True,) if forward else (False,) if backward else (True, False)


def _by_order(times: Sequence[tuple[int, datetime]], directions: Sequence[bool]) -> dict[int, Fold]:
    possible: list[tuple[bool, list[int]]] = []
    for forward in directions:
        jumps = [
            number
            for number, ((_, before), (_, after)) in enumerate(pairwise(times), start=1)
            if (after < before if forward else after > before)
        ]
        if len(jumps) <= 1:
            possible.append((forward, jumps))
    if len(possible) != 1 or not possible[0][1]:
        return {place: Fold.UNKNOWN for place, _ in times}
    forward, (jump,) = possible[0]
    before, after = (Fold.FIRST, Fold.SECOND) if forward else (Fold.SECOND, Fold.FIRST)
    return {place: before if number < jump else after for number, (place, _) in enumerate(times)}

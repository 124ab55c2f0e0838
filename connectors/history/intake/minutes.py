"""Lines whose times were written without seconds, beside the same lines with them: each is one line, not two.

A line to the minute is taken as one of that minute that looks the same and is stored; and a line with seconds, unless
it is stored itself, as a stored one of its minute that had none. As many as there are, so that none is swallowed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from connectors.history.intake.pasted_log import LogLine
from connectors.history.mirror import projection
from connectors.models import LineWithoutSeconds, MirrorLine
from connectors.models.connector import Connector

MINUTE = timedelta(minutes=1)
Look: TypeAlias = "tuple[datetime, str, str, str]"  # the minute, and the other three columns


def with_known_seconds(
    connector: Connector, lines: Sequence[LogLine], is_here: Callable[[Iterable[LogLine]], set[int]]
) -> list[LogLine]:
    """The lines, those that are known under another second of their minute at that one's time.

    `is_here` tells the places of those whose time and columns are stored as they are.
    """
    found = list(lines)
    for place, at in [*_without_seconds(connector, lines), *_with_seconds(connector, lines, is_here)]:
        found[place] = replace(found[place], at=at)
    return found


def keep(pairs: Iterable[tuple[LogLine, MirrorLine]]) -> None:
    """Note which of the new lines were written to the minute."""
    LineWithoutSeconds.objects.bulk_create(
        [LineWithoutSeconds(line=made) for line, made in pairs if not line.has_seconds]
    )


def _without_seconds(connector: Connector, lines: Sequence[LogLine]) -> Iterator[tuple[int, datetime]]:
    wanted = _by_look(lines, lambda line: not line.has_seconds)
    for look, times in _stored(connector, wanted).items():
        yield from zip(wanted[look], sorted(times), strict=False)


def _with_seconds(
    connector: Connector, lines: Sequence[LogLine], is_here: Callable[[Iterable[LogLine]], set[int]]
) -> Iterator[tuple[int, datetime]]:
    if not LineWithoutSeconds.objects.filter(line__connector=connector).exists():
        return
    wanted = _by_look(lines, lambda line: line.has_seconds)
    stored = _stored(connector, wanted, without_seconds__isnull=False)
    places = [place for look in stored for place in wanted[look]]
    here = {places[number] for number in is_here([lines[place] for place in places])}
    whole = Counter(look for look in stored for place in wanted[look] if lines[place].at == look[0])
    for look, times in stored.items():
        left = sorted(times)[whole[look] :]
        yield from zip([place for place in wanted[look] if place not in here], left, strict=False)


def _by_look(lines: Sequence[LogLine], which: Callable[[LogLine], bool]) -> dict[Look, list[int]]:
    found: dict[Look, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        if line.at and which(line):
            found[_look(line.at, line.type, line.user, line.description)].append(place)
    return found


def _look(at: datetime, type_: str, user: str, description: str) -> Look:
    """As far as the table keeps them."""
    columns = (projection.safe(type_)[:200], projection.safe(user)[:320], projection.safe(description))
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    one, two, three = (" ".join(part.split()) for part in columns)
    return minute, one, two, three


def _stored(connector: Connector, wanted: dict[Look, list[int]], **which: bool) -> dict[Look, list[datetime]]:
    """The times of the stored lines of these looks."""
    found: dict[Look, list[datetime]] = defaultdict(list)
    if not wanted:
        return found
    minutes = [look[0] for look in wanted]
    stored = MirrorLine.objects.filter(connector=connector, at__gte=min(minutes), **which)
    try:
        stored = stored.filter(at__lt=max(minutes) + MINUTE)
    except OverflowError:
        pass
    rows = stored.order_by("at", "pk").values_list("at", "type", "user", "description")
    for at, type_, user, description in rows.iterator(chunk_size=2000):
        look = _look(at, type_, user, description)
        if look in wanted:
            found[look].append(at)
    return found

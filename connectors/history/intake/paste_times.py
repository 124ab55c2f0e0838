"""What is known here about the times of pasted lines: our own changes, and the lines that are here already.

In the wrong zone, an own change becomes an outside one; so a constant distance to own changes is asked about first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.history.intake.pasted_log import ZONES, Hour, LogLine
from connectors.history.mirror import matching, projection
from connectors.models import HistoryRow, Source
from connectors.models.connector import Connector

FARTHEST = timedelta(hours=14)  # that a zone is from UTC
QUARTER = timedelta(minutes=15)  # zones are whole quarters of an hour apart
SPREAD = timedelta(seconds=60)  # within which the distances of one cause lie
SAMPLE_SIZE = 300  # lines of a paste, spread over all of it
LEAST = 2  # lines: one may be a chance
AT_ONCE = 500
# Those that people know by a place; the others are their older names.
PLACES = sorted(name for name in ZONES if "/" in name and not name.startswith(("Etc/", "posix/", "right/")))


class AskZone(Exception):
    """The times seem to be of another zone than they were read in: own changes stand at a constant distance."""

    def __init__(self, found: Offset, zones: Sequence[str], read_in: str) -> None:
        super().__init__(found.sentence)
        self.found, self.zones, self.read_in = found, zones, read_in


class AskHour(Exception):
    """Some times are of the hour that the clocks showed twice, and nothing decides which of the two."""

    def __init__(self, lines: Sequence[LogLine], zone: str) -> None:
        first = lines[0].at.astimezone(ZoneInfo(zone)) if lines[0].at else None
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        super().__init__(
            f"On {first:%-d %b %Y} the clocks of {zone} showed an hour twice, and line {lines[0].number} "
            f"({first:%H:%M:%S}){more} may be of either: say which of the two it was."
        )


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Of `sampled` lines `matched` are own changes, if they are `distance` later than they were read."""

    matched: int
    sampled: int
    distance: timedelta

    @property
    def sentence(self) -> str:
        minutes = round(abs(self.distance) / timedelta(minutes=1))
        parts = [f"{minutes // 60} hour{'' if minutes // 60 == 1 else 's'}"] if minutes >= 60 else []
        parts += [f"{minutes % 60} minutes"] if minutes % 60 else []
        way = "later" if self.distance > timedelta(0) else "earlier"
        return (
            f"{self.matched} of {self.sampled} lines are changes made here, {' '.join(parts)} {way} than they were "
            "read: the times seem to be of another zone."
        )


# -- the zone ---------------------------------------------------------------------------------------------------------


def check_zone(connector: Connector, lines: Sequence[LogLine], read_in: str) -> None:
    """Raises AskZone when many lines are own changes at one distance and not where they were read."""
    sample = _spread(connector, lines)
    if len(sample) < LEAST:
        return
    near = _own_times(connector, sample, FARTHEST + matching.window())
    found = _offset(sample, near)
    if found:
        raise AskZone(found, _zones(read_in, sample, near, found), read_in)


def _spread(connector: Connector, lines: Sequence[LogLine]) -> list[tuple[str, datetime]]:
    """Of lines in the connector's zone, what they look like and when; at most so many, evenly chosen."""
    chosen = [line for line in lines if line.is_in_zone and line.config_id in connector.numbers]
    step = max(1, -(-len(chosen) // SAMPLE_SIZE))
    found = [(_match_of(connector, line), line.at) for line in chosen[::step]]
    return [(match, at) for match, at in found if match and at]


def _match_of(connector: Connector, line: LogLine) -> str:
    """Over the number that its type states; without one, over that of its time."""
    return projection.match_of(line.description, connector.number_of_line(line.config_id, line.at))


def _own_times(
    connector: Connector, sample: Sequence[tuple[str, datetime]], reach: timedelta
) -> Mapping[str, Sequence[datetime]]:
    """When changes of ours were made that look so, not farther away than that."""
    near: dict[str, list[datetime]] = defaultdict(list)
    span = (min(at for _, at in sample) - reach, max(at for _, at in sample) + reach)
    matches = sorted({match for match, _ in sample})
    for start in range(0, len(matches), AT_ONCE):
        ours = HistoryRow.objects.filter(
            connector=connector, source=Source.OURS, match__in=matches[start : start + AT_ONCE], at__range=span
        )
        for match, at in ours.values_list("match", "at"):
            near[match].append(at)
    return near


def _offset(sample: Sequence[tuple[str, datetime]], near: Mapping[str, Sequence[datetime]]) -> Offset | None:
    """The distance at which most lines are own changes, if those are more than the ones where they were read."""
    window = matching.window()
    distances: list[tuple[timedelta, int]] = []
    here = 0
    for number, (match, at) in enumerate(sample):
        apart = [ours - at for ours in near.get(match, ()) if abs(ours - at) <= FARTHEST + window]
        if any(abs(each) <= window for each in apart):
            here += 1
        else:
            distances += [(each, number) for each in apart if abs(each - _rounded(each)) <= window]
    best, middle = 0, timedelta(0)
    for some in _within_spread(sorted(distances)):
        count = len({number for _, number in some})
        if count > best:
            best, middle = count, some[len(some) // 2][0]
    if best < LEAST or best <= here:
        return None
    return Offset(matched=best, sampled=len(sample), distance=_rounded(middle))


def _within_spread(distances: Sequence[tuple[timedelta, int]]) -> Iterator[Sequence[tuple[timedelta, int]]]:
    first = 0
    for last in range(len(distances)):
        while distances[last][0] - distances[first][0] > SPREAD:
            first += 1
        yield distances[first : last + 1]


def _rounded(distance: timedelta) -> timedelta:
    return round(distance / QUARTER) * QUARTER


def _zones(
    read_in: str, sample: Sequence[tuple[str, datetime]], near: Mapping[str, Sequence[datetime]], found: Offset
) -> list[str]:
    """Those in which the most lines are own changes; UTC and the zones of connectors first."""
    zone = ZoneInfo(read_in)
    written = [(match, at.astimezone(zone).replace(tzinfo=None)) for match, at in sample if match in near]
    known = ["UTC", *Connector.objects.order_by("time_zone").values_list("time_zone", flat=True).distinct()]
    counts = {name: _fitting(written, near, ZoneInfo(name)) for name in dict.fromkeys([*known, *PLACES])}
    best = max(counts.values())
    return [name for name, count in counts.items() if count == best >= found.matched]


def _fitting(written: Sequence[tuple[str, datetime]], near: Mapping[str, Sequence[datetime]], zone: ZoneInfo) -> int:
    window = matching.window()
    times = ((match, at.replace(tzinfo=zone).astimezone(UTC)) for match, at in written)
    return sum(any(abs(ours - at) <= window for ours in near[match]) for match, at in times)


# -- the doubled hour -------------------------------------------------------------------------------------------------


def decide_hours(
    connector: Connector,
    lines: Sequence[LogLine],
    zone: str,
    hour: Hour | None,
    is_here: Callable[[LogLine], bool],
) -> list[LogLine]:
    """Each line of the doubled hour as the one that is here already, else as an own change, else as `hour` says.

    Raises AskHour for lines that none of it decides.
    """
    unsure = [line for line in lines if line.other]
    if not unsure:
        return list(lines)
    sample = [(_match_of(connector, line), line.at) for line in unsure if line.at]
    near = _own_times(connector, sample, matching.window() + timedelta(hours=2))
    decided = [_decided(connector, line, hour, near, is_here) for line in lines]
    if left := [line for line in decided if line.other]:
        raise AskHour(left, zone)
    return decided


def _decided(
    connector: Connector,
    line: LogLine,
    hour: Hour | None,
    near: Mapping[str, Sequence[datetime]],
    is_here: Callable[[LogLine], bool],
) -> LogLine:
    if line.other is None:
        return line
    first, second = replace(line, other=None), replace(line, at=line.other, other=None)
    for fits in (is_here, lambda each: _is_ours(connector, each, near)):
        found = [each for each in (first, second) if fits(each)]
        if len(found) == 1:
            return found[0]
    return {Hour.FIRST: first, Hour.SECOND: second}[hour] if hour else line


def _is_ours(connector: Connector, line: LogLine, near: Mapping[str, Sequence[datetime]]) -> bool:
    match = _match_of(connector, line)
    return any(line.at and abs(ours - line.at) <= matching.window() for ours in near.get(match, ()))

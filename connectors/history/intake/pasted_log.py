"""Reading pasted or uploaded log lines: four columns, tab- or comma-separated, with times in one of the listed forms.

Pure: no Django, no database. A line that cannot be read is returned with its number and the reason, never dropped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum, StrEnum
from itertools import pairwise

DAY = timedelta(days=1)
COLUMNS = ("type", "user", "timestamp", "description")
LONGEST = 64 * 1024  # characters of a line; Align's own have some hundreds


class DayOrder(StrEnum):
    """What comes first in dates such as 03/04/2026."""

    DAY_FIRST = "day"
    MONTH_FIRST = "month"


@dataclass(frozen=True, kw_only=True)
class Form:
    """One accepted way to write a time; `example` is shown to people."""

    example: str
    format: str
    zoned: bool = False


FORMS = (
    Form(example="2026-11-20 14:02:03", format="%Y-%m-%d %H:%M:%S"),
    Form(example="2026-11-20T14:02:03Z", format="%Y-%m-%d %H:%M:%S%z", zoned=True),
    Form(example="2026-11-20T14:02:03+01:00", format="%Y-%m-%d %H:%M:%S%z", zoned=True),
    Form(example="20 Nov 2026 14:02:03", format="%d %b %Y %H:%M:%S"),
    Form(example="20 Nov 2026 2:02:03 PM", format="%d %b %Y %I:%M:%S %p"),
    Form(example="20 November 2026 14:02:03", format="%d %B %Y %H:%M:%S"),
    Form(example="Nov 20, 2026 2:02:03 PM", format="%b %d, %Y %I:%M:%S %p"),
    Form(example="November 20, 2026 2:02:03 PM", format="%B %d, %Y %I:%M:%S %p"),
    Form(example="Nov 20, 2026 14:02:03", format="%b %d, %Y %H:%M:%S"),
)
SLASHED = {
    DayOrder.DAY_FIRST: ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %I:%M:%S %p"),
    DayOrder.MONTH_FIRST: ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
}
SLASHED_EXAMPLE = "20/11/2026 14:02:03 or 11/20/2026 2:02:03 PM"
# As Align itself writes it, and so nearly all of them.
TIDY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch
NUMERIC = re.compile(r"[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}\b")


class Hour(StrEnum):
    """Which of the two hours a time is of that the clocks show twice in autumn, where the lines do not decide."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of Align's log; `at` is None when its time or its columns could not be read."""

    number: int  # of its first physical line, 0 for lines from the endpoint
    raw: str
    type: str = ""
    user: str = ""
    at: datetime | None = None
    description: str = ""
    remote_id: int | None = None
    problem: str = ""
    is_refused: bool = False  # its time cannot be read, or it is too long: to be sent again, so it is not kept
    is_in_zone: bool = False  # its time was written without a zone
    other: datetime | None = None  # an hour later, where the clocks showed its time twice and nothing decides which


class AskDayOrder(Exception):
    """The dates can be read with the day or with the month first, and nothing in the lines decides which."""


def read_lines(text: str, zone: tzinfo, order: DayOrder | None = None) -> list[LogLine]:
    """Split and read every line; naive times are in `zone`. Raises AskDayOrder rather than guess.

    A time of the doubled hour in autumn is read by the order of the lines; where that shows nothing, it has an `other`.
    """
    records = list(_records(text))
    places = tuple(range(len(COLUMNS)))
    if records and (header := _header(records[0][1])):
        places, records = header, records[1:]
    split = [(number, raw, _in_order(cells, places)) for number, cells, raw in _with_raw(records, text)]
    order = order or _decide_order([cells[2] for _, _, cells in split if cells])
    written = [_written(cells[2], order) if cells else None for _, _, cells in split]
    folds = _folds(written, zone)
    return [
        _line(number, raw, cells, at, zone, folds.get(place))
        for place, ((number, raw, cells), at) in enumerate(zip(split, written, strict=True))
    ]


# -- columns ----------------------------------------------------------------------------------------------------------


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its first physical line; blank lines are none."""
    delimiter = _delimiter(text)
    # A field may be as long as the whole paste: the limit of the csv module would be an error.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield number, _four(cells, delimiter)
        number = reader.line_num + 1


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return "\t" if first.count("\t") >= len(COLUMNS) - 1 else ","


def _four(cells: list[str], delimiter: str) -> list[str]:
    """Descriptions are full of commas: what is more than four columns belongs to the last one."""
    last = len(COLUMNS) - 1
    return [*cells[:last], delimiter.join(cells[last:])] if len(cells) > len(COLUMNS) else cells


def _header(cells: list[str]) -> tuple[int, ...] | None:
    names = [cell.strip().lower() for cell in cells]
    return tuple(names.index(name) for name in COLUMNS) if sorted(names) == sorted(COLUMNS) else None


def _with_raw(records: list[tuple[int, list[str]]], text: str) -> Iterator[tuple[int, list[str], str]]:
    physical = io.StringIO(text, newline="").readlines()
    starts = [number for number, _ in records] + [len(physical) + 1]
    for (number, cells), end in zip(records, starts[1:], strict=True):
        yield number, cells, "".join(physical[number - 1 : end - 1]).rstrip("\r\n")


def _in_order(cells: list[str], places: tuple[int, ...]) -> list[str] | None:
    return [cells[place] for place in places] if len(cells) == len(COLUMNS) else None


def _line(
    number: int, raw: str, cells: list[str] | None, written: datetime | None, zone: tzinfo, fold: Fold | None
) -> LogLine:
    if len(raw) > LONGEST:
        return LogLine(number=number, raw=raw, problem=_too_long(len(raw)), is_refused=True)
    if cells is None:
        return LogLine(number=number, raw=raw, problem="it does not have the four columns")
    type_, user, timestamp, description = cells
    at = _in_utc(written, zone, 1 if fold is Fold.SECOND else 0)
    if at is None:
        why = "is in no listed form"
        if written and _in_utc(written, UTC):
            why = f"never was in {zone}: the clocks were put forward over it"
        problem = f"its time “{timestamp.strip()[:40]}” {why}"
        return LogLine(number=number, raw=raw, problem=problem, is_refused=True)
    return LogLine(
        number=number,
        raw=raw,
        type=type_.strip(),
        user=user.strip(),
        at=at,
        description=description.strip(),
        is_in_zone=written is not None and written.tzinfo is None,
        other=_in_utc(written, zone, 1) if fold is Fold.UNKNOWN else None,
    )


def _too_long(length: int) -> str:
    why = "perhaps a quotation mark in it is never closed"
    return f"it has {length:,} characters, more than the {LONGEST:,} that a line may have; {why}"


# -- times ------------------------------------------------------------------------------------------------------------


def read_time(text: str, zone: tzinfo, order: DayOrder | None = None) -> datetime | None:
    """A time to the second in UTC, or None for a form that is not listed."""
    return _in_utc(_written(text, order), zone)


def _written(text: str, order: DayOrder | None) -> datetime | None:
    """As it stands there: with a zone where the text has one."""
    plain = _tidy(text)
    if NUMERIC.match(plain):
        return _first(plain, SLASHED[order]) if order else None
    return _first(plain, tuple(form.format for form in FORMS))


def _in_utc(written: datetime | None, zone: tzinfo, fold: int = 0) -> datetime | None:
    """None for a time that the clocks of the zone have left out."""
    try:
        if written is None or written.tzinfo:
            return written and written.astimezone(UTC)
        at = written.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        return at if at.astimezone(zone).replace(tzinfo=None) == written else None
    except OverflowError:
        return None


def _tidy(text: str) -> str:
    """One space between parts, no fractions of a second, slashes for dots, no T between date and time."""
    if TIDY(text):
        return text
    plain = " ".join(text.replace("\u202f", " ").split())
    plain = re.sub(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]", r"\1 ", plain)
    plain = re.sub(r"(:[0-9]{2})[.,][0-9]+", r"\1", plain)
    plain = re.sub(r"^([0-9]{1,2})\.([0-9]{1,2})\.", r"\1/\2/", plain)
    plain = re.sub(r"^([0-9]{1,2}/[0-9]{1,2}/[0-9]{4}),", r"\1", plain)
    return re.sub(r"\s*(Z|UTC|[+-][0-9]{2}:?[0-9]{2})$", r"\1", plain).replace("UTC", "Z")


def _first(text: str, formats: tuple[str, ...]) -> datetime | None:
    for format_ in formats:
        try:
            return datetime.strptime(text, format_)  # noqa: DTZ007  (the zone follows)
        except ValueError:
            continue
    return None


def _decide_order(timestamps: list[str]) -> DayOrder | None:
    """The one order in which every numeric date can be read; None when there is no such date."""
    numeric = [tidy for text in timestamps if NUMERIC.match(tidy := _tidy(text))]
    if not numeric:
        return None
    possible = [order for order in DayOrder if all(_first(text, SLASHED[order]) for text in numeric)]
    if len(possible) != 1:
        raise AskDayOrder
    return possible[0]


# -- the hour that the clocks show twice ------------------------------------------------------------------------------


class Fold(Enum):
    """Which of the two it is."""

    FIRST = 0
    SECOND = 1
    UNKNOWN = 2


def _folds(written: Sequence[datetime | None], zone: tzinfo) -> dict[int, Fold]:
    """For the places of times that the clocks have shown twice.

    The log goes forward or backward. Where its clock jumps against that, the hour has begun again.
    """
    days = {at.date() for at in written if at and not at.tzinfo}
    changing = {day for day in days if _is_of_change(day, zone)}
    doubled = {place for place, at in enumerate(written) if at and at.date() in changing and _is_doubled(at, zone)}
    if not doubled:
        return {}
    spans = [
        (at, at + timedelta(hours=1) if place in doubled else at)
        for place, each in enumerate(written)
        if (at := _in_utc(each, zone))
    ]
    directions = _directions(spans)
    found: dict[int, Fold] = {}
    for day in {at.date() for place in doubled if (at := written[place])}:
        places = [place for place in sorted(doubled) if (at := written[place]) and at.date() == day]
        found |= _by_order([(place, at) for place in places if (at := written[place])], directions)
    return found


def _is_of_change(day: date, zone: tzinfo) -> bool:
    """Whether the clocks may show an hour of this day twice: asked of a day, it need not be asked of each line."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return len({(midnight + number * DAY).utcoffset() for number in (-1, 0, 1, 2)}) > 1
    except OverflowError:  # at the ends of the calendar
        return True


def _is_doubled(at: datetime, zone: tzinfo) -> bool:
    if at.tzinfo:
        return False
    first, second = (at.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second and _in_utc(at, zone) is not None


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

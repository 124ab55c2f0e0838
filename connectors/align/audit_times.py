"""Times as people's logs write them: with or without seconds, with names or numbers of months, with or without a zone.

Pure. Day and month of a date such as 03/04/2026 are decided by all lines of a text together, or asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import NamedTuple


class DayOrder(StrEnum):
    """What comes first in dates such as 03/04/2026."""

    DAY_FIRST = "day"
    MONTH_FIRST = "month"


ORDER_WORDS = {DayOrder.DAY_FIRST: "the day first", DayOrder.MONTH_FIRST: "the month first"}


@dataclass(frozen=True, kw_only=True)
class Form:
    """One accepted way to write a time; `example` is shown to people. Each may leave the seconds out."""

    example: str
    zoned: bool = False


FORMS = (
    Form(example="2026-11-20 14:02:03"),
    Form(example="2026-11-20T14:02:03Z", zoned=True),
    Form(example="2026-11-20T14:02:03+01:00", zoned=True),
    Form(example="2026/11/20 14:02:03"),
    Form(example="20 Nov 2026 14:02:03"),
    Form(example="20 Nov 2026 2:02:03 PM"),
    Form(example="20 November 2026 14:02:03"),
    Form(example="20-Nov-2026 14:02:03"),
    Form(example="Nov 20, 2026 2:02:03 PM"),
    Form(example="Nov 20, 2026, 2:02:03 PM"),
    Form(example="November 20, 2026 2:02:03 PM"),
    Form(example="Nov 20, 2026 14:02:03"),
)
SLASHED_EXAMPLE = "20/11/2026 14:02:03 or 11/20/2026 2:02:03 PM"
LONGEST = 80  # characters of a time

# As Align itself writes it, and so nearly all of them.
TIDY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
MONTH_NUMBERS = {
    **{name: number for number, name in enumerate(FULL_MONTHS, start=1)},
    **{name: number for number, name in enumerate(MONTHS, start=1)},
    "sept": 9,
}
DATE = r"""
    (?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?[ ])?
    (?:
        (?P<iso_year>[0-9]{4})(?P<iso_sign>[-/.])(?P<iso_month>[0-9]{1,2})(?P=iso_sign)(?P<iso_day>[0-9]{1,2})
      | (?P<day_a>[0-9]{1,2})[ -](?P<month_a>[a-z]{3,9})\.?,?[ -](?P<year_a>[0-9]{4})
      | (?P<month_b>[a-z]{3,9})\.?[ ](?P<day_b>[0-9]{1,2}),?[ ](?P<year_b>[0-9]{4})
      | (?P<first>[0-9]{1,2})(?P<sign>[-/.])(?P<second>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})
    )"""
CLOCK = r"""
    (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})
    (?::(?P<secs>[0-9]{2})(?:[.,][0-9]{1,9})?)?
    (?:[ ]?(?P<half>[ap])\.?m\.?)?
    (?:[ ]?\(?(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-][0-9]{2}:?[0-9]{2})\)?)?"""
READS = re.compile(rf"{DATE}(?:t|,?[ ]at[ ]|,?[ ]){CLOCK}", re.IGNORECASE | re.VERBOSE).fullmatch
SOMEWHERE = re.compile(r"[0-9]{4}.{0,8}?\b[0-9]{1,2}:[0-9]{2}").search  # where a time may stand in a line


class WrittenTime(NamedTuple):
    """As it stands there: with a zone where the text has one."""

    at: datetime
    has_seconds: bool
    is_numeric: bool = False  # day and month are numbers of which either may come first


class AskDayOrder(Exception):
    """The dates can be read with the day or with the month first, and nothing in the lines decides which."""


# -- one time ---------------------------------------------------------------------------------------------------------


def written_time(text: str, order: DayOrder | None = None) -> WrittenTime | None:
    """None for a form that is not listed, and for a date of which nobody has said what comes first."""
    if TIDY(text):
        return _tidy_time(text)
    if len(text) > LONGEST:
        return None
    found = READS(" ".join(text.split()))  # also the narrow spaces that browsers put before AM and PM
    date = _date_in(found, order) if found else None
    clock = _clock_in(found) if found else None
    if found is None or date is None or clock is None:
        return None
    try:
        at = datetime(*date, *clock, tzinfo=_zone_in(found["zone"]))
    except (ValueError, OverflowError):
        return None
    return WrittenTime(at, found["secs"] is not None, found["first"] is not None)


def _tidy_time(text: str) -> WrittenTime | None:
    try:
        return WrittenTime(datetime.fromisoformat(text), has_seconds=True)
    except ValueError:
        return None


def _date_in(found: re.Match[str], order: DayOrder | None) -> tuple[int, int, int] | None:
    """Year, month, day."""
    if found["iso_year"]:
        return int(found["iso_year"]), int(found["iso_month"]), int(found["iso_day"])
    for end in ("a", "b"):
        if found[f"year_{end}"]:
            month = MONTH_NUMBERS.get(found[f"month_{end}"].lower())
            return (int(found[f"year_{end}"]), month, int(found[f"day_{end}"])) if month else None
    first, second = int(found["first"]), int(found["second"])
    if order is None:
        return None
    day, month = (first, second) if order is DayOrder.DAY_FIRST else (second, first)
    return int(found["year"]), month, day


def _clock_in(found: re.Match[str]) -> tuple[int, int, int] | None:
    """Hour of 24, minute, second."""
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    return hour, int(found["minute"]), int(found["secs"] or 0)


def _zone_in(text: str | None) -> tzinfo | None:
    if not text:
        return None
    written = text.upper().removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if written in ("", "Z"):
        return UTC
    distance = timedelta(hours=int(written[1:3]), minutes=int(written[3:5]))
    if distance >= timedelta(days=1):
        raise ValueError("no zone is a day away")
    return timezone(-distance if written[0] == "-" else distance)


def in_utc(written: datetime | None, zone: tzinfo, fold: int = 0) -> datetime | None:
    """None for a time that the clocks of the zone have left out."""
    try:
        if written is None or written.tzinfo:
            return written and written.astimezone(UTC)
        at = written.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        return at if at.astimezone(zone).replace(tzinfo=None) == written else None
    except OverflowError:
        return None


# -- which comes first, the day or the month --------------------------------------------------------------------------


class OrderDecision(NamedTuple):
    """The order, and the place of the first time that can be read in it alone."""

    order: DayOrder
    place: int


def decide_order(timestamps: Sequence[str]) -> OrderDecision | None:
    """The one order in which every numeric date can be read; None when there is no such date.

    Raises AskDayOrder where both fit, and where some lines fit the one and some the other.
    """
    deciding: dict[DayOrder, list[int]] = {order: [] for order in DayOrder}
    numeric = 0
    for place, text in enumerate(timestamps):
        if TIDY(text):
            continue
        readings = [
            order for order in DayOrder if (written := written_time(text, order)) is not None and written.is_numeric
        ]
        numeric += len(readings) > 0
        if len(readings) == 1:
            deciding[readings[0]].append(place)
    if not numeric:
        return None
    found = [order for order, places in deciding.items() if places]
    if not found:
        raise AskDayOrder("These dates can be read in two ways: say whether the day or the month comes first.")
    if len(found) > 1:
        day, month = (len(deciding[order]) for order in (DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST))
        raise AskDayOrder(
            f"These dates are of two kinds: {day} of them can only have the day first, {month} only the month. "
            "Import the two kinds in two parts; or say whether the day or the month comes first, and the others are "
            "refused by their numbers."
        )
    return OrderDecision(found[0], deciding[found[0]][0])

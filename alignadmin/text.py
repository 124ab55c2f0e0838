"""Plain text for people: one line, numbers and times with their words, names that can be seen, a typed day's end."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date

from alignadmin.errors import Refused


def one_line(text: str) -> str:
    """Without line breaks and control characters, which would begin a header or a line of their own."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 line", "2,000 lines"; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def lasting(seconds: int) -> str:
    """ "7 days", "36 hours", "90 minutes": a chosen length of time in the largest unit that tells it exactly."""
    units = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    return next(counted(seconds // size, unit) for unit, size in units if seconds % size == 0)


def first_of(names: Sequence[str], most: int, *, total: int = 0) -> str:
    """ "a, b, c and 4 more": at most `most` of them by name; empty where there is none.

    `total`: how many there are, where only some of the names are at hand.
    """
    more = (total or len(names)) - len(names[:most])
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def plain_name(typed: str) -> str:
    """One line without characters that nobody sees: the name stands in e-mails and in the history."""
    name = " ".join(typed.split())
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") for letter in name):
        raise ValidationError("The name holds characters that cannot be seen. Type it instead of pasting it.")
    return name


def day_end(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.max))


def end_of_day(text: str, longest: timedelta) -> datetime | None:
    """The end of the typed day in the viewer's zone; None for what is no day. Raises Refused for one further off."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None:
        return None
    if day > timezone.localdate() + longest:
        raise Refused(f"Choose a day within {longest.days - 1} days: what stays longer, adopt or restore.")
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))

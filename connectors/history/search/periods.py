"""Days, months and the like in a search: what `since:` and `until:` take, in the zone of whoever searches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

FORMS = "a day (2026-03-31), a month (2026-03), a time (2026-03-31T14:00), today, quarter, or days back (30d)"
YEARS = range(1971, 2100)
MINUTE = "%Y-%m-%dT%H:%MZ"  # how a moment in UTC is written for a search


@dataclass(frozen=True, kw_only=True)
class Period:
    """From its first moment up to, not with, the first one after it."""

    start: datetime
    end: datetime


def read(text: str, now: datetime) -> Period | None:
    """`now` is in the zone that days are meant in; None for what is no period."""
    wanted, zone = text.strip().lower(), now.tzinfo or UTC
    named = _named(wanted, now.date(), zone)
    if named:
        return named
    if found := re.fullmatch(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", wanted):
        return _written(int(found[1]), int(found[2]), int(found[3]) if found[3] else None, zone)
    return _moment(text.strip().upper(), zone)


def _named(wanted: str, today: date, zone: tzinfo) -> Period | None:
    """Told from today, so that a saved search moves on with the time."""
    if wanted == "today":
        return days(today, today, zone)
    if wanted == "yesterday":
        return days(today - timedelta(days=1), today - timedelta(days=1), zone)
    if wanted == "quarter":
        return days(today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today, zone)
    if found := re.fullmatch(r"([0-9]{1,4})d", wanted):
        # Seven days are today and the six before it.
        first = today - timedelta(days=max(int(found[1]) - 1, 0))
        return days(first, first, zone)
    return None


def _written(year: int, month: int, day: int | None, zone: tzinfo) -> Period | None:
    if year not in YEARS:
        return None
    try:
        first = date(year, month, day or 1)
    except ValueError:
        return None
    last = first if day else (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return days(first, last, zone)


def _moment(text: str, zone: tzinfo) -> Period | None:
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?"
    found = re.fullmatch(form, text)
    if not found:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.year not in YEARS:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return Period(start=at, end=at + timedelta(seconds=1 if found[1] else 60))


def days(first: date, last: date, zone: tzinfo) -> Period:
    return Period(start=_midnight(first, zone), end=_midnight(last + timedelta(days=1), zone))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone)

"""Small words for templates: times with UTC on hover, plurals, durations. Built in, so no template loads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from alignadmin.text import counted
from alignadmin.web.filled_html import fill_html

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))


@register.filter
def stamp(at: datetime | None, empty: str = "never") -> str:
    """ "21 Nov 2026, 09:40" in the viewer's zone; the UTC time is in `datetime` and on hover."""
    if at is None:
        return empty
    return _time(at, timezone.localtime(at).strftime("%-d %b %Y, %H:%M"))


@register.filter
def moment(at: datetime | None, empty: str = "never") -> str:
    """ "21 Nov 2026 09:40:12" in the viewer's zone, where seconds tell one row from the next."""
    return empty if at is None else _time(at, timezone.localtime(at).strftime("%-d %b %Y %H:%M:%S"))


@register.filter
def clock(at: datetime | None, empty: str = "") -> str:
    """ "09:40:12" in the viewer's zone, for lists within one day."""
    return empty if at is None else _time(at, timezone.localtime(at).strftime("%H:%M:%S"))


@register.filter
def ago(at: datetime | None, empty: str = "never") -> str:
    """ "12 min ago", with the exact time on hover."""
    if at is None:
        return empty
    seconds = (timezone.now() - at).total_seconds()
    if abs(seconds) < 5:
        return _time(at, "just now")
    return _time(at, f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}")


@register.filter
def span(seconds: float | None) -> str:
    """A duration in its one fitting unit: "14 s", "12 min", "3 h", "9 d"."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    for size, unit in STEPS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return "less than 1 s"


def _time(at: datetime, text: str) -> SafeString:
    utc = at.astimezone(UTC)
    return fill_html(
        '<time datetime="{}" title="{} UTC">{}</time>', f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}", text
    )


@register.filter
def plural(number: int | Iterable[Any], word: str) -> str:
    """ "1 edit", "2 edits"; "story,stories" gives both forms where an s is not enough."""
    one, _, many = word.partition(",")
    return counted(number if isinstance(number, int) else len(list(number)), one, many)


@register.filter
def at(values: Any, key: Any) -> Any:
    """The value under a key that is itself a variable."""
    return values.get(key, "") if hasattr(values, "get") else ""


@register.filter
def minus(number: int, other: int) -> int:
    return number - other


@register.filter
def words(text: str) -> list[str]:
    """A fixed list written in a template: `{% for each in "create update delete"|words %}`."""
    return text.split()


@register.filter(name="json")
def as_json(value: Any) -> str:
    """As it is sent, for people to read; escaped like any other text."""
    return json.dumps(value, ensure_ascii=False)

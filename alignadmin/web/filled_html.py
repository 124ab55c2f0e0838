"""HTML from a template text and values, for pages that draw thousands of pieces in Python."""

from __future__ import annotations

from html import escape
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


def fill_html(html: str, /, *values: Any, **named: Any) -> SafeString:
    """The same text as Django's `format_html` makes of it, in a third of the time: most values are plain texts, numbers
    or HTML already, of which Django first asks whether each is a translation that waits.
    """
    filled = html.format(*map(_escaped, values), **{name: _escaped(value) for name, value in named.items()})
    return SafeString(filled)  # nosec B703  # each value is escaped


def _escaped(value: Any) -> str:
    kind = type(value)
    if kind is SafeString:
        return value  # type: ignore[no-any-return]
    if kind is str:
        return escape(value)
    if kind is int:
        return str(value)
    return conditional_escape(value)

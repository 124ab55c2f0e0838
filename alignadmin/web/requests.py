"""Reading what a request brings."""

from __future__ import annotations

from django.http import QueryDict

from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole


def number(data: QueryDict, name: str) -> int | None:
    """A whole number from a form; None when empty. Raises Refused for anything else: it was not made by our page."""
    text = text_in(data, name).strip()
    if not text:
        return None
    if (found := whole(text)) is None:
        raise Refused(f'"{text[:40]}" is not an id. Reload the page and try again.')
    return found

"""What people and other systems send as text, read the same way everywhere: whole numbers, and text for a column.

Plain Python, so that views, forms, clients and the engine may all use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 2**63 - 1  # of the databases' widest integers, which ids are
LONGEST = len(str(LARGEST))
NUL, REPLACEMENT = "\0", "\ufffd"


def whole(text: object, *, most: int = LARGEST) -> int | None:
    """The whole number from 0 to `most` that the ASCII digits of `text` write; None for anything else.

    Python calls "²" a digit and refuses to read thousands of digits, and no column holds more than 64 bits.
    """
    digits = str(text).strip() if isinstance(text, str | int) and not isinstance(text, bool) else ""
    if not digits.isascii() or not digits.isdigit():
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > LONGEST:
        return None
    number = int(significant)
    return number if number <= most else None


def text_in(data: Mapping[str, Any], name: str, default: str = "") -> str:
    """A field of an address or a form; `default` when it is not there. It can be stored and searched for anywhere.

    What has a NUL becomes a text that nothing is named like, as in a web page.
    """
    value = data.get(name)
    return default if value is None else plain(str(value))


def plain(value: str) -> str:
    """Without NUL, which PostgreSQL's texts do not hold, and without halves of a character, which no database does."""
    text = value.replace(NUL, REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def typed(text: str) -> str:
    """What a person typed into a field: without the blanks around it, and without what only programs send."""
    return text.replace(NUL, "").replace(REPLACEMENT, "").strip()

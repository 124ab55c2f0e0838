"""Why somebody does something to a whole connector: one line, which stands in the history."""

from __future__ import annotations

from alignadmin.errors import Refused
from alignadmin.parsing import typed

LONGEST_REASON = 500
LACKS_REASON = "Say why: the reason goes into the history."
TOO_LONG = f"The reason is longer than {LONGEST_REASON} characters: shorten it."


def plain_reason(text: str, *, lacks: str = LACKS_REASON) -> str:
    """Without line ends. `lacks` is what somebody is told who typed nothing. Raises Refused."""
    plain = " ".join(typed(text).split())
    if not plain:
        raise Refused(lacks)
    if len(plain) > LONGEST_REASON:
        raise Refused(TOO_LONG)
    return plain

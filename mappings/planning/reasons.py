"""What people type to explain themselves: trimmed, and refused when it is missing or endless."""

from __future__ import annotations

from alignadmin.errors import Refused
from alignadmin.parsing import typed

LONGEST_REASON = 2000


def reason_typed(text: str, *, lacks: str) -> str:
    """`lacks` is what somebody is told who typed nothing."""
    plain = typed(text)
    if not plain:
        raise Refused(lacks)
    if len(plain) > LONGEST_REASON:
        raise Refused(f"The reason is longer than {LONGEST_REASON} characters: shorten it.")
    return plain

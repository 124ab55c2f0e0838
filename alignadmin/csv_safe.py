"""Cells of a CSV file that no spreadsheet takes for a formula, and that can be read back to the letter.

ASVS 5.0, 1.2.10: RFC 4180 quoting, and an apostrophe before a first character that begins a formula. An apostrophe of
the value's own gets a second one, so that taking one away gives back every value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

GUARD = "'"
# Also the wide forms that spreadsheets of East Asian languages take for the plain ones, and LF, which some trim.
DANGEROUS = frozenset(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠", GUARD))
# Without it a spreadsheet takes the file for the system's own encoding.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def guarded(value: object) -> str:
    text = value if type(value) is str else "" if value is None else str(value)
    return GUARD + text if text[:1] in DANGEROUS else text


def unguarded(text: str) -> str:
    return text.removeprefix(GUARD)


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """RFC 4180: commas, CRLF, quotes doubled."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([guarded(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")

"""The note of a review as a browser sends it, prepared or signed: its lines, and how long it may be."""

from __future__ import annotations

from alignadmin.errors import Refused

LONGEST_NOTE = 4000


def lines_of_browser(note: str) -> str:
    """A browser counts the end of a line as one character, and sends two."""
    return note.replace("\r\n", "\n").strip()


def refuse_long_note(note: str) -> None:
    if len(note) > LONGEST_NOTE:
        raise Refused(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}.")

"""The keys that pages answer to (static/app.js, static/frame.js, static/history.js)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class KeyGroup:
    """`pages`: parts of the addresses where these work; none for every page."""

    title: str
    keys: tuple[tuple[str, str], ...]  # keys with a blank between those pressed together, and what they do
    pages: tuple[str, ...] = ()


KEYS = (
    KeyGroup(
        title="Every page",
        keys=(
            ("/", "search everything, or the filter of the page where it has one"),
            ("Ctrl K", "search everything, from within a field as well"),
            ("?", "these keys"),
            ("Esc", "close a menu, a list or a dialog"),
        ),
    ),
    KeyGroup(
        title="Search and menus of the bar",
        keys=(("↓ ↑", "next and previous"), ("Enter", "open it; in the field, all results")),
    ),
    KeyGroup(
        title="The history",
        pages=("/history/",),
        keys=(
            ("J", "open the next older row"),
            ("K", "open the next newer row"),
            ("Esc", "close the row that is open"),
        ),
    ),
    KeyGroup(
        title="The grid of a matrix",
        pages=("/mappings/",),
        keys=(
            ("← → ↑ ↓", "move from cell to cell"),
            ("Home", "first cell of the row; with Ctrl of the grid"),
            ("End", "last cell of the row; with Ctrl of the grid"),
            ("PgUp PgDn", "ten rows up or down"),
            ("Space", "set the dot (Jira to Align), again clears it; Enter does the same"),
            ("Shift Space", "set the ring (Align to Jira), again clears it"),
            ("Delete", "clear the dot; with Shift the ring"),
            ("Ctrl Z", "undo your last edit"),
            ("Ctrl Shift Z", "redo it; Ctrl Y does the same"),
        ),
    ),
)


def keys_of(path: str) -> tuple[KeyGroup, ...]:
    return tuple(group for group in KEYS if not group.pages or any(part in path for part in group.pages))

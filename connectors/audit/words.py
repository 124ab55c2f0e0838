"""The words a row of the history is found by, the same on every database.

The databases' own word splitters differ from each other and change with their versions, so the words are made here and
stored; an index only has to look them up. A qualifier's word begins with a colon, which no word of a text does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.audit.models import HistoryRow

LONGEST = 64  # of one word; a longer one is found by its beginning
MOST = 4000  # words of one row
PARTS = 12  # places inside a name at which a phrase of it may begin
KEPT = 1000  # of the names that come again and again: people, states, projects
REMOTE = "remote"  # Align's user of the line that a change of ours was joined to
NOWHERE = ":nowhere"  # the line does not state its project
RAW = ":raw"
RUN = re.compile(r"[^\W_]+")


def split(text: str) -> list[str]:
    """Runs of letters and digits, folded, so that case, width, accents and punctuation do not matter."""
    folded = text.lower() if text.isascii() else _folded(text)
    return [word[:LONGEST] for word in RUN.findall(folded)]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


@lru_cache(maxsize=KEPT)
def phrase(text: str) -> str:
    return "_".join(split(text)[:PARTS])


def word(qualifier: str, value: str) -> str:
    """The one word that stands for a qualifier with this value."""
    return f":{qualifier}:{value}"[: 2 * LONGEST]


def of_row(row: HistoryRow, plain: str, *, people: Sequence[str] = ()) -> str:
    """What is stored of a row: its qualifiers, those of its people beside them, and the words of `plain`, each once."""
    return " ".join(list(dict.fromkeys([*_qualifiers(row), *people, *split(plain)]))[:MOST])


def with_remote(text: str, user: str) -> str:
    """The words of a row, of which those of Align's user are this user's and of no other; empty: of nobody."""
    kept = (each for each in text.split(" ") if not each.startswith(f":{REMOTE}:"))
    return " ".join([*kept, *beginnings(REMOTE, user)])


def _qualifiers(row: HistoryRow) -> Iterator[str]:
    yield from (word("action", phrase(action)) for action in _actions(row.action))
    yield word("source", row.source)
    if row.connector_id:
        yield word("connector", str(row.connector_id))
    for name, value in (("kind", row.kind), ("direction", row.direction), ("type", row.work_item_type)):
        if value:
            yield word(name, phrase(value))
    if row.project_key:
        yield word("project", phrase(row.project_key))
    if not row.project_stated:
        yield NOWHERE
    if not row.parsed:
        yield RAW
    if row.plan is not None:
        yield word("plan", str(row.plan))
    yield from _named("ticket", row.ticket)
    yield from _named("person", row.person_name, row.person_email)
    yield from _named("approver", row.approver_name)
    yield from _named("before", row.before_name, number=row.before_id)
    yield from _named("after", row.after_name, number=row.after_id)


def _actions(action: str) -> list[str]:
    """`plan.made` is found by `plan`, too."""
    parts = action.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _named(qualifier: str, *names: str, number: int | None = None) -> Iterator[str]:
    """A name from each of its words on, so that a phrase inside it is found as the beginning of one."""
    if number is not None:
        yield word(qualifier, str(number))
    for name in names:
        yield from beginnings(qualifier, name)


@lru_cache(maxsize=KEPT)
def beginnings(qualifier: str, name: str) -> tuple[str, ...]:
    parts = split(name)[:PARTS]
    return tuple(word(qualifier, "_".join(parts[start:])) for start in range(len(parts)))

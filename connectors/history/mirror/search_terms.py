"""The words a row of the history is found by, the same on every database.

The databases' own word splitters differ from each other and change with their versions, so the words are made here and
stored; an index only has to look them up. A qualifier's word begins with a colon, which no word of a text does.

Chinese, Japanese, Thai and their like put no spaces between words, and no word list knows a company's own terms. So a
run of such a script is stored as its overlapping pairs of letters, and looked for by the same: each pair has to be
there, as each word has to be, in whatever order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.models import HistoryRow

LONGEST = 64  # of one word; a longer one is found by its beginning
MOST = 4000  # words of one row
PARTS = 12  # words of a name that a phrase takes
PLACES = 32  # inside a name at which a phrase of it may begin
KEPT = 5000  # of the names that come again and again: people, states, projects
REMOTE = "remote"  # Align's user of the line that a change of ours was joined to
NOWHERE = ":nowhere"  # the line does not state its project
RAW = ":raw"
RUN = re.compile(r"[^\W_]+")
# The same of ASCII, capitals made small: several times as fast as the expression.
LETTERS = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
# Thai, Lao, Myanmar, Khmer, kana, Bopomofo, Han and Yi. Korean has spaces.
UNSPACED = re.compile(
    "([\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u30ff\u3105-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]+)"
)


def split(text: str) -> list[str]:
    """Runs of letters and digits, folded, so that case, width, accents and punctuation do not matter.

    A run is cut where a script without spaces begins or ends.
    """
    if text.isascii():
        words = text.translate(LETTERS).split()
        return words if max(map(len, words), default=0) <= LONGEST else [word[:LONGEST] for word in words]
    parts = [part for word in RUN.findall(_folded(text)) for part in UNSPACED.split(word) if part]
    return [part if UNSPACED.match(part) else part[:LONGEST] for part in parts]


def terms(text: str) -> list[str]:
    """The words that are stored of a text."""
    if text.isascii():
        return split(text)
    return [term for part in split(text) for term in (_pairs(part) if UNSPACED.match(part) else (part,))]


def wanted(text: str) -> list[tuple[str, bool]]:
    """The words that a text is looked for by, and whether as the beginning of a longer one."""
    return [found for part in split(text) for found in _wanted(part)]


def _wanted(part: str) -> list[tuple[str, bool]]:
    if len(part) == 1 or not UNSPACED.match(part):
        return [(part, True)]
    return [(pair, False) for pair in _pairs(part[:LONGEST])[:-1]]


def _pairs(part: str) -> list[str]:
    """Each letter with its next; the last stands alone, so that any letter is the beginning of one of these."""
    return [part[start : start + 2] for start in range(len(part))]


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
    return " ".join(list(dict.fromkeys([*_qualifiers(row), *people, *terms(plain)]))[:MOST])


def with_remote(text: str, user: str) -> str:
    """The words of a row, of which those of Align's user are this user's and of no other; empty: of nobody."""
    kept = (each for each in text.split(" ") if not each.startswith(f":{REMOTE}:"))
    return " ".join([*kept, *beginnings(REMOTE, user)])


def _qualifiers(row: HistoryRow) -> list[str]:
    """For each row of a million: hence a list, and a cache for what comes again and again."""
    found = list(_of_kind(row.action, row.source, row.connector_id, row.kind, row.direction, row.work_item_type))
    if row.project_key:
        found.append(_of_value("project", row.project_key))
    if not row.project_stated:
        found.append(NOWHERE)
    if not row.parsed:
        found.append(RAW)
    if row.plan is not None:
        found.append(word("plan", str(row.plan)))
    found += _beginnings("ticket", row.ticket)  # of which there are many, each for a few rows
    found += beginnings("person", row.person_name)
    found += beginnings("person", row.person_email)
    found += beginnings("approver", row.approver_name)
    for name, number, value in (
        ("before", row.before_id, row.before_name),
        ("after", row.after_id, row.after_name),
    ):
        if number is not None:
            found.append(word(name, str(number)))
        found += beginnings(name, value)
    return found


@lru_cache(maxsize=KEPT)
def _of_kind(
    action: str, source: str, connector: int | None, kind: str, direction: str, work_item_type: str
) -> tuple[str, ...]:
    """What there are few of, and nearly every row has."""
    found = [*_of_action(action), word("source", source)]
    if connector:
        found.append(word("connector", str(connector)))
    values = (("kind", kind), ("direction", direction), ("type", work_item_type))
    return (*found, *(_of_value(name, value) for name, value in values if value))


@lru_cache(maxsize=KEPT)
def _of_value(qualifier: str, value: str) -> str:
    return word(qualifier, phrase(value))


@lru_cache(maxsize=KEPT)
def _of_action(action: str) -> tuple[str, ...]:
    """`plan.made` is found by `plan`, too."""
    parts = action.split(".")
    return tuple(word("action", phrase(".".join(parts[:length]))) for length in range(1, len(parts) + 1))


@lru_cache(maxsize=KEPT)
def beginnings(qualifier: str, name: str) -> tuple[str, ...]:
    """A name from each of its words on (or letters, see above), so that a phrase inside it begins one."""
    return _beginnings(qualifier, name)


def _beginnings(qualifier: str, name: str) -> tuple[str, ...]:
    if not name:
        return ()
    parts = split(name)[:PARTS]
    places = [(part, letter) for part in range(len(parts)) for letter in _places(parts[part])]
    found = ("_".join([parts[part][letter:], *parts[part + 1 :]]) for part, letter in places[:PLACES])
    return tuple(word(qualifier, each) for each in found)


def _places(part: str) -> range:
    return range(len(part)) if UNSPACED.match(part) else range(1)

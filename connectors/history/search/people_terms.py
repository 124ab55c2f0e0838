"""The qualifiers of people: by the beginning of a name, or by the number of one person, `author:#12`.

Names are shared, and change: a row keeps the names of its time, and the numbers. Pages that lead to what one person did
use the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db.models import Q

from alignadmin.parsing import whole
from connectors.history.mirror import search_terms
from connectors.history.mirror.search_index import Match
from connectors.history.search.meanings import Meaning, phrase

# Which columns of a row each is about. The person of a row is its author where it has one.
PARTS: Mapping[str, tuple[str, ...]] = {
    "actor": ("person_id", "planner_id", "approver_id", "applier_id"),
    "author": ("person_id",),
    "planner": ("planner_id",),
    "approver": ("approver_id",),
    "applier": ("applier_id",),
}
# And which words. Align's user in the line that our own change was joined to is the one that our credentials belong to.
WORDS: Mapping[str, tuple[str, ...]] = {
    "actor": ("person", "planner", "approver", "applier", search_terms.REMOTE),
    "author": ("person",),
    "planner": ("planner",),
    "approver": ("approver",),
    "applier": ("applier",),
}


def number_in(value: str) -> int | None:
    """12 of "#12"; None for a name."""
    found = re.fullmatch(r"#([0-9]{1,18})", value.strip())
    return whole(found[1]) if found else None


def is_part(columns: Sequence[str], number: int) -> Q:
    found = Q()
    for column in columns:
        found |= Q(**{column: number})
    return found


def reader(qualifier: str) -> Callable[[str], Meaning]:
    def read(value: str) -> Meaning:
        number = number_in(value)
        if number is not None:
            return Meaning(columns=is_part(PARTS[qualifier], number))
        return _by_name(phrase(qualifier, value), WORDS[qualifier])

    return read


def named(qualifier: str) -> Callable[[str], Meaning]:
    def read(value: str) -> Meaning:
        return _by_name(phrase(qualifier, value), (qualifier,))

    return read


def _by_name(wanted: str, words: Sequence[str]) -> Meaning:
    """A name by the beginning of any of its words, or a number as a whole."""
    found = [Match(text=search_terms.word(name, wanted), prefix=whole(wanted) is None) for name in words]
    return Meaning(any_of=tuple(found))


def mixed(qualifier: str, values: Iterable[str]) -> str:
    """A sentence where names and numbers stand beside each other: of two values one has to hold, and no index finds
    either a word or a number.
    """
    if len({number_in(value) is None for value in values}) == 2:
        return f"{qualifier}: takes names or numbers such as #12, not both in one search."
    return ""

"""Reads a whole query as people type or paste it: `/features?$select=id,title&$filter=startswith(title, 'Test')`.

A whole address is taken, too, and then decoded first; places are those of the text that was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from alignadmin.parsing import whole
from connectors.align.objects import AlignObject, object_at
from connectors.align.query import checking
from connectors.align.query.errors import QueryRefused, Rule, Span
from connectors.align.query.keeping import OPTION as KEEP
from connectors.align.query.keeping import read_keep
from connectors.align.query.reading import LONGEST, read_filter
from connectors.align.query.request import EVERYTHING, AlignQuery, SortKey, expanded_of, selected_of, sorted_by

OPTIONS = ("$select", "$filter", "$orderby", "$top", "$skip")
PLAIN = ("expand", KEEP)  # without a dollar sign; the second is not sent
_API = re.compile(r"^(?:GET\s+)?(?P<site>https?://[^/?]+)?(?:/?rest)?/?align/api/\d+/", re.IGNORECASE)
_ONE = re.compile(r"(.+)/(\d+)")


@dataclass(frozen=True, kw_only=True)
class _Typed:
    """A part of the text, without the blanks around it; `at`: where it stands."""

    text: str
    at: Span

    @property
    def parts(self) -> list[_Typed]:
        """Between commas; an empty one is refused."""
        found, start = [], self.at[0]
        for part in self.text.split(","):
            found.append(_stripped(part, start))
            start += len(part) + 1
        return found


def read_query(typed: str) -> AlignQuery:
    """The query, checked. Raises QueryRefused with the rule and the place."""
    text = typed
    if match := _API.match(typed.strip()):
        text = typed.strip()[match.end() :]
        text = unquote_plus(text) if match["site"] else text
    address, mark, rest = text.partition("?")
    at = _stripped(address, 0)
    asked = object_at(at.text)
    if asked is None:
        raise QueryRefused(Rule.UNREADABLE, _unknown_list(at.text), part=at.text, at=at.at)
    return read_options(asked, rest, offset=len(address) + len(mark))


def _unknown_list(address: str) -> str:
    one = _ONE.fullmatch(address)
    if one is not None and object_at(one[1]) is not None:
        return f"A query asks a list. For one record write {one[1]}?$filter=id eq {one[2]}."
    if not address:
        return "A query begins with a list, such as /features."
    return f"“{address[:60]}” is no list of Align's that is known. A query begins with one, such as /features."


def read_options(asked: AlignObject, typed: str, *, offset: int = 0) -> AlignQuery:
    """The options alone, with & between them. `offset`: where they begin in all that was typed."""
    if len(typed) > LONGEST:
        sentence = f"The query has {len(typed):,} characters; at most {LONGEST:,} are read."
        raise QueryRefused(Rule.TOO_LONG, sentence, at=(offset, offset))
    given: dict[str, _Typed] = {}
    start = offset
    for option in _split(typed):
        if option.strip():
            _take(given, option, start)
        start += len(option) + 1
    return _query(asked, given)


def _split(typed: str) -> list[str]:
    """At each & that stands in no text: in 'R&D' it does."""
    parts, begin, quoted = [], 0, False
    for place, sign in enumerate(typed):
        if sign == "'":
            quoted = not quoted
        elif sign == "&" and not quoted:
            parts.append(typed[begin:place])
            begin = place + 1
    return [*parts, typed[begin:]]


def _take(given: dict[str, _Typed], option: str, start: int) -> None:
    name, equals, value = option.partition("=")
    typed = _stripped(name, start)
    lowered = typed.text.lower()
    if lowered not in (*OPTIONS, *PLAIN):
        raise QueryRefused(Rule.UNKNOWN_OPTION, _unknown_option(lowered), part=typed.text, at=typed.at)
    if not equals or not value.strip():
        raise QueryRefused(Rule.UNREADABLE, f"{lowered} has no value: write {lowered}=….", part=typed.text, at=typed.at)
    if lowered in given:
        raise QueryRefused(Rule.UNREADABLE, f"{lowered} stands here twice.", part=typed.text, at=typed.at)
    given[lowered] = _stripped(value, start + len(name) + 1)


def _unknown_option(name: str) -> str:
    if f"${name}" in OPTIONS:
        return f"Write ${name}: without its dollar sign Align does not guarantee that an option has an effect."
    if name == "$expand":
        return "expand is the one option without a dollar sign."
    if name == "$count":
        return "Align's documents know no $count: lists tell no number of records."
    return f"“{name[:60]}” is no option: there are {', '.join(OPTIONS)}, expand and {KEEP}."


def _query(asked: AlignObject, given: dict[str, _Typed]) -> AlignQuery:
    """Each part is checked where it stands, so that a refusal has its place."""
    expanded: tuple[str, ...] = ()
    for part in _parts(given, "expand"):
        expanded = (*expanded, *expanded_of(asked, [part.text], at=part.at))
    if EVERYTHING[0] in expanded:
        expanded = EVERYTHING
    entities = frozenset(asked.entities if expanded == EVERYTHING else expanded)
    typed = given.get("$filter")
    read = None if typed is None else read_filter(typed.text, offset=typed.at[0])
    keep = given.get(KEEP)
    query = AlignQuery(
        asked=asked,
        expanded=expanded,
        selected=tuple(selected_of(asked, part.text, entities, at=part.at) for part in _parts(given, "$select")),
        condition=None if read is None else checking.checked(read, asked, entities),
        order=tuple(_sort_key(asked, part) for part in _parts(given, "$orderby")),
        most=_number(given, "$top"),
        skipped=_number(given, "$skip"),
        kept=() if keep is None else read_keep(asked, keep.text, offset=keep.at[0]),
    )
    return query.checked()


def _parts(given: dict[str, _Typed], option: str) -> list[_Typed]:
    parts = given[option].parts if option in given else []
    for part in parts:
        if not part.text:
            raise QueryRefused(Rule.UNREADABLE, f"{option} is names with commas between them.", at=part.at)
    return parts


def _sort_key(asked: AlignObject, part: _Typed) -> SortKey:
    name, *direction = part.text.split()
    if [word.lower() for word in direction] not in ([], ["asc"], ["desc"]):
        raise QueryRefused(
            Rule.UNREADABLE, "After the field stands asc or desc, or nothing.", part=part.text, at=part.at
        )
    return SortKey(
        field=sorted_by(asked, name, at=part.at), descending=bool(direction) and direction[0].lower() == "desc"
    )


def _number(given: dict[str, _Typed], option: str) -> int | None:
    typed = given.get(option)
    if typed is None:
        return None
    number = whole(typed.text, most=10**9)
    if number is None:
        raise QueryRefused(Rule.UNREADABLE, f"{option} is a whole number from 0 on.", part=typed.text, at=typed.at)
    return number


def _stripped(text: str, start: int) -> _Typed:
    inner = text.strip()
    begin = start + len(text) - len(text.lstrip())
    return _Typed(text=inner, at=(begin, begin + len(inner)))

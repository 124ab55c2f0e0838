"""What may stand next in a typed query, from the table of objects; the reader alone judges a query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.align.objects import OBJECTS, AlignField, AlignObject, FieldType, object_at
from connectors.align.query.tree import COMPARISONS, FUNCTIONS
from connectors.align.query.typed import OPTIONS, PLAIN

MOST = 12
LONGEST = 4000  # of a text that is completed
_WORD = re.compile(r"[\w$]*$")
_REST_OF_WORD = re.compile(r"[\w$]*")
_ONCE = "?=("  # what a suggestion ends with and the text goes on with stands there once
_DATE, _TEXT, _ANY = "2026-01-01T00:00:00Z", "''", "/any(x: x eq 1)"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """`text`: the whole query with it; `caret`: the place behind it."""

    label: str
    text: str
    caret: int


def suggestions(typed: str, at: int | None = None) -> list[Suggestion]:
    """At this place of what was typed, else at its end; none where nothing can be said.

    The word that the place is in is replaced as a whole, and what follows it stays.
    """
    if len(typed) > LONGEST:
        return []
    place = len(typed) if at is None else min(max(at, 0), len(typed))
    begun, rest = typed[:place], typed[place:]
    rest = rest[len(match.group()) if (match := _REST_OF_WORD.match(rest)) else 0 :]
    found = [_with_rest(each, rest) for each in _suggested(begun, typed)]
    return [each for each in found if each.text != typed]


def _with_rest(found: Suggestion, rest: str) -> Suggestion:
    if rest and rest[0] in _ONCE and found.text.endswith(rest[0]):
        rest = rest[1:]
    return Suggestion(label=found.label, text=found.text + rest, caret=found.caret)


def _suggested(typed: str, whole: str) -> list[Suggestion]:
    """At the end of `typed`, the beginning of the whole text."""
    address, mark, options = typed.partition("?")
    if not mark:
        begun = address.strip().strip("/").lower()
        paths = (each.path for each in OBJECTS.values())
        return _made("/", begun, paths, after="?")
    asked = object_at(address.strip())
    if asked is None or options.count("'") % 2:  # within a text nobody knows what comes
        return []
    begin = typed.rfind("&") + 1 if "&" in options else len(address) + 1
    name, equals, value = typed[begin:].partition("=")
    if not equals:
        return _made(typed[:begin], name.strip().lower(), _options_left(whole.partition("?")[2]), after="=")
    return _values(asked, typed, name.strip().lower(), value)


def _options_left(options: str) -> list[str]:
    return [name for name in (*OPTIONS, *PLAIN) if f"{name}=" not in options.lower()]


def _values(asked: AlignObject, typed: str, option: str, value: str) -> list[Suggestion]:
    begun = match.group() if (match := _WORD.search(value)) else ""
    before = typed[: len(typed) - len(begun)]
    if option == "expand":
        return _made(before, begun, (*asked.entities, "true"))
    if option in ("$select", "$orderby"):
        is_order = option == "$orderby"
        if is_order and re.search(r"\w\s+$", value):
            return _made(before, begun, ("desc", "asc"))
        names = (each.name for each in asked.fields.values() if not (is_order and each.type.is_list))
        return _made(before, begun, names)
    if option == "$filter":
        return _filter(asked, before, begun, value[: len(value) - len(begun)].rstrip())
    return []


def _filter(asked: AlignObject, before: str, begun: str, said: str) -> list[Suggestion]:
    """After a field its comparisons, after a whole condition what joins it, else fields and functions."""
    last = said.rsplit(" ", 1)[-1].strip("(").lower()
    field = asked.field_named(last)
    if field is not None and before.endswith(" "):
        return _made(before, begun, _after(field))
    starts = not said or last in ("and", "or", "not", *COMPARISONS, "") or said.endswith("(")
    if not starts:
        return _made(before if before.endswith(" ") else f"{before} ", begun, ("and", "or")) if said else []
    fields = [name for each in asked.fields.values() if (name := _name(asked, each))]
    functions = [f"{each}(" for each in (*FUNCTIONS, "year")]
    return _made(before, begun, [*fields, *functions, "not "])


def _name(asked: AlignObject, field: AlignField) -> str:
    if field.type.is_list:
        return f"{field.name}{_ANY}" if field.name in asked.filterable else ""
    return field.name


def _after(field: AlignField) -> list[str]:
    if field.type is FieldType.TRUTH:
        return ["and", "or", "eq null"]
    example = {FieldType.DATE: f"ge {_DATE}", FieldType.TEXT: f"eq {_TEXT}"}.get(field.type)
    return [*([example] if example else []), *COMPARISONS, "eq null", "ne null"]


def _made(before: str, begun: str, words: Iterable[str], *, after: str = "") -> list[Suggestion]:
    """Those that begin so, then those that have it within."""
    known = [word for word in words if begun.lower() in word.lower() and word.lower() != begun.lower()]
    known.sort(key=lambda word: not word.lower().startswith(begun.lower()))
    made = ((word, f"{before}{word}{after}") for word in known[:MOST])
    return [Suggestion(label=word, text=text, caret=len(text)) for word, text in made]

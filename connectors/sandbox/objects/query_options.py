"""The options of a query on objects: `$select`, `$top`, `$skip`, `$orderby`, `$filter`, and `expand` without the sign.

The published rule: "Use the dollar sign at all times, as querying is not guaranteed without its use."
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .table import ObjectType
from .ways import ObjectRefusal, Ways

OPTIONS = ("$select", "$top", "$skip", "$orderby", "$filter")
# Words of public clients, and what they would mean if they were honoured; some mean nothing here.
BARE = {
    "select": "$select",
    "top": "$top",
    "limit": "$top",
    "skip": "$skip",
    "offset": "$skip",
    "orderby": "$orderby",
    "filter": "$filter",
    "count": "",
    "$count": "",
    "page": "",
}


@dataclass(frozen=True, kw_only=True)
class ObjectQuery:
    """Names are spelled as the object has them. `notes` say which options were not guaranteed, and what was done."""

    select: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    filter: str | None = None
    order: tuple[tuple[str, bool], ...] = ()  # a field, and whether the largest comes first
    top: int = 0
    skip: int = 0
    notes: tuple[str, ...] = ()


def parse(pairs: Iterable[tuple[str, str]], described: ObjectType, ways: Ways, *, single: bool = False) -> ObjectQuery:
    """`single`: the query of one object, which can be told its fields and entities alone."""
    given, notes = _known(pairs, ways)
    if single:
        for name in ("$filter", "$orderby", "$top", "$skip"):
            if name in given and not ways.lenient:
                raise ObjectRefusal(400, f"{name} is for lists, not for one object.", name)
    expand = _expand(described, given["expand"]) if "expand" in given else ()
    top = _number(given, "$top", ways.page_limit)
    if top > ways.page_limit and ways.top_over_limit == "400":
        raise ObjectRefusal(400, f"The limit of '{ways.page_limit}' for Top query has been exceeded.", "$top")
    return ObjectQuery(
        select=_select(described, given["$select"], expand) if "$select" in given else None,
        expand=expand,
        filter=given.get("$filter"),
        order=_order(described, given["$orderby"]) if "$orderby" in given else (),
        top=min(top, ways.page_limit),
        skip=_number(given, "$skip", 0),
        notes=tuple(notes),
    )


def _known(pairs: Iterable[tuple[str, str]], ways: Ways) -> tuple[dict[str, str], list[str]]:
    """The options by name; what is not guaranteed stands in for what is not given, in whatever order they come."""
    given: dict[str, str] = {}
    bare: dict[str, tuple[str, str]] = {}
    notes: list[str] = []
    for sent, value in pairs:
        name = sent.lower()
        if name in BARE:
            bare[name] = (sent, value)
            continue
        if name not in (*OPTIONS, "expand"):
            if not ways.lenient:
                raise ObjectRefusal(400, f"The query option '{sent}' is not known: there are {_all_options()}.", sent)
            notes.append(f"{sent} is not known: ignored")
            continue
        if name in given and not ways.lenient:
            raise ObjectRefusal(400, f"The query option '{sent}' is given twice.", sent)
        given[name] = value
    for word, name in BARE.items():
        if word not in bare:
            continue
        sent, value = bare[word]
        is_honoured = ways.bare_options and name != "" and name not in given
        notes.append(f"{sent} is not guaranteed: {f'honoured as {name}' if is_honoured else 'ignored'}")
        if is_honoured:
            given[name] = value
    return given, notes


def _all_options() -> str:
    return f"{', '.join(OPTIONS)}, and expand without the dollar sign"


def _number(given: dict[str, str], name: str, default: int) -> int:
    if name not in given:
        return default
    text = given[name].strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ObjectRefusal(400, f"Invalid value '{text}' for {name}: a number of 0 or more is expected.", name)
    return int(text)


def _names(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ObjectRefusal(400, f"{option} is names with commas between them, not '{text}'.", option)
    return names


def _expand(described: ObjectType, text: str) -> tuple[str, ...]:
    """true, or names of entities. The documents' text says names, all their examples say true."""
    if text.strip().lower() == "true":
        return tuple(described.expands)
    known = {name.lower(): name for name in described.expands}
    names = _names(text, "expand")
    for name in names:
        if name.lower() not in known:
            there = f"there are {', '.join(known.values())}" if known else "it has none"
            raise ObjectRefusal(
                400, f"{described.name} has no entity '{name}' to expand: {there}, or true for all.", "expand"
            )
    return tuple(dict.fromkeys(known[name.lower()] for name in names))


def _select(described: ObjectType, text: str, expand: tuple[str, ...]) -> tuple[str, ...]:
    entities = {name.lower(): name for name in (*expand, "self")}
    chosen = []
    for name in _names(text, "$select"):
        field = described.field(name)
        if field is not None:
            chosen.append(field.name)
        elif name.lower() in entities:
            chosen.append(entities[name.lower()])
        elif described.custom_fields and name.lower().startswith("customfield_"):
            chosen.append(name.lower())
        else:
            raise ObjectRefusal(400, f"Could not find a property named '{name}' of {described.name}.", "$select")
    return tuple(dict.fromkeys(chosen))


def _order(described: ObjectType, text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in _names(text, "$orderby"):
        name, *direction = part.split()
        if direction not in ([], ["asc"], ["desc"]):
            raise ObjectRefusal(400, f"'{part}' is neither asc nor desc.", "$orderby")
        field = described.field(name)
        if field is None or field.is_collection:
            why = "is a collection" if field else f"is no property of {described.name}"
            raise ObjectRefusal(400, f"Objects cannot be ordered by {name}: it {why}.", "$orderby")
        order.append((field.name, direction == ["desc"]))
    return tuple(order)

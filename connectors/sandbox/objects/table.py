"""How one of Align's objects is described: its addresses, its methods, its fields, and what a filter may ask of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ObjectRecord = dict[str, Any]  # one object as it is kept: all its fields, without `self` and without custom fields
ShownObject = dict[str, Any]  # one as it is answered or patched: with its custom fields, and maybe `self` and entities
Rows = tuple[tuple[Any, ...], ...]  # of a data set: the values of some fields, the id first
KINDS = ("int", "number", "text", "bool", "date", "ints", "objects")
COLLECTIONS = ("ints", "objects")


@dataclass(frozen=True, kw_only=True)
class ObjectField:
    """`target`: the key of the object that the id, or each of the ids, is of; empty for a value or an unlisted thing.

    `required` in a POST and a PUT; `read_only` is set by Align alone.
    """

    name: str
    kind: str
    target: str = ""
    required: bool = False
    read_only: bool = False

    @property
    def is_collection(self) -> bool:
        return self.kind in COLLECTIONS


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """One object.

    name: as Align's published table of objects has it, or as the documents call it where it is not in that table.
    paths: the address of its list first, then the other spellings that the documents and public clients use.
    creates, updates: whether the table says Yes to POST, and to PUT and PATCH.
    collections: the id fields that any() may be asked of at this address; entities: the same of what `expand` adds.
    expands: the name of an entity to the id field that it stands for.
    custom_fields: whether it may have some.
    scope: the field that leads to its portfolio, by way of other objects where need be; empty: everybody reads it.
    under_connector: its address is below /connectors/{connector}.
    aliases: another spelling of a field to the field, where the documents name it in two ways.
    remarks: what the documents get wrong or leave open about it, and what the sandbox makes of it.
    """

    key: str
    name: str
    paths: tuple[str, ...]
    fields: Mapping[str, ObjectField]
    creates: bool = False
    updates: bool = False
    collections: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    expands: Mapping[str, str]
    custom_fields: bool = False
    scope: str = ""
    under_connector: bool = False
    aliases: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.paths[0]

    def field(self, name: str) -> ObjectField | None:
        """By its name in any case, or by another spelling that the documents use."""
        return self.by_lower.get(self.aliases.get(name.lower(), name).lower())

    @cached_property
    def by_lower(self) -> Mapping[str, ObjectField]:
        return {name.lower(): field for name, field in self.fields.items()}

    def methods(self, *, single: bool) -> tuple[str, ...]:
        """What may be sent to its list, or to one of it."""
        if single:
            return ("GET", "PUT", "PATCH") if self.updates else ("GET",)
        return ("GET", "POST") if self.creates else ("GET",)


def define(
    key: str,
    name: str,
    paths: str,
    fields: str,
    *,
    methods: str = "R",
    expands: str = "",
    collections: str = "",
    entities: str = "",
    aliases: str = "",
    **more: Any,
) -> ObjectType:
    """An object out of short texts.

    methods: C for POST, R for GET, U for PUT and PATCH. fields: see `fields_of`. expands: `owner=ownerId` and more,
    with blanks between; aliases the same way, and the rest are names with blanks between.
    """
    return ObjectType(
        key=key,
        name=name,
        paths=tuple(paths.split()),
        fields=fields_of(fields),
        creates="C" in methods,
        updates="U" in methods,
        expands=_pairs(expands),
        collections=tuple(collections.split()),
        entities=tuple(entities.split()),
        aliases=_pairs(aliases),
        **more,
    )


def fields_of(text: str) -> dict[str, ObjectField]:
    """A line for each field: `name kind`, then as need be `!` (required), `=` (read only), `-> target`."""
    lines = (line.split() for line in f"id int =\n{text}".splitlines() if line.strip())
    return {name: _field(name, kind, marks) for name, kind, *marks in lines}


def _field(name: str, kind: str, marks: list[str]) -> ObjectField:
    if kind not in KINDS:
        raise ValueError(f"{name} has no kind {kind}")
    target = marks[marks.index("->") + 1] if "->" in marks else ""
    return ObjectField(name=name, kind=kind, target=target, required="!" in marks, read_only="=" in marks)


def _pairs(text: str) -> dict[str, str]:
    return dict(each.split("=") for each in text.split())


def by_path(objects: Iterable[ObjectType]) -> dict[str, ObjectType]:
    """Each spelling of each address in lower case, without those below a connector."""
    return {path.lower(): each for each in objects if not each.under_connector for path in each.paths}

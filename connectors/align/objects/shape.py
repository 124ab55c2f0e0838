"""How an object of Jira Align is described: its address, what may be sent there, its fields, what can be filtered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property


class FieldType(Enum):
    """IDS is a list of ids, PARTS a list of objects; the others are single values."""

    WHOLE = "whole number"
    NUMBER = "number"
    TEXT = "text"
    TRUTH = "yes or no"
    DATE = "date"
    IDS = "list of ids"
    PARTS = "list of parts"

    @property
    def is_list(self) -> bool:
        return self in (FieldType.IDS, FieldType.PARTS)


class NamedBy(Enum):
    """Which text names an object, or a field. Only TABLE says what may be sent: what others name is read only here."""

    TABLE = "Align's table of objects"
    ARTICLE = "Align's article on queries"
    CLIENTS = "public clients"


@dataclass(frozen=True, kw_only=True)
class AlignField:
    """`target`: the key of the object whose id it holds, where that is known. `set_by_align`: no write can set it.

    `named_by`: ARTICLE for the few that Align's article names; the others were seen in public clients and in answers.
    """

    name: str
    type: FieldType
    target: str = ""
    set_by_align: bool = False
    named_by: NamedBy = NamedBy.CLIENTS


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What `expand` adds beside an id field: the whole of the object, or of the objects, whose ids stand there."""

    name: str
    field: AlignField

    @property
    def target(self) -> str:
        return self.field.target


@dataclass(frozen=True, kw_only=True)
class AlignObject:
    """One object.

    name: as the documents write it. plural: for sentences and headings.
    path: the list's address below the API, or below a connector; spellings: the others of documents and clients.
    filterable: the lists of ids, and the entities, that `any()` may be asked of at this address.
    excluded: fields that cannot be asked for where this object is an entity inside `any()`.
    also: another spelling of a field in the documents, to the field.
    slips: what the documents get wrong or leave open about it, and what is done about that here.
    """

    key: str
    name: str
    plural: str
    path: str
    spellings: tuple[str, ...] = ()
    named_by: NamedBy = NamedBy.TABLE
    creates: bool = False
    updates: bool = False
    fields: Mapping[str, AlignField] = field(repr=False)
    entities: Mapping[str, Entity] = field(repr=False)
    filterable: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    has_custom_fields: bool = False
    below_connector: bool = False
    also: Mapping[str, str] = field(default_factory=dict, repr=False)
    slips: tuple[str, ...] = ()

    def field_named(self, name: str) -> AlignField | None:
        """In any case, also by another spelling of the documents."""
        found = self._spellings.get(name.lower())
        return found[1] if found else None

    def spelled(self, name: str) -> str:
        """How a name of `field_named` is sent: as the table or the documents spell it, and never in another case."""
        return self._spellings[name.lower()][0]

    def entity_named(self, name: str) -> Entity | None:
        return self._entities_by_lower.get(name.lower())

    @property
    def label_field(self) -> str:
        """The field that tells a person which one it is; the title of a user is that of their work."""
        return next((name for name in ("fullName", "title", "name", "description") if name in self.fields), "id")

    @cached_property
    def _spellings(self) -> Mapping[str, tuple[str, AlignField]]:
        known = {name.lower(): (name, each) for name, each in self.fields.items()}
        return known | {other.lower(): (other, self.fields[name]) for other, name in self.also.items()}

    @cached_property
    def _entities_by_lower(self) -> Mapping[str, Entity]:
        return {name.lower(): each for name, each in self.entities.items()}

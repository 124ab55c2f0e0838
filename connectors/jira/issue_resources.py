"""Records around one issue as values: fields and what may be written into them, and transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, read_records, usable_records
from connectors.jira.resources import JiraStatus


@dataclass(frozen=True, kw_only=True)
class FieldSchema:
    """Of what type a field's values are; `items` of what those of a list are.

    `system` is the name of a field that every site has, `custom` the type of a custom one. Empty where not told.
    """

    type: str
    items: str
    system: str
    custom: str
    custom_id: int | None

    @classmethod
    def from_fields(cls, row: Fields) -> Self:
        return cls(
            type=row.text("type"),
            items=row.text("items"),
            system=row.text("system"),
            custom=row.text("custom"),
            custom_id=row.maybe_integer("customId"),
        )


@dataclass(frozen=True, kw_only=True)
class JiraField:
    """`id` is what an issue has the value under, `clauses` what JQL calls it."""

    id: str
    name: str
    is_custom: bool
    schema: FieldSchema
    clauses: tuple[str, ...]

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="field")
        schema = FieldSchema.from_fields(row.part("schema"))
        is_custom = row.truth("custom")
        return cls(
            id=row.key("id"),
            name=row.text("name"),
            is_custom=bool(schema.custom) if is_custom is None else is_custom,
            schema=schema,
            clauses=row.texts("clauseNames"),
        )


@dataclass(frozen=True, kw_only=True)
class AllowedValue:
    """One choice of a field. People have no id that is a number, so theirs is None."""

    id: int | None
    name: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="a value")
        return cls(id=row.maybe_integer("id"), name=row.text("name", "value", "displayName", "key"))


@dataclass(frozen=True, kw_only=True)
class WritableField:
    """A field on the screen of a new issue, of an edit or of a transition.

    `operations`: what an update may do with it (`set`, `add`, `remove`). `allowed`: its choices; None where any value
    is taken, or where Jira does not tell.
    """

    id: str
    name: str
    is_required: bool
    has_default: bool
    schema: FieldSchema
    operations: tuple[str, ...]
    allowed: Records[AllowedValue] | None

    @property
    def must_be_given(self) -> bool:
        return self.is_required and not self.has_default

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="field")
        choices = row.items("allowedValues") if row.has_items("allowedValues") else None
        return cls(
            id=row.key("fieldId") if row.has("fieldId") else row.key("key"),
            name=row.text("name"),
            is_required=row.truth("required") is True,
            has_default=row.truth("hasDefaultValue") is True,
            schema=FieldSchema.from_fields(row.part("schema")),
            operations=row.texts("operations"),
            allowed=None if choices is None else read_records(choices, AllowedValue.from_json),
        )


def writable_fields(by_id: Mapping[str, Any]) -> Records[WritableField]:
    """Those of an object that has each field under its id, as edits and transitions answer them."""
    return usable_records(named_fields(by_id), WritableField.from_json)


def named_fields(by_id: Mapping[str, Any]) -> list[Any]:
    return [{**each, "fieldId": id_} if isinstance(each, dict) else each for id_, each in by_id.items()]


@dataclass(frozen=True, kw_only=True)
class JiraTransition:
    """A way out of the status in which the issue is now.

    `is_available` is False where a condition of it is not met; None where Jira does not tell, as Data Center, which
    leaves such a transition out. `fields`: those of its screen.
    """

    id: int
    name: str
    to: JiraStatus
    is_available: bool | None
    fields: Records[WritableField]

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="transition")
        return cls(
            id=row.integer("id"),
            name=row.text("name"),
            to=JiraStatus.from_json(row.mapping("to")),
            is_available=row.truth("isAvailable"),
            fields=read_records(named_fields(row.mapping("fields")), WritableField.from_json),
        )

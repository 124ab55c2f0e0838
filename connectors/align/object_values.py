"""Values of an object's fields on their way to Align: each is checked against the table before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from alignadmin.errors import Refused
from connectors.align.objects import AlignField, AlignObject, FieldType
from connectors.align.query.checking import CUSTOM, unknown_field


class ValueRefused(Refused):
    """A value that its field does not take; nothing was sent. `field`: its name, or a custom field's label."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


def body_of(asked: AlignObject, values: Mapping[str, Any]) -> dict[str, Any]:
    """A body for POST or PUT, its names as Align has them. Custom fields are given by their keys, ready to be sent.

    Dates are datetimes with a time zone, or dates; None empties a field.
    """
    return dict(sendable(asked, name, value) for name, value in values.items())


def sendable(asked: AlignObject, name: str, value: Any) -> tuple[str, Any]:
    """One field as it is sent: its name as Align has it, and its value. Raises ValueRefused."""
    if asked.has_custom_fields and name.lower().startswith(CUSTOM):
        return name.lower(), value
    field = asked.field_named(name)
    if field is None:
        raise ValueRefused(name, unknown_field(asked, name))
    if field.set_by_align:
        raise ValueRefused(field.name, f"{field.name} cannot be set: Align sets it itself.")
    return field.name, _checked(field, value)


def _checked(field: AlignField, value: Any) -> Any:
    if value is None:
        return [] if field.type is FieldType.IDS else None
    fits, shown = _TYPES[field.type]
    if not fits(value):
        raise ValueRefused(field.name, f"{field.name} takes {shown}.")
    if isinstance(value, date):
        return moment(field.name, value)
    return plain_number(value) if isinstance(value, Decimal) else value


def plain_number(value: Decimal) -> int | float:
    """JSON knows no decimals; a whole one stays exact."""
    return int(value) if value == value.to_integral_value() else float(value)


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return is_whole(value) or (isinstance(value, float | Decimal) and Decimal(value).is_finite())


def moment(name: str, value: date) -> str:
    """As Align writes a date: in UTC. One without a time is its midnight there."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if value.tzinfo is None:
        raise ValueRefused(name, f"{name} needs a time zone: Align's dates are in UTC.")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


_TYPES: Mapping[FieldType, tuple[Callable[[Any], bool], str]] = {
    FieldType.WHOLE: (is_whole, "a whole number"),
    FieldType.NUMBER: (is_number, "a number"),
    FieldType.TEXT: (lambda value: isinstance(value, str), "a text"),
    FieldType.TRUTH: (lambda value: isinstance(value, bool), "yes or no"),
    FieldType.DATE: (lambda value: isinstance(value, date), "a date"),
    FieldType.IDS: (lambda value: isinstance(value, list | tuple) and all(map(is_whole, value)), "a list of ids"),
    FieldType.PARTS: (lambda value: isinstance(value, list | tuple), "a list"),
}


@dataclass(frozen=True, kw_only=True)
class PatchOperation:
    """One step of a JSON Patch. `add`: one more id at the end of a list; `replace` and `remove`: of a whole field."""

    op: Literal["replace", "add", "remove"]
    field: str
    value: Any = None

    def as_json(self, asked: AlignObject) -> dict[str, Any]:
        """Raises ValueRefused."""
        if self.op == "remove":
            return {"op": "remove", "path": f"/{sendable(asked, self.field, None)[0]}"}
        if self.op == "add":
            field = asked.field_named(self.field)
            if field is None or field.type is not FieldType.IDS:
                raise ValueRefused(self.field, f"{self.field} is no list of ids to which one can be added.")
            name, ids = sendable(asked, self.field, [self.value])
            return {"op": "add", "path": f"/{name}/-", "value": ids[0]}
        name, value = sendable(asked, self.field, self.value)
        return {"op": "replace", "path": f"/{name}", "value": value}


def replacing(values: Mapping[str, Any]) -> Sequence[PatchOperation]:
    """A patch that sets these fields and leaves all others."""
    return [PatchOperation(op="replace", field=name, value=value) for name, value in values.items()]

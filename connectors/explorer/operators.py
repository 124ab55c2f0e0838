"""What can be asked of a field, in words: for each type of field its comparisons, and how a typed value is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from alignadmin.errors import Refused
from alignadmin.parsing import whole
from connectors.align.objects import AlignField, AlignObject, FieldType
from connectors.align.query import EACH, Condition, KeepRule, Q
from connectors.align.query.builder import Plain
from connectors.align.states import ALIGN_STATES

ME = "me"  # typed as the value of a field that names a user: whoever asks
LONGEST_NUMBER = 40


@dataclass(frozen=True, kw_only=True)
class FieldOperator:
    """`build`: the condition, of the field and the value; `takes_value`: whether a person gives one."""

    key: str
    label: str
    build: Callable[[Q, Plain], Condition]
    takes_value: bool = True


def _operator(key: str, label: str, build: Callable[[Q, Plain], Condition]) -> FieldOperator:
    return FieldOperator(key=key, label=label, build=build)


IS = _operator("eq", "is", lambda field, value: field.eq(value))
IS_NOT = _operator("ne", "is not", lambda field, value: field.ne(value))
EMPTY = FieldOperator(key="empty", label="is empty", build=lambda field, _: field.eq(None), takes_value=False)
FILLED = FieldOperator(key="filled", label="is not empty", build=lambda field, _: field.ne(None), takes_value=False)
GREATER = _operator("gt", "is more than", lambda field, value: field.gt(value))
AT_LEAST = _operator("ge", "is at least", lambda field, value: field.ge(value))
LESS = _operator("lt", "is less than", lambda field, value: field.lt(value))
AT_MOST = _operator("le", "is at most", lambda field, value: field.le(value))
OPERATORS: dict[FieldType, tuple[FieldOperator, ...]] = {
    FieldType.TEXT: (
        _operator("contains", "contains", lambda field, value: field.contains(str(value))),
        _operator("startswith", "begins with", lambda field, value: field.startswith(str(value))),
        _operator("endswith", "ends with", lambda field, value: field.endswith(str(value))),
        IS,
        IS_NOT,
        EMPTY,
        FILLED,
    ),
    FieldType.WHOLE: (IS, IS_NOT, GREATER, AT_LEAST, LESS, AT_MOST, EMPTY, FILLED),
    FieldType.NUMBER: (IS, IS_NOT, GREATER, AT_LEAST, LESS, AT_MOST, EMPTY, FILLED),
    FieldType.TRUTH: (
        FieldOperator(key="yes", label="is yes", build=lambda field, _: field, takes_value=False),
        FieldOperator(key="no", label="is no", build=lambda field, _: ~field, takes_value=False),
        EMPTY,
        FILLED,
    ),
    FieldType.DATE: (
        _operator("ge", "is on or after", lambda field, value: field.ge(value)),
        _operator("lt", "is before", lambda field, value: field.lt(value)),
        _operator("year", "is in the year", lambda field, value: field.year().eq(value)),
        EMPTY,
        FILLED,
    ),
    FieldType.IDS: (
        _operator("has", "includes", lambda field, value: field.any(EACH.eq(value))),
        _operator("hasnot", "does not include", lambda field, value: ~field.any(EACH.eq(value))),
    ),
    FieldType.PARTS: (),
}
# Of a custom field, whose rows are chosen after they were read: Align has no filter by it.
KEEPS = (
    _operator("eq", "includes", lambda field, value: field.eq(value)),
    _operator("ne", "does not include", lambda field, value: field.ne(value)),
    EMPTY,
    FILLED,
)
LINKS = (IS, IS_NOT, EMPTY, FILLED)  # an id is the same or another: more and less mean nothing


def operators_of(asked: AlignObject, field: AlignField) -> tuple[FieldOperator, ...]:
    """Only what the address lets be asked of it; none for a list that it does not filter."""
    if field.type.is_list and field.name not in asked.filterable:
        return ()
    return LINKS if field.target and field.type is FieldType.WHOLE else OPERATORS[field.type]


def states_of(asked: AlignObject, field: AlignField) -> Mapping[int, str]:
    """Where a field holds one of Align's fixed states: an item of work has process steps, an iteration has none."""
    return ALIGN_STATES if field.name == "state" and "processStepId" in asked.fields else {}


def conditions_on(asked: AlignObject) -> list[AlignField]:
    """The fields that can stand in a condition."""
    return [field for field in asked.fields.values() if operators_of(asked, field)]


def keep_rule(key: str, operator: FieldOperator, value: str) -> KeepRule:
    """The condition of a custom field."""
    is_not = operator.key in ("ne", FILLED.key)
    return KeepRule(key=key, value=value.strip() if operator.takes_value else None, is_not=is_not)


def value_of(field: AlignField, operator: FieldOperator, typed: str) -> Plain:
    """A typed value as it is compared. Raises Refused with what the field takes."""
    text = typed.strip()
    if operator.key == "year":
        return _whole(text, "Give a year, such as 2026.")
    match field.type:
        case FieldType.TEXT:
            return typed
        case FieldType.DATE:
            return _moment(text)
        case FieldType.NUMBER:
            return _number(text)
        case _ if field.target:
            return _whole(text, "Give the id, or a name to look for.")
        case _:
            return _whole(text, "Give a whole number, such as 5.")


def is_name(field: AlignField, typed: str) -> bool:
    """Whether it stands for a record that has to be looked up: a field of ids with no number in it."""
    return bool(field.target and typed.strip() and whole(typed.strip().removeprefix("-")) is None)


def _whole(text: str, sentence: str) -> int:
    number = whole(text.removeprefix("-"))
    if number is None:
        raise Refused(sentence)
    return -number if text.startswith("-") else number


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text[:LONGEST_NUMBER])
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > 10**18 or len(text) > LONGEST_NUMBER:
        raise Refused("Give a number, such as 2.5.")
    return number


def _moment(text: str) -> datetime:
    """A day is its beginning in UTC, as Align's times are."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("Give a day, such as 2026-03-01, or a time in UTC, such as 2026-03-01T09:30.") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found

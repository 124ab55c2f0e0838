"""A filter's tree as the text that Align takes. Brackets stand wherever two kinds of operators meet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from connectors.align.query.tree import (
    All,
    AnyOf,
    Calculation,
    Compares,
    Condition,
    Constant,
    Either,
    Element,
    ElementField,
    Field,
    IsTrue,
    IsUnknown,
    Matched,
    Not,
    Value,
    Year,
)

VARIABLE = "x"  # of any(), as in most examples of the article


def condition_text(condition: Condition) -> str:
    match condition:
        case IsTrue(of):
            return value_text(of)
        case Compares(operator, left, right):
            return f"{value_text(left)} {operator} {value_text(right)}"
        case Matched(function, text, wanted):
            return f"{function}({value_text(text)}, {value_text(wanted)})"
        case IsUnknown(operator, of):
            return f"{_bracketed(of)} {operator} null"
        case Not(of):
            return f"not {condition_text(of) if isinstance(of, IsTrue | Matched | AnyOf) else _bracketed(of)}"
        case All(parts):
            return " and ".join(
                _bracketed(part) if isinstance(part, Either) else condition_text(part) for part in parts
            )
        case Either(parts):
            return " or ".join(map(_part, parts))
        case AnyOf(of, inner):
            return f"{of.name}/any({VARIABLE}: {condition_text(inner)})"


def _part(condition: Condition) -> str:
    """One side of and, or: what is joined itself has brackets, even where the order of operators says the same."""
    return _bracketed(condition) if isinstance(condition, All | Either) else condition_text(condition)


def _bracketed(condition: Condition) -> str:
    return f"({condition_text(condition)})"


def value_text(value: Value) -> str:
    match value:
        case Constant(constant):
            return literal(constant)
        case Field(name):
            return name
        case Element():
            return VARIABLE
        case ElementField(name):
            return f"{VARIABLE}/{name}"
        case Year(of):
            return f"year({value_text(of)})"
        case Calculation(operator, left, right):
            return f"{_inner(left)} {operator} {_inner(right)}"


def _inner(value: Value) -> str:
    return f"({value_text(value)})" if isinstance(value, Calculation) else value_text(value)


def literal(value: int | Decimal | str | datetime | None) -> str:
    """Texts in single quotes, one inside doubled; dates without quotes, in UTC."""
    if value is None:
        return "null"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return format(value, "f") if isinstance(value, Decimal) else str(value)

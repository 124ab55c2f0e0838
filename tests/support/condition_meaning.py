"""What a condition means of one record, by the article's rules and nothing else: the third opinion beside the builder,
whose trees it takes, and the sandbox, which reads their texts.

A record is as a GET with expand=true answers it. True, False, or None for unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.align.query import tree

Record = Mapping[str, Any]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}


def holds(condition: tree.Condition, record: Record, element: Any = None) -> bool | None:
    match condition:
        case tree.IsTrue(of):
            value = _value(of, record, element)
            return value if value is None else bool(value)
        case tree.Compares(name, left, right):
            return _compared(name, _value(left, record, element), _value(right, record, element))
        case tree.IsUnknown(name, of):
            return (holds(of, record, element) is None) == (name == "eq")
        case tree.Matched(function, text, wanted):
            return _matched(function, _value(text, record, element), _value(wanted, record, element))
        case tree.Not(of):
            inner = holds(of, record, element)
            return None if inner is None else not inner
        case tree.All(parts):
            found = [holds(part, record, element) for part in parts]
            return False if False in found else None if None in found else True
        case tree.Either(parts):
            found = [holds(part, record, element) for part in parts]
            return True if True in found else None if None in found else False
        case tree.AnyOf(of, inner_condition):
            return any(holds(inner_condition, record, each) is True for each in record[of.name] or ())


def _compared(name: str, left: Any, right: Any) -> bool:
    """Null is equal to itself alone; lt and gt with a null are false, le and ge true of two nulls."""
    if name in ("eq", "ne"):
        return bool(left == right) == (name == "eq")
    if left is None or right is None:
        return name in ("le", "ge") and left is right
    return ORDERS[name](left, right)


def _matched(function: str, text: str | None, wanted: str | None) -> bool | None:
    if text is None or wanted is None:
        return None
    return {"contains": wanted in text, "startswith": text.startswith(wanted), "endswith": text.endswith(wanted)}[
        function
    ]


def _value(value: tree.Value, record: Record, element: Any) -> Any:
    match value:
        case tree.Constant(constant):
            return constant
        case tree.Field(name):
            return _read(record, name)
        case tree.Element():
            return element
        case tree.ElementField(name):
            return _read(element, name)
        case tree.Year(of):
            moment = _value(of, record, element)
            return None if moment is None else moment.year
        case tree.Calculation(name, left, right):
            return _calculated(name, _value(left, record, element), _value(right, record, element))


def _read(record: Record, name: str) -> Any:
    """Dates as dates; numbers exactly as they are written."""
    value = record[name]
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, str) and name.endswith(("Date", "Utc")):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _calculated(name: str, left: Any, right: Any) -> Any:
    """Of two whole numbers div is whole, cut towards zero."""
    if left is None or right is None:
        return None
    if name == "div" and isinstance(left, int) and isinstance(right, int):
        return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    if name == "div":
        return Decimal(left) / Decimal(right)
    return left + right if name == "add" else left * right

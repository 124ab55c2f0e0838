"""What the parts of a `$filter` do with a record: comparisons, null, and the few functions that there are.

The published rules: null is equal to itself alone; lt and gt with a null are false; le and ge are true of two nulls;
and, or and not take null as unknown; arithmetic with a null is null and turns text into numbers.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .filter_tokens import QueryError

Function = Callable[[Any], Any]  # of a record, or inside any() of an element
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}
STRINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A value in a filter. `kind`: number, text, date, bool or null; `literal`: written there, not read."""

    kind: str
    of: Function
    literal: bool = False


def constant(kind: str, value: Any) -> Part:
    return Part(kind=kind, of=lambda _: value, literal=True)


def compared(name: str, left: Part, right: Part) -> Part:
    """`name` is one of eq, ne, lt, gt, le, ge; both sides are of one kind, or one is null."""
    one, other = left.of, right.of
    if right.literal and other(None) is not None:
        return _compared_with(name, one, other(None))
    if name == "eq":
        return _condition(lambda row: one(row) == other(row))
    if name == "ne":
        return _condition(lambda row: one(row) != other(row))
    compare, equal = ORDERINGS[name], name in ("le", "ge")

    def ordered(row: Any) -> bool:
        first, second = one(row), other(row)
        if first is None or second is None:
            return equal and first is second
        return compare(first, second)

    return _condition(ordered)


def _compared_with(name: str, one: Function, value: Any) -> Part:
    """The same with a value that is written there, which is most often so: it is not asked for at each record."""
    if name == "eq":
        return _condition(lambda row: one(row) == value)
    if name == "ne":
        return _condition(lambda row: one(row) != value)
    compare = ORDERINGS[name]
    return _condition(lambda row: (first := one(row)) is not None and compare(first, value))


def all_of(parts: Sequence[Part]) -> Part:
    """and: false if one is false, else unknown if one is unknown."""
    functions = [part.of for part in parts]

    def evaluated(row: Any) -> bool | None:
        unknown = False
        for function in functions:
            value = function(row)
            if value is False:
                return False
            unknown = unknown or value is None
        return None if unknown else True

    return _condition(evaluated)


def one_of(parts: Sequence[Part]) -> Part:
    """or: true if one is true, else unknown if one is unknown."""
    functions = [part.of for part in parts]

    def evaluated(row: Any) -> bool | None:
        unknown = False
        for function in functions:
            value = function(row)
            if value is True:
                return True
            unknown = unknown or value is None
        return None if unknown else False

    return _condition(evaluated)


def negated(part: Part) -> Part:
    function = part.of

    def evaluated(row: Any) -> bool | None:
        value = function(row)
        return None if value is None else not value

    return _condition(evaluated)


def calculated(name: str, left: Part, right: Part) -> Part:
    """add, mul or div; div of two whole numbers is a whole number, cut towards zero."""
    one, other, calculate = _number_of(left), _number_of(right), ARITHMETIC[name]

    def evaluated(row: Any) -> Any:
        first, second = one(row), other(row)
        return None if first is None or second is None else calculate(first, second)

    return Part(kind="number", of=evaluated)


def matched(name: str, text: Part, wanted: Part) -> Part:
    """contains, startswith or endswith. Of a null the article says nothing: here it is unknown."""
    match, one, other = STRINGS[name], text.of, wanted.of

    def evaluated(row: Any) -> bool | None:
        first, second = one(row), other(row)
        return None if first is None or second is None else match(first, second)

    return _condition(evaluated)


def year(of: Part) -> Part:
    function = of.of

    def evaluated(row: Any) -> int | None:
        value = function(row)
        return None if value is None else int(value[:4])

    return Part(kind="number", of=evaluated)


def any_of(elements: Function, condition: Part) -> Part:
    function = condition.of
    return _condition(lambda row: any(function(each) is True for each in elements(row)))


def _condition(function: Function) -> Part:
    return Part(kind="bool", of=function)


def _divided(left: float, right: float) -> float:
    if right == 0:
        raise QueryError("The filter divides by zero.")
    if isinstance(left, int) and isinstance(right, int):
        whole = abs(left) // abs(right)
        return whole if (left < 0) == (right < 0) else -whole
    return left / right


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "mul": operator.mul, "div": _divided}


def _number_of(part: Part) -> Function:
    function = part.of
    return (lambda row: to_number(function(row))) if part.kind == "text" else function


def to_number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError as error:
        raise QueryError(f"{text!r} is not a number.") from error

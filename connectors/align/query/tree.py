"""A filter as an immutable tree. Two trees are equal if they mean the same text, wherever that was typed.

Inside `any()` the element is `Element`, and its fields are `ElementField`: there is one level alone, so that the name
of the variable says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal as OneOf

from connectors.align.query.errors import Span

CompareOperator = OneOf["eq", "ne", "gt", "ge", "lt", "le"]
CalculateOperator = OneOf["add", "mul", "div"]
Function = OneOf["contains", "startswith", "endswith"]
COMPARISONS: tuple[CompareOperator, ...] = ("eq", "ne", "gt", "ge", "lt", "le")
CALCULATIONS: tuple[CalculateOperator, ...] = ("add", "mul", "div")
FUNCTIONS: tuple[Function, ...] = ("contains", "startswith", "endswith")


@dataclass(frozen=True)
class Node:
    """`at`: where it was typed."""

    at: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Constant(Node):
    """A number, a text, a moment in UTC, or null; never true or false, which Align does not take."""

    value: int | Decimal | str | datetime | None


@dataclass(frozen=True)
class Field(Node):
    name: str


@dataclass(frozen=True)
class Element(Node):
    """Inside any() of ids: the id."""


@dataclass(frozen=True)
class ElementField(Node):
    """Inside any() of entities: a field of the entity."""

    name: str


@dataclass(frozen=True)
class Calculation(Node):
    operator: CalculateOperator
    left: Value
    right: Value


@dataclass(frozen=True)
class Year(Node):
    of: Value


@dataclass(frozen=True)
class IsTrue(Node):
    """A field of yes or no that stands alone."""

    of: Field | ElementField


@dataclass(frozen=True)
class Compares(Node):
    operator: CompareOperator
    left: Value
    right: Value


@dataclass(frozen=True)
class Matched(Node):
    """contains, startswith or endswith: of a text, and what is looked for in it."""

    function: Function
    text: Value
    wanted: Value


@dataclass(frozen=True)
class IsUnknown(Node):
    """Whether a condition is neither true nor false, which is all that it can be compared for; `ne`: whether it is."""

    operator: OneOf["eq", "ne"]
    of: Condition


@dataclass(frozen=True)
class Not(Node):
    of: Condition


@dataclass(frozen=True)
class All(Node):
    """and; no part is an `All` itself: see `both`."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either(Node):
    """or; no part is an `Either` itself: see `either`."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf(Node):
    """Whether one element of a list of ids, or of entities, fulfils the condition."""

    of: Field
    condition: Condition


Value = Constant | Field | Element | ElementField | Calculation | Year
Condition = IsTrue | Compares | Matched | IsUnknown | Not | All | Either | AnyOf


def both(left: Condition, right: Condition, *, at: Span | None = None) -> All:
    """and, with the parts of either side beside each other: brackets between them mean nothing."""
    return All((*parts_of(left, All), *parts_of(right, All)), at=at)


def either(left: Condition, right: Condition, *, at: Span | None = None) -> Either:
    """or, in the same way."""
    return Either((*parts_of(left, Either), *parts_of(right, Either)), at=at)


def unknown(operator: OneOf["eq", "ne"], of: Condition, *, at: Span | None = None) -> Compares | IsUnknown:
    """A field of yes or no that is compared with null is a comparison like that of any other field."""
    if isinstance(of, IsTrue):
        return Compares(operator, of.of, Constant(None), at=at)
    return IsUnknown(operator, of, at=at)


def parts_of(condition: Condition, kind: type[All | Either]) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)

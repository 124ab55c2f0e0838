"""Conditions in Python: `Q("title").startswith("Test") & ~Q("isTimeTracking")`.

What no object could be asked is refused here; what depends on the object, when the query is checked against its fields.
Inside `any()` the element is `EACH`: `Q("releaseIds").any(EACH.eq(1))`, or of entities
`Q("releases").any(EACH["title"].eq("unicorn"))`.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NoReturn

from connectors.align.query import tree
from connectors.align.query.errors import MOST_DIGITS, TOO_MANY_DIGITS, QueryRefused, Rule
from connectors.align.query.writing import condition_text, value_text

Plain = int | float | Decimal | str | datetime | date | None
NOT_COMPARED = (
    "Align does not take “{field} eq true” or “{field} eq false”. Let the field stand alone, or write not before it."
)


class Condition:
    """True, false or unknown of each record. Joined with `&` and `|`, turned round with `~`."""

    def __init__(self, condition: tree.Condition) -> None:
        self._condition = condition

    @property
    def condition(self) -> tree.Condition:
        return self._condition

    def __and__(self, other: Condition) -> Condition:
        return Condition(tree.both(self.condition, other.condition))

    def __or__(self, other: Condition) -> Condition:
        return Condition(tree.either(self.condition, other.condition))

    def __invert__(self) -> Condition:
        return Condition(tree.Not(self.condition))

    def is_unknown(self) -> Condition:
        """Neither true nor false, because of what is null."""
        return Condition(tree.unknown("eq", self.condition))

    def is_known(self) -> Condition:
        return Condition(tree.unknown("ne", self.condition))

    def __bool__(self) -> NoReturn:
        raise TypeError("Conditions are joined with & and | and turned round with ~, not with and, or and not.")

    def __str__(self) -> str:
        return condition_text(self.condition)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class ValueOf(Condition):
    """A value of each record: a field, or what is worked out of fields. A field of yes or no is a condition, too."""

    def __init__(self, value: tree.Value) -> None:
        self.value = value

    @property
    def condition(self) -> tree.Condition:
        if isinstance(self.value, tree.Field | tree.ElementField):
            return tree.IsTrue(self.value)
        raise QueryRefused(Rule.WRONG_TYPE, f"{self} is a value, not a condition: compare it with one.", part=str(self))

    def __str__(self) -> str:
        return value_text(self.value)

    # -- comparisons -----------------------------------------------------------------------------------------------

    def eq(self, other: Plain | ValueOf) -> Condition:
        return self._compared("eq", other)

    def ne(self, other: Plain | ValueOf) -> Condition:
        return self._compared("ne", other)

    def gt(self, other: Plain | ValueOf) -> Condition:
        return self._compared("gt", other)

    def ge(self, other: Plain | ValueOf) -> Condition:
        return self._compared("ge", other)

    def lt(self, other: Plain | ValueOf) -> Condition:
        return self._compared("lt", other)

    def le(self, other: Plain | ValueOf) -> Condition:
        return self._compared("le", other)

    def contains(self, text: str | ValueOf) -> Condition:
        return self._matched("contains", text)

    def startswith(self, text: str | ValueOf) -> Condition:
        return self._matched("startswith", text)

    def endswith(self, text: str | ValueOf) -> Condition:
        return self._matched("endswith", text)

    def _compared(self, operator: tree.CompareOperator, other: Plain | ValueOf) -> Condition:
        if isinstance(other, bool):
            raise QueryRefused(Rule.TRUTH, NOT_COMPARED.format(field=self), part=str(self))
        return Condition(tree.Compares(operator, self.value, _value(other)))

    def _matched(self, function: tree.Function, text: str | ValueOf) -> Condition:
        return Condition(tree.Matched(function, self.value, _value(text)))

    # -- what is worked out ----------------------------------------------------------------------------------------

    def year(self) -> ValueOf:
        return ValueOf(tree.Year(self.value))

    def add(self, other: Plain | ValueOf) -> ValueOf:
        return ValueOf(tree.Calculation("add", self.value, _value(other)))

    def mul(self, other: Plain | ValueOf) -> ValueOf:
        return ValueOf(tree.Calculation("mul", self.value, _value(other)))

    def div(self, other: Plain | ValueOf) -> ValueOf:
        return ValueOf(tree.Calculation("div", self.value, _value(other)))


class Q(ValueOf):
    """A field of the object that is asked for, by its name in any case."""

    def __init__(self, name: str) -> None:
        super().__init__(tree.Field(name))
        self.name = name

    def any(self, condition: Condition) -> Condition:
        """Whether one element of this list fulfils a condition on `EACH`."""
        return Condition(tree.AnyOf(tree.Field(self.name), condition.condition))


class EachElement(ValueOf):
    """What any() goes through: an id, or an entity of which a field is asked for."""

    def __init__(self) -> None:
        super().__init__(tree.Element())

    def __getitem__(self, field: str) -> ValueOf:
        return ValueOf(tree.ElementField(field))


EACH = EachElement()


def _value(given: Plain | ValueOf) -> tree.Value:
    return given.value if isinstance(given, ValueOf) else tree.Constant(constant(given))


def constant(given: Plain) -> int | Decimal | str | datetime | None:
    """As it stands in a tree: a moment in UTC, a fraction exactly as it is written. Refuses what cannot be sent."""
    if isinstance(given, bool):
        raise QueryRefused(Rule.TRUTH, NOT_COMPARED.format(field="field"), part=str(given).lower())
    if isinstance(given, datetime):
        return _moment(given)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day, tzinfo=UTC)
    if isinstance(given, float | Decimal):
        return _number(given)
    if isinstance(given, str):
        return _text(given)
    if isinstance(given, int):
        return _whole_number(given)
    if given is None:
        return given
    raise QueryRefused(
        Rule.WRONG_TYPE, "A value is a number, a text, a date or nothing (None).", part=type(given).__name__
    )


def _moment(given: datetime) -> datetime:
    if given.tzinfo is None:
        raise QueryRefused(Rule.DATE, "Align's dates are in UTC: give this date its time zone.", part=str(given))
    return given.astimezone(UTC)


def _number(given: float | Decimal) -> Decimal:
    if not math.isfinite(given):
        raise QueryRefused(Rule.WRONG_TYPE, f"{given} is no number that can be sent.", part=str(given))
    return Decimal(str(given))


def _whole_number(given: int) -> int:
    if abs(given) >= 10**MOST_DIGITS:
        raise QueryRefused(Rule.TOO_LONG, TOO_MANY_DIGITS)
    return given


def _text(given: str) -> str:
    try:
        given.encode()
    except UnicodeEncodeError:
        raise QueryRefused(
            Rule.WRONG_TYPE, "This text has halves of characters, which cannot be sent.", part=ascii(given)
        ) from None
    return given

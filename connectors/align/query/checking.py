"""Checks a filter against the object that it is asked of: fields, types, lists, levels.

The rules are those of Align's article "API 2.0 custom field support", section "Querying Data". What is checked has its
names as they are sent.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from connectors.align.objects import OBJECTS, AlignField, AlignObject, Entity, FieldType
from connectors.align.query import tree
from connectors.align.query.errors import QueryRefused, Rule
from connectors.align.query.writing import condition_text, value_text

DEEPEST = 25  # no source says what a site takes; brackets of a text may be twice as many
CUSTOM = "customfield_"


class ValueKind(Enum):
    """What a value is, as far as comparing goes."""

    NUMBER = "a number"
    TEXT = "a text"
    DATE = "a date"
    TRUTH = "yes or no"
    NULL = "null"


Typed = tuple[tree.Value, ValueKind]
_KINDS = {
    FieldType.WHOLE: ValueKind.NUMBER,
    FieldType.NUMBER: ValueKind.NUMBER,
    FieldType.TEXT: ValueKind.TEXT,
    FieldType.DATE: ValueKind.DATE,
    FieldType.TRUTH: ValueKind.TRUTH,
}


def checked(condition: tree.Condition, asked: AlignObject, expanded: frozenset[str]) -> tree.Condition:
    """The filter with its names as they are sent. `expanded`: the entities that the query adds. Raises QueryRefused."""
    return _Filter(asked=asked, expanded=expanded).condition(condition)


@dataclass(frozen=True, kw_only=True)
class _Filter:
    """`element`: inside any() the entity that it goes through, or the list of ids."""

    asked: AlignObject
    expanded: frozenset[str]
    element: AlignObject | AlignField | None = None
    level: int = 0

    # -- conditions ----------------------------------------------------------------------------------------------------

    def condition(self, given: tree.Condition) -> tree.Condition:
        inner = self._deeper(given)
        match given:
            case tree.IsTrue(of):
                return inner._truth(given, of)
            case tree.Compares():
                return inner._compared(given)
            case tree.Matched():
                return inner._matched(given)
            case tree.Not(of) | tree.IsUnknown(of=of):
                return replace(given, of=inner.condition(of))
            case tree.All(parts) | tree.Either(parts):
                return replace(given, parts=tuple(inner.condition(part) for part in parts))
            case tree.AnyOf():
                return inner._any(given)

    def _deeper(self, given: tree.Node) -> _Filter:
        if self.level >= DEEPEST:
            raise QueryRefused(
                Rule.TOO_DEEP,
                f"The filter has more than {DEEPEST} levels within each other. Put conditions beside each other, or "
                "ask in several queries.",
                at=given.at,
            )
        return replace(self, level=self.level + 1)

    def _truth(self, given: tree.IsTrue, of: tree.Field | tree.ElementField) -> tree.Condition:
        value, kind = self.value(of)
        if kind is not ValueKind.TRUTH or not isinstance(value, tree.Field | tree.ElementField):
            raise _refused(
                Rule.WRONG_TYPE, f"{value_text(value)} is {kind.value}, not a condition: compare it with a value.", of
            )
        return replace(given, of=value)

    def _compared(self, given: tree.Compares) -> tree.Condition:
        (left, one), (right, other) = self.value(given.left), self.value(given.right)
        _refuse_unlike(given, (left, one), (right, other))
        if ValueKind.TRUTH in (one, other) and given.operator not in ("eq", "ne"):
            raise _refused(
                Rule.TRUTH,
                f"{given.operator} compares numbers, texts and dates. A field of yes or no stands alone, after not, or "
                "is compared with null.",
                given,
            )
        return replace(given, left=left, right=right)

    def _matched(self, given: tree.Matched) -> tree.Condition:
        text, wanted = self.value(given.text), self.value(given.wanted)
        for value, kind in (text, wanted):
            if kind is not ValueKind.TEXT:
                raise _refused(
                    Rule.WRONG_TYPE,
                    f"{given.function} takes two texts, and {value_text(value)} is {kind.value}.",
                    value,
                )
        return replace(given, text=text[0], wanted=wanted[0])

    def _any(self, given: tree.AnyOf) -> tree.Condition:
        if self.element is not None:
            raise _refused(Rule.SUB_LEVEL, "any() reaches one level: there is no any() inside another one.", given.of)
        name = given.of.name
        entity, field = self.asked.entity_named(name), self.asked.field_named(name)
        if entity is None and field is None:
            raise self._unknown(given.of, name, self.asked)
        if entity is None and field is not None and not field.type.is_list:
            raise _refused(Rule.LIST, f"{field.name} is a single value, and any() goes through lists.", given.of)
        found = entity.name if entity is not None else field.name if field is not None else name
        if found not in self.asked.filterable:
            raise _refused(Rule.LIST_NOT_FILTERED, _filters_only(self.asked, found), given.of)
        element = self._element(given.of, entity, field)
        inner = replace(self, element=element).condition(given.condition)
        return replace(given, of=replace(given.of, name=found), condition=inner)

    def _element(
        self, of: tree.Field, entity: Entity | None, field: AlignField | None
    ) -> AlignObject | AlignField | None:
        if entity is None:
            return field
        if entity.name not in self.expanded:
            raise _refused(
                Rule.NOT_EXPANDED,
                f"{entity.name} are only there if the query adds them: ask with expand=true, or filter by the ids, "
                f"{entity.field.name}.",
                of,
            )
        return OBJECTS[entity.target]

    # -- values --------------------------------------------------------------------------------------------------------

    def value(self, given: tree.Value) -> Typed:
        match given:
            case tree.Constant(constant):
                return given, _kind_of(constant)
            case tree.Field(name):
                return self._field(given, name)
            case tree.Element():
                return given, self._id(given)
            case tree.ElementField(name):
                return self._element_field(given, name)
            case tree.Year(of):
                return self._year(given, of)
            case tree.Calculation():
                return self._calculated(given)

    def _field(self, given: tree.Field, name: str) -> Typed:
        if self.element is not None:
            raise _refused(
                Rule.SUB_LEVEL,
                f"Inside any() only the element can be asked for, and {name} is a field of the object itself. Put that "
                "condition beside any(), with and or or.",
                given,
            )
        if "/" in name:
            raise _refused(
                Rule.SUB_LEVEL,
                f"{name} reaches into another object, which Align does not support outside of any(). Compare the id "
                "instead.",
                given,
            )
        field, entity = self.asked.field_named(name), self.asked.entity_named(name)
        if field is None and entity is not None:
            raise _refused(
                Rule.LIST,
                f"{entity.name} is a whole object, which cannot be compared. Compare its id, {entity.field.name}.",
                given,
            )
        if field is None:
            raise self._unknown(given, name, self.asked)
        if field.type.is_list:
            raise _refused(Rule.LIST, _list_compared(field), given)
        return replace(given, name=self.asked.spelled(name)), _KINDS[field.type]

    def _id(self, given: tree.Element) -> ValueKind:
        if self.element is None:
            raise _refused(Rule.SUB_LEVEL, "The element is known inside any() only.", given)
        if isinstance(self.element, AlignObject):
            raise _refused(
                Rule.SUB_LEVEL,
                f"The element is a whole {self.element.name.lower()}, which cannot be compared. Name a field of it, as "
                "in x/id.",
                given,
            )
        return ValueKind.NUMBER

    def _element_field(self, given: tree.ElementField, name: str) -> Typed:
        if self.element is None:
            raise _refused(Rule.SUB_LEVEL, "The fields of an element are known inside any() only.", given)
        if isinstance(self.element, AlignField):
            raise _refused(
                Rule.SUB_LEVEL,
                f"The elements of {self.element.name} are ids, which have no fields: compare the element itself.",
                given,
            )
        field = self.element.field_named(name)
        if field is None:
            if "/" in name or self.element.entity_named(name) is not None:
                raise _refused(Rule.SUB_LEVEL, f"{name} is too deep: any() reaches one level.", given)
            raise self._unknown(given, name, self.element)
        if field.name in self.element.excluded:
            raise _refused(
                Rule.UNKNOWN_FIELD,
                f"{field.name} of a {self.element.name.lower()} cannot be filtered inside any(); Align's article "
                "excludes it.",
                given,
            )
        if field.type.is_list:
            raise _refused(Rule.SUB_LEVEL, f"{field.name} is a list, and any() reaches one level.", given)
        return replace(given, name=self.element.spelled(name)), _KINDS[field.type]

    def _year(self, given: tree.Year, of: tree.Value) -> Typed:
        value, kind = self._deeper(given).value(of)
        if kind is not ValueKind.DATE:
            raise _refused(Rule.WRONG_TYPE, f"year takes a date, and {value_text(value)} is {kind.value}.", of)
        return replace(given, of=value), ValueKind.NUMBER

    def _calculated(self, given: tree.Calculation) -> Typed:
        """Texts are allowed: both sides are converted to numbers first."""
        inner = self._deeper(given)
        (left, one), (right, other) = inner.value(given.left), inner.value(given.right)
        for value, kind in ((left, one), (right, other)):
            if kind not in (ValueKind.NUMBER, ValueKind.TEXT, ValueKind.NULL) or not _may_be_number(value):
                raise _refused(
                    Rule.WRONG_TYPE,
                    f"{given.operator} calculates with numbers, and {value_text(value)} is {kind.value}.",
                    value,
                )
        if given.operator == "div" and isinstance(right, tree.Constant) and right.value == 0:
            raise _refused(Rule.WRONG_TYPE, "Nothing can be divided by zero.", right)
        return replace(given, left=left, right=right), ValueKind.NUMBER

    def _unknown(self, given: tree.Node, name: str, asked: AlignObject) -> QueryRefused:
        sentence = unknown_field(asked, name)
        if sentence.endswith("."):
            sentence += f" If a text was meant, put it in single quotes: '{name[:60]}'."
        if name.lower().startswith(CUSTOM):
            sentence = (
                f"{name}: Align's documents know no filter by custom fields. Choose among the rows instead, by "
                f"keep={name} eq 'its value'."
            )
        return QueryRefused(Rule.UNKNOWN_FIELD, sentence, part=name, at=given.at)


# -- sentences ---------------------------------------------------------------------------------------------------------


def unknown_field(asked: AlignObject, name: str, more: tuple[str, ...] = ()) -> str:
    """`more`: what may stand there beside the fields."""
    known = [*asked.fields, *more]
    near = difflib.get_close_matches(name, known, n=1) or [each for each in known if each.lower() == name.lower()]
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{asked.plural} have no field “{name[:60]}”.{hint}"


def _filters_only(asked: AlignObject, name: str) -> str:
    if not asked.filterable:
        return f"{name} cannot be filtered: Align filters no list of {asked.plural.lower()}."
    return f"{name} cannot be filtered: of {asked.plural.lower()} Align filters {', '.join(asked.filterable)} alone."


def _list_compared(field: AlignField) -> str:
    if field.type is FieldType.PARTS:
        return f"{field.name} is a list of objects, which Align cannot filter."
    return f"{field.name} is a list, which cannot be compared as a whole. Use any(): {field.name}/any(x: x eq 1)."


def _refuse_unlike(given: tree.Compares, left: Typed, right: Typed) -> None:
    kinds = {left[1], right[1]} - {ValueKind.NULL}
    if len(kinds) < 2:
        return
    if kinds == {ValueKind.DATE, ValueKind.TEXT}:
        raise _refused(
            Rule.DATE,
            "A date is written without quotes, in UTC: 2018-02-22T00:00:00Z. It is compared with dates alone.",
            right[0] if right[1] is ValueKind.TEXT else left[0],
        )
    one, other = value_text(left[0]), value_text(right[0])
    sentence = f"{one} is {left[1].value} and {other} is {right[1].value}: they cannot be compared."
    raise _refused(Rule.WRONG_TYPE, f"{sentence}{_hint(kinds, left, right)}", given)


def _hint(kinds: set[ValueKind], left: Typed, right: Typed) -> str:
    """What may have been meant by two values that cannot be compared."""
    field = value_text(right[0] if isinstance(left[0], tree.Constant) else left[0])
    if ValueKind.TRUTH in kinds:
        return " A field of yes or no stands alone, or after not."
    if kinds == {ValueKind.DATE, ValueKind.NUMBER}:
        return "" if isinstance(left[0], tree.Year) else f" Ask for year({field}), or write a whole date."
    of_field = left[1] if isinstance(right[0], tree.Constant) else right[1]
    return " A text stands in single quotes." if of_field is ValueKind.TEXT else " A number has no quotes."


def _refused(rule: Rule, sentence: str, about: tree.Value | tree.Condition) -> QueryRefused:
    text = condition_text(about) if isinstance(about, tree.Condition) else value_text(about)
    return QueryRefused(rule, sentence, part=text[:200], at=about.at)


def _kind_of(constant: int | Decimal | str | datetime | None) -> ValueKind:
    if constant is None:
        return ValueKind.NULL
    if isinstance(constant, str):
        return ValueKind.TEXT
    return ValueKind.DATE if isinstance(constant, datetime) else ValueKind.NUMBER


def _may_be_number(value: tree.Value) -> bool:
    if not isinstance(value, tree.Constant) or not isinstance(value.value, str):
        return True
    try:
        return Decimal(value.value).is_finite()
    except ArithmeticError:
        return False

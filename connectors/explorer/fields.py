"""The rows of the form as they stand in an address, and the query that they make. What is wrong stands at its row.

Nothing here asks Align anything: a name that has to be looked up makes the query wait, see connectors.explorer.lookups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.utils.http import urlencode

from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from connectors.align.objects import OBJECTS, AlignField, AlignObject, FieldType
from connectors.align.query import AlignQuery, Condition, KeepRule, Q, SortKey, query_of
from connectors.align.query.checking import CUSTOM, unknown_field
from connectors.align.query.request import EVERYTHING
from connectors.explorer.operators import (
    KEEPS,
    FieldOperator,
    is_name,
    keep_rule,
    operators_of,
    states_of,
    value_of,
)
from connectors.explorer.services import MOST, USUAL

MOST_CONDITIONS = 12
MOST_ORDERS = 3
LONGEST_VALUE = 2000
FIRST = "feature"  # the object that a fresh page shows
NOT_ANY_OF = (
    "Align filters by no custom field: rows are chosen by it once the other conditions have found them. So choose "
    "“all of these are true”, or ask in several queries."
)
USUAL_COLUMNS = ("state", "ownerId", "releaseId", "programId", "lastUpdatedDate")


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """One condition as it was filled in; `number` counts from 0."""

    number: int
    field_name: str
    operator_key: str
    value: str
    asked: AlignObject

    @property
    def is_empty(self) -> bool:
        return not self.field_name

    @cached_property
    def field(self) -> AlignField | None:
        return self.asked.field_named(self.field_name)

    @property
    def custom_key(self) -> str:
        """Of a custom field its key; empty for the fields of the table."""
        lowered = self.field_name.lower()
        return lowered if self.asked.has_custom_fields and lowered.startswith(CUSTOM) else ""

    @property
    def spelled(self) -> str:
        return self.field.name if self.field else self.custom_key or self.field_name

    @property
    def operators(self) -> tuple[FieldOperator, ...]:
        if self.custom_key:
            return KEEPS
        return operators_of(self.asked, self.field) if self.field else ()

    @cached_property
    def operator(self) -> FieldOperator | None:
        """The first one where none was chosen yet."""
        if not self.operator_key:
            return self.operators[0] if self.operators else None
        return next((each for each in self.operators if each.key == self.operator_key), None)

    @property
    def takes_value(self) -> bool:
        return self.operator is None or self.operator.takes_value

    @property
    def options(self) -> list[tuple[str, str]]:
        """Values to choose from, with their names."""
        found = states_of(self.asked, self.field) if self.field else {}
        return [(str(number), f"{number} {name}") for number, name in found.items()]

    @property
    def type_words(self) -> str:
        if self.field is None:
            return ""
        return f"id of {_article(OBJECTS[self.field.target].name)}" if self.field.target else self.field.type.value

    @property
    def is_date(self) -> bool:
        return bool(self.field and self.field.type is FieldType.DATE and self.operator and self.operator.key != "year")

    @property
    def needs_lookup(self) -> bool:
        return bool(self.field and self.operator and self.takes_value and is_name(self.field, self.value))

    @cached_property
    def problem(self) -> str:
        """Why it makes no condition; empty where it makes one, or waits for a look-up."""
        if self.is_empty or self.needs_lookup:
            return ""
        if self.field is None and not self.custom_key:
            return unknown_field(self.asked, self.field_name)
        if self.field and not self.operators:
            return f"{self.field.name} cannot be filtered: Align filters other lists of {self.asked.plural.lower()}."
        if self.operator is None:
            return f"Choose what to ask of this field ({self.type_words or 'custom field'})."
        if self.takes_value and not self.value.strip():
            return "Give a value."
        try:
            if not self.custom_key:
                self.condition  # noqa: B018
        except Refused as refused:
            return str(refused)
        return ""

    @property
    def keep_rule(self) -> KeepRule | None:
        """The condition of a custom field, which is not sent."""
        return keep_rule(self.custom_key, self.operator, self.value) if self.custom_key and self.operator else None

    @cached_property
    def condition(self) -> Condition:
        """Of a field of the table. Raises Refused."""
        if self.field is None or self.operator is None:
            raise Refused(self.problem)
        value = value_of(self.field, self.operator, self.value) if self.takes_value else None
        return self.operator.build(Q(self.field.name), value)

    def pairs(self) -> list[tuple[str, str]]:
        named = (("field", self.field_name), ("op", self.operator_key), ("value", self.value))
        return [(f"{name}.{self.number}", value) for name, value in named if value]


@dataclass(frozen=True, kw_only=True)
class OrderRow:
    number: int
    field_name: str
    is_descending: bool

    def pairs(self) -> list[tuple[str, str]]:
        if not self.field_name:
            return []
        down = [(f"desc.{self.number}", "yes")] if self.is_descending else []
        return [(f"order.{self.number}", self.field_name), *down]


@dataclass(frozen=True, kw_only=True)
class QueryFields:
    """All that the form says."""

    asked: AlignObject
    columns: tuple[str, ...] = ()
    rows: tuple[ConditionRow, ...] = ()
    any_of: bool = False
    orders: tuple[OrderRow, ...] = ()
    expanded: tuple[str, ...] = ()
    most: str = str(USUAL)
    problem: str = field(default="")  # of the address as a whole

    @property
    def filled(self) -> tuple[ConditionRow, ...]:
        return tuple(row for row in self.rows if not row.is_empty)

    @property
    def lookups(self) -> tuple[ConditionRow, ...]:
        return tuple(row for row in self.filled if row.needs_lookup)

    @cached_property
    def most_problem(self) -> str:
        number = whole(self.most, most=MOST)
        return "" if number else f"Give a number of rows from 1 to {MOST:,}."

    @cached_property
    def query(self) -> AlignQuery | None:
        """None while something is wrong, missing or to be looked up."""
        if self.troubles or self.lookups:
            return None
        return self._built()

    @cached_property
    def troubles(self) -> list[str]:
        found = [self.problem, self.most_problem, *(row.problem for row in self.filled)]
        if not any(found):
            try:
                if not self.lookups:
                    self._built()
            except Refused as refused:
                found.append(str(refused))
        return [each for each in found if each]

    @property
    def other_trouble(self) -> str:
        """What stands at no row of its own."""
        own = {self.most_problem, *(row.problem for row in self.filled)}
        return next((each for each in self.troubles if each not in own), "")

    def _built(self) -> AlignQuery:
        """Raises QueryRefused."""
        query = query_of(self.asked.key).select(*self.columns)
        if self.expanded:
            query = query.expand(*self.expanded) if self.expanded != EVERYTHING else query.expand()
            query = query.select(*self.expanded) if self.columns and self.expanded != EVERYTHING else query
        kept = [rule for row in self.filled if (rule := row.keep_rule)]
        if kept and self.any_of and len(self.filled) > 1:
            raise Refused(NOT_ANY_OF)
        joined: Condition | None = None
        for row in self.filled:
            if row.custom_key:
                continue
            one = row.condition
            joined = one if joined is None else joined | one if self.any_of else joined & one
        if joined is not None:
            query = query.where(joined)
        chosen = [each for each in self.orders if each.field_name]
        query = replace(query, order=tuple(SortKey(field=o.field_name, descending=o.is_descending) for o in chosen))
        return query.keep(*kept).top(whole(self.most, most=MOST) or USUAL).checked()

    def with_value(self, number: int, value: str) -> QueryFields:
        rows = tuple(replace(row, value=value) if row.number == number else row for row in self.rows)
        return replace(self, rows=rows)

    def pairs(self) -> list[tuple[str, str]]:
        found = [("object", self.asked.key), *(("column", name) for name in self.columns)]
        found += [pair for row in self.filled for pair in row.pairs()]
        found += [("match", "any")] if self.any_of else []
        found += [pair for order in self.orders for pair in order.pairs()]
        found += [("expand", name) for name in self.expanded]
        return [*found, ("top", self.most)]

    @property
    def in_address(self) -> str:
        return urlencode(self.pairs())


def fields_in(data: Mapping[str, Any]) -> QueryFields:
    """What an address, or a form, says; `data` is a QueryDict. A fresh page shows features with the usual columns."""
    wanted = text_in(data, "object") or FIRST
    asked = OBJECTS.get(wanted)
    problem = "" if asked else f"“{wanted[:60]}” is no object of Jira Align that is known: choose one."
    asked = asked or OBJECTS[FIRST]
    # Another object was chosen: what was filled in for the one before means nothing here.
    if text_in(data, "before") not in ("", asked.key):
        return QueryFields(asked=asked, columns=usual_columns(asked), rows=with_empty((), asked), orders=_orders({}))
    columns = tuple(dict.fromkeys(_names(data, "column"))) if "object" in data else usual_columns(asked)
    rows = tuple(_row(data, number, asked) for number in range(MOST_CONDITIONS))
    return QueryFields(
        asked=asked,
        columns=columns,
        rows=with_empty(tuple(row for row in rows if not row.is_empty), asked),
        any_of=text_in(data, "match") == "any",
        orders=_orders(data),
        expanded=tuple(dict.fromkeys(_names(data, "expand"))),
        most=text_in(data, "top").strip() or str(USUAL),
        problem=problem,
    )


def _names(data: Mapping[str, Any], name: str) -> list[str]:
    found = data.getlist(name) if hasattr(data, "getlist") else []
    return [text_in({name: each}, name)[:200] for each in found[:200] if each]


def _row(data: Mapping[str, Any], number: int, asked: AlignObject) -> ConditionRow:
    is_dropped = text_in(data, "drop") == str(number)
    return ConditionRow(
        number=number,
        field_name="" if is_dropped else text_in(data, f"field.{number}")[:200],
        operator_key=text_in(data, f"op.{number}")[:20],
        value=text_in(data, f"value.{number}")[:LONGEST_VALUE],
        asked=asked,
    )


def with_empty(rows: tuple[ConditionRow, ...], asked: AlignObject) -> tuple[ConditionRow, ...]:
    """Numbered anew, with one to fill in after the last."""
    numbered = [replace(row, number=number) for number, row in enumerate(rows)]
    if len(numbered) < MOST_CONDITIONS:
        numbered.append(ConditionRow(number=len(numbered), field_name="", operator_key="", value="", asked=asked))
    return tuple(numbered)


def _orders(data: Mapping[str, Any]) -> tuple[OrderRow, ...]:
    found = [(text_in(data, f"order.{n}")[:200], text_in(data, f"desc.{n}") == "yes") for n in range(MOST_ORDERS)]
    chosen = [each for each in found if each[0]]
    return with_empty_order(
        tuple(OrderRow(number=n, field_name=name, is_descending=down) for n, (name, down) in enumerate(chosen))
    )


def with_empty_order(orders: tuple[OrderRow, ...]) -> tuple[OrderRow, ...]:
    if len(orders) >= MOST_ORDERS:
        return orders
    return (*orders, OrderRow(number=len(orders), field_name="", is_descending=False))


def usual_columns(asked: AlignObject) -> tuple[str, ...]:
    """What tells which record it is, and what people ask of it most: at most seven."""
    own = [name for name in USUAL_COLUMNS if name in asked.fields]
    more = [name for name, each in asked.fields.items() if not each.type.is_list and name not in own]
    first = list(dict.fromkeys(("id", asked.label_field)))
    rest = [name for name in (*own, *more) if name not in first]
    return tuple((*first, *rest)[: 7 if own else 6])


def orderable(asked: AlignObject) -> list[str]:
    return [name for name, each in asked.fields.items() if not each.type.is_list]


def _article(name: str) -> str:
    lowered = name.lower()
    return f"an {lowered}" if lowered[0] in "aeio" else f"a {lowered}"

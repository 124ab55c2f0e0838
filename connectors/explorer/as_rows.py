"""A typed query as rows of the form, where the form can say it: most of what people type is simple."""

from __future__ import annotations

from decimal import Decimal

from connectors.align.query import AlignQuery, KeepRule, tree
from connectors.explorer.fields import (
    MOST_CONDITIONS,
    MOST_ORDERS,
    ConditionRow,
    OrderRow,
    QueryFields,
    with_empty,
    with_empty_order,
)
from connectors.explorer.services import USUAL

Said = tuple[str, str, str]  # field, operator, value


def fields_of(query: AlignQuery) -> QueryFields | None:
    """None where the form would say something else; that is found out by making the query again."""
    condition = query.condition
    is_any = isinstance(condition, tree.Either)
    parts = condition.parts if isinstance(condition, tree.All | tree.Either) else (condition,) if condition else ()
    said = [*(_said(part) for part in parts), *(_kept(rule) for rule in query.kept)]
    if query.skipped is not None or len(said) > MOST_CONDITIONS or len(query.order) > MOST_ORDERS:
        return None
    rows = [
        ConditionRow(number=number, field_name=each[0], operator_key=each[1], value=each[2], asked=query.asked)
        for number, each in enumerate(said)
        if each is not None
    ]
    orders = [
        OrderRow(number=number, field_name=key.field, is_descending=key.descending)
        for number, key in enumerate(query.order)
    ]
    found = QueryFields(
        asked=query.asked,
        columns=tuple(name for name in query.selected if name not in query.expanded),
        rows=with_empty(tuple(rows), query.asked),
        any_of=is_any,
        orders=with_empty_order(tuple(orders)),
        expanded=query.expanded,
        most=str(query.most or USUAL),
    )
    wanted = query.top(query.most or USUAL)
    return found if found.query is not None and found.query.text() == wanted.text() else None


def _kept(rule: KeepRule) -> Said:
    if rule.value is None:
        return rule.key, "filled" if rule.is_not else "empty", ""
    return rule.key, "ne" if rule.is_not else "eq", rule.value


def _said(part: tree.Condition) -> Said | None:
    match part:
        case tree.IsTrue(tree.Field(name)):
            return name, "yes", ""
        case tree.Not(tree.IsTrue(tree.Field(name))):
            return name, "no", ""
        case tree.Compares("eq", tree.Field(name), tree.Constant(None)):
            return name, "empty", ""
        case tree.Compares("ne", tree.Field(name), tree.Constant(None)):
            return name, "filled", ""
        case tree.Compares("eq", tree.Year(tree.Field(name)), tree.Constant(value)):
            return name, "year", str(value)
        case tree.Compares(operator, tree.Field(name), tree.Constant(value)):
            return name, operator, _written(value)
        case tree.Matched(function, tree.Field(name), tree.Constant(value)):
            return name, function, str(value)
        case tree.AnyOf(tree.Field(name), tree.Compares("eq", tree.Element(), tree.Constant(value))):
            return name, "has", str(value)
        case tree.Not(tree.AnyOf(tree.Field(name), tree.Compares("eq", tree.Element(), tree.Constant(value)))):
            return name, "hasnot", str(value)
        case _:
            return None


def _written(value: object) -> str:
    if isinstance(value, str | int | Decimal):
        return str(value)
    text = str(value).replace(" ", "T")
    return text.removesuffix("T00:00:00+00:00") if text.endswith("T00:00:00+00:00") else text.replace("+00:00", "Z")

"""What the reader makes of a filter, another parser makes, too: odata_query's, where it can read the names."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from connectors.align.query import read_filter, tree
from connectors.align.query.writing import condition_text
from tests.support.align_conditions import ConditionsByChance

# It takes a name that begins like a word of the language for that word and a rest.
MISREAD = re.compile(r"\b(any|all|null|true|false)\w", re.IGNORECASE)
NAMES = {"Eq": "eq", "NotEq": "ne", "Gt": "gt", "GtE": "ge", "Lt": "lt", "LtE": "le"} | {
    "Add": "add",
    "Mult": "mul",
    "Div": "div",
    "And": "and",
    "Or": "or",
}


def test_both_see_the_same_shape() -> None:
    compared = 0
    for number in range(150):
        text = condition_text(ConditionsByChance(number, ("feature", "epic", "user")).condition().condition)
        if MISREAD.search(text) is None and text.isprintable():
            assert _theirs(ODataParser().parse(ODataLexer().tokenize(text))) == _ours(read_filter(text)), text
            compared += 1
    assert compared > 100


def _theirs(node: Any) -> Any:
    match node:
        case ast.BoolOp(op, left, right):
            name = _name(op)
            return (name, *(part for side in (left, right) for part in _flat(name, _theirs(side))))
        case ast.UnaryOp(ast.Not(), operand):
            return ("not", _theirs(operand))
        case ast.Compare(op, left, right) | ast.BinOp(op, left, right):
            return (_name(op), _theirs(left), _theirs(right))
        case ast.Call(function, args):
            return (function.name, *map(_theirs, args))
        case ast.CollectionLambda(owner, _, lambda_):
            assert lambda_ is not None
            return ("any", _theirs(owner), _theirs(lambda_.expression))
    return _their_value(node)


def _their_value(node: Any) -> Any:
    match node:
        case ast.Attribute(_, name):
            return ("x", name)
        case ast.Identifier(name):
            return name
        case ast.Null():
            return None
        case ast.Integer(value) | ast.Float(value):
            return Decimal(value)
        case ast.DateTime(value):
            return datetime.fromisoformat(value)
        case ast.String(value):
            return ("text", value)
    raise AssertionError(node)


def _ours(node: Any) -> Any:
    match node:
        case tree.All(parts):
            return ("and", *map(_ours, parts))
        case tree.Either(parts):
            return ("or", *map(_ours, parts))
        case tree.Not(of):
            return ("not", _ours(of))
        case tree.Compares(name, left, right) | tree.Calculation(name, left, right) | tree.Matched(name, left, right):
            return (name, _ours(left), _ours(right))
        case tree.IsUnknown(name, of):
            return (name, _ours(of), None)
        case tree.Year(of):
            return ("year", _ours(of))
        case tree.IsTrue(of):
            return _ours(of)
        case tree.AnyOf(of, condition):
            return ("any", of.name, _ours(condition))
    return _our_value(node)


def _our_value(node: Any) -> Any:
    match node:
        case tree.Element():
            return "x"
        case tree.ElementField(name):
            return ("x", name)
        case tree.Field(name):
            return name
        case tree.Constant(str() as value):
            return ("text", value)
        case tree.Constant(int() | Decimal() as value):
            return Decimal(value)
        case tree.Constant(value):
            return value
    raise AssertionError(node)


def _name(operator: Any) -> str:
    return NAMES[type(operator).__name__]


def _flat(name: str, shape: Any) -> tuple[Any, ...]:
    return shape[1:] if isinstance(shape, tuple) and shape[0] == name else (shape,)

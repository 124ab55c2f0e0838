"""OData options on lists of dicts: `$filter`, `$orderby`, `$top`, `$skip`, as Align's query article describes them.

Property names are taken in any case. What the article does not list (`in`, `all`, `eq true`) is refused.
"""

import datetime as dt
import operator
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.visitor import NodeVisitor

from .messages import Json, invalid

PAGE = 100
_ORDERED: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: int(left / right) if _whole(left, right) else left / right,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")


class FilterError(Exception):
    """The filter asks for something that is unknown or that its values cannot answer."""


def page(
    rows: Iterable[Json], query: dict[str, str], *, top_over_limit: str = "clamp", limit: int = PAGE
) -> list[Json]:
    """The rows that the query's options leave. Refuses with 400 and the name of the wrong option."""
    rows = list(rows)
    if query.get("$filter"):
        rows = _filtered(rows, query["$filter"])
    if query.get("$orderby"):
        rows = _ordered(rows, query["$orderby"])
    top, skip = _number(query, "$top", limit), _number(query, "$skip", 0)
    if top > limit and top_over_limit == "400":
        raise invalid("$top", f"The limit of '{limit}' for Top query has been exceeded.")
    return rows[skip : skip + min(top, limit)]


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise invalid(name, f"Invalid value '{text}' for {name}: a number of 0 or more is expected.")
    return int(text)


def _filtered(rows: list[Json], text: str) -> list[Json]:
    try:
        tree = _parse(text.strip())
        return [row for row in rows if _Evaluation(row).visit(tree)]
    except (ODataException, FilterError, ValueError, TypeError, ArithmeticError) as error:
        raise invalid("$filter", f"The query specified in the URI is not valid. {error}") from error


@lru_cache(maxsize=256)
def _parse(text: str) -> ast._Node:
    # Lexer and parser keep state while they run, so each parse gets its own.
    tree: ast._Node | None = ODataParser().parse(ODataLexer().tokenize(text))
    if tree is None:
        raise FilterError("The expression is empty.")
    return tree


def _ordered(rows: list[Json], text: str) -> list[Json]:
    # The last key is sorted first: each sort is stable, so earlier keys win.
    for part in reversed(text.split(",")):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise invalid("$orderby", f"'{part.strip()}' is neither asc nor desc.")
        descending = direction.strip().lower() == "desc"
        try:
            rows = sorted(rows, key=partial(_sort_key, name), reverse=descending)
        except (FilterError, TypeError) as error:
            raise invalid("$orderby", str(error)) from error
    return rows


def _sort_key(name: str, row: Json) -> tuple[bool, Any]:
    value = _property(row, name)
    return (value is not None, value)


def _property(row: Json, name: str) -> Any:
    if name in row:
        return row[name]
    for key, value in row.items():
        if key.lower() == name.lower():
            return value
    # The one field that a record may lack: a shared mapping has no projectKey.
    if name.lower() == "projectkey":
        return None
    raise FilterError(f"Could not find a property named '{name}'.")


class _Evaluation(NodeVisitor):
    """Value of a filter for one row; `variables` are the names bound by any()."""

    def __init__(self, row: Json, variables: dict[str, Any] | None = None) -> None:
        self.row = row
        self.variables = variables or {}

    def generic_visit(self, node: ast._Node) -> Any:
        raise FilterError(f"{type(node).__name__} is not supported.")

    def visit_Identifier(self, node: ast.Identifier) -> Any:
        if node.name in self.variables:
            return self.variables[node.name]
        return _property(self.row, node.name)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        owner = self.visit(node.owner)
        if not isinstance(owner, dict):
            raise FilterError(f"'{node.attr}' is asked of something that has no properties.")
        return _property(owner, node.attr)

    def visit_Boolean(self, node: ast.Boolean) -> Any:
        raise FilterError("A comparison with true or false does not work: write the field alone, or not field.")

    def visit_Null(self, node: ast.Null) -> None:
        return None

    def _literal(self, node: Any) -> Any:
        return node.py_val

    visit_Integer = visit_Float = visit_String = visit_Date = visit_DateTime = visit_GUID = _literal

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.visit(node.operand)
        if value is None:
            return None
        return not value if isinstance(node.op, ast.Not) else -value

    def visit_BoolOp(self, node: ast.BoolOp) -> bool | None:
        """Null is unknown: it decides nothing unless the other side does."""
        values = [self.visit(node.left), self.visit(node.right)]
        deciding = isinstance(node.op, ast.Or)
        known = [bool(value) for value in values if value is not None]
        if deciding in known:
            return deciding
        return None if len(known) < 2 else not deciding

    def visit_Compare(self, node: ast.Compare) -> bool:
        left, right = _alike(self.visit(node.left), self.visit(node.right))
        if isinstance(node.comparator, ast.Eq):
            return bool(left == right)
        if isinstance(node.comparator, ast.NotEq):
            return bool(left != right)
        compare = _ORDERED.get(type(node.comparator))
        if compare is None:
            raise FilterError(f"{type(node.comparator).__name__} is not supported.")
        if left is None or right is None:
            return left is right and isinstance(node.comparator, ast.LtE | ast.GtE)
        return compare(left, right)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        calculate = _ARITHMETIC.get(type(node.op))
        if calculate is None:
            raise FilterError(f"{type(node.op).__name__} is not supported.")
        left, right = self.visit(node.left), self.visit(node.right)
        return None if left is None or right is None else calculate(left, right)

    def visit_Call(self, node: ast.Call) -> Any:
        name = ".".join((*node.func.namespace, node.func.name)).lower()
        values = [self.visit(argument) for argument in node.args]
        if name in _STRINGS:
            text, part = values
            return text is not None and part is not None and _STRINGS[name](text, part)
        if name in _DATE_PARTS:
            return None if values[0] is None else getattr(_moment(values[0]), name)
        raise FilterError(f"The function {name} is not supported.")

    def visit_CollectionLambda(self, node: ast.CollectionLambda) -> bool:
        if not isinstance(node.operator, ast.Any):
            raise FilterError("all() is not supported.")
        items = self.visit(node.owner)
        if not isinstance(items, list):
            raise FilterError("any() is asked of something that is not a collection.")
        if node.lambda_ is None:
            return bool(items)
        name, condition = node.lambda_.identifier.name, node.lambda_.expression
        inner = [_Evaluation(self.row, {**self.variables, name: item}) for item in items]
        return any(evaluation.visit(condition) for evaluation in inner)


def _whole(*values: Any) -> bool:
    return all(isinstance(value, int) for value in values)


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Our rows hold dates as text; beside a date literal they are compared as moments."""
    if isinstance(left, dt.date) or isinstance(right, dt.date):
        return _moment(left), _moment(right)
    return left, right


def _moment(value: Any) -> Any:
    """Text and dates as a moment in UTC; a moment without a zone is taken as UTC; anything else as it is."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    return value

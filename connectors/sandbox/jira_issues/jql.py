"""What a JQL query finds: each clause becomes a test of one issue, with names looked up once, before the search.

Known are the fields and operators that the product's questions need; everything else is refused as Jira refuses what
it does not know. `!=` and `not in` leave out issues without a value, and so does `not` around a comparison.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import jql_values
from .jql_reader import Clause, Combined, Operand, Ordering, read
from .jql_tokens import JqlError
from .jql_values import FIELDS, JqlContext, JqlField
from .records import Issue

Test = Callable[[Issue], bool]
OPPOSITE = {
    "=": "!=",
    "!=": "=",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "~": "!~",
    "!~": "~",
}
DATES = ("created", "updated")
MINUTE = 60_000


@dataclass(frozen=True, kw_only=True)
class JqlQuery:
    """`bounded`: it has a condition. Cloud takes no other."""

    matches: Test
    order: tuple[Ordering, ...]
    bounded: bool


def compiled(text: str, context: JqlContext) -> JqlQuery:
    """JqlError: Jira's messages of what is wrong, in the order of the query."""
    query = read(text)
    for each in query.order:
        _field(each.field)
    where = query.where if query.where is not None else Combined(word="and", parts=())
    matches = _compile(where, context, negated=False)
    return JqlQuery(matches=matches, order=query.order, bounded=query.where is not None)


def found(query: JqlQuery, issues: Iterable[Issue], context: JqlContext) -> list[Issue]:
    """The issues that match, in their order; without one the newest come first."""
    kept = [issue for issue in issues if query.matches(issue)]
    kept.sort(key=lambda issue: -issue["id"])
    for each in reversed(query.order):
        key = jql_values.sort_key(_field(each.field).name, context)
        kept.sort(key=key, reverse=each.descending)
    return kept


def _compile(part: Clause | Combined, context: JqlContext, *, negated: bool) -> Test:
    if isinstance(part, Clause):
        return _clause(part, context, negated=negated)
    if part.word == "not":
        return _compile(part.parts[0], context, negated=not negated)
    tests = [_compile(each, context, negated=negated) for each in part.parts]
    if (part.word == "and") != negated:
        return lambda issue: all(test(issue) for test in tests)
    return lambda issue: any(test(issue) for test in tests)


def _clause(clause: Clause, context: JqlContext, *, negated: bool) -> Test:
    field = _field(clause.field)
    _check(clause, field)
    operator = OPPOSITE[clause.operator] if negated else clause.operator
    operand = clause.operand
    if operator in ("is", "is not") or operand.kind == "empty":
        wanted = operator in ("is", "=", "in")
        return lambda issue: (not field.read(issue)) == wanted
    if field.name == "text":
        return _text(operand.text, wanted=operator == "~")
    if field.name in DATES:
        return _date(field, operator, operand, context)
    if operator in ("<", "<=", ">", ">="):
        return _ranked(field, operator, operand, context)
    return _listed(field, operator, operand, context)


def _field(name: str) -> JqlField:
    field = FIELDS.get(name.lower())
    if field is None:
        raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")
    return field


def _check(clause: Clause, field: JqlField) -> None:
    """Whether the operator goes with the field and with what stands behind it."""
    operator, operand, name = clause.operator, clause.operand, clause.field
    if operator not in field.operators:
        raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
    if operator in ("is", "is not") and operand.kind != "empty":
        raise JqlError(f"Operator '{operator}' does not support the value '{operand}' for field '{name}'.")
    single = operand.kind in ("value", "empty")
    if operator in ("in", "not in") and single:
        raise JqlError(f"Operator '{operator}' does not support the non-list value '{operand}' for field '{name}'.")
    if operator not in ("in", "not in") and operand.kind == "list":
        raise JqlError(f"Operator '{operator}' does not support the list value '{operand}' for field '{name}'.")


def _values(field: JqlField, operand: Operand, context: JqlContext) -> tuple[set[Any], bool]:
    """The ids that are meant, and whether no value is meant, too. All that is wrong is told at once."""
    wanted: set[Any] = set()
    empty = False
    wrong: list[str] = []
    for each in _flat(operand):
        try:
            if each.kind == "empty":
                empty = True
            elif each.kind == "function":
                wanted |= jql_values.of_function(field, each, context)
            else:
                wanted |= field.resolve(each.text, context)
        except JqlError as error:
            wrong.extend(error.messages)
    if wrong:
        raise JqlError(*wrong)
    return wanted, empty


def _flat(operand: Operand) -> Sequence[Operand]:
    if operand.kind != "list":
        return [operand]
    return [each for part in operand.parts for each in _flat(part)]


def _listed(field: JqlField, operator: str, operand: Operand, context: JqlContext) -> Test:
    wanted, empty = _values(field, operand, context)
    get = field.read
    if operator in ("=", "in"):

        def among(issue: Issue) -> bool:
            values = get(issue)
            return not wanted.isdisjoint(values) if values else empty

        return among

    def not_among(issue: Issue) -> bool:
        values = get(issue)
        return bool(values) and wanted.isdisjoint(values)

    return not_among


COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    # A minute is the smallest unit that a query can name.
    "=": lambda one, other: other <= one < other + MINUTE,
    "!=": lambda one, other: not other <= one < other + MINUTE,
}


def _date(field: JqlField, operator: str, operand: Operand, context: JqlContext) -> Test:
    moments = [jql_values.moment(field.name, each, context) for each in _flat(operand)]
    get = field.read
    if operator in ("in", "not in"):
        equal, wanted = COMPARE["="], operator == "in"
        return lambda issue: any(equal(get(issue)[0], each) for each in moments) == wanted
    compare, moment = COMPARE[operator], moments[0]
    return lambda issue: compare(get(issue)[0], moment)


def _ranked(field: JqlField, operator: str, operand: Operand, context: JqlContext) -> Test:
    """Of priorities: the highest is the greatest."""
    (wanted,), _ = _values(field, operand, context)
    ranks = {each: -place for place, (each, _) in enumerate(context.priorities)}
    compare, least, get = COMPARE[operator], ranks[wanted], field.read

    def beyond(issue: Issue) -> bool:
        values = get(issue)
        return bool(values) and compare(ranks.get(values[0], 0), least)

    return beyond


def _text(sought: str, *, wanted: bool) -> Test:
    """Each word must stand in the summary or the description; `word*` is the beginning of one, "…" a phrase."""
    parts = jql_values.sought_in(sought)

    def matches(issue: Issue) -> bool:
        text = f"{issue['summary']}\n{issue['description']}"
        return all(part.search(text) for part in parts) == wanted

    return matches

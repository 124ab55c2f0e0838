"""The fields of JQL: which operators they take, what an issue has there, and which ids a written value means."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from . import tracker
from .jql_reader import Operand
from .jql_tokens import JqlError
from .records import Issue, IssueTypeRecord, ProjectRecord, StatusRecord

EQUAL, LISTED, EMPTY = ("=", "!="), ("in", "not in"), ("is", "is not")
ORDERED = ("<", "<=", ">", ">=")
USUAL = (*EQUAL, *LISTED, *EMPTY)
PERIOD = re.compile(r"([+-]?)((?:\d+[wdhm]\s*)+)")
FORMATS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
VALID_DATES = (
    "Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
    "e.g. '-5d', '4w 2d'."
)


@dataclass(frozen=True, kw_only=True)
class JqlContext:
    """What a query is read against: what the caller sees. `priorities` begin with the highest, as (id, name).

    `names`: what each user may be called in a query; `named`: a status's or type's name in the caller's language;
    `categories`: key to (id, name).
    """

    projects: Sequence[ProjectRecord]
    types: Sequence[IssueTypeRecord]
    statuses: Sequence[StatusRecord]
    priorities: Sequence[tuple[str, str]]
    categories: Mapping[str, tuple[int, str]]
    names: Mapping[str, frozenset[str]]
    me: str | None
    zone: ZoneInfo
    now: dt.datetime
    named: Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class JqlField:
    """`read`: the values of an issue, empty where it has none. `resolve`: the ids that a written value means."""

    name: str
    operators: tuple[str, ...]
    read: Callable[[Issue], Any]
    resolve: Callable[[str, JqlContext], set[Any]]


def no_value(field: str, text: str) -> JqlError:
    if text.isdigit():
        return JqlError(f"A value with ID '{text}' does not exist for the field '{field}'.")
    return JqlError(f"The value '{text}' does not exist for the field '{field}'.")


def _resolver(
    field: str, candidates: Callable[[JqlContext], Sequence[tuple[Any, tuple[str, ...]]]]
) -> Callable[[str, JqlContext], set[Any]]:
    """`candidates`: each id with all that it may be called."""

    def resolve(text: str, context: JqlContext) -> set[Any]:
        low = text.lower()
        wanted = {each for each, names in candidates(context) if low in (name.lower() for name in names)}
        if not wanted:
            raise no_value(field, text)
        return wanted

    return resolve


def _projects(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each["id"], (each["key"], each["name"], each["id"])) for each in context.projects]


def _types(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each["id"], (each["name"], context.named(each["name"]), each["id"])) for each in context.types]


def _statuses(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each["id"], (each["name"], context.named(each["name"]), str(each["id"]))) for each in context.statuses]


def _components(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each.id, (each.name, each.id)) for project in context.projects for each in tracker.components_of(project)]


def _versions(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each.id, (each.name, each.id)) for project in context.projects for each in tracker.versions_of(project)]


def _sprints(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [
        (each.id, (each.name, str(each.id))) for project in context.projects for each in tracker.sprints_of(project)
    ]


def _people(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(user, tuple(names)) for user, names in context.names.items()]


def _priorities(context: JqlContext) -> list[tuple[Any, tuple[str, ...]]]:
    return [(each, (name, each)) for each, name in context.priorities]


def _keys(text: str, context: JqlContext) -> set[Any]:
    name, _, number = text.upper().rpartition("-")
    if text.isdigit():
        return {int(text)}
    if not (name and number.isdigit()):
        raise JqlError(f"The issue key '{text}' for field 'key' is invalid.")
    for project in context.projects:
        if project["key"] == name:
            return {int(project["id"]) * 10_000 + int(number)}
    raise JqlError(f"An issue with key '{text}' does not exist for field 'key'.")


def _of_category(text: str, context: JqlContext) -> set[Any]:
    low = text.lower()
    for key, (number, name) in context.categories.items():
        if low in (key, str(number), name.lower(), context.named(name).lower()):
            return {each["id"] for each in context.statuses if each["category"] == key}
    raise no_value("statusCategory", text)


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _as_written(text: str, context: JqlContext) -> set[Any]:
    return {text}


def _table() -> dict[str, JqlField]:
    rows: tuple[tuple[str, tuple[str, ...], Callable[[Issue], Any], Callable[[str, JqlContext], set[Any]]], ...] = (
        ("project", USUAL, lambda issue: (issue["project"],), _resolver("project", _projects)),
        ("issuetype", USUAL, lambda issue: (issue["type"],), _resolver("issuetype", _types)),
        ("status", USUAL, lambda issue: (issue["status"],), _resolver("status", _statuses)),
        ("statusCategory", USUAL, lambda issue: (issue["status"],), _of_category),
        ("labels", USUAL, lambda issue: issue["labels"], _as_written),
        ("component", USUAL, lambda issue: issue["components"], _resolver("component", _components)),
        ("fixVersion", USUAL, lambda issue: issue["fix_versions"], _resolver("fixVersion", _versions)),
        ("sprint", USUAL, lambda issue: issue["sprints"], _resolver("sprint", _sprints)),
        ("assignee", USUAL, lambda issue: _one(issue["assignee"]), _resolver("assignee", _people)),
        ("priority", (*USUAL, *ORDERED), lambda issue: _one(issue["priority"]), _resolver("priority", _priorities)),
        ("created", (*USUAL, *ORDERED), lambda issue: (issue["created"],), _as_written),
        ("updated", (*USUAL, *ORDERED), lambda issue: (issue["updated"],), _as_written),
        ("text", ("~", "!~"), lambda issue: (issue["summary"],), _as_written),
        ("key", (*EQUAL, *LISTED), lambda issue: (issue["id"],), _keys),
    )
    return {name.lower(): JqlField(name=name, operators=operators, read=get, resolve=resolve)
            for name, operators, get, resolve in rows}  # fmt: skip


FIELDS: dict[str, JqlField] = _table()
ALIASES = {"type": "issuetype", "createddate": "created", "updateddate": "updated", "issuekey": "key", "issue": "key"}
FIELDS.update({alias: FIELDS[name] for alias, name in ALIASES.items()})


# -- functions and dates ---------------------------------------------------------------------------

SPRINT_FUNCTIONS = {"opensprints": "active", "closedsprints": "closed", "futuresprints": "future"}
DATE_FUNCTIONS = ("now", "startofday", "endofday", "startofweek", "endofweek", "startofmonth", "endofmonth")


def of_function(field: JqlField, call: Operand, context: JqlContext) -> set[Any]:
    name = call.text.lower()
    if name in DATE_FUNCTIONS or name not in ("currentuser", *SPRINT_FUNCTIONS):
        raise _wrong_function(field.name, call)
    if (field.name == "assignee") != (name == "currentuser") or field.name not in ("assignee", "sprint"):
        raise _wrong_function(field.name, call)
    if call.parts:
        raise JqlError(f"Function '{call.text}' expected '0' arguments but received '{len(call.parts)}'.")
    if name == "currentuser":
        return set(_one(context.me))
    state = SPRINT_FUNCTIONS[name]
    sprints = (each for project in context.projects for each in tracker.sprints_of(project))
    return {each.id for each in sprints if each.state == state}


def _wrong_function(field: str, call: Operand) -> JqlError:
    if call.text.lower() in ("currentuser", *SPRINT_FUNCTIONS, *DATE_FUNCTIONS):
        return JqlError(f"A value provided by the function '{call.text}' is invalid for the field '{field}'.")
    return JqlError(f"Unable to find JQL function '{call.text}()'.")


def moment(field: str, operand: Operand, context: JqlContext) -> int:
    """In milliseconds since 1970. What is written is of the caller's time zone."""
    if operand.kind == "function":
        return _milliseconds(_of_date_function(field, operand, context))
    text = operand.text.strip()
    if period := PERIOD.fullmatch(text):
        return _milliseconds(context.now + _period(period))
    for form in FORMATS:
        try:
            return _milliseconds(dt.datetime.strptime(text, form).replace(tzinfo=context.zone))
        except ValueError:
            continue
    raise JqlError(f"Date value '{operand.text}' for field '{field}' is invalid. {VALID_DATES}")


def _period(period: re.Match[str]) -> dt.timedelta:
    parts = re.findall(r"(\d+)([wdhm])", period[2])
    total = sum((dt.timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), dt.timedelta())
    return -total if period[1] == "-" else total


def _of_date_function(field: str, call: Operand, context: JqlContext) -> dt.datetime:
    name = call.text.lower()
    if name not in DATE_FUNCTIONS:
        raise _wrong_function(field, call)
    most = 0 if name == "now" else 1
    if len(call.parts) > most:
        raise JqlError(f"Function '{call.text}' expected '{most}' arguments but received '{len(call.parts)}'.")
    if name == "now":
        return context.now
    period = PERIOD.fullmatch(call.parts[0].text) if call.parts else None
    if call.parts and period is None:
        told = "should have the format (+/-)n(yMwdm), e.g -1M for 1 month earlier."
        raise JqlError(f"Duration for function '{call.text}' {told}")
    begun = context.now.astimezone(context.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    after = begun + dt.timedelta(days=1)
    if name.endswith("week"):
        begun -= dt.timedelta(days=(begun.weekday() + 1) % 7)  # Jira's weeks begin on Sunday
        after = begun + dt.timedelta(days=7)
    elif name.endswith("month"):
        begun = begun.replace(day=1)
        after = (begun + dt.timedelta(days=32)).replace(day=1)
    found = begun if name.startswith("start") else after - dt.timedelta(minutes=1)
    return found + (_period(period) if period else dt.timedelta())


def _milliseconds(value: dt.datetime) -> int:
    return int(value.timestamp() * 1000)


# -- text and order --------------------------------------------------------------------------------


def sought_in(text: str) -> list[re.Pattern[str]]:
    """What must be found, word by word; a phrase in quotation marks as one."""
    parts = re.findall(r'"([^"]*)"|(\S+)', text)
    patterns = []
    for phrase, word in parts:
        words = re.findall(r"\w+", phrase or word)
        if words:
            end = "" if word.endswith("*") else r"\b"
            patterns.append(re.compile(r"\b" + r"\W+".join(map(re.escape, words)) + end, re.IGNORECASE))
    return patterns


def sort_key(field: str, context: JqlContext) -> Callable[[Issue], Any]:
    """Issues without a value come last in rising order."""
    orders: dict[str, Mapping[Any, Any]] = {
        "project": {each["id"]: each["key"] for each in context.projects},
        "issuetype": {each["id"]: each["name"] for each in context.types},
        "status": {each["id"]: each["id"] for each in context.statuses},
        "priority": {each: -place for place, (each, _) in enumerate(context.priorities)},
    }
    if field == "key":
        keys = {each["id"]: each["key"] for each in context.projects}
        return lambda issue: (keys.get(issue["project"], ""), issue["number"])
    get, ranks = FIELDS[field.lower()].read, orders.get(field)

    def key(issue: Issue) -> Any:
        values = get(issue)
        if not values:
            return (1, "")
        first = values[0]
        return (0, ranks.get(first, first) if ranks is not None else first)

    return key

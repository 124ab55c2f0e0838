"""What a write gives for a field, turned into what is stored. Each refusal is Jira's sentence for that field."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .jira_call import JiraCall, priorities
from .jira_issues import tracker
from .jira_issues.fields import IssueField
from .jira_issues.records import ProjectRecord

LONGEST_SUMMARY, LONGEST_TEXT = 255, 32_767
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
STORED = {"fixVersions": "fix_versions", "duedate": "due", "issuetype": "type"}


class FieldRefused(Exception):
    """The sentence stands under the name of the field."""


@dataclass(frozen=True, kw_only=True)
class IssueWriting:
    """In which project, and by whom."""

    call: JiraCall
    project: ProjectRecord


def stored(writing: IssueWriting, field: IssueField, value: Any) -> Any:
    """FieldRefused: why it cannot be set."""
    if field.options:
        return _options(field, value)
    if field.custom:
        reader: Reader = CUSTOM.get(field.kind, _plain_text)
        return reader(writing, field, value)
    return SYSTEM[field.id](writing, field, value)


def _plain_text(writing: IssueWriting, field: IssueField, value: Any) -> str | None:
    """Text, or in version 3 a document where the field holds more than a line."""
    if isinstance(value, dict) and writing.call.version == "3" and value.get("type") == "doc":
        value = "\n".join(_text_of(each) for each in value.get("content") or [])
    elif field.id == "description" and writing.call.version == "3" and value is not None:
        raise FieldRefused("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldRefused("Operation value must be a string")
    if len(value) > LONGEST_TEXT:
        told = f"It exceeds the allowed limit of {LONGEST_TEXT:,} characters."
        raise FieldRefused(f"The entered text is too long. {told}")
    return value


def _text_of(node: Any) -> str:
    if not isinstance(node, dict):
        return ""
    return str(node.get("text", "")) + "".join(_text_of(each) for each in node.get("content") or [])


def _summary(writing: IssueWriting, field: IssueField, value: Any) -> str:
    text = _plain_text(writing, field, value)
    if not text or not text.strip():
        raise FieldRefused("You must specify a summary of the issue.")
    if "\n" in text:
        raise FieldRefused("The summary is invalid because it contains newline characters.")
    if len(text) > LONGEST_SUMMARY:
        raise FieldRefused(f"Summary must be less than {LONGEST_SUMMARY} characters.")
    return text.strip()


def _description(writing: IssueWriting, field: IssueField, value: Any) -> str:
    return _plain_text(writing, field, value) or ""


def _named(value: Any, what: str) -> tuple[str | None, str | None]:
    """The id and the name of {"id": "1"} or {"name": "High"}."""
    if not isinstance(value, dict):
        raise FieldRefused(f"Specify {what} in the format of an object with an id or a name")
    number, name = value.get("id"), value.get("name")
    return (str(number) if number is not None else None), (str(name) if name is not None else None)


def _priority(writing: IssueWriting, field: IssueField, value: Any) -> str | None:
    if value is None:
        raise FieldRefused("Priority is required.")
    number, name = _named(value, "a priority")
    for each in priorities(writing.call):
        if each["id"] == number or (number is None and each["name"] == name):
            return str(each["id"])
    raise FieldRefused("The priority selected is invalid.")


def _person(writing: IssueWriting, field: IssueField, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FieldRefused("data was not an object")
    call = writing.call
    wanted = value.get("name" if call.server else "accountId", value.get("key" if call.server else "id"))
    if wanted is None or wanted == "-1":
        return None
    user = call.find_person(str(wanted))
    if user is None:
        raise FieldRefused(f"User '{wanted}' does not exist." if call.server else "Specify a valid value for the user")
    return user


def _labels(writing: IssueWriting, field: IssueField, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise FieldRefused("Operation value must be an array of strings")
    for each in value:
        if re.search(r"\s", each):
            raise FieldRefused(f"The label '{each}' contains spaces which is invalid.")
        if len(each) > LONGEST_SUMMARY:
            raise FieldRefused(f"The label '{each[:20]}' exceeds the maximum length of {LONGEST_SUMMARY} characters.")
    return sorted(set(value))


def _components(writing: IssueWriting, field: IssueField, value: Any) -> list[str]:
    known = {each.id: each.name for each in tracker.components_of(writing.project)}
    return _several(value, known, "Component")


def _versions(writing: IssueWriting, field: IssueField, value: Any) -> list[str]:
    known = {each.id: each.name for each in tracker.versions_of(writing.project)}
    return _several(value, known, "Version")


def _several(value: Any, known: dict[str, str], what: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FieldRefused("Operation value must be an array")
    wanted: set[str] = set()
    for each in value:
        number, name = _named(each, f"a {what.lower()}")
        ids = {one for one, called in known.items() if one == number or (number is None and called == name)}
        if not ids:
            told = f"name '{name}'" if number is None else f"id '{number}'"
            raise FieldRefused(f"{what} {told} is not valid")
        wanted |= ids
    return sorted(wanted)


def _options(field: IssueField, value: Any) -> Any:
    if value is None:
        return None
    several = field.kind == "array"
    if several and not isinstance(value, list):
        raise FieldRefused("Operation value must be an array")
    found = [_option(field, each) for each in (value if several else [value])]
    return (sorted(set(found)) or None) if several else found[0]


def _option(field: IssueField, value: Any) -> str:
    if not isinstance(value, dict) or not ({"id", "value"} & set(value)):
        raise FieldRefused("Specify a valid 'id' or 'name' for " + field.name)
    for number, name in field.options.items():
        if str(value.get("id", "")) == number or ("id" not in value and value.get("value") == name):
            return number
    wrong = value.get("id", value.get("value"))
    raise FieldRefused(f"Option {'id' if 'id' in value else 'value'} '{wrong}' is not valid")


def _number(writing: IssueWriting, field: IssueField, value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise FieldRefused("Operation value must be a number")
    return None if value is None else float(value)


def _day(writing: IssueWriting, field: IssueField, value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and DAY.fullmatch(value):
            return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise FieldRefused("Error parsing date string: " + str(value)[:60])


def _moment(writing: IssueWriting, field: IssueField, value: Any) -> int | None:
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise FieldRefused("Error parsing time: " + str(value)[:60])
    return int((moment if moment.tzinfo else moment.replace(tzinfo=writing.call.zone)).timestamp() * 1000)


def _array(writing: IssueWriting, field: IssueField, value: Any) -> Any:
    """Of custom fields: labels. A sprint is set by its number."""
    if field.number != "10020":
        return _labels(writing, field, value) or None
    if value is None:
        return []
    number = value.get("id") if isinstance(value, dict) else value
    known = {each.id for each in tracker.sprints_of(writing.project) if each.state != "closed"}
    if isinstance(number, bool) or not isinstance(number, int) or number not in known:
        raise FieldRefused("Number value expected as the Sprint id.")
    return [number]


def _above(writing: IssueWriting, field: IssueField, value: Any) -> int | None:
    """A parent as {"key": …} or {"id": …}; an epic link as a key."""
    if value is None:
        return None
    wanted = (value.get("key") or value.get("id")) if isinstance(value, dict) else value
    found = writing.call.peek_issue(str(wanted))
    if found is None:
        raise FieldRefused("Could not find issue by id or key.")
    return found["id"]


Reader = Callable[[IssueWriting, IssueField, Any], Any]
SYSTEM: dict[str, Reader] = {
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "assignee": _person,
    "reporter": _person,
    "labels": _labels,
    "components": _components,
    "fixVersions": _versions,
    "versions": _versions,
    "duedate": _day,
    "parent": _above,
}
CUSTOM: dict[str, Reader] = {
    "number": _number,
    "date": _day,
    "datetime": _moment,
    "user": _person,
    "array": _array,
    "any": _above,
}

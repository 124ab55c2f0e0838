"""JQL as the product writes it: conditions put together from typed parts, so that nothing in them has to be escaped by
whoever asks.

Texts always stand in quotation marks. Ids are whole numbers and stand without them: Jira takes a bare number for an id
first, and one in quotation marks for a name first, so a status that somebody called "10001" is never meant by its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Value = int | str
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class SearchField(StrEnum):
    """What the product asks about."""

    PROJECT = "project"
    ISSUE_TYPE = "issuetype"
    STATUS = "status"
    KEY = "key"
    UPDATED = "updated"


@dataclass(frozen=True)
class Jql:
    """A condition; `str` of it is what Jira is sent. The empty one is met by every issue."""

    text: str = ""

    def __str__(self) -> str:
        return self.text

    def __and__(self, other: Jql) -> Jql:
        return Jql(" AND ".join(each.text for each in (self, other) if each.text))


def is_in(field: SearchField, values: Iterable[Value]) -> Jql:
    """Raises ValueError without a value: Jira cannot read an empty list, and nothing would meet it."""
    listed = _listed(values)
    if not listed:
        raise ValueError(f"no value for {field} in a condition that none could meet")
    return Jql(f"{field} in ({listed})")


def is_not_in(field: SearchField, values: Iterable[Value]) -> Jql:
    """Without a value every issue meets it."""
    listed = _listed(values)
    return Jql(f"{field} not in ({listed})") if listed else Jql()


def updated_within(minutes: int) -> Jql:
    """Changed in the last so many minutes, counted from now: so no zone of any account is in it."""
    return Jql(f"{SearchField.UPDATED} >= -{_number(minutes)}m")


def issues_of(projects: Iterable[int], issue_types: Iterable[int]) -> Jql:
    """Those of these types in these projects, both by id."""
    return is_in(SearchField.PROJECT, projects) & is_in(SearchField.ISSUE_TYPE, issue_types)


def _listed(values: Iterable[Value]) -> str:
    """In a fixed order, so that one question is always the same text."""
    unique = set(values)
    ids = sorted(value for value in unique if isinstance(value, int))
    texts = sorted(value for value in unique if isinstance(value, str))
    return ", ".join([*map(_number, ids), *map(quoted, texts)])


def _number(value: int) -> str:
    if isinstance(value, bool) or value < 0:
        raise ValueError(f"{value} cannot be an id")
    return str(value)


def quoted(text: str) -> str:
    """Escaped for JQL, which knows no other control characters than these three: others become spaces."""
    escaped = "".join(_ESCAPED.get(sign, sign if sign.isprintable() else " ") for sign in text)
    return f'"{escaped}"'

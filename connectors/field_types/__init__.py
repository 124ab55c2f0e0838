"""The one vocabulary of types that fields of both systems have, and how each system spells them: pure, no Django.

Two fields can be a pair only where both have one and the same type. What nothing tells for certain is UNKNOWN, and is
called by the remote's own spelling: a type is never guessed from a name or a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ValueType(StrEnum):
    """Several of a thing are another type than one of it: a list cannot be carried into a field that holds one."""

    TEXT = "text"
    RICH_TEXT = "rich text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "date and time"
    TRUTH = "yes or no"
    SINGLE = "single select"
    MULTI = "multi select"
    USER = "user"
    USERS = "several users"
    TIME_FRAME = "time frame"  # a sprint, an iteration, a program increment
    TIME_FRAMES = "several time frames"
    MILESTONE = "milestone"
    MILESTONES = "several milestones"
    RELEASES = "several releases"
    TEAM = "team"
    LABELS = "labels"
    ITEM = "link to an item"
    ITEMS = "links to items"
    STATUS = "status"
    UNKNOWN = "unknown"

    @property
    def has_options(self) -> bool:
        return self in (ValueType.SINGLE, ValueType.MULTI)


_BY_VALUE = {each.value: each for each in ValueType}


@dataclass(frozen=True, kw_only=True)
class ToldType:
    """`type` of a formula is that of its result. `spelled`: as the remote calls it, for what is unknown here."""

    type: ValueType
    spelled: str
    is_formula: bool = False

    @property
    def words(self) -> str:
        """ "number (formula)", "unknown (cascadingselect)"."""
        known = f"{self.type} ({self.spelled or 'not told'})" if self.type is ValueType.UNKNOWN else str(self.type)
        return f"{known} (formula)" if self.is_formula else known


def told_type(type_: str, spelled: str, *, is_formula: bool) -> ToldType:
    """As it is stored; a type that an earlier or later version knows and this one does not is unknown."""
    known = _BY_VALUE.get(type_, ValueType.UNKNOWN)
    return ToldType(type=known, spelled=spelled, is_formula=is_formula)


# --- Jira -------------------------------------------------------------------------------------------------------------

# By the type of a schema; of a list by what it holds.
_OF_SCHEMA: Mapping[str, ValueType] = {
    "number": ValueType.NUMBER,
    "date": ValueType.DATE,
    "datetime": ValueType.MOMENT,
    "user": ValueType.USER,
    "option": ValueType.SINGLE,
    "priority": ValueType.SINGLE,
    "resolution": ValueType.SINGLE,
    "securitylevel": ValueType.SINGLE,
    "issuetype": ValueType.SINGLE,
    "team": ValueType.TEAM,
    "status": ValueType.STATUS,
    "issuelink": ValueType.ITEM,
}
_OF_ITEMS: Mapping[str, ValueType] = {
    "option": ValueType.MULTI,
    "component": ValueType.MULTI,
    "version": ValueType.RELEASES,
    "user": ValueType.USERS,
    "issuelinks": ValueType.ITEMS,
}
# By the end of the key of a custom field's type, where that tells more than the type of its schema.
_OF_CUSTOM: Mapping[str, ValueType] = {
    "textfield": ValueType.TEXT,
    "readonlyfield": ValueType.TEXT,
    "textarea": ValueType.RICH_TEXT,
    "url": ValueType.TEXT,
    "labels": ValueType.LABELS,
    "gh-sprint": ValueType.TIME_FRAME,
    "gh-epic-link": ValueType.ITEM,
    "gh-epic-label": ValueType.TEXT,
    "atlassian-team": ValueType.TEAM,
    "jsw-story-points": ValueType.NUMBER,
}
_OF_SYSTEM: Mapping[str, ValueType] = {
    "summary": ValueType.TEXT,
    "description": ValueType.RICH_TEXT,
    "environment": ValueType.RICH_TEXT,
    "labels": ValueType.LABELS,
}
# Types of custom fields whose values are worked out, those of the apps that most sites have for that with them.
_JIRA_FORMULAS = frozenset({"scripted-field", "calculated-number", "calculated-text", "calculated-date", "formula"})


def jira_type(*, type_: str, items: str = "", system: str = "", custom: str = "") -> ToldType:
    """Of the schema of a field, by its four parts. The type of an app counts by its values where these say enough."""
    kind = custom.rpartition(":")[2]
    is_formula = kind in _JIRA_FORMULAS
    found = _OF_CUSTOM.get(kind) if custom else _OF_SYSTEM.get(system)
    if found is None:
        found = _OF_ITEMS.get(items) if type_ == "array" else _OF_SCHEMA.get(type_)
    if found is None and is_formula and type_ == "string":
        found = ValueType.TEXT
    written = f"{type_} of {items}" if items else type_
    spelled = f"{written}, {kind}" if kind and written else kind or written
    return ToldType(type=found or ValueType.UNKNOWN, spelled=spelled, is_formula=is_formula)


# --- Jira Align -------------------------------------------------------------------------------------------------------

_ALIGN_CUSTOM: Mapping[str, ValueType] = {
    "string": ValueType.TEXT,
    "text": ValueType.RICH_TEXT,
    "textarea": ValueType.RICH_TEXT,
    "number": ValueType.NUMBER,
    "float": ValueType.NUMBER,
    "integer": ValueType.NUMBER,
    "date": ValueType.DATE,
    "datetime": ValueType.MOMENT,
    # A value of it is a list of options, whatever a person sees: it can hold several.
    "option": ValueType.MULTI,
    "boolean": ValueType.TRUTH,
    "user": ValueType.USER,
}
_FORMULA = "formula"
# Fields of Align's own by what they mean; those that hold an id of an object are told by which object that is.
_ALIGN_NAMED: Mapping[str, ValueType] = {
    "description": ValueType.RICH_TEXT,
    "priority": ValueType.SINGLE,
    "severity": ValueType.SINGLE,
    "state": ValueType.STATUS,
    "processStepId": ValueType.STATUS,
    "createDate": ValueType.MOMENT,
    "lastUpdatedDate": ValueType.MOMENT,
}
_ALIGN_TARGETS: Mapping[str, tuple[ValueType, ValueType]] = {  # one of it, several of it
    "user": (ValueType.USER, ValueType.USERS),
    "team": (ValueType.TEAM, ValueType.UNKNOWN),
    "iteration": (ValueType.TIME_FRAME, ValueType.TIME_FRAMES),
    "anchorsprint": (ValueType.TIME_FRAME, ValueType.TIME_FRAMES),
    "release": (ValueType.TIME_FRAME, ValueType.TIME_FRAMES),
    "releasevehicle": (ValueType.UNKNOWN, ValueType.RELEASES),
    "objective": (ValueType.MILESTONE, ValueType.MILESTONES),
    "epic": (ValueType.ITEM, ValueType.ITEMS),
    "capability": (ValueType.ITEM, ValueType.ITEMS),
    "feature": (ValueType.ITEM, ValueType.ITEMS),
    "story": (ValueType.ITEM, ValueType.ITEMS),
    "theme": (ValueType.ITEM, ValueType.ITEMS),
}
_ALIGN_PLAIN: Mapping[str, ValueType] = {
    "whole number": ValueType.NUMBER,
    "number": ValueType.NUMBER,
    "text": ValueType.TEXT,
    "yes or no": ValueType.TRUTH,
    "date": ValueType.DATE,
}


def align_type(name: str, kind: str, target: str = "") -> ToldType:
    """Of a field of Align's own. `kind`: the type that the table of objects gives it; `target`: whose id it holds."""
    spelled = f"{kind}, {target}" if target else kind
    if name in _ALIGN_NAMED:
        return ToldType(type=_ALIGN_NAMED[name], spelled=spelled)
    if target:
        one, several = _ALIGN_TARGETS.get(target, (ValueType.UNKNOWN, ValueType.UNKNOWN))
        return ToldType(type=several if kind == "list of ids" else one, spelled=spelled)
    # A number that ends in Id is the id of something that no document names.
    known = ValueType.UNKNOWN if name.endswith("Id") else _ALIGN_PLAIN.get(kind, ValueType.UNKNOWN)
    return ToldType(type=known, spelled=spelled)


def align_custom_type(kind: str, *, result: str = "", has_options: bool = False) -> ToldType:
    """Of the type that editmeta tells of a custom field; `result`: of what a formula answers, where it is told."""
    if kind == _FORMULA:
        found = _ALIGN_CUSTOM.get(result, ValueType.UNKNOWN)
        return ToldType(type=found, spelled=f"{_FORMULA} of {result}" if result else _FORMULA, is_formula=True)
    found = _ALIGN_CUSTOM.get(kind) or (ValueType.MULTI if has_options else ValueType.UNKNOWN)
    return ToldType(type=found, spelled=kind)

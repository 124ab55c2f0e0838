"""How Jira spells the types of fields: by the schema of each."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.field_types.value_types import ToldType, ValueType

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


def jira_field_type(*, type_: str, items: str = "", system: str = "", custom: str = "") -> ToldType:
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

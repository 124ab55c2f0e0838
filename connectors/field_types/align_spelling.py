"""How Jira Align spells the types of fields: its own by the table of objects, custom ones by editmeta."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.field_types.value_types import ToldType, ValueType

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


def align_field_type(name: str, kind: str, target: str = "") -> ToldType:
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


def align_custom_field_type(kind: str, *, result: str = "", has_options: bool = False) -> ToldType:
    """Of the type that editmeta tells of a custom field; `result`: of what a formula answers, where it is told."""
    if kind == _FORMULA:
        found = _ALIGN_CUSTOM.get(result, ValueType.UNKNOWN)
        return ToldType(type=found, spelled=f"{_FORMULA} of {result}" if result else _FORMULA, is_formula=True)
    found = _ALIGN_CUSTOM.get(kind) or (ValueType.MULTI if has_options else ValueType.UNKNOWN)
    return ToldType(type=found, spelled=kind)

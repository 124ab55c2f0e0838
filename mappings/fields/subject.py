"""Pairs of fields as a subject of configuration: one line for each field of Align, its value the partner in Jira."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alignadmin.errors import Refused
from alignadmin.parsing import plain
from alignadmin.text import counted
from connectors.models import Connector, WorkItemType
from mappings.configuration.agreed import agreed_lines, store_agreed
from mappings.configuration.subjects import LineWords
from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    LineValue,
    LineValues,
    differences,
    line_key,
    split_line_key,
)
from mappings.engine.field_checks import FieldChecks, FieldProblem
from mappings.engine.field_pairs import (
    SUBJECT,
    FieldDirection,
    FieldPair,
    SideField,
)
from mappings.engine.values import Severity
from mappings.fields.sides import BothSides, Sides, sides_of_pairs
from mappings.models.configuration import LONGEST_KEY

MOST_OPTIONS = 200  # matched of one pair
LONGEST_ID = 255
NOT_PAIRED = "not paired"


class FieldPairs:
    """A `mappings.configuration.subjects.ConfigurationSubject`."""

    code, label, page = SUBJECT, "Fields", "fields"

    def agreed(self, connector: Connector) -> LineValues:
        return agreed_lines(connector, self.code)

    def put_in_force(self, connector: Connector, changes: Sequence[LineChange]) -> None:
        store_agreed(connector, self.code, changes)

    def cleaned(self, connector: Connector, key: str, value: LineValue) -> LineValue:
        """Of the shape that it is stored in; whether both fields are there and fit is for the checks."""
        type_, _ = split_line_key(key)
        if type_ not in WorkItemType.values or len(key) > LONGEST_KEY:
            raise Refused(f"“{key[:60]}” is no field that can be paired. Reload the page.")
        return None if value is None else pair_value(value)

    def lines(self, connector: Connector, before: LineValues, after: LineValues) -> Sequence[LineWords]:
        found = differences(before, after)
        values = [value for each in found for value in (each.before, each.after)]
        sides = sides_of_pairs(connector, _keys(values, [each.key for each in found]))
        order = {each.value: place for place, each in enumerate(WorkItemType)}
        ordered = sorted(found, key=lambda each: (order.get(split_line_key(each.key)[0], len(order)), each.key))
        return [_words(connector, sides, each) for each in ordered]

    def checks(self, connector: Connector, values: LineValues) -> Sequence[ConfigurationProblem]:
        """Nothing is said of a type whose fields nobody has read."""
        sides = sides_of_pairs(connector, _keys(values.values(), values))
        found = []
        for type_, both in sides.items():
            if (both.align and both.jira) or any(split_line_key(key)[0] == type_ for key in values):
                problems = FieldChecks(both.align, both.jira, pairs_of(values, type_)).problems()
                found += [_problem(connector, type_, each) for each in problems]
        return found


def pairs_of(values: LineValues, type_: str) -> list[FieldPair]:
    """Those of a work item type, by the keys of Align's fields."""
    found = []
    for key in sorted(values):
        of_type, align = split_line_key(key)
        if of_type == type_ and (pair := pair_in(align, values[key])):
            found.append(pair)
    return found


def pair_in(align: str, value: LineValue) -> FieldPair | None:
    """The value of a line as it was cleaned."""
    if not value:
        return None
    options = tuple((one, other) for one, other in value["options"])
    return FieldPair(align=align, jira=value["jira"], direction=FieldDirection(value["direction"]), options=options)


def value_of(jira: str, direction: str, options: Iterable[Sequence[str]] = ()) -> LineValue:
    """As a form wants it; an empty `jira` is no pair."""
    return {"jira": jira, "direction": direction, "options": [list(each) for each in options]} if jira else None


def pair_value(value: Any) -> Mapping[str, Any]:
    """As it is stored, its options in order. Raises Refused for what is no pair, or what no database keeps."""
    if not isinstance(value, dict) or set(value) != {"jira", "direction", "options"}:
        raise Refused("A pair has a field of Jira, a direction and options. Reload the page.")
    jira, direction, options = value["jira"], value["direction"], value["options"]
    if not _is_id(jira):
        raise Refused("A pair names a field of Jira. Choose one from the list.")
    if not isinstance(direction, str) or direction not in set(FieldDirection):
        names = ", ".join(each.label for each in FieldDirection)
        raise Refused(f"“{str(direction)[:40]}” is no direction. There are: {names}.")
    if not isinstance(options, list) or len(options) > MOST_OPTIONS or not all(map(_is_match, options)):
        raise Refused(f"Options are matched one with one, {MOST_OPTIONS} at most. Reload the page and choose again.")
    matched = sorted({(one, other) for one, other in options})
    if len({one for one, _ in matched}) < len(matched) or len({other for _, other in matched}) < len(matched):
        raise Refused("An option is matched twice. Choose each option of either side once.")
    return {"jira": jira, "direction": direction, "options": [list(each) for each in matched]}


def _is_match(each: object) -> bool:
    return isinstance(each, list | tuple) and len(each) == 2 and all(map(_is_id, each))


def _is_id(each: object) -> bool:
    return isinstance(each, str) and 0 < len(each) <= LONGEST_ID and plain(each) == each


def _keys(values: Iterable[LineValue], lines: Iterable[str] = ()) -> set[str]:
    return {value["jira"] for value in values if value} | {split_line_key(key)[1] for key in lines}


# --- words ------------------------------------------------------------------------------------------------------------


def _words(connector: Connector, sides: Sides, change: LineChange) -> LineWords:
    type_, align = split_line_key(change.key)
    both = sides.get(WorkItemType(type_), BothSides()) if type_ in WorkItemType.values else BothSides()
    jira = {each.key: each for each in both.jira}
    named = next((each for each in both.align if each.key == align), None)
    return LineWords(
        key=change.key,
        label=f"{connector.terminology.name(type_)}: {_name(named, align)}",
        before=_pair_words(pair_in(align, change.before), jira),
        after=_pair_words(pair_in(align, change.after), jira),
    )


def _name(field: SideField | None, key: str) -> str:
    return f"{field.name} ({key})" if field else key


def _pair_words(pair: FieldPair | None, jira: Mapping[str, SideField]) -> str:
    if pair is None:
        return NOT_PAIRED
    matched = f", {counted(len(pair.options), 'option')} matched" if pair.options else ""
    return f"{_name(jira.get(pair.jira), pair.jira)}, {pair.direction.label}{matched}"


def _problem(connector: Connector, type_: WorkItemType, found: FieldProblem) -> ConfigurationProblem:
    return ConfigurationProblem(
        code=found.code.value,
        severity=Severity.ERROR if found.is_error else Severity.WARNING,
        sentence=f"{connector.terminology.name(type_)}: {found.sentence}",
        key=line_key(type_, found.align) if found.align else "",
        about=f"{type_}:{found.jira}",
    )

"""One vocabulary of types of fields, and how each system spells it: what nothing tells is unknown, never guessed."""

from __future__ import annotations

import pytest

from connectors.field_types.align_spelling import align_custom_field_type, align_field_type
from connectors.field_types.jira_spelling import jira_field_type
from connectors.field_types.value_types import ToldType, ValueType, told_type

KEY = "com.atlassian.jira.plugin.system.customfieldtypes:"
AGILE = "com.pyxis.greenhopper.jira:"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type_": "string", "system": "summary"}, "text"),
        ({"type_": "string", "system": "description"}, "rich text"),
        ({"type_": "string", "custom": KEY + "textarea"}, "rich text"),
        ({"type_": "string", "custom": KEY + "textfield"}, "text"),
        ({"type_": "number", "custom": KEY + "float"}, "number"),
        ({"type_": "number", "custom": AGILE + "jsw-story-points"}, "number"),
        ({"type_": "date", "custom": KEY + "datepicker"}, "date"),
        ({"type_": "datetime", "custom": KEY + "datetime"}, "date and time"),
        ({"type_": "option", "custom": KEY + "select"}, "single select"),
        ({"type_": "option", "custom": KEY + "radiobuttons"}, "single select"),
        ({"type_": "array", "items": "option", "custom": KEY + "multiselect"}, "multi select"),
        ({"type_": "array", "items": "component", "system": "components"}, "multi select"),
        ({"type_": "array", "items": "version", "system": "fixVersions"}, "several releases"),
        ({"type_": "array", "items": "string", "system": "labels"}, "labels"),
        ({"type_": "array", "items": "json", "custom": AGILE + "gh-sprint"}, "time frame"),
        ({"type_": "user", "custom": KEY + "userpicker"}, "user"),
        ({"type_": "array", "items": "user", "custom": KEY + "multiuserpicker"}, "several users"),
        ({"type_": "team", "custom": KEY + "atlassian-team"}, "team"),
        ({"type_": "priority", "system": "priority"}, "single select"),
        ({"type_": "number", "custom": "com.onresolve.jira.groovy.groovyrunner:scripted-field"}, "number (formula)"),
        ({"type_": "option2", "custom": KEY + "cascadingselect"}, "unknown (option2, cascadingselect)"),
        ({"type_": "string", "custom": "com.app:poem"}, "unknown (string, poem)"),
        ({"type_": "any", "custom": "com.app:thing"}, "unknown (any, thing)"),
        ({"type_": ""}, "unknown (not told)"),
    ],
)  # fmt: skip
def test_jira_spells_a_type_by_its_schema(schema: dict[str, str], words: str) -> None:
    assert jira_field_type(**schema).words == words


@pytest.mark.parametrize(
    ("name", "kind", "target", "words"),
    [
        ("title", "text", "", "text"),
        ("description", "text", "", "rich text"),
        ("priority", "whole number", "", "single select"),
        ("ownerId", "whole number", "user", "user"),
        ("iterationId", "whole number", "iteration", "time frame"),
        ("releaseIds", "list of ids", "release", "several time frames"),
        ("releaseVehicleIds", "list of ids", "releasevehicle", "several releases"),
        ("productObjectiveIds", "list of ids", "objective", "several milestones"),
        ("points", "number", "", "number"),
        ("isBlocked", "yes or no", "", "yes or no"),
        ("targetCompletionDate", "date", "", "date"),
        ("lastUpdatedDate", "date", "", "date and time"),
        ("themeGroupId", "whole number", "", "unknown (whole number)"),
        ("countryIds", "list of ids", "", "unknown (list of ids)"),
        ("programId", "whole number", "program", "unknown (whole number, program)"),
    ],
)
def test_align_spells_a_type_by_its_table(name: str, kind: str, target: str, words: str) -> None:
    assert align_field_type(name, kind, target).words == words


@pytest.mark.parametrize(
    ("kind", "result", "words"),
    [
        ("option", "", "multi select"),
        ("string", "", "text"),
        ("text", "", "rich text"),
        ("formula", "number", "number (formula)"),
        ("formula", "", "unknown (formula) (formula)"),
        ("hologram", "", "unknown (hologram)"),
        ("", "", "unknown (not told)"),
    ],
)
def test_align_spells_the_type_of_a_custom_field_by_editmeta(kind: str, result: str, words: str) -> None:
    assert align_custom_field_type(kind, result=result).words == words


@pytest.mark.parametrize("type_", ValueType)
def test_a_type_is_read_as_it_was_stored(type_: ValueType) -> None:
    assert told_type(type_.value, "s", is_formula=True) == ToldType(type=type_, spelled="s", is_formula=True)
    assert len(type_.value) <= 20, "its column"


def test_a_type_that_this_version_does_not_know_is_unknown() -> None:
    assert told_type("hologram", "holo", is_formula=False).words == "unknown (holo)"

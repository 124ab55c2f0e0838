"""Whatever a site answers about a field: it is read, unknown or set aside, and never stops the others; bounds hold."""

from __future__ import annotations

from typing import Any

import pytest

from alignadmin.http.errors import Malformed
from alignadmin.http.listing import read_records
from alignadmin.parsing import plain
from connectors.align.custom_fields import CustomFields
from connectors.catalogue.fields.align_fields import _custom
from connectors.catalogue.fields.jira_fields import JiraScreens, Screen, told_of_jira
from connectors.catalogue.fields.told import MOST_FIELDS, MOST_OPTIONS, ToldField, bounded, words_of_name
from connectors.field_types.value_types import ValueType
from connectors.jira.issue_resources import JiraField, WritableField
from connectors.models import WorkItemType

ODD: tuple[Any, ...] = (None, "", "x" * 300, 7, -1, 2.5, True, [], [None], {}, {"id": None}, "\x00", "\ud800")
TEXT = {"type": "string", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textfield", "customId": 1}
LISTED = {"id": "customfield_1", "name": "Code", "custom": True, "schema": TEXT, "clauseNames": ["cf[1]"]}
ON_SCREEN = {
    "fieldId": "customfield_1",
    "name": "Code",
    "required": True,
    "hasDefaultValue": False,
    "operations": ["set"],
    "schema": {"type": "option", "custom": "x:select"},
    "allowedValues": [{"id": "1", "value": "One"}, {"id": "2", "value": "Two"}],
}
GOOD = {**LISTED, "id": "customfield_2", "name": "Good"}
META = {"required": True, "name": "Size", "schema": {"type": "option"}, "allowedValues": [{"id": 1, "value": "S"}]}


def screens(*rows: object) -> JiraScreens:
    found = JiraScreens()
    shown = Screen(
        project_key="PAY",
        fields=read_records([*rows, {**ON_SCREEN, "fieldId": "customfield_2"}], WritableField.from_json),
    )
    for type_ in WorkItemType:
        found.by_type[type_].append(shown)
    return found


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", [*LISTED, None])
def test_an_odd_field_of_jira_leaves_the_others(name: str | None, odd: Any) -> None:
    row = odd if name is None else {**LISTED, name: odd}
    told = told_of_jira(read_records([row, GOOD], JiraField.from_json), screens(), WorkItemType.STORY)
    good = {each.key: each for each in told.fields}["customfield_2"]
    assert (good.name, good.told.type, good.is_required) == ("Good", ValueType.TEXT, True)


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", [*ON_SCREEN, None])
def test_an_odd_field_of_a_screen_leaves_the_others(name: str | None, odd: Any) -> None:
    row = odd if name is None else {**ON_SCREEN, name: odd}
    told = told_of_jira(read_records([LISTED, GOOD], JiraField.from_json), screens(row), WorkItemType.STORY)
    assert {each.key: each for each in told.fields}["customfield_2"].is_writable is True


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", [*META, None])
def test_an_odd_field_of_editmeta_leaves_the_others(name: str | None, odd: Any) -> None:
    row = odd if name is None else {**META, name: odd}
    found = CustomFields.from_json({"customfield_1": row, "customfield_2": META})
    told = {each.key: each for each in _custom(found)}
    assert told["customfield_2"].told.type is ValueType.MULTI
    assert ("customfield_1" in told) != bool(found.aside)


@pytest.mark.parametrize(
    "key", ["customfield_\x00", "customfield_\ud800", f"customfield_{'9' * 300}", "customfield_ 1"]
)
def test_a_key_of_editmeta_that_no_column_holds_leaves_the_others(key: str) -> None:
    found = CustomFields.from_json({key: META, "customfield_2": META})
    assert [each.key for each in _custom(found)] == ["customfield_2"]
    (aside,) = found.aside
    assert str(aside) == plain(str(aside))
    assert "cannot be a key" in str(aside)


def test_an_answer_that_is_no_object_is_refused() -> None:
    with pytest.raises(Malformed):
        CustomFields.from_json([META])


def test_options_whose_ids_repeat_are_known_by_their_names() -> None:
    row = {**META, "allowedValues": [{"id": 1, "value": "S"}, {"id": 1, "value": "L"}, {"id": 3}, 7]}
    told = next(_custom(CustomFields.from_json({"customfield_1": row})))
    assert [(each.id, each.name) for each in told.options or ()] == [("", "S"), ("", "L")]


def test_more_than_are_kept_are_counted_and_none_of_them_is_called_gone() -> None:
    row = GOOD | {"schema": {"type": "option", "custom": "x:select"}}
    many = [{**row, "id": f"customfield_{number}"} for number in range(2, MOST_FIELDS + 50)]
    choices = [{"id": str(number), "value": f"Choice {number}"} for number in range(MOST_OPTIONS + 50)]
    shown = [{**ON_SCREEN, "fieldId": each["id"]} for each in many]
    shown[5]["allowedValues"] = choices
    told = told_of_jira(read_records(many, JiraField.from_json), screens(*shown), WorkItemType.STORY)
    assert (len(told.fields), told.left_out, told.is_whole) == (MOST_FIELDS, 48, False)
    assert max(len(each.options or ()) for each in told.fields) == MOST_OPTIONS


def test_a_field_that_is_told_twice_is_one() -> None:
    told = told_of_jira(read_records([GOOD, GOOD], JiraField.from_json), screens(), WorkItemType.STORY)
    assert [each.key for each in told.fields] == ["customfield_2"]
    field: ToldField = told.fields[0]
    assert bounded([field, field]).fields == [field]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("title", "Title"),
        ("ownerId", "Owner"),
        ("targetCompletionDate", "Target completion date"),
        ("releaseVehicleIds", "Release vehicles"),
        ("countryIds", "Countries"),
        ("jiraProjectKey", "Jira project key"),
    ],
)
def test_a_field_of_align_is_called_by_the_words_of_its_name(name: str, words: str) -> None:
    assert words_of_name(name) == words

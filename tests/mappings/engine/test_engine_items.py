"""What an issue of Jira becomes in Align, on tables of cases and on whatever JSON a field can hold."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.align.objects import OBJECTS
from connectors.align.terminology import LEVELS
from connectors.field_types.value_types import ValueType
from mappings.engine.hierarchy import ABOVE
from mappings.engine.import_scope import Landing
from mappings.engine.item_prediction import (
    PARENT_FIELDS,
    AlignPartners,
    AlignPerson,
    AlignUsers,
    CarriedPair,
    ItemRules,
    RequiredField,
    predict,
)
from mappings.engine.item_values import LARGEST, converted, shown_in_jira
from mappings.engine.items import IssueFacts, LossCode, PredictedItem
from mappings.engine.rich_text import rich_text

VERA = AlignPerson(id=2, name="Vera Lind", email="vera@acme.test")
PARTNERS = AlignPartners(
    users=AlignUsers([VERA, AlignPerson(id=3, name="Two Named"), AlignPerson(id=4, name="Two Named")]),
    named={
        "iteration": {"sprint 4": [40], "sprint 5": [50, 51]},
        "releasevehicle": {"1.0": [17], "1.1": [18]},
        "team": {"blue": [7]},
    },
)
SPRINT_OF_DATA_CENTER = (
    "com.atlassian.greenhopper.service.sprint.Sprint@1a2b[id={},rapidViewId=3,state={},name={},"
    "startDate=2026-01-01T00:00:00.000Z,endDate=<null>,completeDate=<null>,sequence=1,goal=]"
)


def pair(type_: ValueType, **given: Any) -> CarriedPair:
    names = {"align": "points", "align_name": "Points", "jira": "customfield_1", "jira_name": "Story points"}
    return CarriedPair(**{**names, "type": type_, **given})


def issue(**given: Any) -> IssueFacts:
    ids = {"id": 1, "key": "PAY-1", "project_id": 10001, "type_id": 5, "status_id": 31}
    names = {"type_name": "Story", "status_name": "In review", "title": "Pay by card"}
    return IssueFacts(**{**ids, **names, **given})


def rules(**given: Any) -> ItemRules:
    levels = {"epic": "feature", "story": "story", "sub-task": "task", "bug": "defect", "initiative": "theme"}
    return ItemRules(**{"levels": levels, "states": {("story", 31): 3}, "partners": PARTNERS, **given})


def codes(found: PredictedItem) -> list[LossCode]:
    return [each.code for each in found.losses]


# --- values -----------------------------------------------------------------------------------------------------------

CUSTOM = {"align": "custom1", "is_custom": True}
OPTIONS = {"options": {"10": ("3", "High"), "11": ("4", "Low")}}
DOCUMENT = {
    "type": "doc",
    "content": [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Why <now>"}]},
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
                {"type": "text", "text": " bad", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]},
                {"type": "mention", "attrs": {"text": "@Vera"}},
            ],
        },
    ],
}


@pytest.mark.parametrize(
    ("given", "told", "value", "shown"),
    [
        (pair(ValueType.TEXT), "plain\0text", "plain\ufffdtext", "plain\ufffdtext"),
        (pair(ValueType.NUMBER), 3.0, 3, "3"),
        (pair(ValueType.NUMBER), 2.5, 2.5, "2.5"),
        (pair(ValueType.DATE), "2026-02-28", date(2026, 2, 28), "2026-02-28"),
        (pair(ValueType.DATE, **CUSTOM), "2026-02-28", "2026-02-28T00:00:00Z", "2026-02-28"),
        (
            pair(ValueType.MOMENT),
            "2026-02-28T23:30:00.000-0100",
            datetime(2026, 3, 1, 0, 30, tzinfo=UTC),
            "2026-03-01 00:30 UTC",
        ),
        (pair(ValueType.TRUTH), False, False, "no"),
        (pair(ValueType.SINGLE, align="severity", **OPTIONS), {"id": "10", "value": "P1"}, 3, "High"),
        (pair(ValueType.MULTI, **CUSTOM, **OPTIONS), [{"id": "11"}], [{"value": "Low"}], "Low"),
        (pair(ValueType.USER), {"accountId": "a", "emailAddress": "VERA@acme.test"}, 2, "Vera Lind"),
        (pair(ValueType.USER), {"accountId": "a", "displayName": "Vera  Lind"}, 2, "Vera Lind"),
        (pair(ValueType.USERS), [{"name": "vera", "emailAddress": "vera@acme.test"}], [2], "Vera Lind"),
        (
            pair(ValueType.TIME_FRAME, target="iteration"),
            [{"name": "Sprint 4", "state": "active"}, {"name": "Sprint 9", "state": "future"}],
            40,
            "Sprint 4",
        ),
        (
            pair(ValueType.TIME_FRAME, target="iteration"),
            [
                SPRINT_OF_DATA_CENTER.format(1, "CLOSED", "Sprint 3"),
                SPRINT_OF_DATA_CENTER.format(2, "ACTIVE", "Sprint 4"),
            ],
            40,
            "Sprint 4",
        ),
        (
            pair(ValueType.RELEASES, target="releasevehicle"),
            [{"id": "1", "name": "1.0"}, {"id": "2", "name": "1.1"}],
            [17, 18],
            "1.0, 1.1",
        ),
        (pair(ValueType.TEAM, target="team"), {"id": "x-1", "title": "Blue"}, 7, "Blue"),
        (pair(ValueType.LABELS), ["a", "b"], "a, b", "a, b"),
        (
            pair(ValueType.RICH_TEXT),
            DOCUMENT,
            "<h2>Why &lt;now&gt;</h2><p><strong>bold</strong> bad@Vera</p>",
            "Why <now>\nbold bad@Vera",
        ),
        (pair(ValueType.RICH_TEXT), "h1. Wiki\n*a* < b", "<p>h1. Wiki<br>*a* &lt; b</p>", "h1. Wiki\n*a* < b"),
    ],
)
def test_a_value_arrives_as_align_takes_it(given: CarriedPair, told: Any, value: Any, shown: str) -> None:
    found = converted(given, told, PARTNERS)
    assert (found.value, found.shown, list(found.losses)) == (value, shown, [])


@pytest.mark.parametrize(
    ("given", "told", "code"),
    [
        (pair(ValueType.NUMBER), True, LossCode.VALUE_UNREADABLE),
        (pair(ValueType.NUMBER), float("inf"), LossCode.VALUE_UNREADABLE),
        (pair(ValueType.NUMBER, is_whole=True), 2.5, LossCode.VALUE_UNREADABLE),
        (pair(ValueType.DATE), "2026-02-30", LossCode.VALUE_UNREADABLE),
        (pair(ValueType.MOMENT), "2026-02-28T10:00:00", LossCode.VALUE_UNREADABLE),
        (pair(ValueType.SINGLE, align="severity", **OPTIONS), {"id": "12", "value": "P9"}, LossCode.OPTION_MISSING),
        (pair(ValueType.USER), {"displayName": "Two Named"}, LossCode.USER_MISSING),
        (pair(ValueType.USER), {"displayName": "Vera Lind", "emailAddress": "v@x.test"}, LossCode.USER_MISSING),
        (pair(ValueType.TIME_FRAME, target="iteration"), [{"name": "Sprint 5"}], LossCode.PARTNER_MISSING),
        (pair(ValueType.TEAM, target="team"), {"title": "Red"}, LossCode.PARTNER_MISSING),
        (pair(ValueType.ITEM), {"key": "PAY-9"}, LossCode.VALUE_UNREADABLE),
    ],
)
def test_what_cannot_be_carried_is_said_and_empty(given: CarriedPair, told: Any, code: LossCode) -> None:
    found = converted(given, told, PARTNERS)
    assert found.value is None
    assert [each.code for each in found.losses] == [code]


def test_a_text_that_is_too_long_is_cut_and_said() -> None:
    found = converted(pair(ValueType.TEXT, longest=5), "abcdefg", PARTNERS)
    assert found.value == "abcd…"
    assert [each.code for each in found.losses] == [LossCode.SHORTENED]


def test_who_has_no_user_in_align_is_named_with_what_mends_it() -> None:
    found = converted(pair(ValueType.USER, jira_name="Dev assignee"), {"displayName": "Ada Ito"}, PARTNERS)
    said = "Dev assignee Ada Ito has no Align user: read-only access for engineers mends it, a paid seat."
    assert [each.sentence for each in found.losses] == [said]


def test_pictures_in_a_text_stay_in_jira_and_its_words_come_along() -> None:
    picture = {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "1"}}]}
    words = {"type": "paragraph", "content": [{"type": "text", "text": "See"}]}
    found = rich_text({"type": "doc", "content": [words, picture]})
    assert found is not None
    assert (found.html, found.lost) == ("<p>See</p>", True)


# --- the whole item ---------------------------------------------------------------------------------------------------


def test_an_issue_becomes_the_item_of_its_level_below_that_of_its_parent() -> None:
    epic = issue(id=9, key="PAY-9", type_name="Epic")
    by_card = issue(parent_id=9, parent_key="PAY-9", values={"customfield_1": 5})
    found = predict(by_card, rules(pairs={"story": [pair(ValueType.NUMBER)]}, steps={("story", 31): 8}), {9: epic})
    assert (found.level, found.state, found.step, codes(found)) == ("story", 3, 8, [])
    assert found.values({9: 77}) == {"points": 5, "title": "Pay by card", "featureId": 77}
    assert "featureId" not in found.values({})


def test_it_says_what_does_not_come_along() -> None:
    stopped = pair(ValueType.TEXT, align="custom2", stopped="its option is gone.")
    given = rules(
        pairs={"story": [stopped]},
        required={"story": [RequiredField(key="custom2", name="Region")]},
    )
    found = predict(issue(status_id=99, parent_id=8, parent_key="PAY-8"), given, {8: "task"})
    expected = [LossCode.PAIR_STOPPED, LossCode.PARENT_MISSING, LossCode.REQUIRED_EMPTY, LossCode.STATUS_NOT_MAPPED]
    assert sorted(codes(found)) == sorted(expected)
    assert found.state == 0
    said = {each.code: each.sentence for each in found.losses}
    assert said[LossCode.STATUS_NOT_MAPPED].endswith("it shows 0 - Pending approval.")
    assert "becomes a Task, and a Story hangs below a Feature" in said[LossCode.PARENT_MISSING]


def test_a_task_without_a_story_above_it_may_be_refused() -> None:
    found = predict(issue(type_name="Sub-task"), rules(levels={"sub-task": "task"}), {})
    said = [each.sentence for each in found.losses if each.code is LossCode.REQUIRED_EMPTY]
    assert said == ["In Jira Align, a Task hangs below a Story. Without one, Align may refuse it."]


def test_a_type_that_stands_for_nothing_becomes_nothing() -> None:
    found = predict(issue(type_name="Spike"), rules(), {})
    assert (found.level, list(found.fields), codes(found)) == ("", [], [LossCode.TYPE_NOT_MAPPED])


def test_items_land_where_their_level_has_a_place() -> None:
    landing = Landing(program_id=11, release_id=2, team_id=7)
    found = predict(issue(), rules(landing=landing), {})
    assert found.values({}) == {"title": "Pay by card", "programId": 11, "releaseId": 2, "teamId": 7}
    theme = predict(issue(type_name="Initiative"), rules(landing=landing), {})
    assert theme.values({}) == {"title": "Pay by card", "programIds": [11], "releaseIds": [2]}


def test_the_fields_of_parents_and_landing_are_those_of_the_table_of_objects() -> None:
    for (level, above), holds in PARENT_FIELDS.items():
        assert OBJECTS[level].fields[holds].target == above
        assert above in ABOVE[level] or above == level
    for level in LEVELS:
        types = {name: name.capitalize() for name in LEVELS}
        whole = rules(levels={name: name for name in types}, landing=Landing(program_id=1, release_id=2, team_id=3))
        for field in predict(issue(type_name=level), whole, {}).fields:
            assert field.key in OBJECTS[level].fields


def test_the_fingerprint_is_of_what_was_decided_and_of_nothing_else() -> None:
    before = rules(pairs={"story": [pair(ValueType.NUMBER)]})
    assert before.fingerprint == before.with_partners(AlignPartners()).fingerprint
    assert before.fingerprint != rules(pairs={"story": [pair(ValueType.TEXT)]}).fingerprint
    assert before.fingerprint != rules(pairs=before.pairs, states={("story", 31): 2}).fingerprint


# --- whatever Jira tells ----------------------------------------------------------------------------------------------

WORDS = st.text(max_size=12)
NAMES = st.sampled_from(["type", "content", "text", "id", "name", "value", "displayName", "emailAddress", "marks"])
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.sampled_from(["doc", "paragraph", "10", "Blue"])
)
ANY_JSON = st.recursive(
    PLAIN, lambda of: st.one_of(st.lists(of, max_size=3), st.dictionaries(NAMES | WORDS, of, max_size=4)), max_leaves=8
)
TYPES = st.sampled_from(ValueType)


@settings(max_examples=150, deadline=None)
@given(TYPES, ANY_JSON, st.booleans())
def test_any_value_of_any_type_is_carried_or_said_to_be_lost(type_: ValueType, told: Any, is_custom: bool) -> None:
    given = pair(type_, is_custom=is_custom, options={"10": ("3", "High")}, target="team", longest=20)
    found = converted(given, told, PARTNERS)
    is_nothing = told is None or told in ("", [], {}) or shown_in_jira(told) == ""
    assert found.value is not None or found.losses or is_nothing
    assert all(each.field == "points" and each.sentence.endswith(".") for each in found.losses)
    if isinstance(found.value, int):
        assert abs(found.value) <= LARGEST
    if isinstance(found.value, str):
        assert len(found.value) <= 20
        found.value.encode()
    json.dumps(found.value, default=str)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_of_random_worlds_every_issue_becomes_one_item_or_says_why_not(data: st.DataObject) -> None:
    """Types, parents, fields, nulls and unknown users at random, names in any script."""
    names = data.draw(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
    levels = {name: data.draw(st.sampled_from(["", *LEVELS])) for name in names}
    world = rules(
        levels={name.casefold(): level for name, level in levels.items() if level},
        pairs={level: [pair(data.draw(TYPES))] for level in LEVELS},
        landing=Landing(program_id=data.draw(st.none() | st.integers(1, 9))),
    )
    ids = st.none() | st.integers(1, 6)
    known = {
        number: issue(
            id=number,
            key=f"P-{number}",
            type_name=data.draw(st.sampled_from(names)),
            parent_id=data.draw(ids),
            status_id=data.draw(st.sampled_from([31, 32])),
            title=data.draw(WORDS),
            values={"customfield_1": data.draw(ANY_JSON)},
        )
        for number in range(1, 6)
    }
    for each in known.values():
        found = predict(each, world, known)
        assert bool(found.level) != (LossCode.TYPE_NOT_MAPPED in codes(found))
        assert found.state in range(6)
        if found.level:
            assert sum(field.key == "title" for field in found.fields) == 1
            hangs = found.parent is not None
            assert hangs != (LossCode.PARENT_MISSING in codes(found)) or each.parent_id is None
        if found.parent:
            assert PARENT_FIELDS[found.level, found.parent.level] == found.parent.field

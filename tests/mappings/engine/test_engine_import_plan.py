"""An import as values: order, acts, warnings and cost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.align.terminology import ALIGNS_OWN
from mappings.engine.hierarchy import DEPTHS
from mappings.engine.import_cost import import_cost
from mappings.engine.import_plan import (
    KnownItem,
    changed_values,
    import_fingerprint,
    import_warnings,
    planned_lines,
)
from mappings.engine.import_scope import Landing
from mappings.engine.items import IssueFacts, LossCode, PredictedField, PredictedItem, PredictedParent


def issue(id_: int) -> IssueFacts:
    return IssueFacts(
        id=id_,
        key=f"LAB-{id_}",
        project_id=1,
        type_id=1,
        type_name="Story",
        status_id=1,
        status_name="To Do",
        title="T",
    )


def item(id_: int, level: str = "story", parent: int | None = None, *, once: bool = False) -> PredictedItem:
    fields = [
        PredictedField(key="title", name="Title", value="T", shown="T", source="Summary"),
        PredictedField(key="programId", name="Program", value=11, shown="11", source="", is_once=once),
    ]
    below = None
    if parent is not None:
        below = PredictedParent(issue_id=parent, issue_key=f"LAB-{parent}", level="feature", field="featureId")
    return PredictedItem(issue=issue(id_), level=level, fields=fields, parent=below)


@given(st.lists(st.sampled_from(["", *DEPTHS]), max_size=8))
def test_whatever_stands_above_comes_first_and_each_issue_once(levels: list[str]) -> None:
    lines = planned_lines([item(place + 1, level) for place, level in enumerate(levels)], {})
    depths = [DEPTHS.get(each.item.level, 99) for each in lines]
    assert depths == sorted(depths)
    assert sorted(each.item.issue.id for each in lines) == list(range(1, len(levels) + 1))
    assert {each.act for each in lines if not each.item.level} <= {"skip"}


def test_what_is_known_is_updated_and_what_was_lost_is_created_after_a_look() -> None:
    known = {
        1: KnownItem(align_id=7, level="story", sent={"title": "Old"}),
        2: KnownItem(align_id=None, level="story", sent={}),
        3: KnownItem(align_id=8, level="feature", sent={}),
    }
    acts = {each.item.issue.id: each for each in planned_lines([item(1, once=True), item(2), item(3), item(4)], known)}
    assert {id_: each.act for id_, each in acts.items()} == {1: "update", 2: "create", 3: "skip", 4: "create"}
    assert acts[1].values == {"title": "T"}, "where it landed is not sent again"
    assert "type does not change" in acts[3].detail


def test_what_align_has_by_its_key_is_linked_and_not_made_again() -> None:
    lines = planned_lines([item(1), item(2), item(3)], {}, {1: [7], 2: [8, 9]})
    assert [(each.act, each.align_id) for each in lines] == [("link", 7), ("skip", None), ("create", None)]
    assert "1 of the issues have an item" in import_warnings(lines, Landing(program_id=1), ALIGNS_OWN)[0]


def test_a_parent_counts_where_it_is_an_item_or_becomes_one() -> None:
    known = {50: KnownItem(align_id=5, level="feature", sent={})}
    found = {each.item.issue.id: each for each in planned_lines([item(1, parent=50), item(2, parent=60)], known)}
    assert found[1].parent_id == 50
    assert found[2].parent_id is None
    assert [each.code for each in found[2].losses] == [LossCode.PARENT_MISSING]
    (task,) = planned_lines([item(3, "task", parent=60)], known)
    assert [each.code for each in task.losses] == [LossCode.REQUIRED_EMPTY], "Align refuses a task without a story"


def test_values_alike_are_not_sent_again() -> None:
    assert changed_values({"a": 1, "b": [2], "c": None}, {"a": 1, "b": [3]}) == {"b": [2], "c": None}


def test_cost_and_warnings() -> None:
    acts = [("story", "create")] * 101 + [("feature", "create"), ("story", "update"), ("", "skip"), ("task", "nothing")]
    assert import_cost(acts).sending == 103 + 2 + 1 + 2
    assert import_cost(acts, issues=105, unlinked={"story": 101, "feature": 1}, people=7).total == 108 + 3 + 3 + 2 + 1
    lines = planned_lines([item(1), item(2, level="")], {})
    told = import_warnings(lines, Landing(), ALIGNS_OWN)
    assert len(told) == 4
    assert "Only AlignAdmin knows" in told[0]
    assert "No program" in told[1]
    assert "1 Story" in told[2]
    assert "1 of the issues become nothing" in told[3]
    assert len(import_warnings(lines, Landing(program_id=1), ALIGNS_OWN)) == 3


def test_a_fingerprint_is_of_what_is_sent() -> None:
    assert import_fingerprint(1, [[1, "create", {"a": 1, "b": 2}]]) == import_fingerprint(
        1, [[1, "create", {"b": 2, "a": 1}]]
    )
    assert import_fingerprint(1, [[1, "create", {"a": 1}]]) != import_fingerprint(1, [[1, "create", {"a": 2}]])

"""What the grid shows: groups, dots and rings, marks, filters, counts and the flow picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine.cells import Cell, Mark
from mappings.engine.flow_lines import flows
from mappings.engine.matrix import Matrix, MatrixRow, Only, build
from mappings.engine.values import Category, Kind, Row, Situation, SourceStatus, Target, TypeName, state_targets
from mappings.engine.view import ScopeProject, View
from tests.support.engine_rows import edit

TODO, DOING, QA, DONE, OLD = 10001, 10002, 10015, 10003, 10019
STATUSES = {
    DOING: SourceStatus(id=DOING, name="In Progress", category=Category.DOING),
    TODO: SourceStatus(id=TODO, name="To Do", category=Category.TODO),
    QA: SourceStatus(id=QA, name="QA", category=Category.DOING),
    DONE: SourceStatus(id=DONE, name="Done", category=Category.DONE),
    OLD: SourceStatus(id=OLD, name="Archived", category=Category.DONE),
}
REACHABLE = frozenset({TODO, DOING, QA, DONE})
STATES = {target.id: target for target in state_targets()}


def settled(source_id: int, wanted: int | None, applied: int | None, observed: int | None) -> Row:
    return edit(Row(source_id=source_id, wanted=wanted, applied=applied, observed=observed, remote_id=1), wanted)


def same(source_id: int, value: int | None) -> Row:
    return settled(source_id, value, value, value)


def view(**changes: Any) -> View:
    plain = View(
        kind=Kind.STATE,
        work_item_type=TypeName.STORY,
        project_key="PROJ",
        projects=(ScopeProject(key="PROJ"),),
        statuses=STATUSES,
        reachable=REACHABLE,
        targets=STATES,
        j2a=(same(TODO, 0), same(DOING, 2), same(DONE, 4), same(OLD, 4)),
        a2j={"PROJ": (same(0, TODO), same(2, DOING), same(4, QA))},
    )
    return replace(plain, **changes)


def row_of(matrix: Matrix, status_id: int) -> MatrixRow:
    return next(row for row in matrix.rows if row.status.id == status_id)


def cell_of(matrix: Matrix, status_id: int, target_id: int) -> Cell:
    return next(cell for cell in row_of(matrix, status_id).cells if cell.target_id == target_id)


def drawn(cell: Cell) -> set[str]:
    names = ("dot", "dot_was", "dot_observed", "ring", "ring_was", "ring_observed")
    return {name for name in names if getattr(cell, name)}


def test_rows_stand_in_their_category_and_unreachable_ones_under_unused() -> None:
    groups = {group.code: [row.status.id for row in group.rows] for group in build(view()).groups}
    assert groups == {"todo": [TODO], "doing": [DOING, QA], "done": [DONE], "unused": [OLD]}


def test_a_dot_at_zero_is_a_dot_and_an_unmapped_row_has_none() -> None:
    matrix = build(view())
    assert drawn(cell_of(matrix, TODO, 0)) == {"dot", "ring"}
    assert not any(cell.dot for cell in row_of(matrix, QA).cells)
    assert Mark.UNMAPPED in row_of(matrix, QA).marks
    assert Mark.UNMAPPED not in row_of(matrix, TODO).marks
    assert row_of(matrix, TODO).target == STATES[0]
    assert row_of(matrix, QA).target is None


def test_an_edited_dot_shows_before_and_after() -> None:
    matrix = build(view(j2a=(settled(TODO, 1, 0, 0),)))
    assert (drawn(cell_of(matrix, TODO, 0)), drawn(cell_of(matrix, TODO, 1))) == ({"dot_was", "ring"}, {"dot"})
    assert Mark.CHANGED in row_of(matrix, TODO).marks


def test_a_removed_dot_shows_where_it_was() -> None:
    matrix = build(view(j2a=(settled(TODO, None, 0, 0),), a2j={"PROJ": ()}))
    assert drawn(cell_of(matrix, TODO, 0)) == {"dot_was"}
    assert {Mark.CHANGED, Mark.UNMAPPED} <= row_of(matrix, TODO).marks


def test_drift_shows_where_the_value_is_now() -> None:
    matrix = build(view(j2a=(settled(TODO, 1, 1, 0),), a2j={"PROJ": ()}))
    assert (drawn(cell_of(matrix, TODO, 0)), drawn(cell_of(matrix, TODO, 1))) == ({"dot_observed"}, {"dot"})
    assert Mark.DRIFTED in row_of(matrix, TODO).marks


def test_a_conflict_shows_all_three_values() -> None:
    matrix = build(view(j2a=(settled(TODO, 1, 2, 0),), a2j={"PROJ": ()}))
    assert [drawn(cell_of(matrix, TODO, state)) for state in (0, 1, 2)] == [{"dot_observed"}, {"dot"}, {"dot_was"}]
    assert {Mark.CONFLICT, Mark.CHANGED} <= row_of(matrix, TODO).marks


def test_an_edited_ring_changes_the_row_it_leaves_and_the_row_it_reaches() -> None:
    matrix = build(view(a2j={"PROJ": (settled(0, QA, TODO, TODO),)}))
    assert drawn(cell_of(matrix, TODO, 0)) == {"dot", "ring_was"}
    assert drawn(cell_of(matrix, QA, 0)) == {"ring"}
    assert Mark.CHANGED in row_of(matrix, TODO).marks & row_of(matrix, QA).marks
    assert row_of(matrix, QA).returns == (STATES[0],)


def test_a_drifted_ring_shows_where_it_is_now() -> None:
    matrix = build(view(a2j={"PROJ": (settled(0, TODO, TODO, QA),)}))
    assert drawn(cell_of(matrix, QA, 0)) == {"ring_observed"}
    assert Mark.DRIFTED in row_of(matrix, QA).marks


def test_the_shared_scope_has_only_dots() -> None:
    matrix = build(view(project_key=None))
    cells = [cell for row in matrix.rows for cell in row.cells]
    assert not any(cell.ring or cell.ring_allowed for cell in cells)
    assert all(cell.dot_allowed for cell in cells)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, (True, True)),
        ({"work_item_type": TypeName.TASK}, (True, False)),
        ({"kind": Kind.STEP, "work_item_type": TypeName.DEFECT}, (False, False)),
        ({"j2a_known": False}, (False, True)),
        ({"a2j_known": False}, (True, False)),
        ({"a2j": {}}, (True, False)),
    ],
)
def test_what_may_be_set_follows_family_and_knowledge(changes: dict[str, Any], allowed: tuple[bool, bool]) -> None:
    cell = cell_of(build(view(**changes)), QA, 0)
    assert (cell.dot_allowed, cell.ring_allowed) == allowed


def test_nothing_is_called_unmapped_while_the_list_is_not_known() -> None:
    matrix = build(view(j2a=(), j2a_known=False))
    assert row_of(matrix, QA).marks == {Mark.UNKNOWN}
    assert (matrix.coverage.unknown, matrix.coverage.unmapped, matrix.coverage.total) == (4, 0, 4)


def test_a_status_without_a_mapping_in_a_list_that_was_read_is_unmapped_and_not_unknown() -> None:
    assert row_of(build(view()), QA).marks == {Mark.UNMAPPED}


def test_unknown_rows_keep_their_values_and_say_so() -> None:
    unseen = edit(replace(same(TODO, 0), known=False), 0)
    matrix = build(view(j2a=(unseen,), j2a_known=False))
    assert unseen.situation is Situation.UNKNOWN
    assert cell_of(matrix, TODO, 0).dot
    assert Mark.UNKNOWN in row_of(matrix, TODO).marks


def test_what_a_list_said_before_it_failed_is_not_drawn_as_seen_elsewhere() -> None:
    unseen = edit(replace(settled(TODO, 1, 1, 0), known=False), 1)
    assert drawn(cell_of(build(view(j2a=(unseen,), j2a_known=False, a2j={"PROJ": ()})), TODO, 0)) == set()


def test_coverage_counts_reachable_statuses() -> None:
    coverage = build(view()).coverage
    assert (coverage.mapped, coverage.unmapped, coverage.total) == (3, 1, 4)


def test_ids_that_no_catalogue_knows_still_have_a_row_and_a_column() -> None:
    matrix = build(view(j2a=(same(77, 9),), a2j={"PROJ": (same(8, 78),)}))
    assert drawn(cell_of(matrix, 77, 9)) == {"dot"}
    assert drawn(cell_of(matrix, 78, 8)) == {"ring"}
    assert {Mark.VANISHED, Mark.UNUSED} <= row_of(matrix, 77).marks
    assert matrix.columns[-1].name == "Not in Align"


def step(id_: int, flow: int, **more: Any) -> Target:
    return Target(id=id_, name=f"Step {id_}", flow_id=flow, flow_name=f"Flow {flow}", **more)


def test_steps_are_grouped_by_flow_and_inactive_flows_say_so() -> None:
    steps = {id_: step(id_, 2 if id_ > 51 else 1, flow_active=id_ <= 51) for id_ in (50, 52, 51, 53)}
    matrix = build(view(kind=Kind.STEP, targets=steps, j2a=(), a2j={"PROJ": ()}))
    columns = [(group.name, group.active, [target.id for target in group.targets]) for group in matrix.columns]
    assert columns == [("Flow 1", True, [50, 51]), ("Flow 2", False, [52, 53])]


def test_the_targets_that_move_an_issue_to_a_status_stand_in_the_order_of_the_columns() -> None:
    steps = {id_: step(id_, 1) for id_ in (52, 50, 51)}
    matrix = build(view(kind=Kind.STEP, targets=steps, j2a=(), a2j={"PROJ": tuple(same(each, QA) for each in steps)}))
    assert [target.id for target in row_of(matrix, QA).returns] == [52, 50, 51]


def test_a_vanished_step_keeps_a_column_only_while_a_mapping_names_it() -> None:
    steps = {50: step(50, 1), 51: step(51, 1, vanished=True), 52: step(52, 1, vanished=True)}
    matrix = build(view(kind=Kind.STEP, targets=steps, j2a=(same(TODO, 51),), a2j={"PROJ": ()}))
    assert [target.id for target in matrix.targets] == [50, 51]


def test_twins_are_marked_with_the_other_ids() -> None:
    statuses = {**STATUSES, 10215: SourceStatus(id=10215, name="qa", category=Category.DOING, project_key="PROJ1")}
    matrix = build(view(statuses=statuses, j2a=(same(10215, 3),)))
    assert Mark.TWIN in row_of(matrix, QA).marks
    assert row_of(matrix, QA).twin_of == "10215 (PROJ1)"
    assert row_of(matrix, 10215).twin_of == "10015"


def shown(matrix: Matrix) -> set[int]:
    return {row.status.id for group in matrix.groups for row in group.rows}


def test_toggles_filter_and_count_over_the_whole_matrix() -> None:
    a_view = view(j2a=(settled(TODO, None, 0, 0), settled(DOING, 3, 2, 2), same(DONE, 4)))
    changed = build(a_view, only=frozenset({Only.CHANGED}))
    assert shown(changed) == {TODO, DOING}
    assert shown(build(a_view, only=frozenset({Only.UNMAPPED}))) == {TODO, QA}
    assert shown(build(a_view, only=frozenset({Only.CHANGED, Only.UNMAPPED}))) == {TODO}
    assert (changed.counts[Only.UNMAPPED], changed.counts[Only.CHANGED]) == (2, 2)
    assert shown(build(a_view, only=frozenset({Only.PROBLEMS}))) == {TODO, DOING, QA}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", {TODO, DOING, QA, DONE, OLD}),
        (" qa ", {QA}),
        ("10019", {OLD}),
        ("test complete", {DONE, OLD, QA}),
        ("x", set()),
    ],
)
def test_the_text_filter_fits_names_ids_and_targets(text: str, ids: set[int]) -> None:
    assert shown(build(view(), text=text)) == ids


def test_flow_lines_lead_both_ways_and_bounces_are_among_the_backward_ones() -> None:
    lines = flows(build(view()))
    assert {(line.status_id, line.target_id) for line in lines.forward} == {(TODO, 0), (DOING, 2), (DONE, 4), (OLD, 4)}
    assert {(line.status_id, line.target_id) for line in lines.backward} == {(TODO, 0), (DOING, 2), (QA, 4)}
    assert [(line.status_id, line.target_id) for line in lines.bounces] == [(QA, 4)]


VALUES = st.sampled_from([None, 0, 1, 5, 9])
STATUS_IDS = st.sampled_from([None, *STATUSES, 77])


@given(
    st.dictionaries(st.sampled_from([*STATUSES, 77]), st.tuples(VALUES, VALUES, VALUES)),
    st.dictionaries(st.integers(0, 6), st.tuples(STATUS_IDS, STATUS_IDS, STATUS_IDS)),
)
def test_every_value_of_every_row_is_drawn_in_exactly_one_cell(
    j2a: dict[int, tuple[int | None, int | None, int | None]], a2j: dict[int, tuple[int | None, int | None, int | None]]
) -> None:
    dots = tuple(settled(source_id, *values) for source_id, values in j2a.items())
    rings = tuple(settled(source_id, *values) for source_id, values in a2j.items())
    matrix = build(view(j2a=dots, a2j={"PROJ": rings}))
    cells = [cell for row in matrix.rows for cell in row.cells]
    wanted_dots = {(row.source_id, row.wanted) for row in dots if row.wanted is not None}
    wanted_rings = {(row.wanted, row.source_id) for row in rings if row.wanted is not None}
    assert {(cell.status_id, cell.target_id) for cell in cells if cell.dot} == wanted_dots
    assert {(cell.status_id, cell.target_id) for cell in cells if cell.ring} == wanted_rings
    elsewhere = {(r.source_id, r.observed) for r in dots if r.observed not in (None, r.wanted, r.applied)}
    assert {(cell.status_id, cell.target_id) for cell in cells if cell.dot_observed} == elsewhere
    assert len({(cell.status_id, cell.target_id) for cell in cells}) == len(cells)

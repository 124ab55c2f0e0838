"""Every check fires on what it names, stays silent otherwise, and says what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine.checks import BOTH, DOTS, INFOS, RINGS, SEVERITIES, Problem, by_row, check
from mappings.engine.values import (
    Category,
    Direction,
    DuplicateRecord,
    Kind,
    Row,
    Severity,
    SourceStatus,
    Target,
    TypeName,
    state_targets,
)
from mappings.engine.view import ScopeProject, View

TODO, DOING, QA, DONE = 10001, 10002, 10015, 10003
STATUSES = {
    TODO: SourceStatus(id=TODO, name="To Do", category=Category.TODO),
    DOING: SourceStatus(id=DOING, name="In Progress", category=Category.DOING),
    QA: SourceStatus(id=QA, name="QA", category=Category.DOING),
    DONE: SourceStatus(id=DONE, name="Done", category=Category.DONE),
}
STATES = {target.id: target for target in state_targets()}
J2A, A2J = Direction.JIRA_TO_ALIGN, Direction.ALIGN_TO_JIRA


def row(source_id: int, wanted: int | None, **more: Any) -> Row:
    return Row(source_id=source_id, wanted=wanted, applied=wanted, observed=wanted, remote_id=1, **more)


def rows(pairs: dict[int, int | None]) -> tuple[Row, ...]:
    return tuple(row(source_id, wanted) for source_id, wanted in pairs.items())


HEALTHY_J2A = {TODO: 1, DOING: 2, QA: 3, DONE: 4}
HEALTHY_A2J = {1: TODO, 2: DOING, 3: QA, 4: DONE}


def view(**changes: Any) -> View:
    """A project without any problem, changed where a test says so."""
    healthy = View(
        kind=Kind.STATE,
        work_item_type=TypeName.STORY,
        project_key="PROJ",
        projects=(ScopeProject(key="PROJ"),),
        statuses=STATUSES,
        reachable=frozenset(STATUSES),
        targets=STATES,
        j2a=rows(dict(HEALTHY_J2A)),
        a2j={"PROJ": rows(dict(HEALTHY_A2J))},
    )
    return replace(healthy, **changes)


def found(a_view: View, code: str) -> list[Problem]:
    return [problem for problem in check(a_view) if problem.code == code]


def only(a_view: View, code: str) -> Problem:
    (problem,) = found(a_view, code)
    return problem


def with_status(status: SourceStatus) -> dict[int, SourceStatus]:
    return {**STATUSES, status.id: status}


def test_a_healthy_matrix_has_no_problem() -> None:
    assert check(view()) == ()


def test_every_code_has_a_check_and_a_severity() -> None:
    assert {each.__name__.replace("_", "-") for each in (*BOTH, *DOTS, *RINGS, *INFOS)} == set(SEVERITIES)
    infos = {code for code, severity in SEVERITIES.items() if severity is Severity.INFO}
    assert {each.__name__.replace("_", "-") for each in INFOS} == infos


def test_the_worst_problems_come_first() -> None:
    problems = check(view(j2a=rows({TODO: 77, DOING: 2}), renamed={"PROJ": "NEW"}))
    severities = [problem.severity for problem in problems]
    assert severities == sorted(severities, key=list(Severity).index)
    assert len(set(severities)) == 3


# --- errors --------------------------------------------------------------------------------------------------


def test_a_target_that_is_gone_is_an_error_in_both_directions() -> None:
    targets = {**STATES, 3: replace(STATES[3], vanished=True)}
    dot, ring = found(view(targets=targets), "target-gone")
    assert (dot.direction, dot.status_id, ring.direction, ring.target_id) == (J2A, QA, A2J, 3)
    assert "77" in only(view(j2a=rows({**HEALTHY_J2A, QA: 77})), "target-gone").sentence


def test_a_status_that_is_gone_is_an_error_in_both_directions() -> None:
    gone = view(statuses=with_status(replace(STATUSES[QA], vanished=True)))
    assert [problem.direction for problem in found(gone, "status-gone")] == [J2A, A2J]


def test_deleting_the_mapping_of_a_vanished_status_is_no_problem() -> None:
    gone = with_status(replace(STATUSES[QA], vanished=True))
    edited = Row(source_id=QA, wanted=None, applied=3, observed=3, remote_id=1)
    kept = rows({TODO: 1, DOING: 2, DONE: 4})
    assert not found(view(statuses=gone, j2a=(*kept, edited), a2j={"PROJ": ()}), "status-gone")


@pytest.mark.parametrize(
    ("owner", "project_key", "team_managed", "count"),
    [
        ("PROJ1", "PROJ", False, 2),
        ("PROJ", "PROJ", False, 2),  # it was team-managed once
        ("PROJ1", "PROJ1", True, 0),
        ("PROJ1", "PROJ2", True, 2),
        (None, "PROJ2", True, 0),
    ],
)
def test_a_status_of_another_team_managed_project_is_an_error(
    owner: str | None, project_key: str, team_managed: bool, count: int
) -> None:
    a_view = view(
        statuses=with_status(replace(STATUSES[QA], project_key=owner)),
        project_key=project_key,
        team_managed=team_managed,
        a2j={project_key: rows(dict(HEALTHY_A2J))},
    )
    assert len(found(a_view, "wrong-project")) == count


def test_a_type_outside_the_family_is_an_error_only_in_that_direction() -> None:
    problems = found(view(work_item_type=TypeName.TASK), "type-not-allowed")
    assert {problem.direction for problem in problems} == {A2J}
    assert problems[0].sentence == "Align does not send states of tasks to Jira."


def test_further_records_are_an_error_until_one_is_chosen() -> None:
    spare = (DuplicateRecord(remote_id=2, target_id=0),)
    kept = rows({TODO: 1, DOING: 2, DONE: 4})
    assert only(view(j2a=(*kept, row(QA, 3, duplicates=spare))), "duplicate-remote").status_id == QA
    chosen = row(QA, 3, duplicates=spare, kept_remote_id=1)
    assert not found(view(j2a=(*kept, chosen)), "duplicate-remote")
    chosen_is_gone = row(QA, 3, duplicates=spare, kept_remote_id=99)
    assert found(view(j2a=(*kept, chosen_is_gone)), "duplicate-remote")


# --- unmapped and ways back ----------------------------------------------------------------------------------


def test_an_unmapped_status_is_told_from_one_that_is_mapped_to_zero() -> None:
    problem = only(view(j2a=rows({**HEALTHY_J2A, QA: None})), "unmapped")
    assert problem.sentence == "QA (10015) has no mapping: stories that reach it fall to 0 - Pending approval."
    assert not found(view(j2a=rows({**HEALTHY_J2A, QA: 0})), "unmapped")


def test_a_status_is_not_called_unmapped_while_the_list_is_not_known() -> None:
    assert not found(view(j2a=(), j2a_known=False), "unmapped")


def test_a_status_nobody_reaches_is_not_called_unmapped() -> None:
    kept = rows({TODO: 1, DOING: 2, DONE: 4})
    assert not found(view(j2a=kept, reachable=frozenset({TODO, DOING, DONE})), "unmapped")


def test_a_bounce_names_what_comes_back() -> None:
    problem = only(view(a2j={"PROJ": rows({**HEALTHY_A2J, 3: DONE})}), "bounce")
    assert (problem.status_id, problem.target_id, problem.direction) == (DONE, 3, A2J)
    assert problem.sentence == (
        "3 Dev complete moves issues to Done (10003), which shows 4 Test complete: "
        "a change in Align comes back as another one."
    )


def test_a_way_back_through_an_unmapped_status_bounces_even_to_zero() -> None:
    problem = only(
        view(j2a=rows({**HEALTHY_J2A, QA: None}), a2j={"PROJ": rows({**HEALTHY_A2J, 3: None, 0: QA})}), "bounce"
    )
    assert problem.sentence.endswith("which has no mapping: they fall to 0 - Pending approval.")


def test_zero_that_comes_back_as_zero_does_not_bounce() -> None:
    there_and_back = view(j2a=rows({**HEALTHY_J2A, TODO: 0}), a2j={"PROJ": rows({0: TODO, 2: DOING, 3: QA, 4: DONE})})
    assert not found(there_and_back, "bounce")


def shared(a2j: dict[str, tuple[Row, ...]], count: int, **changes: Any) -> View:
    projects = tuple(ScopeProject(key=f"P{number}") for number in range(count))
    return view(project_key=None, projects=projects, a2j=a2j, **changes)


def test_in_the_shared_scope_a_bounce_says_in_how_many_projects() -> None:
    wrong, right = rows({**HEALTHY_A2J, 3: DONE}), rows(dict(HEALTHY_A2J))
    a2j = {f"P{number}": wrong if number < 3 else right for number in range(14)}
    assert only(shared(a2j, 14), "bounce").sentence.startswith("In 3 of 14 projects, 3 Dev complete moves issues to")


def test_in_the_shared_scope_a_missing_way_back_says_in_how_many_projects() -> None:
    short, right = rows({1: TODO, 2: DOING, 3: QA, 4: None}), rows(dict(HEALTHY_A2J))
    problem = only(shared({"P0": short, "P1": right, "P2": short}, 3), "no-way-back")
    assert problem.sentence == "In 2 of 3 projects, nothing happens in Jira when Align is set to 4 Test complete."


def test_a_project_that_was_never_read_is_not_called_without_a_way_back() -> None:
    assert not found(view(a2j={}), "no-way-back")
    assert not found(view(a2j={"PROJ": ()}, a2j_known=False), "no-way-back")
    assert len(found(view(a2j={"PROJ": ()}), "no-way-back")) == 4
    assert not found(view(work_item_type=TypeName.TASK, a2j={"PROJ": ()}), "no-way-back")


VALUES = st.sampled_from([None, 0, 1, 2, 3, 4, 5])
SOME_STATUS = st.sampled_from([None, *STATUSES])


@given(st.dictionaries(st.sampled_from([*STATUSES]), VALUES), st.dictionaries(st.integers(0, 5), SOME_STATUS))
def test_bounce_and_no_way_back_follow_from_the_two_mappings(
    j2a: dict[int, int | None], a2j: dict[int, int | None]
) -> None:
    a_view = view(j2a=rows(j2a), a2j={"PROJ": rows(a2j)})
    bouncing = {target for target, status in a2j.items() if status is not None and j2a.get(status) != target}
    assert {problem.target_id for problem in found(a_view, "bounce")} == bouncing
    stuck = {target for target in j2a.values() if target is not None and a2j.get(target) is None}
    assert {problem.target_id for problem in found(a_view, "no-way-back")} == stuck
    unmapped = {status for status in STATUSES if j2a.get(status) is None}
    assert {problem.status_id for problem in found(a_view, "unmapped")} == unmapped


# --- meanings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("type_", "count"), [(TypeName.FEATURE, 0), (TypeName.STORY, 1), (TypeName.DEFECT, 1)])
def test_accepted_is_for_features(type_: TypeName, count: int) -> None:
    assert len(found(view(work_item_type=type_, j2a=rows({**HEALTHY_J2A, DONE: 5})), "accepted")) == count


@pytest.mark.parametrize(
    ("status_id", "state", "count"),
    [(DONE, 0, 1), (DONE, 2, 1), (DONE, 3, 0), (TODO, 0, 0), (TODO, 1, 0), (TODO, 2, 1), (QA, 0, 0), (QA, 5, 0)],
)
def test_backward_looks_at_category_and_state(status_id: int, state: int, count: int) -> None:
    assert len(found(view(j2a=rows({**HEALTHY_J2A, status_id: state})), "backward")) == count


def test_of_a_status_that_nobody_knows_nothing_is_said_of_its_category() -> None:
    assert not found(view(j2a=rows({**HEALTHY_J2A, 77: 3})), "backward")


def step(id_: int, name: str, **more: Any) -> Target:
    return Target(id=id_, name=name, **{"flow_id": 1, "flow_name": "Delivery", **more})


STEPS = {
    50: step(50, "To do", map_to_state=1),
    51: step(51, "Build", map_to_state=2),
    52: step(52, "Check", map_to_state=0),
    53: step(53, "Release"),
}
STEP_J2A = rows({TODO: 50, DOING: 51, QA: 52, DONE: 53})
STEP_A2J = {"PROJ": rows({50: TODO, 51: DOING, 52: QA, 53: DONE})}


def step_view(**changes: Any) -> View:
    return view(**{"kind": Kind.STEP, "targets": STEPS, "j2a": STEP_J2A, "a2j": STEP_A2J, **changes})


def test_a_healthy_step_matrix_has_no_problem() -> None:
    assert check(step_view(sibling_j2a=rows({TODO: 1, DOING: 2, QA: 0, DONE: 4}))) == ()


def test_state_and_step_that_disagree_are_found_from_either_side() -> None:
    states = rows({TODO: 1, DOING: 2, QA: 3, DONE: 4})
    from_steps = only(step_view(sibling_j2a=states), "state-step")
    assert (from_steps.status_id, from_steps.target_id) == (QA, 52)
    from_states = only(view(j2a=states, sibling_j2a=STEP_J2A, sibling_targets=STEPS), "state-step")
    assert (from_states.status_id, from_states.target_id) == (QA, 3)
    assert from_steps.sentence == from_states.sentence
    assert "state 3" in from_steps.sentence
    assert "ties to state 0" in from_steps.sentence


def test_state_zero_disagrees_with_a_step_and_no_state_does_not() -> None:
    zero = step_view(sibling_j2a=rows({TODO: 0, DOING: None}))
    assert only(zero, "state-step").sentence.startswith("To Do (10001) leads to state 0 and to step To do")


def test_an_unmapped_step_is_not_said_to_fall_to_a_state() -> None:
    problem = only(step_view(j2a=STEP_J2A[:3], a2j={}), "unmapped")
    assert problem.sentence == "Done (10003) has no process step: no step is sent to Align for stories that reach it."


def test_going_on_from_a_resolved_status_is_a_warning() -> None:
    early_done = view(
        j2a=rows({TODO: 1, DOING: 2, DONE: 3, QA: 4}), a2j={"PROJ": rows({1: TODO, 2: DOING, 3: DONE, 4: QA})}
    )
    problem = only(early_done, "leaves-resolved")
    assert (problem.status_id, problem.target_id) == (QA, 4)
    assert "Done (10003) stays there" in problem.sentence
    late_done = view(j2a=rows({TODO: 1, DOING: 2, QA: 3, DONE: 4}))
    assert not found(late_done, "leaves-resolved")


def test_a_way_out_of_the_state_that_a_resolved_status_shows_is_a_warning_too() -> None:
    problem = only(view(a2j={"PROJ": rows({**HEALTHY_A2J, 4: QA})}), "leaves-resolved")
    assert (problem.status_id, problem.target_id) == (QA, 4)


def test_of_several_resolved_statuses_the_earliest_counts() -> None:
    closed = SourceStatus(id=10004, name="Closed", category=Category.DONE)
    a_view = view(
        statuses=with_status(closed), j2a=rows({DONE: 2, 10004: 4, QA: 3}), a2j={"PROJ": rows({2: DONE, 3: QA})}
    )
    problem = only(a_view, "leaves-resolved")
    assert (problem.status_id, problem.target_id) == (QA, 3)


def test_a_resolved_status_of_one_flow_says_nothing_about_another_flow() -> None:
    two_flows = {**STEPS, 50: step(50, "To do", flow_id=2)}
    a_view = step_view(targets=two_flows, j2a=rows({DONE: 50, QA: 51}), a2j={"PROJ": rows({50: DONE, 51: QA})})
    assert not found(a_view, "leaves-resolved")


def test_a_flow_that_serves_other_programmes_is_counted_in_projects() -> None:
    serving = {**STEPS, 53: replace(STEPS[53], programme_ids=frozenset({1}))}
    here = step_view(targets=serving, projects=(ScopeProject(key="PROJ", programme_ids=frozenset({2})),))
    assert [problem.direction for problem in found(here, "flow-elsewhere")] == [J2A, A2J]
    projects = (
        ScopeProject(key="P0", programme_ids=frozenset({1, 9})),
        ScopeProject(key="P1", programme_ids=frozenset({2})),
        ScopeProject(key="P2"),
    )
    problem = only(step_view(targets=serving, project_key=None, projects=projects, a2j={}), "flow-elsewhere")
    assert problem.sentence.endswith("does not serve the programmes of 1 of 3 projects.")


def test_a_flow_that_serves_one_of_a_project_s_programmes_serves_the_project() -> None:
    serving = {**STEPS, 53: replace(STEPS[53], programme_ids=frozenset({1, 2}))}
    here = step_view(targets=serving, projects=(ScopeProject(key="PROJ", programme_ids=frozenset({2, 3})),))
    assert not found(here, "flow-elsewhere")


def test_an_inactive_flow_is_a_warning() -> None:
    sleeping = {**STEPS, 53: replace(STEPS[53], flow_active=False)}
    assert "not active" in found(step_view(targets=sleeping), "flow-elsewhere")[0].sentence


# --- good to know --------------------------------------------------------------------------------------------


def test_twins_are_told_apart_by_id_among_shown_statuses_only() -> None:
    foreign = SourceStatus(id=10215, name=" qa ", category=Category.DOING, project_key="PROJ1")
    assert not found(view(statuses=with_status(foreign)), "twin")
    shown = view(statuses=with_status(foreign), j2a=rows({**HEALTHY_J2A, 10215: 3}))
    assert {problem.status_id for problem in found(shown, "twin")} == {QA, 10215}
    assert (
        found(shown, "twin")[0].sentence
        == "QA (10015) has the same name as 10215 of PROJ1: use the id to tell them apart."
    )


def test_more_statuses_than_states_suggests_process_steps_where_there_are_some() -> None:
    many = {id_: SourceStatus(id=id_, name=f"S{id_}", category=Category.DOING) for id_ in range(7)}
    a_view = view(statuses=many, reachable=frozenset(many), j2a=(), a2j={})
    assert only(a_view, "step-fit").sentence.startswith("7 statuses share 6 states")
    assert not found(replace(a_view, work_item_type=TypeName.DEFECT), "step-fit")


def test_steps_named_like_the_statuses_are_pointed_out() -> None:
    names = {50: step(50, "to do"), 51: step(51, "In  Progress"), 52: step(52, "QA"), 53: step(53, "done")}
    assert "one to one" in only(view(sibling_targets=names), "step-fit").sentence
    assert not found(view(sibling_targets={**names, 54: step(54, "Archive")}), "step-fit")


def test_a_renamed_key_is_told() -> None:
    assert "called NEW in Jira" in only(view(renamed={"PROJ": "NEW", "OTHER": "X"}), "key-renamed").sentence
    assert not found(view(renamed={"PROJ": "PROJ"}), "key-renamed")


def test_a_mapping_of_a_status_nobody_reaches_is_unused() -> None:
    problems = found(view(reachable=frozenset({TODO, DOING, DONE})), "unused")
    assert [(problem.direction, problem.status_id) for problem in problems] == [(J2A, QA), (A2J, QA)]


def test_problems_are_found_again_by_their_row() -> None:
    problems = check(view(statuses=with_status(replace(STATUSES[QA], vanished=True)), renamed={"PROJ": "NEW"}))
    assert set(by_row(problems)) == {(J2A, QA), (A2J, 3)}


def test_a_problem_of_a_status_alone_belongs_to_no_row() -> None:
    foreign = SourceStatus(id=10215, name="QA", category=Category.DOING)
    twins = found(view(statuses=with_status(foreign), j2a=rows({**HEALTHY_J2A, 10215: 3})), "twin")
    assert len(twins) == 2
    assert by_row(twins) == {}


def test_names_of_any_kind_stand_in_sentences_as_they_are() -> None:
    name = 'a -> b <script>"{x}" \u202eabc'
    odd = view(statuses=with_status(replace(STATUSES[QA], name=name)), j2a=rows({**HEALTHY_J2A, QA: None}))
    assert name in only(odd, "unmapped").sentence

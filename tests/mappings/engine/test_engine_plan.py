"""The requests of a plan, who is refused, the fingerprint, the batches and what an apply costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine.batches import batches
from mappings.engine.checks import Problem
from mappings.engine.cost import duration_estimate, list_pages, request_count
from mappings.engine.families import A2J_STATE, A2J_STEP, FAMILIES, J2A_STATE, J2A_STEP, Family, ListAddress
from mappings.engine.fingerprint import fingerprint_of
from mappings.engine.plan import Action, Draft, PlannedChange, order_changes, plan
from mappings.engine.values import Direction, DuplicateRecord, Row, Situation, TypeName
from tests.support.engine_rows import edit

SHARED = ListAddress(family=J2A_STATE)
OWN = ListAddress(family=J2A_STATE, project_key="PROJ1")
BACK = ListAddress(family=A2J_STATE, project_key="PROJ")
CREATE, UPDATE, DELETE = (None, 3), (2, 3), (2, None)
PLACES = [ListAddress(family=J2A_STATE), ListAddress(family=J2A_STEP)] + [
    ListAddress(family=family, project_key="PROJ1") for family in FAMILIES.values()
]


def draft(place: ListAddress = SHARED, change: tuple[int | None, int | None] = UPDATE, **more: Any) -> Draft:
    before, after = change
    source_id = more.pop("source_id", 10013)
    row = Row(
        source_id=source_id, wanted=after, applied=before, observed=before, remote_id=None if before is None else 17
    )
    values = {
        "connector_id": 123,
        "place": place,
        "work_item_type": TypeName.STORY,
        "type_id": place.family.type_ids[TypeName.STORY],
        "row": edit(row, after),
        "source_name": "In Review",
        "before_name": "" if before is None else "In progress",
        "after_name": "" if after is None else "Dev complete",
        "project_count": 14,
    }
    return Draft(**{**values, **more})


def planned(a_draft: Draft) -> PlannedChange:
    (change,) = plan([a_draft]).changes
    return change


# --- requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.family.code}-{place.project_key}")
@pytest.mark.parametrize(("change", "method"), [(CREATE, "POST"), (UPDATE, "PUT"), (DELETE, "DELETE")])
def test_every_family_and_kind_of_project_gets_its_own_request(
    place: ListAddress, change: tuple[int | None, int | None], method: str
) -> None:
    request = planned(draft(place, change))
    team_managed = place.project_key is not None and place.family.direction is Direction.JIRA_TO_ALIGN
    assert request.method == method
    assert request.path == place.path + ("" if method == "POST" else "/17")
    assert request.query == ()
    keyed = planned(replace(draft(place, change), keyed=frozenset({method})))
    assert keyed.query == ((("ProjectKey", "PROJ1"),) if team_managed else ())
    if place.family.direction is Direction.ALIGN_TO_JIRA and keyed.body is not None:
        assert keyed.body["projectKey"] == place.project_key
    if method == "DELETE":
        assert request.body is None
        return
    assert request.body is not None
    assert ("projectKey" in request.body) is team_managed
    assert request.body["workItemTypeId"] == place.family.type_ids[TypeName.STORY]
    assert (request.body[place.family.source_field], request.body[place.family.target_field]) == (10013, 3)


def test_align_to_jira_goes_through_the_project_path() -> None:
    request = planned(draft(BACK, CREATE, source_id=0))
    assert request.path == "projects/PROJ/mappings/states"
    assert request.body == {"workItemTypeId": 4, "alignStateId": 0, "jiraStatusId": 3}


@pytest.mark.parametrize(
    ("change", "action"),
    [((None, 0), Action.CREATE), ((0, None), Action.DELETE), ((0, 1), Action.UPDATE), ((1, 0), Action.UPDATE)],
)
def test_state_zero_is_a_value_before_and_after(change: tuple[int | None, int | None], action: Action) -> None:
    request = planned(draft(change=change))
    assert (request.action, request.before, request.after) == (action, *change)
    if change[1] == 0:
        assert request.body is not None
        assert request.body["alignStateId"] == 0


def test_the_type_id_of_the_connector_is_sent() -> None:
    body = planned(draft(change=CREATE, type_id=77)).body
    assert body is not None
    assert body["workItemTypeId"] == 77


# --- words ---------------------------------------------------------------------------------------------------

STEP_OWN, STEP_BACK = (
    ListAddress(family=J2A_STEP, project_key="PROJ1"),
    ListAddress(family=A2J_STEP, project_key="PROJ"),
)


@pytest.mark.parametrize(
    ("place", "change", "sentence"),
    [
        (
            SHARED,
            UPDATE,
            "When a Story in any of 14 company-managed projects moves to In Review, Align shows Dev complete.",
        ),
        (OWN, CREATE, "When a Story in PROJ1 moves to In Review, Align shows Dev complete."),
        (STEP_OWN, CREATE, "When a Story in PROJ1 moves to In Review, Align shows step Dev complete."),
        (
            SHARED,
            DELETE,
            "Stories in In Review are no longer mapped in any of 14 company-managed projects: "
            "they fall to 0 - Pending approval.",
        ),
        (
            STEP_OWN,
            DELETE,
            "Stories in In Review are no longer mapped in PROJ1: no process step is sent to Align for them.",
        ),
    ],
)
def test_a_change_from_jira_says_what_align_will_show(place: ListAddress, change: Any, sentence: str) -> None:
    assert planned(draft(place, change)).sentence == sentence


@pytest.mark.parametrize(
    ("place", "after", "sentence"),
    [
        (BACK, 10015, "When Align shows 3 Dev complete for a Story, its issue in PROJ moves to QA."),
        (BACK, None, "When Align shows 3 Dev complete for a Story, its issue in PROJ no longer moves."),
        (STEP_BACK, 10015, "When Align shows step Dev complete for a Story, its issue in PROJ moves to QA."),
    ],
)
def test_a_change_to_jira_says_where_the_issue_moves(place: ListAddress, after: int | None, sentence: str) -> None:
    back = draft(place, (10003, after), source_id=3, source_name="Dev complete", after_name="QA")
    assert planned(back).sentence == sentence


def test_one_sharing_project_or_none_is_not_called_any_of_so_many() -> None:
    assert "in the one company-managed project moves" in planned(draft(project_count=1)).sentence
    assert "in any company-managed project moves" in planned(draft(project_count=0)).sentence


def test_the_expected_audit_line_is_that_of_the_same_event() -> None:
    change = planned(draft())
    assert (change.event.action, change.event.kind, change.event.direction) == ("updated", "state", "j2a")
    assert (change.event.before_id, change.event.after_id, change.event.record_id) == (2, 3, 17)
    assert change.expected_line == (
        "CONFIG Updated - State mapping - Jira To Align - Story - In Review (10013) AlignStateId Changed - "
        "From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]"
    )


# --- who is planned ------------------------------------------------------------------------------------------

ERROR = Problem(code="status-gone", sentence="It is gone.", status_id=10013, direction=Direction.JIRA_TO_ALIGN)
WARNING = Problem(code="unmapped", sentence="It is not mapped.", status_id=10013, direction=Direction.JIRA_TO_ALIGN)


def test_a_warning_does_not_refuse_and_an_error_does() -> None:
    assert len(plan([draft(problems=(WARNING,))]).changes) == 1
    refused = plan([draft(problems=(WARNING, ERROR))])
    assert refused.changes == ()
    assert [(each.key, each.code, each.sentence) for each in refused.refused] == [
        ("j2a-state::story:10013", "status-gone", "It is gone.")
    ]


def test_a_record_without_an_id_is_refused() -> None:
    row = replace(draft().row, remote_id=None)
    assert [each.code for each in plan([draft(row=row)]).refused] == ["no-record-id"]
    at_zero = replace(draft(change=(0, 3)).row, remote_id=None)
    assert [each.code for each in plan([draft(row=at_zero)]).refused] == ["no-record-id"]


VALUE = st.sampled_from([None, 0, 1, 2])


@st.composite
def worlds(draw: st.DrawFn) -> Draft:
    observed = draw(VALUE)
    row = Row(
        source_id=draw(st.integers(1, 9)),
        wanted=draw(VALUE),
        applied=draw(VALUE),
        observed=observed,
        known=draw(st.booleans()),
        accepted=draw(st.booleans()),
        remote_id=None if observed is None else 17,
    )
    place = draw(st.sampled_from(PLACES))
    problems = draw(st.sampled_from([(), (WARNING,), (ERROR,)]))
    return draft(place, row=edit(row, row.wanted), problems=problems)


@given(st.lists(worlds(), max_size=20))
def test_planned_are_exactly_the_edited_rows_without_an_error(drafts: list[Draft]) -> None:
    planning = plan(drafts)
    edited = [each for each in drafts if each.row.situation is Situation.EDITED]
    free = [each for each in edited if ERROR not in each.problems]
    blocked = (Situation.UNKNOWN, Situation.DRIFTED, Situation.CONFLICT)
    assert sorted((change.source_id, change.after is None) for change in planning.changes) == sorted(
        (each.row.source_id, each.row.wanted is None) for each in free
    )
    assert len(planning.refused) == len(edited) - len(free) + sum(each.row.situation in blocked for each in drafts)
    assert len(planning.changes) + len(planning.refused) + planning.unchanged == len(drafts)


@given(worlds())
def test_a_change_leads_from_what_is_observed_to_what_is_wanted(a_draft: Draft) -> None:
    for change in plan([a_draft]).changes:
        assert (change.before, change.after) == (a_draft.row.observed, a_draft.row.wanted)
        assert (change.before is None) == (change.method == "POST")
        assert (change.after is None) == (change.method == "DELETE") == (change.body is None)


# --- several records of one key ------------------------------------------------------------------------------

SPARE = (DuplicateRecord(remote_id=5, target_id=0), DuplicateRecord(remote_id=9, target_id=2))


def with_spare(change: tuple[int | None, int | None], kept: int | None = 17) -> Draft:
    a_draft = draft(change=change, target_names={0: "Pending approval", 2: "In progress"})
    return replace(a_draft, row=replace(a_draft.row, duplicates=SPARE, kept_remote_id=kept))


def test_choosing_which_record_stays_deletes_the_others() -> None:
    changes = plan([with_spare((3, 3))]).changes
    assert [(change.method, change.path, change.before) for change in changes] == [
        ("DELETE", "mappings/states/5", 0),
        ("DELETE", "mappings/states/9", 2),
    ]
    assert changes[0].sentence == (
        "The further record of In Review for stories that leads to Pending approval is removed; record 17 stays."
    )


def test_the_kept_record_can_be_edited_and_deleted_in_the_same_plan() -> None:
    assert [change.path for change in plan([with_spare((2, 3))]).changes] == [
        "mappings/states/17",
        "mappings/states/5",
        "mappings/states/9",
    ]
    removed = plan([with_spare((2, None))]).changes
    assert {change.method for change in removed} == {"DELETE"}
    assert sorted((change.path, change.is_spare) for change in removed) == [
        ("mappings/states/17", False),
        ("mappings/states/5", True),
        ("mappings/states/9", True),
    ]
    assert all(change.sentence.endswith("is removed; none is left.") for change in removed if change.is_spare)
    assert len({change.key for change in removed}) == 1
    assert len({change.path for change in removed}) == 3


def test_a_tolerated_value_keeps_its_further_records_whatever_was_chosen() -> None:
    """Nobody decided here what this key holds; it is tolerated as it is until a date, all of its records."""
    tolerated = with_spare((3, 3))
    row = replace(tolerated.row, observed=2, situation=Situation.ACCEPTED, accepted=True)
    assert not row.has_open_duplicates
    planning = plan([replace(tolerated, row=row)])
    assert (planning.changes, planning.refused, planning.unchanged) == ((), (), 1)


def test_no_record_is_deleted_before_somebody_chose() -> None:
    assert plan([with_spare((3, 3), kept=None)]).changes == ()


# --- fingerprint ---------------------------------------------------------------------------------------------

DRAFTS = [draft(), draft(OWN, CREATE), draft(BACK, DELETE, source_id=0), draft(source_id=10001)]


@given(st.permutations(DRAFTS))
def test_the_fingerprint_knows_no_order(drafts: list[Draft]) -> None:
    assert fingerprint_of(123, plan(drafts).changes) == fingerprint_of(123, plan(DRAFTS).changes)
    assert fingerprint_of(123, reversed(plan(drafts).changes)) == fingerprint_of(123, plan(DRAFTS).changes)


def test_the_fingerprint_knows_no_names() -> None:
    renamed = draft(source_name="Reviewing", before_name="Doing", after_name="Finished", project_count=15)
    assert fingerprint_of(123, plan([renamed]).changes) == fingerprint_of(123, plan([draft()]).changes)


@pytest.mark.parametrize(
    "other",
    [
        draft(change=(1, 3)),
        draft(change=(0, 3)),
        draft(change=CREATE),
        draft(change=(2, 4)),
        draft(change=(2, 0)),
        draft(change=DELETE),
        draft(source_id=10014),
        draft(OWN),
        draft(ListAddress(family=J2A_STATE, project_key="PROJ2")),
        draft(ListAddress(family=J2A_STEP)),
        draft(work_item_type=TypeName.FEATURE),
        draft(type_id=2),
        draft(row=replace(draft().row, remote_id=18)),
    ],
)
def test_the_fingerprint_notices_every_key_value_and_request(other: Draft) -> None:
    assert fingerprint_of(123, plan([other]).changes) != fingerprint_of(123, plan([draft()]).changes)


def test_the_fingerprint_is_of_one_connector() -> None:
    changes = plan(DRAFTS).changes
    assert fingerprint_of(123, changes) != fingerprint_of(124, changes)


@dataclass(frozen=True)
class Stored:
    """A change as it comes back from a table: pairs have become lists, nothing else is left."""

    key: str
    before: int | None
    method: str
    path: str
    query: list[list[str]]
    body: dict[str, int | str] | None


def test_a_stored_change_has_the_fingerprint_of_the_planned_one() -> None:
    changes = plan(DRAFTS).changes
    stored = [
        Stored(
            key=each.key,
            before=each.before,
            method=each.method,
            path=each.path,
            query=[list(pair) for pair in each.query],
            body=None if each.body is None else dict(sorted(each.body.items(), reverse=True)),
        )
        for each in changes
    ]
    assert fingerprint_of(123, stored) == fingerprint_of(123, changes)


def test_the_fingerprint_counts_every_change() -> None:
    prints = {fingerprint_of(123, plan(DRAFTS[:number]).changes) for number in range(len(DRAFTS) + 1)}
    assert len(prints) == len(DRAFTS) + 1
    assert all(len(each) == 64 for each in prints)


# --- batches -------------------------------------------------------------------------------------------------


def scopes(sizes: list[int]) -> tuple[PlannedChange, ...]:
    drafts = [
        draft(ListAddress(family=A2J_STATE, project_key=f"P{number}"), CREATE, source_id=source_id)
        for number, size in enumerate(sizes)
        for source_id in range(size)
    ]
    return plan(drafts).changes


def test_whole_scopes_stand_together_the_shared_one_first() -> None:
    mixed = plan([draft(BACK, source_id=1), draft(OWN), draft(), draft(BACK, source_id=0), draft(source_id=1)]).changes
    places = [change.place for change in order_changes(reversed(mixed))]
    assert places == [SHARED, SHARED, BACK, BACK, OWN]
    assert order_changes(reversed(mixed)) == mixed


@given(st.lists(st.integers(0, 12), max_size=8), st.integers(1, 10))
def test_a_batch_splits_a_scope_only_if_that_alone_is_larger(sizes: list[int], limit: int) -> None:
    changes = scopes(sizes)
    cut = batches(changes, limit)
    assert [change for batch in cut for change in batch] == list(order_changes(changes))
    size_of = {f"P{number}": size for number, size in enumerate(sizes)}
    for batch in cut:
        assert 0 < len(batch) <= limit
        inside = [change.place.project_key or "" for change in batch]
        for project in set(inside):
            whole = inside.count(project) == size_of[project]
            assert whole or (size_of[project] > limit and set(inside) == {project})


def test_no_change_makes_no_batch() -> None:
    assert batches(()) == ()


def test_a_batch_is_filled_up_to_its_limit() -> None:
    assert [len(batch) for batch in batches(scopes([2, 3, 1]), 5)] == [5, 1]


def test_batches_stand_in_the_order_of_the_plan_whatever_order_they_are_made_from() -> None:
    changes = scopes([2, 3])
    assert batches(reversed(changes), 3) == batches(changes, 3)


def test_a_batch_of_nothing_is_no_batch() -> None:
    with pytest.raises(ValueError, match="at least one change"):
        batches((), 0)


# --- cost ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (99, 1), (100, 2), (101, 2), (199, 2), (200, 3), (201, 3)])
def test_a_full_last_page_needs_one_more(rows: int, pages: int) -> None:
    assert list_pages(rows) == pages


def test_the_pages_of_a_list_are_those_that_the_site_answers() -> None:
    assert [list_pages(rows, 20) for rows in (0, 19, 20, 21, 40, 50)] == [1, 1, 2, 2, 3, 3]


def test_requests_are_lists_before_changes_and_lists_after() -> None:
    cut = batches(scopes([2, 3]))
    places = {change.place for batch in cut for change in batch}
    assert request_count(cut, dict.fromkeys(places, 10)) == 2 + 5 + 2
    assert request_count((), {}) == 0


def test_changes_move_the_number_of_pages_on_the_way() -> None:
    """99 records and 150 creates: one page, then at 199 two, and after the last at 249 three."""
    cut = batches(scopes([150]))
    place = cut[0][0].place
    assert [len(batch) for batch in cut] == [100, 50]
    assert request_count(cut, {place: 99}) == 1 + 100 + 2 + 50 + 3


def test_deletes_take_the_full_page_away() -> None:
    cut = batches(plan([draft(change=DELETE)]).changes)
    assert request_count(cut, {SHARED: 100}) == 2 + 1 + 1


def test_what_fits_the_budget_goes_at_once_and_the_rest_waits_a_window() -> None:
    pace = partial(duration_estimate, slots=540, window=60.0, latency=0.1, workers=10)
    assert pace(0) == 0
    assert pace(540) == pytest.approx(5.4)
    assert pace(541) == pytest.approx(60.1 + 0.01)
    assert pace(1080) == pytest.approx(60.1 + 5.4)
    assert pace(1081) == pytest.approx(120.2 + 0.01)


def test_used_slots_make_it_wait_sooner() -> None:
    assert duration_estimate(10, free=4, latency=0.0) == pytest.approx(60.0)
    assert duration_estimate(4, free=4, latency=0.0) == 0


def test_a_slow_remote_system_is_slower_than_its_limit() -> None:
    slow = duration_estimate(1080, slots=540, window=60, latency=6, workers=12)
    assert slow == pytest.approx(540 * 6 / 12 * 2)


def test_the_type_id_of_a_type_that_a_family_does_not_know_is_of_no_use_to_it() -> None:
    assert TypeName.TASK not in A2J_STATE.with_type_ids({TypeName.TASK: 77, TypeName.STORY: 78})
    assert A2J_STATE.with_type_ids({TypeName.STORY: 78})[TypeName.STORY] == 78


def test_each_family_names_the_fields_of_its_own_records() -> None:
    fields: dict[str, set[str]] = {}
    families: list[Family] = list(FAMILIES.values())
    for family in families:
        body = planned(draft(ListAddress(family=family, project_key="PROJ1"), CREATE)).body
        assert body is not None
        fields[family.code] = set(body) - {"workItemTypeId", "projectKey"}
    assert fields["j2a-state"] == fields["a2j-state"] == {"jiraStatusId", "alignStateId"}
    assert fields["j2a-step"] == fields["a2j-step"] == {"jiraStatusId", "processStepId"}

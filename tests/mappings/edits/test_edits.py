"""Editing the draft: who was faster, undo and redo, and what to do about changes made elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Connector, JobKind
from mappings import planning
from mappings.drift.decisions import Decision, decide
from mappings.edits import services
from mappings.engine.values import Situation, TypeName
from mappings.models import Edit, Mapping
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit, mapping, observe
from tests.support.people_helpers import unwritable_history
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015


@pytest.fixture
def other(admin: Person) -> Person:
    return factories.person(Role.EDITOR, email="other@example.test", name="Other Editor")


def drift(connector: Connector, sandbox: RunningSandbox, target: int) -> Mapping:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=target)
    observe(connector)
    return mapping(connector, "j2a-state", IN_REVIEW)


# --- edits -------------------------------------------------------------------------------------------------------


def test_the_second_editor_of_a_cell_sees_the_three_values_and_who_was_faster(
    connector: Connector, admin: Person, other: Person
) -> None:
    seen = mapping(connector, "j2a-state", IN_REVIEW).wanted
    key = services.MatrixKey(
        scope=mapping_helpers.scope(connector, "j2a-state"), work_item_type=TypeName.STORY, source_id=IN_REVIEW
    )
    services.set_wanted(services.EditRequest(key=key, wanted=3, seen=seen), actor=admin)
    with pytest.raises(services.Overtaken) as overtaken:
        services.set_wanted(services.EditRequest(key=key, wanted=4, seen=seen), actor=other)

    assert "Admin changed this mapping" in str(overtaken.value)
    assert "Wanted is now 3 Dev complete, applied 2 In progress, Align has 2 In progress" in str(overtaken.value)
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 3


def test_of_many_parallel_edits_of_one_cell_one_wins_and_none_is_lost(connector: Connector, admin: Person) -> None:
    scope, seen = mapping_helpers.scope(connector, "j2a-state"), mapping(connector, "j2a-state", IN_REVIEW).wanted
    key = services.MatrixKey(scope=scope, work_item_type=TypeName.STORY, source_id=IN_REVIEW)

    def attempt(number: int) -> bool:
        try:
            services.set_wanted(services.EditRequest(key=key, wanted=3 + number % 2, seen=seen), actor=admin)
        except services.Overtaken:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(attempt, range(16)))
    assert won.count(True) == 1
    assert Edit.objects.count() == 1


def test_undo_and_redo_touch_only_my_own_edits(connector: Connector, admin: Person, other: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=other)
    services.undo(connector, actor=admin)

    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 2
    assert mapping(connector, "j2a-state", QA).wanted == 4
    services.redo(connector, actor=admin)
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 3
    with pytest.raises(Refused, match="nothing to redo"):
        services.redo(connector, actor=admin)


def test_an_edit_that_somebody_changed_since_cannot_be_undone(
    connector: Connector, admin: Person, other: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", IN_REVIEW, 4, actor=other)
    with pytest.raises(services.Overtaken, match="Other Editor changed this mapping"):
        services.undo(connector, actor=admin)
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 4


def test_undo_goes_back_step_by_step_and_a_new_edit_ends_redo(connector: Connector, admin: Person) -> None:
    for wanted in (3, 4, 0):
        edit(connector, "j2a-state", IN_REVIEW, wanted, actor=admin)
    assert services.undo(connector, actor=admin).wanted == 4
    assert services.undo(connector, actor=admin).wanted == 3
    assert services.redo(connector, actor=admin).wanted == 4
    edit(connector, "j2a-state", IN_REVIEW, 1, actor=admin)
    with pytest.raises(Refused):
        services.redo(connector, actor=admin)
    assert services.undo(connector, actor=admin).wanted == 4


def test_an_edit_back_to_what_is_applied_leaves_nothing_to_plan(connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", IN_REVIEW, 2, actor=admin)
    assert mapping(connector, "j2a-state", IN_REVIEW).situation == Situation.IN_SYNC
    assert mapping_helpers.waiting(connector) == []


@pytest.mark.parametrize(
    ("family", "type_", "wanted", "sentence"),
    [
        ("j2a-state", TypeName.STORY, 6, "Align has no state 6"),
        ("j2a-step", TypeName.TASK, 1, "Align has no Jira to Align process step mapping for this type"),
        ("j2a-step", TypeName.STORY, 999_999, "Align has no process step 999999"),
    ],
)
def test_it_refuses_what_align_does_not_have(
    connector: Connector, admin: Person, family: str, type_: TypeName, wanted: int, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        edit(connector, family, IN_REVIEW, wanted, type_=type_, actor=admin)
    assert Edit.objects.count() == 0


def test_nothing_is_edited_in_a_list_that_was_not_read(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"method": "GET", "path": "mappings/states", "status": 404, "body": ""})
    runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None))
    with pytest.raises(Refused, match="has not been read"):
        edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)


def test_an_edit_and_its_entry_are_one_transaction(connector: Connector, admin: Person) -> None:
    before = Entry.objects.count()
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    entry = Entry.objects.latest("seq")
    assert Entry.objects.count() == before + 1
    assert "Story In Review from 2 In progress to 3 Dev complete" in entry.body
    edits = list(Edit.objects.values())
    with unwritable_history(), pytest.raises((IntegrityError, Refused)):
        edit(connector, "j2a-state", QA, 4, actor=admin)
    assert list(Edit.objects.values()) == edits
    assert mapping(connector, "j2a-state", QA).wanted != 4


# --- changes made elsewhere ---------------------------------------------------------------------------------------


def test_drift_is_found_and_can_be_adopted(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    row = drift(connector, sandbox, 5)
    assert row.situation == Situation.DRIFTED
    decide(row, Decision.ADOPT, seen=5, actor=admin)
    row.refresh_from_db()
    assert (row.wanted, row.applied, row.observed, row.situation) == (5, 5, 5, Situation.IN_SYNC)


def test_drift_can_be_restored_by_a_plan(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    row = drift(connector, sandbox, 5)
    decide(row, Decision.RESTORE, seen=5, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    assert [(c.before, c.after, c.state) for c in plan.changes.all()] == [(5, 2, "done")]
    assert mapping(connector, "j2a-state", IN_REVIEW).observed == 2


def test_drift_accepted_until_a_day_is_quiet_until_another_value_comes(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    row = drift(connector, sandbox, 5)
    tomorrow = timezone.now() + timedelta(days=1)
    decide(row, Decision.ACCEPT, seen=5, until=tomorrow, reason="trial of the QA team", actor=admin)
    observe(connector)
    assert mapping(connector, "j2a-state", IN_REVIEW).situation == Situation.ACCEPTED
    assert drift(connector, sandbox, 4).situation == Situation.DRIFTED


def test_a_deleted_record_is_drift_to_not_mapped(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("delete_mapping", family="j2a_state", type=4, source=IN_REVIEW)
    observe(connector)
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.observed, row.remote_id, row.situation) == (2, None, None, Situation.DRIFTED)


def test_a_record_added_elsewhere_is_drift_from_not_mapped(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("create_mapping", family="a2j_state", type=4, source=4, target=QA, project="PROJ")
    observe(connector)
    row = mapping(connector, "a2j-state", 4, project="PROJ")
    assert (row.wanted, row.observed, row.situation) == (None, QA, Situation.DRIFTED)


def test_an_edit_of_a_drifted_row_is_a_conflict_and_theirs_or_mine_decides(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    row = drift(connector, sandbox, 5)
    assert row.situation == Situation.CONFLICT
    assert planning.preview(connector).changes == ()
    decide(row, Decision.RESTORE, seen=5, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    assert [(c.before, c.after) for c in plan.changes.all()] == [(5, 3)]


def test_a_decision_on_a_value_that_changed_meanwhile_is_refused(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    row = drift(connector, sandbox, 5)
    drift(connector, sandbox, 4)
    with pytest.raises(services.Overtaken, match="changed again"):
        decide(row, Decision.ADOPT, seen=5, actor=admin)


@pytest.mark.parametrize(("days", "reason"), [(-1, "why"), (None, "why"), (3, "  ")])
def test_accepting_needs_a_coming_day_and_a_reason(
    connector: Connector, admin: Person, sandbox: RunningSandbox, days: int | None, reason: str
) -> None:
    row = drift(connector, sandbox, 5)
    until = None if days is None else timezone.now() + timedelta(days=days)
    with pytest.raises(Refused):
        decide(row, Decision.ACCEPT, seen=5, until=until, reason=reason, actor=admin)


def test_of_duplicate_records_one_is_chosen_and_a_plan_deletes_the_others(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("create_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe(connector)
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert len(row.duplicates) == 1
    spare = row.duplicates[0][0]
    services.keep_duplicate(row, spare, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)

    assert [(c.action, c.state) for c in plan.changes.all()] == [("delete", "done")]
    records = sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
    assert [r["id"] for r in records if r["jiraStatusId"] == IN_REVIEW] == [spare]
    row.refresh_from_db()
    assert (row.duplicates, row.observed, row.situation) == ([], 5, Situation.IN_SYNC)

"""Rolling an applied plan back, and putting back one value that a write overwrote: always by a usual plan."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db.models import F
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.models import Connector
from mappings import planning
from mappings.edits import services
from mappings.engine.values import Situation
from mappings.models import Change, Edit, Mapping, Plan, PlanState
from mappings.planning import roll_back
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import apply, apply_all, edit, mapping, observe, observe_one, scope, waiting
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_PROGRESS, IN_REVIEW, QA, BLOCKED = 10002, 10013, 10015, 10017
SignIn = Callable[[Role], Client]


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def applied(connector: Connector, admin: Person) -> Plan:
    """An update, a creation and a deletion."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, None, actor=admin)
    edit(connector, "j2a-state", BLOCKED, 2, actor=admin)
    plan = apply_all(connector, actor=admin)
    assert sorted(plan.changes.values_list("action", flat=True)) == ["create", "delete", "update"]
    return plan


def back(plan: Plan, *, actor: Person, why: str = "it broke the reports") -> Plan:
    return roll_back.roll_back(plan, reason=roll_back.opening(plan) + why, actor=actor)


def approve_and_apply(plan: Plan, *, actor: Person) -> Plan:
    planning.approve(plan, plan.fingerprint, ticked=True, actor=actor)
    return apply(plan, actor=actor)


def in_align(sandbox: RunningSandbox) -> dict[int, int]:
    records = sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
    return {record["jiraStatusId"]: record["alignStateId"] for record in records}


# --- the usual way -----------------------------------------------------------------------------------------------


def test_a_roll_back_restores_what_the_plan_changed(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    before = in_align(sandbox)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, None, actor=admin)
    edit(connector, "j2a-state", BLOCKED, 2, actor=admin)
    plan = apply_all(connector, actor=admin)
    assert in_align(sandbox) != before

    made = back(plan, actor=admin)
    assert (made.restores, made.state) == (plan, PlanState.DRAFT)
    assert made.reason == f"Roll back plan {plan.pk}: it broke the reports"
    assert len(waiting(connector)) == 3, "the matrix shows what the plan will do"
    approve_and_apply(made, actor=admin)

    assert in_align(sandbox) == before
    rows = Mapping.objects.filter(source_id__in=[IN_REVIEW, QA, BLOCKED], scope=scope(connector, "j2a-state"))
    assert rows.filter(wanted=F("observed"), applied=F("observed")).count() == rows.exclude(observed=None).count()
    assert not waiting(connector)


def test_a_roll_back_of_a_roll_back_applies_the_plan_again(
    connector: Connector, admin: Person, sandbox: RunningSandbox, applied: Plan
) -> None:
    after = in_align(sandbox)
    first = approve_and_apply(back(applied, actor=admin), actor=admin)
    assert in_align(sandbox) != after
    second = approve_and_apply(back(first, actor=admin, why="it was right after all"), actor=admin)

    assert in_align(sandbox) == after
    assert second.restores == first


def test_each_restored_value_is_an_edit_of_the_person_that_can_be_undone(
    connector: Connector, admin: Person, applied: Plan
) -> None:
    edits = Edit.objects.count()
    back(applied, actor=admin)
    assert Edit.objects.count() == edits + 3
    undone = services.undo(connector, actor=admin)
    assert undone.wanted == undone.applied


def test_what_was_done_is_in_the_history_with_the_reason(connector: Connector, admin: Person, applied: Plan) -> None:
    made = back(applied, actor=admin)
    entry = Entry.objects.get(action="plan.takes_back")
    assert f"Planned to take back 3 of 3 done changes of plan {applied.pk}." in entry.body
    assert made.reason in entry.body


# --- what is left out --------------------------------------------------------------------------------------------


def test_rows_that_moved_since_are_left_out_and_say_so(
    connector: Connector, admin: Person, sandbox: RunningSandbox, applied: Plan
) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe(connector)
    made = back(applied, actor=admin)

    assert sorted(made.changes.values_list("source_id", flat=True)) == [QA, BLOCKED]
    assert [(row["code"], "holds Accepted now" in row["sentence"]) for row in made.refused] == [("moved", True)]
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.observed, row.situation) == (3, 5, Situation.DRIFTED), "it is left alone"


GONE = "This mapping's project is no longer in the catalogue."


def test_a_mapping_that_is_gone_is_left_out_and_says_so(connector: Connector, admin: Person, applied: Plan) -> None:
    position = applied.changes.get(source_id=IN_REVIEW).position
    mapping(connector, "j2a-state", IN_REVIEW).delete()
    made = back(applied, actor=admin)

    assert sorted(made.changes.values_list("source_id", flat=True)) == [QA, BLOCKED]
    assert [(row["code"], row["sentence"]) for row in made.refused] == [("gone", GONE)]
    body = json.loads(Entry.objects.get(action="plan.takes_back").body)
    assert body["sentence"] == f"Planned to take back 2 of 3 done changes of plan {applied.pk}."
    assert body["data"]["left_out"] == [{"change": position, "code": "gone", "sentence": GONE}]


def test_where_every_mapping_is_gone_nothing_is_stored_and_the_reason_is_told(
    client: Client, connector: Connector, applied: Plan
) -> None:
    Mapping.objects.filter(changes__plan=applied).delete()
    edits = Edit.objects.count()
    answer = client.post(f"/plans/{applied.pk}/roll-back/", {"reason": "it broke the reports"})
    assert answer.status_code == 409
    assert f"Nothing of plan {applied.pk} can be reverted. {GONE}" in unescape(answer.content.decode())
    assert (Plan.objects.count(), Edit.objects.count(), waiting(connector)) == (1, edits, [])


def test_a_row_with_another_waiting_edit_is_left_out_and_keeps_it(
    connector: Connector, admin: Person, applied: Plan
) -> None:
    other = factories.person(Role.EDITOR, email="other@example.test", name="Other Editor")
    edit(connector, "j2a-state", IN_REVIEW, 5, actor=other)
    made = back(applied, actor=admin)

    assert [(row["code"], "(Other Editor)" in row["sentence"]) for row in made.refused] == [("waiting", True)]
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.wanted_by) == (5, other)


def test_an_edit_that_wants_the_old_value_already_goes_along(
    connector: Connector, admin: Person, applied: Plan
) -> None:
    was = applied.changes.get(source_id=IN_REVIEW).before
    edit(connector, "j2a-state", IN_REVIEW, was, actor=admin)
    assert back(applied, actor=admin).changes.count() == 3


def test_only_what_was_done_of_a_cancelled_plan_is_taken_back(connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=admin)
    plan = apply_all(connector, actor=admin)
    plan.changes.filter(source_id=QA).update(state="cancelled")
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.CANCELLED)
    assert list(back(plan, actor=admin).changes.values_list("source_id", flat=True)) == [IN_REVIEW]


@pytest.mark.parametrize("family", ["j2a-state", "a2j-state"])
def test_state_0_is_restored_as_a_value(connector: Connector, admin: Person, family: str) -> None:
    source, target = (IN_REVIEW, 0) if family == "j2a-state" else (0, QA)
    edit(connector, family, source, target, project="PROJ", actor=admin)
    plan = apply_all(connector, actor=admin)
    edit(connector, family, source, None, project="PROJ", actor=admin)
    removed = apply_all(connector, actor=admin)
    approve_and_apply(back(removed, actor=admin), actor=admin)
    assert mapping(connector, family, source, "PROJ").observed == plan.changes.get().after == target


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (PlanState.APPLYING, "only an ended plan can be rolled back"),
        (PlanState.PAUSED, "only an ended plan can be rolled back"),
        (PlanState.DRAFT, "only an ended plan can be rolled back"),
        (PlanState.FINISHED, ""),
    ],
)
def test_a_plan_that_is_not_over_is_not_rolled_back(
    connector: Connector, admin: Person, applied: Plan, state: str, sentence: str
) -> None:
    Plan.objects.filter(pk=applied.pk).update(state=state)
    if sentence:
        with pytest.raises(Refused, match=sentence):
            back(applied, actor=admin)
        assert not waiting(connector)
    else:
        assert back(applied, actor=admin)


def test_a_plan_without_effect_has_nothing_to_roll_back(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    apply(plan, actor=admin)
    with pytest.raises(Refused, match="changed nothing in Align"):
        back(plan, actor=admin)


def test_where_every_row_moved_nothing_is_stored(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = apply_all(connector, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe_one(scope(connector, "j2a-state"))
    with pytest.raises(Refused, match="Somebody changed it in Align since"):
        back(plan, actor=admin)
    assert Plan.objects.count() == 1


def test_a_target_that_is_gone_refuses_the_plan_and_leaves_the_draft_as_it_was(
    connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = apply_all(connector, actor=admin)
    connector.statuses.filter(jira_id=IN_REVIEW).update(vanished_at=plan.started_at)
    edits = Edit.objects.count()
    with pytest.raises(Refused):
        back(plan, actor=admin)
    assert (Edit.objects.count(), waiting(connector)) == (edits, [])


def test_a_second_roll_back_is_told_of_the_first(connector: Connector, admin: Person, applied: Plan) -> None:
    made = back(applied, actor=admin)
    assert back(applied, actor=admin) == made, "the same form once more"
    other = factories.person(Role.ADMIN, email="other@example.test", name="Other Admin")
    with pytest.raises(Refused, match=f"Plan {made.pk} by Admin rolls back plan {applied.pk} already"):
        back(applied, actor=other)
    planning.control(made, "cancel", actor=admin)
    assert back(applied, actor=other) != made


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_is_taken_back_and_both_plans_lead_to_each_other(client: Client, applied: Plan) -> None:
    address = f"/plans/{applied.pk}/roll-back/"
    assert f'href="{address}"' in client.get(f"/plans/{applied.pk}/").content.decode()
    html = client.get(address).content.decode()
    assert f"Roll back plan {applied.pk}: </textarea>" in html

    refused = client.post(address, {"reason": f"Roll back plan {applied.pk}: ", "ticket": "CHG-7"})
    assert refused.status_code == 409
    assert b"Say why it is rolled back" in refused.content
    assert b"CHG-7" in refused.content
    answer = client.post(address, {"reason": f"Roll back plan {applied.pk}: reports", "ticket": "CHG-7"})
    made = Plan.objects.get(restores=applied)
    assert answer["Location"] == f"/plans/{made.pk}/"
    new = client.get(f"/plans/{made.pk}/").content.decode()
    assert re.search(rf'Reverts what <a [^>]*href="/plans/{applied.pk}/">', new)
    old = client.get(f"/plans/{applied.pk}/").content.decode()
    assert f'href="/plans/{made.pk}/">Plan {made.pk}</a> reverts this plan' in old
    assert f'href="{address}"' not in old
    assert f'<a href="/plans/{made.pk}/">Plan {made.pk}</a> by' in client.get(address).content.decode()


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.REVIEWER, 403), (Role.EDITOR, 303)])
def test_an_editor_plans_a_roll_back_and_others_may_not(
    applied: Plan, signed_in: SignIn, role: Role, status: int
) -> None:
    address = f"/plans/{applied.pk}/roll-back/"
    assert signed_in(role).post(address, {"reason": "it broke"}).status_code == status
    assert Plan.objects.filter(restores=applied).exists() is (status == 303)


# --- putting back ------------------------------------------------------------------------------------------------


@pytest.fixture
def overwrote(applied: Plan) -> Change:
    Change.objects.filter(plan=applied, source_id=IN_REVIEW).update(overwrote_name="Accepted", overwrote=5)
    return applied.changes.get(source_id=IN_REVIEW)


def put_back(client: Client, change: Change) -> int:
    return client.post(f"/plans/{change.plan_id}/changes/{change.position}/put-back/").status_code


def test_what_was_overwritten_is_put_back_by_an_edit_that_waits(
    client: Client, connector: Connector, overwrote: Change
) -> None:
    html = client.get(f"/plans/{overwrote.plan_id}/").content.decode()
    assert "<b>Overwrote <bdi>Accepted</bdi>,</b> set in Align between the last look and this write" in html
    assert "Put back Accepted" in html
    assert put_back(client, overwrote) == 303
    assert put_back(client, overwrote) == 303, "a second click changes nothing more"
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.observed, row.situation) == (5, 3, Situation.EDITED)
    assert Entry.objects.filter(action="mapping.edited", body__contains="to 5 Accepted").count() == 1
    html = client.get(f"/plans/{overwrote.plan_id}/").content.decode()
    assert "Its revert is in the draft" in html
    assert "Put back Accepted" not in html


def test_no_record_is_put_back_as_no_record(client: Client, connector: Connector, overwrote: Change) -> None:
    Change.objects.filter(pk=overwrote.pk).update(overwrote_name="no mapping", overwrote=None)
    assert put_back(client, overwrote) == 303
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted is None


def test_a_row_that_was_edited_since_is_not_put_back(
    client: Client, connector: Connector, admin: Person, overwrote: Change
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 4, actor=admin)
    assert put_back(client, overwrote) == 409
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 4


def test_a_change_that_overwrote_nothing_has_nothing_to_put_back(client: Client, applied: Plan) -> None:
    change = applied.changes.get(source_id=QA)
    assert put_back(client, change) == 409
    assert client.post(f"/plans/{applied.pk}/changes/999/put-back/").status_code == 404

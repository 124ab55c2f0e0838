"""Plans, lists and drift of a connector that was handed over: no record of the former one is ever named again."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.credentials import clients
from connectors.history.mirror import matching
from connectors.history.verification import rebuilding
from connectors.models import Connector, Project
from mappings import planning
from mappings.drift.digest import parts_of
from mappings.engine.values import Situation
from mappings.models import ChangeState, ForeignRecord, Mapping, Scope
from mappings.observing import lists, unexplained_changes
from mappings.observing.causes import why_anew
from mappings.planning import roll_back
from tests.conftest import SignIn
from tests.connectors.history.verification.test_comparison import differences
from tests.support.hand_over_helpers import hand_over
from tests.support.mapping_helpers import (
    apply,
    apply_all,
    approved_plan,
    edit,
    mapping,
    observe,
    observe_one,
    read_log,
    scope,
    waiting,
)
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_PROGRESS, IN_REVIEW, QA, BLOCKED = 10002, 10013, 10015, 10017


@pytest.fixture
def client(connector: Connector, sandbox: RunningSandbox, signed_in: SignIn) -> Client:
    sandbox.edit("add_connector", id=124, name="Acme anew", copy_of=123)
    return signed_in(Role.ADMIN)


def to_align(sandbox: RunningSandbox, number: int) -> list[str]:
    return [each["path"] for each in sandbox.journal(containing=f"/connectors/{number}")]


def handed_over(client: Client, connector: Connector) -> None:
    answer = hand_over(client)
    assert answer.status_code == 303, answer.content.decode()
    connector.refresh_from_db()


def test_until_it_is_read_no_list_is_known_and_no_record_is_named(client: Client, connector: Connector) -> None:
    assert ForeignRecord.objects.exists()
    wanted = dict(Mapping.objects.values_list("pk", "wanted"))
    handed_over(client, connector)
    read = Scope.objects.filter(connector=connector, observed_at__isnull=False)
    assert read.exists()
    assert {found.known for found in read} == {False}
    assert {found.error for found in read} == {
        "Not read since connector 123 was made anew in Jira Align as 124: refresh it."
    }
    assert not Mapping.objects.exclude(remote_id=None, duplicates=[], names_in_align={}, keep_remote_id=None).exists()
    assert not ForeignRecord.objects.exists()
    assert not Project.objects.filter(align_id__isnull=False).exists()
    assert dict(Mapping.objects.values_list("pk", "wanted")) == wanted


def test_what_the_new_one_lacks_is_drift_that_says_why_and_applies_reach_the_new_one_alone(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("delete_mapping", connector=124, family="j2a_state", type=4, source=IN_REVIEW, audit=False)
    sandbox.edit("create_mapping", connector=124, family="j2a_state", type=4, source=BLOCKED, target=1, audit=False)
    for number, target in ((123, 5), (124, 4)):  # a drift that holds yet another value in the new one
        where = {"family": "j2a_state", "type": 4, "source": IN_PROGRESS}
        sandbox.edit("update_mapping", connector=number, target=target, audit=False, **where)
    observe_one(scope(connector, "j2a-state"))
    edit(connector, "j2a-state", QA, 2, actor=admin)
    handed_over(client, connector)
    sandbox.clear_journal()
    run_due()
    assert to_align(sandbox, 124)
    assert to_align(sandbox, 123) == []

    lacking, added = mapping(connector, "j2a-state", IN_REVIEW), mapping(connector, "j2a-state", BLOCKED)
    assert (lacking.situation, lacking.observed) == (Situation.DRIFTED, None)
    assert lacking.wanted is not None
    assert (added.situation, added.observed) == (Situation.DRIFTED, 1)
    assert mapping(connector, "j2a-state", QA).situation == Situation.EDITED
    assert [bool(why_anew(row)) for row in Mapping.objects.filter(situation=Situation.DRIFTED)] == [True] * 3
    told = unescape(client.get(f"{reverse('drift', args=['acme'])}?row={lacking.pk}").content.decode())
    assert "The connector was made anew in Jira Align: 124 does not hold what 123 held." in told
    digest = "\n".join(line for part in parts_of(connector, since=connector.created_at) for line in part.lines)
    assert "was made anew in Jira Align: 124 does not hold" in digest
    plan = apply_all(connector, actor=admin)
    assert set(plan.changes.values_list("state", flat=True)) == {ChangeState.DONE}
    assert to_align(sandbox, 123) == []
    writes = [each for each in sandbox.journal() if each["method"] in ("PUT", "POST", "DELETE")]
    assert writes
    assert all("/connectors/124/" in each["path"] for each in writes if "align/api" in each["path"])
    assert plan.changes.get().event["connector_id"] == 124


def test_only_what_differs_since_a_later_reading_is_told_as_a_change_of_somebody_elses(
    client: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("delete_mapping", connector=124, family="j2a_state", type=4, source=IN_REVIEW, audit=False)
    handed_over(client, connector)
    run_due()
    sandbox.edit("update_mapping", connector=124, family="j2a_state", type=4, source=IN_PROGRESS, target=5, audit=False)
    observe(connector)
    assert {row.source_id for row in Mapping.objects.filter(situation=Situation.DRIFTED)} == {IN_REVIEW, IN_PROGRESS}
    ago = 2 * matching.window()  # lines that may come late are waited for
    anew_at = connector.anew_at
    assert anew_at is not None
    connector.former_numbers = [[123, (anew_at - ago).isoformat()]]
    connector.save(update_fields=["former_numbers"])
    Mapping.objects.filter(drifted_at__isnull=False).update(drifted_at=F("drifted_at") - ago)
    Scope.objects.filter(read_anew_at__isnull=False).update(read_anew_at=F("read_anew_at") - ago)
    unexplained_changes.record_unexplained(connector)
    told = Entry.objects.filter(action="mapping.changed_elsewhere").values_list("body", flat=True)
    assert [json.loads(body)["event"]["source_id"] for body in told] == [IN_PROGRESS]


def test_what_was_applied_before_is_rolled_back_by_the_records_of_the_new_one_and_never_sent_again(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = apply_all(connector, actor=admin)
    read_log(connector)
    sandbox.edit("update_mapping", connector=124, family="j2a_state", type=4, source=IN_REVIEW, target=3, audit=False)
    old_id = plan.changes.get().remote_id
    handed_over(client, connector)
    with pytest.raises(Refused, match="could not be read"):
        roll_back.roll_back(plan, reason=roll_back.opening(plan) + "why", actor=admin)
    plan.changes.update(state=ChangeState.FAILED)
    plan = type(plan).objects.get(pk=plan.pk)
    assert not planning.can_retry(plan)
    with pytest.raises(Refused, match="This plan is of connector 123, which was made anew in Jira Align as 124"):
        planning.retry_failed(plan, actor=admin)
    plan.changes.update(state=ChangeState.DONE)

    run_due()
    read_log(connector)
    assert differences() == []
    assert rebuilding.rebuild(actor=None).count == 0
    back = roll_back.roll_back(plan, reason=roll_back.opening(plan) + "it broke the reports", actor=admin)
    new_id = mapping(connector, "j2a-state", IN_REVIEW).remote_id
    assert back.changes.get().remote_id == new_id != old_id
    sandbox.clear_journal()
    planning.approve(back, back.fingerprint, ticked=True, actor=admin)
    apply(back, actor=admin)
    assert [each["path"] for each in sandbox.journal("PUT")] == [
        f"/rest/align/api/2/connectors/124/mappings/states/{new_id}"
    ]
    read_log(connector)
    assert differences() == []


def test_a_list_of_the_former_connector_that_was_read_meanwhile_is_not_stored(
    client: Client, connector: Connector
) -> None:
    at = scope(connector, "j2a-state")
    reading = lists.read_scope(clients.align_client(connector), at)
    handed_over(client, connector)
    late = lists.read_scope(clients.align_client(Connector(**{**vars_of(connector), "align_connector_id": 123})), at)
    for each in (reading, late):
        lists.store(each)
        at.refresh_from_db()
        assert not at.known
        assert not at.mappings.filter(remote_id__isnull=False).exists()


def vars_of(connector: Connector) -> dict[str, object]:
    return {field.attname: getattr(connector, field.attname) for field in Connector._meta.concrete_fields}


def test_a_plan_that_was_worked_out_before_is_not_stored_after(
    client: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    older = Connector.objects.get(pk=connector.pk)
    plan = approved_plan(connector, actor=admin)
    handed_over(client, connector)
    run_due()
    with pytest.raises(Refused, match="was made anew in Jira Align meanwhile"):
        planning.make_plan(older, waiting(connector), actor=admin, reason="why", ticket="CHG-1")
    plan.refresh_from_db()
    with pytest.raises(Refused, match=re.escape("This plan is cancelled")):
        planning.approve(plan, plan.fingerprint, ticked=True, actor=admin)

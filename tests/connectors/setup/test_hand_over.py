"""The page on which a connector that was made anew in Align gets its new number: what it shows, does and refuses."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.models import Carried, Connector, Job, JobKind, JobState, Probe, Project, ScopeChoice
from connectors.setup import hand_over as handing_over
from connectors.setup import maintenance, services
from mappings.models import Plan, PlanState
from tests.conftest import SignIn
from tests.support import factories
from tests.support import mapping_helpers as steps
from tests.support.hand_over_helpers import PAGE, REASON, hand_over, handed_over_at, look
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(connector: Connector, sandbox: RunningSandbox, signed_in: SignIn) -> Client:
    """Of an admin; the connector's successor is there in Align, with records of its own."""
    sandbox.edit("add_connector", id=124, name="Acme anew", copy_of=123)
    return signed_in(Role.ADMIN)


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def form_of(connector: Connector, number: int) -> dict[str, Any]:
    names = ("name", "align_site", "jira_site", "jira_kind", "time_zone")
    return {**{name: getattr(connector, name) for name in names}, "align_connector_id": number}


def is_as_before(connector: Connector) -> bool:
    connector.refresh_from_db()
    return (connector.align_connector_id, connector.former_numbers) == (123, [])


# --- the way there ----------------------------------------------------------------------------------------------------


def test_the_edit_page_and_its_refusal_lead_there_and_it_shows_what_will_happen(
    client: Client, connector: Connector, admin: Person
) -> None:
    edit = "/connectors/acme/edit/"
    assert f'href="{PAGE}"' in client.get(edit).content.decode()
    refused = client.post(edit, form_of(connector, 124))
    assert refused.status_code == 400
    assert f'href="{PAGE}?number=124"' in refused.content.decode()
    assert 'value="124"' in client.get(f"{PAGE}?number=124").content.decode()

    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    Project.objects.filter(connector=connector, key="PAY").update(key="GONE", align_key="", jira_id=1)
    told = text(look(client))
    assert "From connector 123 to 124" in told
    assert "connector 124, Acme anew" in told
    assert re.search(r"Projects it has .*\bPROJ\b.* Projects it lacks GONE ", told)
    assert f"Plan {plan.pk} of Admin (approved)" in told
    assert is_as_before(connector)
    assert not Entry.objects.filter(action=handing_over.HANDED_OVER).exists()


# --- doing it ---------------------------------------------------------------------------------------------------------


def test_it_takes_the_number_ends_plans_and_has_everything_read_anew(
    client: Client, connector: Connector, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    connector.four_eyes = True
    connector.save(update_fields=["four_eyes"])
    Connector.objects.filter(pk=connector.pk).update(align_active=False, align_message="gone")
    answer = hand_over(client)
    assert (answer.status_code, answer["Location"]) == (303, "/connectors/acme/")

    connector.refresh_from_db()
    assert (connector.align_connector_id, [number for number, _ in connector.former_numbers]) == (124, [123])
    assert connector.four_eyes
    assert (connector.align_active, connector.align_told_at, connector.align_message) == (None, None, "")
    assert connector.align_lists_due_at == connector.anew_at == connector.audit_due_at
    job = Job.objects.get(connector=connector, state=JobState.QUEUED)
    assert (job.kind, job.params) == (JobKind.REFRESH, {"then": "observe"})
    plan.refresh_from_db()
    assert plan.state == PlanState.CANCELLED

    last = Entry.objects.latest("seq")
    said = json.loads(last.body)
    assert (last.action, said["reason"]) == (handing_over.HANDED_OVER, REASON)
    assert said["data"] == {"former": 123, "number": 124, "lacking": [], "plans": [plan.pk]}
    assert said["connector"]["former_numbers"] == connector.former_numbers
    cancelled = json.loads(Entry.objects.get(action="plan.cancel").body)
    assert "since connector 123 was made anew in Jira Align as 124: 1 change not sent." in cancelled["sentence"]
    assert "former_numbers" not in cancelled["connector"], "it was told before"
    assert "124 (formerly 123, until" in text(client.get("/connectors/acme/settings/"))


def test_what_the_former_connector_did_not_carry_is_in_doubt_until_the_new_one_is_read(
    client: Client, connector: Connector
) -> None:
    """One of ours that the new one has is carried by Align from this moment: nothing of it may be written by us."""
    at = timezone.now()
    not_carried = {"carried": Carried.NO, "scope_choice": ScopeChoice.IN, "in_scope": True}
    Project.objects.filter(key="PROJ").update(**not_carried, ours_at=at)
    Project.objects.filter(key="PROJ1").update(**not_carried, ours_at=at, jira_id=1)
    Project.objects.filter(key="PROJ1").update(key="ELSE", align_key="")
    Project.objects.filter(key="PROJ2").update(**not_carried)
    assert hand_over(client).status_code == 303
    found = {each.key: (each.carried, each.is_ours) for each in Project.objects.all()}
    assert found["PROJ"] == (Carried.UNKNOWN, False)
    assert found["ELSE"] == (Carried.NO, True), "the new connector's list has no such project"
    assert found["PROJ2"] == (Carried.UNKNOWN, False)
    assert found["PAY"] == (Carried.YES, False)
    said = json.loads(Entry.objects.get(action=handing_over.HANDED_OVER).body)
    assert "Not ours any more, as it has them: PROJ." in said["sentence"]


def test_in_maintenance_the_lists_wait_for_its_end_and_deactivated_all_waits(
    client: Client, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    maintenance.begin(connector, reason="made anew", actor=admin)
    assert hand_over(client).status_code == 303
    job = Job.objects.get(connector=connector, state=JobState.QUEUED)
    assert (job.kind, job.params) == (JobKind.REFRESH, {})
    job.delete()
    maintenance.end(connector, actor=admin)
    assert Job.objects.filter(connector=connector, kind=JobKind.OBSERVE, state=JobState.QUEUED).exists()

    Job.objects.all().delete()
    sandbox.edit("add_connector", id=125, name="Acme once more", copy_of=123)
    connector.refresh_from_db()
    services.set_active(connector, active=False, actor=admin)
    assert hand_over(client, number=125, former=124).status_code == 303
    connector.refresh_from_db()
    assert (connector.align_connector_id, connector.is_active) == (125, False)
    assert not Job.objects.exists()


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"number": 999}, "has no connector 999, or this token does not see it"),
        ({"number": 123}, "is connector 123 of Jira Align already"),
        ({"number": 122}, "was connector 122 before"),
        ({"number": 200}, "is already here: Other (other)"),
        ({"number": 199}, "is what Other (other) was before it was made anew"),
        ({"number": "none"}, "whole number above 0"),
        ({"reason": " "}, "Say why"),
        ({"confirm": "Acme"}, 'Type "acme" to confirm'),
        ({"former": 121}, "Somebody handed Acme over meanwhile: it is connector 123 now, not 121"),
    ],
)
def test_what_it_refuses_changes_nothing_and_is_told(
    client: Client, connector: Connector, admin: Person, fields: dict[str, Any], says: str
) -> None:
    other = factories.connector(connector.align_site, actor=admin, slug="other", name="Other", align_id=199)
    handed_over_at(other, other.created_at, 200)
    before = [[122, connector.created_at.isoformat()]]
    Connector.objects.filter(pk=connector.pk).update(former_numbers=before)
    answer = hand_over(client, **{"number": 124, **fields})
    assert answer.status_code in (400, 409)
    assert says in text(answer)
    connector.refresh_from_db()
    assert (connector.align_connector_id, connector.former_numbers) == (123, before)
    assert Job.objects.filter(state=JobState.QUEUED).count() == 0


def test_it_waits_for_what_is_under_way(client: Client, connector: Connector, admin: Person) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    for state, says in ((PlanState.PAUSED, "is paused: resume it"), (PlanState.APPLYING, "is being applied")):
        Plan.objects.filter(pk=plan.pk).update(state=state)
        for answer in (look(client), hand_over(client)):
            assert answer.status_code == 409
            assert f"Plan {plan.pk} {says}" in text(answer)
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.FINISHED)
    job = Job.objects.create(connector=connector, kind=JobKind.OBSERVE, state=JobState.RUNNING)
    assert "busy with this connector just now (Reading the mappings)" in text(hand_over(client))
    job.delete()
    probe = Probe.objects.create(credential=connector.credentials.get(system="align"), write_state="created")
    assert "has written to connector 123 and is not over" in text(hand_over(client))
    Probe.objects.filter(pk=probe.pk).update(write_state="", write_key="agreed")
    agreed = "A test that writes one mapping to connector 123 and deletes it again is not over yet"
    assert agreed in text(hand_over(client))
    Probe.objects.filter(pk=probe.pk).update(write_state="done", finished_at=timezone.now())
    job = Job.objects.create(connector=connector, kind=JobKind.CONTRACT, params={"write_key": "agreed"})
    assert agreed in text(hand_over(client))
    assert is_as_before(connector)
    Job.objects.filter(pk=job.pk).update(params={})
    assert hand_over(client).status_code == 303


def test_it_wants_a_recent_sign_in(client: Client, connector: Connector) -> None:
    session = client.session
    session["began_at"] -= 3600
    session.save()
    assert client.get(PAGE).status_code == 200
    assert "reauthenticate" in hand_over(client)["Location"]
    assert is_as_before(connector)


def test_of_two_who_do_it_at_once_the_second_is_told(client: Client, connector: Connector, admin: Person) -> None:
    seen = [Connector.objects.get(pk=connector.pk) for _ in range(2)]

    def attempt(shown: Connector) -> str:
        try:
            handing_over.hand_over(shown, 124, former=123, reason=REASON, actor=admin)
        except Refused as refused:
            return str(refused)
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(attempt, seen))
    assert answers[0] == ""
    assert "Somebody handed Acme over meanwhile" in answers[1] or "busy with this connector" in answers[1]
    connector.refresh_from_db()
    assert [number for number, _ in connector.former_numbers] == [123]
    assert Entry.objects.filter(action=handing_over.HANDED_OVER).count() == 1


def test_a_former_number_is_given_to_no_other_connector(client: Client, connector: Connector, admin: Person) -> None:
    assert hand_over(client).status_code == 303
    says = "is what Acme (acme) was before it was made anew"
    other = factories.connector(connector.align_site, actor=admin, slug="other", name="Other", align_id=7)
    refused = client.post("/connectors/other/edit/", form_of(other, 123))
    assert refused.status_code == 400
    assert says in text(refused)
    with pytest.raises(Refused, match=re.escape(says)):
        factories.connector(connector.align_site, actor=admin, slug="again", name="Again")
    with pytest.raises(Refused, match=re.escape(says)):
        services.edit_connector(other, services.ConnectorData(**form_of(other, 123)), actor=admin)
    assert not Connector.objects.filter(slug="again").exists()

"""Projects of ours: who takes which over, and how they are given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.models import Carried, Connector, HistoryRow, Project
from mappings.models import Mapping, Scope
from tests.support.ours_helpers import (
    CHOOSE,
    DEV_COMPLETE,
    OURS,
    SCOPE,
    STEP,
    act,
    kept,
    out_of_align,
    planned,
    project,
    read_catalogue,
    team,
    text,
)
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def test_a_project_that_align_carries_or_may_carry_is_never_ours(configurer: Client, connector: Connector) -> None:
    Project.objects.filter(key="LAB").update(carried=Carried.UNKNOWN, scope_choice="in")
    for key, why in (("PAY", "Align's connector carries PAY"), ("LAB", "is not known yet, which counts as carried")):
        answer = act(configurer, "take", key)
        assert answer.status_code == 409
        assert why in text(answer)
        assert why in text(configurer.get(f"{OURS}?do=take&project={project(key).pk}"))
        assert not project(key).is_ours
    for carried in (Carried.YES, Carried.UNKNOWN):
        with pytest.raises(IntegrityError), transaction.atomic():
            Project.objects.filter(key="PAY").update(ours_at=connector.catalogue_at, carried=carried)


def test_it_has_to_be_in_scope_and_in_jira(configurer: Client, connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("set_project", key="PAY", in_align=False)
    read_catalogue(connector)
    assert "PAY is out of scope here: take it into scope first." in text(act(configurer, "take", "PAY"))
    Project.objects.filter(key="PAY").update(scope_choice="in", in_scope=True, vanished_at=connector.catalogue_at)
    assert "Jira does not show PAY any more" in text(act(configurer, "take", "PAY"))
    assert not project("PAY").is_ours


def test_it_is_confirmed_by_its_key_or_by_their_number_and_twice_changes_nothing(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "PAY", "LAB")
    ticked = [project("PAY").pk, project("LAB").pk]
    assert "do=give&" in configurer.post(f"{CHOOSE}?do=give", {"ticked": ticked})["Location"]
    led = configurer.post(f"{CHOOSE}?do=take", {"ticked": ticked})
    assert led.status_code == 303
    shown = text(configurer.get(led["Location"]))
    assert "Take over 2 projects" in shown
    assert 'Type <b class="mono">2</b> to confirm' in shown
    for word, reason, why in (
        ("PAY", "Leaves", 'Type "2" to confirm'),
        ("", "Leaves", 'Type "2" to confirm'),
        ("2", " ", "Say why"),
    ):
        answer = configurer.post(OURS, {"do": "take", "project": ticked, "reason": reason, "confirm": word})
        assert answer.status_code == 409
        assert text(answer).count(why) == 1, "a refusal is said once"
    assert not Project.objects.exclude(ours_at=None).exists()
    assert act(configurer, "take", "PAY", "LAB").status_code == 303
    assert act(configurer, "take", "PAY", "LAB").status_code == 303  # a double click
    taken = HistoryRow.objects.filter(action="projects.ours")
    assert [each.sentence for each in taken] == [
        "LAB, PAY are ours now. Their mappings are kept here, and nothing of them is sent to Align."
    ]
    page = text(configurer.get(f"{STEP}?scope=ours"))
    assert page.count('<span class="tag">ours</span>') == 2
    assert "its mappings are kept here; nobody moves its items yet" in page
    refused = configurer.post(SCOPE, {"ticked": ticked, "choice": "out"})
    assert refused.status_code == 409
    assert "LAB, PAY are ours. Give them back first" in text(refused)
    found = configurer.get("/api/v1/projects/?connector=acme&is_ours=true").json()["results"]
    assert [each["key"] for each in found] == ["LAB", "PAY"]
    assert {each["ours_by"] for each in found} == {taken[0].person_email}


def test_given_back_it_stays_in_scope_and_its_lists_stay(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    lab = team(configurer, connector, sandbox)
    own = Scope.objects.get(project=lab, is_ours=True, family="a2j-state")
    row = kept(own, DEV_COMPLETE, 10402)
    Mapping.objects.filter(pk=row.pk).update(wanted=None, situation="edited", waits=True)
    plan = planned(configurer, row)
    refused = act(configurer, "give", "LAB")
    assert refused.status_code == 409
    assert f"plan {plan.pk} has changes of these projects" in text(refused)
    assert configurer.post(f"/plans/{plan.pk}/cancel/").status_code == 303
    assert act(configurer, "give", "LAB").status_code == 303
    assert act(configurer, "give", "LAB").status_code == 303
    lab.refresh_from_db()
    assert (lab.is_ours, lab.in_scope, lab.ours_reason) == (False, True, "")
    assert own.mappings.count() == 1
    again = configurer.post("/connectors/acme/plan/", {"row": row.pk, "reason": "again"})
    assert again.status_code == 409
    assert "Project LAB is not ours any more" in text(again)
    assert HistoryRow.objects.filter(action="projects.ours_ended").count() == 1


@pytest.mark.parametrize(
    "form",
    [{}, {"project": "x"}, {"project": "9" * 400}, {"project": "0"}, {"project": [str(each) for each in range(900)]}],
)
def test_a_form_that_names_no_projects_is_refused_in_words(
    configurer: Client, bare_connector: Connector, form: dict[str, Any]
) -> None:
    assert configurer.post(OURS, {"do": "take", "reason": "Because", "confirm": "1", **form}).status_code == 409


def test_only_an_admin_takes_projects_over(signed_in: SignIn, connector: Connector, sandbox: RunningSandbox) -> None:
    out_of_align(signed_in(Role.ADMIN), connector, sandbox, "PAY")
    for role in (Role.VIEWER, Role.EDITOR, Role.REVIEWER):
        client = signed_in(role)
        assert act(client, "take", "PAY").status_code == 404
        assert "Take over" not in text(client.get(STEP)).partition("<table")[0]
    assert not project("PAY").is_ours

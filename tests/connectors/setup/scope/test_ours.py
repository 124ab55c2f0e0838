"""Projects of ours over HTTP: taken over, their mappings kept here, given back, and ended by Align's list."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.jobs import runner
from connectors.models import Carried, Connector, Finding, HistoryRow, JobKind, JobState, Project
from mappings.findings.lines import attention
from mappings.models import Mapping, Plan, Scope
from mappings.observing.scopes import scopes_in_use
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
STEP = "/connectors/acme/set-up/projects/"
OURS, CHOOSE, SCOPE = f"{STEP}ours/", f"{STEP}ours/choose/", f"{STEP}scope/"
MATRIX = "/connectors/acme/mappings/"
IN_REVIEW, IN_PROGRESS, DEV_COMPLETE = 10013, 3, 2
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def project(key: str) -> Project:
    return Project.objects.get(key=key)


def read_catalogue(connector: Connector) -> None:
    job = runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    assert job.state == JobState.DONE, job.error


def out_of_align(configurer: Client, connector: Connector, sandbox: RunningSandbox, *keys: str) -> None:
    """Align's list has them no more, and they are in scope here."""
    for key in keys:
        sandbox.edit("set_project", key=key, in_align=False)
    read_catalogue(connector)
    ticked = [project(key).pk for key in keys]
    assert configurer.post(SCOPE, {"ticked": ticked, "choice": "in"}).status_code == 303


def act(client: Client, do: str, *keys: str, confirm: str = "", reason: str = "Its team leaves Align") -> Any:
    chosen = [project(key).pk for key in keys]
    word = confirm or (keys[0] if len(keys) == 1 else str(len(keys)))
    return client.post(OURS, {"do": do, "project": chosen, "reason": reason, "confirm": word})


def set_cell(client: Client, scope: str, status: int, target: int, **more: str) -> Any:
    return client.post(f"{MATRIX}cell/", {"scope": scope, "status": status, "target": target, "seen": "", **more})


def writes(sandbox: RunningSandbox) -> list[Any]:
    return [each for method in ("POST", "PUT", "PATCH", "DELETE") for each in sandbox.journal(method)]


def test_one_that_left_align_is_taken_over_and_its_mappings_are_kept_here(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "PAY")
    answer = act(configurer, "take", "PAY")
    assert answer.status_code == 303, text(answer)
    pay = project("PAY")
    assert pay.is_ours
    assert (pay.carried, pay.in_scope, pay.has_lists, pay.ours_reason) == ("no", True, False, "Its team leaves Align")
    assert not scopes_in_use(connector).filter(project=pay).exists()
    shared = Scope.objects.get(connector=connector, family="j2a-state", project=None, is_ours=True)
    assert not shared.mappings.exists()
    sandbox.clear_journal()
    assert set_cell(configurer, "ours", IN_REVIEW, DEV_COMPLETE).status_code in (200, 303)
    edited = shared.mappings.get()
    assert (edited.wanted, edited.observed, edited.situation) == (DEV_COMPLETE, None, "edited")
    made = configurer.post("/connectors/acme/plan/", {"row": edited.pk, "reason": "Review counts as complete"})
    assert made.status_code == 303, text(made)
    plan = Plan.objects.get()
    assert (plan.is_ours, plan.api_calls) == (True, 0)
    page = text(configurer.get(f"/plans/{plan.pk}/"))
    assert "its values are kept here, and nothing is sent to Align" in page
    approved = configurer.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on"})
    assert approved.status_code == 303, text(approved)
    edited.refresh_from_db()
    plan.refresh_from_db()
    assert plan.state == "finished"
    assert (edited.wanted, edited.applied, edited.observed, edited.situation) == (*[DEV_COMPLETE] * 3, "in_sync")
    assert writes(sandbox) == []
    row = HistoryRow.objects.get(action="change.kept")
    assert (row.plan, row.match, row.after_id, row.reason) == (plan.pk, "", DEV_COMPLETE, "Review counts as complete")

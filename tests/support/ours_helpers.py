"""Projects of ours over HTTP: taken over, edited, planned and approved, in the words of the pages."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.test import Client

from connectors.jobs import runner
from connectors.models import Connector, JobKind, JobState, Project
from mappings.models import Mapping, Plan, Scope
from tests.support.sandbox_fixture import RunningSandbox

STEP = "/connectors/acme/set-up/projects/"
OURS, CHOOSE, SCOPE = f"{STEP}ours/", f"{STEP}ours/choose/", f"{STEP}scope/"
MATRIX = "/connectors/acme/mappings/"
IN_REVIEW, DEV_COMPLETE = 10013, 2


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


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


def team(configurer: Client, connector: Connector, sandbox: RunningSandbox) -> Project:
    """LAB, team-managed, is ours."""
    out_of_align(configurer, connector, sandbox, "LAB")
    assert act(configurer, "take", "LAB").status_code == 303
    return project("LAB")


def kept(scope: Scope, source: int, value: int) -> Mapping:
    """A row that was approved before."""
    return Mapping.objects.create(
        scope=scope, work_item_type="story", source_id=source, wanted=value, applied=value, observed=value
    )


def planned(client: Client, *rows: Mapping) -> Plan:
    form = {"row": [row.pk for row in rows], "reason": "As the team works"}
    made = client.post("/connectors/acme/plan/", form)
    assert made.status_code == 303, text(made)
    return Plan.objects.latest("pk")


def approve(client: Client, plan: Plan, **more: str) -> Any:
    return client.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on", **more})

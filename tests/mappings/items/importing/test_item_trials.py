"""Trials of an item over HTTP: one item by consent, looked at, recycled, and what imports send by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Carried, Connector, Job, JobKind, JobState, Project
from mappings.models import ItemTrial, ItemWriteFacts
from tests.mappings.items.importing.test_importing import configurer, project
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.ours_helpers import writes

__all__ = ["configurer", "project"]
pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/connectors/acme/imports/trials/"


def agree(client: Client, project: Project, level: str = "story", **more: str) -> Any:
    form = {"project": project.pk, "level": level, "reason": "Before the first import", "consent": "on", **more}
    return client.post(f"{PAGE}start/", form)


def tried(ends: JobState = JobState.DONE) -> ItemTrial:
    job = runner.run_now(Job.objects.get(kind=JobKind.ITEM_TRIAL, state=JobState.QUEUED))
    assert job.state == ends, job.error
    return ItemTrial.objects.latest("pk")


def made(sandbox: RunningSandbox, trial: ItemTrial) -> list[dict[str, Any]]:
    found = sandbox.align("GET", f"/stories?$filter=title eq '{trial.marker}'").json()
    return [each for each in found if each["title"] == trial.marker]


def facts() -> dict[str, bool | None]:
    names = ("external_key", "external_filter", "state_at_create", "state_by_update", "step_at_create", "recycles")
    row = ItemWriteFacts.objects.get()
    return {name: getattr(row, name) for name in names}


def test_one_item_is_made_looked_at_and_recycled(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    assert "not tried" in said(configurer.get(PAGE))
    assert agree(configurer, project).status_code == 303
    assert agree(configurer, project).status_code == 409, "one at a time"
    trial = tried()
    assert trial.state == "done", trial.error
    (item,) = made(sandbox, trial)
    assert item["isRecycled"] is True
    assert item["programId"] == 11
    assert item["jiraProjectKey"] is None
    assert facts() == dict.fromkeys(facts(), True) | {"step_at_create": None}
    assert [each["method"] for each in writes(sandbox)] == ["POST", "PATCH", "PATCH"]
    assert "kept and found by" in said(configurer.get(PAGE))
    actions = list(Entry.objects.filter(action__startswith="item-trial").order_by("seq").values_list("action", flat=True))
    assert actions[:2] == ["item-trial.agreed", "item-trial.sent"]
    assert actions[-1] == "item-trial.recycled"

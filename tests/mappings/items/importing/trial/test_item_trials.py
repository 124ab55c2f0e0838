"""Trials of an item over HTTP: one item by consent, looked at, recycled, and what imports send by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Carried, Connector, Job, JobKind, JobState, Project
from mappings.engine.families import J2A_STATE
from mappings.models import ImportRun, ItemLink, ItemTrial, ItemWriteFacts, Mapping, Scope
from tests.conftest import SignIn
from tests.mappings.items.importing.test_importing import (
    approve,
    configurer,
    found_by_title,
    imported,
    item,
    lines,
    ours,
    plan,
    project,
    work,
)
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["configurer", "project"]
pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/connectors/acme/imports/trials/"
FACTS = ("external_key", "external_filter", "state_at_create", "state_by_update", "step_at_create", "recycles")
STATUSES = range(10400, 10405)  # of LAB
SWITCHES = {"external_key": "writable", "state_writable": "yes", "recycle": "patch", "post_answer": "object"}


@pytest.fixture
def switches(sandbox: RunningSandbox) -> Iterator[None]:
    """Those of the test are put back."""
    yield
    sandbox.reset(**SWITCHES)


def agree(client: Client, project: Project, level: str = "story", **more: str) -> Any:
    form = {"project": project.pk, "level": level, "reason": "Before the first import", "consent": "on", **more}
    return client.post(f"{PAGE}start/", form)


def tried(ends: JobState = JobState.DONE) -> ItemTrial:
    job = runner.run_now(Job.objects.get(kind=JobKind.ITEM_TRIAL, state=JobState.QUEUED))
    assert job.state == ends, job.error
    return ItemTrial.objects.latest("pk")


def control(client: Client, trial: ItemTrial, act: str) -> Any:
    return client.post(f"{PAGE}control/", {"trial": trial.pk, "act": act})


def made(sandbox: RunningSandbox, trial: ItemTrial) -> list[dict[str, Any]]:
    found = sandbox.align("GET", f"/stories?$filter=title eq '{trial.marker}'").json()
    return [each for each in found if each["title"] == trial.marker]


def facts() -> dict[str, bool | None]:
    row = ItemWriteFacts.objects.get()
    return {name: getattr(row, name) for name in FACTS}


def test_one_item_is_made_looked_at_and_recycled_and_imports_send_what_is_kept(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    page = said(configurer.get(PAGE))
    assert "not tried" in page
    assert agree(configurer, project, consent="").status_code == 409
    assert agree(configurer, project, reason=" ").status_code == 409
    assert agree(configurer, project, level="nonsense").status_code == 409
    assert agree(configurer, project, level="epic").status_code == 409, "no import needs it"
    assert not ItemTrial.objects.exists()
    assert agree(configurer, project).status_code == 303
    assert agree(configurer, project).status_code == 409, "one at a time"
    trial = tried()
    assert trial.state == "done", trial.error
    (story,) = made(sandbox, trial)
    assert story["isRecycled"] is True
    assert story["programId"] == 11
    assert story["jiraProjectKey"] is None
    assert facts() == dict.fromkeys(FACTS, True) | {"step_at_create": None}
    assert [each["method"] for each in writes(sandbox)] == ["POST", "PATCH", "PATCH"]
    assert "kept, finds the item" in said(configurer.get(PAGE))
    entries = Entry.objects.filter(action__startswith="item-trial").order_by("seq")
    actions = list(entries.values_list("action", flat=True))
    assert actions[:2] == ["item-trial.agreed", "item-trial.sent"]
    assert actions[-1] == "item-trial.recycled"

    mapped(connector, project, 3)
    run = imported(configurer, project)
    assert {each.state for each in lines(run)} == {"done"}, [each.detail for each in lines(run)]
    for line in lines(run):
        there = item(sandbox, line)
        assert there["externalKey"] == (line.issue_key if line.level == "story" else None)
        assert there["state"] == (3 if line.level == "story" and line.values.get("state") == 3 else None)
    assert any(each.values.get("state") == 3 for each in lines(run))
    assert all(each.confirmed for each in lines(run))


def mapped(connector: Connector, project: Project, state: int) -> None:
    """Every status that stories of the project may have leads to this state."""
    scope = Scope.objects.get(connector=connector, project=project, is_ours=True, family=J2A_STATE.code)
    for status in STATUSES:
        leads = {"wanted": state, "applied": state, "observed": state}
        Mapping.objects.update_or_create(scope=scope, work_item_type="story", source_id=status, defaults=leads)


def test_a_site_that_takes_less_is_asked_with_less_and_the_item_that_stays_is_listed(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, switches: None
) -> None:
    sandbox.reset(external_key="ignored", state_writable="no", recycle="no", post_answer="id")
    project = ours(connector, sandbox, configurer)
    assert agree(configurer, project).status_code == 303
    trial = tried()
    assert trial.state == "left", trial.error
    assert facts() == dict.fromkeys(FACTS, False) | {"step_at_create": None}
    (story,) = made(sandbox, trial)
    assert story["id"] == trial.align_id
    page = configurer.get(PAGE).content.decode()
    assert trial.marker in page
    assert f"/rest/align/api/2/stories/{trial.align_id}" in page
    warned = said(configurer.get(f"/imports/{plan(configurer, project).pk}/"))
    assert "show 0 - Pending approval at first" in warned
    assert control(configurer, trial, "on").status_code == 303
    assert tried().state == "left", "still not recycled"
    assert control(configurer, trial, "gone").status_code == 303
    assert control(configurer, trial, "gone").status_code == 409
    assert control(configurer, trial, "nonsense").status_code == 409
    trial.refresh_from_db()
    assert trial.state == "gone"
    assert agree(configurer, project).status_code == 303, "another one may be agreed to"


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_create_without_an_answer_is_looked_for_and_none_is_forgotten(
    sandbox: RunningSandbox, configurer: Client, project: Project, cut: str, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    sandbox.faults({"method": "POST", "path": "/stories", "cut": cut, "times": 1})
    assert agree(configurer, project).status_code == 303
    trial = tried()
    assert trial.state == ("done" if cut == "after" else "not-made"), trial.error
    assert [each["isRecycled"] for each in made(sandbox, trial)] == ([True] if cut == "after" else [])


def test_a_dead_token_leaves_it_listed_and_it_goes_on(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    sandbox.faults({"method": "PATCH", "path": "/stories", "status": 401, "times": 1})
    assert agree(configurer, project).status_code == 303
    trial = tried(ends=JobState.FAILED)
    assert trial.state == "created"
    assert trial.error in said(configurer.get(PAGE))
    sandbox.faults()
    assert control(configurer, trial, "on").status_code == 303
    assert tried().state == "done"
    assert len(made(sandbox, trial)) == 1


@pytest.mark.parametrize("how", ["carried", "deactivated"])
def test_nothing_is_made_for_a_project_that_is_not_ours_any_more(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, how: str
) -> None:
    assert agree(configurer, project).status_code == 303
    if how == "carried":
        Project.objects.filter(pk=project.pk).update(ours_at=None, ours_by=None, carried=Carried.YES)
    else:
        Connector.objects.filter(pk=connector.pk).update(is_active=False)
    trial = tried(ends=JobState.FAILED)
    assert writes(sandbox) == []
    assert ("Align's connector carries" if how == "carried" else "deactivated") in trial.error
    assert control(configurer, trial, "on").status_code == 409
    assert control(configurer, trial, "gone").status_code == 303
    assert agree(configurer, project).status_code == 409


def test_only_an_admin_agrees(configurer: Client, project: Project, signed_in: SignIn) -> None:
    editor = signed_in(Role.EDITOR)
    assert "An admin can agree" in said(editor.get(PAGE))
    assert agree(editor, project).status_code in (403, 404)
    assert not ItemTrial.objects.exists()


def known(connector: Connector, **more: bool) -> None:
    ItemWriteFacts.objects.create(connector=connector, level="story", seen_at=connector.created_at, **more)


def test_a_state_that_only_an_update_brings_follows_the_create(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    known(connector, state_at_create=False, state_by_update=True)
    mapped(connector, project, 4)
    run = plan(configurer, project)
    stories = [each for each in lines(run) if each.later]
    assert stories
    assert approve(configurer, run).status_code == 303
    sandbox.faults({"method": "PATCH", "path": "/stories", "cut": "after", "times": 1})
    work(run)
    assert {each.state for each in lines(run)} == {"done"}, [each.detail for each in lines(run)]
    assert found_by_title(sandbox, run) == {each.jira_id: 1 for each in lines(run)}
    for line in stories:
        line.refresh_from_db()
        assert item(sandbox, line)["state"] == 4
        assert ItemLink.objects.get(jira_id=line.jira_id).sent["state"] == 4
    again = plan(configurer, project)
    assert not lines(again, "update")


def test_a_lost_item_is_found_by_its_key_whatever_else_has_its_title(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    known(connector, external_key=True, external_filter=True)
    run = plan(configurer, project)
    first = next(each for each in lines(run) if each.level == "story")
    assert approve(configurer, run).status_code == 303
    for _ in range(2):
        sandbox.align("POST", "/stories", json={"title": first.title, "programId": 11})
    sandbox.faults({"method": "POST", "path": "/stories", "cut": "after", "times": 1})
    work(run)
    first.refresh_from_db()
    assert first.state == "done", first.detail
    assert item(sandbox, first)["externalKey"] == first.issue_key
    assert ImportRun.objects.count() == 1

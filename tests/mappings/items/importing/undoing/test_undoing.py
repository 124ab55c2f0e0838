"""Rolling an import back over HTTP: planned without a write, approved, recycled item by item, the rest listed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Carried, Connector, Job, JobKind, JobState, Project
from mappings.items.importing.undoing.job import pause_orphaned_undoings
from mappings.models import ImportRun, ImportUndoing, ItemLink, ItemWriteFacts, UndoLine
from tests.conftest import SignIn
from tests.mappings.items.importing.test_importing import configurer, imported, item, lines, plan, project
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["configurer", "project"]
pytestmark = pytest.mark.django_db(transaction=True)


def ask(client: Client, run: ImportRun, **more: str) -> Any:
    return client.post(f"/imports/{run.pk}/roll-back/", {"reason": "Imported too early", "ticket": "", **more})


def worked(run: ImportRun, *, ends: JobState = JobState.DONE) -> ImportUndoing:
    job = runner.run_now(Job.objects.get(kind=JobKind.IMPORT, subject__startswith="undo-", state=JobState.QUEUED))
    assert job.state == ends, job.error
    return run.undoings.latest("pk")


def planned(client: Client, run: ImportRun) -> ImportUndoing:
    answer = ask(client, run)
    assert answer.status_code == 303, said(answer)
    return worked(run)


def approve(client: Client, found: ImportUndoing, **more: str) -> Any:
    form = {"fingerprint": found.fingerprint, "recycle": "on", **more}
    return client.post(f"/imports/{found.run_id}/roll-back/approve/", form)


def control(client: Client, run: ImportRun, act: str) -> Any:
    return client.post(f"/imports/{run.pk}/roll-back/control/", {"act": act})


def states(found: ImportUndoing) -> dict[str, str]:
    return dict(found.lines.values_list("issue_key", "state"))


def test_what_nobody_touched_is_recycled_and_the_rest_is_listed(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = imported(configurer, project)
    made = lines(run)
    tasks = [each for each in made if each.level == "task"]
    stories = {each.jira_id: each for each in made if each.level == "story"}
    parents = {each.parent_id for each in tasks if each.parent_id}
    above = next(each for each in tasks if each.parent_id)
    alone = [each for pk, each in stories.items() if pk not in parents]
    assert len(alone) >= 2
    sandbox.edit("set_item", object="task", id=above.align_id, values={"title": "Renamed by somebody"})
    stranger = {"title": "Made by hand", "storyId": alone[0].align_id}
    assert sandbox.align("POST", "/tasks", json=stranger).status_code == 201
    sandbox.edit("archive_item", object="story", id=alone[1].align_id)
    sandbox.clear_journal()
    found = planned(configurer, run)
    assert writes(sandbox) == []
    assert found.state == "draft", found.error
    page = configurer.get(f"/imports/{run.pk}/roll-back/")
    assert "changed in Jira Align since: title" in said(page)
    assert f"/rest/align/api/2/tasks/{above.align_id}" in page.content.decode()
    left = {above.issue_key, stories[above.parent_id or 0].issue_key, alone[0].issue_key}
    assert {key for key, state in states(found).items() if state == "left"} == left
    assert approve(configurer, found, fingerprint="another").status_code == 409
    assert approve(configurer, found, recycle="").status_code == 409
    assert approve(configurer, found).status_code == 303
    assert approve(configurer, found).status_code == 409
    found = worked(run)
    assert found.state == "finished"
    assert set(states(found).values()) == {"left", "done"}
    assert len(writes(sandbox)) == len(made) - len(left) - 1, "what was in the bin already got nothing"
    for line in made:
        assert bool(item(sandbox, line)["isRecycled"]) is (line.issue_key not in left)
        assert ItemLink.objects.filter(jira_id=line.jira_id).exists() is (line.issue_key in left)
    order = [each.level for each in UndoLine.objects.filter(undoing=found).order_by("position")]
    assert order == sorted(order, key=["task", "story"].index)
    sent = Entry.objects.filter(action="import-undo.sent")
    assert sent.exists()
    assert all('"digest"' in each.body for each in sent)
    assert verification.verify().ok
    again = imported(configurer, project)
    assert {each.issue_key for each in lines(again)} == {each.issue_key for each in made} - left


def test_a_site_that_recycles_nothing_keeps_all_with_their_links(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = imported(configurer, project)
    sandbox.clear_journal()
    sandbox.faults({"method": "PATCH", "status": 400})
    found = planned(configurer, run)
    assert approve(configurer, found).status_code == 303
    found = worked(run)
    sandbox.faults()
    assert set(states(found).values()) == {"left"}
    assert found.lines.filter(detail__contains="does not let it be recycled").exists()
    assert ItemLink.objects.count() == len(lines(run))
    for level in ("story", "task"):
        ItemWriteFacts.objects.create(connector=connector, level=level, recycles=False, seen_at=connector.created_at)
    found = planned(configurer, run)
    assert set(states(found).values()) == {"left"}
    assert "There is nothing to recycle" in said(configurer.get(f"/imports/{run.pk}/roll-back/"))


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_answer_that_is_lost_is_looked_for(
    sandbox: RunningSandbox, configurer: Client, project: Project, cut: str, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    run = imported(configurer, project)
    found = planned(configurer, run)
    assert approve(configurer, found).status_code == 303
    sandbox.faults({"method": "PATCH", "cut": cut, "times": 2})
    found = worked(run)
    assert set(states(found).values()) == {"done"}, states(found)
    assert not ItemLink.objects.exists()


def test_what_is_touched_after_the_approval_stays_and_a_dead_token_pauses(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = imported(configurer, project)
    found = planned(configurer, run)
    assert approve(configurer, found).status_code == 303
    touched = next(each for each in lines(run) if each.level == "story")
    sandbox.edit("set_item", object="story", id=touched.align_id, values={"description": "Worked on"})
    sandbox.edit("set_item", object="story", id=touched.align_id, values={"title": "Worked on"})
    sandbox.faults({"method": "PATCH", "status": 401, "times": 1})
    found = worked(run, ends=JobState.FAILED)
    assert found.state == "paused"
    assert found.lines.filter(state="planned").exists()
    sandbox.faults()
    assert control(configurer, run, "resume").status_code == 303
    found = worked(run)
    assert found.state == "finished"
    assert states(found)[touched.issue_key] == "left"
    assert not item(sandbox, touched)["isRecycled"]


@pytest.mark.parametrize("how", ["carried", "given-back", "altered"])
def test_nothing_is_recycled_of_a_project_that_is_not_ours_or_that_was_not_approved(
    sandbox: RunningSandbox, configurer: Client, project: Project, how: str
) -> None:
    run = imported(configurer, project)
    found = planned(configurer, run)
    assert approve(configurer, found).status_code == 303
    if how == "altered":
        line = found.lines.filter(act="recycle").first()
        assert line is not None
        UndoLine.objects.filter(pk=line.pk).update(align_id=11)
    else:
        more = {"carried": Carried.YES} if how == "carried" else {}
        Project.objects.filter(pk=project.pk).update(ours_at=None, ours_by=None, **more)
    sandbox.clear_journal()
    found = worked(run, ends=JobState.FAILED)
    assert writes(sandbox) == []
    assert found.state == "paused"
    assert {"carried": "Align's connector carries", "given-back": "not ours", "altered": "altered"}[how] in found.error


def test_it_needs_a_second_person_a_reason_and_an_import_that_is_over(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, signed_in: SignIn
) -> None:
    draft = plan(configurer, project)
    assert "once it is over" in said(ask(configurer, draft))
    assert configurer.post(f"/imports/{draft.pk}/cancel/").status_code == 303
    run = imported(configurer, project)
    assert ask(configurer, run, reason=" ").status_code == 409
    assert control(configurer, run, "pause").status_code == 409, "none was planned"
    Connector.objects.filter(pk=connector.pk).update(four_eyes=True)
    found = planned(configurer, run)
    assert ask(configurer, run).status_code == 409
    assert "another admin has to approve" in said(configurer.get(f"/imports/{run.pk}/roll-back/"))
    assert "asks for a second person" in said(approve(configurer, found))
    assert control(configurer, run, "cancel").status_code == 303
    assert ask(signed_in(Role.EDITOR), run).status_code == 303
    found = worked(run)
    again = plan(configurer, project)
    assert "is open" in said(approve(configurer, found)), "an import goes by what is there now"
    assert configurer.post(f"/imports/{again.pk}/cancel/").status_code == 303
    assert approve(configurer, found).status_code == 303
    assert control(configurer, run, "pause").status_code == 303
    found = worked(run)
    assert found.state == "paused"
    assert control(configurer, run, "nonsense").status_code == 409
    assert control(configurer, run, "resume").status_code == 303
    Job.objects.filter(kind=JobKind.IMPORT, subject=f"undo-{found.pk}").update(state=JobState.FAILED)
    assert pause_orphaned_undoings() == 1
    assert control(configurer, run, "resume").status_code == 303
    assert worked(run).state == "finished"
    assert not ItemLink.objects.exists()


def test_an_item_with_a_key_that_was_recycled_is_made_anew(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    ItemWriteFacts.objects.create(
        connector=connector, level="story", external_key=True, external_filter=True, seen_at=connector.created_at
    )
    run = imported(configurer, project)
    assert approve(configurer, planned(configurer, run)).status_code == 303
    assert set(states(worked(run)).values()) == {"done"}
    again = imported(configurer, project)
    former = {each.jira_id: each.align_id for each in lines(run)}
    assert {each.state for each in lines(again)} == {"done"}, [each.detail for each in lines(again)]
    assert len(lines(again)) == len(former)
    assert all(former[each.jira_id] != each.align_id for each in lines(again))


def test_items_that_are_hidden_with_their_program_are_not_taken_for_gone(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    """Else their links would go, and the next import would make each of them once more."""
    run = imported(configurer, project)
    found = planned(configurer, run)
    for link in ItemLink.objects.filter(run=run).order_by("-level"):  # tasks first
        sandbox.edit("delete_item", object=link.level, id=link.align_id)
    sandbox.faults({"path": "/programs", "body": "[]", "status": 200})
    assert approve(configurer, found).status_code == 303
    paused = worked(run, ends=JobState.FAILED)
    assert (paused.state, "does not show the program" in paused.error) == ("paused", True)
    assert ItemLink.objects.filter(run=run).count() == found.lines.count()
    sandbox.faults()
    assert control(configurer, run, "resume").status_code == 303
    assert worked(run).state == "finished"
    assert not ItemLink.objects.filter(run=run).exists(), "the program is there, and its items are not"

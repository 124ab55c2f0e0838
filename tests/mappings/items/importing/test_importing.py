"""Imports over HTTP: planned without a write, approved, sent item by item to the sandbox, and run again."""

from __future__ import annotations

import csv
import json
from collections import Counter
from typing import Any

import pytest
import requests
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.align.objects import OBJECTS
from connectors.jobs import runner
from connectors.models import Carried, Connector, Job, JobKind, JobState, Project
from mappings.items.importing.job import pause_orphans
from mappings.models import AgreedLine, ImportLine, ImportRun, ImportState, ItemLink
from tests.conftest import SignIn
from tests.support.ours_helpers import team, writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/connectors/acme/imports/"
LEVELS = ("story", "task", "defect")


@pytest.fixture
def configurer(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def project(connector: Connector, sandbox: RunningSandbox, configurer: Client) -> Project:
    return ours(connector, sandbox, configurer)


def ours(connector: Connector, sandbox: RunningSandbox, configurer: Client) -> Project:
    """LAB, whose issues but bugs are imported into a program."""
    found = team(configurer, connector, sandbox)
    program = {"program": {"id": 11, "name": "Payments"}}
    AgreedLine.objects.create(connector=connector, subject="scope", key="shared:landing", value=program)
    # A bug becomes a defect, which this Align wants to know more of.
    AgreedLine.objects.create(connector=connector, subject="scope", key="shared:jql", value="issuetype != Bug")
    sandbox.clear_journal()
    return found


def plan(client: Client, project: Project) -> ImportRun:
    answer = client.post(LIST, {"project": project.pk, "reason": "The team moves to Align", "ticket": ""})
    assert answer.status_code == 303, said(answer)
    return work(ImportRun.objects.latest("pk"))


def work(run: ImportRun, *, ends: JobState = JobState.DONE) -> ImportRun:
    job = runner.run_now(Job.objects.get(kind=JobKind.IMPORT, subject=str(run.pk), state=JobState.QUEUED))
    assert job.state == ends, job.error
    run.refresh_from_db()
    return run


def approve(client: Client, run: ImportRun, **more: str) -> Any:
    return client.post(f"/imports/{run.pk}/approve/", {"fingerprint": run.fingerprint, "warnings": "on", **more})


def control(client: Client, run: ImportRun, act: str) -> Any:
    return client.post(f"/imports/{run.pk}/control/", {"act": act})


def imported(client: Client, project: Project) -> ImportRun:
    run = plan(client, project)
    assert approve(client, run).status_code == 303
    return work(run)


def lines(run: ImportRun, act: str = "create") -> list[ImportLine]:
    return list(run.lines.filter(act=act))


def item(sandbox: RunningSandbox, line: ImportLine) -> dict[str, Any]:
    answer = sandbox.align("GET", f"/{OBJECTS[line.level].path}/{line.align_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rename(sandbox: RunningSandbox, key: str, title: str) -> None:
    answer = requests.put(
        f"{sandbox.url}/rest/api/3/issue/{key}",
        json={"fields": {"summary": title}},
        auth=(ADMIN, JIRA_TOKEN),
        timeout=10,
    )
    assert answer.status_code == 204, answer.text


def test_issues_become_items_once_and_a_second_import_sends_what_has_changed(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert run.state == ImportState.DRAFT, run.error
    assert writes(sandbox) == [], "planning writes nothing"
    to_make = lines(run)
    assert len(to_make) > 3
    page = said(configurer.get(f"/imports/{run.pk}/"))
    assert "show 0 - Pending approval" in page
    assert approve(configurer, run).status_code == 303
    work(run)
    assert run.state == ImportState.FINISHED
    assert Counter(each.state for each in lines(run)) == {"done": len(to_make)}, [each.detail for each in lines(run)]
    assert all(each.confirmed for each in lines(run))
    sent = writes(sandbox)
    assert [each["method"] for each in sent] == ["POST"] * len(to_make)
    assert not any("jiraProjectKey" in str(each.get("body", "")) for each in sent)
    for line in lines(run):
        there = item(sandbox, line)
        assert there["title"] == line.title
        if line.parent_id is not None:
            parent = ItemLink.objects.get(jira_id=line.parent_id)
            assert there[line.parent_field] == parent.align_id
    assert ItemLink.objects.filter(align_id__isnull=False).count() == len(to_make)
    assert verification.verify().ok

    sandbox.clear_journal()
    changed = lines(run)[-1]
    rename(sandbox, changed.issue_key, "Another title")
    again = imported(configurer, project)
    assert [(each.issue_key, each.values) for each in lines(again, "update")] == [
        (changed.issue_key, {"title": "Another title"})
    ]
    assert lines(again) == []
    assert item(sandbox, lines(again, "update")[0])["title"] == "Another title"
    assert [each["method"] for each in writes(sandbox) if "align" in each["path"]] == ["PATCH"]
    nothing = plan(configurer, project)
    assert not lines(nothing)
    assert not lines(nothing, "update")
    assert "There is nothing to send" in said(configurer.get(f"/imports/{nothing.pk}/"))


def test_what_align_refuses_is_said_line_by_line_and_can_be_retried(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    """A defect of this Align has to say where it was found, which nothing here does."""
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value="issuetype in (Bug, Story, Sub-task)")
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    sandbox.faults({"method": "POST", "path": "/stories", "status": 400, "times": 1})
    work(run)
    failed = {
        level: [each for each in lines(run) if each.level == level and each.state == "failed"] for level in LEVELS
    }
    assert len(failed["story"]) == 1
    assert failed["defect"]
    assert all("Found in" in each.detail for each in failed["defect"])
    assert all(f"{failed['story'][0].issue_key} was not created" in each.detail for each in failed["task"])
    number = sum(map(len, failed.values()))
    assert not ItemLink.objects.filter(align_id=None).exists(), "nothing was made, so nothing is looked for later"
    assert "Retry what failed" in said(configurer.get(f"/imports/{run.pk}/?state=failed"))
    answer = configurer.get(f"/imports/{run.pk}/report/")
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))  # type: ignore[attr-defined]
    assert Counter(row["State"] for row in rows)["Failed"] == number
    sandbox.faults()
    assert control(configurer, run, "retry").status_code == 303
    work(run)
    assert {each.level for each in lines(run) if each.state != "done"} == {"defect"}


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_answer_that_is_lost_is_looked_for_and_nothing_is_made_twice(
    sandbox: RunningSandbox, configurer: Client, project: Project, cut: str, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    sandbox.faults({"method": "POST", "path": "/stories", "cut": cut, "times": 2})
    work(run)
    assert {each.state for each in lines(run)} == {"done"}, [each.detail for each in lines(run)]
    assert found_by_title(sandbox, run) == Counter({each.jira_id: 1 for each in lines(run)})


def found_by_title(sandbox: RunningSandbox, run: ImportRun) -> Counter[int]:
    """By issue: how many items of its level go by its title and were made lately."""
    found: Counter[int] = Counter()
    for level in {each.level for each in lines(run)}:
        made = sandbox.align("GET", f"/{OBJECTS[level].path}?$orderby=id desc&$top=100").json()
        titles = Counter(each["title"] for each in made)
        found |= Counter({each.jira_id: titles[each.title] for each in lines(run) if each.level == level})
    return found


def test_of_two_items_that_may_be_it_a_person_chooses(
    sandbox: RunningSandbox, configurer: Client, project: Project, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    run = plan(configurer, project)
    line = next(each for each in lines(run) if each.level == "story")
    twin = {"title": line.title, "programId": 11}
    assert approve(configurer, run).status_code == 303
    made = [sandbox.align("POST", "/stories", json=twin).json()["id"] for _ in range(2)]
    sandbox.faults({"method": "POST", "path": "/stories", "cut": "before", "times": 1})
    work(run)
    line.refresh_from_db()
    assert (line.state, line.candidates) == ("waiting", made)
    assert "Which item is it?" in said(configurer.get(f"/imports/{run.pk}/"))
    address = f"/imports/{run.pk}/choose/"
    assert configurer.post(address, {"line": line.pk, "item": "1"}).status_code == 409
    assert configurer.post(address, {"line": line.pk, "item": "nonsense"}).status_code == 409
    assert configurer.post(address, {"line": line.pk, "item": str(made[1])}).status_code == 303
    line.refresh_from_db()
    assert (line.state, line.align_id) == ("done", made[1])
    assert ItemLink.objects.get(jira_id=line.jira_id).align_id == made[1]
    assert configurer.post(address, {"line": line.pk, "item": "none"}).status_code == 409
    assert control(configurer, run, "retry").status_code in (303, 409)


@pytest.mark.parametrize("how", ["carried", "given-back"])
def test_a_project_that_is_not_ours_any_more_is_not_written_to(
    sandbox: RunningSandbox, configurer: Client, project: Project, how: str
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    not_ours = {"ours_at": None, "ours_by": None}
    Project.objects.filter(pk=project.pk).update(**not_ours, **({"carried": Carried.YES} if how == "carried" else {}))
    work(run, ends=JobState.FAILED)
    assert writes(sandbox) == []
    assert run.state == ImportState.PAUSED
    assert "Align's connector carries" in run.error if how == "carried" else "is not ours" in run.error
    refused = control(configurer, run, "resume")
    assert refused.status_code == 409
    assert run.error in said(refused) or "Nothing was changed" in said(refused)


def test_a_dead_token_pauses_it_and_another_one_goes_on(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    sandbox.faults({"method": "POST", "path": "/stories", "status": 401, "times": 1})
    work(run, ends=JobState.FAILED)
    assert run.state == ImportState.PAUSED
    assert run.lines.filter(state="planned").exists()
    sandbox.faults()
    assert control(configurer, run, "resume").status_code == 303
    work(run)
    assert {each.state for each in lines(run)} == {"done"}, [each.detail for each in lines(run)]
    assert found_by_title(sandbox, run) == Counter({each.jira_id: 1 for each in lines(run)})


def test_it_is_approved_as_it_was_seen_by_somebody_else_and_once(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, signed_in: SignIn
) -> None:
    editor = signed_in(Role.EDITOR)
    Connector.objects.filter(pk=connector.pk).update(four_eyes=True)
    run = plan(configurer, project)
    refused = editor.post(LIST, {"project": project.pk, "reason": "Me, too"})
    assert refused.status_code == 409
    assert "is open already" in said(refused)
    assert "Me, too" in said(refused)
    assert editor.post(LIST, {"project": project.pk, "reason": " "}).status_code == 409
    assert editor.post(LIST, {"project": "999999", "reason": "Why"}).status_code == 409
    assert "asks for a second person" in said(approve(configurer, run))
    assert configurer.post(f"/imports/{run.pk}/cancel/").status_code == 303
    run.refresh_from_db()
    assert run.state == ImportState.CANCELLED
    run = plan(editor, project)
    assert "not what is on your page" in said(approve(configurer, run, fingerprint="another"))
    assert "Tick that" in said(approve(configurer, run, warnings=""))
    assert approve(configurer, run).status_code == 303
    assert approve(configurer, run).status_code == 409
    work(run)
    assert Entry.objects.filter(action="import.approved").count() == 1
    sent = [json.loads(each.body)["data"] for each in Entry.objects.filter(action="import.sent")]
    assert sum(len(each["lines"]) for each in sent) == len(lines(run))
    assert all(each["digest"] for each in sent)


def test_pausing_and_cancelling_keep_what_was_sent(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    assert control(configurer, run, "pause").status_code == 303
    work(run)
    assert (run.state, writes(sandbox)) == (ImportState.PAUSED, [])
    assert control(configurer, run, "pause").status_code == 409
    assert control(configurer, run, "nonsense").status_code == 409
    assert configurer.post(f"/imports/{run.pk}/cancel/").status_code == 303
    run.refresh_from_db()
    assert run.state == ImportState.CANCELLED
    assert {each.state for each in lines(run)} == {"cancelled"}
    assert configurer.post(f"/imports/{run.pk}/cancel/").status_code == 409
    assert ItemLink.objects.count() == 0


def test_an_import_that_cannot_be_planned_says_why(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value="nowhere = 1")
    assert configurer.post(LIST, {"project": project.pk, "reason": "Try"}).status_code == 303
    run = work(ImportRun.objects.get(), ends=JobState.FAILED)
    assert run.state == ImportState.FAILED
    assert "Change it in step 7" in said(configurer.get(f"/imports/{run.pk}/"))
    Project.objects.filter(pk=project.pk).update(ours_at=None, ours_by=None)
    refused = configurer.post(LIST, {"project": project.pk, "reason": "Try"})
    assert "is not ours" in said(refused)


def test_an_item_that_align_has_by_the_issues_key_is_linked_and_not_made_again(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    keys = [each.issue_key for each in lines(plan(configurer, project)) if each.level == "story"]
    assert configurer.post(f"/imports/{ImportRun.objects.latest('pk').pk}/cancel/").status_code == 303
    there = [
        sandbox.align("POST", "/stories", json={"title": "Was here", "programId": 11, "externalKey": key}).json()["id"]
        for key in (keys[0], keys[1], keys[1])
    ]
    seen = plan(configurer, project)
    assert configurer.post(f"/imports/{seen.pk}/cancel/").status_code == 303
    sandbox.edit("delete_item", object="story", id=there[0])
    another = {"title": "Was here", "programId": 11, "externalKey": keys[0]}
    there[0] = sandbox.align("POST", "/stories", json=another).json()["id"]
    run = imported(configurer, project)
    assert run.fingerprint != seen.fingerprint, "an approval is about which item is linked"
    linked = run.lines.get(issue_key=keys[0])
    assert (linked.act, linked.state, linked.align_id) == ("link", "done", there[0])
    assert run.lines.get(issue_key=keys[1]).act == "skip", "two have its key"
    assert item(sandbox, linked)["title"] == "Was here", "nothing was sent"
    again = imported(configurer, project)
    assert again.lines.get(issue_key=keys[0]).act == "update"
    assert item(sandbox, linked)["title"] == linked.title


def test_a_former_import_does_not_send_what_a_later_one_has_done(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    former = plan(configurer, project)
    assert approve(configurer, former).status_code == 303
    sandbox.faults({"method": "POST", "path": "/stories", "status": 400, "times": 1})
    work(former)
    failed = next(each for each in lines(former) if each.state == "failed" and each.level == "story")
    sandbox.faults()
    imported(configurer, project)
    sandbox.clear_journal()
    assert control(configurer, former, "retry").status_code == 303
    work(former)
    failed.refresh_from_db()
    assert failed.state == "failed"
    assert "has an item since" in failed.detail
    assert writes(sandbox) == []


def test_a_lost_item_is_found_by_what_was_sent_whatever_the_issue_is_called_now(
    sandbox: RunningSandbox, configurer: Client, project: Project, settings: Any
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.5, 0.1
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    first = next(each for each in lines(run) if each.level == "story")
    sandbox.faults({"method": "POST", "path": "/stories", "cut": "after", "times": 1})
    sandbox.faults({"method": "GET", "path": "/stories", "status": 401})
    work(run, ends=JobState.FAILED)
    first.refresh_from_db()
    assert (run.state, first.state) == (ImportState.PAUSED, "unknown")
    sandbox.faults()
    assert configurer.post(f"/imports/{run.pk}/cancel/").status_code == 303
    rename(sandbox, first.issue_key, "Renamed meanwhile")
    again = imported(configurer, project)
    line = again.lines.get(issue_key=first.issue_key)
    assert line.state == "done"
    assert item(sandbox, line)["title"] == first.title
    last = imported(configurer, project)
    assert last.lines.get(issue_key=first.issue_key).act == "update"
    assert item(sandbox, line)["title"] == "Renamed meanwhile"


def test_what_has_changed_here_since_it_was_planned_is_not_approved(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value="issuetype = Story")
    assert "have changed since it was planned" in said(approve(configurer, run))
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value="issuetype != Bug")
    Connector.objects.filter(pk=connector.pk).update(is_active=False)
    assert approve(configurer, run).status_code == 409
    Connector.objects.filter(pk=connector.pk).update(is_active=True)
    assert approve(configurer, run).status_code == 303
    Connector.objects.filter(pk=connector.pk).update(is_active=False)
    work(run, ends=JobState.FAILED)
    assert (run.state, run.error) == (ImportState.PAUSED, "The connector is deactivated.")
    assert writes(sandbox) == []


def test_an_import_whose_work_ended_is_paused_and_can_go_on(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    assert control(configurer, run, "resume").status_code == 409
    Job.objects.filter(subject=str(run.pk), kind=JobKind.IMPORT).update(state=JobState.FAILED)
    assert pause_orphans() == 1
    run.refresh_from_db()
    assert run.state == ImportState.PAUSED
    assert Entry.objects.latest("seq").action == "import.paused"
    assert control(configurer, run, "resume").status_code == 303
    work(run)
    assert run.state == ImportState.FINISHED
    assert pause_orphans() == 0

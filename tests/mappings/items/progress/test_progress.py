"""Progress over HTTP: read by a job from both systems without a write, added up, and shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    FieldRow,
    Job,
    JobKind,
    JobState,
    Project,
)
from mappings.models import AgreedLine, ItemLink, ProgressReading
from tests.conftest import SignIn
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/connectors/acme/progress/"
PROGRAM, CART, FEATURE, EPIC = 11, 101, 201, 1001
TODO, DOING, DONE = "To Do", "In Progress", "Done"


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def story(sandbox: RunningSandbox, key: str, state: int, points: float | None, **more: Any) -> int:
    """Of the program, made by somebody else."""
    values = {"title": f"Of {key}", "programId": PROGRAM, "externalKey": key, "state": state, "points": points}
    made = sandbox.align("POST", "/stories", json={"featureId": FEATURE, "teamId": CART, **values, **more})
    assert made.status_code < 300, made.text
    return int(made.json()["id"])


def read(client: Client, release: str = "", *, ends: JobState = JobState.DONE) -> ProgressReading:
    answer = client.post(PAGE, {"program": str(PROGRAM), "release": release})
    assert answer.status_code == 303, said(answer)
    found = ProgressReading.objects.latest("pk")
    assert found.job is not None
    job = runner.run_now(found.job)
    assert job.state == ends, job.error
    found.refresh_from_db()
    return found


def category(sandbox: RunningSandbox, key: str) -> str:
    status = sandbox.jira(f"/rest/api/3/issue/{key}?fields=status").json()["fields"]["status"]
    return {"new": "todo", "indeterminate": "doing", "done": "done"}[status["statusCategory"]["key"]]


def test_linked_items_are_read_from_both_sides_added_up_and_shown(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    story(sandbox, "PAY-5", 5, 8, releaseId=2, iterationId=2)
    story(sandbox, "PAY-6", 2, 2.5, releaseId=2, iterationId=2, teamId=102)
    story(sandbox, "PAY-99999", 0, 1, releaseId=1)
    story(sandbox, "NOWHERE-1", 0, 1)
    imported = story(sandbox, "", 3, 5)
    ItemLink.objects.create(
        connector=connector,
        jira_id=int(sandbox.jira("/rest/api/3/issue/PAY-7").json()["id"]),
        issue_key="PAY-7",
        level="story",
        align_id=imported,
        sent_at=connector.created_at,
    )
    sandbox.clear_journal()
    found = read(editor)
    assert writes(sandbox) == []
    assert found.requests == len(sandbox.journal(containing="/rest/"))
    assert found.left_out == {"not-linked": 1, "out-of-scope": 1, "recycled": 1}
    whole = found.sums["whole"]
    assert found.items == whole["number"] == 6
    assert whole["align"]["points"] == {"todo": 4.0, "doing": 13.5, "done": 8.0, "unknown": 0.0}
    assert whole["jira"]["counts"]["unknown"] == 1, "an issue that Jira does not show"
    assert sum(whole["jira"]["points"].values()) == sum(whole["align"]["points"].values())
    for kind in ("release", "epic", "feature"):
        assert sum(each["number"] for each in found.sums[kind]) == 6
    assert [each["name"] for each in found.sums["release"]][:2] == ["2026 Q1", "2026 Q2"]
    told = {each["key"]: (each["align"], each["jira"]) for each in found.sums["apart"]}
    assert told.get("PAY-5") == (None if category(sandbox, "PAY-5") == "done" else ("done", category(sandbox, "PAY-5")))
    assert whole["apart"] == len(told)
    html = editor.get(PAGE).content.decode()
    assert 'class="bars"' in html
    assert "Program increments in points. 2026 Q1: Align " in html
    assert "Not among them: 1 not linked to an issue; 1 of projects that are not in scope here" in html
    teams = said(editor.get(f"{PAGE}?by=teams"))
    assert "Sprint 2" in teams
    assert "Features in items." in editor.get(f"{PAGE}?by=feature&in=items").content.decode()
    entries = Entry.objects.filter(action__startswith="progress.").order_by("seq")
    assert [each.action for each in entries] == ["progress.started", "progress.finished"]

    of_second = read(editor, "2")
    assert (of_second.items, of_second.release_name) == (2, "2026 Q2")
    assert of_second.left_out["other-release"] == 4
    assert {each["team"] for each in of_second.sums["teams"]} == {101, 102}
    again = read(editor)
    assert set(ProgressReading.objects.values_list("pk", flat=True)) == {of_second.pk, again.pk}
    assert "2026 Q2" in said(editor.get(PAGE)), "the other choice is kept"
    sandbox.faults({"path": "/rest/api/", "status": 503, "times": 20})
    failed = read(editor, ends=JobState.FAILED)
    shown = said(editor.get(PAGE))
    assert "6 linked items" in shown, "the last one stays"
    assert failed.finished_at is None
    sandbox.faults()
    read(editor)
    assert not ProgressReading.objects.filter(pk=failed.pk).exists()
    # An issue that has another key by now is found by its id: the link knows it, and Align does not know the new key.
    sandbox.edit("rename_project", key="PAY", new_key="PAYS")
    ItemLink.objects.update(align_id=imported)
    renamed = read(editor)
    assert "PAYS-7" in {each["key"] for each in renamed.sums["apart"]} or category(sandbox, "PAYS-7") == "doing"


def test_data_center_and_a_pair_of_points(connector: Connector, sandbox: RunningSandbox, editor: Client) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system="jira").update(kind=CredentialKind.JIRA_PASSWORD)
    for system, key, type_ in (("align", "points", "number"), ("jira", "customfield_10016", "number")):
        FieldRow.objects.create(
            connector=connector,
            work_item_type="story",
            system=system,
            key=key,
            name=f"Points of {system}",
            type=type_,
            position=1,
        )
    pair = {"jira": "customfield_10016", "direction": "to-align", "options": []}
    AgreedLine.objects.create(connector=connector, subject="fields", key="story:points", value=pair)
    sandbox.clear_journal()
    found = read(editor)
    assert found.points_field == "Points of jira"
    assert found.items == 2
    assert found.sums["whole"]["jira"]["counts"]["unknown"] == 0
    searches = sandbox.journal(containing="/rest/api/2/search")
    assert len(searches) == 1
    assert "customfield_10016" in str(searches[0]["query"])


def test_it_is_read_once_at_a_time_of_a_program_in_scope_by_editors(
    connector: Connector, sandbox: RunningSandbox, editor: Client, signed_in: SignIn
) -> None:
    sandbox.clear_journal()
    for form, told in (
        ({}, "Choose a program"),
        ({"program": "999"}, "Choose a program"),
        ({"program": "x" * 500_000}, "Choose a program"),
        ({"program": "11", "release": "2026 Q1"}, "named by its id"),
        ({"program": "11", "release": "0"}, "named by its id"),
        ({"program": "11", "release": "9" * 500_000}, "named by its id"),
    ):
        answer = editor.post(PAGE, form)
        assert answer.status_code == 409
        assert told in said(answer)
        assert len(answer.content) < 60_000
    for odd in ("?reading=x&by=x&in=x&page=x", "?reading=99999999999999999999", "?by=%00&page=-1"):
        assert editor.get(PAGE + odd).status_code == 200
    for _ in range(2):
        assert editor.post(PAGE, {"program": "11", "release": " 1 "}).status_code == 303
    assert ProgressReading.objects.count() == Job.objects.filter(kind=JobKind.PROGRESS).count() == 1
    reviewer = signed_in(Role.REVIEWER)
    assert reviewer.get(PAGE).status_code == 200
    assert reviewer.post(PAGE, {"program": "11"}).status_code in (403, 404)
    assert signed_in(Role.VIEWER).get(PAGE).status_code == 404
    assert sandbox.journal(containing="/rest/") == []
    Project.objects.filter(programme_id=PROGRAM).update(programme_id=None)
    assert "Choose a program" in said(editor.post(PAGE, {"program": "11"}))
    Connector.objects.update(is_active=False)
    assert "deactivated" in said(editor.post(PAGE, {"program": "11"}))

"""Rehearsals over HTTP: started by an editor, worked out against the sandbox without a write, kept and shown."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.engine.items import LossCode
from mappings.items.rehearsal.queries import last_rehearsals, was_rehearsed
from mappings.items.rehearsal.services import KEPT
from mappings.models import AgreedLine, Rehearsal, Scope
from mappings.models import Mapping as MappingRow
from tests.conftest import SignIn
from tests.support.ours_helpers import kept, team, writes
from tests.support.people_helpers import said
from tests.support.rehearsal_helpers import codes, line, page_of, rehearse
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def test_issues_of_a_project_of_ours_become_items_and_nothing_is_written(
    connector: Connector, sandbox: RunningSandbox, editor: Client, signed_in: SignIn
) -> None:
    project = team(signed_in(Role.ADMIN), connector, sandbox)
    kept(Scope.objects.get(family="j2a-state", project=project, is_ours=True), 10122, 3)
    sandbox.clear_journal()
    found = rehearse(editor, "LAB")
    assert writes(sandbox) == []
    assert found.requests == len(sandbox.journal(containing="/rest/")), "each of them is counted"
    assert 0 < found.issues <= 50
    assert not found.compared
    assert found.found == {}
    story = line(found, "LAB-2")
    assert (story.level, story.type_name) == ("story", "Story")
    assert {each["name"]: each["shown"] for each in story.fields}["Owner"] == "Grace Hughes"
    mapped = found.lines.filter(status_name="In Review", level="story").first()
    assert mapped is None or mapped.state == 3
    assert LossCode.STATUS_NOT_MAPPED in codes(found, "LAB-4")
    assert {LossCode.TYPE_NOT_MAPPED} == codes(found, "LAB-5")
    html = said(editor.get(page_of("LAB")))
    assert "Falls to 0 - Pending approval" in html
    assert "Map the status in the matrix." in html
    assert "Out of date." not in html
    entries = Entry.objects.filter(action__startswith="rehearsal.").order_by("seq")
    assert [each.action for each in entries] == ["rehearsal.started", "rehearsal.finished"]


def test_a_project_is_rehearsed_once_at_a_time_by_editors_with_a_number_that_fits(
    connector: Connector, editor: Client, signed_in: SignIn
) -> None:
    page = page_of("PAY")
    for typed in ("", "0", "201", "many", "5" * 400):
        refused = editor.post(page, {"issues": typed})
        assert refused.status_code == 409
        assert "A rehearsal works out 1 to 200 issues." in said(refused)
    assert signed_in(Role.VIEWER).post(page, {"issues": "5"}).status_code == 404
    Project.objects.filter(key="MOB").update(in_scope=False, scope_choice="out")
    assert "is not in scope here" in said(editor.post(page_of("MOB"), {"issues": "5"}))
    for _ in range(2):
        assert editor.post(page, {"issues": "5"}).status_code == 303
    assert Rehearsal.objects.count() == Job.objects.filter(kind=JobKind.REHEARSAL).count() == 1
    Connector.objects.update(is_active=False)
    assert "deactivated" in said(editor.post(page, {"issues": "5"}))


def test_it_takes_the_issues_that_the_scope_names_and_says_where_they_land(
    connector: Connector, editor: Client
) -> None:
    agreed = {"shared:jql": "issuetype = Story OR issuetype = Epic", "shared:landing": {"team": {"id": 7}}}
    for key, value in agreed.items():
        AgreedLine.objects.create(connector=connector, subject="scope", key=key, value=value)
    found = rehearse(editor, "PAY")
    assert set(found.lines.values_list("type_name", flat=True)) == {"Story", "Epic"}
    assert {each["name"]: each["shown"] for each in line(found, "PAY-3").fields}["Team"] == "7"
    AgreedLine.objects.filter(key="shared:jql").update(value="issuetype = (Story")
    assert "Out of date." in said(editor.get(page_of("PAY")))
    editor.post(page_of("PAY"), {"issues": "5"})
    waiting = Rehearsal.objects.latest("pk").job
    assert waiting is not None
    assert runner.run_now(waiting).error.startswith("A parenthesis is opened and not closed")


def test_it_is_out_of_date_once_what_is_configured_has_changed(connector: Connector, editor: Client) -> None:
    rehearse(editor, "PAY", 5)
    page = page_of("PAY")
    assert "Out of date." not in said(editor.get(page))
    row = MappingRow.objects.filter(scope__family="j2a-state", scope__project=None, applied=2)[0]
    MappingRow.objects.filter(pk=row.pk).update(applied=3)
    assert "Out of date." in said(editor.get(page))


def test_the_last_few_are_kept_and_each_can_be_looked_at(connector: Connector, editor: Client) -> None:
    made = [rehearse(editor, "PAY", number).pk for number in range(1, KEPT + 3)]
    assert sorted(Rehearsal.objects.values_list("pk", flat=True)) == made[-KEPT:]
    assert "3 issues" in said(editor.get(f"{page_of('PAY')}?run={made[2]}"))
    for odd in ("?run=x&page=x", "?run=99999999999999999999", "?issue=%00", "?loss=no&outcome=no"):
        assert editor.get(page_of("PAY") + odd).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        last = last_rehearsals(connector)
    assert len(queries) == 1
    assert [each.key for each in last if each.finished_at] == ["PAY"]
    assert was_rehearsed(last)


def test_a_condition_that_jira_cannot_read_ends_it_with_jiras_words_and_nothing_is_kept(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    sandbox.faults({"path": "search/jql", "status": 400})
    editor.post(page_of("PAY"), {"issues": "5"})
    found = Rehearsal.objects.get()
    assert found.job is not None
    assert runner.run_now(found.job).state == JobState.FAILED
    assert "Jira cannot read the condition of the scope." in said(editor.get(page_of("PAY")))
    assert not found.lines.exists()

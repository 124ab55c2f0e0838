"""The issues to import over HTTP: checked live by Jira, landing by Align's names, drafted, approved and in force."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.models import Connector, Credential, CredentialKind, Project
from mappings.configuration.draft import DraftState
from mappings.configuration.proposing import approve, propose
from mappings.engine.import_scope import ImportScope, Landing
from mappings.items.scope.agreed import scope_for, scopes_for
from mappings.items.scope.jql import jql_of
from mappings.items.scope.subject import ISSUES_TO_IMPORT
from mappings.models import AgreedLine, ConfigurationProposal, DraftLine
from tests.support.people_helpers import entries, said
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
ADDRESS = "/connectors/acme/import-scope/"
STEP = "/connectors/acme/set-up/import/"


def form_of(client: Client, project: str = "") -> dict[str, Any]:
    """As a browser would send the page's form without a change."""
    whole = client.get(ADDRESS, {"project": project} if project else {}).content.decode()
    page = whole.partition('id="issues"')[2].partition("</form>")[0]
    found = {name: unescape(value) for name, value in re.findall(r'name="(seen|landing-\w+)" value="([^"]*)"', page)}
    found["jql"] = unescape(re.search(r"<textarea[^>]*name=\"jql\"[^>]*>([^<]*)", page)[1])  # type: ignore[index]
    found |= dict.fromkeys(re.findall(r'name="(follow-\w+|closed)" checked', page), "on")
    return found | ({"project": project} if project else {})


def send(client: Client, project: str = "", **typed: str) -> Any:
    """`closed=""` leaves a box without its tick."""
    chosen = form_of(client, project) | {name.replace("_", "-"): value for name, value in typed.items()}
    return client.post(ADDRESS, chosen)


def put_in_force(connector: Connector, actor: Person) -> ConfigurationProposal:
    seen = DraftState(ISSUES_TO_IMPORT, connector).fingerprint
    made = propose(ISSUES_TO_IMPORT, connector, seen=seen, reason="As our people work", actor=actor)
    return approve(made, made.fingerprint, ticked=True, actor=actor)


def project(key: str) -> Project:
    return Project.objects.get(key=key)


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


# --- what is decided --------------------------------------------------------------------------------------------------


def test_what_is_approved_is_in_force_and_a_project_may_differ_and_follow_again(
    connector: Connector, editor: Client, admin: Person, django_assert_num_queries: Any
) -> None:
    assert "Not decided yet" in said(editor.get(STEP))
    assert send(editor, jql="issuetype = Story").status_code == 303
    assert "not decided: every issue →becomes issuetype = Story" in said(editor.get(ADDRESS))
    assert send(editor, "PAY", jql="labels = ready", closed="on").status_code == 303
    assert scope_for(connector, project("PAY")) == ImportScope(), "a draft is not in force"
    put_in_force(connector, admin)
    with django_assert_num_queries(3):
        found = scopes_for(connector, [project("PROJ"), project("PAY")])
    assert found == {
        project("PROJ").jira_id: ImportScope(jql="issuetype = Story"),
        project("PAY").jira_id: ImportScope(jql="labels = ready", with_closed=True),
    }
    assert set(AgreedLine.objects.values_list("key", flat=True)) == {
        "shared:jql",
        f"{project('PAY').jira_id}:jql",
        f"{project('PAY').jira_id}:closed",
    }
    sentences = [each["sentence"] for each in entries("configuration.agreed")]
    assert "Issues to import: Issues of PAY is now labels = ready, previously as shared." in sentences
    step = said(editor.get(STEP))
    assert "Shared by all projects: issuetype = Story. 1 project differs." in step
    assert send(editor, "PAY", follow_jql="on", follow_closed="on").status_code == 303
    put_in_force(connector, admin)
    assert scope_for(connector, project("PAY")) == ImportScope(jql="issuetype = Story")


def test_saved_empty_it_is_decided_that_it_is_every_open_issue(
    connector: Connector, editor: Client, admin: Person
) -> None:
    assert send(editor).status_code == 303
    assert set(DraftLine.objects.values_list("key", "wanted")) == {("shared:jql", "")}
    put_in_force(connector, admin)
    assert "Shared by all projects: every issue." in said(editor.get(STEP))
    assert str(jql_of(7, scope_for(connector, project("PAY")))) == "project in (7) AND statusCategory != Done"


# --- Jira is asked ----------------------------------------------------------------------------------------------------


def check(client: Client, project: str = "", **typed: str) -> str:
    """As htmx asks it while somebody types."""
    chosen = form_of(client, project) | typed | {"check": "1"}
    answer = client.post(ADDRESS, chosen, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return said(answer)


def test_jira_counts_and_shows_some_in_three_requests_at_most(editor: Client, sandbox: RunningSandbox) -> None:
    sandbox.clear_journal()
    shown = check(editor, "PROJ", jql="issuetype = Story")
    asked = sandbox.journal()
    assert len(asked) <= 3
    whole = f"project in ({project('PROJ').jira_id}) AND (issuetype = Story) AND statusCategory != Done"
    assert any(whole in json.dumps(each["body"]) for each in asked), asked
    (number,) = re.findall(r"About (\d+) issues now, 10 of them here", shown)
    assert len(re.findall(r"PROJ-\d+", shown)) == 10
    with_closed = check(editor, "PROJ", jql="issuetype = Story", closed="on")
    assert int(re.findall(r"About (\d+) issues", with_closed)[0]) > int(number)
    used = [each for each in Entry.objects.filter(action="credential.used") if "Counting issues" in str(each.body)]
    assert len(used) == 1, "one entry for what is asked within ten minutes"
    assert "nothing would be imported" in check(editor, "PROJ", jql="issuetype = Story AND issuetype = Bug")
    assert not DraftLine.objects.exists()


def test_data_center_is_asked_by_its_own_search(editor: Client, sandbox: RunningSandbox) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system="jira").update(kind=CredentialKind.JIRA_PASSWORD)
    sandbox.clear_journal()
    assert re.search(r" \d+ issues now, 10 of them here", check(editor, "PROJ", jql="issuetype = Story"))
    assert {each["path"] for each in sandbox.journal(containing="search")} == {"/rest/api/2/search"}


def test_without_javascript_check_answers_with_the_whole_form(editor: Client) -> None:
    answer = send(editor, jql="issuetype = Story", check="1")
    assert answer.status_code == 200
    assert "issues now" in said(answer)
    assert 'aria-describedby="_checked jql-help">issuetype = Story</textarea>' in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("a = 1) OR (project = OTHER", "closed that was not opened"),
        ("issuetype = Story ORDER BY key", "Leave ORDER BY out"),
        ('summary ~ "open', "quotation mark is opened and not closed"),
        ("x" * 4001, "4,000 are the most"),
    ],
)
def test_what_could_widen_the_query_is_refused_at_its_field_and_stays(
    editor: Client, sandbox: RunningSandbox, typed: str, told: str
) -> None:
    sandbox.clear_journal()
    assert told in check(editor, jql=typed)
    assert sandbox.journal() == [], "nobody is asked"
    answer = send(editor, jql=typed)
    html = answer.content.decode()
    assert (answer.status_code, told in said(answer), 'aria-invalid="true"' in html) == (409, True, True)
    assert f">{typed}</textarea>" in unescape(html)
    assert not DraftLine.objects.exists()


def test_what_jira_does_not_take_or_cannot_be_asked_is_told_and_what_was_typed_stays(
    editor: Client, sandbox: RunningSandbox
) -> None:
    assert "Jira does not take this: Field 'colour'" in unescape(check(editor, jql="colour = red"))
    for fault, told in (
        ({"status": 503, "body": ""}, "Jira could not be asked."),
        ({"status": 401, "body": ""}, "Jira could not be asked."),
        ({"status": 429, "body": "", "headers": {"Retry-After": "60"}}, "Jira could not be asked."),
    ):
        sandbox.faults({"path": "search/", **fault})
        answer = send(editor, jql="issuetype = Story", check="1")
        assert (answer.status_code, told in said(answer)) == (409, True), fault
        assert ">issuetype = Story</textarea>" in answer.content.decode()
        sandbox.faults()
    Credential.objects.filter(system="jira").delete()
    assert "No Jira credential is stored" in check(editor, jql="issuetype = Story")
    Connector.objects.update(is_active=False)
    assert "deactivated" in check(editor, jql="issuetype = Story")


# --- where items land -------------------------------------------------------------------------------------------------


def some(sandbox: RunningSandbox, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.align("GET", f"/{path}", params={"$top": "100"}).json()
    return found


def test_items_land_where_aligns_names_say_and_a_team_of_another_program_is_a_warning(
    connector: Connector, editor: Client, admin: Person, sandbox: RunningSandbox
) -> None:
    team = next(each for each in some(sandbox, "teams") if each["programId"])
    programs = some(sandbox, "programs")
    other = next(each for each in programs if each["id"] not in {team["programId"], *(team["programIds"] or ())})
    release = some(sandbox, "releases")[0]
    typed = {"landing_program": str(other["id"]), "landing_team": str(team["id"]), "landing_release": release["title"]}
    answer = send(editor, **typed)
    if answer.status_code == 409:  # several have that name
        assert f'name="chosen-release" value="{release["id"]}"' in answer.content.decode()
        answer = send(editor, **typed, chosen_release=str(release["id"]))
    assert answer.status_code == 303, said(answer)
    page = said(editor.get(ADDRESS))
    assert f"Team {team['name']} does not work for program {other['title']} in Align." in page
    sandbox.clear_journal()
    assert send(editor, jql="issuetype = Story").status_code == 303
    assert sandbox.journal() == [], "what is known is not asked for again"
    put_in_force(connector, admin)
    landing = Landing(program_id=other["id"], release_id=release["id"], team_id=team["id"])
    assert scope_for(connector, project("PAY")).landing == landing


def test_a_name_that_align_does_not_have_is_refused_and_an_id_is_taken_where_it_cannot_be_asked(
    editor: Client, sandbox: RunningSandbox
) -> None:
    refused = send(editor, landing_program="No such program")
    assert (refused.status_code, "Jira Align shows no program “No such program”" in said(refused)) == (409, True)
    assert 'value="No such program"' in refused.content.decode()
    assert "shows no team “999999999”" in said(send(editor, landing_team="999999999"))
    assert not DraftLine.objects.exists()
    sandbox.faults({"path": "programs", "status": 403, "body": ""})
    assert "an id can be saved as it is" in said(send(editor, landing_program="Payments"))
    assert send(editor, landing_program="11").status_code == 303
    assert "Whether Align has program 11 is not known" in said(editor.get(ADDRESS))


# --- bad input --------------------------------------------------------------------------------------------------------


def test_an_old_page_another_project_and_another_edit_are_refused_and_nothing_is_lost(
    connector: Connector, signed_in: SignIn, editor: Client
) -> None:
    for seen in ("", "[]", '{"jql": 1}', '{"jql": [1], "closed": [1], "landing": [1]}', "9" * 60_000, "[" * 9_000):
        answer = send(editor, jql="labels = x", seen=seen)
        assert (answer.status_code, "load the page again" in said(answer)) == (409, True), seen[:40]
        assert "labels = x" in said(answer)
    assert editor.get(ADDRESS, {"project": "NOPE"}).status_code == 404
    assert "Nothing was saved" in said(editor.post(ADDRESS, form_of(editor) | {"project": "NOPE"}))
    old = form_of(editor)
    assert send(signed_in(Role.ADMIN), jql="labels = first").status_code == 303
    late = editor.post(ADDRESS, old | {"jql": "labels = late"})
    assert (late.status_code, "nothing was saved" in said(late), "labels = late" in said(late)) == (409, True, True)
    assert DraftLine.objects.get().wanted == "labels = first"


def test_a_jql_that_names_projects_is_a_warning_and_a_viewer_reads_all_of_it(
    connector: Connector, editor: Client, signed_in: SignIn
) -> None:
    assert send(editor, jql="project = OTHER", closed="on").status_code == 303
    viewer = said(signed_in(Role.VIEWER).get(ADDRESS))
    assert "The JQL names projects." in viewer
    assert "brought over, too" in viewer
    assert "saving changes nothing in Jira Align" in viewer
    assert "Save to the draft" not in viewer
    assert signed_in(Role.VIEWER).post(ADDRESS, {"jql": ""}).status_code == 403

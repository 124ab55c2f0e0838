"""The hierarchy over HTTP: chosen, proposed and approved, the matrices follow it, and what does not fit is told."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.align.terminology import LEVELS
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Carried, Connector, Finding, IssueType, Project, ReachableStatus, TypeMatch
from connectors.setup import services
from mappings.configuration.proposing import approve, propose
from mappings.findings.lines import attention
from mappings.hierarchy.facts import HierarchyFacts
from mappings.hierarchy.page import HierarchyState
from mappings.hierarchy.subject import HIERARCHY
from mappings.models import AgreedLine, ConfigurationProposal, DraftLine
from tests.support import factories
from tests.support.people_helpers import entries, said
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
ADDRESS = "/connectors/acme/hierarchy/"
USUAL = {"feature": ["Epic"], "story": ["Story"], "task": ["Sub-task"], "defect": ["Bug"]}


def form_of(client: Client, project: str = "") -> dict[str, Any]:
    """As a browser would send the page's form without a change."""
    page = client.get(ADDRESS, {"project": project} if project else {}).content.decode()
    found: dict[str, Any] = {"seen": html.unescape(re.search(r'name="seen" value="([^"]*)"', page)[1])}  # type: ignore[index]
    for name, value in re.findall(r'name="(types-\w+)" value="([^"]*)" checked', page):
        found.setdefault(name, []).append(html.unescape(value))
    found |= dict.fromkeys(re.findall(r'name="(follow-\w+)" checked', page), "on")
    return found | ({"project": project} if project else {})


def save(client: Client, project: str = "", **chosen: list[str] | str) -> Any:
    typed = {name.replace("_", "-"): value for name, value in chosen.items()}
    return client.post(ADDRESS, {**form_of(client, project), **typed})


def agreed(connector: Connector) -> dict[str, list[str]]:
    return dict(HierarchyFacts(connector).agreed)


def put_in_force(connector: Connector, actor: Person) -> ConfigurationProposal:
    seen = HierarchyState(connector).fingerprint
    made = propose(HIERARCHY, connector, seen=seen, reason="As our people work", actor=actor)
    return approve(made, made.fingerprint, ticked=True, actor=actor)


def statuses(client: Client, type_: str, project: str = "") -> str:
    return said(client.get("/connectors/acme/mappings/", {"type": type_, "scope": project}))


# --- one truth with the matrices ---------------------------------------------------------------------------------


def test_what_is_approved_is_what_the_rows_of_the_matrices_follow(
    connector: Connector, signed_in: SignIn, admin: Person
) -> None:
    editor = signed_in(Role.EDITOR)
    before = IssueTypes(connector).of("story", None)
    assert save(editor, types_story=["Story", "Task"]).status_code == 303
    assert IssueTypes(connector).of("story", None) == before, "a draft is not in force"
    assert said(editor.get(ADDRESS)).count("as Jira tells: Story →becomes Story, Task") == 1
    put_in_force(connector, admin)
    names = {IssueType.objects.get(pk=pk).name for pk in IssueTypes(connector).of("story", None)}
    assert names == {"Story", "Task"}
    assert agreed(connector) == {"shared:story": ["Story", "Task"]}
    assert set(TypeMatch.objects.values_list("work_item_type", "issue_type_name")) == {
        ("story", "Story"),
        ("story", "Task"),
    }
    (entry,) = entries("configuration.agreed")
    assert entry["sentence"] == "Hierarchy: Story is now Story, Task, previously as Jira tells: Story."


def test_what_was_chosen_before_there_was_a_hierarchy_is_what_it_begins_with(
    connector: Connector, signed_in: SignIn
) -> None:
    services.store_type_matches(connector, {None: {"story": ["Story", "Task"], "defect": ["Bug"]}})
    project = Project.objects.get(connector=connector, key="PROJ")
    services.store_type_matches(connector, {project: {"task": ["Sub-task", "Task"]}})
    assert agreed(connector) == {
        "shared:story": ["Story", "Task"],
        "shared:defect": ["Bug"],
        f"{project.jira_id}:task": ["Sub-task", "Task"],
    }
    shown = said(signed_in(Role.VIEWER).get(ADDRESS))
    assert "PROJ Task: Sub-task, Task" in shown


def test_nothing_can_stand_for_a_level_and_nobody_is_asked_again(
    connector: Connector, signed_in: SignIn, admin: Person
) -> None:
    client = signed_in(Role.ADMIN)
    assert save(client, types_defect=[], follow_defect="").status_code == 303
    put_in_force(connector, admin)
    assert agreed(connector) == {"shared:defect": []}
    assert IssueTypes(connector).of("defect", None) == set()
    step = said(client.get("/connectors/acme/set-up/types/"))
    assert "Defect = nothing" in step
    assert "is it Bug?" not in step
    assert save(client, follow_defect="on").status_code == 303
    put_in_force(connector, admin)
    assert not TypeMatch.objects.exists()
    assert IssueTypes(connector).names("defect") == ["Bug"]


def test_levels_above_the_feature_are_kept_too(connector: Connector, signed_in: SignIn, admin: Person) -> None:
    IssueType.objects.create(connector=connector, jira_id=10700, name="Initiative", hierarchy_level=2)
    save(signed_in(Role.EDITOR), types_epic=["Initiative"])
    put_in_force(connector, admin)
    assert agreed(connector) == {"shared:epic": ["Initiative"]}
    assert AgreedLine.objects.get().value == ["Initiative"]


# --- projects that differ ----------------------------------------------------------------------------------------


def test_a_project_may_differ_and_follow_again(connector: Connector, signed_in: SignIn, admin: Person) -> None:
    client, project = signed_in(Role.ADMIN), Project.objects.get(connector=connector, key="PAY")
    chosen: dict[str, Any] = {"types_story": ["Story", "Bug"], "types_defect": [], "follow_defect": ""}
    assert save(client, "PAY", **chosen).status_code == 303
    assert "Story in PAY" in said(client.get(ADDRESS))
    put_in_force(connector, admin)
    types = IssueTypes(connector)
    names = {IssueType.objects.get(pk=pk).name for pk in types.of("story", project.pk)}
    assert names == {"Story", "Bug"}
    assert types.names("story") == ["Story"]
    assert types.of("defect", project.pk) == set()
    assert [each["project_key"] for each in entries("configuration.agreed")] == ["PAY", "PAY"]
    assert save(client, "PAY", follow_story="on", follow_defect="on").status_code == 303
    put_in_force(connector, admin)
    assert not TypeMatch.objects.exists()


def test_a_project_that_is_not_there_is_told(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    answer = client.get(ADDRESS, {"project": "NOPE"})
    assert (answer.status_code, "There is no project NOPE here" in said(answer)) == (404, True)
    refused = client.post(ADDRESS, {**form_of(client), "project": "NOPE"})
    assert (refused.status_code, DraftLine.objects.exists()) == (409, False)


# --- checks ------------------------------------------------------------------------------------------------------


def test_what_breaks_the_order_cannot_be_saved_says_why_and_stays_typed(
    connector: Connector, signed_in: SignIn
) -> None:
    answer = save(signed_in(Role.EDITOR), types_feature=["Story"], types_story=["Epic"])
    assert answer.status_code == 409
    assert "In Jira Epic is on a higher level than Story, so it never can." in said(answer)
    assert "Chosen so far: Story" in said(answer)
    assert re.search(r'name="types-story" value="Epic" checked', answer.content.decode())
    assert not DraftLine.objects.exists()


def test_a_type_that_stands_twice_cannot_be_saved(connector: Connector, signed_in: SignIn) -> None:
    answer = save(signed_in(Role.EDITOR), types_story=["Story", "Bug"], follow_defect="", types_defect=["Bug"])
    assert answer.status_code == 409
    assert "Bug stands for Story and for Defect" in said(answer)


def test_projects_without_a_type_are_named(connector: Connector, signed_in: SignIn) -> None:
    ReachableStatus.objects.filter(project__key="SUP", issue_type__name="Bug").delete()
    shown = said(signed_in(Role.VIEWER).get(ADDRESS))
    assert re.search(r"Nothing that stands for Defect is in 1 of \d+ projects: SUP\.", shown)
    checks = signed_in(Role.VIEWER).get("/api/v1/set-up/acme/").json()["steps"][4]["checks"]
    states = {each["id"]: each["state"] for each in checks}
    assert states == {
        "work-item-types": "ok",
        "hierarchy-order": "ok",
        "hierarchy-projects": "open",
        "hierarchy-agreed": "ok",
    }


def test_a_hierarchy_that_jira_has_broken_since_is_told_and_can_be_mended(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn, admin: Person
) -> None:
    services.store_type_matches(connector, {None: {"defect": ["Bug"]}})
    IssueType.objects.filter(connector=connector, name="Bug").update(hierarchy_level=1)
    client = signed_in(Role.ADMIN)
    steps = client.get("/api/v1/set-up/acme/").json()["steps"]
    order = next(each for each in steps[4]["checks"] if each["id"] == "hierarchy-order")
    assert (steps[4]["state"], order["state"]) == ("broken", "failed")
    assert "A Defect belongs to a Feature" in order["sentence"]
    assert save(client, types_story=["Story", "Task"]).status_code == 303, "another line is not held up by it"
    assert save(client, types_defect=[], follow_defect="").status_code == 303
    put_in_force(connector, admin)
    steps = client.get("/api/v1/set-up/acme/").json()["steps"]
    assert next(each for each in steps[4]["checks"] if each["id"] == "hierarchy-order")["state"] == "ok"


def test_a_higher_scheme_warns_where_align_carries_projects(
    connector: Connector, signed_in: SignIn, admin: Person
) -> None:
    client = signed_in(Role.ADMIN)
    seen = form_of(client)["seen"]
    answer = client.post(f"{ADDRESS}start/", {"scheme": "roadmap", "seen": seen})
    assert answer.status_code == 303
    shown = said(client.get(ADDRESS))
    assert re.search(r"Align carries \d+ projects in scope, and its own connector makes a Feature of an epic", shown)
    assert "Saving changes nothing in Jira Align." in shown
    put_in_force(connector, admin)
    assert agreed(connector) == {
        "shared:epic": ["Epic"],
        "shared:feature": ["Bug", "Story", "Task"],
        "shared:story": ["Sub-task"],
        "shared:task": [],
        "shared:defect": [],
    }
    Project.objects.filter(connector=connector).update(carried=Carried.NO, scope_choice="in", in_scope=True)
    assert "its own connector makes" not in said(client.get(ADDRESS))


def test_align_s_own_scheme_is_what_jira_tells_said_for_good(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.EDITOR)
    client.post(f"{ADDRESS}start/", {"scheme": "align", "seen": form_of(client)["seen"]})
    wanted = HierarchyState(connector).wanted
    assert wanted == {f"shared:{level}": names for level, names in USUAL.items()}


# --- two people, stale -------------------------------------------------------------------------------------------


def test_two_who_choose_for_one_level_do_not_overwrite_each_other(
    connector: Connector, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    first, second = signed_in(Role.EDITOR), signed_in(Role.ADMIN)
    old = form_of(second)
    save(first, types_story=["Story", "Task"])
    late = second.post(ADDRESS, {**old, "types-story": ["Task"]})
    assert late.status_code == 409
    assert "Editor changed 1 of these choices" in said(late)
    assert "Chosen so far: Story, Task" in said(late)
    assert second.post(ADDRESS, {**old, "types-defect": ["Bug", "Task"]}).status_code == 409, "a Story by now"
    assert DraftLine.objects.get().wanted == ["Story", "Task"]


def test_a_proposal_is_stale_once_another_hierarchy_is_in_force(
    connector: Connector, signed_in: SignIn, admin: Person
) -> None:
    client = signed_in(Role.ADMIN)
    save(client, types_story=["Story", "Task"])
    made = propose(HIERARCHY, connector, seen=HierarchyState(connector).fingerprint, reason="x", actor=admin)
    services.store_type_matches(connector, {None: {"story": ["Story"]}})
    refused = client.post(f"/proposals/{made.pk}/approve/", {"fingerprint": made.fingerprint})
    assert (refused.status_code, "what holds for Story has changed" in said(refused)) == (409, True)


def test_a_type_that_jira_loses_before_the_approval_keeps_it_from_being_put_in_force(
    connector: Connector, signed_in: SignIn, admin: Person, sandbox: RunningSandbox
) -> None:
    client = signed_in(Role.ADMIN)
    save(client, types_story=["Story", "Task"])
    made = propose(HIERARCHY, connector, seen=HierarchyState(connector).fingerprint, reason="x", actor=admin)
    IssueType.objects.filter(connector=connector, name="Task").update(vanished_at=connector.catalogue_at)
    refused = client.post(f"/proposals/{made.pk}/approve/", {"fingerprint": made.fingerprint})
    assert "Story stands for Task, which Jira does not have" in said(refused)
    assert agreed(connector) == {}


# --- odd input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seen",
    [
        "",
        "[",
        "[]",
        "{}",
        "null",
        "[" * 5000,
        json.dumps(dict.fromkeys(LEVELS)),
        json.dumps({level: [1, 2] for level in LEVELS}),
    ],
)
def test_a_form_that_no_page_has_sent_changes_nothing(connector: Connector, signed_in: SignIn, seen: str) -> None:
    client = signed_in(Role.EDITOR)
    for address, more in ((ADDRESS, {}), (f"{ADDRESS}start/", {"scheme": "align"})):
        answer = client.post(address, {"seen": seen, "types-story": ["Task"], **more})
        assert answer.status_code == 409
        assert "This form is not of the page as it is now" in said(answer)
    assert not DraftLine.objects.exists()


@pytest.mark.parametrize("names", [["Nothing like it"], ["x" * 256], [""], ["\x00"], [f"t{n}" for n in range(501)]])
def test_names_that_jira_does_not_have_are_refused(connector: Connector, signed_in: SignIn, names: list[str]) -> None:
    answer = save(signed_in(Role.EDITOR), types_story=names)
    assert answer.status_code == 409
    assert not DraftLine.objects.exists()


def test_an_unknown_scheme_changes_nothing(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.EDITOR)
    assert client.post(f"{ADDRESS}start/", {"scheme": "x", "seen": form_of(client)["seen"]}).status_code == 409


def test_the_same_form_sent_twice_is_one_edit(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.EDITOR)
    typed = {**form_of(client), "types-story": ["Story", "Task", "Task"]}
    assert [client.post(ADDRESS, typed).status_code for _ in range(2)] == [303, 303]
    assert len(entries("configuration.edited")) == 1


def test_before_anything_was_read_there_is_nothing_to_choose(bare_connector: Connector, signed_in: SignIn) -> None:
    assert "have not been read yet" in said(signed_in(Role.ADMIN).get(ADDRESS))
    assert signed_in(Role.ADMIN).get("/connectors/acme/set-up/types/").status_code == 200


def test_a_viewer_reads_and_changes_nothing(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    page = client.get(ADDRESS).content.decode()
    assert "Save to the draft" not in page
    assert "Put it into the draft" not in page
    assert client.post(ADDRESS, {"seen": "{}"}).status_code == 403


# --- findings ----------------------------------------------------------------------------------------------------


def test_a_type_that_moves_in_jira_s_hierarchy_is_a_finding_that_leads_to_the_page(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    IssueType.objects.filter(connector=connector, name="Bug", project=None).update(hierarchy_level=1)
    factories.refreshed(connector)
    found = Finding.objects.get(kind="issue-type", change="moved")
    assert found.before == "of the whole site, at the level of epics"
    assert found.after == "of the whole site, at the base level"
    (line,) = attention(connector)
    assert line.text.endswith(": look whether it still fits the level of Align that it stands for.")
    assert line.href == ADDRESS

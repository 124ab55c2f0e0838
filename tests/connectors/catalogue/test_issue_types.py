"""Which Jira issue types a work item type stands for: told by Jira, kept by id, asked for where nothing tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.catalogue.issue_types import IssueTypes
from connectors.catalogue.usual_types import usual_type
from connectors.models import Connector, IssueType, Project, ReachableStatus, TypeMatch
from connectors.setup import services
from connectors.setup.readiness import StepState, readiness
from mappings.matrix.coverage import ProjectCoverage, coverage
from tests.support import factories, sandbox_fixture
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
SUBTASK = 10003
TYPES = ["feature", "story", "task", "defect"]


@pytest.mark.parametrize(
    ("name", "level", "is_subtask", "avatar", "type_"),
    [
        ("Epic", 1, False, None, "feature"),
        ("Objectif", 1, False, 10315, "feature"),
        ("Initiative", 2, False, None, ""),
        ("Subtask", -1, True, None, "task"),
        ("子任务", -1, False, None, "task"),
        ("Unteraufgabe", None, True, None, "task"),
        ("Story", 0, False, None, "story"),
        ("Historia", 0, False, None, "story"),
        ("FEHLER", 0, False, None, "defect"),
        ("バグ", 0, False, None, "defect"),
        ("\u30cf\u3099\u30af\u3099", 0, False, None, "defect"),  # the same, in parts
        ("Aufgabe", 0, False, None, ""),
        ("Störung", 0, False, 10303, "defect"),
        ("Anforderung", 0, False, 10315, "story"),
        ("Bug", 0, False, 10315, "defect"),  # the name is what people chose
        ("Spike", 0, False, None, None),
        ("Spike", 0, False, 99, None),
        ("Epos", None, False, None, "feature"),  # Data Center tells no level
        ("Epos", 0, False, None, None),
        ("Thema", None, False, 10307, "feature"),
    ],
)
def test_what_jira_says_of_a_type_tells_what_it_is(
    name: str, level: int | None, is_subtask: bool, avatar: int | None, type_: str | None
) -> None:
    assert usual_type(name, level=level, is_subtask=is_subtask, avatar=avatar) == type_


def of_types(connector: Connector) -> tuple[StepState, str]:
    found = next(each for each in readiness(connector) if each.code == "work-item-types")
    return found.state, found.sentence


def squares(shown: ProjectCoverage, key: str) -> list[str]:
    return [square.state for row in shown.rows if row.key == key for square in row.squares]


@pytest.mark.parametrize("language", ["de", "zh"])
def test_a_translated_service_user_changes_nothing(
    language: str, connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    before = coverage(connector).counts
    sandbox.edit("set_token", site="jira", token=sandbox_fixture.JIRA_TOKEN, language=language)
    factories.refreshed(connector)
    assert not IssueType.objects.filter(name="Bug").exists()
    assert coverage(connector).counts == before
    assert of_types(connector)[0] == StepState.OK
    matrix = signed_in(Role.VIEWER).get("/connectors/acme/mappings/?type=defect").content.decode()
    assert "No Jira status is reachable" not in matrix


@pytest.mark.parametrize("language", ["de", "zh"])
def test_choices_are_kept_by_id_when_the_language_changes(
    language: str, connector: Connector, sandbox: RunningSandbox
) -> None:
    services.store_type_matches(
        connector, {None: {"feature": ["Epic"], "story": ["Story", "Task"], "task": ["Sub-task"], "defect": ["Bug"]}}
    )
    before = {type_: IssueTypes(connector).of(type_, None) for type_ in TYPES}
    sandbox.edit("set_token", site="jira", token=sandbox_fixture.JIRA_TOKEN, language=language)
    factories.refreshed(connector)
    assert {type_: IssueTypes(connector).of(type_, None) for type_ in TYPES} == before
    assert of_types(connector)[0] == StepState.OK
    assert "Sub-task" not in of_types(connector)[1]  # told by the names of now


def test_sub_tasks_of_team_managed_projects_have_another_name_and_are_tasks(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    for each in sandbox.jira("/rest/api/3/issuetype").json():
        if each["subtask"] and "scope" in each:
            sandbox.edit("rename_issue_type", id=each["id"], name="Subtask")
    factories.refreshed(connector)
    assert of_types(connector) == (
        StepState.OK,
        "Feature = Epic; Story = Story; Task = Sub-task, Subtask; Defect = Bug.",
    )
    assert squares(coverage(connector), "PROJ1")[2] == "unmapped"
    matrix = signed_in(Role.VIEWER).get("/connectors/acme/mappings/?scope=PROJ1&type=task").content.decode()
    assert "Parked" in matrix


def test_a_choice_that_leaves_projects_out_is_named_per_project_with_what_they_have(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    TypeMatch.objects.create(
        connector=connector, work_item_type="task", issue_type_name="Sub-task", issue_type_ids=[SUBTASK]
    )
    for each in sandbox.jira("/rest/api/3/issuetype").json():
        if each["subtask"] and "scope" in each:
            sandbox.edit("rename_issue_type", id=each["id"], name="Subtask")
    factories.refreshed(connector)
    state, said = of_types(connector)
    assert state == StepState.MISSING
    assert "Nothing stands for Task in HACK, LAB, MKT, PROJ1, PROJ2: is it Subtask?" in said
    page = signed_in(Role.ADMIN)
    assert "is it Subtask?" in page.get("/connectors/acme/").content.decode()
    services.store_type_matches(connector, {None: {"task": ["Sub-task", "Subtask"]}})
    assert of_types(connector)[0] == StepState.OK


def test_a_team_managed_project_made_since_the_choice_follows_it_by_name(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    services.store_type_matches(connector, {None: {"story": ["Story"]}})
    sandbox.edit("add_project", key="NEXT", name="Next", style="next-gen")
    factories.refreshed(connector)
    made = IssueType.objects.get(name="Story", project__key="NEXT")
    assert made.pk in IssueTypes(connector).of("story", None)


def test_what_nothing_tells_is_asked_for_and_not_guessed(connector: Connector) -> None:
    IssueType.objects.filter(connector=connector, name="Story").update(name="Mejora", avatar=None)
    state, said = of_types(connector)
    assert state == StepState.MISSING
    assert "Nothing stands for Story in BILL, DATA, FRD, HACK, HRS and 14 more: is it Mejora?" in said
    assert "stands for Defect" not in said
    services.store_type_matches(connector, {None: {"story": ["Mejora"]}})
    assert of_types(connector)[0] == StepState.OK


def test_mappings_whose_issue_types_are_not_known_are_lost_and_not_called_not_applicable(
    connector: Connector, signed_in: SignIn
) -> None:
    IssueType.objects.filter(connector=connector, name="Story").update(name="Mejora", avatar=None)
    shown = coverage(connector)
    states = {row.key: row.squares[1].state for row in shown.rows}
    assert {states[key] for key in ("PROJ", "PAY", "PROJ1", "LAB")} == {"lost"}
    assert states["HACK"] == "na"  # nothing was ever mapped there
    page = signed_in(Role.VIEWER).get("/").content.decode()
    assert "PROJ1, Story: mappings exist, but no issue type here is known to stand for it" in page


def test_a_company_managed_project_without_bugs_is_not_lost(connector: Connector) -> None:
    """What these projects share serves the others."""
    ReachableStatus.objects.filter(project__key="SUP", issue_type__name="Bug").delete()
    assert squares(coverage(connector), "SUP")[3] == "na"


def test_a_renamed_type_that_was_chosen_stays_and_one_that_takes_its_name_does_not_come_in(
    connector: Connector,
) -> None:
    services.store_type_matches(connector, {None: {"defect": ["Bug"]}})
    IssueType.objects.filter(connector=connector, jira_id=10004).update(name="Flaw")
    newer = IssueType.objects.create(connector=connector, jira_id=10900, name="Bug", hierarchy_level=0)
    found = IssueTypes(connector).of("defect", None)
    assert IssueType.objects.get(jira_id=10004).pk in found
    assert newer.pk not in found


def test_what_one_project_has_of_its_own_takes_nothing_from_the_others(connector: Connector) -> None:
    project = Project.objects.get(connector=connector, key="PAY")
    services.store_type_matches(connector, {project: {"story": ["Story", "Bug"], "defect": []}})
    found = IssueTypes(connector)
    assert (found.of("defect", project.pk), found.names("story"), found.names("defect")) == (set(), ["Story"], ["Bug"])
    services.store_type_matches(connector, {project: {"story": None, "defect": None}})
    assert not TypeMatch.objects.exists()

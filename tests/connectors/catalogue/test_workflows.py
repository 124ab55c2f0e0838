"""What is kept of projects' workflows in a process is what the database holds, whatever was stored since, by whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.http.listing import Records
from connectors.catalogue import workflows
from connectors.catalogue.findings import SiteReading
from connectors.catalogue.issue_types import IssueTypes
from connectors.catalogue.reachable import ProjectStatuses, store_reachable
from connectors.catalogue.workflows import listed_projects
from connectors.jira.resources import IssueTypeStatuses, JiraIssueType, JiraStatus
from connectors.models import Connector, Project, ReachableStatus, TypeMatch, WorkItemType, has_lists

pytestmark = pytest.mark.django_db
Answer = Mapping[str, Sequence[int]]  # name of an issue type -> ids of its statuses
NAMES = ("Epic", "Story", "Bug", "Sub-task", "Need")
LEVELS = {"Epic": 1, "Sub-task": -1}
KEYS = ("A", "B", "C", "T")


@pytest.fixture
def projects(bare_connector: Connector) -> dict[str, Project]:
    """Three company-managed ones and T; none was read."""
    return {
        key: Project.objects.create(
            connector=bare_connector, jira_id=number, key=key, name=key, in_scope=True, team_managed=key == "T"
        )
        for number, key in enumerate(KEYS, start=1)
    }


def store(connector: Connector, answers: Mapping[str, Answer]) -> None:
    """As a reading stores it, that began just now."""
    portion = [
        ProjectStatuses(project=project, statuses=Records(_types(answers[project.key])))
        for project in Project.objects.filter(key__in=answers)
    ]
    store_reachable(SiteReading(connector=connector, began_at=timezone.now() + timedelta(hours=1)), portion)


def _types(answer: Answer) -> Iterator[IssueTypeStatuses]:
    for name, statuses in answer.items():
        type_ = JiraIssueType(
            id=NAMES.index(name) + 1,
            name=name,
            is_subtask=name == "Sub-task",
            hierarchy_level=LEVELS.get(name, 0),
            project_id=None,
        )
        found = [JiraStatus(id=id_, name=f"S{id_}", category="new", project_id=None) for id_ in statuses]
        yield IssueTypeStatuses(issue_type=type_, statuses=Records(found))


def stored(connector: Connector) -> dict[str, dict[str, set[int]]]:
    """By key of the project and name of the issue type, read row by row."""
    found: dict[str, dict[str, set[int]]] = {
        key: defaultdict(set)
        for key in Project.objects.filter(has_lists(), connector=connector).values_list("key", flat=True)
    }
    for row in ReachableStatus.objects.select_related("project", "issue_type", "status"):
        if row.project.has_lists:
            found[row.project.key][row.issue_type.name].add(row.status.jira_id)
    return found


def kept(connector: Connector) -> dict[str, dict[str, set[int]]]:
    names = {pk: type_.name for pk, type_ in IssueTypes(connector).all.items()}
    return {
        project.key: {names[type_]: set(statuses) for type_, statuses in project.workflow.reach}
        for project in listed_projects(connector)
    }


def shared(connector: Connector) -> dict[str, set[int]]:
    """Of company-managed projects, by the rows and `of` alone."""
    matches = IssueTypes(connector)
    rows = [each for each in ReachableStatus.objects.select_related("project", "status") if each.project.has_lists]
    return {
        type_.value: {
            row.status.jira_id
            for row in rows
            if not row.project.team_managed and row.issue_type_id in matches.of(type_, row.project_id)
        }
        for type_ in WorkItemType
    }


def same(connector: Connector) -> None:
    assert kept(connector) == stored(connector)
    matches = IssueTypes(connector)
    assert {type_.value: matches.shared_statuses(type_) for type_ in WorkItemType} == shared(connector)


def test_each_thing_that_it_follows_from_is_followed(bare_connector: Connector, projects: dict[str, Project]) -> None:
    same(bare_connector)
    store(bare_connector, {key: {"Story": [1, 2], "Bug": [2]} for key in KEYS})
    same(bare_connector)
    store(bare_connector, {"B": {"Story": [1, 3], "Epic": [4]}})  # other statuses, other types
    same(bare_connector)
    store(bare_connector, {"B": {}})
    same(bare_connector)
    TypeMatch.objects.create(
        connector=bare_connector,
        project=projects["A"],
        work_item_type="story",
        issue_type_name="Bug",
        issue_type_ids=[NAMES.index("Bug") + 1],
    )
    same(bare_connector)
    TypeMatch.objects.create(connector=bare_connector, work_item_type="defect", issue_type_name="Story")
    same(bare_connector)
    for change in (
        {"in_scope": False},
        {"in_scope": True},
        {"carried": "no", "in_scope": False},
        {"carried": "unknown", "in_scope": True},
        {"vanished_at": timezone.now()},
        {"vanished_at": None},
        {"team_managed": True},
        {"key": "Z"},
    ):
        Project.objects.filter(pk=projects["A"].pk).update(**change)
        same(bare_connector)


def test_any_order_of_readings_leaves_what_the_database_holds(
    bare_connector: Connector, projects: dict[str, Project], seed: int
) -> None:
    chance = Random(seed)
    for _ in range(8):
        keys = chance.sample(KEYS, chance.randint(1, 4))
        store(bare_connector, {key: _answer(chance) for key in keys})
        same(bare_connector)


def _answer(chance: Random) -> dict[str, list[int]]:
    return {name: chance.sample(range(1, 6), chance.randint(1, 3)) for name in chance.sample(NAMES, 2)}


def test_a_reading_that_is_taken_back_leaves_nothing_of_it(
    bare_connector: Connector, projects: dict[str, Project]
) -> None:
    store(bare_connector, {"A": {"Story": [1]}})
    same(bare_connector)
    with transaction.atomic():
        store(bare_connector, {"A": {"Story": [2]}})
        same(bare_connector)  # kept by this process, from within
        transaction.set_rollback(True)
    same(bare_connector)
    assert kept(bare_connector)["A"] == {"Story": {1}}


def test_only_what_was_read_since_is_asked_for_and_nothing_where_nothing_was(
    bare_connector: Connector, projects: dict[str, Project]
) -> None:
    store(bare_connector, {key: {"Story": [1, 2]} for key in KEYS})
    workflows.forget()
    assert _queries(bare_connector) == 2
    assert _queries(bare_connector) == 1
    store(bare_connector, {"A": {"Story": [1, 2]}})
    with CaptureQueriesContext(connection) as asked:
        listed_projects(bare_connector)
    assert f"IN ({projects['A'].pk})" in asked.captured_queries[1]["sql"]


def test_projects_that_were_never_dated_are_asked_for_each_time(
    bare_connector: Connector, projects: dict[str, Project]
) -> None:
    store(bare_connector, {"A": {"Story": [1, 2]}})
    Project.objects.update(read_at=None)
    ReachableStatus.objects.filter(status__jira_id=2).delete()
    same(bare_connector)


def test_equal_workflows_are_one_object_and_too_many_are_forgotten(
    bare_connector: Connector, projects: dict[str, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    store(bare_connector, {key: {"Story": [1, 2], "Bug": [1, 2]} for key in KEYS})
    first, *others = (each.workflow for each in listed_projects(bare_connector))
    assert all(each is first for each in others)
    (_, of_story), (_, of_bugs) = first.reach
    assert of_story is of_bugs
    monkeypatch.setattr(workflows, "MOST_PROJECTS", 2)
    for number in count(3):
        store(bare_connector, {"A": {"Story": [number]}})
        same(bare_connector)
        if number > 6:
            break
    assert len(workflows._kept._of) <= 2 + len(KEYS)


def _queries(connector: Connector) -> int:
    with CaptureQueriesContext(connection) as asked:
        listed_projects(connector)
    return len(asked)

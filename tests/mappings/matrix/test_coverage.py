"""The coverage of some projects alone: the same as theirs among all."""

from __future__ import annotations

import pytest
from django.utils import timezone

from connectors.models import Connector, IssueType, Project, ReachableStatus, Status, TypeMatch
from mappings.matrix.coverage import coverage
from mappings.models import Mapping, Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def projects(bare_connector: Connector) -> list[int]:
    """Company-managed A and B, of which B alone reaches Story, and team-managed T, U, and V out of scope."""
    made = {
        key: Project.objects.create(
            connector=bare_connector, jira_id=number, key=key, name=key, in_scope=key != "V", team_managed=key in "TUV"
        )
        for number, key in enumerate("ABTUV", start=1)
    }
    status = {
        number: Status.objects.create(connector=bare_connector, jira_id=number, name=f"S{number}", category="todo")
        for number in (1, 2)
    }
    task = IssueType.objects.create(connector=bare_connector, jira_id=1, name="Bug", hierarchy_level=0)
    story = IssueType.objects.create(connector=bare_connector, jira_id=2, name="Story", hierarchy_level=0)
    own = IssueType.objects.create(
        connector=bare_connector, jira_id=3, name="Need", hierarchy_level=0, project=made["T"]
    )
    TypeMatch.objects.create(
        connector=bare_connector, project=made["T"], work_item_type="story", issue_type_name="Need", issue_type_ids=[3]
    )
    for key, type_, numbers in [("A", task, [1]), ("B", story, [1, 2]), ("T", own, [1]), ("U", task, [2])]:
        for number in numbers:
            ReachableStatus.objects.create(project=made[key], issue_type=type_, status=status[number])
    for owner in ("", "T", "U"):
        scope = Scope.objects.create(
            connector=bare_connector,
            family="j2a-state",
            project=made[owner] if owner else None,
            observed_at=timezone.now(),
        )
        for name in ("story", "task") if owner != "T" else ("defect",):
            Mapping.objects.create(scope=scope, work_item_type=name, source_id=1, wanted=3)
    back = Scope.objects.create(connector=bare_connector, family="a2j-state", project=made["B"])
    Mapping.objects.create(scope=back, work_item_type="feature", source_id=1, wanted=1)
    return [each.pk for each in made.values()]


def test_a_part_of_the_projects_has_the_rows_that_it_has_among_all(
    bare_connector: Connector, projects: list[int]
) -> None:
    every = coverage(bare_connector).rows
    states = {row.key: [square.state for square in row.squares] for row in every}  # feature, story, task, defect
    assert states["A"][1] == "na"  # B reaches Story, so what is shared is not lost
    assert states["A"][2] == "lost"
    assert states["B"][:2] == ["lost", "partly"]
    assert states["U"][1] == "lost"
    parts = [[], projects, *([pk] for pk in projects), projects[:1] + projects[2:3], projects[1:4]]
    for only in parts:
        found = coverage(bare_connector, only=only).rows
        assert found == tuple(row for row in every if row.pk in only)

"""The matrix that company-managed projects share, with their ways back counted by the database, says what it says when
it is worked out from every row of every project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest
from django.utils import timezone

from connectors.models import (
    Connector,
    IssueType,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
    StatusCategory,
)
from mappings.edits.matrix_data import Facts, row_of
from mappings.edits.matrix_scope import MatrixScope
from mappings.engine.checks import check
from mappings.engine.families import FAMILIES
from mappings.engine.matrix import build
from mappings.engine.values import Direction, Kind, TypeName
from mappings.engine.view import View
from mappings.models import ForeignRecord, Mapping, Scope
from tests.mappings.matrix.test_redrawing import world

pytestmark = pytest.mark.django_db
STATUSES, STEPS = range(101, 106), range(501, 505)
STRANGER, LOST = 900, 590  # a status and a step that are in no catalogue


def test_a_view_with_counted_ways_back_has_all_problems_and_rows_of_the_one_with_the_rows() -> None:
    for number in range(300):
        whole = replace(world(Random(number)), a2j_known=True)
        ways = {
            (row.source_id, row.wanted): sum(
                each.wanted == row.wanted and each.source_id == row.source_id
                for rows in whole.a2j.values()
                for each in rows
            )
            for rows in whole.a2j.values()
            for row in rows
            if row.wanted is not None
        }
        if whole.project_key is None:
            # The shared scope has no list of its own.
            counted = replace(whole, a2j={}, a2j_known=False, counted_back=ways, counted_lists=len(whole.a2j))
            assert view_says(counted) == view_says(whole)


@pytest.mark.parametrize("number", range(12))
def test_the_shared_matrix_says_what_all_rows_of_all_projects_say(bare_connector: Connector, number: int) -> None:
    chance = Random(number)
    make_world(bare_connector, chance)
    same(bare_connector)
    for _ in range(4):
        change(chance)
        same(bare_connector)


def test_the_shared_matrix_says_in_how_many_projects_a_target_has_no_way_back(bare_connector: Connector) -> None:
    """A project that is not in scope, and one whose list was never read, are not among those without one."""
    for number, (is_in, was_read) in enumerate([(True, True), (True, True), (False, True), (True, False)]):
        project = Project.objects.create(connector=bare_connector, jira_id=number, key=f"P{number}", in_scope=is_in)
        at = timezone.now() if was_read else None
        scope = Scope.objects.create(connector=bare_connector, family="a2j-state", project=project, observed_at=at)
        if number == 0:
            Mapping.objects.create(scope=scope, work_item_type="story", source_id=4, wanted=101)
    shared = Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now())
    Mapping.objects.create(scope=shared, work_item_type="story", source_id=101, wanted=4)
    shown = MatrixScope(Kind.STATE, TypeName.STORY)
    found = check(Facts(bare_connector, [shown]).view(shown))
    sentences = [problem.sentence for problem in found if problem.code == "no-way-back"]
    assert sentences == ["In 1 of 3 projects, nothing happens in Jira when Align is set to 4 Test complete."]


def same(connector: Connector) -> None:
    for kind in Kind:
        for type_ in (TypeName.STORY, TypeName.FEATURE):
            shown = MatrixScope(kind, type_)
            found = Facts(connector, [shown]).view(shown)
            assert view_says(found) == view_says(of_rows(connector, found))
            several = Facts(connector, [MatrixScope(each, other) for each in Kind for other in TypeName])
            assert view_says(several.view(shown)) == view_says(found)


def view_says(view: View) -> tuple[object, ...]:
    matrix = build(view)
    return check(view), matrix.counts, matrix.coverage, matrix.columns, [row.marks for row in matrix.rows], view.renamed


def of_rows(connector: Connector, found: View) -> View:
    """The same with each project's rows, and with its programmes and keys, each read by itself."""
    projects = [
        each for each in Project.objects.filter(connector=connector) if each.has_lists and not each.team_managed
    ]
    a2j = {}
    strange: set[int] = set()
    for project in projects:
        scope = Scope.objects.filter(project=project, family=f"a2j-{found.kind.value}").first()
        if scope is not None and scope.observed_at is not None:
            rows = scope.mappings.filter(work_item_type=found.work_item_type).order_by("source_id")
            a2j[project.key] = tuple(row_of(row) for row in rows)
        if scope is not None and scope.known:
            strange |= {record.source_id for record in scope.foreign_records.all()}
    assert [(each.key, set(each.programme_ids)) for each in found.projects] == [
        (each.key, {each.programme_id} - {None}) for each in projects
    ]
    assert found.unrecognised_back == strange
    reached = ReachableStatus.objects.filter(project__in=projects, issue_type__name=found.work_item_type.label)
    assert found.reachable == set(reached.values_list("status__jira_id", flat=True))
    return replace(found, a2j=a2j, a2j_known=True, counted_back=None)


def make_world(connector: Connector, chance: Random) -> None:
    for number in STATUSES:
        Status.objects.create(
            connector=connector, jira_id=number, name=f"S{number % 3}", category=chance.choice(StatusCategory.values)
        )
    flow = ProcessFlow.objects.create(
        connector=connector, align_id=1, name="Flow", level="story", programme_ids=[chance.randrange(3)]
    )
    for number in STEPS:
        ProcessStep.objects.create(flow=flow, connector=connector, align_id=number, name=f"Step {number}")
    types = [
        IssueType.objects.create(connector=connector, jira_id=1, name="Story", hierarchy_level=0),
        IssueType.objects.create(connector=connector, jira_id=2, name="Feature", hierarchy_level=1),
    ]
    for number in range(6):
        project = Project.objects.create(
            connector=connector,
            jira_id=number,
            key=f"P{number}",
            name="",
            in_scope=chance.random() < 0.8,
            team_managed=chance.random() < 0.2,
            programme_id=chance.choice([None, 0, 1, 2]),
            align_key=chance.choice(["", "", f"P{number}", f"OLD{number}"]),
        )
        for type_ in types:
            for status in chance.sample(list(Status.objects.all()), 2):
                ReachableStatus.objects.create(project=project, issue_type=type_, status=status)
        for family in FAMILIES.values():
            if family.direction is Direction.ALIGN_TO_JIRA:
                make_list(connector, family.code, project, chance)
    for family in FAMILIES.values():
        if family.direction is Direction.JIRA_TO_ALIGN:
            make_list(connector, family.code, None, chance)


def make_list(connector: Connector, code: str, project: Project | None, chance: Random) -> None:
    is_strange = chance.random() < 0.2
    scope = Scope.objects.create(
        connector=connector,
        family=code,
        project=project,
        observed_at=timezone.now() if chance.random() < 0.8 else None,
        error="Not read." if chance.random() < 0.2 else "",
        foreign_rows=int(is_strange),
    )
    if is_strange:
        ForeignRecord.objects.create(
            scope=scope, remote_id=1, type_id=77, source_id=chance.choice(targets(code)), target_id=101
        )
    for type_ in TypeName:
        Mapping.objects.bulk_create(rows_of(scope, type_, code, chance))


def rows_of(scope: Scope, type_: TypeName, code: str, chance: Random) -> Iterator[Mapping]:
    statuses = [*STATUSES, STRANGER]
    sources, values = (statuses, targets(code)) if code.startswith("j2a") else (targets(code), statuses)
    for source_id in sources:
        if chance.random() < 0.6:
            wanted, applied, observed = (chance.choice([None, *values]) for _ in range(3))
            yield Mapping(
                scope=scope,
                work_item_type=type_.value,
                source_id=source_id,
                wanted=wanted,
                applied=applied,
                observed=observed,
                remote_id=source_id,
                names_in_align={str(source_id): [f"Name {source_id}", f"Name {observed}"]},
            )


def targets(code: str) -> list[int]:
    return [0, 1, 2, 3, 4, 5] if code.endswith("state") else [*STEPS, LOST]


def change(chance: Random) -> None:
    """One of what a count follows from."""
    project = chance.choice(list(Project.objects.all()))
    row = chance.choice(list(Mapping.objects.filter(scope__family__startswith="a2j")))
    scope = chance.choice(list(Scope.objects.filter(project__isnull=False)))
    acts: list[Callable[[], object]] = [
        lambda: Project.objects.filter(pk=project.pk).update(in_scope=not project.in_scope),
        lambda: Project.objects.filter(pk=project.pk).update(team_managed=not project.team_managed),
        lambda: Project.objects.filter(pk=project.pk).update(vanished_at=timezone.now()),
        lambda: Project.objects.filter(pk=project.pk).update(programme_id=chance.choice([None, 0, 1, 2])),
        lambda: Mapping.objects.filter(pk=row.pk).update(wanted=chance.choice([None, *STATUSES])),
        lambda: Mapping.objects.filter(pk=row.pk).delete(),
        lambda: Scope.objects.filter(pk=scope.pk).update(observed_at=None),
        lambda: Scope.objects.filter(pk=scope.pk).update(error="Refused."),
    ]
    chance.choice(acts)()

"""Which of Jira's issues are the work items of one type: by ids of projects and issue types, in few questions.

Projects for which the same issue types were chosen are asked together; a list that Jira is sent does not grow without
an end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from connectors.catalogue.issue_types import IssueTypes
from connectors.jira.jql import Jql, issues_of
from connectors.models import Connector, Project
from mappings.engine.values import TypeName

MOST_PROJECTS = 500  # in one question


@dataclass(frozen=True, kw_only=True)
class ProjectTypes:
    """One project in scope and its issue types of one work item type, by Jira's ids. `chosen`: those of its own."""

    pk: int
    jira_id: int
    team_managed: bool
    issue_types: frozenset[int]
    chosen: frozenset[int] | None = None


@dataclass(frozen=True, kw_only=True)
class ItemGroup:
    """Work items of one type, told by Jira's ids."""

    projects: tuple[int, ...]
    issue_types: tuple[int, ...]

    @property
    def jql(self) -> Jql:
        return issues_of(self.projects, self.issue_types)


class ItemGroups:
    """Of one connector; the matches of types are read once."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    @cached_property
    def matches(self) -> IssueTypes:
        return IssueTypes(self.connector)

    def projects(self, type_: TypeName, project: Project | None = None, *, is_ours: bool = False) -> list[ProjectTypes]:
        """The project's, or those of all in scope; without those that have no issue type of this kind."""
        reached = self.matches.reachable(type_, is_ours=is_ours)
        if project is not None:
            reached = reached.filter(project=project)
        rows = reached.order_by("project_id", "issue_type_id").values_list(
            "project_id", "project__jira_id", "project__team_managed", "issue_type_id"
        )
        found: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
        for pk, jira_id, team_managed, type_pk in rows.distinct():
            known = self.matches.all.get(type_pk)
            if known is not None and known.vanished_at is None:  # Jira refuses a question that names one that is gone
                found[pk, jira_id, team_managed].add(known.jira_id)
        return [
            ProjectTypes(
                pk=pk,
                jira_id=jira_id,
                team_managed=team_managed,
                issue_types=frozenset(types),
                chosen=self._chosen(type_, pk),
            )
            for (pk, jira_id, team_managed), types in found.items()
        ]

    def _chosen(self, type_: TypeName, project_id: int) -> frozenset[int] | None:
        own = self.matches.own.get((type_.value, project_id))
        return None if own is None else frozenset(own)


def groups_of(projects: Iterable[ProjectTypes]) -> list[ItemGroup]:
    return [group_of(some) for some in alike(projects)]


def group_of(projects: Iterable[ProjectTypes]) -> ItemGroup:
    """Of projects that are alike: a type of one of them stands for nothing else in another."""
    some = list(projects)
    types = frozenset[int]().union(*(each.issue_types for each in some))
    return ItemGroup(projects=tuple(sorted(each.jira_id for each in some)), issue_types=tuple(sorted(types)))


def alike(projects: Iterable[ProjectTypes]) -> Iterator[list[ProjectTypes]]:
    """Those for which the same types were chosen, at most so many as one question may name."""
    found: dict[frozenset[int] | None, list[ProjectTypes]] = defaultdict(list)
    for each in projects:
        found[each.chosen].append(each)
    for some in found.values():
        for start in range(0, len(some), MOST_PROJECTS):
            yield some[start : start + MOST_PROJECTS]

"""What the hierarchy is worked out of: issue types with their levels, the projects in scope, and what was chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from connectors.align.terminology import LEVELS
from connectors.catalogue.issue_types import IssueTypes, KnownType, usual_of
from connectors.catalogue.workflows import ProjectWorkflow, read_as_text, workflows_of
from connectors.models import Carried, Connector, Project, WorkItemType, in_scope_here
from mappings.configuration.agreed import agreed_lines
from mappings.engine.configuration import LineValues, line_key, split_line_key
from mappings.engine.hierarchy import (
    SHARED,
    HierarchyPlace,
    JiraType,
    TypesOfProject,
    by_name,
    jira_type,
)

SUBJECT = "hierarchy"


class ScopedProject(NamedTuple):
    """One in scope whose issue types were read, with as little as checks and pages of thousands of them need."""

    pk: int
    jira_id: int
    key: str
    carried: str
    workflow: ProjectWorkflow


class HierarchyFacts:
    """Of one connector; each part is read once, when it is first asked for."""

    def __init__(self, connector: Connector, matches: IssueTypes | None = None) -> None:
        self.connector = connector
        self._matches = matches

    # --- what Jira has ---

    @cached_property
    def issue_types(self) -> IssueTypes:
        return self._matches or IssueTypes(self.connector)

    @cached_property
    def live(self) -> list[KnownType]:
        found = (each for each in self.issue_types.all.values() if each.vanished_at is None)
        return sorted(found, key=lambda each: each.jira_id)

    @cached_property
    def types(self) -> dict[str, JiraType]:
        """Of the whole site, by name."""
        return by_name(_jira_type(each) for each in self.live)

    @cached_property
    def usual(self) -> dict[str, str | None]:
        """By name, which work item type Jira tells it to be; empty: another, None: it does not tell."""
        found: dict[str, str | None] = {}
        for each in self.live:
            found[each.name] = found.get(each.name) or usual_of(each)
        return found

    @cached_property
    def projects(self) -> dict[int, ScopedProject]:
        """Those in scope whose issue types were read, by Jira's id and in the order of their keys."""
        found = Project.objects.filter(in_scope_here(), connector=self.connector, read_at__isnull=False)
        columns = ("pk", "jira_id", "key", "carried", "read")
        rows = list(found.order_by("key").annotate(read=read_as_text()).values_list(*columns))
        workflows = workflows_of({row[0]: row[-1] for row in rows})
        return {row[1]: ScopedProject._make((*row[:-1], workflows[row[0]])) for row in rows}

    @cached_property
    def carried(self) -> int:
        """How many of them Align's connector carries; what is not known counts as carried."""
        return sum(each.carried != Carried.NO.value for each in self.projects.values())

    def types_in(self, project: Project | ScopedProject) -> dict[str, JiraType]:
        known = self.projects.get(project.jira_id)
        there = {issue_type for issue_type, _ in known.workflow.reach} if known else ()
        return by_name(_jira_type(each) for each in self.live if each.pk in there)

    # --- what is agreed ---

    @cached_property
    def agreed(self) -> LineValues:
        """Of work item types it is what the rows of the matrices follow, of the levels above them this room's own."""
        keys = self._jira_ids
        chosen = {
            line_key(SHARED if project is None else str(keys[project]), type_): names
            for (type_, project), names in self.issue_types.chosen_names().items()
            if project is None or project in keys
        }
        return {**agreed_lines(self.connector, SUBJECT), **chosen}

    @cached_property
    def _jira_ids(self) -> dict[int, int]:
        """Of every project with a choice of its own, in scope or not."""
        own = {project for _, project in self.issue_types.chosen_names() if project is not None}
        return dict(Project.objects.filter(pk__in=own).values_list("pk", "jira_id")) if own else {}

    # --- what values come to ---

    def shared(self, values: LineValues) -> dict[str, list[str]]:
        """Level -> what stands for it where a project has nothing of its own: as decided, else as Jira tells."""
        decided = {level: values.get(line_key(SHARED, level)) for level in LEVELS}
        taken = {name for level, names in decided.items() if is_work_item_type(level) for name in names or ()}
        usual: dict[str, list[str]] = defaultdict(list)
        for name, type_ in self.usual.items():
            if type_ and name not in taken:
                usual[type_].append(name)
        return {
            level: list(names) if (names := decided[level]) is not None else sorted(usual.get(level, ()))
            for level in LEVELS
        }

    def own(self, values: LineValues) -> dict[int, dict[str, list[str]]]:
        """Jira's id of a project in scope -> level -> what stands for it there alone."""
        found: dict[int, dict[str, list[str]]] = defaultdict(dict)
        for key, names in values.items():
            place, level = split_line_key(key)
            if place != SHARED and names is not None and int(place) in self.projects:
                found[int(place)][level] = list(names)
        return dict(found)

    def places(self, values: LineValues) -> list[HierarchyPlace]:
        """That of all projects first, then each project with something of its own."""
        shared, own = self.shared(values), self.own(values)
        decided = [level for level in LEVELS if values.get(line_key(SHARED, level)) is not None]
        every = HierarchyPlace(code=SHARED, chosen=shared, types=self.types, decided=decided)
        return [every, *(self._own_place(jira_id, shared, levels) for jira_id, levels in own.items())]

    def _own_place(
        self, jira_id: int, shared: Mapping[str, Sequence[str]], levels: Mapping[str, Sequence[str]]
    ) -> HierarchyPlace:
        project = self.projects[jira_id]
        types = self.types_in(project)
        # What the others have is only asked of it as far as it is there.
        taken_over = {level: [name for name in names if name in types] for level, names in shared.items()}
        return HierarchyPlace(
            code=str(jira_id),
            label=project.key,
            chosen={**taken_over, **levels},
            types=types,
            decided=list(levels),
        )

    def project_types(self, values: LineValues) -> list[TypesOfProject]:
        own = self.own(values)
        return [
            TypesOfProject(key=project.key, names=self._names[project.workflow], own=own.get(jira_id, {}))
            for jira_id, project in self.projects.items()
        ]

    @cached_property
    def _names(self) -> dict[ProjectWorkflow, frozenset[str]]:
        """Of the issue types that Jira has in projects of a workflow."""
        live = {each.pk: each.name for each in self.live}
        workflows = {each.workflow for each in self.projects.values()}
        return {each: frozenset(live[pk] for pk, _ in each.reach if pk in live) for each in workflows}


def _jira_type(found: KnownType) -> JiraType:
    return jira_type(found.name, level=found.hierarchy_level, is_subtask=found.subtask)


def is_work_item_type(level: str) -> bool:
    """Whether it has mappings, and so a matrix."""
    return level in WorkItemType.values

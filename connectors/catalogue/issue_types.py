"""Which Jira issue types each Align work item type stands for, in a connector and in each of its projects.

What was chosen is kept by id: names depend on the language of the token's user, and can be changed. The name counts
for types that were not there when it was chosen, as those of a team-managed project made since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import Exists, Q, QuerySet

from alignadmin.folding import fold
from connectors.catalogue.usual_types import may_be, usual_type
from connectors.catalogue.workflows import ListedProject, ProjectWorkflow, listed_projects
from connectors.models.catalogue import IssueType, ReachableStatus, TypeMatch, WorkItemType, has_lists, ours
from connectors.models.connector import Connector
from connectors.ports.setup_steps import StatusPlace


class KnownType(NamedTuple):
    """An issue type as it is stored: team-managed projects bring thousands of them."""

    pk: int
    jira_id: int
    name: str
    hierarchy_level: int | None
    subtask: bool
    avatar: int | None
    project_id: int | None
    vanished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """A project in which nothing stands for a work item type, and its issue types of which one may."""

    project_key: str
    work_item_type: WorkItemType
    candidates: tuple[str, ...]


class IssueTypes:
    """The matches of one connector; read once."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        matches = TypeMatch.objects.filter(connector=connector)
        # Asked along, since where nobody has chosen every matrix would ask in vain.
        types = IssueType.objects.filter(connector=connector).values_list(*KnownType._fields, Exists(matches))
        read = list(types)
        self.all: dict[int, KnownType] = {fields[0]: KnownType(*fields) for *fields, _ in read}
        chosen: dict[tuple[str, int | None], list[TypeMatch]] = defaultdict(list)
        for match in matches if read and read[0][-1] else ():
            chosen[match.work_item_type, match.project_id].append(match)
        taken = {id_ for matches in chosen.values() for id_ in _ids(matches)}
        self._matches = dict(chosen)
        self._taken = taken
        # Keys of work item type and project (None: all others) for which somebody chose that nothing stands for it.
        self.left_out = {key for key, matches in chosen.items() if all(each.is_none for each in matches)}
        found = {key: self._chosen(matches, taken) for key, matches in chosen.items()}
        self.own = {(type_, project): each for (type_, project), each in found.items() if project is not None}
        self.chosen = {type_: each for (type_, project), each in found.items() if project is None}
        self.lost = [match.issue_type_name for matches in chosen.values() for match in matches if self._is_lost(match)]
        # What one project has of its own takes nothing from the others.
        usual = self._usual(
            {id_ for (_, project), matches in chosen.items() if project is None for id_ in _ids(matches)}
        )
        self.general = {type_: self.chosen.get(type_.value, usual[type_.value]) for type_ in WorkItemType}

    def _chosen(self, matches: Iterable[TypeMatch], taken: set[int]) -> set[int]:
        return {pk for match in matches for pk in self._of_match(match, taken)}

    def _of_match(self, match: TypeMatch, taken: set[int]) -> Iterator[int]:
        if match.is_none:
            return
        ids = set(match.issue_type_ids)
        names = {fold(match.issue_type_name)} | {fold(each.name) for each in self.all.values() if each.jira_id in ids}
        for pk, type_ in self.all.items():
            is_new = type_.jira_id not in taken and (type_.project_id is not None or not ids)
            if type_.jira_id in ids or (is_new and fold(type_.name) in names):
                yield pk

    def _is_lost(self, match: TypeMatch) -> bool:
        """Jira has none of them any more."""
        is_gone = all(self.all[pk].vanished_at is not None for pk in self._of_match(match, set()))
        return is_gone and not match.is_none

    def _usual(self, taken: set[int]) -> dict[str | None, set[int]]:
        found: dict[str | None, set[int]] = defaultdict(set)
        for pk, type_ in self.all.items():
            if type_.jira_id not in taken:
                found[usual_of(type_)].add(pk)
        return found

    # -- asked -----------------------------------------------------------------------------------------------------

    def of(self, type_: str, project_id: int | None) -> set[int]:
        """Keys of the issue types that a work item type (story) stands for there."""
        if project_id is not None and (type_, project_id) in self.own:
            return self.own[type_, project_id]
        return self.general[WorkItemType(type_)]

    def stands_for(self, issue_type: int, project_id: int | None) -> Sequence[str]:
        """Work item types that the issue type with this key stands for in a project: the other way round.

        None: in each project for which nobody chose issue types of its own.
        """
        if project_id in self.with_own:
            return [type_ for type_ in WorkItemType if issue_type in self.of(type_, project_id)]
        return self._general_types.get(issue_type, ())

    @cached_property
    def with_own(self) -> set[int]:
        """Keys of the projects for which somebody chose issue types of their own."""
        return {project_id for _, project_id in self.own}

    @cached_property
    def _general_types(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for type_, issue_types in self.general.items():
            for pk in issue_types:
                found[pk].append(type_)
        return dict(found)

    def reachable(self, type_: str, *, is_ours: bool = False) -> QuerySet[ReachableStatus]:
        """Rows of projects in scope that Align carries, or of ours, whose issue type stands for this work item type."""
        own = {project_id: found for (own_type, project_id), found in self.own.items() if own_type == type_}
        allowed = Q(issue_type__in=self.of(type_, None)) & ~Q(project_id__in=list(own))
        for project_id, found in own.items():
            allowed |= Q(project_id=project_id, issue_type__in=found)
        which = ours("project__") if is_ours else has_lists("project__")
        return ReachableStatus.objects.filter(which, allowed, project__connector=self.connector)

    def shared_statuses(self, type_: str) -> set[int]:
        """Ids of those that company-managed projects reach by issue types which stand for it."""
        return self._shared[type_]

    @cached_property
    def _shared(self) -> Mapping[str, set[int]]:
        """Of every work item type. Projects of one workflow are one, but for those with issue types of their own."""
        found: dict[str, set[int]] = {type_.value: set() for type_ in WorkItemType}
        company = [each for each in self.projects if not each.team_managed]
        for owner, workflow in {(self.owner(each.pk), each.workflow) for each in company}:
            for type_, statuses in self.reached(workflow, owner).items():
                found[type_] |= statuses
        return found

    @cached_property
    def projects(self) -> list[ListedProject]:
        """All that have lists of mappings, by key."""
        return listed_projects(self.connector)

    def owner(self, project_id: int) -> int | None:
        """Itself, where somebody chose issue types for it alone: all others are alike in what types stand for."""
        return project_id if project_id in self.with_own else None

    def reached(self, workflow: ProjectWorkflow, owner: int | None) -> dict[str, frozenset[int]]:
        """Work item type -> ids of the statuses that its items can have there; types that nothing stands for lack."""
        found: dict[str, frozenset[int]] = {}
        for issue_type, statuses in workflow.reach:
            for type_ in self.stands_for(issue_type, owner):
                found[type_] = found[type_] | statuses if type_ in found else statuses
        return found

    def places(self) -> dict[str, set[StatusPlace]]:
        """Work item type -> where a status of it may stand."""
        found: dict[str, set[StatusPlace]] = {
            type_.value: {(None, status) for status in self.shared_statuses(type_)} for type_ in WorkItemType
        }
        for project in self.projects:
            if project.team_managed:
                for type_, statuses in self.reached(project.workflow, self.owner(project.pk)).items():
                    found[type_] |= {(project.pk, status) for status in statuses}
        return found

    def names(self, type_: str) -> list[str]:
        """As Jira calls them now; of those that are gone, as they were called last."""
        found = {self.all[pk] for pk in self.of(type_, None)}
        now = {each.name for each in found if each.vanished_at is None}
        return sorted(now or {each.name for each in found})

    def chosen_names(self) -> dict[tuple[str, int | None], list[str]]:
        """By work item type and project (None: all others), what was chosen, as Jira calls it now; empty: nothing.

        What is gone is called as it was last.
        """
        return {
            key: sorted({name for match in matches for name in self._names_of(match)})
            for key, matches in self._matches.items()
        }

    def _names_of(self, match: TypeMatch) -> set[str]:
        found = [self.all[pk] for pk in self._of_match(match, self._taken)]
        now = {each.name for each in found if each.vanished_at is None}
        return now or {each.name for each in found} or ({match.issue_type_name} - {""})

    def is_left_out(self, type_: str, project_id: int | None) -> bool:
        """Whether somebody chose that nothing stands for the work item type there."""
        key = (type_, project_id) if (type_, project_id) in self._matches else (type_, None)
        return key in self.left_out

    def unmatched(self) -> list[Unmatched]:
        """Projects in scope that have an issue type which may stand for a work item type, while nothing does."""
        open_: dict[tuple[int | None, ProjectWorkflow], list[tuple[WorkItemType, tuple[str, ...]]]] = {}
        found = []
        for project in self.projects:
            alike = self.owner(project.pk), project.workflow
            if alike not in open_:
                open_[alike] = list(self._unmatched(*alike))
            found += [
                Unmatched(project_key=project.key, work_item_type=type_, candidates=names)
                for type_, names in open_[alike]
            ]
        return found

    def _unmatched(
        self, owner: int | None, workflow: ProjectWorkflow
    ) -> Iterator[tuple[WorkItemType, tuple[str, ...]]]:
        known = [self.all[pk] for pk, _ in workflow.reach if pk in self.all]
        open_ = [each for each in known if not self.stands_for(each.pk, owner)]
        matched = {type_ for each in known for type_ in self.stands_for(each.pk, owner)} if open_ else ()
        for type_ in WorkItemType if open_ else ():
            names = {each.name for each in open_ if self._may_be(type_, each)}
            if names and type_ not in matched and not self.is_left_out(type_, owner):
                yield type_, tuple(sorted(names))

    def _may_be(self, type_: WorkItemType, found: KnownType) -> bool:
        """A type that is told to be another one, or none, is not asked about."""
        usual = usual_of(found)
        return usual in (None, type_.value) and may_be(type_, level=found.hierarchy_level, is_subtask=found.subtask)


def _ids(matches: Iterable[TypeMatch]) -> Iterator[int]:
    return (id_ for match in matches for id_ in match.issue_type_ids)


def usual_of(type_: KnownType) -> str | None:
    return usual_type(type_.name, level=type_.hierarchy_level, is_subtask=type_.subtask, avatar=type_.avatar)

"""Which Jira issue types each Align work item type stands for, in a connector and in each of its projects.

What was chosen is kept by id: names depend on the language of the token's user, and can be changed. The name counts
for types that were not there when it was chosen, as those of a team-managed project made since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import BigIntegerField, Case, Exists, Q, QuerySet, When

from alignadmin.folding import fold
from connectors.catalogue.usual_types import may_be, usual_type
from connectors.models.catalogue import IssueType, Project, ReachableStatus, TypeMatch, WorkItemType, has_lists, ours
from connectors.models.connector import Connector


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
        types = list(IssueType.objects.filter(connector=connector).annotate(are_chosen=Exists(matches)))
        self.all: dict[int, IssueType] = {type_.pk: type_ for type_ in types}
        chosen: dict[tuple[str, int | None], list[TypeMatch]] = defaultdict(list)
        for match in matches if types and types[0].are_chosen else ():
            chosen[match.work_item_type, match.project_id].append(match)
        taken = {id_ for matches in chosen.values() for match in matches for id_ in match.issue_type_ids}
        found = {key: self._chosen(matches, taken) for key, matches in chosen.items()}
        self.own = {(type_, project): each for (type_, project), each in found.items() if project is not None}
        self.chosen = {type_: each for (type_, project), each in found.items() if project is None}
        self.lost = [match.issue_type_name for matches in chosen.values() for match in matches if self._is_lost(match)]
        usual = self._usual(taken)
        self.general = {type_: self.chosen.get(type_.value, usual[type_.value]) for type_ in WorkItemType}

    def _chosen(self, matches: Iterable[TypeMatch], taken: set[int]) -> set[int]:
        return {pk for match in matches for pk in self._of_match(match, taken)}

    def _of_match(self, match: TypeMatch, taken: set[int]) -> Iterator[int]:
        ids = set(match.issue_type_ids)
        names = {fold(match.issue_type_name)} | {fold(each.name) for each in self.all.values() if each.jira_id in ids}
        for pk, type_ in self.all.items():
            is_new = type_.jira_id not in taken and (type_.project_id is not None or not ids)
            if type_.jira_id in ids or (is_new and fold(type_.name) in names):
                yield pk

    def _is_lost(self, match: TypeMatch) -> bool:
        """Jira has none of them any more."""
        return all(self.all[pk].vanished_at is not None for pk in self._of_match(match, set()))

    def _usual(self, taken: set[int]) -> dict[str | None, set[int]]:
        found: dict[str | None, set[int]] = defaultdict(set)
        for pk, type_ in self.all.items():
            if type_.jira_id not in taken:
                found[_usual(type_)].add(pk)
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
        """Of every work item type, in one query.

        Thousands of projects reach the same statuses by the same issue types: those of them for which nobody chose
        issue types of their own are one.
        """
        in_company = Q(project__connector=self.connector, project__team_managed=False)
        rows = ReachableStatus.objects.filter(has_lists("project__"), in_company).order_by()
        owner = Case(When(project__in=self.with_own, then="project_id"), output_field=BigIntegerField())
        found: dict[str, set[int]] = {type_.value: set() for type_ in WorkItemType}
        for project, issue_type, status in rows.values_list(owner, "issue_type_id", "status__jira_id").distinct():
            for type_ in self.stands_for(issue_type, project):
                found[type_].add(status)
        return found

    def names(self, type_: str) -> list[str]:
        """As Jira calls them now; of those that are gone, as they were called last."""
        found = {self.all[pk] for pk in self.of(type_, None)}
        now = {each.name for each in found if each.vanished_at is None}
        return sorted(now or {each.name for each in found})

    def unmatched(self) -> list[Unmatched]:
        """Projects in scope that have an issue type which may stand for a work item type, while nothing does."""
        reached: dict[int, set[int]] = defaultdict(set)
        in_scope = Project.objects.filter(has_lists(), connector=self.connector)
        rows = ReachableStatus.objects.filter(project__in=in_scope).order_by()
        for project_id, pk in rows.values_list("project_id", "issue_type_id").distinct():
            reached[project_id].add(pk)
        keys = in_scope.order_by("key").values_list("pk", "key")
        return [each for project_id, key in keys for each in self._unmatched(project_id, key, reached[project_id])]

    def _unmatched(self, project_id: int, key: str, reached: set[int]) -> Iterator[Unmatched]:
        stands = {type_: self.of(type_, project_id) for type_ in WorkItemType}
        matched = set().union(*stands.values())
        open_ = [self.all[pk] for pk in reached - matched if pk in self.all]
        for type_ in WorkItemType:
            names = {each.name for each in open_ if self._may_be(type_, each)}
            if names and not reached & stands[type_]:
                yield Unmatched(project_key=key, work_item_type=type_, candidates=tuple(sorted(names)))

    def _may_be(self, type_: WorkItemType, found: IssueType) -> bool:
        """A type that is told to be another one, or none, is not asked about."""
        usual = _usual(found)
        return usual in (None, type_.value) and may_be(type_, level=found.hierarchy_level, is_subtask=found.subtask)


def _usual(type_: IssueType) -> str | None:
    return usual_type(type_.name, level=type_.hierarchy_level, is_subtask=type_.subtask, avatar=type_.avatar)

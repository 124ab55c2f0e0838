"""What the clock asks Jira: per work item type and set of mappings, how many issues are in none of the mapped statuses.

Company-managed projects share their mappings. Team-managed projects are asked together where they have the same
mappings of statuses that more than one of them could have; a status that one project owns tells nothing of another.
Mapped is what Align has: until an edit is applied, its status counts as not mapped.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property

from connectors.jira.jql import Jql, SearchField, is_in, is_not_in
from connectors.models import Connector, Status
from mappings.edits.unrecognised import by_place, strange_records
from mappings.engine.families import J2A_STATE
from mappings.engine.values import TypeName
from mappings.in_use.groups import ItemGroups, ProjectTypes, alike, group_of
from mappings.models import Mapping, Scope

Places = MappingOf[tuple[int | None, TypeName], frozenset[int]]  # project (None: shared) and type -> ids of statuses
MOST_STATUSES = 1000  # that one question names


@dataclass(frozen=True, kw_only=True)
class InUseQuestion:
    """`candidates`: statuses that these issues can have and that are not mapped, by id."""

    work_item_type: TypeName
    is_shared: bool
    projects: tuple[int, ...]
    site: str
    items: Jql
    mapped: tuple[int, ...]
    candidates: tuple[int, ...]

    @property
    def unmapped(self) -> Jql:
        return self.items & is_not_in(SearchField.STATUS, self.mapped)

    def in_status(self, status_id: int) -> Jql:
        return self.items & is_in(SearchField.STATUS, [status_id])

    @property
    def elsewhere(self) -> Jql:
        """In none of the mapped statuses and in none of the candidates."""
        return self.items & is_not_in(SearchField.STATUS, sorted({*self.mapped, *self.candidates}))

    @property
    def key(self) -> str:
        """Ids begin at the same number in every Jira, so the site belongs to it."""
        text = f"{self.site}|{self.work_item_type}|{self.unmapped}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class InUseQuestions:
    """Of one connector, in a number of queries that does not grow with its projects."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.groups = ItemGroups(connector)

    def all(self) -> list[InUseQuestion]:
        """None of a list that was not read: what Align has there is not known."""
        return [question for type_ in TypeName if J2A_STATE.knows(type_) for question in self._of_type(type_)]

    def _of_type(self, type_: TypeName) -> Iterator[InUseQuestion]:
        projects = self.groups.projects(type_)
        reached = self._reached(type_)
        if self._is_known(None):
            mapped = {id_ for id_ in self.mapped[None, type_] if self.owners.get(id_, 0) is None}
            for some in alike(each for each in projects if not each.team_managed):
                yield self._question(type_, some, {each.pk: frozenset(mapped) for each in some}, reached, shared=True)
        teams = [each for each in projects if each.team_managed and self._is_known(each.pk)]
        for common in self._with_common(type_, teams):
            for some in alike(common):
                yield from self._in_portions(type_, some, reached)

    def _with_common(self, type_: TypeName, teams: Iterable[ProjectTypes]) -> list[list[ProjectTypes]]:
        """By what they have mapped of statuses that no project owns."""
        found: dict[frozenset[int], list[ProjectTypes]] = defaultdict(list)
        for each in teams:
            mapped = self.mapped[each.pk, type_]
            found[frozenset(id_ for id_ in mapped if self.owners.get(id_, 0) is None)].append(each)
        return list(found.values())

    def _in_portions(
        self, type_: TypeName, teams: Sequence[ProjectTypes], reached: MappingOf[int, set[int]]
    ) -> Iterator[InUseQuestion]:
        """As many at once as their mapped statuses fit into one question."""
        portion: list[ProjectTypes] = []
        mapped: dict[int, frozenset[int]] = {}
        size = 0
        for each in teams:
            own = frozenset(id_ for id_ in self.mapped[each.pk, type_] if self.owners.get(id_, 0) in (None, each.pk))
            if portion and size + len(own) > MOST_STATUSES:
                yield self._question(type_, portion, mapped, reached, shared=False)
                portion, mapped, size = [], {}, 0
            portion, size = [*portion, each], size + len(own)
            mapped[each.pk] = own
        if portion:
            yield self._question(type_, portion, mapped, reached, shared=False)

    def _question(
        self,
        type_: TypeName,
        projects: Sequence[ProjectTypes],
        mapped: MappingOf[int, frozenset[int]],
        reached: MappingOf[int, set[int]],
        *,
        shared: bool,
    ) -> InUseQuestion:
        open_ = set().union(*(reached.get(each.pk, set()) - mapped[each.pk] for each in projects))
        named = frozenset[int]().union(*(mapped[each.pk] for each in projects))
        return InUseQuestion(
            work_item_type=type_,
            is_shared=shared,
            projects=tuple(sorted(each.pk for each in projects)),
            site=self.connector.jira_site,
            items=group_of(projects).jql,
            mapped=tuple(sorted(named)),
            candidates=tuple(sorted(open_ & self.owners.keys() - named)),
        )

    # --- what is known ---------------------------------------------------------------------------------------------

    @cached_property
    def owners(self) -> dict[int, int | None]:
        """Statuses that Jira has, by id, with the project that owns them; it refuses a question that names another."""
        found = Status.objects.filter(connector=self.connector, vanished_at=None)
        return dict(found.values_list("jira_id", "project_id"))

    @cached_property
    def scopes(self) -> dict[int | None, Scope]:
        found = Scope.objects.filter(connector=self.connector, family=J2A_STATE.code, is_ours=False)
        return {scope.project_id: scope for scope in found}

    def _is_known(self, project_id: int | None) -> bool:
        scope = self.scopes.get(project_id)
        return scope is not None and scope.known

    @cached_property
    def mapped(self) -> Places:
        """Also where a record of an unknown type id stands: nobody knows whether it is the mapping."""
        found: dict[tuple[int | None, TypeName], set[int]] = defaultdict(set)
        projects = {scope.pk: project_id for project_id, scope in self.scopes.items()}
        rows = Mapping.objects.filter(scope__in=projects, observed__isnull=False)
        for scope_id, type_, source_id in rows.values_list("scope_id", "work_item_type", "source_id"):
            found[projects[scope_id], TypeName(type_)].add(source_id)
        for (scope_id, strange), sources in by_place(strange_records(self.connector, self.scopes.values())).items():
            found[projects[scope_id], strange] |= sources.keys()
        frozen: dict[tuple[int | None, TypeName], frozenset[int]] = defaultdict(frozenset[int])
        frozen.update({place: frozenset(ids) for place, ids in found.items()})
        return frozen

    def _reached(self, type_: TypeName) -> dict[int, set[int]]:
        """Key of a project -> ids of the statuses that its items of this type can have."""
        found: dict[int, set[int]] = defaultdict(set)
        rows = self.groups.matches.reachable(type_).order_by()
        for project_id, status_id in rows.values_list("project_id", "status__jira_id"):
            found[project_id].add(status_id)
        return found

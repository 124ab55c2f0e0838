"""Keys of Align's lists at which nothing is mapped: where one create and one delete do the least harm.

From Align to Jira an item rarely moves back to the first states. From Jira to Align what is created leads to state 0,
which Align shows without a mapping as well; for steps only statuses are taken that no item of the type reaches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Q

from alignadmin.parsing import whole
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, Project, Status
from connectors.ports.extensions import WriteKey
from mappings.edits.matrix_data import steps_for, steps_of
from mappings.edits.names import Names, names_of
from mappings.engine.families import A2J_STATE, FAMILIES, Family, ListAddress
from mappings.engine.values import ALIGN_STATES, Category, Direction, Kind, TypeName
from mappings.models import ForeignRecord, Mapping, Scope

MOST_KEYS = 20
MOST_SCOPES = 60  # looked through for them
TYPES = (TypeName.STORY, TypeName.DEFECT, TypeName.FEATURE)
FITTING = {0: Category.TODO, 1: Category.TODO, 5: Category.DONE}  # the others: in progress
NO_LONGER = "The chosen key no longer exists. Choose another."
SHARED = "all company-managed projects"


class NotProbed(Exception):
    """The write could not be tried or brought to its end; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ProbeKey:
    """A key of one list that may lead somewhere for a moment. `project` None: what company-managed projects share."""

    family: Family
    project: Project | None
    type_: TypeName
    source: int
    target: int

    @property
    def id(self) -> str:
        project = self.project.jira_id if self.project else 0
        return f"{self.family.code}:{project}:{self.type_.value}:{self.source}:{self.target}"

    @property
    def place(self) -> ListAddress:
        return ListAddress(family=self.family, project_key=self.project.wire_key if self.project else None)

    def what(self, names: Names) -> str:
        """ "PROJ · Story · 0 Pending approval → To Do (10001)"."""
        project = self.project.key if self.project else SHARED
        direction, kind = self.family.direction, self.family.kind
        source = names.of(kind, direction, source=self.source)
        target = names.of(kind, direction, target=self.target)
        if direction is Direction.ALIGN_TO_JIRA:
            return f"{project} · {self.type_.label} · {self.source} {source} → {target} ({self.target})"
        return f"{project} · {self.type_.label} · {source} ({self.source}) → {self.target} {target}"

    def sentence(self, names: Names) -> str:
        return f"{self.family.kind.label}, {self.family.direction.label}: {self.what(names)}: nothing is mapped there"

    @classmethod
    def parse(cls, connector: Connector, text: str) -> ProbeKey:
        try:
            code, project_id, type_, source, target = text.split(":")
            numbers = [number for each in (project_id, source, target) if (number := whole(each)) is not None]
            jira_id, source_id, target_id = numbers
            family, type_name = FAMILIES[code], TypeName(type_)
            project = Project.objects.get(connector=connector, jira_id=jira_id) if jira_id else None
            key = cls(family=family, project=project, type_=type_name, source=source_id, target=target_id)
            key.place  # noqa: B018  # Align to Jira is always of a project
        except (KeyError, ValueError, Project.DoesNotExist) as error:
            raise NotProbed(NO_LONGER) from error
        states = {Direction.ALIGN_TO_JIRA: source_id, Direction.JIRA_TO_ALIGN: target_id}
        is_state = family.kind is not Kind.STATE or states[family.direction] in ALIGN_STATES
        if not family.knows(type_name) or not is_state:
            raise NotProbed("The key that was chosen is not one that a probe writes to. Choose another.")
        return key


def free_keys(connector: Connector) -> list[WriteKey]:
    """For the probe of a credential: of the first projects that have one, a free key from Align to Jira."""
    scopes = Scope.objects.filter(connector=connector, family=A2J_STATE.code, error="", observed_at__isnull=False)
    in_scope = scopes.filter(project__in_scope=True, project__vanished_at=None)
    sampled = list(in_scope.select_related("project").order_by("project__key")[:MOST_SCOPES])
    projects = [scope.project for scope in sampled if scope.project]
    taken, reachable = _taken(sampled), _reachable(connector, projects)
    found = [key for project in projects if (key := _free_key(project, TYPES, taken, reachable))][:MOST_KEYS]
    names = names_of(connector)
    return [WriteKey(id=key.id, sentence=key.sentence(names)) for key in found]


def proving_keys(connector: Connector) -> list[WriteKey]:
    """For each family and type one key, where there is one, so that each type id can be proven by one create."""
    names = names_of(connector)
    found = [key for family in FAMILIES.values() for key in _of_family(connector, family)]
    return [WriteKey(id=key.id, sentence=key.sentence(names)) for key in found]


def _of_family(connector: Connector, family: Family) -> Iterator[ProbeKey]:
    scopes = Scope.objects.filter(connector=connector, family=family.code, error="", observed_at__isnull=False)
    usable = Q(project=None) | Q(project__in_scope=True, project__vanished_at=None)
    sampled = list(scopes.filter(usable).select_related("project").order_by("project__key")[:MOST_SCOPES])
    projects = [scope.project for scope in sampled if scope.project]
    taken = _taken(sampled)
    if family.direction is Direction.ALIGN_TO_JIRA and family.kind is Kind.STATE:
        reachable = _reachable(connector, projects)
        for type_ in family.type_ids:
            keys = (_free_key(project, (type_,), taken, reachable) for project in projects)
            yield from [key for key in keys if key][:1]
        return
    steps = steps_of(connector) if family.kind is Kind.STEP else []
    types = IssueTypes(connector)
    for type_ in family.type_ids:
        ends = [id_ for id_, step in steps_for(steps, type_).items() if not step.vanished] if steps else [0]
        if ends and family.direction is Direction.JIRA_TO_ALIGN:
            yield from _to_align(connector, family, type_, sampled, taken, types, ends[0])
        elif ends:
            yield from _step_to_jira(family, type_, projects, taken, _reachable(connector, projects), ends)


def _to_align(
    connector: Connector,
    family: Family,
    type_: TypeName,
    scopes: Iterable[Scope],
    taken: set[tuple[int | None, str, int]],
    types: IssueTypes,
    target: int,
) -> Iterator[ProbeKey]:
    """A status without a mapping; one that no item of the type reaches, or (states: to 0) any that is left."""
    for scope in scopes:
        statuses = Status.objects.filter(connector=connector, project=scope.project, vanished_at=None)
        known = statuses.order_by("jira_id").values_list("jira_id", flat=True)
        rows = types.reachable(type_)
        rows = rows.filter(project=scope.project) if scope.project else rows
        reached = set(rows.values_list("status__jira_id", flat=True))
        free = [id_ for id_ in known if (scope.project_id, type_.value, id_) not in taken]
        chosen = [id_ for id_ in free if id_ not in reached] or (free if family.kind is Kind.STATE else [])
        if chosen:
            yield ProbeKey(family=family, project=scope.project, type_=type_, source=chosen[0], target=target)
            return


def _step_to_jira(
    family: Family,
    type_: TypeName,
    projects: Iterable[Project],
    taken: set[tuple[int | None, str, int]],
    reachable: dict[tuple[int, str], list[Status]],
    steps: Iterable[int],
) -> Iterator[ProbeKey]:
    for project in projects:
        statuses = reachable.get((project.pk, type_.value))
        for step in steps:
            if statuses and (project.pk, type_.value, step) not in taken:
                status = statuses[0].jira_id
                yield ProbeKey(family=family, project=project, type_=type_, source=step, target=status)
                return


def _taken(scopes: Iterable[Scope]) -> set[tuple[int | None, str, int]]:
    """(project, type, source) of every mapping that is there, or that somebody wants there.

    A record of an unknown type id stands in the way of every type.
    """
    found = list(scopes)
    held = Q(observed__isnull=False) | Q(wanted__isnull=False) | Q(applied__isnull=False)
    rows = Mapping.objects.filter(held, scope__in=found)
    strange = ForeignRecord.objects.filter(scope__in=[scope for scope in found if scope.foreign_rows])
    taken: set[tuple[int | None, str, int]] = set(rows.values_list("scope__project_id", "work_item_type", "source_id"))
    for project_id, source_id in strange.values_list("scope__project_id", "source_id"):
        taken |= {(project_id, type_.value, source_id) for type_ in TypeName}
    return taken


def _reachable(connector: Connector, projects: Iterable[Project]) -> dict[tuple[int, str], list[Status]]:
    types, found = IssueTypes(connector), defaultdict[tuple[int, str], list[Status]](list)
    for type_ in TYPES:
        rows = types.reachable(type_).filter(project__in=list(projects), status__vanished_at=None)
        for row in rows.select_related("status").order_by("status__jira_id"):
            found[row.project_id, type_.value].append(row.status)
    return found


def _free_key(
    project: Project,
    types: Iterable[TypeName],
    taken: set[tuple[int | None, str, int]],
    reachable: dict[tuple[int, str], list[Status]],
) -> ProbeKey | None:
    for type_ in types:
        for state in ALIGN_STATES:
            statuses = reachable.get((project.pk, type_.value))
            if statuses and (project.pk, type_.value, state) not in taken:
                category = FITTING.get(state, Category.DOING)
                status = next((each for each in statuses if each.category == category), statuses[0])
                return ProbeKey(family=A2J_STATE, project=project, type_=type_, source=state, target=status.jira_id)
    return None

"""Keys of Align's lists at which nothing is mapped: where one create and one delete do the least harm.

From Align to Jira an item rarely moves back to the first states. From Jira to Align what is created leads to state 0,
which Align shows without a mapping as well; for steps only statuses are taken that no item of the type reaches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import F, Q

from alignadmin.parsing import whole
from connectors.align.terminology import Terminology
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, Project, Status
from connectors.ports.extensions import WriteKey
from mappings.edits.catalogue_facts import steps_for, steps_of
from mappings.edits.names import Names, names_of
from mappings.engine.families import A2J_STATE, FAMILIES, Family, ListAddress
from mappings.engine.values import ALIGN_STATES, Category, Direction, Kind, Target, TypeName
from mappings.models import ForeignRecord, Scope
from mappings.models import Mapping as Row
from mappings.observing.scopes import scopes_in_use

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

    def what(self, names: Names, called: Terminology) -> str:
        """ "PROJ · Story · 0 Pending approval → To Do (10001)"."""
        project = self.project.key if self.project else SHARED
        direction, kind = self.family.direction, self.family.kind
        source = names.of(kind, direction, source=self.source)
        target, type_ = names.of(kind, direction, target=self.target), called.name(self.type_)
        if direction is Direction.ALIGN_TO_JIRA:
            return f"{project} · {type_} · {self.source} {source} → {target} ({self.target})"
        return f"{project} · {type_} · {source} ({self.source}) → {self.target} {target}"

    def sentence(self, names: Names, called: Terminology) -> str:
        what = self.what(names, called)
        return f"{self.family.kind.label}, {self.family.direction.label}: {what}: nothing is mapped there"

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
    lists = _Lists(connector, A2J_STATE)
    reachable = _reachable(connector, lists.projects)
    keys = (_free_key(project, TYPES, lists.taken, reachable) for project in lists.projects)
    names = names_of(connector)
    return [WriteKey(id=key.id, sentence=key.sentence(names, connector.terminology)) for key in filter(None, keys)][
        :MOST_KEYS
    ]


def proving_keys(connector: Connector) -> list[WriteKey]:
    """For each family and type one key, where there is one, so that each type id can be proven by one create."""
    names, steps, types = names_of(connector), steps_of(connector), IssueTypes(connector)
    found: list[ProbeKey | None] = []
    for family in FAMILIES.values():
        lists = _Lists(connector, family)
        ends = {type_: _ends(family, steps, type_) for type_ in family.type_ids}
        if family.direction is Direction.JIRA_TO_ALIGN:
            found += [_to_align(lists, type_, types, ends[type_]) for type_ in family.type_ids]
            continue
        reachable = _reachable(connector, lists.projects)
        found += [_to_jira(lists, type_, reachable, ends[type_]) for type_ in family.type_ids]
    return [WriteKey(id=key.id, sentence=key.sentence(names, connector.terminology)) for key in found if key]


class _Lists:
    """The lists of one family that were read and are in use, the first of them, and what is taken there."""

    def __init__(self, connector: Connector, family: Family) -> None:
        self.family = family
        known = scopes_in_use(connector).filter(family=family.code, error="", observed_at__isnull=False)
        self.scopes = list(
            known.select_related("project").order_by(F("project__key").asc(nulls_first=True))[:MOST_SCOPES]
        )
        self.projects = [scope.project for scope in self.scopes if scope.project]
        self.taken = _taken(self.scopes)
        self._connector = connector

    @cached_property
    def statuses(self) -> dict[int | None, list[int]]:
        """By project those of its own; under None those of the whole site."""
        whose = Q(project=None) | Q(project__in=self.projects)
        rows = Status.objects.filter(whose, connector=self._connector, vanished_at=None).order_by("jira_id")
        found: dict[int | None, list[int]] = defaultdict(list)
        for project_id, jira_id in rows.values_list("project_id", "jira_id"):
            found[project_id].append(jira_id)
        return found


def _ends(family: Family, steps: Iterable[tuple[str, Target]], type_: TypeName) -> list[int]:
    """States or steps that a key can lead to, or come from: of states the first alone, which harms least."""
    if family.kind is Kind.STATE:
        return [0]
    return [id_ for id_, step in steps_for(steps, type_).items() if not step.vanished]


def _to_align(lists: _Lists, type_: TypeName, types: IssueTypes, ends: Sequence[int]) -> ProbeKey | None:
    """A status without a mapping; one that no item of the type reaches, or (states: to 0) any that is left."""
    if not ends:
        return None
    family, reached = lists.family, _reached_by(types, type_)
    for scope in lists.scopes:
        project = scope.project_id
        here = reached[project] if project else set().union(*reached.values())
        free = [id_ for id_ in lists.statuses[project] if (project, type_.value, id_) not in lists.taken]
        chosen = [id_ for id_ in free if id_ not in here] or (free if family.kind is Kind.STATE else [])
        if chosen:
            return ProbeKey(family=family, project=scope.project, type_=type_, source=chosen[0], target=ends[0])
    return None


def _reached_by(types: IssueTypes, type_: TypeName) -> dict[int, set[int]]:
    """By project, the statuses that items of the type can have there."""
    found: dict[int, set[int]] = defaultdict(set)
    for project_id, status in types.reachable(type_).values_list("project_id", "status__jira_id"):
        found[project_id].add(status)
    return found


def _to_jira(
    lists: _Lists, type_: TypeName, reachable: Mapping[tuple[int, str], list[Status]], ends: Sequence[int]
) -> ProbeKey | None:
    if lists.family.kind is Kind.STATE:
        keys = (_free_key(project, (type_,), lists.taken, reachable) for project in lists.projects)
        return next(filter(None, keys), None)
    for project in lists.projects:
        statuses = reachable.get((project.pk, type_.value))
        free = [step for step in ends if (project.pk, type_.value, step) not in lists.taken]
        if statuses and free:
            target = statuses[0].jira_id
            return ProbeKey(family=lists.family, project=project, type_=type_, source=free[0], target=target)
    return None


def _taken(scopes: Iterable[Scope]) -> set[tuple[int | None, str, int]]:
    """(project, type, source) of every mapping that is there, or that somebody wants there.

    A record of an unknown type id stands in the way of every type.
    """
    found = list(scopes)
    held = Q(observed__isnull=False) | Q(wanted__isnull=False) | Q(applied__isnull=False)
    rows = Row.objects.filter(held, scope__in=found)
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
    reachable: Mapping[tuple[int, str], list[Status]],
) -> ProbeKey | None:
    for type_ in types:
        for state in ALIGN_STATES:
            statuses = reachable.get((project.pk, type_.value))
            if statuses and (project.pk, type_.value, state) not in taken:
                category = FITTING.get(state, Category.DOING)
                status = next((each for each in statuses if each.category == category), statuses[0])
                return ProbeKey(family=A2J_STATE, project=project, type_=type_, source=state, target=status.jira_id)
    return None

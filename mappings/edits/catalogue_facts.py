"""What matrices need of one connector's catalogue, read once for a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import BooleanField, Exists, IntegerField, QuerySet, Value

from connectors.catalogue.issue_types import IssueTypes
from connectors.catalogue.usual_types import usual_type
from connectors.models import Connector, ProcessStep, Project, ReachableStatus, TypeMatch, has_lists, ours
from connectors.models import Status as CatalogueStatus
from mappings.engine.values import Category, SourceStatus, Target, TypeName

CATEGORY_ORDER = {category.value: place for place, category in enumerate(Category)}
Place = tuple[int | None, TypeName]
OrderedStatus = tuple[tuple[int, str, int], SourceStatus]


class IssueTypeFacts(NamedTuple):
    """Of an issue type, what tells which work item type it usually stands for."""

    pk: int
    name: str
    level: int | None
    is_subtask: bool
    avatar: int | None

    @property
    def usual(self) -> str | None:
        return usual_type(self.name, level=self.level, is_subtask=self.is_subtask, avatar=self.avatar)


def projects_in_scope(connector: Connector) -> QuerySet[Project]:
    """Those that Align carries, as only they have mappings in Align."""
    return Project.objects.filter(has_lists(), connector=connector)


def projects_of_ours(connector: Connector) -> QuerySet[Project]:
    """Their mappings are in lists of ours, which Align has no part in."""
    return Project.objects.filter(ours(), connector=connector)


class CatalogueFacts:
    """Each part is read once, when it is first asked for."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._statuses: dict[int, OrderedStatus | None] = {}
        self._reached: dict[Place, frozenset[int]] = {}

    def statuses(self, ids: Iterable[int]) -> dict[int, SourceStatus]:
        """Those of them that the catalogue has, by category and name."""
        wanted = set(ids)
        unread = wanted - self._statuses.keys()
        if unread:
            self._statuses.update(dict.fromkeys(unread) | _statuses_by_id(self.connector, unread))
        found = sorted(each for id_ in wanted if (each := self._statuses[id_]) is not None)
        return {status.id: status for _, status in found}

    @cached_property
    def matches(self) -> IssueTypes:
        return IssueTypes(self.connector)

    @cached_property
    def steps(self) -> list[tuple[str, Target]]:
        """Every step with its flow's level, in flow order, active flows first."""
        return steps_of(self.connector)

    def reached(
        self, project_ids: Collection[int | None], types: Collection[TypeName], named: Collection[int] = ()
    ) -> dict[Place, frozenset[int]]:
        """The status ids that issue types can have, in a project or (None) in any company-managed one.

        `named`: ids of statuses that are asked for next; of one project alone they are read by the same statement.
        """
        places = {(project_id, type_) for project_id in project_ids for type_ in types}
        if unread := places - self._reached.keys():
            own = {project_id for project_id, _ in unread}
            self._reached.update(
                _reached(self.matches, unread)
                if None in own or len(own) > 1
                else self._of_one_project(own.pop(), {type_ for _, type_ in unread}, named)
            )
        return {place: self._reached[place] for place in places}

    def _of_one_project(
        self, project_id: int | None, types: Collection[TypeName], named: Collection[int]
    ) -> dict[Place, frozenset[int]]:
        """Whatever a matrix needs of the statuses and of the issue types that have them, by one statement."""
        rows, unread = _reachable_and_named(self.connector, project_id, named), set(named) - self._statuses.keys()
        self._statuses.update(dict.fromkeys(unread) | {row[0]: _ordered(*row[:5]) for row in rows})
        reachable = [(row[0], IssueTypeFacts(*row[5:10])) for row in rows if row[5] is not None]
        if any(row[10] for row in rows):  # then a name counts for types of which nothing was chosen, too
            stands = {type_: self.matches.of(type_, project_id) for type_ in types}
        else:
            usual = {each.pk: each.usual for each in {each for _, each in reachable}}
            stands = {type_: {pk for pk, found in usual.items() if found == type_.value} for type_ in types}
        return {
            (project_id, type_): frozenset(id_ for id_, each in reachable if each.pk in stands[type_])
            for type_ in types
        }


# --- read from the database ------------------------------------------------------------------------------------------


STATUS_FIELDS = ("jira_id", "name", "category", "project__key", "vanished_at")


def _statuses_by_id(connector: Connector, ids: Collection[int]) -> dict[int, OrderedStatus]:
    found = CatalogueStatus.objects.filter(connector=connector, jira_id__in=ids)
    return {row[0]: _ordered(*row) for row in found.values_list(*STATUS_FIELDS)}


def _ordered(
    id_: int, name: str, category: str, project_key: str | None, vanished_at: datetime | None
) -> OrderedStatus:
    status = SourceStatus(
        id=id_, name=name, category=Category(category), project_key=project_key, vanished=vanished_at is not None
    )
    return (CATEGORY_ORDER[category], name.casefold(), id_), status


def _reachable_and_named(connector: Connector, project_id: int | None, named: Collection[int]) -> list[tuple[Any, ...]]:
    """STATUS_FIELDS, those of IssueTypeFacts (None where a status is only named), whether issue types were chosen."""
    chosen = Exists(TypeMatch.objects.filter(connector=connector))
    reachable = ReachableStatus.objects.filter(project=project_id).values_list(
        *(f"status__{name}" for name in STATUS_FIELDS),
        "issue_type_id",
        "issue_type__name",
        "issue_type__hierarchy_level",
        "issue_type__subtask",
        "issue_type__avatar",
        chosen,
    )
    if not named:
        return list(reachable)
    no_number = Value(None, output_field=IntegerField())
    no = Value(False, output_field=BooleanField())
    statuses = CatalogueStatus.objects.filter(connector=connector, jira_id__in=named)
    fields = (*STATUS_FIELDS, no_number, Value(""), no_number, no, no_number, no)
    return list(reachable.union(statuses.values_list(*fields), all=True))


def _reached(matches: IssueTypes, places: Collection[Place]) -> dict[Place, frozenset[int]]:
    found: dict[Place, set[int]] = defaultdict(set)
    own = {project_id for project_id, _ in places if project_id is not None}
    types = {type_ for _, type_ in places}
    rows = ReachableStatus.objects.filter(project_id__in=own) if own else ReachableStatus.objects.none()
    for owner, issue_type, status_id in rows.values_list("project_id", "issue_type_id", "status__jira_id"):
        for type_ in types:
            if issue_type in matches.of(type_, owner):
                found[owner, type_].add(status_id)
    for project_id, type_ in places:
        if project_id is None:
            found[None, type_] = matches.shared_statuses(type_)
    return {place: frozenset(found.get(place, ())) for place in places}


def steps_of(connector: Connector) -> list[tuple[str, Target]]:
    """Every step with its flow's level, in flow order, active flows first."""
    steps = ProcessStep.objects.filter(connector=connector).select_related("flow")
    ordered = steps.order_by("-flow__is_active", "flow__name", "flow_id", "position", "align_id")
    return [(step.flow.level, _target(step)) for step in ordered]


def steps_for(steps: Iterable[tuple[str, Target]], type_: TypeName) -> dict[int, Target]:
    return {target.id: target for level, target in steps if level in (type_.value, "")}


def _target(step: ProcessStep) -> Target:
    return Target(
        id=step.align_id,
        name=step.name,
        map_to_state=step.map_to_state,
        flow_id=step.flow.align_id,
        flow_name=step.flow.name,
        flow_active=step.flow.is_active and step.flow.vanished_at is None,
        programme_ids=frozenset(step.flow.programme_ids),
        vanished=step.vanished_at is not None,
    )

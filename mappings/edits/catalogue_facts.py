"""What matrices need of one connector's catalogue, read once for a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property

from django.db.models import QuerySet

from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, ProcessStep, Project, ReachableStatus, has_lists
from connectors.models import Status as CatalogueStatus
from mappings.engine.values import Category, SourceStatus, Target, TypeName

CATEGORY_ORDER = {category.value: place for place, category in enumerate(Category)}
Place = tuple[int | None, TypeName]
OrderedStatus = tuple[tuple[int, str, int], SourceStatus]


def projects_in_scope(connector: Connector) -> QuerySet[Project]:
    """Those that Align carries, as only they have mappings in Align."""
    return Project.objects.filter(has_lists(), connector=connector)


class CatalogueFacts:
    """Each part is read once, when it is first asked for."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._statuses: dict[int, OrderedStatus | None] = {}
        self._reached: dict[Place, frozenset[int]] = {}

    def statuses(self, ids: Iterable[int]) -> dict[int, SourceStatus]:
        """Those of them that the catalogue has, by category and name."""
        wanted = set(ids)
        if unread := wanted - self._statuses.keys():
            self._statuses.update(dict.fromkeys(unread) | _statuses_by_id(self.connector, unread))
        found = sorted(each for id_ in wanted if (each := self._statuses[id_]) is not None)
        return {status.id: status for _, status in found}

    @cached_property
    def steps(self) -> list[tuple[str, Target]]:
        """Every step with its flow's level, in flow order, active flows first."""
        return steps_of(self.connector)

    @cached_property
    def sharing(self) -> int:
        """How many company-managed projects share their mappings."""
        return projects_in_scope(self.connector).filter(team_managed=False).count()

    def reached(self, project_ids: Collection[int | None], types: Collection[TypeName]) -> dict[Place, frozenset[int]]:
        """The status ids that issue types can have, in a project or (None) in any company-managed one."""
        places = {(project_id, type_) for project_id in project_ids for type_ in types}
        if unread := places - self._reached.keys():
            self._reached.update(_reached(self.connector, unread))
        return {place: self._reached[place] for place in places}


# --- read from the database ------------------------------------------------------------------------------------------


def _statuses_by_id(connector: Connector, ids: Collection[int]) -> dict[int, OrderedStatus]:
    found = CatalogueStatus.objects.filter(connector=connector, jira_id__in=ids)
    rows = found.values_list("jira_id", "name", "category", "project__key", "vanished_at")
    return {
        id_: (
            (CATEGORY_ORDER[category], name.casefold(), id_),
            SourceStatus(
                id=id_,
                name=name,
                category=Category(category),
                project_key=project_key,
                vanished=vanished_at is not None,
            ),
        )
        for id_, name, category, project_key, vanished_at in rows
    }


def _reached(connector: Connector, places: Collection[Place]) -> dict[Place, frozenset[int]]:
    found: dict[Place, set[int]] = defaultdict(set)
    matches = IssueTypes(connector)
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

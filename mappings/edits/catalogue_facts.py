"""What matrices need of one connector's catalogue, kept by this process from one request to the next.

What is kept under a stamp is used only while the database has that stamp, and every statement that writes to a table of
the catalogue makes a new one (connectors/catalogue/stamps.py).
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import QuerySet

from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, ProcessStep, Project, ReachableStatus
from connectors.models import Status as CatalogueStatus
from mappings.engine.values import Category, SourceStatus, Target, TypeName

MOST_CONNECTORS = 8  # that are kept
MOST_PLACES = 64  # of each: a project, or what all share, and a work item type
CATEGORY_ORDER = {category.value: place for place, category in enumerate(Category)}
Place = tuple[int | None, TypeName]
OrderedStatus = tuple[tuple[int, str, int], SourceStatus]


def projects_in_scope(connector: Connector) -> QuerySet[Project]:
    return Project.objects.filter(connector=connector, in_scope=True, vanished_at=None)


class CatalogueFacts:
    """Each part is read when it is first asked for; nobody changes what they are given."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._lock = threading.Lock()  # never held while the database is asked
        self._statuses: dict[int, OrderedStatus | None] = {}
        self._reached: OrderedDict[Place, frozenset[int]] = OrderedDict()
        self._steps: list[tuple[str, Target]] | None = None
        self._sharing: int | None = None

    def statuses(self, ids: Iterable[int]) -> dict[int, SourceStatus]:
        """Those of them that the catalogue has, by category and name."""
        wanted = set(ids)
        with self._lock:
            unread = wanted - self._statuses.keys()
        if unread:
            read = dict.fromkeys(unread) | _statuses_by_id(self.connector, unread)
            with self._lock:
                self._statuses.update(read)
        found = sorted(each for id_ in wanted if (each := self._statuses[id_]) is not None)
        return {status.id: status for _, status in found}

    def steps(self) -> list[tuple[str, Target]]:
        """Every step with its flow's level, in flow order, active flows first."""
        if self._steps is None:
            self._steps = steps_of(self.connector)
        return self._steps

    def sharing(self) -> int:
        """How many company-managed projects share their mappings."""
        if self._sharing is None:
            self._sharing = projects_in_scope(self.connector).filter(team_managed=False).count()
        return self._sharing

    def reached(self, project_ids: Collection[int | None], types: Collection[TypeName]) -> dict[Place, frozenset[int]]:
        """The status ids that issue types can have, in a project or (None) in any company-managed one."""
        places = {(project_id, type_) for project_id in project_ids for type_ in types}
        with self._lock:
            found = {place: self._reached[place] for place in places if place in self._reached}
        if unread := places - found.keys():
            read = _reached(self.connector, unread)
            found |= read
            self._keep(read)
        return found

    def _keep(self, read: Mapping[Place, frozenset[int]]) -> None:
        """Unless they are many: a plan that looks at a thousand projects pushes nothing out."""
        with self._lock:
            if len(read) <= MOST_PLACES:
                self._reached.update(read)
            while len(self._reached) > MOST_PLACES:
                self._reached.popitem(last=False)


_kept: OrderedDict[int, tuple[str, CatalogueFacts]] = OrderedDict()
_lock = threading.Lock()


def catalogue_of(connector: Connector, stamp: str | None) -> CatalogueFacts:
    """`stamp`: as the database has it in this request, read before anything is asked; None: nothing is kept."""
    if stamp is None:
        return CatalogueFacts(connector)
    with _lock:
        known = _kept.get(connector.pk)
        if known is None or known[0] != stamp:
            known = _kept[connector.pk] = stamp, CatalogueFacts(connector)
        _kept.move_to_end(connector.pk)
        while len(_kept) > MOST_CONNECTORS:
            _kept.popitem(last=False)
        return known[1]


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

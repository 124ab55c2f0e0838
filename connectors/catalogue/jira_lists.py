"""Jira's site-wide lists: all projects, statuses and issue types, read whole before anything of them is stored.

The lists of statuses and types can miss what a project shows, so by themselves they never say that something is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Q

from alignadmin.audit.entries import lock_head
from alignadmin.http.listing import Records
from alignadmin.search import writing
from connectors.catalogue.findings import SiteReading, noticed
from connectors.catalogue.list_states import record_read, spared
from connectors.catalogue.project_keys import remember
from connectors.catalogue.search_names import PROJECTS, STATUSES
from connectors.catalogue.upserting import LONGEST_NAME, batches, mark_vanished, upsert
from connectors.jira.client import JiraClient
from connectors.jira.resources import JiraIssueType, JiraProject, JiraStatus
from connectors.jobs.runner import JobFailed
from connectors.models import (
    Carried,
    Connector,
    FindingKind,
    IssueType,
    Project,
    ReachableStatus,
    RemoteList,
    ScopeChoice,
    Status,
    StatusCategory,
    in_scope_here,
)

CATEGORIES = {"new": StatusCategory.TODO, "indeterminate": StatusCategory.DOING, "done": StatusCategory.DONE}
MOST_LEVELS = 1000  # of the hierarchy, far more than any Jira has
LISTED = (FindingKind.PROJECT, FindingKind.STATUS, FindingKind.ISSUE_TYPE)


@dataclass(frozen=True, kw_only=True)
class JiraLists:
    projects: Records[JiraProject]
    statuses: Records[JiraStatus]
    types: Records[JiraIssueType]

    @property
    def by_name(self) -> dict[RemoteList, Records[Any]]:
        return {
            RemoteList.JIRA_PROJECTS: self.projects,
            RemoteList.JIRA_STATUSES: self.statuses,
            RemoteList.JIRA_TYPES: self.types,
        }


def read_jira_lists(jira: JiraClient) -> JiraLists:
    """Raises JobFailed for a Jira that shows nothing at all."""
    lists = JiraLists(projects=jira.projects(), statuses=jira.statuses(), types=jira.issue_types())
    jira.myself()  # a token that died meanwhile has made us anonymous, and those lists narrower
    if not lists.projects:
        raise JobFailed(
            "Jira shows this account no project at all. Give it the permission Browse projects; nothing was changed."
        )
    return lists


def store_jira_lists(reading: SiteReading, lists: JiraLists) -> bool:
    """All three in one transaction, unless a later reading is stored already."""
    connector = reading.connector
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if stored.jira_lists_at is not None and stored.jira_lists_at > reading.began_at:
            return False
        with noticed(reading, *LISTED):
            upsert_projects(connector, lists.projects)
            upsert_statuses(connector, lists.statuses, is_whole_list=True)
            upsert_types(connector, lists.types, is_whole_list=True)
            mark_gone(connector)
        record_read(connector, reading.began_at, {name: each.aside for name, each in lists.by_name.items()})
        Connector.objects.filter(pk=connector.pk).update(jira_lists_at=reading.began_at, jira_lists_error="")
    return True


# --- projects ---------------------------------------------------------------------------------------------------------


def upsert_projects(connector: Connector, jira: Records[JiraProject]) -> None:
    """What Jira says of them. Whether they are in scope, Align says; it goes on being asked by the key it knows."""
    known = {project.jira_id: project for project in Project.objects.filter(connector=connector)}
    rows = [_project(connector, each, known.get(each.id)) for each in jira]
    remember(connector, known, rows)
    fields = ["key", "name", "team_managed", "category", "align_key", "tried_at"]
    with _followed(connector):
        upsert(Project, connector, rows, key="jira_id", fields=fields)
        kept = spared(Project, connector, "jira_id", jira, "name", "key")
        mark_vanished(Project, connector, "jira_id", [*(each.id for each in jira), *kept])
    writing.write_of_connector(PROJECTS, connector.pk)


def _project(connector: Connector, jira: JiraProject, known: Project | None) -> Project:
    row = Project(
        connector=connector,
        jira_id=jira.id,
        key=jira.key,
        name=jira.name[:LONGEST_NAME] or (known.name if known else ""),
        team_managed=bool(known and known.team_managed) if jira.is_team_managed is None else jira.is_team_managed,
        category=jira.category[:LONGEST_NAME],
    )
    if known is not None:
        # What has changed may have changed its statuses as well, so those are read first of all.
        as_before = (known.key, known.name, known.team_managed, known.vanished_at)
        row.tried_at = known.tried_at if as_before == (row.key, row.name, row.team_managed, None) else None
        in_align = known.wire_key if known.carried == Carried.YES else row.key
        row.align_key = "" if in_align == row.key else in_align
    return row


# --- statuses and issue types -----------------------------------------------------------------------------------------


class StatusFollower(Protocol):
    def __call__(self, connector: Connector, ids: Collection[int]) -> None:
        """Told of Jira statuses whose projects are others now; in the transaction, with the trail's head locked."""


_followers: list[StatusFollower] = []


def on_statuses_moved(follower: StatusFollower) -> None:
    """Register what follows from a status in another project; once, when the apps are ready."""
    _followers.append(follower)


@contextmanager
def _followed(connector: Connector) -> Iterator[None]:
    """Log lines name a status and no project: in the history they stand under the project that it belongs to."""
    before = _places(connector)
    yield
    after = _places(connector)
    if moved := {id_ for id_, key in after.items() if id_ not in before or before[id_] != key}:
        lock_head()
        for follow in _followers:
            follow(connector, moved)


def _places(connector: Connector) -> dict[int, str | None]:
    return dict(Status.objects.filter(connector=connector).values_list("jira_id", "project__key"))


def upsert_statuses(connector: Connector, statuses: Collection[JiraStatus], *, is_whole_list: bool) -> None:
    """`is_whole_list`: the others are not in the site's list; else these are what a project shows beside it."""
    projects = _projects(connector)
    rows = [
        Status(
            connector=connector,
            jira_id=status.id,
            name=status.name[:LONGEST_NAME],
            category=CATEGORIES.get(status.category, StatusCategory.TODO),
            project_id=projects.get(status.project_id) if status.project_id else None,
            listed=is_whole_list,
        )
        for status in statuses
    ]
    with _followed(connector):
        upsert(Status, connector, rows, key="jira_id", fields=["name", "category", "project", "listed"])
    if is_whole_list:
        kept = spared(Status, connector, "jira_id", statuses, "name")
        _unlist(Status, connector, [*(row.jira_id for row in rows), *kept])
        writing.write_of_connector(STATUSES, connector.pk)
    else:  # a few of many thousands
        ids = [row.jira_id for row in rows]
        of_rows = Status.objects.filter(connector=connector, jira_id__in=ids).values_list("pk", flat=True)
        writing.write(STATUSES, list(of_rows))


def upsert_types(connector: Connector, types: Collection[JiraIssueType], *, is_whole_list: bool) -> None:
    projects = _projects(connector)
    rows = [
        IssueType(
            connector=connector,
            jira_id=each.id,
            name=each.name[:LONGEST_NAME],
            subtask=each.is_subtask,
            hierarchy_level=_level(each),
            avatar=each.avatar,
            project_id=projects.get(each.project_id) if each.project_id else None,
            listed=is_whole_list,
        )
        for each in types
    ]
    fields = ["name", "subtask", "hierarchy_level", "avatar", "project", "listed"]
    upsert(IssueType, connector, rows, key="jira_id", fields=fields)
    if is_whole_list:
        kept = spared(IssueType, connector, "jira_id", types, "name")
        _unlist(IssueType, connector, [*(row.jira_id for row in rows), *kept])


def _projects(connector: Connector) -> dict[int, int]:
    return dict(Project.objects.filter(connector=connector).values_list("jira_id", "pk"))


def _level(type_: JiraIssueType) -> int | None:
    level = type_.hierarchy_level
    return None if level is None else max(-MOST_LEVELS, min(level, MOST_LEVELS))


def _unlist(table: type[Status | IssueType], connector: Connector, answered: Collection[int]) -> None:
    """The projects that reach them are read first of all: only they can say whether these are gone."""
    there = set(answered)
    listed = table._default_manager.filter(connector=connector, listed=True).values_list("pk", "jira_id")
    missing = {pk for pk, jira_id in listed if jira_id not in there}
    if not missing:
        return
    for some in batches(missing):
        table._default_manager.filter(pk__in=some).update(listed=False)
    reach = ReachableStatus.objects.filter(project__connector=connector).order_by()
    pairs = reach.values_list("project_id", "status_id" if table is Status else "issue_type_id").distinct()
    for some in batches({project for project, pk in pairs.iterator() if pk in missing}):
        Project.objects.filter(pk__in=some).update(tried_at=None)


# --- what is gone -----------------------------------------------------------------------------------------------------


def mark_gone(connector: Connector) -> None:
    """Statuses and types that are in no site-wide list and that no project in scope reaches, as both were read last.

    Of a project taken out of scope nothing is read any more, so nothing of it is known to be gone.
    """
    is_read = in_scope_here("project__") | Q(project__scope_choice=ScopeChoice.OUT, project__vanished_at=None)
    reached = ReachableStatus.objects.filter(is_read, project__connector=connector).order_by()
    statuses = reached.values_list("status__jira_id", flat=True).distinct()
    types = reached.values_list("issue_type__jira_id", flat=True).distinct()
    mark_vanished(Status, connector, "jira_id", [*_listed(Status, connector), *statuses])
    mark_vanished(IssueType, connector, "jira_id", [*_listed(IssueType, connector), *types])


def _listed(table: type[Status | IssueType], connector: Connector) -> Iterable[int]:
    return table._default_manager.filter(connector=connector, listed=True).values_list("jira_id", flat=True)

"""Refreshing the catalogue: what Align and Jira contain, read in the background and stored part by part.

Each part is read whole before it is stored in one short transaction, so a failed call changes nothing of its part.
What is no longer answered is marked as vanished and kept; it is unmarked when it comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.align.resources import AlignProcessFlow as AlignFlow
from connectors.align.resources import ConnectorProject
from connectors.credentials import clients
from connectors.jira.client import JiraClient
from connectors.jira.resources import IssueTypeStatuses, JiraIssueType, JiraProject, JiraStatus
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import (
    Connector,
    IssueType,
    JobKind,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
    StatusCategory,
)
from connectors.ports.audited import context_of

CATEGORIES = {"new": StatusCategory.TODO, "indeterminate": StatusCategory.DOING, "done": StatusCategory.DONE}
STORED_AT_ONCE = 100  # projects whose reachable statuses go into one transaction
ROWS_AT_ONCE = 500
MOST_LEVELS = 1000  # of the hierarchy, far more than any Jira has
LONGEST_NAME = 255  # PostgreSQL refuses what the column does not hold
Statuses = Sequence[IssueTypeStatuses]


@runner.handler(JobKind.REFRESH)
def refresh(run: runner.Run) -> None:
    """Read everything; on a failure the connector says why, and keeps what it had."""
    connector = run.connector
    try:
        _refresh(run)
    except (RemoteError, SealError, runner.JobFailed) as error:
        sentence = error.sentence if isinstance(error, RemoteError) else str(error)
        Connector.objects.filter(pk=connector.pk).update(catalogue_error=sentence)
        raise runner.JobFailed(sentence) from error
    now = timezone.now()
    Connector.objects.filter(pk=connector.pk).update(catalogue_at=now, catalogue_error="")
    if following := run.job.params.get("then"):
        # Only now: which lists there are to read is in the catalogue.
        runner.start(connector, JobKind(following), actor=run.actor)


def _refresh(run: runner.Run) -> None:
    align = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for)
    jira = clients.jira_client(run.connector, job=run.job, on_wait=run.waits_for)
    before = _sizes(run.connector)
    run.progress("connector, projects and process flows in Align", done=0, total=0)
    align.connector()
    align_projects, flows = align.projects(), align.value_streams()
    run.progress("projects, statuses and issue types in Jira")
    projects, statuses, types = jira.projects(), jira.statuses(), jira.issue_types()
    jira.myself()  # a token that died meanwhile has made us anonymous, and those lists narrower
    if not projects:
        raise runner.JobFailed(
            "Jira shows this account no project at all. Give it the permission Browse projects; nothing was changed."
        )
    store_projects(run.connector, projects, align_projects)
    store_statuses(run.connector, statuses)
    store_issue_types(run.connector, types)
    store_flows(run.connector, flows)
    read_reachable(run, jira)
    mark_vanished_in_jira(run.connector, statuses, types)
    _record_changes(run, before)


def _sizes(connector: Connector) -> dict[str, int]:
    """How much of each kind is there, the vanished left out."""
    tables: dict[str, type[Model]] = {
        "projects": Project,
        "statuses": Status,
        "issue types": IssueType,
        "process flows": ProcessFlow,
        "process steps": ProcessStep,
    }
    return {
        name: table._default_manager.filter(connector=connector, vanished_at=None).count()
        for name, table in tables.items()
    }


def _record_changes(run: runner.Run, before: dict[str, int]) -> None:
    after = _sizes(run.connector)
    if after == before:
        return
    words = ", ".join(f"{number} {name}" for name, number in after.items())
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action="catalogue.refreshed",
                actor=run.actor,
                context=context_of(run.connector),
                subject="catalogue",
                sentence=f"The catalogue now has {words}.",
                data={"before": before, "after": after},
            )
        )


def _upsert(table: type[Model], rows: Iterable[Any], *, key: str, fields: Sequence[str]) -> None:
    """Add or change by the remote id, and unmark what had vanished.

    A list that changed while it was paged can name one thing twice; PostgreSQL refuses to upsert a row twice.
    """
    each = {getattr(row, key): row for row in rows}
    table._default_manager.bulk_create(
        each.values(),
        update_conflicts=True,
        unique_fields=["connector", key],
        update_fields=[*fields, "vanished_at"],
        batch_size=ROWS_AT_ONCE,
    )


def _mark_vanished(table: type[Model], connector: Connector, key: str, answered: Iterable[int]) -> None:
    """Compared here, since all ids of a large site are more parameters than a statement of SQLite takes."""
    there, now = set(answered), timezone.now()
    stored = table._default_manager.filter(connector=connector, vanished_at=None).values_list("pk", key)
    gone = [pk for pk, remote_id in stored if remote_id not in there]
    for first in range(0, len(gone), ROWS_AT_ONCE):
        table._default_manager.filter(pk__in=gone[first : first + ROWS_AT_ONCE]).update(vanished_at=now)


# --- projects ----------------------------------------------------------------------------------------------------


def store_projects(connector: Connector, jira: Sequence[JiraProject], align: Sequence[ConnectorProject]) -> None:
    """Jira says which projects there are and of which kind; Align which are in scope, for which programme."""
    in_scope = _matched(jira, align)
    rows = [_project(connector, project, in_scope.get(project.id)) for project in jira]
    fields = ["key", "name", "team_managed", "in_scope", "programme_id", "align_key", "align_error"]
    with transaction.atomic(), _followed(connector):
        _upsert(Project, rows, key="jira_id", fields=fields)
        _mark_vanished(Project, connector, "jira_id", [project.id for project in jira])


def _matched(jira: Sequence[JiraProject], align: Sequence[ConnectorProject]) -> dict[int, ConnectorProject]:
    """Align's projects by Jira's id. By key first; one whose key was renamed in Jira is found by its id."""
    by_key, known = {project.key: project.id for project in jira}, {project.id for project in jira}
    found: dict[int, ConnectorProject] = {}
    for project in align:
        jira_id = by_key.get(project.project_key)
        if jira_id is None and project.project_id in known:
            jira_id = project.project_id
        if jira_id is not None:
            found[jira_id] = project
    return found


def _project(connector: Connector, jira: JiraProject, align: ConnectorProject | None) -> Project:
    renamed = align is not None and align.project_key != jira.key
    return Project(
        connector=connector,
        jira_id=jira.id,
        key=jira.key,
        name=jira.name[:LONGEST_NAME],
        team_managed=jira.is_team_managed,
        in_scope=align is not None,
        programme_id=align.program_id if align else None,
        align_key=align.project_key if align and renamed else "",
        align_error=align.error_message if align else "",
    )


# --- statuses and issue types --------------------------------------------------------------------------------------


def store_statuses(connector: Connector, statuses: Sequence[JiraStatus]) -> None:
    projects = dict(Project.objects.filter(connector=connector).values_list("jira_id", "pk"))
    with transaction.atomic():
        _upsert_statuses(connector, statuses, projects)


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


def _upsert_statuses(connector: Connector, statuses: Iterable[JiraStatus], projects: dict[int, int]) -> None:
    rows = [
        Status(
            connector=connector,
            jira_id=status.id,
            name=status.name[:LONGEST_NAME],
            category=CATEGORIES.get(status.category, StatusCategory.TODO),
            project_id=projects.get(status.project_id) if status.project_id else None,
        )
        for status in statuses
    ]
    with _followed(connector):
        _upsert(Status, rows, key="jira_id", fields=["name", "category", "project"])


def store_issue_types(connector: Connector, types: Sequence[JiraIssueType]) -> None:
    with transaction.atomic():
        _upsert_types(connector, types)


def _upsert_types(connector: Connector, types: Iterable[JiraIssueType]) -> None:
    projects = dict(Project.objects.filter(connector=connector).values_list("jira_id", "pk"))
    rows = [
        IssueType(
            connector=connector,
            jira_id=each.id,
            name=each.name[:LONGEST_NAME],
            subtask=each.is_subtask,
            hierarchy_level=_level(each),
            avatar=each.avatar,
            project_id=projects.get(each.project_id) if each.project_id else None,
        )
        for each in types
    ]
    _upsert(IssueType, rows, key="jira_id", fields=["name", "subtask", "hierarchy_level", "avatar", "project"])


def _level(type_: JiraIssueType) -> int | None:
    level = type_.hierarchy_level
    return None if level is None else max(-MOST_LEVELS, min(level, MOST_LEVELS))


def mark_vanished_in_jira(connector: Connector, statuses: Sequence[JiraStatus], types: Sequence[JiraIssueType]) -> None:
    """Last of all: the site-wide lists can miss what a project shows, so neither says alone that something is gone."""
    reached = ReachableStatus.objects.filter(
        project__connector=connector, project__in_scope=True, project__vanished_at=None
    )
    met_statuses = reached.values_list("status__jira_id", flat=True).distinct()
    met_types = reached.values_list("issue_type__jira_id", flat=True).distinct()
    with transaction.atomic():
        _mark_vanished(Status, connector, "jira_id", [*(each.id for each in statuses), *met_statuses])
        _mark_vanished(IssueType, connector, "jira_id", [*(each.id for each in types), *met_types])


# --- process flows -----------------------------------------------------------------------------------------------


def store_flows(connector: Connector, flows: Sequence[AlignFlow]) -> None:
    with transaction.atomic():
        rows = [
            ProcessFlow(
                connector=connector,
                align_id=flow.id,
                name=flow.name[:LONGEST_NAME],
                level=flow.level.lower()[:20],
                is_active=flow.is_active,
                programme_ids=list(flow.program_ids),
            )
            for flow in flows
        ]
        _upsert(ProcessFlow, rows, key="align_id", fields=["name", "level", "is_active", "programme_ids"])
        _mark_vanished(ProcessFlow, connector, "align_id", [flow.id for flow in flows])
        _store_steps(connector, flows)


def _store_steps(connector: Connector, flows: Sequence[AlignFlow]) -> None:
    ids = dict(ProcessFlow.objects.filter(connector=connector).values_list("align_id", "pk"))
    rows = [
        ProcessStep(
            connector=connector,
            flow_id=ids[flow.id],
            align_id=step.id,
            name=step.name[:LONGEST_NAME],
            position=max(0, step.order),
            map_to_state=step.state,
        )
        for flow in flows
        for step in flow.steps
    ]
    _upsert(ProcessStep, rows, key="align_id", fields=["flow", "name", "position", "map_to_state"])
    _mark_vanished(ProcessStep, connector, "align_id", [row.align_id for row in rows])


# --- which statuses each project's issue types can reach -------------------------------------------------------------


def read_reachable(run: runner.Run, jira: JiraClient) -> None:
    """One call a project in scope, several at once; stored in portions, so that a long read loses little."""
    projects = list(Project.objects.filter(connector=run.connector, in_scope=True, vanished_at=None))
    run.progress("statuses of each project", done=0, total=len(projects))
    portion: list[tuple[Project, Statuses]] = []

    def read(project: Project) -> tuple[Project, Statuses]:
        try:
            return project, jira.project_statuses(project.key)
        except RemoteError as error:
            raise runner.JobFailed(f"Statuses of project {project.key}: {error.sentence}") from error

    with DatabaseThreads(min(8, settings.APPLY_THREADS)) as threads:
        for done, (project, answered) in enumerate(threads.each_done(read, projects), start=1):
            portion.append((project, answered))
            if len(portion) == STORED_AT_ONCE:
                store_reachable(run.connector, portion)
                portion = []
            run.progress(f"statuses of {project.key}", done=done)
    store_reachable(run.connector, portion)


def store_reachable(connector: Connector, portion: Sequence[tuple[Project, Statuses]]) -> None:
    """Replace what these projects' issue types reach; statuses and types met here first are added."""
    with transaction.atomic():
        _add_unknown(connector, portion)
        status_ids = dict(Status.objects.filter(connector=connector).values_list("jira_id", "pk"))
        type_ids = dict(IssueType.objects.filter(connector=connector).values_list("jira_id", "pk"))
        wanted = {
            (project.pk, type_ids[each.issue_type.id], status_ids[status.id])
            for project, answered in portion
            for each in answered
            for status in each.statuses
        }
        stored = ReachableStatus.objects.filter(project__in=[project for project, _ in portion])
        there = {(row.project_id, row.issue_type_id, row.status_id): row.pk for row in stored}
        stored.filter(pk__in=[pk for key, pk in there.items() if key not in wanted]).delete()
        new = [
            ReachableStatus(project_id=project, issue_type_id=type_, status_id=status)
            for project, type_, status in sorted(wanted - there.keys())
        ]
        ReachableStatus.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)


def _add_unknown(connector: Connector, portion: Sequence[tuple[Project, Statuses]]) -> None:
    """The site-wide lists can miss what a project shows, e.g. a status of an inactive workflow."""
    known = set(Status.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    types = set(IssueType.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    projects = dict(Project.objects.filter(connector=connector).values_list("jira_id", "pk"))
    met = [each for _, answered in portion for each in answered]
    statuses = {status.id: status for each in met for status in each.statuses if status.id not in known}
    _upsert_statuses(connector, statuses.values(), projects)
    owned = (
        (_owned(each.issue_type, project), each.issue_type.id) for project, answered in portion for each in answered
    )
    _upsert_types(connector, {id_: type_ for type_, id_ in owned if id_ not in types}.values())


def _owned(type_: JiraIssueType, project: Project) -> JiraIssueType:
    """A team-managed project's list of its own types does not say whose they are."""
    return replace(type_, project_id=project.jira_id) if project.team_managed else type_

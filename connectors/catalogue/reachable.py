"""Which statuses each project's issue types can reach: one call a project, stored in portions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from connectors.catalogue.findings import SiteReading, noticed, noticed_in_projects
from connectors.catalogue.jira_lists import mark_gone, upsert_statuses, upsert_types
from connectors.jira.resources import IssueTypeStatuses, JiraIssueType
from connectors.models import Connector, FindingKind, IssueType, Project, ReachableStatus, Status

STORED_AT_ONCE = 100  # projects whose statuses go into one transaction


@dataclass(frozen=True, kw_only=True)
class ProjectStatuses:
    """What Jira answered for one project."""

    project: Project
    statuses: Sequence[IssueTypeStatuses]


def projects_to_read(connector: Connector) -> list[Project]:
    return list(Project.objects.filter(connector=connector, in_scope=True, vanished_at=None))


def store_reachable(reading: SiteReading, answers: Sequence[ProjectStatuses]) -> None:
    """Replace what these projects' issue types reach; statuses and types met here first are added."""
    connector = reading.connector
    with transaction.atomic():
        Connector.objects.locked().get(pk=connector.pk)
        portion = _not_overtaken(reading, answers)
        projects = [each.project for each in portion]
        with noticed_in_projects(reading, projects):
            _add_unknown(connector, portion)
            _replace(connector, portion)
        now = timezone.now()
        keys = [project.pk for project in projects]
        Project.objects.filter(pk__in=keys).update(read_at=now, tried_at=now, read_error="")


def store_gone(reading: SiteReading) -> None:
    """After the last portion: what neither a list nor a project shows any more."""
    with transaction.atomic():
        Connector.objects.locked().get(pk=reading.connector.pk)
        with noticed(reading, FindingKind.STATUS, FindingKind.ISSUE_TYPE):
            mark_gone(reading.connector)


def _not_overtaken(reading: SiteReading, answers: Sequence[ProjectStatuses]) -> list[ProjectStatuses]:
    """Without those that another job has stored since this reading began; with their rows as they are now."""
    stored = Project.objects.in_bulk([each.project.pk for each in answers])
    found = []
    for each in answers:
        project = stored.get(each.project.pk)
        if project is not None and (project.read_at is None or project.read_at <= reading.began_at):
            found.append(replace(each, project=project))
    return found


def _replace(connector: Connector, portion: Sequence[ProjectStatuses]) -> None:
    status_ids = dict(Status.objects.filter(connector=connector).values_list("jira_id", "pk"))
    type_ids = dict(IssueType.objects.filter(connector=connector).values_list("jira_id", "pk"))
    wanted = {
        (answer.project.pk, type_ids[each.issue_type.id], status_ids[status.id])
        for answer in portion
        for each in answer.statuses
        for status in each.statuses
    }
    stored = ReachableStatus.objects.filter(project__in=[answer.project for answer in portion])
    there = {(row.project_id, row.issue_type_id, row.status_id): row.pk for row in stored}
    stored.filter(pk__in=[pk for key, pk in there.items() if key not in wanted]).delete()
    new = [
        ReachableStatus(project_id=project, issue_type_id=type_, status_id=status)
        for project, type_, status in sorted(wanted - there.keys())
    ]
    ReachableStatus.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)


def _add_unknown(connector: Connector, portion: Sequence[ProjectStatuses]) -> None:
    """The site-wide lists can miss what a project shows, e.g. a status of an inactive workflow."""
    known = set(Status.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    types = set(IssueType.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    met = [each for answer in portion for each in answer.statuses]
    statuses = {status.id: status for each in met for status in each.statuses if status.id not in known}
    if statuses:
        upsert_statuses(connector, statuses.values(), is_whole_list=False)
    owned = (_owned(each.issue_type, answer.project) for answer in portion for each in answer.statuses)
    unknown = {type_.id: type_ for type_ in owned if type_.id not in types}
    if unknown:
        upsert_types(connector, unknown.values(), is_whole_list=False)


def _owned(type_: JiraIssueType, project: Project) -> JiraIssueType:
    """A team-managed project's list of its own types does not say whose they are."""
    return replace(type_, project_id=project.jira_id) if project.team_managed else type_

"""Which statuses each project's issue types can reach: one call a project, stored in portions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from django.db import transaction
from django.utils import timezone

from alignadmin.http.errors import BadRequest, Forbidden, NotFound, NotJson, ServerFailed
from alignadmin.http.listing import Records, aside_words
from connectors.catalogue.findings import SiteReading, noticed, noticed_in_projects
from connectors.catalogue.jira_lists import mark_gone, upsert_statuses, upsert_types
from connectors.jira.resources import IssueTypeStatuses, JiraIssueType
from connectors.jobs.runner import JobFailed
from connectors.models import Connector, FindingKind, IssueType, Project, ReachableStatus, Status, in_scope_here

STORED_AT_ONCE = 100  # projects whose statuses go into one transaction
# What Jira says of one project, and of no other.
OF_ONE_PROJECT = (BadRequest, Forbidden, NotFound, NotJson, ServerFailed)
Reach: TypeAlias = "tuple[int, int, int]"  # keys of project, issue type and status


@dataclass(frozen=True, kw_only=True)
class ProjectStatuses:
    """What Jira answered for one project."""

    project: Project
    statuses: Records[IssueTypeStatuses]

    @property
    def set_aside(self) -> str:
        """What of it cannot be used, in words; empty where all can."""
        within = [aside for each in self.statuses for aside in each.statuses.aside]
        return aside_words(f"Statuses of project {self.project.key}", [*self.statuses.aside, *within])

    def may_reach(self, type_: tuple[int, str], status: tuple[int, str]) -> bool:
        """Whether what is set aside may say that it does, of an issue type and a status by id and name."""
        answered = next((each for each in self.statuses if each.issue_type.id == type_[0]), None)
        return self.statuses.may_hold(*type_) if answered is None else answered.statuses.may_hold(*status)


@dataclass(frozen=True, kw_only=True)
class UnreadProject:
    """Why one project's statuses were not read."""

    project: Project
    sentence: str


def refuse_if_all_are(refused: Sequence[UnreadProject], asked: Sequence[Project]) -> None:
    """What is answered of each project alike is the site's state. Raises JobFailed."""
    if len(refused) > 1 and len(refused) == len(asked):
        raise JobFailed(refused[0].sentence)


def store_refusal(refusal: UnreadProject) -> None:
    Project.objects.filter(pk=refusal.project.pk).update(tried_at=timezone.now(), read_error=refusal.sentence)


def projects_to_read(connector: Connector) -> list[Project]:
    return list(Project.objects.filter(in_scope_here(), connector=connector))


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
        for each in portion:
            if words := each.set_aside:
                Project.objects.filter(pk=each.project.pk).update(read_error=words)


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
    gone = {key: pk for key, pk in there.items() if key not in wanted}
    kept = _that_may_be_reached(gone, portion)
    stored.filter(pk__in=[pk for key, pk in gone.items() if key not in kept]).delete()
    new = [
        ReachableStatus(project_id=project, issue_type_id=type_, status_id=status)
        for project, type_, status in sorted(wanted - there.keys())
    ]
    ReachableStatus.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)


def _that_may_be_reached(gone: Collection[Reach], portion: Sequence[ProjectStatuses]) -> set[Reach]:
    """Of those that no usable record shows, those that a record set aside may stand for."""
    partly = {answer.project.pk: answer for answer in portion if answer.set_aside}
    asked = [key for key in gone if key[0] in partly]
    if not asked:
        return set()
    types = IssueType.objects.in_bulk({type_ for _, type_, _ in asked})
    statuses = Status.objects.in_bulk({status for _, _, status in asked})
    return {
        (project, type_, status)
        for project, type_, status in asked
        if partly[project].may_reach(
            (types[type_].jira_id, types[type_].name), (statuses[status].jira_id, statuses[status].name)
        )
    }


def _add_unknown(connector: Connector, portion: Sequence[ProjectStatuses]) -> None:
    """The site-wide lists can miss what a project shows, e.g. a status of an inactive workflow."""
    known = set(Status.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    types = set(IssueType.objects.filter(connector=connector, vanished_at=None).values_list("jira_id", flat=True))
    met = [each for answer in portion for each in answer.statuses]
    statuses = {status.id: status for each in met for status in each.statuses if status.id not in known}
    if statuses:
        upsert_statuses(connector, list(statuses.values()), is_whole_list=False)
    owned = (_owned(each.issue_type, answer.project) for answer in portion for each in answer.statuses)
    unknown = {type_.id: type_ for type_ in owned if type_.id not in types}
    if unknown:
        upsert_types(connector, list(unknown.values()), is_whole_list=False)


def _owned(type_: JiraIssueType, project: Project) -> JiraIssueType:
    """A team-managed project's list of its own types does not say whose they are."""
    return replace(type_, project_id=project.jira_id) if project.team_managed else type_

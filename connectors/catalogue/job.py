"""The job that looks for what is new: a site's cheap lists, then the statuses of some of its projects.

What it reads is stored for every connector that shares the site. One project's refusal is that project's state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from alignadmin.due_work import wake
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.catalogue import priorities, reported, sites
from connectors.catalogue.align_lists import Flows, read_flows, read_projects, store_align_lists
from connectors.catalogue.findings import SiteReading
from connectors.catalogue.jira_lists import read_jira_lists, store_jira_lists
from connectors.catalogue.project_rights import read_rights
from connectors.catalogue.reachable import (
    OF_ONE_PROJECT,
    STORED_AT_ONCE,
    ProjectStatuses,
    UnreadProject,
    refuse_if_all_are,
    store_gone,
    store_reachable,
    store_refusal,
)
from connectors.catalogue.refresh import MOST_THREADS
from connectors.credentials import clients
from connectors.jira.client import JiraClient
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Connector, JobKind, Project, System, in_scope_here


@runner.handler(JobKind.LISTS)
def look_for_news(run: runner.Run) -> None:
    """Of the system that the job's subject begins with. Why it failed is kept with each connector that it was for."""
    system = System(run.job.subject.split()[0])
    members = sites.sharing(run.connector, system) or [run.connector]
    # Its own signs in: when that is disconnected the job is stopped, and any other may be without harm.
    members.sort(key=lambda each: each.pk != run.connector.pk)
    try:
        (_read_jira if system is System.JIRA else _read_align)(run, members)
    except (RemoteError, SealError, runner.JobFailed) as error:
        sentence = error.sentence if isinstance(error, RemoteError) else str(error)
        _store_error(members, system, sentence)
        raise runner.JobFailed(sentence) from error


def _store_error(members: Sequence[Connector], system: System, sentence: str) -> None:
    keys = [member.pk for member in members]
    Connector.objects.filter(pk__in=keys).update(**{f"{system.value}_lists_error": sentence})


def _reading(run: runner.Run, member: Connector, began_at: datetime) -> SiteReading:
    return SiteReading(connector=member, began_at=began_at, actor=run.actor)


# --- Align ------------------------------------------------------------------------------------------------------------


def _read_align(run: runner.Run, members: Sequence[Connector]) -> None:
    """The flows are the site's; which projects there are, each connector says for itself."""
    began_at, interactive = timezone.now(), bool(run.job.params.get("interactive"))
    client = partial(clients.align_client, job=run.job, interactive=interactive, on_wait=run.waits_for)
    flows: Flows | None = None
    failed: list[str] = []
    smaller: list[Connector] = []
    for done, member in enumerate(members):
        run.progress(f"projects and process flows of {member}", done=done, total=len(members))
        try:
            align = client(member)
        except clients.NoCredential as error:  # disconnected since the reading began
            failed.append(error.sentence)
            continue
        if flows is None:
            flows = read_flows(align, member)
        try:
            is_stored = store_align_lists(_reading(run, member, began_at), read_projects(align, member), flows)
        except RemoteError as error:
            _store_error([member], System.ALIGN, error.sentence)
            failed.append(error.sentence)
        else:
            if is_stored:
                # A right that this one address asks for says nothing of the credential.
                quiet = partial(client, member, notes_forbidden=False)
                reported.ask(member, quiet, began_at)
                if priorities.due([member], System.ALIGN, began_at):
                    priorities.read_in_align(member, quiet, began_at)
        if align.pages_are_smaller:
            smaller.append(member)
    for member in smaller:
        # What lies beyond a page's end has not been seen in any list, of mappings neither.
        runner.start(member, JobKind.REFRESH, actor=None, params={"then": JobKind.OBSERVE})
    if failed and len(failed) == len(members):
        raise runner.JobFailed(failed[0])
    _bring_forward([member.pk for member in members])


def _bring_forward(keys: Sequence[int]) -> None:
    """Projects that came into scope have statuses that nobody has read."""
    unread = Project.objects.filter(in_scope_here(), connector__in=keys, tried_at=None)
    owners = list(unread.order_by().values_list("connector_id", flat=True).distinct())
    if owners and Connector.objects.filter(pk__in=owners).update(projects_due_at=timezone.now()):
        wake()


# --- Jira -------------------------------------------------------------------------------------------------------------


@dataclass
class _Answers:
    """Of one rotation: by project, what it answered or why it did not."""

    read: list[ProjectStatuses] = field(default_factory=list)
    failed: list[UnreadProject] = field(default_factory=list)


def _read_jira(run: runner.Run, members: Sequence[Connector]) -> None:
    """1. the lists, where they are due; 2. projects that they show to be new or changed; 3. those read longest ago.

    Of projects that somebody chose, these alone, and where that was asked what the account may do in them.
    """
    began_at, params = timezone.now(), run.job.params
    interactive = bool(params.get("interactive"))
    jira = clients.jira_client(members[0], job=run.job, interactive=interactive, on_wait=run.waits_for)
    jira.myself()  # here, or each of the threads below would sign in for itself
    if params.get("lists"):
        run.progress("projects, statuses and issue types in Jira", done=0, total=0)
        lists = read_jira_lists(jira)
        for member in members:
            store_jira_lists(_reading(run, member, began_at), lists)
        if unread := priorities.due(members, System.JIRA, began_at):
            priorities.read_in_jira(unread, jira, began_at)
    left = sites.share() - jira.sent
    wanted = params.get("projects")
    projects = _named(wanted) if wanted is not None else list(_longest_ago(members, began_at))[: max(0, left)]
    _read_projects(run, jira, members, projects, began_at)
    if params.get("rights"):
        read_rights(run, jira, list(Project.objects.filter(pk__in=wanted or (), vanished_at=None)))
    if wanted is None:
        _go_on_later(members, began_at, spent=jira.sent)


def _named(keys: Sequence[int]) -> list[Project]:
    return list(Project.objects.filter(in_scope_here(), pk__in=keys))


def _longest_ago(members: Sequence[Connector], began_at: datetime) -> Iterator[Project]:
    """Each project of Jira once, though several connectors have it; what was never tried comes first."""
    seen: set[int] = set()
    for project in _due_projects(members, began_at).order_by(F("tried_at").asc(nulls_first=True), "jira_id"):
        if project.jira_id not in seen:
            seen.add(project.jira_id)
            yield project


def _due_projects(members: Sequence[Connector], began_at: datetime) -> QuerySet[Project]:
    """A window early, or one that was read a moment after the lists would wait for the lists after the next ones."""
    since = began_at - sites.interval() + sites.window()
    of_site = Project.objects.filter(in_scope_here(), connector__in=members)
    return of_site.exclude(tried_at__gt=since)


def _read_projects(
    run: runner.Run, jira: JiraClient, members: Sequence[Connector], projects: Sequence[Project], began_at: datetime
) -> None:
    if not projects:
        return
    answers = _Answers()

    def read(project: Project) -> ProjectStatuses | UnreadProject:
        try:
            return ProjectStatuses(project=project, statuses=jira.project_statuses(project.key))
        except OF_ONE_PROJECT as error:
            return UnreadProject(project=project, sentence=error.sentence)

    run.progress("statuses of some projects", done=0, total=len(projects))
    try:
        with DatabaseThreads(min(MOST_THREADS, settings.APPLY_THREADS)) as threads:
            for done, answer in enumerate(threads.each_done(read, projects), start=1):
                if isinstance(answer, UnreadProject):
                    answers.failed.append(answer)
                else:
                    answers.read.append(answer)
                run.progress(f"statuses of {answer.project.key}", done=done)
    except RemoteError:
        _store(run, members, answers, began_at)
        raise
    refuse_if_all_are(answers.failed, projects)
    _store(run, members, answers, began_at)


def _store(run: runner.Run, members: Sequence[Connector], answers: _Answers, began_at: datetime) -> None:
    for member in members:
        own = {each.jira_id: each for each in Project.objects.filter(in_scope_here(), connector=member)}
        reading = _reading(run, member, began_at)
        portion = [
            ProjectStatuses(project=own[each.project.jira_id], statuses=each.statuses)
            for each in answers.read
            if each.project.jira_id in own
        ]
        for first in range(0, len(portion), STORED_AT_ONCE):
            store_reachable(reading, portion[first : first + STORED_AT_ONCE])
        if portion:
            store_gone(reading)
        for refusal in answers.failed:
            if mine := own.get(refusal.project.jira_id):
                store_refusal(UnreadProject(project=mine, sentence=refusal.sentence))


def _go_on_later(members: Sequence[Connector], began_at: datetime, *, spent: int) -> None:
    """In as many windows as the requests of this one were worth, where there is a project left to read."""
    if not _due_projects(members, began_at).exists():
        return
    windows = max(1, -(-spent // sites.share()))
    keys = [member.pk for member in members]
    Connector.objects.filter(pk__in=keys).update(projects_due_at=began_at + windows * sites.window())

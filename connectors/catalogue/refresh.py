"""Refreshing the catalogue: everything that Align and Jira contain, read in the background and stored part by part.

Each part is read whole before it is stored in one short transaction, so a failed call changes nothing of its part.
What is refused of one project is that project's state, and process flows may be missing: all else is read all the same.
What is no longer answered is marked as vanished and kept; it is unmarked when it comes back.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.catalogue import priorities
from connectors.catalogue.align_lists import read_flows, read_projects, store_align_lists
from connectors.catalogue.findings import SiteReading
from connectors.catalogue.jira_lists import read_jira_lists, store_jira_lists
from connectors.catalogue.reachable import (
    OF_ONE_PROJECT,
    STORED_AT_ONCE,
    ProjectStatuses,
    UnreadProject,
    projects_to_read,
    refuse_if_all_are,
    store_gone,
    store_reachable,
    store_refusal,
)
from connectors.catalogue.reported import store_connector
from connectors.credentials import clients
from connectors.jira.client import JiraClient
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Connector, IssueType, JobKind, ProcessFlow, ProcessStep, Project, Status
from connectors.ports.audited import context_of

MOST_THREADS = 8


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
    following = now + timedelta(seconds=settings.CATALOGUE_INTERVAL)
    Connector.objects.filter(pk=connector.pk).update(
        catalogue_at=now,
        catalogue_error="",
        jira_lists_due_at=following,
        align_lists_due_at=following,
        projects_due_at=None,
    )
    if then := run.job.params.get("then"):
        # Only now: which lists there are to read is in the catalogue.
        runner.start(connector, JobKind(then), actor=run.actor)


def _refresh(run: runner.Run) -> None:
    align = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for)
    jira = clients.jira_client(run.connector, job=run.job, on_wait=run.waits_for)
    before = _sizes(run.connector)
    reading = SiteReading(connector=run.connector, began_at=timezone.now(), actor=run.actor)
    run.progress("connector, projects and process flows in Align", done=0, total=0)
    told = align.connector()
    projects, flows = read_projects(align, run.connector), read_flows(align, run.connector)
    run.progress("projects, statuses and issue types in Jira")
    store_jira_lists(reading, read_jira_lists(jira))
    if store_align_lists(reading, projects, flows):
        store_connector(run.connector, told, reading.began_at)
    run.progress("priorities of both")
    quiet = partial(clients.align_client, run.connector, job=run.job, on_wait=run.waits_for, notes_forbidden=False)
    priorities.read_in_align(run.connector, quiet, reading.began_at)
    priorities.read_in_jira([run.connector], jira, reading.began_at)
    _read_reachable(run, reading, jira)
    _record_sizes(run, before)


def _read_reachable(run: runner.Run, reading: SiteReading, jira: JiraClient) -> None:
    """Several at once; stored in portions, so that a long read loses little."""
    projects = projects_to_read(run.connector)
    run.progress("statuses of each project", done=0, total=len(projects))
    portion: list[ProjectStatuses] = []
    refused: list[UnreadProject] = []

    def read(project: Project) -> ProjectStatuses | UnreadProject:
        try:
            return ProjectStatuses(project=project, statuses=jira.project_statuses(project.key))
        except OF_ONE_PROJECT as error:
            return UnreadProject(project=project, sentence=error.sentence)

    with DatabaseThreads(min(MOST_THREADS, settings.APPLY_THREADS)) as threads:
        for done, answer in enumerate(threads.each_done(read, projects), start=1):
            if isinstance(answer, UnreadProject):
                refused.append(answer)
            else:
                portion.append(answer)
            if len(portion) == STORED_AT_ONCE:
                store_reachable(reading, portion)
                portion = []
            run.progress(f"statuses of {answer.project.key}", done=done)
    refuse_if_all_are(refused, projects)
    store_reachable(reading, portion)
    for refusal in refused:
        store_refusal(refusal)
    store_gone(reading)


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


def _record_sizes(run: runner.Run, before: dict[str, int]) -> None:
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

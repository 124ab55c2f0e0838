"""The jobs of the agreement check, by their subject. Every client reads alone: nothing is written to either system.

A worker that takes one over goes on: what was compared since the run began is left out, and the rest is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from alignadmin.errors import Refused
from alignadmin.http.errors import NotFound
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import JobKind, Project
from mappings.items.agreement import align_polling, notices
from mappings.items.agreement.work import CHANGE_IT, AgreementWork
from mappings.items.prediction.issues import AT_ONCE
from mappings.models import AgreementKind, AgreementRun, AgreementSetting, ComparedItem

WHOLE, SAMPLED, CHANGED, POLL = "whole", "sampled", "changed", "poll"  # subjects; of one that is asked for its own
SLICE = 300  # requests, after which a whole comparison gives its worker back between two projects
AFTER_FAILURE = timedelta(minutes=5)
KEPT = timedelta(days=30)


@runner.handler(JobKind.AGREEMENT)
def compare(run: Run) -> None:
    """A failure by the clock puts the next try off, so that a system that is away is not asked all the time."""
    by_subject: Mapping[str, Callable[[Run], None]] = {
        WHOLE: compare_whole,
        SAMPLED: compare_sample,
        CHANGED: compare_changed,
        POLL: align_polling.poll,
    }
    work = by_subject.get(run.job.subject)
    if work is None:
        compare_asked(run)
        return
    setting = AgreementSetting.objects.filter(connector=run.connector)
    try:
        work(run)
    except LeaseLost:
        raise
    except Exception:
        column = "poll_due_at" if run.job.subject == POLL else "work_after"
        setting.update(**{column: timezone.now() + AFTER_FAILURE})
        raise
    if run.job.subject != POLL:
        setting.exclude(work_after=None).update(work_after=None)


# --- all of it --------------------------------------------------------------------------------------------------------


def compare_whole(run: Run) -> None:
    """Project by project from where the run stands; after a slice its worker is given back, and another job goes on."""
    kept = _unfinished(run, AgreementKind.WHOLE)
    if kept is None:
        return
    work = AgreementWork(run=run, kept=kept)
    projects = sorted(work.projects.values(), key=lambda each: each.pk)
    try:
        for project in [each for each in projects if each.pk > kept.cursor]:
            if work.sent >= SLICE:
                return
            with work.counted(), work.leaving_out(project):
                work.compare_project(project)
            work.tell_unread()
            with transaction.atomic():
                run.assert_lease()
                kept.cursor = project.pk
                AgreementRun.objects.filter(pk=kept.pk).update(cursor=project.pk, error="")
        with work.counted():
            work.finish()
    except LeaseLost:
        raise
    except Exception as error:
        AgreementRun.objects.filter(pk=kept.pk).update(error=str(error))
        raise
    _forget_older(run)
    notices.tell(run.connector)


def _forget_older(run: Run) -> None:
    """Runs that ended long ago; the last whole one is younger."""
    old = AgreementRun.objects.filter(connector=run.connector, started_at__lt=timezone.now() - KEPT)
    old.exclude(finished_at=None).delete()


def _unfinished(run: Run, kind: AgreementKind) -> AgreementRun | None:
    """The one that another job or worker has begun, else a new one. None where this job's was brought to its end by a
    worker that was killed before the job was.
    """
    with transaction.atomic():
        run.assert_lease()
        if AgreementRun.objects.filter(job=run.job, finished_at__isnull=False).exists():
            return None
        rows = AgreementRun.objects.locked().filter(connector=run.connector, kind=kind, finished_at=None)
        if known := rows.order_by("-pk").first():
            known.job = run.job
            known.save(update_fields=["job"])
            return known
        return AgreementRun.objects.create(
            connector=run.connector, kind=kind, job=run.job, person=run.actor, started_at=timezone.now()
        )


# --- a sample, and what changed ---------------------------------------------------------------------------------------


def compare_sample(run: Run) -> None:
    """A lot of the project whose pairs have waited longest; before the first whole comparison there is nothing."""
    kept = _unfinished(run, AgreementKind.SAMPLED)
    if kept is None:
        return
    work = AgreementWork(run=run, kept=kept)
    compared = [each.pk for each in work.projects.values()]
    rows = ComparedItem.objects.filter(connector=run.connector, compared_at__isnull=False, project__in=compared)
    oldest = rows.order_by("compared_at").first()
    with work.counted():
        if oldest is not None:
            own = rows.filter(project=oldest.project_id).select_related("project").order_by("compared_at", "pk")
            work.compare_rows(list(own[:AT_ONCE]))
        work.finish()


def compare_changed(run: Run) -> None:
    """Until nothing is due."""
    kept = _unfinished(run, AgreementKind.CHANGED)
    if kept is None:
        return
    work = AgreementWork(run=run, kept=kept)
    due = ComparedItem.objects.filter(connector=run.connector, due_at__isnull=False).select_related("project")
    with work.counted():
        while rows := list(due.filter(due_at__lte=(now := timezone.now())).order_by("project_id", "pk")[:AT_ONCE]):
            work.compare_rows(rows)
            # What could not be read stays as it was, and comes with the others.
            with transaction.atomic():
                looked_at = due.filter(pk__in=[each.pk for each in rows], due_at__lte=now)
                looked_at.lock_in_order()
                looked_at.update(due_at=None)
        work.finish()
    notices.tell(run.connector)


# --- asked for --------------------------------------------------------------------------------------------------------


def compare_asked(run: Run) -> None:
    """A project, or one issue: for that a person waits, so it may use what is reserved for people."""
    kept = AgreementRun.objects.filter(pk=run.job.params.get("run")).select_related("project").first()
    if kept is None or kept.finished_at is not None or kept.project is None:
        return
    key = str(run.job.params.get("issue", ""))
    work = AgreementWork(run=run, kept=kept, interactive=bool(key))
    project = work.projects.get(kept.project.jira_id)
    if project is None:
        raise JobFailed(f"{kept.project.key} is not in scope here any more.")
    try:
        with work.counted():
            if key:
                _compare_one(work, project, key)
            else:
                work.compare_project(project)
            if kept.left_out:
                raise JobFailed(" ".join(kept.left_out))
            work.finish()
    except Refused as refused:
        raise JobFailed(f"{refused} {CHANGE_IT}") from refused


def _compare_one(work: AgreementWork, project: Project, key: str) -> None:
    comparison, read_at = work.of(project), timezone.now()
    known = ComparedItem.objects.filter(connector=work.run.connector, issue_key=key).select_related("project").first()
    if known is not None:
        work.compare_rows([known])
        return
    try:
        found = work.jira.issue(key, ("project",))
    except NotFound as missing:
        raise JobFailed(f"Jira shows no issue {key}. Check the key.") from missing
    lots = [each for lot in comparison.reading.by_keys([found.id], comparison.jql) for each in lot]
    if not lots:
        raise JobFailed(f"{key} is not among the issues of {project.key} that are compared.")
    work.compare(project, lots, read_at)

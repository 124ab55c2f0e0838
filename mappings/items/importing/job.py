"""The job "import": plans one that was asked for, sends one that was approved."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone

from alignadmin.due_work import due_work
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.items.importing.planning import ImportPlanning
from mappings.items.importing.sending import ImportSending
from mappings.models import ImportLineState, ImportRun, ImportState

BROKE_OFF = "An error in AlignAdmin stopped it. See the log, then go on."
NO_JOB = "The work on it ended before it was done."


@runner.handler(JobKind.IMPORT)
def work_on_import(run: Run) -> None:
    """One that ended meanwhile, or that a worker brought to its end before it was killed, has nothing to do."""
    rows = ImportRun.objects.select_related("connector", "project", "author", "approver")
    found = rows.filter(pk=run.job.subject, connector=run.connector).first()
    if found is None:
        return
    sending = ImportSending(job=run, run=found)
    try:
        if found.state == ImportState.PLANNING:
            ImportPlanning(job=run, run=found).work()
        elif found.state == ImportState.RUNNING:
            sending.work()
    except (LeaseLost, OperationalError, JobFailed):
        raise  # whoever takes the job up goes on; what failed in words has been kept
    except Exception:
        sending.journal.break_off(BROKE_OFF)
        raise


@due_work
def pause_orphans() -> int:
    """An import without a job: its worker was killed while ending, or its connector was disconnected."""
    count = 0
    for found in ImportRun.objects.filter(state__in=[ImportState.PLANNING, ImportState.RUNNING]):
        active = Job.objects.filter(connector=found.connector_id, kind=JobKind.IMPORT, subject=str(found.pk))
        if active.filter(state__in=ACTIVE).exists():
            continue
        own = ImportRun.objects.filter(pk=found.pk, state=found.state)
        if found.state == ImportState.PLANNING:
            count += own.update(state=ImportState.FAILED, error=NO_JOB, finished_at=timezone.now())
        elif found.control == "cancel":
            found.lines.filter(state=ImportLineState.PLANNED).update(state=ImportLineState.CANCELLED)
            count += own.update(state=ImportState.CANCELLED, control="", finished_at=timezone.now())
        else:
            count += own.update(state=ImportState.PAUSED, control="", error=NO_JOB)
    return count

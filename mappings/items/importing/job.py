"""The job "import": plans one that was asked for, sends one that was approved, and likewise rolls one back."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError, transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.due_work import due_work
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.items.importing.entries import import_record
from mappings.items.importing.planning import ImportPlanning
from mappings.items.importing.sending import ImportSending
from mappings.models import ImportLineState, ImportRun, ImportState

BROKE_OFF = "An error in AlignAdmin stopped it. See the log, then go on."
NO_JOB = "The work on it ended before it was done."


OtherWork = Callable[[Run, int], None]
# Work of this kind that rooms above do: by the beginning of a job's subject, "undo-12".
_OTHER_WORK: dict[str, OtherWork] = {}


def also_works_on(prefix: str) -> Callable[[OtherWork], OtherWork]:
    def register(function: OtherWork) -> OtherWork:
        _OTHER_WORK[prefix] = function
        return function

    return register


@runner.handler(JobKind.IMPORT)
def work_on_import(run: Run) -> None:
    """One that ended meanwhile, or that a worker brought to its end before it was killed, has nothing to do."""
    prefix, _, number = run.job.subject.partition("-")
    if number:
        _OTHER_WORK[prefix](run, int(number))
        return
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
    open_ones = ImportRun.objects.filter(state__in=[ImportState.PLANNING, ImportState.RUNNING])
    return sum(_pause_orphan(pk) for pk in list(open_ones.values_list("pk", flat=True)))


def _pause_orphan(pk: int) -> bool:
    """Behind its row: whoever lets it go on starts its job in the same transaction."""
    with transaction.atomic():
        rows = ImportRun.objects.locked().select_related("connector", "project", "author", "approver")
        found = rows.get(pk=pk)
        active = Job.objects.filter(connector=found.connector_id, kind=JobKind.IMPORT, subject=str(pk))
        if found.state not in (ImportState.PLANNING, ImportState.RUNNING) or active.filter(state__in=ACTIVE).exists():
            return False
        action = "import.paused"
        if found.state == ImportState.PLANNING:
            found.state, found.error, found.finished_at, action = (
                ImportState.FAILED,
                NO_JOB,
                timezone.now(),
                "import.failed",
            )
        elif found.control == "cancel":
            found.lines.filter(state=ImportLineState.PLANNED).update(state=ImportLineState.CANCELLED)
            found.state, found.finished_at, action = ImportState.CANCELLED, timezone.now(), "import.finished"
        else:
            found.state, found.error = ImportState.PAUSED, NO_JOB
        found.control = ""
        found.save(update_fields=["state", "control", "error", "finished_at"])
        said = f"Import {pk} of {found.project.key} is {found.get_state_display().lower()}. {NO_JOB}"
        trail.record(import_record(action, found, said, actor=found.approver or found.author))
    return True

"""Jobs that plan the roll back of an import, and carry out one that was approved."""

from __future__ import annotations

from django.db import OperationalError, transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.due_work import due_work
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.items.importing.job import BROKE_OFF, NO_JOB, also_works_on
from mappings.items.importing.undoing.entries import undo_record
from mappings.items.importing.undoing.planning import UndoPlanning
from mappings.items.importing.undoing.sending import UndoSending
from mappings.models import ImportUndoing, UndoingState, UndoLineState

PREFIX = "undo"  # of a job's subject
WORKED_ON = (UndoingState.PLANNING, UndoingState.RUNNING)


def subject_of(undoing: ImportUndoing) -> str:
    return f"{PREFIX}-{undoing.pk}"


@also_works_on(PREFIX)
def work_on_undoing(run: Run, number: int) -> None:
    rows = ImportUndoing.objects.select_related("run__connector", "run__project", "author", "approver")
    found = rows.filter(pk=number, run__connector=run.connector).first()
    if found is None:
        return
    sending = UndoSending(job=run, undoing=found)
    try:
        if found.state == UndoingState.PLANNING:
            UndoPlanning(job=run, undoing=found).work()
        elif found.state == UndoingState.RUNNING:
            sending.work()
    except (LeaseLost, OperationalError, JobFailed):
        raise  # whoever takes the job up goes on; what failed in words has been kept
    except Exception:
        sending.journal.break_off(BROKE_OFF)
        raise


@due_work
def pause_orphaned_undoings() -> int:
    """One without a job: its worker was killed while ending, or its connector was disconnected."""
    rows = ImportUndoing.objects.filter(state__in=WORKED_ON)
    return sum(_pause_orphan(pk) for pk in list(rows.values_list("pk", flat=True)))


def _pause_orphan(pk: int) -> bool:
    """Behind its row: whoever lets it go on starts its job in the same transaction."""
    with transaction.atomic():
        rows = ImportUndoing.objects.locked().select_related("run__connector", "run__project", "author", "approver")
        found = rows.get(pk=pk)
        jobs = Job.objects.filter(connector=found.run.connector, kind=JobKind.IMPORT, subject=subject_of(found))
        if found.state not in WORKED_ON or jobs.filter(state__in=ACTIVE).exists():
            return False
        if found.state == UndoingState.PLANNING:
            found.state, found.finished_at = UndoingState.FAILED, timezone.now()
        elif found.control == "cancel":
            found.lines.filter(state=UndoLineState.PLANNED).update(state=UndoLineState.CANCELLED)
            found.state, found.finished_at = UndoingState.CANCELLED, timezone.now()
        else:
            found.state = UndoingState.PAUSED
        found.control, found.error = "", NO_JOB
        found.save(update_fields=["state", "control", "error", "finished_at"])
        said = f"The roll back of import {found.run_id} is {found.get_state_display().lower()}. {NO_JOB}"
        trail.record(undo_record("import-undo.paused", found, said, actor=found.approver or found.author))
    return True

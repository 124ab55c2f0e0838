"""The job "import": plans one that was asked for, sends one that was approved."""

from __future__ import annotations

from connectors.jobs import runner
from connectors.jobs.runner import Run
from connectors.models import JobKind
from mappings.items.importing.planning import ImportPlanning
from mappings.items.importing.sending import ImportSending
from mappings.models import ImportRun, ImportState


@runner.handler(JobKind.IMPORT)
def work_on_import(run: Run) -> None:
    """One that ended meanwhile, or that a worker brought to its end before it was killed, has nothing to do."""
    rows = ImportRun.objects.select_related("connector", "project", "author", "approver")
    found = rows.filter(pk=run.job.subject, connector=run.connector).first()
    if found is None:
        return
    if found.state == ImportState.PLANNING:
        ImportPlanning(job=run, run=found).work()
    elif found.state == ImportState.RUNNING:
        ImportSending(job=run, run=found).work()

"""The job "item-trial": brings a trial that an admin agreed to to its end, from wherever an earlier one has come to."""

from __future__ import annotations

from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, Run
from connectors.models import JobKind
from mappings.items.importing.trial.journal import TrialJournal, TrialStopped
from mappings.items.importing.trial.trying import ItemTrying
from mappings.items.prediction.asked import configured_import
from mappings.models import OPEN_TRIALS, ItemTrial


@runner.handler(JobKind.ITEM_TRIAL)
def try_item(run: Run) -> None:
    rows = ItemTrial.objects.select_related("connector", "project", "author")
    trial = rows.filter(pk=run.job.subject, connector=run.connector, state__in=OPEN_TRIALS).first()
    if trial is None:  # a worker brought it to its end before it was killed
        return
    journal = TrialJournal(job=run, trial=trial)
    try:
        rules = configured_import(run.connector, trial.project).rules
        align = clients.align_client(
            run.connector, job=run.job, read_only=False, on_wait=run.waits_for, notes_forbidden=False
        )
        ItemTrying(job=run, trial=trial, align=align, rules=rules).work()
    except (RemoteError, SealError, Refused, TrialStopped) as error:
        said = error.sentence if isinstance(error, RemoteError) else str(error)
        journal.stuck(trial.error or said)
        raise JobFailed(said) from error

"""The jobs of a webhook, by their subject: working off, polling, and what is written to Jira."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.jobs import runner
from connectors.jobs.runner import Run
from connectors.models import JobKind
from connectors.webhooks import inbox, polling, registering, services

BY_SUBJECT: Mapping[str, Callable[[Run], None]] = {
    inbox.WORK: inbox.work_off,
    polling.POLL: polling.poll,
    services.REGISTER: registering.register,
    services.REMOVE: registering.remove,
    services.CANARY: registering.canary,
}


@runner.handler(JobKind.INBOX)
def do(run: Run) -> None:
    BY_SUBJECT[run.job.subject](run)

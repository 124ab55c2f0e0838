"""What happens by the clock: Align's audit log is taken in every minute, each tick claimed by one worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from alignadmin.http.errors import RemoteError
from connectors.credentials import clients
from connectors.history.intake import intake
from connectors.jobs import runner
from connectors.models import AuditSource, Connector, JobKind

# What looks at the lines once they are stored, still in the intake's job; and what is told why there are none. This
# package knows no mappings, so they are registered.
AFTER_PULL: list[Callable[[runner.Run], None]] = []
PULL_FAILED: list[Callable[[Connector, str], None]] = []


@runner.handler(JobKind.INTAKE)
def take_in_log(run: runner.Run) -> None:
    """Read what is new in Align's log; an Align without that address is noted once and asked again only by hand."""
    if run.connector.log_by_hand:  # since the job was started
        return
    try:
        client = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for)
        result = intake.pull(run.connector, client)
    except Refused as refused:
        raise runner.JobFailed(str(refused)) from refused
    except RemoteError as error:
        for after_failure in PULL_FAILED:
            after_failure(run.connector, error.sentence)
        raise runner.JobFailed(error.sentence) from error
    for after_pull in AFTER_PULL:
        after_pull(run)
    run.progress(result.sentence, done=result.new, total=result.read)


@due_work
def start_due_intakes() -> int:
    now = timezone.now()
    due = Q(audit_due_at=None) | Q(audit_due_at__lte=now)
    started = 0
    ready = Connector.objects.filter(due, is_active=True, catalogue_at__isnull=False, log_by_hand=False)
    # One that has refused, or answered what cannot be read, may answer another day; one without the address does not.
    for connector in ready.exclude(audit_source=AuditSource.NONE, audit_problem=""):
        is_refusing = connector.audit_source == AuditSource.NONE
        following = now + (intake.RETRY_AFTER if is_refusing else timedelta(seconds=settings.AUDIT_INTERVAL))
        # The conditional update is the claim: of several workers one starts the job.
        if Connector.objects.filter(due, pk=connector.pk).update(audit_due_at=following):
            runner.start(connector, JobKind.INTAKE, actor=None)
            started += 1
    return started

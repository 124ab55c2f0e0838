"""The job "probe": everything a pending credential may do, tried in the background and stored line by line."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alignadmin.errors import Refused
from connectors.credentials.probing.align import AlignProbe
from connectors.credentials.probing.clients import ProbeClients
from connectors.credentials.probing.jira import JiraProbe
from connectors.credentials.probing.report import DISCARDED, ProbeReport
from connectors.credentials.rotation.checks import is_locked_out
from connectors.credentials.rotation.locking import entry, locked, named
from connectors.credentials.rotation.probes import LOCKED_OUT
from connectors.jobs import runner
from connectors.models import JobKind, Probe, ProbeLine, Stage, System


@runner.handler(JobKind.PROBE)
def probe(run: runner.Run) -> None:
    """Whatever is refused becomes a line; the job itself fails only when there is nothing left to probe."""
    begun = begin(run)
    if begun is None:
        return
    look = ProbeClients(run=run, connector=run.connector, credential=begun.credential)
    kind = AlignProbe if begun.credential.system == System.ALIGN else JiraProbe
    report = ProbeReport(probe=begun, run=run, total=kind.total)
    run.progress("signing in", done=0, total=kind.total)
    looking = kind(look, report)
    looking.go()
    _finish(looking)


def begin(run: runner.Run) -> Probe | None:
    """A new probe, or the one that an earlier worker left; None when that worker only failed to end its job."""
    with transaction.atomic():
        try:
            pending = locked(UUID(run.job.subject))
        except Refused as gone:
            raise runner.JobFailed(str(gone)) from gone
        if pending.stage != Stage.PENDING:
            raise runner.JobFailed("This credential is no longer pending, so it is not probed.")
        if is_locked_out(pending):
            raise runner.JobFailed(LOCKED_OUT)
        probes = Probe.objects.filter(credential=pending).order_by("pk")
        if probes.filter(started_at__gte=run.job.started_at, finished_at__isnull=False).exists():
            return None  # consent was to one write, not to one for each worker
        left = probes.filter(finished_at=None).last()
        begun = left or Probe(credential=pending)
        begun.credential = pending
        begun.requested_by = run.actor
        # A write that is under way is brought to its end first, wherever it was begun.
        if not begun.write_state:
            begun.write_key = run.job.params.get("write_key", "")
        begun.save()
        if left is not None:
            ProbeLine.objects.filter(probe=left).delete()
            Probe.objects.filter(pk=left.pk).update(started_at=timezone.now())
    return begun


def _finish(looking: AlignProbe | JiraProbe) -> None:
    """One commit: the probe is over, and its entry."""
    report, found, credential = looking.report, looking.comparison, looking.look.credential
    values = {
        "finished_at": timezone.now(),
        "seen": found.seen,
        "expected": found.expected,
        "lost": list(found.lost),
        "current_refusal": found.refusal,
    }
    with transaction.atomic():
        if not Probe.objects.filter(pk=report.probe.pk).update(**values):
            raise runner.JobFailed(DISCARDED)
        entry(
            "credential.probed",
            credential,
            report.run.actor,
            f"Probed the pending {named(credential)}: {report.summary}, "
            f"sees {found.seen} of {found.expected} projects.",
            lines={line.code: str(line.state) for line in report.lines},
            seen=found.seen,
            expected=found.expected,
            lost=len(found.lost),
            write_key=report.probe.write_key,
        )

"""What the operator's page shows of all connectors: workers, queue, budget, e-mail, checkpoints, keys, Align."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from alignadmin.audit import checkpoints
from alignadmin.audit.checkpoints import PublicKey
from alignadmin.audit.models import CheckpointDelivery
from alignadmin.mail.figures import given_up
from alignadmin.mail.models import WAITING, OutgoingMail
from alignadmin.site.system_info import Installation, KeyLine
from alignadmin.text import counted
from connectors.budget import peaks
from connectors.budget.slots import now as moment
from connectors.catalogue import reported
from connectors.credentials.expiry import alarms_among
from connectors.jobs import heartbeat
from connectors.models import (
    Connector,
    Credential,
    Job,
    JobKind,
    JobState,
    Project,
    ReportedChange,
    Stage,
    WorkerHeartbeat,
    in_scope_here,
)

MOST_ROWS = 50
MOST_LISTED = 20
LATELY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class OperatorLine:
    """What an operator should look at; `place` is the part of the page that says more, or another page's address."""

    sentence: str
    place: str
    style: str = "bad"  # a class of the stylesheet: bad, warn


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """Jobs of one kind."""

    label: str
    queued: int
    running: int
    overdue: int  # of the running: left by their worker
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FailedJobs:
    """Jobs of one kind and connector that failed lately; `last` is the newest of them."""

    count: int
    last: Job


@dataclass(frozen=True, kw_only=True)
class DeliveryLine:
    """How one place outside of the database gets its checkpoints."""

    place: str
    waiting: int
    oldest_at: datetime | None
    delivered_at: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True)
class ReportedLine:
    """What Align says now of an active connector."""

    connector: Connector
    messages: int  # of its projects
    is_inactive: bool  # as it was told lately

    @property
    def is_fine(self) -> bool:
        return not (self.is_inactive or self.connector.align_message or self.messages)


@dataclass(frozen=True, kw_only=True)
class ReportedTable:
    """What Align said differently, the newest first."""

    of: str
    rows: Sequence[ReportedChange]


class OperatorPage:
    """Read once for one page, in a number of queries that does not grow with connectors and projects."""

    def __init__(self) -> None:
        self.now = timezone.now()

    # --- what to look at first ------------------------------------------------------------------------------------

    @cached_property
    def attention(self) -> list[OperatorLine]:
        parts = (
            self._of_work(),
            self._of_sites(),
            self._of_mail(),
            self._of_checkpoints(),
            self._of_keys(),
            self._of_align(),
        )
        found = [line for part in parts for line in part]
        return sorted(found, key=lambda line: line.style != "bad")

    def _of_work(self) -> Iterator[OperatorLine]:
        if not self.alive_count:
            yield OperatorLine(
                sentence="No worker is heard: start one. Its log says why the last one ended.", place="#workers"
            )
        overdue = sum(line.overdue for line in self.queue)
        if overdue:
            yield OperatorLine(
                sentence=f"{counted(overdue, 'job was', 'jobs were')} left by a worker, and none goes on yet.",
                place="#queue",
            )
        oldest = min((line.oldest_at for line in self.queue if line.oldest_at), default=None)
        if oldest and (self.now - oldest).total_seconds() > settings.QUEUE_LATE_AFTER:
            yield OperatorLine(sentence="A job waits for too long: start another worker.", place="#queue")
        failed = sum(each.count for each in self.failed)
        if failed:
            yield OperatorLine(
                sentence=f"{counted(failed, 'job')} failed in the last 24 hours.", place="#failed", style="warn"
            )

    def _of_sites(self) -> Iterator[OperatorLine]:
        for site in self.sites:
            if site.blocked_until:
                sentence = f"{site.site} refuses requests for their number: everybody waits."
                yield OperatorLine(sentence=sentence, place="#budget", style="warn")

    def _of_mail(self) -> Iterator[OperatorLine]:
        troubled = self.mail_troubled
        if troubled:
            sentence = f"{counted(troubled, 'e-mail was', 'e-mails were')} tried and not sent."
            yield OperatorLine(sentence=sentence, place="#mail", style="warn")

    def _of_checkpoints(self) -> Iterator[OperatorLine]:
        if self.checkpoints.is_late:
            yield OperatorLine(sentence="The checkpoint of the history is late.", place="#deliveries")
        if self.checkpoints.undelivered:
            number = counted(self.checkpoints.undelivered.count, "checkpoint")
            sentence = f"{number} could not leave this database."
            yield OperatorLine(sentence=sentence, place="#deliveries")

    def _of_keys(self) -> Iterator[OperatorLine]:
        for line in self.seal_keys:
            if not line.is_known:
                values = counted(line.seals, "value does", "values do")
                sentence = f'The encryption key "{line.id}" is missing: {values} not open.'
                yield OperatorLine(sentence=sentence, place="#keys")
            elif not line.is_first and line.seals:
                sentence = f'The old encryption key "{line.id}" is still needed: run manage.py seal_rotate.'
                yield OperatorLine(sentence=sentence, place="#keys", style="warn")
        current = Credential.objects.filter(stage=Stage.CURRENT, connector__is_active=True)
        for alarm in alarms_among(current.select_related("connector").defer("sealed")):
            yield OperatorLine(sentence=alarm.sentence, place=alarm.href, style=alarm.style)

    def _of_align(self) -> Iterator[OperatorLine]:
        for line in self.reported:
            if line.is_inactive:
                yield OperatorLine(sentence=f"Align says that {line.connector} is not active.", place="#align")
            elif not line.is_fine:
                sentence = f"Align has error messages for {line.connector}."
                yield OperatorLine(sentence=sentence, place="#align", style="warn")

    # --- workers and jobs -----------------------------------------------------------------------------------------

    @cached_property
    def workers(self) -> list[WorkerHeartbeat]:
        """Of the last seven days, who was heard last first."""
        return list(WorkerHeartbeat.objects.order_by("-heard_at")[:MOST_LISTED])

    @cached_property
    def alive(self) -> list[WorkerHeartbeat]:
        return [each for each in self.workers if self.now - each.heard_at <= heartbeat.patience()]

    @cached_property
    def alive_count(self) -> int:
        """Also of those that are not listed."""
        return heartbeat.processes_alive(self.now)

    @cached_property
    def queue(self) -> list[QueueLine]:
        """The kinds of which something is queued or running, what waits longest first."""
        waits, runs = Q(state=JobState.QUEUED), Q(state=JobState.RUNNING)
        active = Job.objects.filter(waits | runs).order_by().values("kind")
        found = active.annotate(
            queued=Count("pk", filter=waits),
            running=Count("pk", filter=runs),
            overdue=Count("pk", filter=runs & Q(lease_until__lt=self.now)),
            oldest_at=Min("queued_at", filter=waits),
        )
        columns = ("kind", "queued", "running", "overdue", "oldest_at")
        lines = [
            QueueLine(label=JobKind(kind).label, queued=queued, running=running, overdue=overdue, oldest_at=oldest_at)
            for kind, queued, running, overdue, oldest_at in found.values_list(*columns)
        ]
        return sorted(lines, key=lambda line: (line.oldest_at is None, line.oldest_at or self.now))

    @cached_property
    def failed(self) -> list[FailedJobs]:
        """Of the last 24 hours, by kind and connector, the newest first."""
        ended = Job.objects.filter(state=JobState.FAILED, finished_at__gte=self.now - LATELY).order_by()
        ended = ended.exclude(connector__disconnected_at__isnull=False)  # stopped with it, which is no trouble
        groups = ended.values("kind", "connector").annotate(count=Count("pk"), last=Max("pk")).order_by("-last")
        counts = {each["last"]: each["count"] for each in groups[:MOST_LISTED]}
        jobs = Job.objects.filter(pk__in=list(counts)).select_related("connector").order_by("-pk")
        return [FailedJobs(count=counts[job.pk], last=job) for job in jobs]

    # --- sites ----------------------------------------------------------------------------------------------------

    @cached_property
    def sites(self) -> list[peaks.SitePeaks]:
        return peaks.of_sites(moment())

    # --- e-mail and checkpoints -----------------------------------------------------------------------------------

    @cached_property
    def mail(self) -> list[OutgoingMail]:
        """What waits and what was given up lately, the oldest first; without texts and addresses."""
        columns = ("kind", "about", "queued_at", "failed_at", "tries", "error")
        waiting = OutgoingMail.objects.filter(WAITING).order_by("queued_at").only(*columns)
        failed = given_up(self.now).order_by("queued_at").only(*columns)
        return [*waiting[:MOST_LISTED], *failed[:MOST_LISTED]]

    @cached_property
    def mail_counts(self) -> dict[str, int]:
        waiting = OutgoingMail.objects.filter(WAITING)
        found: dict[str, int] = waiting.aggregate(waiting=Count("pk"), tried=Count("pk", filter=~Q(error="")))
        return {**found, "failed": given_up(self.now).count()}

    @property
    def mail_troubled(self) -> int:
        return self.mail_counts["tried"] + self.mail_counts["failed"]

    @cached_property
    def checkpoints(self) -> checkpoints.CheckpointState:
        return checkpoints.state(self.now)

    @cached_property
    def deliveries(self) -> list[DeliveryLine]:
        """Each place of the settings, and others to which something is still on its way."""
        waits = Q(delivered_at=None)
        found = (
            CheckpointDelivery.objects.order_by()
            .values("place")
            .annotate(
                waiting=Count("pk", filter=waits),
                oldest_at=Min("checkpoint__at", filter=waits),
                delivered=Max("delivered_at"),
            )
        )
        lines = {each["place"]: each for each in found}
        wrong = CheckpointDelivery.objects.filter(waits).exclude(error="").order_by("-checkpoint_id")
        errors = dict(wrong.values_list("place", "error")[:MOST_ROWS])
        # An e-mail is no try of ours: what the mail server said stands with it in the outbox.
        mailed = CheckpointDelivery.objects.filter(waits, place=checkpoints.MAIL).order_by("checkpoint_id").first()
        if mailed is not None and checkpoints.MAIL not in errors:
            errors[checkpoints.MAIL] = checkpoints.mail_trouble(mailed)
        nothing: dict[str, Any] = {"waiting": 0, "oldest_at": None, "delivered": None}
        return [
            DeliveryLine(
                place=place,
                waiting=line["waiting"],
                oldest_at=line["oldest_at"],
                delivered_at=line["delivered"],
                error=errors.get(place, ""),
            )
            for place in dict.fromkeys((*checkpoints.places(), *sorted(lines)))
            for line in [lines.get(place, nothing)]
        ]

    # --- keys -----------------------------------------------------------------------------------------------------

    @cached_property
    def seal_keys(self) -> list[KeyLine]:
        return Installation().keys

    @cached_property
    def signing_keys(self) -> Sequence[PublicKey]:
        """The newest first: the one that signs."""
        return list(reversed(checkpoints.public_keys()))

    # --- what Align says ------------------------------------------------------------------------------------------

    @cached_property
    def reported(self) -> list[ReportedLine]:
        """Of every active connector, those with something wrong first."""
        troubled = Project.objects.filter(in_scope_here()).exclude(align_error="").order_by()
        messages = dict(troubled.values_list("connector_id").annotate(Count("pk")))
        active = Connector.objects.filter(is_active=True).order_by("name")
        lines = [
            ReportedLine(
                connector=each,
                messages=messages.get(each.pk, 0),
                is_inactive=each.align_active is False and reported.was_told_lately(each, self.now),
            )
            for each in active
        ]
        return sorted(lines, key=lambda line: line.is_fine)

    @cached_property
    def changes(self) -> list[ReportedTable]:
        """Those of connectors apart: projects have many more. None that is empty."""
        kept = ReportedChange.objects.filter(at__gte=self.now - reported.KEPT).order_by("-at", "-id")
        found = kept.select_related("connector", "project")
        tables = [
            ReportedTable(of="connectors", rows=list(found.filter(project=None)[:MOST_ROWS])),
            ReportedTable(of="projects", rows=list(found.exclude(project=None)[:MOST_ROWS])),
        ]
        return [table for table in tables if table.rows]

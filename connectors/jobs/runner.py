"""Background jobs with a lease: started by a click, claimed by one worker, taken over when that worker dies.

Every write of a runner names its epoch, so that a runner that lost its lease cannot change a job another one runs.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.models import F, Q
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work, wake
from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError
from connectors.jobs import leases
from connectors.models import ACTIVE, Connector, Job, JobKind, JobState

log = logging.getLogger(__name__)

Handler = Callable[["Run"], None]
Reporter = Callable[[str, int], None]  # for a command: what the job is at, and how much of it is done
# Set by the worker when it is asked to end; long jobs hear it at their next sign of progress.
stopping = threading.Event()
_handlers: dict[JobKind, Handler] = {}
PROGRESS_EVERY = 0.5  # seconds between two writes of a job's progress
RECHECK_AFTER = 0.1  # seconds after a lease has run out
MOST_TRIES = 5  # of a job that the database does not let go on


class LeaseLost(Exception):
    """Another worker has taken the job over; stop at once and write nothing more."""


class Interrupted(LeaseLost):
    """This worker has been asked to end: the job goes back into the queue, for another one to go on."""


class JobFailed(Exception):
    """The job cannot go on; the message is for people: what happened, what to do."""


def handler(kind: JobKind) -> Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return register


def start(
    connector: Connector | None,
    kind: JobKind,
    *,
    actor: Person | None,
    subject: str = "",
    params: dict[str, Any] | None = None,
) -> Job:
    """Queue a job, or return the one of this kind and subject that is already queued or running."""
    key = {"connector": connector, "kind": kind, "subject": subject}
    try:
        with transaction.atomic():
            job, _ = Job.objects.filter(state__in=ACTIVE).get_or_create(
                **key, defaults={"requested_by": actor, "params": params or {}}
            )
    except IntegrityError:  # a second click came in between
        job = Job.objects.filter(state__in=ACTIVE).get(**key)
    wake()
    return job


def latest(connector: Connector, *kinds: JobKind) -> Job | None:
    """The running or else newest job of these kinds, for a page."""
    return Job.objects.filter(connector=connector, kind__in=kinds).order_by("-id").first()


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who has a running job of a connector, for the sentence a second one is told."""

    who: str
    since: datetime
    subject: str = ""


def holder(connector: Connector, kind: JobKind) -> Holder | None:
    """Who holds this connector with a job of this kind, and since when; None while nobody does."""
    running = Job.objects.filter(connector=connector, kind=kind, state__in=ACTIVE).select_related("requested_by")
    job = running.order_by("id").first()
    if job is None:
        return None
    return Holder(
        who=str(job.requested_by or "AlignAdmin"), since=job.started_at or job.created_at, subject=job.subject
    )


@dataclass
class Run:
    """A claimed job in the hands of the worker that runs it."""

    job: Job
    written_at: float = field(default=0.0)
    held_until: float = field(default_factory=lambda: leases.surely_until(time.monotonic()))
    report: Reporter | None = None

    def __str__(self) -> str:
        of = f" of {self.job.connector.slug}" if self.job.connector else ""
        return f"job {self.job.pk} ({self.job.kind}){of}"

    @property
    def connector(self) -> Connector:
        """For the handlers of those kinds that are started for one."""
        if self.job.connector is None:
            raise RuntimeError(f"{self} is of no connector.")
        return self.job.connector

    @property
    def actor(self) -> Person | None:
        return self.job.requested_by

    def progress(self, item: str = "", *, done: int | None = None, total: int | None = None) -> None:
        """Say what the job is at; written at most twice a second. Raises LeaseLost."""
        self.check_cancelled()
        self.force_progress(item, done=done, total=total)

    def force_progress(self, item: str = "", *, done: int | None = None, total: int | None = None) -> None:
        """As progress, for work that has to be brought to its end although the worker was asked to stop."""
        self.job.item = item or self.job.item
        self.job.done = self.job.done if done is None else done
        self.job.total = self.job.total if total is None else total
        if time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.job.waits_for = ""
            self.write(waits_for="")

    def waits_for(self, what: str) -> None:
        """Say that the job stands still and why, e.g. "rate limit: resumes in 14 s". Callable from any thread."""
        self.check_cancelled()
        if what != self.job.waits_for and time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.job.waits_for = what
            self.write(waits_for=what)

    def write(self, **values: Any) -> None:
        self.written_at = time.monotonic()
        values = {"item": self.job.item[:500], "done": self.job.done, "total": self.job.total, **values}
        if not self._mine().update(**values):
            raise LeaseLost
        if self.report:
            self.report(self.job.item, self.job.done)

    def requeue(self) -> None:
        self._mine().update(state=JobState.QUEUED, queued_at=timezone.now(), lease_until=None, waits_for="")

    def end(self, state: JobState, error: str = "") -> None:
        self.write(state=state, error=error, waits_for="", finished_at=timezone.now(), lease_until=None)

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, epoch=self.job.epoch, state=JobState.RUNNING)

    # --- the lease ---------------------------------------------------------------------------------------------

    def check_cancelled(self) -> None:
        """Raise Interrupted when the worker was asked to end, and LeaseLost when the lease may end soon.

        Nothing is begun then, whether somebody took the job over or not: a worker that was frozen cannot know.
        """
        if stopping.is_set():
            raise Interrupted
        if time.monotonic() >= self.held_until:
            raise LeaseLost

    def assert_lease(self) -> None:
        """The first statement of a transaction that only the holder of the lease may commit. Raises LeaseLost.

        The job's row stays locked until the commit, so nobody takes the job over in between.
        """
        if not connection.in_atomic_block:
            raise RuntimeError("A fence stands in the transaction that it guards.")
        if not self._mine().select_for_update(no_key=True).values_list("pk", flat=True).first():
            raise LeaseLost

    def renew(self) -> bool:
        began = time.monotonic()
        if not self._mine().update(lease_until=leases.end()):
            return False
        self.held_until = leases.surely_until(began)
        return True


def claim(owner: str, pk: int | None = None, *, left_alone: bool = False) -> Run | None:
    """Take one job (or only the one of that key) that is queued, or whose worker has let its lease run out.

    `left_alone`: only of the latter.
    """
    now, began = timezone.now(), time.monotonic()
    free = Q(state=JobState.RUNNING, lease_until__lt=now)
    if not left_alone:
        free |= Q(state=JobState.QUEUED)
    waiting = Job.objects.filter(free, kind__in=_handlers).select_related("connector", "requested_by").order_by("id")
    for job in waiting if pk is None else waiting.filter(pk=pk):
        try:
            with transaction.atomic():
                taken = Job.objects.filter(free, pk=job.pk, epoch=job.epoch).update(
                    state=JobState.RUNNING,
                    owner=owner,
                    epoch=F("epoch") + 1,
                    started_at=job.started_at or now,
                    lease_until=leases.end(now),
                )
        except IntegrityError:  # another one is running, of a kind that runs one at a time
            continue
        if taken:
            job.refresh_from_db()
            return Run(job, held_until=leases.surely_until(began))
    return None


def execute(run: Run) -> None:
    """Run a claimed job to its end; whatever goes wrong ends up as the job's sentence, never silently."""
    try:
        with leases.heartbeat(f"job {run.job.pk}", run.renew):
            state, error = _worked(run)
        run.end(state, error)
        # What the clock starts and ends well is no event: it would be a line a minute and connector.
        level = logging.INFO if run.actor and state is JobState.DONE else logging.DEBUG
        log.log(level, "%s ended: %s", run, state.label.lower())
    except Interrupted:
        run.requeue()
    except LeaseLost:
        log.warning("job %s was not held any more; another worker goes on with it", run.job.pk)
        run.requeue()  # unless it has been taken over
    except OperationalError:
        # Locked for too long, or gone: the lease runs out, and whoever takes the job up then goes on.
        log.exception("the database did not let %s go on", run)
        connection.close_if_unusable_or_obsolete()


def _worked(run: Run) -> tuple[JobState, str]:
    """How it ended, and the sentence for people."""
    try:
        _handlers[JobKind(run.job.kind)](run)
    except LeaseLost:
        raise
    except OperationalError:
        if run.job.epoch < MOST_TRIES:
            raise
        log.exception("%s failed", run)
        return JobState.FAILED, "The database stopped this job several times. See the log."
    except (JobFailed, RemoteError, SealError) as error:  # their words are for people
        log.warning("%s failed: %s", run, error)
        return JobState.FAILED, str(error)
    except Exception as error:  # the worker's outermost loop
        log.exception("%s failed", run)
        return JobState.FAILED, f"An error in AlignAdmin stopped this job ({type(error).__name__}). See the log."
    return JobState.DONE, ""


def owner_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def run_now(job: Job) -> Job:
    """Run a job here, or wait for the worker that already has it; returns it ended. For commands."""
    while job.state in ACTIVE:
        if run := claim(owner_name(), job.pk):
            execute(run)
        else:
            time.sleep(PROGRESS_EVERY)
        job.refresh_from_db()
    return job


@due_work
def run_jobs() -> int:
    count = 0
    while not stopping.is_set() and (run := claim(owner_name())):
        execute(run)
        count += 1
    return count


# --- jobs whose worker died ------------------------------------------------------------------------------------------


def take_over() -> int:
    """Go on, each in a thread of its own, with the jobs whose lease has run out; returns how many there were.

    Not by the queue's threads: all of them may be busy for minutes, with requests without an answer to be settled.
    """
    count = 0
    while not stopping.is_set() and (run := claim(owner_name(), left_alone=True)):
        log.warning("%s is taken over: its worker let the lease run out", run)
        threading.Thread(target=_execute_and_close, args=(run,), name=f"taken-over-{run.job.pk}").start()
        count += 1
    return count


def _execute_and_close(run: Run) -> None:
    try:
        execute(run)
    finally:
        connections.close_all()


def seconds_to_next_end(longest: float) -> float:
    """Until the next lease ends, at most that long: when to look again for a job that was left alone."""
    ends = Job.objects.filter(state=JobState.RUNNING, lease_until__isnull=False).order_by("lease_until")
    first = ends.values_list("lease_until", flat=True).first()
    if first is None:
        return longest
    return min(longest, max(RECHECK_AFTER, (first - timezone.now()).total_seconds() + RECHECK_AFTER))

"""Background jobs with a lease: started by a click, claimed by one worker, taken over when that worker dies.

Every write of a runner names its epoch, so that a runner that lost its lease cannot change a job another one runs.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.db.models import F, Q
from django.utils import timezone

from alignadmin.tasks import due_work, wake
from connectors.http.errors import RemoteError
from connectors.models import ACTIVE, Connector, Job, JobState, Person
from connectors.sealing import SealError

log = logging.getLogger(__name__)

Handler = Callable[["Run"], None]
# Set by the worker when it is asked to end; long jobs hear it at their next sign of progress.
stopping = threading.Event()
_handlers: dict[str, Handler] = {}
PROGRESS_EVERY = 0.5  # seconds between two writes of a job's progress


class LeaseLost(Exception):
    """Another worker has taken the job over; stop at once and write nothing more."""


class Interrupted(LeaseLost):
    """This worker has been asked to end: the job goes back into the queue, for another one to go on."""


class JobFailed(Exception):
    """The job cannot go on; the message is for people: what happened, what to do."""


def handler(kind: str) -> Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return register


def start(
    connector: Connector, kind: str, *, actor: Person | None, subject: str = "", params: dict[str, Any] | None = None
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


def latest(connector: Connector, *kinds: str) -> Job | None:
    """The running or else newest job of these kinds, for a page."""
    return Job.objects.filter(connector=connector, kind__in=kinds).order_by("-id").first()


@dataclass
class Run:
    """A claimed job in the hands of the worker that runs it."""

    job: Job
    written_at: float = field(default=0.0)

    @property
    def connector(self) -> Connector:
        return self.job.connector

    @property
    def actor(self) -> Person | None:
        return self.job.requested_by

    def progress(self, item: str = "", *, done: int | None = None, total: int | None = None) -> None:
        """Say what the job is at; written at most twice a second. Raises LeaseLost."""
        _hear_stop()
        self.job.item = item or self.job.item
        self.job.done = self.job.done if done is None else done
        self.job.total = self.job.total if total is None else total
        if time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.write(waits_for="")

    def waits_for(self, what: str) -> None:
        """Say that the job stands still and why, e.g. "rate limit: resumes in 14 s". Callable from any thread."""
        _hear_stop()
        if what != self.job.waits_for and time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.job.waits_for = what
            self.write(waits_for=what)

    def write(self, **values: Any) -> None:
        self.written_at = time.monotonic()
        values = {"item": self.job.item[:500], "done": self.job.done, "total": self.job.total, **values}
        if not self._mine().update(**values):
            raise LeaseLost

    def give_back(self) -> None:
        self._mine().update(state=JobState.QUEUED, lease_until=None, waits_for="")

    def end(self, state: JobState, error: str = "") -> None:
        self.write(state=state, error=error, waits_for="", finished_at=timezone.now(), lease_until=None)

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, epoch=self.job.epoch, state=JobState.RUNNING)

    def renew(self) -> bool:
        return bool(self._mine().update(lease_until=timezone.now() + timedelta(seconds=settings.JOB_LEASE)))


def _hear_stop() -> None:
    if stopping.is_set():
        raise Interrupted


def claim(owner: str, pk: int | None = None) -> Run | None:
    """Take one job (or only the one of that key) that is queued, or whose worker has let its lease run out."""
    now = timezone.now()
    free = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now)
    waiting = Job.objects.filter(free, kind__in=_handlers).select_related("connector", "requested_by").order_by("id")
    for job in waiting if pk is None else waiting.filter(pk=pk):
        taken = Job.objects.filter(free, pk=job.pk, epoch=job.epoch).update(
            state=JobState.RUNNING,
            owner=owner,
            epoch=F("epoch") + 1,
            started_at=job.started_at or now,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE),
        )
        if taken:
            job.refresh_from_db()
            return Run(job)
    return None


@contextmanager
def heartbeat(run: Run) -> Iterator[None]:
    """Renew the lease from a thread of its own while the work goes on."""
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(settings.JOB_LEASE / 3):
                if not run.renew():
                    return
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name=f"lease-{run.job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def execute(run: Run) -> None:
    """Run a claimed job to its end; whatever goes wrong ends up as the job's sentence, never silently."""
    try:
        with heartbeat(run):
            _handlers[run.job.kind](run)
        run.end(JobState.DONE)
    except Interrupted:
        run.give_back()
    except LeaseLost:
        log.warning("job %s was taken over by another worker", run.job.pk)
    except JobFailed as failed:
        run.end(JobState.FAILED, str(failed))
    except (RemoteError, SealError) as error:  # their words are for people
        run.end(JobState.FAILED, str(error))
    except Exception as error:  # the worker's outermost loop
        log.exception("job %s (%s) failed", run.job.pk, run.job.kind)
        run.end(JobState.FAILED, f"An error in AlignAdmin stopped this job ({type(error).__name__}). See the log.")


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

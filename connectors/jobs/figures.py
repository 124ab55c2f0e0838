"""Figures of the workers and of the queue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.jobs import heartbeat
from connectors.models import Job, JobKind, JobState

LATELY = timedelta(hours=1)

WORKERS = Figure(name="alignadmin_workers", help="Worker processes that were heard lately (WORKER_SILENT_AFTER).")
WORKER_AGE = Figure(
    name="alignadmin_worker_heard_age_seconds",
    help="Seconds since any worker was heard; absent before the first one ever.",
)
JOBS = Figure(name="alignadmin_jobs", help="Jobs that are queued or running.", labels=("kind", "state"))
QUEUE_AGE = Figure(
    name="alignadmin_queue_age_seconds", help="Seconds that the oldest queued job has waited for a worker; 0: none."
)
FAILED = Figure(name="alignadmin_jobs_failed", help="Jobs that failed within the last hour.", labels=("kind",))
OVERDUE = Figure(
    name="alignadmin_leases_overdue", help="Running jobs whose lease has run out and that no worker has taken over yet."
)


def _read(now: datetime) -> Iterator[FigureValue]:
    last_at = heartbeat.last_heartbeat_at()
    yield WORKERS.of(heartbeat.processes_alive(now))
    if last_at:
        yield WORKER_AGE.of(age(now, last_at))
    queued = Job.objects.filter(state=JobState.QUEUED).order_by().values_list("kind")
    waiting = {kind: (count, oldest) for kind, count, oldest in queued.annotate(Count("pk"), Min("queued_at"))}
    running = Job.objects.filter(state=JobState.RUNNING).order_by().values_list("kind")
    held = {
        kind: (count, overdue)
        for kind, count, overdue in running.annotate(
            number=Count("pk"), late=Count("pk", filter=Q(lease_until__lt=now))
        )
    }
    failed = dict(
        Job.objects.filter(state=JobState.FAILED, finished_at__gte=now - LATELY)
        .exclude(connector__disconnected_at__isnull=False)  # stopped with it, which is no trouble
        .order_by()
        .values_list("kind")
        .annotate(Count("pk"))
    )
    for kind in JobKind.values:
        yield JOBS.of(waiting.get(kind, (0, None))[0], kind, JobState.QUEUED)
        yield JOBS.of(held.get(kind, (0, 0))[0], kind, JobState.RUNNING)
        yield FAILED.of(failed.get(kind, 0), kind)
    yield QUEUE_AGE.of(max((age(now, oldest) for _, oldest in waiting.values()), default=0))
    yield OVERDUE.of(sum(overdue for _, overdue in held.values()))


JOB_FIGURES = FigureSource(name="jobs", figures=(WORKERS, WORKER_AGE, JOBS, QUEUE_AGE, FAILED, OVERDUE), read=_read)

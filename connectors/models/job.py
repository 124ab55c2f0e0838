"""Work done in the background, visible while it runs; one whose worker was killed is found by its lease."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from connectors.models.connector import Connector


class JobState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class JobKind(models.TextChoices):
    """What a job does, with the words of a page; each has one handler, see connectors.jobs.runner."""

    REFRESH = "refresh", "Reading projects, statuses and process flows"
    LISTS = "lists", "Looking for what is new in Jira and Jira Align"
    OBSERVE = "observe", "Reading the mappings"
    APPLY = "apply", "Applying a plan"
    PLAN_REFRESH = "plan-refresh", "Refreshing a plan"
    INTAKE = "intake", "Reading Align's audit log"
    PROBE = "probe", "Probing a credential"
    WATCH = "watch", "Trying the new credential"  # a few first calls, right after it has become current
    CONTRACT = "contract", "Observing API behaviour"
    PACK = "pack", "Writing an evidence pack"
    VERIFY = "verify", "Checking the history"
    QUERY = "query", "Reading what a query finds"
    IN_USE = "in-use", "Counting issues in statuses without a mapping"
    FIELDS = "fields", "Reading the fields of both systems"
    REHEARSAL = "rehearsal", "Rehearsing an import"
    IMPORT = "import", "Importing issues of Jira"
    INBOX = "inbox", "Working off what Jira's webhook delivered"
    ITEM_TRIAL = "item-trial", "Trying how Jira Align takes an item"
    AGREEMENT = "agreement", "Comparing the items of both systems"
    ROUND_TRIP = "round-trip", "Following a change to the other system"
    PROGRESS = "progress", "Adding up the progress on both sides"


ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    # None: of no connector, but of the whole history.
    connector = models.ForeignKey(Connector, null=True, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=20, choices=JobKind.choices)
    subject = models.CharField(max_length=100, blank=True)  # e.g. a plan's id; kind and subject are active at most once
    params = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=7, choices=JobState.choices, default=JobState.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    item = models.CharField(max_length=500, blank=True)  # what it is at
    waits_for = models.CharField(max_length=200, blank=True)  # "rate limit: resumes in 14 s"
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(default=timezone.now)  # again when its worker ended and gave it back
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The lease: who runs it, until when, and which try this is. Every write of a runner names its epoch.
    owner = models.CharField(max_length=100, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "kind", "subject"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_active_job_per_kind_and_subject",
            ),
            models.UniqueConstraint(  # an empty connector is unlike every other one
                fields=["kind", "subject"],
                condition=models.Q(state__in=["queued", "running"], connector=None),
                name="one_active_job_of_no_connector",
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(kind="verify", state="running"), name="one_verification_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["connector", "kind", "-created_at"]),
            # The few that somebody watches, among all that there ever were.
            models.Index(fields=["queued_at"], condition=models.Q(state="queued"), name="jobs_queued"),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="jobs_running"),
            models.Index(fields=["finished_at"], condition=models.Q(state="failed"), name="jobs_failed"),
        ]

"""Queries of Align's objects: runs with their rows, encrypted and kept for a set time, and queries under a name."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models

from connectors.models.connector import Connector
from connectors.models.job import ACTIVE, Job

PERSON = settings.AUTH_USER_MODEL


class RunOutcome(models.TextChoices):
    """How a run ended, decided once, when it ended."""

    COMPLETE = "complete", "Complete"
    AS_MANY = "as-many", "As many as were asked for"  # there may be more
    STOPPED = "stopped", "Stopped"  # by its person, with what was read until then
    FAILED = "failed", "Failed"


class QueryRun(models.Model):
    """One run of a query by one person, who alone sees it; how far it is, and why it failed, its job says."""

    uuid = models.UUIDField(unique=True, default=uuid4)  # in its address
    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="query_runs")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="query_run")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="query_runs")
    query = models.TextField()  # as it is typed: /features?$filter=…
    read = models.PositiveIntegerField(default=0)  # rows so far
    rows = models.PositiveIntegerField(default=0)  # of these, stored: those that the query keeps
    requests = models.PositiveIntegerField(default=0)
    labels = models.JSONField(default=dict, blank=True)  # of custom fields, by key
    outcome = models.CharField(max_length=10, choices=RunOutcome, blank=True)  # empty until its end
    stopped_at = models.DateTimeField(null=True, blank=True)  # when its person asked it to stop
    created_at = models.DateTimeField()
    entry_seq = models.BigIntegerField(null=True, blank=True)  # of the entry that says what it found

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connector", "person", "-id"])]

    @property
    def is_active(self) -> bool:
        return self.job.state in ACTIVE

    @property
    def ended(self) -> RunOutcome | None:
        """None while it runs. A job that was given up says nothing itself of the run's end."""
        if self.is_active:
            return None
        return RunOutcome(self.outcome) if self.outcome else RunOutcome.FAILED


class QueryPage(models.Model):
    """At most a hundred rows of a run, encrypted for this run and its place there; deleted a set time after its end."""

    run = models.ForeignKey(QueryRun, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()  # from 0
    first = models.PositiveIntegerField()  # how many rows stand before it
    rows = models.PositiveSmallIntegerField()
    sealed = models.TextField()

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_page_per_number")]


class SavedQuery(models.Model):
    """A query that somebody keeps under a name; a shared one is there for all who may use the connector's explorer."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="saved_queries")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="saved_queries")
    name = models.CharField(max_length=80)
    query = models.TextField()
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["connector", "person", "name"], name="one_saved_query_per_name")]

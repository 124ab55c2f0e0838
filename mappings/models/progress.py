"""How far linked items were when it was read last: sums of both sides, and nothing of the items but those apart."""

from __future__ import annotations

from django.db import models

from connectors.models import ACTIVE, Connector, Job
from mappings.models.mapping import PERSON


class ProgressReading(models.Model):
    """Of one program, and of one program increment or (None) of all. It is over once it has a time for that.

    `sums`: as `mappings.items.progress.job` keeps them: "whole" and the groups by kind, each with `id`, `name`,
    `number`, `apart`, and for "align" and "jira" counts and points by stage; "teams", by team and iteration; "apart",
    the first of the items on which the sides do not agree. `left_out`: why items are not among them -> their number.
    `unread`: why records could not be read.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="progress_readings")
    program_id = models.BigIntegerField()
    release_id = models.BigIntegerField(null=True, blank=True)
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="progress_reading")
    person = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    program_name = models.CharField(max_length=255, blank=True)
    release_name = models.CharField(max_length=255, blank=True)
    projects = models.JSONField(default=list, blank=True)  # keys of those in scope whose items were taken
    points_field = models.CharField(
        max_length=255, blank=True
    )  # Jira's, by its name; empty: no pair has Align's points
    items = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict, blank=True)
    sums = models.JSONField(default=dict, blank=True)
    unread = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connector", "program_id", "-id"], name="progress_of_a_program")]

    @property
    def is_active(self) -> bool:
        return self.finished_at is None and self.job is not None and self.job.state in ACTIVE

"""Rehearsals: what issues of a project would become in Align, as it was worked out once; nothing of it was written."""

from __future__ import annotations

from django.db import models

from connectors.models import ACTIVE, Connector, Job, Project
from mappings.models.mapping import PERSON


class Rehearsal(models.Model):
    """`fingerprint`: of the rules that it went by. `counts`: code of a loss -> number of issues; `levels` likewise.

    `found`: of a project that Align carries, outcome of looking for the real item -> number of issues.
    `unread`: why records of Jira could not be read. It is over once it has a time for that.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="rehearsals")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rehearsals")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="rehearsal")
    person = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    asked = models.PositiveSmallIntegerField()
    issues = models.PositiveSmallIntegerField(default=0)
    compared = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    requests = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)
    levels = models.JSONField(default=dict, blank=True)
    found = models.JSONField(default=dict, blank=True)
    unread = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="rehearsals_of_a_project")]

    @property
    def is_active(self) -> bool:
        return self.finished_at is None and self.job is not None and self.job.state in ACTIVE


class RehearsedIssue(models.Model):
    """An issue and the item that it becomes.

    `fields`: objects with `name`, `source`, `told` (in Jira) and `shown` (in Align). `losses`: objects with `code`,
    `sentence` and `field`. `real`: where the item was looked for, `outcome`, `ids` of Align and `differences`, objects
    with `name`, `expected`, `actual`, `reason` and `sentence`.
    """

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    issue_key = models.CharField(max_length=255)
    type_name = models.CharField(max_length=255)
    status_name = models.CharField(max_length=255)
    title = models.TextField()
    level = models.CharField(max_length=10, blank=True)  # empty: it becomes nothing
    parent_key = models.CharField(max_length=255, blank=True)
    parent_level = models.CharField(max_length=10, blank=True)
    state = models.PositiveSmallIntegerField(default=0)
    step_name = models.CharField(max_length=255, blank=True)
    fields = models.JSONField(default=list)
    losses = models.JSONField(default=list)
    real = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["rehearsal", "position"]
        constraints = [models.UniqueConstraint(fields=["rehearsal", "position"], name="one_rehearsed_issue_per_place")]

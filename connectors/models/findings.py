"""What a reading of Jira or Align showed to be otherwise than it was known before."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models.catalogue import Project
from connectors.models.connector import Connector, System


class FindingKind(models.TextChoices):
    STATUS = "status", "status"
    ISSUE_TYPE = "issue-type", "issue type"
    PROJECT = "project", "project"
    FLOW = "flow", "process flow"
    STEP = "step", "process step"
    PROGRAMME = "programme", "programme"  # of a project, or of a process flow
    PROJECT_KIND = "project-kind", "kind of project"
    FIELD = "field", "field"
    FIELD_TYPE = "field-type", "type of a field"
    FIELD_OPTION = "field-option", "option of a field"
    FIELD_USE = "field-use", "use of a field"  # whether a new item must have it, and whether it can be written


class FindingChange(models.TextChoices):
    NEW = "new", "new"
    RENAMED = "renamed", "renamed"
    MOVED = "moved", "moved"
    GONE = "gone", "gone"
    BACK = "back", "back"


class Finding(models.Model):
    """One difference between two readings. What it says is never changed; only that somebody was told
    or has seen it is added.

    `remote_id` is the id in Jira or Align of the thing itself; of a programme or a kind of project, of what has it.
    The id of a field is a text: `remote_key`; its `remote_id` is the number of its row here, and `system` whose it is.
    `project`: in which project a status is new or gone, or whose it is about; None: in the whole site.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=12, choices=FindingKind.choices)
    change = models.CharField(max_length=7, choices=FindingChange.choices)
    remote_id = models.BigIntegerField()
    remote_key = models.CharField(max_length=255, blank=True)
    system = models.CharField(max_length=5, choices=System.choices, blank=True)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="findings")
    name = models.CharField(max_length=255)  # as it is called since; of what is gone, as it was called last
    before = models.CharField(max_length=255, blank=True)  # the name or the place that it had
    after = models.CharField(max_length=255, blank=True)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # when a later finding said the opposite
    told_at = models.DateTimeField(null=True, blank=True)  # when an e-mail told of it before the day's digest
    seen_at = models.DateTimeField(null=True, blank=True)  # when somebody marked it as seen
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-found_at", "-pk"]
        indexes = [
            models.Index(
                fields=["connector", "-found_at"],
                condition=models.Q(ended_at=None, seen_at=None),
                name="findings_nobody_has_seen",
            )
        ]

"""Imports: what a project's issues become in Align by one approved plan, line by line, and which item is whose."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Project
from mappings.models.mapping import PERSON


class ImportState(models.TextChoices):
    PLANNING = "planning", "Being planned"
    DRAFT = "draft", "To approve"
    RUNNING = "running", "Importing"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Not planned"


OPEN_IMPORTS = (ImportState.PLANNING, ImportState.DRAFT, ImportState.RUNNING, ImportState.PAUSED)


class ImportRun(models.Model):
    """Of one project of ours. `control`: what a person asked of the worker, "pause" or "cancel".

    `fingerprint`: SHA-256 of the lines, which an approval is about. `counts`: code of a loss -> number of lines.
    `requests`: what it costs by the formula, whose parts are `cost`; `sent_requests`: what it cost. `unread`: why
    issues are missing.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="imports")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    state = models.CharField(max_length=9, choices=ImportState, default=ImportState.PLANNING)
    control = models.CharField(max_length=6, blank=True)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    approver = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    configured = models.CharField(max_length=64, blank=True)  # fingerprint of the scope and the rules it went by
    warnings = models.JSONField(default=list, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    unread = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)  # why it was not planned, or why it was paused
    requests = models.PositiveIntegerField(default=0)
    cost = models.JSONField(default=dict, blank=True)
    sent_requests = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    planned_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(state__in=["planning", "draft", "running", "paused"]),
                name="one_open_import_of_a_project",
            )
        ]

    def __str__(self) -> str:
        return f"Import {self.pk}"


class ImportAct(models.TextChoices):
    CREATE = "create", "Create"
    UPDATE = "update", "Update"
    LINK = "link", "Link"  # an item that Align has by the issue's key stands for it from then on; nothing is sent
    NOTHING = "nothing", "Nothing to do"
    SKIP = "skip", "Not brought over"


class ImportLineState(models.TextChoices):
    PLANNED = "planned", "Planned"
    SENDING = "sending", "Being sent"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unconfirmed"  # no answer came: it is looked for
    WAITING = "waiting", "Waits for a person"  # several items may be it
    CANCELLED = "cancelled", "Cancelled"


UNANSWERED_LINES = (ImportLineState.SENDING, ImportLineState.UNKNOWN)


class ImportLine(models.Model):
    """An issue, and what is sent for it. `values`: as `mappings.items.importing.stored_values` keeps them.

    `later`: what an update brings right after the create, where Align takes it no other way.
    `parent_id`: Jira's id of the issue whose item it hangs below, `parent_field`: Align's field for that one's id.
    `losses`: sentences. `candidates`: ids of items that may be the one whose answer was lost. `confirmed`: whether
    Align was read to hold it afterwards; null: not read back.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    jira_id = models.BigIntegerField()
    issue_key = models.CharField(max_length=255)
    title = models.TextField()
    type_name = models.CharField(max_length=255)
    level = models.CharField(max_length=10, blank=True)
    act = models.CharField(max_length=7, choices=ImportAct)
    values = models.JSONField(default=dict)
    later = models.JSONField(default=dict, blank=True)
    parent_id = models.BigIntegerField(null=True, blank=True)
    parent_key = models.CharField(max_length=255, blank=True)
    parent_field = models.CharField(max_length=20, blank=True)
    losses = models.JSONField(default=list)
    state = models.CharField(max_length=9, choices=ImportLineState, default=ImportLineState.PLANNED)
    detail = models.TextField(blank=True)
    align_id = models.BigIntegerField(null=True, blank=True)
    candidates = models.JSONField(default=list, blank=True)
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    confirmed = models.BooleanField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="one_import_line_per_place"),
            models.UniqueConstraint(fields=["run", "jira_id"], name="one_import_line_per_issue"),
        ]
        indexes = [models.Index(fields=["run", "state", "position"], name="import_lines_by_state")]

    def __str__(self) -> str:
        return self.issue_key

    @property
    def awaits_update(self) -> bool:
        """Its item is made, and what only an update brings has still to be sent."""
        return self.act == ImportAct.CREATE and self.align_id is not None and self.state != ImportLineState.DONE


class ItemLink(models.Model):
    """Which item of Align stands for an issue of Jira: the row is there before the item's creation is sent.

    `align_id` is null while no answer to that is known. `sent`: what left last, by Align's field, the parent's item
    among it: by that one is looked for, and a later import knows what has changed. `severed_at`: since when one of the
    two was found to be gone, and `severed_why` in words; both stay until somebody links them again.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="item_links")
    jira_id = models.BigIntegerField()
    issue_key = models.CharField(max_length=255)
    project = models.ForeignKey(Project, null=True, on_delete=models.SET_NULL, related_name="item_links")
    level = models.CharField(max_length=10)
    align_id = models.BigIntegerField(null=True, blank=True)
    sent = models.JSONField(default=dict)
    sent_at = models.DateTimeField()
    linked_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="links")
    severed_at = models.DateTimeField(null=True, blank=True)
    severed_why = models.TextField(blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "jira_id"], name="one_item_per_issue"),
            models.UniqueConstraint(
                fields=["connector", "level", "align_id"],
                condition=models.Q(align_id__isnull=False),
                name="one_issue_per_item",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_key}: {self.level} {self.align_id}"

"""Undoing an import: which of its items are put into Align's recycle bin, which are left there, and why."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from mappings.models.imports import ImportRun
from mappings.models.mapping import PERSON


class UndoingState(models.TextChoices):
    PLANNING = "planning", "Being planned"
    DRAFT = "draft", "To approve"
    RUNNING = "running", "Rolling back"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Not planned"


OPEN_UNDOINGS = (UndoingState.PLANNING, UndoingState.DRAFT, UndoingState.RUNNING, UndoingState.PAUSED)


class ImportUndoing(models.Model):
    """Of one import that is over. `control`: what a person asked of the worker, "pause" or "cancel".

    `fingerprint`: SHA-256 of the lines, which an approval is about. `requests`: what sending it costs by the formula.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="undoings")
    state = models.CharField(max_length=9, choices=UndoingState, default=UndoingState.PLANNING)
    control = models.CharField(max_length=6, blank=True)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    approver = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    requests = models.PositiveIntegerField(default=0)
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
                fields=["run"],
                condition=models.Q(state__in=["planning", "draft", "running", "paused"]),
                name="one_open_undoing_of_an_import",
            )
        ]

    def __str__(self) -> str:
        return f"Roll back of import {self.run_id}"


class UndoAct(models.TextChoices):
    RECYCLE = "recycle", "Recycle"
    LEAVE = "leave", "Leave"


class UndoLineState(models.TextChoices):
    PLANNED = "planned", "Planned"
    SENDING = "sending", "Being recycled"
    DONE = "done", "Recycled"
    LEFT = "left", "Left in Jira Align"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unconfirmed"  # no answer came: it is looked at
    CANCELLED = "cancelled", "Cancelled"


UNANSWERED_UNDOS = (UndoLineState.SENDING, UndoLineState.UNKNOWN)


class UndoLine(models.Model):
    """An item that the import created. `sent`: what left last for it, which is compared right before it is recycled.

    `detail`: why it is left, or what became of it.
    """

    undoing = models.ForeignKey(ImportUndoing, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    jira_id = models.BigIntegerField()
    issue_key = models.CharField(max_length=255)
    title = models.TextField()
    level = models.CharField(max_length=10)
    align_id = models.BigIntegerField()
    sent = models.JSONField(default=dict)
    act = models.CharField(max_length=7, choices=UndoAct)
    state = models.CharField(max_length=9, choices=UndoLineState, default=UndoLineState.PLANNED)
    detail = models.TextField(blank=True)
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["undoing", "position"]
        constraints = [models.UniqueConstraint(fields=["undoing", "position"], name="one_undo_line_per_place")]
        indexes = [models.Index(fields=["undoing", "state", "position"], name="undo_lines_by_state")]

    def __str__(self) -> str:
        return self.issue_key

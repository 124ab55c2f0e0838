"""Checks of the whole history: asked for by a person, a command or the clock, done in the background."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class VerificationState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Verification(models.Model):
    """One check and how far it has come; what it found is an entry, and only that is believed.

    The lease columns are as those of a job: every write of a runner names its epoch.
    """

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_the_clock = models.BooleanField(default=False)
    folder = models.TextField(blank=True)  # of copies of checkpoints, instead of the one in the settings
    state = models.CharField(max_length=7, choices=VerificationState.choices, default=VerificationState.QUEUED)
    chain = models.JSONField(null=True)  # what the check of the chain found; null: not through yet
    look = models.PositiveIntegerField(default=0)  # which of the tables is being compared
    position = models.JSONField(null=True)  # where the last page of it ended
    until_seq = models.BigIntegerField(default=0)  # the last entry there was when it began
    until_line = models.BigIntegerField(default=0)  # and the last line
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    item = models.CharField(max_length=100, blank=True)  # what it is at
    differences = models.PositiveIntegerField(default=0)
    found = models.JSONField(default=list)  # the first of them
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    entry_seq = models.BigIntegerField(null=True)  # of the entry that says what it found
    owner = models.CharField(max_length=100, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="running"), name="one_verification_at_a_time"
            )
        ]

    @property
    def is_active(self) -> bool:
        return self.state in (VerificationState.QUEUED, VerificationState.RUNNING)

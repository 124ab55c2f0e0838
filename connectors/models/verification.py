"""Checks of the whole history: asked for by a person, a command or the clock, done in the background."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models.job import ACTIVE, Job, JobState


class Verification(models.Model):
    """One check and where it goes on; how far it is, its job says.

    What it found is an entry, and only that is believed.
    """

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="verification")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_the_clock = models.BooleanField(default=False)
    folder = models.TextField(blank=True)  # of copies of checkpoints, instead of the one in the settings
    chain = models.JSONField(null=True)  # what the check of the chain found; null: not through yet
    table_index = models.PositiveIntegerField(default=0)  # which of the tables is being compared
    position = models.JSONField(null=True)  # where the last page of it ended
    until_seq = models.BigIntegerField(default=0)  # the last entry there was when it began
    until_line = models.BigIntegerField(default=0)  # and the last line
    differences = models.PositiveIntegerField(default=0)
    found = models.JSONField(default=list)  # the first of them
    created_at = models.DateTimeField()
    entry_seq = models.BigIntegerField(null=True)  # of the entry that says what it found

    class Meta:
        ordering = ["-id"]

    @property
    def state(self) -> JobState:
        """It is done with the entry that says so, a moment before its job has ended."""
        return JobState(self.job.state) if self.entry_seq is None else JobState.DONE

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

"""Evidence packs: asked for by a person or by a schedule, written in the background."""

from __future__ import annotations

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL


class Every(models.TextChoices):
    WEEK = "week", "Every Monday"
    MONTH = "month", "On the first of a month"


class PackSchedule(models.Model):
    """A search whose rows of the period before are packed again and again, to a folder or by e-mail."""

    name = models.CharField(max_length=80, unique=True)
    query = models.TextField()
    every = models.CharField(max_length=5, choices=Every.choices)
    recipients = models.TextField(blank=True)  # e-mail addresses, one a line; empty: only the folder
    created_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+")
    is_active = models.BooleanField(default=True)
    due_at = models.DateTimeField()


class PackState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Being written"
    DONE = "done", "Ready"
    FAILED = "failed", "Failed"


class Pack(models.Model):
    """One evidence pack. The lease columns are as those of a job: every write of a runner names its epoch."""

    uuid = models.UUIDField(unique=True)  # in its address and its file's name
    asked_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="packs")
    schedule = models.ForeignKey(PackSchedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="packs")
    query = models.TextField()
    time_zone = models.CharField(max_length=64)
    state = models.CharField(max_length=7, choices=PackState.choices, default=PackState.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    path = models.TextField(blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    entry_seq = models.BigIntegerField(null=True, blank=True)  # of the entry that says it was made
    owner = models.CharField(max_length=100, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

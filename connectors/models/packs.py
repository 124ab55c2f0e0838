"""Evidence packs: asked for by a person or by a schedule, written in the background."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models.job import Job

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

    objects = LockableQuerySet.as_manager()


class PackState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Being written"
    DONE = "done", "Ready"
    FAILED = "failed", "Failed"


class Pack(models.Model):
    """One evidence pack; how far it is, and why it failed, its job says."""

    uuid = models.UUIDField(unique=True)  # in its address and its file's name
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="pack")
    asked_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="packs")
    schedule = models.ForeignKey(PackSchedule, null=True, blank=True, on_delete=models.SET_NULL, related_name="packs")
    query = models.TextField()
    time_zone = models.CharField(max_length=64)
    path = models.TextField(blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    entry_seq = models.BigIntegerField(null=True, blank=True)  # of the entry that says it was made

    class Meta:
        ordering = ["-id"]

    @property
    def state(self) -> PackState:
        """It is ready with the entry that says so, a moment before its job has ended."""
        return PackState(self.job.state) if self.entry_seq is None else PackState.DONE

    @property
    def is_active(self) -> bool:
        return self.state in (PackState.QUEUED, PackState.RUNNING)

    @property
    def error(self) -> str:
        """Why there is no pack."""
        return self.job.error

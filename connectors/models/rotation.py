"""What a rotation of credentials leaves behind: probes of pending ones, uses of a secret, and reminders."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models.connector import Credential
from connectors.models.job import Job


class Probe(models.Model):
    """One look at what a pending credential may do, compared with what the current one can see."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="probes")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Consent to one create and one delete: the key that was chosen, in the words of `write_probe`; empty: reads only.
    write_key = models.CharField(max_length=200, blank=True)
    write_state = models.CharField(max_length=10, blank=True)  # "", creating, created, deleting, done
    write_id = models.PositiveBigIntegerField(null=True, blank=True)  # of the record that was created
    seen = models.PositiveIntegerField(default=0)  # projects that the pending one sees
    expected = models.PositiveIntegerField(default=0)  # of those that the current one sees, or that are in scope
    lost = models.JSONField(default=list, blank=True)  # sentences: what the current one can and this one cannot
    current_refusal = models.TextField(blank=True)  # what the current one was answered, when it was refused


class LineState(models.TextChoices):
    OK = "ok", "May"
    FAILED = "failed", "May not"
    SKIPPED = "skipped", "Not tried"


class ProbeLine(models.Model):
    """One right that was tried. A switch needs every required line to be OK."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)  # align-mappings, jira-browse
    label = models.CharField(max_length=100)
    state = models.CharField(max_length=7, choices=LineState.choices)
    required = models.BooleanField(default=True)
    sentence = models.TextField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["probe", "code"], name="one_line_per_right")]


class CredentialUse(models.Model):
    """That a job opened a secret: one row and one audit entry per job and credential version."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="uses")
    credential_uuid = models.UUIDField()  # no foreign key: it outlives the credential
    version = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "credential_uuid", "version"], name="one_use_per_job_and_version")
        ]
        indexes = [models.Index(fields=["credential_uuid", "-at"])]


class Reminder(models.Model):
    """That people were told how many days a credential has left; each threshold once per credential and date."""

    credential_uuid = models.UUIDField()
    expires_on = models.DateField()
    days = models.PositiveSmallIntegerField()
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credential_uuid", "expires_on", "days"], name="each_reminder_once")
        ]

"""Lines of Align's log that a person has sent and not confirmed yet, and lines whose times came without seconds."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from connectors.models.history import Intake, MirrorLine


class WaitingIntake(models.Model):
    """What one person has sent and nobody else sees: kept for an hour, imported once, then without its text."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    connector = models.ForeignKey("connectors.Connector", on_delete=models.CASCADE, related_name="+")
    intake = models.CharField(max_length=8, choices=Intake.choices)
    packed = models.BinaryField()  # the text, compressed; empty once it is imported
    order = models.CharField(max_length=5, blank=True)
    hour = models.CharField(max_length=6, blank=True)
    zone = models.CharField(max_length=64, blank=True)  # that the person has said
    file_name = models.CharField(max_length=255, blank=True)
    file_kind = models.CharField(max_length=120, blank=True)  # its charset, or which sheet of what: for people
    file_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_index=True)
    imported_at = models.DateTimeField(null=True, blank=True)
    run_slug = models.SlugField(blank=True)  # of the connector whose run it became
    run_number = models.BigIntegerField(default=0)


class LineWithoutSeconds(models.Model):
    """A line whose time was written to the minute: the same line with its seconds is no second one."""

    line = models.OneToOneField(MirrorLine, primary_key=True, on_delete=models.PROTECT, related_name="without_seconds")

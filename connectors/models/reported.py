"""What Align says of a connector and of its projects, over time: a row for each time that it said something else."""

from __future__ import annotations

from django.db import models

from connectors.models.catalogue import Project
from connectors.models.connector import Connector


class ReportedField(models.TextChoices):
    """As Align's API calls it."""

    ACTIVE = "isActive", "isActive"
    MESSAGE = "errorMessage", "errorMessage"


class ReportedChange(models.Model):
    """Kept for 90 days, and of each connector the newest few thousand; texts are cut."""

    connector = models.ForeignKey(
        Connector, on_delete=models.CASCADE, related_name="reported_changes", db_index=False
    )  # one below begins with it
    project = models.ForeignKey(  # null: of the connector itself
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    field = models.CharField(max_length=12, choices=ReportedField.choices)
    before = models.CharField(max_length=500, blank=True)  # "true", "false"; empty: nothing was said
    after = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["connector", "id"])]

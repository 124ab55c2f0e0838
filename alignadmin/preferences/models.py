"""What admins have chosen: one row for each setting that is not left as the installation came."""

from __future__ import annotations

from django.db import models


class InstallationChoice(models.Model):
    """Who chose is copied, as in the history: the row outlives the account."""

    key = models.CharField(max_length=40, primary_key=True)  # alignadmin.preferences.declaring.Preference
    value = models.JSONField()  # as code reads it: spans in seconds
    by_name = models.CharField(max_length=200)
    at = models.DateTimeField()

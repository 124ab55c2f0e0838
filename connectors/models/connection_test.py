"""What the last test of a connector's connection has found, so that it stands there after the page was left."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models.connector import Connector, System


class ConnectionCheck(models.Model):
    """One thing that the last test of a system has tried; the next test of that system replaces all of its."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="connection_checks")
    system = models.CharField(max_length=5, choices=System.choices)
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=100)
    ok = models.BooleanField()
    sentence = models.TextField()
    checked_at = models.DateTimeField()
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    credential_uuid = models.UUIDField(null=True, blank=True)  # with which it was tried; null: none was stored

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "system", "position"], name="one_check_per_place")]

    def __str__(self) -> str:
        return self.label

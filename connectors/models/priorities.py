"""The priorities of a connector's two systems, as each told them last: a whole list at a time."""

from __future__ import annotations

from django.db import models

from connectors.models.connector import Connector, System


class PriorityList(models.Model):
    """What one system told. `records` of Jira: its priorities, the highest first; of Align: what its connector makes
    of each of them, by item type. They are read seldom and compared whole, so they are one value.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="priority_lists")
    system = models.CharField(max_length=5, choices=System.choices)
    records = models.JSONField(default=list, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when the reading that is stored began
    tried_at = models.DateTimeField()
    error = models.TextField(blank=True)  # why it could not be read since, or what of it cannot be used

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "system"], name="one_list_of_priorities_per_system")
        ]

"""The fields that both systems have for a work item type, as they told them last."""

from __future__ import annotations

from django.db import models

from connectors.field_types.value_types import ToldType, told_type
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector, System


class FieldRow(models.Model):
    """A field of one system's items of one type. What is told no more is marked with `vanished_at` and kept.

    `key` is what the field is written by: Align's name of it or the id of a custom field, Jira's id. `type` is a
    `connectors.field_types.value_types.ValueType`, `spelled` as the system calls it. `is_required` and `is_writable`
    are None where the system does not tell. `options`: objects with `id` and `name`, in the system's order.
    `required_in`: of Jira, keys of the projects in which a new issue must have it, of those that were asked.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="fields")
    system = models.CharField(max_length=5, choices=System.choices)
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    key = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=20)
    spelled = models.CharField(max_length=255, blank=True)
    is_formula = models.BooleanField(default=False)
    is_custom = models.BooleanField(default=False)
    is_required = models.BooleanField(null=True, blank=True)
    is_writable = models.BooleanField(null=True, blank=True)
    options = models.JSONField(default=list, blank=True)
    required_in = models.JSONField(default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "system", "work_item_type", "key"], name="one_row_per_field_of_a_type"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    @property
    def told(self) -> ToldType:
        return told_type(self.type, self.spelled, is_formula=self.is_formula)


class FieldReading(models.Model):
    """How the fields of one system for one type were read last. What was read before stays where a reading fails.

    `asked`: of Jira, keys of the projects whose screens were asked for; `left_out`: fields beyond the bound.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="field_readings")
    system = models.CharField(max_length=5, choices=System.choices)
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    read_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField()
    error = models.TextField(blank=True)  # why it could not be read since
    remarks = models.TextField(blank=True)  # what of the last answer is missing or could not be used
    asked = models.JSONField(default=list, blank=True)
    left_out = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "system", "work_item_type"], name="one_reading_of_fields_per_type"
            )
        ]

"""Who was asked to approve which plan."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from mappings.models.mapping import PERSON
from mappings.models.plan import Plan


class ApprovalAsk(models.Model):
    """One admin was asked, by whoever planned; it is open until the plan is approved, replaced,
    cancelled or started, or they are asked again."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="asks")
    asked = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    note = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["asked", "plan"], condition=Q(ended_at=None), name="open_asks")]

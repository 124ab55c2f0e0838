"""What the watch has found: each look at Align, and what each connector's Align was seen to answer."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector
from mappings.models.mapping import FAMILY_CHOICES


class CheckKind(models.TextChoices):
    LOG = "log", "Align's audit log"
    LISTS = "lists", "every list"


class DriftCheck(models.Model):
    """One look for changes made elsewhere: at the tail of Align's audit log, or at the lists themselves."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="drift_checks")
    kind = models.CharField(max_length=5, choices=CheckKind.choices)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    scopes = models.PositiveIntegerField(default=0)  # lists read
    unknown = models.PositiveIntegerField(default=0)  # of them, lists that could not be read
    requests = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)  # rows that were not known to have drifted before
    ended = models.PositiveIntegerField(default=0)  # rows that had drifted and have not any more
    error = models.TextField(blank=True)  # why it says nothing: what it could not read is unknown, never in order

    class Meta:
        indexes = [models.Index(fields=["connector", "-started_at"])]


class ContractFact(models.Model):
    """One thing that Align was seen to answer for a family of lists; a change of it is told before it does harm."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="contract_facts")
    family = models.CharField(max_length=9, choices=FAMILY_CHOICES)
    name = models.CharField(max_length=20)  # see mappings.contract
    value = models.JSONField()
    seen_at = models.DateTimeField()
    before = models.JSONField(null=True, blank=True)  # the value until `changed_at`
    changed_at = models.DateTimeField(null=True, blank=True)  # null: never changed, or somebody has taken note

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "family", "name"], name="one_row_per_fact")]

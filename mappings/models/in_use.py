"""How many issues Jira has in statuses that no mapping knows: what was asked by the clock, when, and the answer."""

from __future__ import annotations

from django.db import models

from connectors.models import Connector, WorkItemType

ELSEWHERE = 0  # in place of a status: in none of those that were asked for


class InUseRound(models.Model):
    """Of one connector: when it is asked next, and how the last round went. No row: it was never due."""

    connector = models.OneToOneField(Connector, on_delete=models.CASCADE, related_name="in_use_round")
    due_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    requests = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)  # questions that are for the next round
    error = models.TextField(blank=True)  # why the last round ended early; what was counted before it stands


class InUseCount(models.Model):
    """One question: the issues of a work item type, in projects whose mappings are alike, in none of the mapped
    statuses. `key` tells the question with its projects, types and mapped statuses: another set is another row.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="in_use_counts")
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    key = models.CharField(max_length=32)
    is_shared = models.BooleanField()  # of company-managed projects, which share their mappings
    projects = models.JSONField(default=list)  # keys of our rows, not Jira's ids
    asked_at = models.DateTimeField(null=True, blank=True)  # last, whatever came of it
    counted_at = models.DateTimeField(null=True, blank=True)  # to the end; null: never
    total = models.BigIntegerField(default=0)
    statuses = models.JSONField(default=dict)  # Jira's id of the status or ELSEWHERE -> issues in it, only above 0
    pending = models.JSONField(default=list)  # those that are still to be asked for
    error = models.TextField(blank=True)  # why the last try failed; what was counted before stands

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "key"], name="one_row_per_question_of_use")]

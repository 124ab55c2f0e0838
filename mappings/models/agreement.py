"""Whether the items of Align agree with their issues: the switch, what each comparison came to, and its runs."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Job, Project
from mappings.models.mapping import PERSON


class AgreementSetting(models.Model):
    """Of one connector; without a row nothing is compared by the clock.

    `lags`: the last seconds that changes were seen to take from Jira to Align. `polled_at`: when the last poll of Align
    began whose finds are stored. `work_after`: nothing is compared by the clock before, as it failed last. `told`:
    reason -> number apart when admins were told last.
    """

    connector = models.OneToOneField(Connector, on_delete=models.CASCADE, related_name="agreement")
    is_on = models.BooleanField(default=False)
    switched_at = models.DateTimeField(null=True, blank=True)
    switched_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    sample_due_at = models.DateTimeField(null=True, blank=True)
    whole_due_at = models.DateTimeField(null=True, blank=True)
    poll_due_at = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    poll_error = models.TextField(blank=True)
    work_after = models.DateTimeField(null=True, blank=True)
    lags = models.JSONField(default=list, blank=True)
    told = models.JSONField(default=dict, blank=True)

    objects = LockableQuerySet.as_manager()


class AgreementKind(models.TextChoices):
    WHOLE = "whole", "all of it"
    SAMPLED = "sampled", "a sample"
    CHANGED = "changed", "what changed"
    ASKED = "asked", "asked for"


class AgreementRun(models.Model):
    """One comparison. `project` and `jira_id`: of one that was asked for. `cursor`: the project that a whole one is at.

    `counts`: outcome -> number of issues. `left_out`: why projects were not compared, or records not read, in words. Of
    a whole one further jobs go on where it stands; it is over once it has a time for that, and `error` says why it
    ended before its time, or what was left out.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="agreement_runs")
    kind = models.CharField(max_length=7, choices=AgreementKind)
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="agreement_runs")
    jira_id = models.BigIntegerField(null=True, blank=True)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="agreement_runs")
    person = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    cursor = models.BigIntegerField(default=0)
    issues = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)
    left_out = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connector", "kind", "-id"], name="agreement_runs_by_kind")]


class ComparedItem(models.Model):
    """An issue with the item of Align that stands for it, as they were compared last.

    `compared_at`: when reading of it began. `differences`: objects with `key`, `name`, `expected`, `actual`, `reason`
    and `sentence`; empty where they agree. `issue_type_id`: Jira's, null where it was not noted. `since`: when it was
    first seen as it is. `due_at`: it is to be compared again then; null: with the others.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="compared_items")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="compared_items")
    jira_id = models.BigIntegerField()
    issue_key = models.CharField(max_length=255)
    issue_type_id = models.BigIntegerField(null=True, blank=True)
    level = models.CharField(max_length=10, blank=True)
    align_id = models.BigIntegerField(null=True, blank=True)
    outcome = models.CharField(max_length=9)  # an AgreementOutcome
    reason = models.CharField(max_length=16, blank=True)  # an ApartReason
    sentence = models.TextField(blank=True)
    differences = models.JSONField(default=list, blank=True)
    compared_at = models.DateTimeField(null=True, blank=True)
    jira_updated_at = models.DateTimeField(null=True, blank=True)
    item_updated_at = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "jira_id"], name="one_compared_item_per_issue")]
        indexes = [
            models.Index(fields=["connector", "due_at"], condition=models.Q(due_at__isnull=False), name="pairs_due"),
            models.Index(fields=["project", "outcome"], name="pairs_of_a_project"),
            models.Index(fields=["connector", "outcome", "reason"], name="pairs_apart"),
            models.Index(fields=["connector", "level", "align_id"], name="pairs_by_item"),
        ]

    def __str__(self) -> str:
        return self.issue_key

"""Trials of an item: one throw-away item per consent, made, read back and recycled, and what that taught of Align."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Project
from mappings.models.mapping import PERSON


class ItemTrialState(models.TextChoices):
    ASKED = "asked", "Agreed to"
    SENDING = "sending", "Being created"
    CREATED = "created", "Being looked at"
    RECYCLING = "recycling", "Being recycled"
    DONE = "done", "Recycled"
    LEFT = "left", "Still in Jira Align"  # until a person says that it is gone
    GONE = "gone", "Gone"
    NOT_MADE = "not-made", "Not created"


OPEN_TRIALS = (ItemTrialState.ASKED, ItemTrialState.SENDING, ItemTrialState.CREATED, ItemTrialState.RECYCLING)


class ItemTrial(models.Model):
    """The row is `sending` before the create leaves, so what a killed worker made is found by its title, `marker`.

    `sent`: what the last create held, by Align's field. `findings`: what was seen of it so far, as `ItemWriteFacts`
    names it. `error`: why it goes no further, or why the item is still there.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="item_trials")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="item_trials")
    level = models.CharField(max_length=10)
    marker = models.CharField(max_length=120)
    external_key = models.CharField(max_length=60)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    state = models.CharField(max_length=9, choices=ItemTrialState, default=ItemTrialState.ASKED)
    sent = models.JSONField(default=dict)
    findings = models.JSONField(default=dict)
    align_id = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"],
                condition=models.Q(state__in=["asked", "sending", "created", "recycling"]),
                name="one_item_trial_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return self.marker


class ItemWriteFacts(models.Model):
    """What a connector's Align was seen to take of an item of one level; null: nobody has tried it.

    `external_key`: kept as sent with the create, `external_filter`: an item is found by it. `state_*`, `step_*`: kept
    as sent with the create, or by an update afterwards. `recycles`: whether an item can be put into the recycle bin.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="item_write_facts")
    level = models.CharField(max_length=10)
    external_key = models.BooleanField(null=True, blank=True)
    external_filter = models.BooleanField(null=True, blank=True)
    state_at_create = models.BooleanField(null=True, blank=True)
    state_by_update = models.BooleanField(null=True, blank=True)
    step_at_create = models.BooleanField(null=True, blank=True)
    step_by_update = models.BooleanField(null=True, blank=True)
    recycles = models.BooleanField(null=True, blank=True)
    seen_at = models.DateTimeField()
    trial = models.ForeignKey(ItemTrial, null=True, on_delete=models.SET_NULL, related_name="facts")

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "level"], name="one_row_of_facts_per_level")]

    def __str__(self) -> str:
        return f"{self.connector_id} {self.level}"

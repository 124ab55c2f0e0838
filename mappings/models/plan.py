"""Stored plans with their changes: made once, reviewed, approved by a fingerprint, applied as they are."""

from __future__ import annotations

from typing import Any

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, WorkItemType
from mappings.engine import families
from mappings.engine.plan import row_key
from mappings.engine.values import Direction
from mappings.engine.values import TypeName as TypeName
from mappings.models.mapping import FAMILY_CHOICES, PERSON, Mapping, Scope


class PlanState(models.TextChoices):
    DRAFT = "draft", "To approve"
    APPROVED = "approved", "Approved"
    APPLYING = "applying", "Applying"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"
    REPLACED = "replaced", "Replaced"


UNDER_WAY = (PlanState.APPLYING, PlanState.PAUSED)  # holds its connector
OPEN_PLANS = (PlanState.DRAFT, PlanState.APPROVED, *UNDER_WAY)


class Plan(models.Model):
    """What will be sent, exactly: made once, reviewed, approved by its fingerprint, applied as it is."""

    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="plans")
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="plans")  # who planned it
    state = models.CharField(max_length=9, choices=PlanState.choices, default=PlanState.DRAFT)
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when its before values were last found to hold
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list, blank=True)  # [{"where", "code", "sentence"}]
    warnings = models.JSONField(default=list, blank=True)  # sentences, ticked when the plan is approved
    api_calls = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)  # expected duration
    approver = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_fingerprint = models.CharField(max_length=64, blank=True)
    applier = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    is_ours = models.BooleanField(default=False)  # of lists of ours: nothing is sent, approved it is applied
    control = models.CharField(max_length=6, blank=True)  # "pause" or "cancel", asked for and not yet heard
    emergency_reason = models.TextField(blank=True)  # why somebody with a part in it approved it
    replaces = models.ForeignKey(  # the plan that this one is a refresh of
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaced_by"
    )
    restores = models.ForeignKey(  # the applied plan whose changes this one takes back
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="restored_by"
    )

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"],
                condition=models.Q(state__in=["applying", "paused"]),
                name="one_apply_per_connector",
            )
        ]

    @property
    def align_number(self) -> int:
        """Of the connector in Align, as it was when this was planned: its requests name records of that one."""
        return self.connector.number_at(self.created_at)

    @property
    def is_of_former_number(self) -> bool:
        """Its connector was made anew in Align since, so nothing of it may be sent; of one of ours nothing is."""
        return not self.is_ours and self.align_number != self.connector.align_connector_id


class ChangeState(models.TextChoices):
    PLANNED = "planned", "planned"
    SENDING = "sending", "sending"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    STALE = "stale", "stale"
    UNKNOWN = "unknown", "unknown"
    CANCELLED = "cancelled", "cancelled"


UNANSWERED = (ChangeState.SENDING, ChangeState.UNKNOWN)  # left, and nobody knows yet whether Align took it
NOT_ENDED = (ChangeState.PLANNED, *UNANSWERED)

# What never changes of a change once it is planned. Its mapping and its scope may go, and are copied into these.
# Digests that stand in the history are made over them in this order, so this list stays as it is.
PLANNED_FIELDS = (
    "position",
    "action",
    "family",
    "project_key",
    "work_item_type",
    "source_id",
    "source_name",
    "before",
    "before_name",
    "after",
    "after_name",
    "author_id",
    "author_name",
    "author_email",
    "author_role",
    "earlier",
    "remote_id",
    "is_spare",
    "method",
    "path",
    "query",
    "body",
    "sentence",
    "expected_line",
    "event",
)


class Change(models.Model):
    """One request of a plan, with everything needed to understand it after its mapping is gone."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="changes")
    position = models.PositiveIntegerField()
    mapping = models.ForeignKey(Mapping, null=True, on_delete=models.SET_NULL, related_name="changes")
    scope = models.ForeignKey(Scope, null=True, on_delete=models.SET_NULL, related_name="changes")
    action = models.CharField(max_length=6)  # create, update, delete
    family = models.CharField(max_length=9, choices=FAMILY_CHOICES)
    project_key = models.CharField(max_length=255, blank=True)
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    source_id = models.BigIntegerField()
    source_name = models.CharField(max_length=255)
    before = models.BigIntegerField(null=True, blank=True)
    before_name = models.CharField(max_length=255, blank=True)
    after = models.BigIntegerField(null=True, blank=True)
    after_name = models.CharField(max_length=255, blank=True)
    # Who decided on the value, as they were when it was planned, and whose values of the same row it had replaced.
    author = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    author_name = models.CharField(max_length=200, blank=True)
    author_email = models.CharField(max_length=320, blank=True)
    author_role = models.CharField(max_length=10, blank=True)
    earlier = models.JSONField(default=list, blank=True)  # [{"id", "name", "email", "role"}, ...]
    remote_id = models.BigIntegerField(null=True, blank=True)
    is_spare = models.BooleanField(default=False)  # deletes a further record of a key whose own record stays
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=500)
    query = models.JSONField(default=list, blank=True)
    body = models.JSONField(null=True, blank=True)
    sentence = models.TextField()
    expected_line = models.TextField()
    event = models.JSONField(default=dict)  # the expected audit line's fields, copied into the history
    # Sent with the project's key where it was planned without, or the other way round: see edits.key_on_write.
    key_turned = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=ChangeState.choices, default=ChangeState.PLANNED)
    detail = models.TextField(blank=True)  # Align's own text, or why it is stale
    confirmed = models.BooleanField(null=True)  # read back: True, False; null: not read back
    sends = models.PositiveSmallIntegerField(default=0)  # how often its request has left
    # What somebody had set between the last look and our write; empty: nothing. The value may be "no record".
    overwrote_name = models.CharField(max_length=255, blank=True)
    overwrote = models.BigIntegerField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="one_change_per_position"),
        ]
        indexes = [models.Index(fields=["plan", "state"])]

    @property
    def is_to_align(self) -> bool:
        return families.FAMILIES[self.family].direction is Direction.JIRA_TO_ALIGN

    @property
    def plans_key(self) -> bool:
        """Whether the planned request carries the project's key beyond what it has to: in its query, or its body."""
        return bool(self.query) if self.is_to_align else "projectKey" in (self.body or {})

    @property
    def carries_key(self) -> bool:
        return self.plans_key is not self.key_turned

    @property
    def request_query(self) -> list[list[str]]:
        return self.sent(turned=self.key_turned)[0]

    @property
    def request_body(self) -> dict[str, Any] | None:
        return self.sent(turned=self.key_turned)[1]

    def sent(self, *, turned: bool) -> tuple[list[list[str]], dict[str, Any] | None]:
        """Query and body as they are sent: as planned but for the project's key, where that is turned."""
        if not turned:
            return self.query, self.body
        adds = not self.plans_key
        if self.is_to_align:
            return ([["ProjectKey", self.project_key]] if adds else []), self.body
        if self.body is None:
            return self.query, None
        without = {name: value for name, value in self.body.items() if name != "projectKey"}
        return self.query, without | {"projectKey": self.project_key} if adds else without

    @property
    def key(self) -> str:
        """The row as the engine names it, see engine.plan.row_key."""
        family = families.FAMILIES[self.family]
        is_ours = self.method == families.KEPT
        place = families.ListAddress(family=family, project_key=self.project_key or None, is_ours=is_ours)
        return row_key(place, TypeName(self.work_item_type), self.source_id)

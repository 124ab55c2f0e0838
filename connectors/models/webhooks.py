"""What Jira's webhook of a connector is, what it delivered, what polling found beside it, and issues as last seen."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models.connector import Connector

PERSON = settings.AUTH_USER_MODEL


class Registration(models.TextChoices):
    """How far its registration through Jira's API is. A request that is sent is kept before it leaves."""

    BY_HAND = "by-hand", "Entered in Jira by hand, or not yet"
    SENDING = "sending", "Being registered in Jira"
    REGISTERED = "registered", "Registered in Jira"
    REMOVING = "removing", "Being removed from Jira"
    FAILED = "failed", "Not registered"
    UNKNOWN = "unknown", "Unconfirmed"


class Webhook(models.Model):
    """The one of a connector. Its address and its secrets are sealed rows of their own; here the address is a hash."""

    uuid = models.UUIDField(unique=True, default=uuid4)
    connector = models.OneToOneField(Connector, on_delete=models.CASCADE, related_name="webhook")
    address_hash = models.CharField(max_length=64, unique=True)  # SHA-256, in hex
    is_signed = models.BooleanField(default=True)  # False: Data Center 8 and 9, whose address alone is compared
    registration = models.CharField(max_length=10, choices=Registration, default=Registration.BY_HAND)
    jira_id = models.BigIntegerField(null=True, blank=True)  # by which Jira's API knows it; null: by hand
    jql = models.TextField(blank=True)  # that it was registered with, or shown with
    error = models.TextField(blank=True)  # why the last registration, removal or canary failed
    jira_base = models.CharField(max_length=500, blank=True)  # what Jira calls itself, which may differ from our way
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(PERSON, null=True, on_delete=models.SET_NULL, related_name="+")
    # From when on a change that it did not announce counts as missed: since it was registered, or heard first.
    counts_from = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)  # when the last poll that was stored began
    poll_due_at = models.DateTimeField(null=True, blank=True)
    poll_error = models.TextField(blank=True)
    work_after = models.DateTimeField(null=True, blank=True)  # no look before, as the last one failed
    told_at = models.DateTimeField(null=True, blank=True)  # when it was told that it is silent; null: it is not
    canary_key = models.CharField(max_length=255, blank=True)  # an issue that may be labelled to prove it; empty: off
    canary_at = models.DateTimeField(null=True, blank=True)  # when its label was sent last
    # Since when nothing is received any more; what it delivered is kept for a month.
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()


class WebhookSecretKind(models.TextChoices):
    ADDRESS = "address", "address"
    CURRENT = "current", "secret"
    FORMER = "former", "former secret"


class WebhookSecret(models.Model):
    """Its address, or what Jira signs with; a former one is good for a day after the change."""

    uuid = models.UUIDField(unique=True, default=uuid4)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=7, choices=WebhookSecretKind)
    sealed = models.TextField()
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "kind"], name="one_webhook_secret_of_a_kind")]


class DeliveryVerdict(models.TextChoices):
    TAKEN = "taken", "Taken"  # stored; its issue waits for a look
    DUPLICATE = "duplicate", "Duplicate"
    NO_CHANGE = "no-change", "No change"
    CHANGED = "changed", "Changed"


class InboxDelivery(models.Model):
    """One that was accepted. A row that is taken is the mark of its issue: nothing else says that a look is due."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    received_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)  # by Jira's clock, as the body says
    updated_at = models.DateTimeField(null=True, blank=True)  # of the issue, by Jira's clock, likewise
    event = models.CharField(max_length=60)
    issue_id = models.BigIntegerField(null=True, blank=True)
    issue_key = models.CharField(max_length=255, blank=True)
    identifier = models.CharField(max_length=100, blank=True)
    body_hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField()  # bytes
    sealed_body = models.TextField(blank=True)  # empty once it was erased
    verdict = models.CharField(max_length=9, choices=DeliveryVerdict, default=DeliveryVerdict.TAKEN)
    outcome = models.CharField(max_length=500, blank=True)  # what changed, in words
    handled_at = models.DateTimeField(null=True, blank=True)
    replay_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["webhook", "-id"]),
            models.Index(fields=["webhook", "identifier"]),
            models.Index(fields=["webhook", "body_hash"]),
            models.Index(fields=["webhook", "issue_id", "-updated_at"]),
            models.Index(fields=["webhook", "id"], condition=models.Q(verdict="taken"), name="inbox_waiting"),
            models.Index(fields=["received_at"]),
        ]


class RefusalReason(models.TextChoices):
    SIGNATURE = "signature", "wrong or missing signature"
    SITE = "site", "of another Jira"
    SIZE = "size", "too large"
    FORM = "form", "not readable"
    BUSY = "busy", "turned away, too many at once"


class RefusedDeliveries(models.Model):
    """How many were refused within an hour for one reason; nothing else of them is kept."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="refused")
    hour = models.DateTimeField()
    reason = models.CharField(max_length=9, choices=RefusalReason)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "hour", "reason"], name="one_count_per_hour")]


class WatchedIssue(models.Model):
    """An issue of Jira as the last look saw it, by its id: keys change when issues are moved."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="watched_issues")
    jira_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    project_id = models.BigIntegerField()  # these three by Jira's ids
    status_id = models.BigIntegerField()
    issue_type_id = models.BigIntegerField()
    updated_at = models.DateTimeField()  # by Jira's clock
    looked_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "jira_id"], name="one_row_per_watched_issue")]


class MissedChange(models.Model):
    """A change that polling found and no delivery had announced until then; `announced_at`: it came late."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="missed")
    issue_id = models.BigIntegerField()
    issue_key = models.CharField(max_length=255)
    updated_at = models.DateTimeField()  # by Jira's clock
    found_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "issue_id", "updated_at"], name="one_row_per_missed_change")
        ]
        indexes = [models.Index(fields=["webhook", "-updated_at"])]

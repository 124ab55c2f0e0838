"""Live verifications: a change made on one side and followed to the other, write by write and hop by hop."""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Project
from mappings.models.mapping import PERSON


class TripState(models.TextChoices):
    DRAFT = "draft", "To approve"
    RUNNING = "running", "Under way"
    RETURNING = "returning", "Putting back"
    VERIFIED = "verified", "Verified both ways"
    PROVEN = "proven", "Both sides can be written and read"  # of a project of ours, whose changes nothing carries
    INCOMPLETE = "incomplete", "Not everything came"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Broken off"
    LEFT = "left", "Left changed"


OPEN_TRIPS = (TripState.RUNNING, TripState.RETURNING)


class RoundTrip(models.Model):
    """One verification on one issue and its item.

    `control`: "stop", once a person asked for it. `found`: the values of before by side, `{"jira": {"title", "status",
    "status_name"}, "align": {"title", "state", "key"}}`. `fingerprint`: SHA-256 of what is written, which a consent is
    about. `configured`: SHA-256 of what is agreed for the project that it went by. `left`: what differs from before,
    objects with `side`, `what` and `sentence`. `remains`: sentences about what a throw-away issue leaves behind.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="round_trips")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="round_trips")
    state = models.CharField(max_length=10, choices=TripState, default=TripState.DRAFT)
    control = models.CharField(max_length=4, blank=True)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    approver = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_throw_away = models.BooleanField(default=False)
    is_carried = models.BooleanField(default=True)  # by Align's connector; else its items were imported here
    with_title_back = models.BooleanField(default=True)  # whether the title is changed in Align, too
    jira_id = models.BigIntegerField(null=True, blank=True)  # null: its issue is not made yet
    issue_key = models.CharField(max_length=255, blank=True)
    type_id = models.BigIntegerField(null=True, blank=True)
    type_name = models.CharField(max_length=255)
    level = models.CharField(max_length=10)
    align_id = models.BigIntegerField(null=True, blank=True)
    found = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    configured = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)  # why it went no further
    left = models.JSONField(default=list, blank=True)
    remains = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"],
                condition=models.Q(state__in=["running", "returning"]),
                name="one_open_round_trip",
            )
        ]
        indexes = [models.Index(fields=["connector", "-finished_at"], name="round_trips_by_end")]

    def __str__(self) -> str:
        return f"Verification {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_TRIPS


class TripSide(models.TextChoices):
    JIRA = "jira", "Jira"
    ALIGN = "align", "Jira Align"


class TripSubject(models.TextChoices):
    """What is written. `STATUS` is the status of an issue, or the state of an item."""

    TITLE = "title", "title"
    STATUS = "status", "status"
    ISSUE = "issue", "issue"  # the throw-away one: made, and deleted


class TripPurpose(models.TextChoices):
    CHANGE = "change", "Change"
    RESTORE = "restore", "Put back"


class TripWriteState(models.TextChoices):
    PLANNED = "planned", "Planned"
    SENDING = "sending", "Being sent"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unconfirmed"  # no answer came: it is looked up
    SKIPPED = "skipped", "Not sent"


class TripWrite(models.Model):
    """One request that writes. `before` and `after`: a title, Jira's id of a status, or Align's number of a state.

    The words are what people read of both. `transition`: Jira's id of the one that was offered.
    """

    trip = models.ForeignKey(RoundTrip, on_delete=models.CASCADE, related_name="writes")
    position = models.PositiveSmallIntegerField()
    side = models.CharField(max_length=5, choices=TripSide)
    what = models.CharField(max_length=6, choices=TripSubject)
    purpose = models.CharField(max_length=7, choices=TripPurpose, default=TripPurpose.CHANGE)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    before_words = models.TextField(blank=True)
    after_words = models.TextField(blank=True)
    transition = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=7, choices=TripWriteState, default=TripWriteState.PLANNED)
    detail = models.TextField(blank=True)
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["trip", "position"]
        constraints = [models.UniqueConstraint(fields=["trip", "position"], name="one_trip_write_per_place")]

    def __str__(self) -> str:
        return f"{self.side} {self.what}"


class HopCode(models.TextChoices):
    """What is waited for, in its order."""

    ITEM_MADE = "item-made", "Jira Align has an item of the new issue"
    JIRA_CHANGED = "jira-changed", "Jira shows the change"
    WEBHOOK = "webhook", "The webhook announced it"
    ALIGN_TITLE = "align-title", "Jira Align shows the title"
    ALIGN_STATUS = "align-status", "Jira Align shows the state"
    ALIGN_CHANGED = "align-changed", "Jira Align shows the change"
    JIRA_TITLE = "jira-title", "Jira shows the title"
    JIRA_STATUS = "jira-status", "Jira shows the status"
    WEBHOOK_BACK = "webhook-back", "The webhook announced it"


class HopState(models.TextChoices):
    PLANNED = "planned", "To come"
    WAITING = "waiting", "Waiting"
    CAME = "came", "Came"
    MISSING = "missing", "Did not come"
    IMPOSSIBLE = "impossible", "Cannot be tried"
    NOT_REGISTERED = "unregistered", "No webhook"
    SKIPPED = "skipped", "Not tried"


class TripHop(models.Model):
    """One thing that has to be seen. `leg`: 1 from Jira to Align, 2 back. `since`: from when on it is waited for.

    `reason`: why it did not come, or cannot be tried, as far as what is known here tells.
    """

    trip = models.ForeignKey(RoundTrip, on_delete=models.CASCADE, related_name="hops")
    position = models.PositiveSmallIntegerField()
    leg = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=13, choices=HopCode)
    state = models.CharField(max_length=12, choices=HopState, default=HopState.PLANNED)
    since = models.DateTimeField(null=True, blank=True)
    came_at = models.DateTimeField(null=True, blank=True)
    is_late = models.BooleanField(default=False)  # it took longer than usual, or still does
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["trip", "position"]
        constraints = [models.UniqueConstraint(fields=["trip", "position"], name="one_trip_hop_per_place")]

    def __str__(self) -> str:
        return self.code

    @property
    def seconds(self) -> float | None:
        """From the write to when it was seen."""
        if self.since is None or self.came_at is None:
            return None
        return (self.came_at - self.since).total_seconds()

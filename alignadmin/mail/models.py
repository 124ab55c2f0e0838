"""The outbox: every e-mail of the product, from its act until 30 days after it has gone."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.db import models
from django.db.models import Q

WAITING = Q(sent_at=None, failed_at=None)


class OutgoingMail(models.Model):
    """Rendered when it is queued. What it says is erased when it has gone, or is not sent any more."""

    uuid = models.UUIDField(unique=True, default=uuid4)
    kind = models.CharField(max_length=40)
    about = models.CharField(max_length=80, blank=True)  # by which a page finds it: "person 12"
    stream = models.CharField(max_length=80, blank=True)  # one after the other, in their order; empty: in none
    recipients = models.JSONField()  # [{"name": ..., "address": ...}]: one message goes to all of them
    subject = models.CharField(max_length=500)
    body = models.TextField(blank=True)  # sealed, where a link in it lets somebody in
    is_sealed = models.BooleanField(default=False)
    attachment = models.BinaryField(null=True)
    attachment_name = models.CharField(max_length=200, blank=True)
    attachment_type = models.CharField(max_length=100, blank=True)
    message_id = models.CharField(max_length=300)  # the same for each try, so that mail programs show one
    facts = models.JSONField(default=dict)  # for whoever is told that it has gone
    queued_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()  # from then on it is not sent any more
    next_try_at = models.DateTimeField()
    claim = models.UUIDField(null=True, blank=True)  # of the try that holds it, until `claimed_until`
    claimed_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    is_withdrawn = models.BooleanField(default=False)  # not sent because nobody needs it any more

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at"], condition=WAITING, name="mail_waiting"),
            models.Index(fields=["stream", "id"], condition=WAITING, name="mail_streams"),
            models.Index(fields=["about", "-id"], name="mail_about"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(sent_at=None) | Q(failed_at=None), name="mail_ends_once"),
            models.CheckConstraint(
                condition=WAITING | Q(body="", subject="", attachment=None), name="mail_keeps_no_text_that_has_gone"
            ),
        ]

    @property
    def addresses(self) -> list[str]:
        return [each["address"] for each in self.recipients]

    @property
    def is_waiting(self) -> bool:
        return self.sent_at is None and self.failed_at is None

    @property
    def finished_at(self) -> datetime | None:
        return self.sent_at or self.failed_at

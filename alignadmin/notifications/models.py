"""What people were told, and how each of them wants to be told of what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class ByMail(models.TextChoices):
    AT_ONCE = "now", "at once"
    DIGEST = "digest", "once a day, together"
    NEVER = "never", "not at all"


class Notification(models.Model):
    """One thing that one person was told; kept for 90 days."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)  # key of a NotificationKind
    about = models.CharField(max_length=80)  # the thing it tells of, by which it is told once: "plan 12 ask 3"
    text = models.TextField()  # its first line says what happened; more may follow
    address = models.CharField(max_length=500)  # in the product, without its host: "/plans/12/"
    made_at = models.DateTimeField(db_index=True)
    read_at = models.DateTimeField(null=True, blank=True)
    is_shown = models.BooleanField(default=True)  # in the product; else it only waits for the digest
    waits_for_digest = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "about"], name="told_once"),
        ]
        indexes = [
            models.Index(fields=["kind", "about"], name="told_about"),
            models.Index(fields=["person", "-id"], name="told_to"),
            models.Index(fields=["person"], condition=Q(read_at=None, is_shown=True), name="told_unread"),
            models.Index(fields=["person"], condition=Q(waits_for_digest=True), name="told_in_digest"),
        ]

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def details(self) -> str:
        return self.text.partition("\n")[2]


class NotificationChoice(models.Model):
    """How a person wants to be told of one kind; without a row it is shown, and told by e-mail at once."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    is_shown = models.BooleanField()
    by_mail = models.CharField(max_length=6, choices=ByMail.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="one_choice_per_kind"),
        ]

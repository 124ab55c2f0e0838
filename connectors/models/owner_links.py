"""Links for owners of tokens who have no account here."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from connectors.models.connector import Connector, CredentialKind, System


class LinkOutcome(models.TextChoices):
    OPEN = "", "Open"
    USED = "used", "Used"
    WITHDRAWN = "withdrawn", "Withdrawn"
    WORN_OUT = "worn-out", "Tried too often"
    EXPIRED = "expired", "Expired"
    VOID = "void", "No longer good"  # its connector leads elsewhere, or its maker is no admin any more


class OwnerLink(models.Model):
    """One link for one secret. Only the hash of its token is kept: nobody can read it here, or send it again."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="owner_links")
    system = models.CharField(max_length=5, choices=System.choices)
    site = models.CharField(max_length=500)  # that the secret is for; the connector may lead elsewhere since
    kind = models.CharField(max_length=15, choices=CredentialKind.choices)
    user = models.CharField(max_length=320, blank=True)  # whose secret it has to be; empty: the owner enters it
    asked = models.CharField(max_length=80)  # who was asked, in the words of whoever made it
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256, in hexadecimal digits
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)  # for the first time
    tries = models.PositiveSmallIntegerField(default=0)  # that were refused
    outcome = models.CharField(max_length=9, choices=LinkOutcome.choices, blank=True, default=LinkOutcome.OPEN)
    used_in = models.CharField(max_length=43, blank=True)  # the mark of the browser that stored the secret

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "system"], condition=Q(outcome=""), name="one_open_owner_link")
        ]

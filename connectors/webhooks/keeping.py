"""What ends by the clock: bodies and former secrets, and the inbox itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alignadmin.due_work import due_work
from connectors.models import (
    DeliveryVerdict,
    InboxDelivery,
    MissedChange,
    RefusedDeliveries,
    Webhook,
    WebhookSecret,
    WebhookSecretKind,
)

BODIES_KEPT = timedelta(days=30)
ROWS_KEPT = timedelta(days=90)  # verdicts and counts, without bodies
AFTER_END = timedelta(days=30)
AT_ONCE = 500


@due_work
def erase_old() -> int:
    """A portion at a time: a month of a large site is a million rows. Nothing is written where nothing is old."""
    now = timezone.now()
    bodies = InboxDelivery.objects.filter(received_at__lt=now - BODIES_KEPT).exclude(sealed_body="")
    done = 0
    if keys := list(bodies.order_by("received_at").values_list("pk", flat=True)[:AT_ONCE]):
        done += InboxDelivery.objects.filter(pk__in=keys).update(sealed_body="")
    rows = InboxDelivery.objects.filter(received_at__lt=now - ROWS_KEPT).exclude(verdict=DeliveryVerdict.TAKEN)
    if keys := list(rows.order_by("received_at").values_list("pk", flat=True)[:AT_ONCE]):
        done += InboxDelivery.objects.filter(pk__in=keys).delete()[0]
    return done + _erase_former(now) + _erase_counts(now) + _erase_ended(now)


def _erase_former(now: datetime) -> int:
    former = WebhookSecret.objects.filter(kind=WebhookSecretKind.FORMER, valid_until__lte=now)
    return former.delete()[0] if former.exists() else 0


def _erase_counts(now: datetime) -> int:
    counts = RefusedDeliveries.objects.filter(hour__lt=now - ROWS_KEPT)
    missed = MissedChange.objects.filter(found_at__lt=now - ROWS_KEPT)
    return sum(rows.delete()[0] for rows in (counts, missed) if rows.exists())


def _erase_ended(now: datetime) -> int:
    """A webhook that was removed, once its inbox is empty. One that still has to be deleted in Jira stays."""
    ended = Webhook.objects.filter(ended_at__lt=now - AFTER_END, jira_id=None).values_list("pk", flat=True)[:10]
    done = 0
    for pk in list(ended):
        rows = InboxDelivery.objects.filter(webhook=pk).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        done += InboxDelivery.objects.filter(pk__in=keys).delete()[0] if keys else 0
        if len(keys) < AT_ONCE:
            with transaction.atomic():
                done += Webhook.objects.filter(pk=pk).delete()[0]
    return done

"""What one person was told: what they may still read, and how much of it is unread."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.notifications.kinds import kinds_of
from alignadmin.notifications.models import Notification

KEPT = timedelta(days=90)


def readable_by(person: Person) -> QuerySet[Notification]:
    """Of the last 90 days and of the kinds that they may know of now: none for who is deactivated."""
    keys = [each.key for each in kinds_of(person)]
    return Notification.objects.filter(person=person, kind__in=keys, made_at__gt=timezone.now() - KEPT)


def told(person: Person) -> QuerySet[Notification]:
    """As the product shows it, the newest first."""
    return readable_by(person).filter(is_shown=True).order_by("-id")


def unread(person: Person) -> QuerySet[Notification]:
    return told(person).filter(read_at=None)


def newest(person: Person) -> int:
    """Its number, 0 where there is none: what a page that is drawn now can show."""
    return told(person).values_list("pk", flat=True).first() or 0

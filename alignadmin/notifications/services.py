"""Marking as read, and forgetting what is old enough."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.models import Notification
from alignadmin.notifications.queries import KEPT, told


def mark_read(notification: Notification, *, actor: Person) -> None:
    told(actor).filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())


def mark_all_read(*, actor: Person, until: int | None = None) -> int:
    """`until`: the newest that the person has seen; what came since stays unread. Returns how many it were."""
    found = told(actor).filter(read_at=None).order_by()
    if until is not None:
        found = found.filter(pk__lte=until)
    return found.update(read_at=timezone.now())


def mark_done(kind: NotificationKind, abouts: Iterable[str]) -> None:
    """Of everybody: there is nothing left to do about these, so they count as read and stand in no digest."""
    rows = Notification.objects.filter(kind=kind.key, about__in=list(abouts))
    rows.filter(read_at=None).update(read_at=timezone.now(), waits_for_digest=False)


@due_work
def remove_old() -> int:
    old = Notification.objects.filter(made_at__lte=timezone.now() - KEPT)
    # Asked first: a worker without work writes nothing.
    return old.delete()[0] if old.exists() else 0

"""Marking as read, and forgetting what is old enough."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit.entries import lock_head
from alignadmin.due_work import due_work
from alignadmin.mail import outbox
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.models import Notification
from alignadmin.notifications.queries import KEPT, told
from alignadmin.notifications.telling import MAIL


def mark_read(notification: Notification, *, actor: Person) -> None:
    told(actor).filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())


def mark_all_read(*, actor: Person, until: int) -> int:
    """`until`: the newest when the page was drawn; what came since stays unread. Returns how many it were."""
    return told(actor).filter(read_at=None, pk__lte=until).order_by().update(read_at=timezone.now())


def mark_done(kind: NotificationKind, abouts: Iterable[str]) -> None:
    """Of everybody: there is nothing left to do about these, so they count as read, and no e-mail goes out any more.

    In the transaction of an act. Some acts hold the head of the history by now and others take it later, so all take
    it before they touch these rows: two would wait for each other crosswise.
    """
    done = list(abouts)
    lock_head()
    rows = Notification.objects.filter(kind=kind.key, about__in=done)
    rows.filter(read_at=None).update(read_at=timezone.now(), waits_for_digest=False)
    for about in done:
        outbox.withdraw([MAIL], about, why="There is nothing left to do about it.")


@due_work
def remove_old() -> int:
    old = Notification.objects.filter(made_at__lte=timezone.now() - KEPT)
    # Asked first: a worker without work writes nothing.
    return old.delete()[0] if old.exists() else 0

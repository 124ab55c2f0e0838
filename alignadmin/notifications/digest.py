"""The daily e-mail of what a person did not want one by one: at the hour of the digest, and only where there is some.

`waits_for_digest` is the claim: the worker that takes it away queues the message in the same transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work, last_hour
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.models import Notification
from alignadmin.notifications.preferences import DIGEST_HOUR
from alignadmin.notifications.queries import readable_by
from alignadmin.notifications.telling import NOT_WANTED, wanted_by_reader
from alignadmin.text import counted

MAIL = "notification-digest"
MOST_LINES = 100  # in one message


@due_work
def queue_due() -> int:
    return queue_digests(timezone.now())


def queue_digests(now: datetime) -> int:
    """Of what was told before the last hour of the digest and is unread; returns how many people get one."""
    slot = last_hour(now, DIGEST_HOUR.value())
    waiting = Notification.objects.filter(waits_for_digest=True, made_at__lt=slot).order_by()
    people = list(waiting.values_list("person", flat=True).distinct())
    return sum(_queue_one(pk, slot) for pk in people)


def _queue_one(pk: int, slot: datetime) -> bool:
    """False when another worker has it, and where there is nothing that the person may still read."""
    with transaction.atomic():
        person = Person.objects.locked().get(pk=pk)
        waiting = Notification.objects.filter(person=person, waits_for_digest=True, made_at__lt=slot)
        ids = list(waiting.order_by("id").values_list("pk", flat=True))
        Notification.objects.filter(pk__in=ids).update(waits_for_digest=False)
        rows = list(readable_by(person).filter(pk__in=ids, read_at=None).order_by("id"))
        if rows:
            _queue(person, rows, slot)
    return bool(rows)


def _queue(person: Person, rows: list[Notification], slot: datetime) -> None:
    """Its name has the hour: on the day on which an admin puts the digest to a later one, two may be due."""
    context = {
        "person": person,
        "lines": [(row, row.made_at.astimezone(UTC), in_product(row.address)) for row in rows[:MOST_LINES]],
        "more": max(0, len(rows) - MOST_LINES),
        "page": in_product(reverse("notifications")),
    }
    to = [outbox.Recipient(name=str(person), address=person.email)]
    outbox.queue(
        MAIL,
        to,
        f"AlignAdmin: {counted(len(rows), 'notification')}",
        "alignadmin/notifications/digest.txt",
        context,
        about=f"person {person.pk}",
        name=f"told.{person.pk}.{slot:%Y%m%d%H}.{len(rows)}",
        facts={"person": person.pk, "kinds": sorted({row.kind for row in rows}), "rows": [row.pk for row in rows]},
    )


@sending.before_sending(MAIL)
def why_not_sent(mail: OutgoingMail) -> str:
    """It may have waited while its reader was deactivated, turned off a kind in it, or lost the right to one."""
    return "" if wanted_by_reader(mail).issuperset(mail.facts["kinds"]) else NOT_WANTED


@sending.on_finished(MAIL)
def keep_the_rest(mail: OutgoingMail) -> None:
    """What is still wanted of one that was not sent for the sake of another kind waits for the next one, made anew."""
    if not mail.is_withdrawn:
        return
    wanted = wanted_by_reader(mail)
    rest = Notification.objects.filter(pk__in=mail.facts["rows"], kind__in=wanted, read_at=None)
    rest.update(waits_for_digest=True)

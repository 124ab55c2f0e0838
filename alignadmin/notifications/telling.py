"""Telling people: a row that the product shows, and an e-mail at once or a place in the digest, as each chose.

It happens in the transaction of the act it tells of: what is undone tells nobody. One thing is told once to one person,
by the unique `about`, whoever tells it at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import may
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.choices import Choice, choices_of, wanted_by_mail
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.models import ByMail, Notification
from alignadmin.text import one_line

MAIL = "notification"
NOT_WANTED = "It is not wanted any more: its reader turned this kind off, or may not read it now."


@dataclass(frozen=True, kw_only=True)
class News:
    """`title` says what happened, who did it and where, `details` what to do; `address` is in the product."""

    kind: NotificationKind
    about: str
    title: str
    details: str = ""
    address: str

    @property
    def text(self) -> str:
        return f"{one_line(self.title)}\n{self.details.strip()}".strip()


def tell(news: News, people: Iterable[Person], *, sends_mail: bool = True) -> list[Person]:
    """In the caller's transaction; returns who was told by it. Nobody who is not here any more, or may not read it.

    `sends_mail`: an e-mail at once is this function's; without it the caller has a road of its own for that.
    """
    found = {each.pk: each for each in people if may(each, news.kind.right)}
    chosen = choices_of(found.values(), [news.kind])
    told = []
    for person in found.values():
        choice = chosen[person.pk, news.kind.key]
        if not _store(news, person, choice):
            continue
        if sends_mail and choice.by_mail == ByMail.AT_ONCE:
            _queue(news, person)
        told.append(person)
    return told


def _store(news: News, person: Person, choice: Choice) -> bool:
    """False where this was told before, and for who turned it off altogether."""
    if not choice.is_shown and choice.by_mail == ByMail.NEVER:
        return False
    row = Notification(
        person=person,
        kind=news.kind.key,
        about=news.about,
        text=news.text,
        address=news.address,
        made_at=timezone.now(),
        is_shown=choice.is_shown,
        waits_for_digest=choice.by_mail == ByMail.DIGEST,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _queue(news: News, person: Person) -> None:
    context = {
        "person": person,
        "title": one_line(news.title),
        "details": news.details.strip(),
        "link": in_product(news.address),
        "kind": news.kind.label,
        "choices": in_product(reverse("notifications")),
    }
    to = [outbox.Recipient(name=str(person), address=person.email)]
    outbox.queue(
        MAIL,
        to,
        news.title,
        "alignadmin/notifications/one.txt",
        context,
        about=news.about,
        facts=facts_for(person, news.kind),
    )


def facts_for(person: Person, kind: NotificationKind) -> dict[str, object]:
    """Of an e-mail to one person, for `why_not_sent`."""
    return {"person": person.pk, "kind": kind.key}


@sending.before_sending(MAIL)
def why_not_sent(mail: OutgoingMail) -> str:
    """It may have waited for a mail server while its reader was deactivated, lost the right, or turned it off.

    For rooms that queue e-mails of their own, too, with `facts_for`.
    """
    return "" if mail.facts["kind"] in wanted_by_reader(mail) else NOT_WANTED


def wanted_by_reader(mail: OutgoingMail) -> set[str]:
    """Keys of the kinds that the reader of an e-mail to one person may still get by e-mail."""
    person = Person.objects.filter(pk=mail.facts["person"]).first()
    return wanted_by_mail(person) if person else set()

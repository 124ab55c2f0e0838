"""Queueing an e-mail, and what has become of it.

It is rendered and stored in the transaction of the act it tells of: what is undone sends nothing, and what is done is
sent even if every process dies in that moment. The worker sends it (alignadmin/mail/sending.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from alignadmin import sealing
from alignadmin.due_work import wake
from alignadmin.mail.models import WAITING, OutgoingMail
from alignadmin.mail.sealed_bodies import body_bound_to
from alignadmin.text import one_line

log = logging.getLogger(__name__)

NO_SERVER = "no mail server is set"
DAY = timedelta(days=1)
LONGEST_SUBJECT = 500


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody with an address; the mail room knows no people."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    type: str  # "application/zip"
    content: bytes


def has_mail() -> bool:
    return bool(settings.EMAIL_URL)


def addresses(found: list[str]) -> list[str]:
    """Each once, without those that no mail server would take: they would hold up everybody's."""
    unique = {each.strip().lower(): each.strip() for each in found}
    return [each for each in unique.values() if _is_address(each)]


def unnamed(found: Iterable[str]) -> list[Recipient]:
    """Recipients of whom nothing but the address is known."""
    return [Recipient(name="", address=each) for each in found]


def in_product(address: str) -> str:
    """As a link in an e-mail."""
    return f"{settings.PUBLIC_ADDRESS.rstrip('/')}{address}"


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        log.warning("%s is no e-mail address: nothing is sent there", one_line(text)[:100])
        return False
    return True


# --- queueing ---------------------------------------------------------------------------------------------------------


def queue(
    kind: str,
    to: Sequence[Recipient],
    subject: str,
    template: str,
    context: Mapping[str, Any],
    *,
    about: str = "",
    stream: str = "",
    name: str = "",
    lasts: timedelta = DAY,
    has_secret_link: bool = False,
    attachment: Attachment | None = None,
    facts: Mapping[str, Any] | None = None,
) -> OutgoingMail | None:
    """One message to all of `to`, in the current transaction; None without a mail server.

    `name` is its part of the Message-ID, for what may be queued twice after a crash; `lasts` is how long it is worth
    sending; `has_secret_link` seals the text while it waits; `facts` are for whoever is told that it has gone.
    """
    if not has_mail():
        return None
    now, uuid = timezone.now(), uuid4()
    host = urlsplit(settings.PUBLIC_ADDRESS).hostname or "localhost"
    mail = OutgoingMail(
        uuid=uuid,
        kind=kind,
        about=about,
        stream=stream,
        recipients=[{"name": each.name, "address": each.address} for each in to],
        subject=one_line(subject)[:LONGEST_SUBJECT],
        is_sealed=has_secret_link,
        message_id=f"<{name or f'{kind}.{uuid}'}@{host}>",
        facts=dict(facts or {}),
        queued_at=now,
        expires_at=now + lasts,
        next_try_at=now,
    )
    with timezone.override(UTC):  # whoever's request it is: others read it
        text = render_to_string(template, {"site": settings.PUBLIC_ADDRESS, **context})
    mail.body = sealing.seal(text, bound_to=body_bound_to(mail)) if has_secret_link else text
    if attachment:
        mail.attachment, mail.attachment_name = attachment.content, attachment.name
        mail.attachment_type = attachment.type
    with transaction.atomic():
        mail.save(force_insert=True)
        wake()
    return mail


def withdraw(kinds: Iterable[str], about: str, *, why: str = "Replaced by a newer one.") -> None:
    """Send no more what still waits, as its link is dead; one that is being sent right now may arrive."""
    waiting = OutgoingMail.objects.filter(WAITING, kind__in=list(kinds), about=about)
    waiting.update(failed_at=timezone.now(), error=why, is_withdrawn=True, **ERASED)


ERASED: dict[str, Any] = {
    "subject": "",
    "body": "",
    "attachment": None,
    "facts": {},
    "claim": None,
    "claimed_until": None,
}


# --- what has become of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class MailState:
    """For a page: how the last e-mail about something fares."""

    uuid: str
    to: str
    label: str  # "queued"
    style: str  # of its tag
    at: datetime
    queued_at: datetime
    error: str
    is_waiting: bool
    is_sent: bool

    @property
    def has_failed(self) -> bool:
        return not (self.is_waiting or self.is_sent)


def last(kinds: Sequence[str], about: str) -> MailState | None:
    """None when nothing was queued in the last 30 days."""
    return next(iter(states(kinds, about, most=1)), None)


def states(kinds: Sequence[str], about: str, *, most: int = 100) -> list[MailState]:
    """Of all e-mails about something in the last 30 days, the newest first."""
    found = OutgoingMail.objects.filter(kind__in=kinds, about=about).order_by("-id")
    return [state_of(mail) for mail in found.defer("body", "attachment")[:most]]


def count_unsent(kind: str, abouts: Sequence[str]) -> int:
    """Of how many of these the last e-mail was tried, and no mail server took it."""
    return sum(bool(state.error) and not state.is_sent for state in newest(kind, abouts).values())


def newest(kind: str, abouts: Sequence[str]) -> dict[str, MailState]:
    """How the last e-mail about each of these fares; nothing about those of whom none was queued in 30 days."""
    found = OutgoingMail.objects.filter(kind=kind, about__in=abouts).order_by("id")
    return {mail.about: state_of(mail) for mail in found.defer("body", "attachment")}


def state_of(mail: OutgoingMail) -> MailState:
    if mail.sent_at:
        label, style = "sent", "ok"
    elif mail.failed_at:
        label, style = "not sent", "bad"
    else:
        label, style = "queued", "warn" if mail.error else ""
    at = mail.finished_at or mail.queued_at
    return MailState(
        uuid=str(mail.uuid),
        to=", ".join(mail.addresses),
        label=label,
        style=style,
        at=at,
        queued_at=mail.queued_at,
        error=mail.error,
        is_waiting=mail.is_waiting,
        is_sent=mail.sent_at is not None,
    )

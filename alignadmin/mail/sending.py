"""The one sender of e-mail: takes what is due from the outbox, and tries again what no mail server took.

A row is claimed by a conditional update and sent outside every transaction. A worker that is killed leaves its claim
behind; when that has run out, another one sends the message with the same Message-ID. So none is lost, and one arrives
twice only where the mail server had taken it and the worker died before it could note that.
"""

from __future__ import annotations

import logging
import smtplib
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from alignadmin import sealing
from alignadmin.due_work import due_work
from alignadmin.errors import SealError
from alignadmin.mail.models import WAITING, OutgoingMail
from alignadmin.mail.outbox import ERASED, NO_SERVER, has_mail
from alignadmin.mail.sealed_bodies import body_bound_to
from alignadmin.text import one_line

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=5)  # longer than a message takes: EMAIL_TIMEOUT counts for each answer of the mail server
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 10, 30, 60)]  # the last one from then on
KEPT = timedelta(days=30)
AT_ONCE = 50  # before other work has its turn
LONGEST_ERROR = 500

Listener = Callable[[OutgoingMail], None]
_listeners: dict[str, Listener] = {}
Check = Callable[[OutgoingMail], str]
_checks: dict[str, Check] = {}


def on_finished(kind: str) -> Callable[[Listener], Listener]:
    """Register what happens once a message of this kind was sent, or is not sent any more.

    It runs in the transaction that notes it, on the row with `facts`; an entry of the history belongs there.
    """

    def register(listener: Listener) -> Listener:
        _listeners[kind] = listener
        return listener

    return register


def before_sending(kind: str) -> Callable[[Check], Check]:
    """Register who says why a message of this kind is not sent after all, having waited; empty: it is sent."""

    def register(check: Check) -> Check:
        _checks[kind] = check
        return check

    return register


@due_work
def send_due() -> int:
    """Send what is due, until the mail server fails, and forget what is old enough. Returns how much it was."""
    done = _expire()
    for _ in range(AT_ONCE):
        mail = _claim_next()
        if mail is None:
            break
        if not _send(mail):
            break
        done += 1
    old = OutgoingMail.objects.exclude(WAITING).filter(queued_at__lte=timezone.now() - KEPT)
    if old.exists():  # else nothing is written: a worker without work is quiet
        old.delete()
    return done


def _due(now: datetime) -> QuerySet[OutgoingMail]:
    """The first of each stream, and all that stand in none."""
    before = OutgoingMail.objects.filter(WAITING, stream=OuterRef("stream"), id__lt=OuterRef("id"))
    due = OutgoingMail.objects.filter(_unclaimed(now), WAITING, next_try_at__lte=now, expires_at__gt=now)
    return due.exclude(~Q(stream="") & Exists(before)).order_by("id")


def _unclaimed(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _claim_next() -> OutgoingMail | None:
    """The next that no other worker was faster to take; None when nothing is due."""
    now = timezone.now()
    for pk in list(_due(now).values_list("pk", flat=True)[:AT_ONCE]):
        # The condition is asked again by the update: of two workers one has it.
        mine = OutgoingMail.objects.filter(_unclaimed(now), WAITING, pk=pk, next_try_at__lte=now)
        claim = uuid4()
        if mine.update(claim=claim, claimed_until=now + CLAIM, tries=F("tries") + 1):
            return OutgoingMail.objects.filter(pk=pk, claim=claim).first()
    return None


# --- one try ----------------------------------------------------------------------------------------------------------


def _send(mail: OutgoingMail) -> bool:
    """Whether the next may be tried: False when the mail server itself fails."""
    if (check := _checks.get(mail.kind)) and (why := check(mail)):
        return _finish(mail, failed=why, is_withdrawn=True)
    try:
        if not has_mail():
            raise ConnectionError(NO_SERVER)
        message_of(mail).send()
    except SealError as error:
        return _finish(mail, failed=str(error))
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= 500 for code, _ in error.recipients.values()):
            return _finish(mail, failed=reason(error))
        return _put_off(mail, error)
    except smtplib.SMTPDataError as error:
        return _put_off(mail, error)
    except (OSError, ValueError) as error:  # the errors of smtplib are a kind; ValueError: a sender that is no address
        _put_off(mail, error)
        # Nobody else's is taken now, either: they wait as long, instead of one more being tried at each tick.
        now = timezone.now()
        others = OutgoingMail.objects.filter(_unclaimed(now), WAITING, next_try_at__lte=now)
        others.update(next_try_at=now + _pause(mail), error=reason(error))
        return False
    return _finish(mail)


def message_of(mail: OutgoingMail) -> EmailMessage:
    text = sealing.unseal(mail.body, bound_to=body_bound_to(mail)) if mail.is_sealed else mail.body
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    message = EmailMessage(mail.subject, text, to=mail.addresses, headers=headers)
    if mail.attachment is not None:
        message.attach(mail.attachment_name, bytes(mail.attachment), mail.attachment_type)
    return message


def _finish(mail: OutgoingMail, failed: str = "", *, is_withdrawn: bool = False) -> bool:
    """Erase what it said, and tell whoever queued it; nothing where another worker has taken it over meanwhile."""
    now = timezone.now()
    ended: dict[str, Any] = {"failed_at": now, "error": failed[:LONGEST_ERROR]} if failed else {"sent_at": now}
    with transaction.atomic():
        mine = OutgoingMail.objects.filter(WAITING, pk=mail.pk, claim=mail.claim)
        if not mine.update(**ended, **ERASED, is_withdrawn=is_withdrawn):
            return True
        mail.sent_at, mail.failed_at, mail.error = ended.get("sent_at"), ended.get("failed_at"), failed
        mail.is_withdrawn = is_withdrawn
        if listener := _listeners.get(mail.kind):
            listener(mail)
    if failed:
        log.warning("E-mail %s (%s) is not sent any more: %s.", mail.pk, mail.kind, failed)
    return True


def _put_off(mail: OutgoingMail, error: Exception) -> bool:
    why = reason(error)
    mine = OutgoingMail.objects.filter(WAITING, pk=mail.pk, claim=mail.claim)
    mine.update(next_try_at=timezone.now() + _pause(mail), error=why, claim=None, claimed_until=None)
    # Neither the text nor what the server answered, which may repeat it.
    log.warning("E-mail %s (%s) was not sent: %s. It is tried again.", mail.pk, mail.kind, why)
    return True


def _pause(mail: OutgoingMail) -> timedelta:
    return PAUSES[min(mail.tries, len(PAUSES)) - 1]


def _expire() -> int:
    """What was not sent in its time is erased, with its link."""
    now = timezone.now()
    late = OutgoingMail.objects.filter(_unclaimed(now), WAITING, expires_at__lte=now).order_by("id")
    found = list(late.defer("body", "attachment")[:AT_ONCE])
    for mail in found:
        _finish(mail, failed=mail.error or "it was not sent in time")
    return len(found)


def reason(error: Exception) -> str:
    """Why it was not sent, in words for people."""
    if str(error) == NO_SERVER:
        return NO_SERVER
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server refused the user and password of EMAIL_URL"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refused the address"
    if isinstance(error, smtplib.SMTPException):
        return f"the mail server refused it ({type(error).__name__})"
    if isinstance(error, TimeoutError):
        return f"the mail server did not answer within {settings.EMAIL_TIMEOUT} s"
    if isinstance(error, socket.gaierror):
        return "the name of the mail server is not known"
    if isinstance(error, ValueError):
        return f"it cannot be sent as it is: {one_line(str(error))[:200]}"
    return f"the mail server cannot be reached ({type(error).__name__})"

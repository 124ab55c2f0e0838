"""Telling people that a credential ends soon: by e-mail, each threshold once, and on the overview until it is done.

A row of Reminder is the claim and the proof: inserted by one worker, sent outside any transaction, `sent_at` set after.
One message goes to all recipients, so that a mail server takes it once or not at all, and each sees who else was told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, SmallIntegerField, Value, When
from django.template.loader import render_to_string
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail.outbox import addresses
from alignadmin.text import one_line
from connectors.credentials import expiry
from connectors.models import Credential, Reminder, Stage
from connectors.ports.audited import context_of

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=10)  # after which an unsent reminder is taken up again
SENDING = timedelta(minutes=1)  # before an unsent reminder is told on pages as one that could not be sent
MOST_DAYS = 3650


@dataclass(frozen=True, kw_only=True)
class ReminderClaim:
    """One reminder that this worker may send until `at` + CLAIM."""

    reminder: Reminder
    credential: Credential
    at: datetime


# --- what is due ------------------------------------------------------------------------------------------------------


def thresholds() -> list[int]:
    """Days before the end, the nearest first; 0 is the one reminder that the end has come."""
    return sorted({0, *(days for days in settings.REMINDER_DAYS if 0 < days <= MOST_DAYS)})


def _reached(today: date) -> QuerySet[Credential]:
    """Credentials with a threshold behind them; `nearest` is the last one passed, so those before it stay unsent."""
    passed = [When(expires_on__lte=today + timedelta(days=days), then=Value(days)) for days in thresholds()]
    current = Credential.objects.filter(stage=Stage.CURRENT, connector__is_active=True)
    nearest = Case(*passed, default=None, output_field=SmallIntegerField(null=True))
    return current.annotate(nearest=nearest).filter(nearest__isnull=False)


def _rows() -> QuerySet[Reminder]:
    """Of the credential's nearest threshold: another credential or another date has others."""
    return Reminder.objects.filter(
        credential_uuid=OuterRef("uuid"), expires_on=OuterRef("expires_on"), days=OuterRef("nearest")
    )


def _due(now: datetime, today: date) -> QuerySet[Credential]:
    settled = _rows().filter(Q(sent_at__isnull=False) | Q(claimed_at__gt=now - CLAIM))
    people = ("connector", "owner", "backup_owner")
    return _reached(today).exclude(Exists(settled)).select_related(*people).defer("sealed").order_by("expires_on")


def unsent() -> int:
    """How many reminders could not be sent yet."""
    failed = _rows().filter(sent_at=None, claimed_at__lte=timezone.now() - SENDING)
    return _reached(expiry.operators_today()).filter(Exists(failed)).count()


# --- sending ----------------------------------------------------------------------------------------------------------


@due_work
def send_due() -> int:
    """Send what is due, until the mail server fails: what is left is due at the next look."""
    sent = 0
    today = expiry.operators_today()
    for credential in _due(timezone.now(), today):
        claim = _claim(credential)
        if claim is None:
            continue
        if not _send(claim, today):
            break
        sent += 1
    return sent


def _claim(credential: Credential) -> ReminderClaim | None:
    """None when another worker has it."""
    now = timezone.now()
    reminder, is_new = Reminder.objects.get_or_create(
        credential_uuid=credential.uuid,
        expires_on=credential.expires_on,  # type: ignore[misc]  # `_reached` has none without a date
        days=credential.nearest,  # type: ignore[attr-defined]
        defaults={"claimed_at": now},
    )
    if not is_new:
        abandoned = Reminder.objects.filter(pk=reminder.pk, sent_at=None, claimed_at__lte=now - CLAIM)
        if not abandoned.update(claimed_at=now):
            return None
    return ReminderClaim(reminder=reminder, credential=credential, at=now)


def _send(claim: ReminderClaim, today: date) -> bool:
    told = recipients(claim.credential) if settings.EMAIL_URL else []
    if told:
        try:
            message(claim, told, today).send()
        except (SMTPException, OSError, ValueError) as error:  # ValueError: a sender that is no address
            _failed(claim, error)
            return False
    _note(claim, told, today)
    return True


def _failed(claim: ReminderClaim, error: Exception) -> None:
    """Pages tell it at once, and it is tried again when the claim has run out."""
    Reminder.objects.filter(pk=claim.reminder.pk, claimed_at=claim.at).update(claimed_at=claim.at - SENDING)
    name = one_line(claim.credential.connector.name)
    log.warning("A reminder for %s could not be sent: %s: %s", name, type(error).__name__, one_line(str(error))[:300])


def _note(claim: ReminderClaim, told: list[str], today: date) -> None:
    credential = claim.credential
    if told:
        how = f"told {', '.join(told)}"
    else:
        how = "shown on the overview only, " + (
            "nobody has an address" if settings.EMAIL_URL else "no e-mail is set up"
        )
    with transaction.atomic():
        mine = Reminder.objects.filter(pk=claim.reminder.pk, claimed_at=claim.at, sent_at=None)
        if not mine.update(sent_at=timezone.now()):
            return
        trail.record(
            AuditRecord(
                action="credential.reminded",
                actor=None,
                context=context_of(credential.connector),
                subject=f"credential {credential.uuid}",
                sentence=f"{sentence(credential, today)}: {how}.",
                data={
                    "system": credential.system,
                    "expires_on": str(credential.expires_on),
                    "days": claim.reminder.days,
                    "told": told,
                },
            )
        )


# --- the message ------------------------------------------------------------------------------------------------------


def recipients(credential: Credential) -> list[str]:
    """The group of the settings with owner and back-up owner; when that is nobody, every active admin."""
    owners = [each.email for each in (credential.owner, credential.backup_owner) if each and each.is_active]
    return addresses([*settings.REMINDER_RECIPIENTS, *owners]) or addresses(
        list(Person.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").values_list("email", flat=True))
    )


def message(claim: ReminderClaim, told: list[str], today: date) -> EmailMessage:
    credential, reminder = claim.credential, claim.reminder
    context = {
        "sentence": sentence(credential, today),
        "connector": one_line(credential.connector.name),
        "system": credential.get_system_display(),
        "kind": credential.get_kind_display(),
        "expires_on": credential.expires_on,
        "owner": _person(credential.owner),
        "backup_owner": _person(credential.backup_owner),
        "has_passed": expiry.deadline(credential, today=today).has_passed,
        "link": settings.PUBLIC_ADDRESS.rstrip("/") + expiry.address_of(credential),
    }
    # The same for a second try after a crash, so that mail programs show one.
    name = f"{reminder.credential_uuid}.{reminder.expires_on}.{reminder.days}"
    host = urlsplit(settings.PUBLIC_ADDRESS).hostname or "localhost"
    headers = {"Message-ID": f"<reminder.{name}@{host}>", "Auto-Submitted": "auto-generated"}
    text = render_to_string("connectors/credentials/reminder.txt", context)
    return EmailMessage(context["sentence"], text, to=told, headers=headers)


def _person(person: Person | None) -> str:
    if person is None:
        return "nobody"
    return one_line(str(person)) + ("" if person.is_active else " (deactivated)")


def sentence(credential: Credential, today: date | None = None) -> str:
    """ "Jira credential of Acme expires in 12 days"."""
    words = expiry.deadline(credential, today=today).words
    return f"{credential.get_system_display()} credential of {one_line(credential.connector.name)} {words}"

"""Telling people that a credential ends soon: by e-mail, each threshold once, and on the overview until it is done.

A row of Reminder is the claim and the proof: inserted by one worker together with the queued e-mail, `sent_at` set when
a mail server has taken it. One message goes to all recipients, so that each sees who else was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, SmallIntegerField, Value, When
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import addresses, in_product
from alignadmin.notifications.choices import wanting_mail_at_once
from alignadmin.notifications.kinds import FixedMail, NotificationKind
from alignadmin.notifications.telling import News, tell
from alignadmin.text import one_line
from connectors.credentials import expiry
from connectors.credentials.preferences import REMINDER_DAYS, REMINDER_RECIPIENTS
from connectors.models import Connector, Credential, Reminder, Stage
from connectors.ports.audited import context_of

REMINDER = "credential-reminder"
AGAIN = timedelta(days=1)  # after which an unsent reminder is queued anew, with the days that are left by then
MOST_DAYS = 3650
OTHERS_BY_NOW = "Somebody who would have got it is not to get it any more: it is made anew for whoever is left."
ENDS = NotificationKind(
    key=REMINDER,
    label="A credential of yours ends",
    explanation="You own it or are its back-up owner, or you are an admin and it has none. Also on the overview.",
    right=Right.CONFIGURE,
)
TO_GROUP = FixedMail(
    label="Credentials that end, to the group",
    why=(
        "Goes to a list of addresses that is set for the whole installation, "
        f'under Settings, "{REMINDER_RECIPIENTS.label}".'
    ),
    right=Right.CONFIGURE,
    addresses=REMINDER_RECIPIENTS.value,
)


# --- what is due ------------------------------------------------------------------------------------------------------


def thresholds() -> list[int]:
    """Days before the end, the nearest first; 0 is the one reminder that the end has come."""
    return sorted({0, *(days for days in REMINDER_DAYS.value() if 0 < days <= MOST_DAYS)})


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
    handled = _rows().filter(Q(sent_at__isnull=False) | Q(claimed_at__gt=now - AGAIN))
    people = ("connector", "owner", "backup_owner")
    return _reached(today).exclude(Exists(handled)).select_related(*people).defer("sealed").order_by("expires_on")


def unsent() -> int:
    """How many reminders could not be sent yet."""
    waiting = _reached(expiry.operators_today()).filter(Exists(_rows().filter(sent_at=None)))
    found = [_about(uuid) for uuid in waiting.values_list("uuid", flat=True)]
    return outbox.count_unsent(REMINDER, found) if found else 0


def _about(uuid: UUID) -> str:
    return f"credential {uuid}"


# --- queueing ---------------------------------------------------------------------------------------------------------


@due_work
def queue_due() -> int:
    today = expiry.operators_today()
    return sum(_queue_one(credential, today) for credential in _due(timezone.now(), today))


def _queue_one(credential: Credential, today: date) -> bool:
    """False when another worker has it."""
    with transaction.atomic():
        reminder = _claim(credential)
        if reminder is None:
            return False
        told = _tell(credential, reminder, today)
        addresses = recipients(credential) if outbox.has_mail() else []
        facts = {
            "reminder": reminder.pk,
            "connector": credential.connector_id,
            "credential": str(credential.uuid),
            "system": credential.system,
            "expires_on": str(credential.expires_on),
            "days": reminder.days,
        }
        if addresses:
            _queue(credential, reminder, addresses, today, facts)
        else:
            why = "nobody wants an e-mail of it at once" if outbox.has_mail() else "no e-mail is set up"
            shown = f"on the overview and told {_names(told)} under Notifications" if told else "on the overview only"
            _record_reminder(facts, f"{sentence(credential, today)}: shown {shown}, {why}.", [])
    return True


def _claim(credential: Credential) -> Reminder | None:
    now = timezone.now()
    reminder, is_new = Reminder.objects.get_or_create(
        credential_uuid=credential.uuid,
        expires_on=credential.expires_on,  # type: ignore[misc]  # `_reached` has none without a date
        days=credential.nearest,  # type: ignore[attr-defined]
        defaults={"claimed_at": now},
    )
    if not is_new:
        unsent = Reminder.objects.filter(pk=reminder.pk, sent_at=None, claimed_at__lte=now - AGAIN)
        if not unsent.update(claimed_at=now):
            return None
    return reminder


def _queue(
    credential: Credential, reminder: Reminder, addresses: list[str], today: date, facts: Mapping[str, Any]
) -> None:
    """In the place of an earlier one that still waits: its days are over."""
    about = _about(credential.uuid)
    said = sentence(credential, today)
    context = {
        "sentence": said,
        "connector": one_line(credential.connector.name),
        "system": credential.get_system_display(),
        "kind": credential.get_kind_display(),
        "expires_on": credential.expires_on,
        "owner": _person(credential.owner),
        "backup_owner": _person(credential.backup_owner),
        "has_passed": expiry.deadline(credential, today=today).has_passed,
        "link": in_product(expiry.address_of(credential)),
        "choices": in_product(reverse("notifications")),
    }
    outbox.withdraw([REMINDER], about)
    outbox.queue(
        REMINDER,
        outbox.unnamed(addresses),
        said,
        "connectors/credentials/reminder.txt",
        context,
        about=about,
        name=f"reminder.{reminder.credential_uuid}.{reminder.expires_on}.{reminder.days}",
        lasts=AGAIN,
        facts=facts,
    )


@sending.before_sending(REMINDER)
def why_not_sent(mail: OutgoingMail) -> str:
    """It may have waited while one of its readers was deactivated, lost the right, or turned it off."""
    found = Credential.objects.select_related("connector", "owner", "backup_owner").defer("sealed")
    credential = found.filter(uuid=mail.facts["credential"]).first()
    left = {each.lower() for each in recipients(credential)} if credential else set()
    return "" if left.issuperset(each.lower() for each in mail.addresses) else OTHERS_BY_NOW


@sending.on_finished(REMINDER)
def record_sent(mail: OutgoingMail) -> None:
    """What no mail server took stays unsent, and is queued anew after a day; at once where only its readers changed."""
    if mail.is_withdrawn:
        Reminder.objects.filter(pk=mail.facts["reminder"], sent_at=None).update(claimed_at=mail.queued_at - AGAIN)
    if mail.sent_at:
        _record_reminder(mail.facts, f"{mail.subject}: told {', '.join(mail.addresses)}.", mail.addresses)


def _record_reminder(facts: Mapping[str, Any], said: str, addresses: list[str]) -> None:
    """In the transaction of the sending; the entry names who was told."""
    Reminder.objects.filter(pk=facts["reminder"]).update(sent_at=timezone.now())
    connector = Connector.objects.filter(pk=facts["connector"]).first()
    if connector is None:  # deleted since
        return
    trail.record(
        AuditRecord(
            action="credential.reminded",
            actor=None,
            context=context_of(connector),
            subject=f"credential {facts['credential']}",
            sentence=said,
            data={
                "system": facts["system"],
                "expires_on": facts["expires_on"],
                "days": facts["days"],
                "told": addresses,
            },
        )
    )


# --- the message ------------------------------------------------------------------------------------------------------


def recipients(credential: Credential) -> list[str]:
    """The group of the settings with owner and back-up owner; when that is nobody, every active admin.

    Without those who do not want these e-mails at once, whom nobody replaces: they are told in the product. The group
    is a list of addresses and always stays.
    """
    group = addresses(REMINDER_RECIPIENTS.value())
    people = _owners(credential) or ([] if group else _admins())
    return addresses([*group, *(each.email for each in wanting_mail_at_once(people, ENDS))])


def _owners(credential: Credential) -> list[Person]:
    """Those of them who can replace it."""
    return [each for each in (credential.owner, credential.backup_owner) if each and may(each, ENDS.right)]


def _admins() -> list[Person]:
    return list(Person.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk"))


def _tell(credential: Credential, reminder: Reminder, today: date) -> list[Person]:
    """Its owners in the product, or all admins where it has none; returns who was told.

    The e-mail of all recipients is one of its own.
    """
    news = News(
        kind=ENDS,
        about=f"credential {credential.uuid} {reminder.expires_on} {reminder.days}",
        title=sentence(credential, today),
        details="Replace it on its page before then: without it nothing is read, and plans are not applied.",
        address=expiry.address_of(credential),
    )
    return tell(news, _owners(credential) or _admins(), sends_mail=False)


def _names(people: list[Person]) -> str:
    return ", ".join(one_line(str(each)) for each in people)


def _person(person: Person | None) -> str:
    if person is None:
        return "nobody"
    return one_line(str(person)) + ("" if person.is_active else " (deactivated)")


def sentence(credential: Credential, today: date | None = None) -> str:
    """ "Jira credential of Acme expires in 12 days"."""
    words = expiry.deadline(credential, today=today).words
    return f"{credential.get_system_display()} credential of {one_line(credential.connector.name)} {words}"

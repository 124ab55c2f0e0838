"""Sending scheduled packs: attached where a mail server takes it, else as a link to the page with it.

A worker puts a pack's `send_at` ahead, sends outside any transaction and takes it away after, so a failure is
followed by another try.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail.outbox import addresses
from alignadmin.text import one_line
from connectors.history.packs import schedules
from connectors.models import Pack

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=10)
LARGEST = 5 * 1024 * 1024  # of an attachment; many mail servers take 10 MB, and an attachment grows by a third
NO_MAIL = "It could not be sent: EMAIL_URL is not set."


@due_work
def send_due() -> int:
    """Send what is due, until the mail server fails: what is left is due at the next look."""
    waiting = Pack.objects.filter(send_at__lte=timezone.now()).order_by("id")
    done = 0
    for pack in waiting.select_related("schedule")[:50]:
        at = _claim(pack)
        if at and not _send(pack, at):
            break
        done += bool(at)
    return done


def _claim(pack: Pack) -> datetime | None:
    """None when another worker has it."""
    at = timezone.now() + AGAIN
    mine = Pack.objects.filter(pk=pack.pk, send_at=pack.send_at)
    return at if mine.update(send_at=at) else None


def _send(pack: Pack, at: datetime) -> bool:
    told = addresses(schedules.recipients_of(pack.schedule)) if pack.schedule else []
    if not told:  # the schedule was deleted meanwhile
        Pack.objects.filter(pk=pack.pk, send_at=at).update(send_at=None)
        return True
    try:
        if not settings.EMAIL_URL:
            raise OSError(NO_MAIL)
        sent = message(pack, told)
        sent.send()
    except (SMTPException, OSError, ValueError) as error:  # ValueError: a sender that is no address
        _failed(pack, at, error)
        return False
    _note(pack, at, told, attached=bool(sent.attachments))
    return True


def _failed(pack: Pack, at: datetime, error: Exception) -> None:
    why = NO_MAIL if str(error) == NO_MAIL else f"It could not be sent: {type(error).__name__}: {one_line(str(error))}"
    Pack.objects.filter(pk=pack.pk, send_at=at).update(mail_error=why[:1000])
    log.warning("Pack %s: %s", pack.pk, why[:300])


def _note(pack: Pack, at: datetime, told: list[str], *, attached: bool) -> None:
    how = "attached" if attached else "as a link"
    with transaction.atomic():
        if not Pack.objects.filter(pk=pack.pk, send_at=at).update(send_at=None, mail_error=""):
            return
        trail.record(
            AuditRecord(
                action="pack.sent",
                actor=None,
                subject=f"pack {pack.uuid}",
                sentence=f"The evidence pack was sent to {', '.join(told)}, {how}.",
                data={"pack": str(pack.uuid), "told": told, "attached": attached, "sha256": pack.sha256},
            )
        )


def message(pack: Pack, told: list[str]) -> EmailMessage:
    assert pack.schedule is not None  # noqa: S101  (only scheduled packs are sent)
    attached = pack.size <= LARGEST
    context = {
        "name": one_line(pack.schedule.name),
        "query": one_line(pack.query)[:300],
        "attached": attached,
        "sha256": pack.sha256,
        "link": settings.PUBLIC_ADDRESS.rstrip("/") + reverse("history-pack", args=[pack.uuid]),
    }
    # The same for a second try after a crash, so that mail programs show one.
    host = urlsplit(settings.PUBLIC_ADDRESS).hostname or "localhost"
    headers = {"Message-ID": f"<pack.{pack.uuid}@{host}>", "Auto-Submitted": "auto-generated"}
    text = render_to_string("connectors/history/packs/pack.txt", context)
    made = EmailMessage(f"Evidence pack: {one_line(pack.schedule.name)}", text, to=told, headers=headers)
    if attached:
        made.attach(file_name(pack), Path(pack.path).read_bytes(), "application/zip")
    return made


def file_name(pack: Pack) -> str:
    return f"alignadmin-pack-{pack.created_at:%Y%m%d}-{str(pack.uuid)[:8]}.zip"

"""The e-mail with a scheduled pack: attached where a mail server takes it, else as a link to the page with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.kinds import FixedMail
from alignadmin.text import one_line
from connectors.models import Pack, PackSchedule

PACK_MAIL = "evidence-pack"
LASTS = timedelta(days=7)  # as long as the pack of a week is the newest one
LARGEST = 5 * 1024 * 1024  # of an attachment; many mail servers take 10 MB, and an attachment grows by a third

SCHEDULED = FixedMail(
    label="Scheduled evidence packs",
    why="Each goes to the addresses that its schedule names, on the page of scheduled packs.",
    right=Right.HISTORY,
)


@dataclass(frozen=True, kw_only=True)
class PackMail:
    """How the e-mail with a pack fares; `trouble` says why no mail server has taken it."""

    is_waiting: bool
    trouble: str


def queue(pack: Pack) -> None:
    """In the transaction in which the pack was made; nothing where its schedule names nobody, or was deleted by now."""
    schedule = PackSchedule.objects.locked().filter(pk=pack.schedule_id or 0).first()
    addresses = outbox.addresses(recipients_of(schedule)) if schedule else []
    if schedule is None or not addresses:
        return
    attached = pack.size <= LARGEST
    name = one_line(schedule.name)
    outbox.queue(
        PACK_MAIL,
        outbox.unnamed(addresses),
        f"Evidence pack: {name}",
        "connectors/history/packs/pack.txt",
        {
            "name": name,
            "query": one_line(pack.query)[:300],
            "attached": attached,
            "sha256": pack.sha256,
            "link": in_product(reverse("history-pack", args=[pack.uuid])),
        },
        about=_about(pack),
        name=f"pack.{pack.uuid}",
        lasts=LASTS,
        attachment=_attachment(pack) if attached else None,
        facts={"pack": str(pack.uuid), "attached": attached, "sha256": pack.sha256},
    )


def _attachment(pack: Pack) -> outbox.Attachment:
    return outbox.Attachment(name=file_name(pack), type="application/zip", content=Path(pack.path).read_bytes())


@sending.on_finished(PACK_MAIL)
def record_sent(mail: OutgoingMail) -> None:
    """Who was given evidence is evidence, too."""
    if mail.sent_at is None:
        return
    how = "attached" if mail.facts["attached"] else "as a link"
    trail.record(
        AuditRecord(
            action="pack.sent",
            actor=None,
            subject=f"pack {mail.facts['pack']}",
            sentence=f"The evidence pack was sent to {', '.join(mail.addresses)}, {how}.",
            data={**mail.facts, "told": mail.addresses},
        )
    )


def withdraw(schedule: PackSchedule) -> None:
    """Send its packs no more, in the transaction that deletes it."""
    for pack in schedule.packs.filter(created_at__gt=timezone.now() - LASTS - sending.KEPT):
        outbox.withdraw([PACK_MAIL], _about(pack), why="Its schedule was deleted.")


def mail_of(packs: Iterable[Pack]) -> Mapping[int, PackMail]:
    """By the pack's key, for those that are made, name recipients, and are not older than what the outbox keeps."""
    made = [pack for pack in packs if pack.entry_seq and pack.schedule and recipients_of(pack.schedule)]
    recent = [pack for pack in made if pack.created_at > timezone.now() - sending.KEPT]
    states = outbox.newest(PACK_MAIL, [_about(pack) for pack in recent])
    return {pack.pk: _mail_of(states.get(_about(pack))) for pack in recent}


def _mail_of(state: outbox.MailState | None) -> PackMail:
    if state is None:
        why = "there was no mail server when it was made" if outbox.has_mail() else "EMAIL_URL is not set"
        return PackMail(is_waiting=False, trouble=f"It could not be sent: {why}.")
    if state.is_sent or not state.error:
        return PackMail(is_waiting=state.is_waiting, trouble="")
    tried = " It is tried again." if state.is_waiting else ""
    return PackMail(is_waiting=state.is_waiting, trouble=f"It could not be sent: {state.error.rstrip('.')}.{tried}")


def recipients_of(schedule: PackSchedule) -> list[str]:
    return schedule.recipients.split()


def file_name(pack: Pack) -> str:
    return f"alignadmin-pack-{pack.created_at:%Y%m%d}-{str(pack.uuid)[:8]}.zip"


def _about(pack: Pack) -> str:
    return f"pack {pack.uuid}"

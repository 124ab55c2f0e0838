"""The bodies of waiting e-mails whose links let somebody in, as sealed values."""

from __future__ import annotations

from alignadmin.mail.models import WAITING, OutgoingMail
from alignadmin.sealing import SealedColumn


def body_bound_to(mail: OutgoingMail) -> str:
    """A constant, whatever the table is called: values that are stored open by it."""
    return f"mail_outgoingmail|{mail.uuid}|body"


def _store(mail: OutgoingMail, sealed: str, _secret: str) -> bool:
    """Not where it has gone meanwhile: its body stays erased."""
    return bool(OutgoingMail.objects.filter(WAITING, pk=mail.pk).update(body=sealed))


WAITING_MAIL = SealedColumn(
    label="waiting e-mails",
    rows=lambda: OutgoingMail.objects.filter(WAITING, is_sealed=True).defer("attachment").order_by("pk"),
    value=lambda mail: mail.body,
    bound_to=body_bound_to,
    name=lambda mail: f"e-mail to {', '.join(mail.addresses)}",
    store=_store,
)

"""A delivery at the receiver: whose it is, whether it is Jira's, and its row. Nothing else is done while Jira waits."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from alignadmin.due_work import wake
from connectors.models import InboxDelivery, RefusalReason, Webhook, WebhookSecret, WebhookSecretKind
from connectors.webhooks import announcement, sealed
from connectors.webhooks.announcement import Announcement, NotReadable, host_of

LARGEST_BODY = 1024 * 1024  # bytes
LONGEST_IDENTIFIER = 100
SIGNED_BY = "sha256="
# A connector has sixty columns, and to read them all took a quarter of the time of a delivery.
NEEDED = ("uuid", "address_hash", "is_signed", "jira_base", "connector__jira_site")
GATEWAY = "api.atlassian.com"  # a way to a site of Cloud, which calls itself otherwise


class RefusedDelivery(Exception):
    """Nothing is stored of it but that there was one."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class ArrivedDelivery:
    """As it came in. `signature` and `identifier` are headers, empty where they are missing."""

    body: bytes
    signature: str
    identifier: str


def webhook_at(address: str) -> Webhook | None:
    """By the hash of the address, compared in constant time; None for one that nobody was given, or that has ended."""
    wanted = sealed.address_hash(address)
    rows = Webhook.objects.select_related("connector").only(*NEEDED).filter(address_hash=wanted, ended_at=None)
    found = next(iter(rows), None)
    if found is None or not hmac.compare_digest(found.address_hash, wanted):
        return None
    return found


def accept(webhook: Webhook, arrived: ArrivedDelivery) -> InboxDelivery:
    """Its row. Raises RefusedDelivery.

    Whether it is a duplicate is found where deliveries are worked off, by one worker in their order: two that come in
    at the same moment would both be the first here.
    """
    now = timezone.now()
    if webhook.is_signed and not _is_signed(webhook, arrived, now):
        raise RefusedDelivery(RefusalReason.SIGNATURE)
    try:
        said = announcement.read(arrived.body)
    except NotReadable as error:
        raise RefusedDelivery(RefusalReason.FORM) from error
    if not _is_of_site(webhook, said):
        raise RefusedDelivery(RefusalReason.SITE)
    body_hash = hashlib.sha256(arrived.body).hexdigest()
    made = InboxDelivery.objects.create(
        webhook=webhook,
        received_at=now,
        sent_at=said.sent_at,
        updated_at=said.updated_at,
        event=said.event,
        issue_id=said.issue_id,
        issue_key=said.issue_key,
        identifier=arrived.identifier if arrived.identifier.isprintable() else "",
        body_hash=body_hash,
        size=len(arrived.body),
        sealed_body=sealed.sealed_body(webhook, body_hash, arrived.body),
    )
    wake()
    return made


def _is_signed(webhook: Webhook, arrived: ArrivedDelivery, now: datetime) -> bool:
    """By one of the secrets that are good now. All are tried, so that the time taken says nothing of which."""
    given = arrived.signature.removeprefix(SIGNED_BY)
    has_form = arrived.signature.startswith(SIGNED_BY) and given.isascii()
    is_one = False
    for secret in WebhookSecret.objects.filter(webhook=webhook).exclude(kind=WebhookSecretKind.ADDRESS):
        if secret.valid_until is not None and secret.valid_until <= now:
            continue
        wanted = hmac.new(sealed.opened(secret).encode(), arrived.body, hashlib.sha256).hexdigest()
        is_one |= hmac.compare_digest(wanted, given if has_form else "")
    return is_one


def _is_of_site(webhook: Webhook, said: Announcement) -> bool:
    """What says nothing of its site cannot be of another one."""
    own = host_of(webhook.connector.jira_site)
    if not said.host or own == GATEWAY:
        return True
    return said.host in {own, host_of(webhook.jira_base)}


def public_address(address: str) -> str:
    """What Jira is given."""
    return f"{settings.PUBLIC_ADDRESS.rstrip('/')}/hooks/{address}/"

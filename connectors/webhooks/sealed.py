"""What is sealed of a webhook: its address, what Jira signs with, and the bodies of its deliveries."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from alignadmin.sealing import SealedColumn, seal, unseal
from connectors.models import InboxDelivery, Webhook, WebhookSecret, WebhookSecretKind

RANDOM_BYTES = 48  # 64 characters in an address, and more than HMAC-SHA256 uses of a secret


def random_text() -> str:
    """64 characters that may stand in an address."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def address_hash(address: str) -> str:
    """By which a webhook is found: how long that takes says nothing of the address itself."""
    return hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()


def store(webhook: Webhook, kind: WebhookSecretKind, text: str, valid_until: datetime | None = None) -> None:
    """In place of the one of this kind that is there."""
    WebhookSecret.objects.filter(webhook=webhook, kind=kind).delete()
    made = WebhookSecret(webhook=webhook, kind=kind, valid_until=valid_until)
    made.sealed = seal(text, bound_to=bound_to(made))
    made.save(force_insert=True)


def opened(secret: WebhookSecret) -> str:
    """For use at this moment only. Raises DoesNotOpen."""
    return unseal(secret.sealed, bound_to=bound_to(secret))


def bound_to(secret: WebhookSecret) -> str:
    """A constant, whatever the table is called: values that are stored open by it."""
    return f"connectors_webhooksecret|{secret.uuid}|sealed|1"


def _store_again(secret: WebhookSecret, sealed: str, _text: str) -> bool:
    return bool(WebhookSecret.objects.filter(pk=secret.pk, sealed=secret.sealed).update(sealed=sealed))


WEBHOOK_SECRETS = SealedColumn(
    label="webhook secrets",
    rows=lambda: WebhookSecret.objects.select_related("webhook__connector").order_by("pk"),
    value=lambda secret: secret.sealed,
    bound_to=bound_to,
    name=lambda secret: f"{secret.webhook.connector.name}: {secret.get_kind_display()} of the webhook",
    store=_store_again,
)

# --- bodies -----------------------------------------------------------------------------------------------------------
# No registered column, like the rows of a query: the check at the start would read all of them, and they live a month.


def sealed_body(webhook: Webhook, body_hash: str, body: bytes) -> str:
    return seal(body.decode(), bound_to=_body_bound_to(webhook, body_hash))


def opened_body(delivery: InboxDelivery) -> str:
    """Empty once it was erased. Raises DoesNotOpen."""
    if not delivery.sealed_body:
        return ""
    return unseal(delivery.sealed_body, bound_to=_body_bound_to(delivery.webhook, delivery.body_hash))


def _body_bound_to(webhook: Webhook, body_hash: str) -> str:
    return f"connectors_inboxdelivery|{webhook.uuid}|body|{body_hash}"

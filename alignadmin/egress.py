"""Which private hosts the operator allows us to talk to, and from which addresses we call, for their firewalls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings


def is_allowed_private(address: str) -> bool:
    parts = urlsplit(address)
    return bool({parts.netloc, parts.hostname} & set(settings.ALLOWED_PRIVATE_HOSTS))


@dataclass(frozen=True, kw_only=True)
class OutgoingAddresses:
    """From which one place calls out, such as "production US"; the label is empty where the operator gave none."""

    label: str
    addresses: Sequence[str]


def outgoing_addresses() -> list[OutgoingAddresses]:
    """EGRESS_ADDRESSES by their labels, in the order in which these come first: each an address, or label=address."""
    found: dict[str, list[str]] = {}
    for entry in settings.EGRESS_ADDRESSES:
        label, _, address = entry.rpartition("=")
        found.setdefault(label.strip(), []).append(address.strip())
    return [OutgoingAddresses(label=label, addresses=addresses) for label, addresses in found.items()]

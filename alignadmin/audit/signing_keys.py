"""The keys that sign checkpoints, as sealed values."""

from __future__ import annotations

from alignadmin.audit.models import SigningKey
from alignadmin.sealing import SealedColumn


def signing_bound_to(key: SigningKey) -> str:
    """A constant, whatever the table is called: values that are stored open by it."""
    return f"connectors_signingkey|{key.uuid}|private"


def _store(key: SigningKey, sealed: str, _secret: str) -> bool:
    return bool(SigningKey.objects.filter(pk=key.pk).update(sealed=sealed))


SIGNING_KEYS = SealedColumn(
    label="signing keys",
    rows=lambda: SigningKey.objects.order_by("pk"),
    value=lambda key: key.sealed,
    bound_to=signing_bound_to,
    name=lambda key: f"signing key {key.key_id}",
    store=_store,
)

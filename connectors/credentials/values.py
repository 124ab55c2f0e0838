"""The secret of a credential: on its way in, and sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from alignadmin.sealing import SealedColumn, fingerprint, seal, unseal
from connectors.models import Credential, System


@dataclass(frozen=True, kw_only=True)
class SecretData:
    system: System
    kind: str
    user: str
    secret: str
    expires_on: date | None = None

    def __repr__(self) -> str:
        return f"SecretData({self.system}, {self.kind})"


def seal_secret(credential: Credential, secret: str) -> None:
    """Set the credential's sealed value and fingerprint; the caller saves."""
    credential.sealed = seal(secret, bound_to=bound_to(credential))
    credential.fingerprint = fingerprint(secret)


def open_secret(credential: Credential) -> str:
    """The secret, for use at this moment only. Raises DoesNotOpen."""
    return unseal(credential.sealed, bound_to=bound_to(credential))


def bound_to(credential: Credential) -> str:
    """A constant, whatever the table is called: values that are stored open by it."""
    return f"connectors_credential|{credential.uuid}|secret|{credential.version}"


def _store(credential: Credential, sealed: str, secret: str) -> bool:
    """With the fingerprint, which another key makes another."""
    same = Credential.objects.filter(pk=credential.pk, sealed=credential.sealed, version=credential.version)
    return bool(same.update(sealed=sealed, fingerprint=fingerprint(secret)))


def _name(credential: Credential) -> str:
    system = System(credential.system).label
    return f"{credential.connector.name}: {system} credential, {credential.stage}, version {credential.version}"


CREDENTIALS = SealedColumn(
    label="credentials",
    rows=lambda: Credential.objects.select_related("connector").order_by("pk"),
    value=lambda credential: credential.sealed,
    bound_to=bound_to,
    name=_name,
    store=_store,
)

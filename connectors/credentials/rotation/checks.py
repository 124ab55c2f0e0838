"""What makes a typed secret unfit to be staged, whichever form or command it came from."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from alignadmin.http.auth import BadToken
from connectors.credentials.clients import BEARERS, Access, is_locked_out
from connectors.credentials.values import SecretData
from connectors.models import Connector, Credential, CredentialKind, JiraKind, System

LONGEST_SECRET = 10_000
LONGEST_USER = 320
LONGEST_REASON = 2_000
KINDS: dict[str, tuple[CredentialKind, ...]] = {
    System.ALIGN: (CredentialKind.ALIGN_BEARER, CredentialKind.ALIGN_BASIC),
    JiraKind.CLOUD: (CredentialKind.JIRA_CLOUD,),
    JiraKind.DATA_CENTER: (CredentialKind.JIRA_PASSWORD, CredentialKind.JIRA_PAT),
}


def fitting_kinds(connector: Connector, system: System) -> tuple[CredentialKind, ...]:
    return KINDS[System.ALIGN if system is System.ALIGN else connector.jira_kind]


def refuse_unfit(connector: Connector, secret: SecretData) -> None:
    """Raises Refused with what to do; the secret is in none of the sentences."""
    fitting = fitting_kinds(connector, System(secret.system))
    if secret.kind not in fitting:
        site = System.ALIGN.label if secret.system == System.ALIGN else JiraKind(connector.jira_kind).label
        choices = " or ".join(f'"{kind.label}"' for kind in fitting)
        raise Refused(f"{site} does not take this sign-in. Choose {choices}.")
    if len(secret.secret) > LONGEST_SECRET or len(secret.user) > LONGEST_USER:
        raise Refused("This is longer than any token or user name. Paste the token alone.")
    if not secret.secret.strip():
        raise Refused("Enter the token or password.")
    if secret.kind not in BEARERS and not secret.user.strip():
        raise Refused("This kind of sign-in needs the user: an e-mail address or a user name.")
    refuse_past(secret.expires_on)
    _refuse_unsendable(connector, secret)


def _refuse_unsendable(connector: Connector, secret: SecretData) -> None:
    site = connector.align_site if secret.system == System.ALIGN else connector.jira_site
    access = Access(system=System(secret.system), site=site, kind=secret.kind, user=secret.user, secret=secret.secret)
    try:
        _ = access.auth
    except BadToken as bad:
        raise Refused(str(bad)) from None


def refuse_past(expires_on: date | None) -> None:
    if expires_on is not None and expires_on < timezone.localdate():
        raise Refused("The expiry date has passed: the token would no longer work. Create a new one.")


def refuse_same(secret: SecretData, current: Credential | None) -> None:
    """A bearer token has no user, whatever was typed beside it."""
    if current is None or current.kind != secret.kind:
        return
    if secret.kind not in BEARERS and current.user != secret.user:
        return
    if current.fingerprint == sealing.fingerprint(secret.secret):
        raise Refused("This is the secret that is in use already. Make a new one in the remote system, and paste that.")


def refuse_backup_owner(backup_owner: Person | None, owner: Person | None) -> None:
    if backup_owner is None:
        return
    if backup_owner == owner:
        raise Refused("The back-up owner has to be someone other than the owner: choose another person, or no one.")
    if not backup_owner.is_active:
        raise Refused(f"{backup_owner} is deactivated: choose another back-up owner.")


def is_expired(credential: Credential) -> bool:
    return credential.expires_on is not None and credential.expires_on < timezone.localdate()


__all__ = [
    "BEARERS",
    "KINDS",
    "LONGEST_REASON",
    "LONGEST_SECRET",
    "fitting_kinds",
    "is_expired",
    "is_locked_out",
    "refuse_backup_owner",
    "refuse_past",
    "refuse_same",
    "refuse_unfit",
]

"""What this installation is set to, in words for an admin. Ids of keys and addresses only: no value of a secret."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.accounts.second_factors import FACTORS
from alignadmin.egress import OutgoingAddresses, outgoing_addresses
from connectors.credentials import reminders

PACKAGES = ("alignadmin", "Django", "django-allauth", "cryptography", "requests", "gunicorn")
UNITS = {"s": ("second", "seconds"), "m": ("minute", "minutes"), "h": ("hour", "hours"), "d": ("day", "days")}
PER = {"ip": "from one address", "key": "for one account", "user": "by one person"}
LIMITS = {
    "Sign-ins": ("sign_in",),
    "Sign-ins that fail": ("login_failed", "login_failed_address", "login_failed_account"),
    "Confirmations": ("reauthenticate",),
    "Forgotten passwords": ("reset_password",),
}
PER_BOTH = {"login_failed": "for one account at one address or by one known browser"}


@dataclass(frozen=True, kw_only=True)
class KeyLine:
    id: str
    seals: int
    is_first: bool  # the one that seals what is stored from now on
    is_known: bool
    fingerprint: str  # empty of one that is not known


@dataclass(frozen=True, kw_only=True)
class Version:
    name: str
    number: str


class Installation:
    """Read once for one page."""

    # --- signing in ---------------------------------------------------------------------------------------------

    @property
    def mfa_required(self) -> bool:
        return bool(settings.MFA_REQUIRED)

    @cached_property
    def without_factor(self) -> list[Person]:
        """Active people who could approve, apply or configure with a password alone."""
        people = Person.objects.filter(is_active=True).exclude(authenticator__type__in=FACTORS).order_by("name")
        return [each for each in people if may(each, Right.CONFIGURE) or may(each, Right.APPROVE)]

    @property
    def single_sign_on(self) -> str:
        """The host that signs people in; empty for passwords alone."""
        return urlsplit(settings.OIDC_SERVER).hostname or ""

    @property
    def limits(self) -> list[tuple[str, str]]:
        found = ((label, ", ".join(_rates(name) for name in names)) for label, names in LIMITS.items())
        return [(label, rates) for label, rates in found if rates]

    # --- e-mail and reminders -----------------------------------------------------------------------------------

    @property
    def mail_server(self) -> str:
        """Host and port; empty when nothing is sent. User and password of EMAIL_URL stay out."""
        if not settings.EMAIL_URL:
            return ""
        return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if settings.EMAIL_HOST else "set"

    @cached_property
    def unsent(self) -> int:
        return reminders.unsent()

    @property
    def mail_from(self) -> str:
        return str(settings.DEFAULT_FROM_EMAIL)

    @property
    def public_address(self) -> str:
        return str(settings.PUBLIC_ADDRESS)

    @property
    def most_age(self) -> int:
        return int(settings.CREDENTIAL_MAX_AGE_DAYS)

    # --- network ------------------------------------------------------------------------------------------------

    @property
    def egress(self) -> Sequence[OutgoingAddresses]:
        return outgoing_addresses()

    @property
    def private_hosts(self) -> Sequence[str]:
        return list(settings.ALLOWED_PRIVATE_HOSTS)

    # --- sealed secrets -----------------------------------------------------------------------------------------

    @cached_property
    def keys(self) -> list[KeyLine]:
        """Raises nothing: a key that is named by a value and not set is told as such."""
        prints = sealing.key_fingerprints()
        known, counts = list(prints), Counter(sealing.key_id_of(each.value) for each in sealing.stored_values())
        strangers = sorted(set(counts) - set(known))
        return [
            KeyLine(
                id=key_id,
                seals=counts[key_id],
                is_first=key_id == known[0],
                is_known=key_id in known,
                fingerprint=prints.get(key_id, ""),
            )
            for key_id in [*known, *strangers]
        ]

    @property
    def on_old_keys(self) -> int:
        return sum(line.seals for line in self.keys if not line.is_first and line.is_known)

    # --- versions -----------------------------------------------------------------------------------------------

    @property
    def versions(self) -> list[Version]:
        found = [
            Version(name="AlignAdmin" if name == "alignadmin" else name, number=_version(name)) for name in PACKAGES
        ]
        database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(connection.vendor, connection.vendor)
        number = ".".join(str(part) for part in connection.get_database_version())
        return [*found, Version(name="Python", number=platform.python_version()), Version(name=database, number=number)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its files, without being installed
        return "not known"


def _rates(name: str) -> str:
    """ "20/15m/ip,3/15m/key" as "20 in 15 minutes from one address, 3 in 15 minutes for one account"."""
    text = settings.ACCOUNT_RATE_LIMITS.get(name)
    return ", ".join(_rate(each, PER_BOTH.get(name, "")) for each in text.split(",")) if text else ""


def _rate(text: str, per_both: str) -> str:
    amount, duration, per = [*text.split("/"), "ip"][:3]
    count, unit = duration[:-1] or "1", duration[-1:]
    one, many = UNITS.get(unit, (unit, unit))
    time = f"{'an' if one == 'hour' else 'a'} {one}" if count == "1" else f"in {count} {many}"
    return f"{amount} {time} {per_both or PER.get(per, per)}".strip()

"""Which second factors a person has, told without opening a sealed one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import WITH_SECOND_FACTOR, may
from alignadmin.sealing import SealedColumn

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes only stand in for one of these


@dataclass(frozen=True, kw_only=True)
class Factor:
    id: int
    name: str
    added_at: datetime
    used_at: datetime | None
    is_passkey: bool  # it signs in alone


@dataclass(frozen=True, kw_only=True)
class Factors:
    app: Factor | None
    keys: tuple[Factor, ...]
    codes_left: int | None  # None: no codes were made
    required: bool

    @property
    def count(self) -> int:
        return len(self.keys) + bool(self.app)

    @property
    def codes_run_out(self) -> bool:
        return self.codes_left is not None and self.codes_left < 3


def has_second_factor(person: Person) -> bool:
    """One query; recovery codes alone do not count."""
    return bool(get_adapter().is_mfa_enabled(person, FACTORS))


def needs_second_factor(person: Person) -> bool:
    return bool(settings.MFA_REQUIRED) and any(may(person, right) for right in WITH_SECOND_FACTOR)


def factors_of(person: Person) -> Factors:
    """One query."""
    found = list(Authenticator.objects.filter(user_id=person.pk).order_by("pk"))
    apps = [_factor(each) for each in found if each.type == Authenticator.Type.TOTP]
    codes = [each for each in found if each.type == Authenticator.Type.RECOVERY_CODES]
    return Factors(
        app=apps[0] if apps else None,
        keys=tuple(_factor(each) for each in found if each.type == Authenticator.Type.WEBAUTHN),
        codes_left=_left(codes[0]) if codes else None,
        required=needs_second_factor(person),
    )


def key_named(pk: int, person: int) -> str:
    """The name of a security key of this person, in quotes; empty when it is not theirs. One query."""
    found = Authenticator.objects.filter(pk=pk, user_id=person, type=Authenticator.Type.WEBAUTHN).first()
    return f'"{_factor(found).name}"' if found else ""


def _factor(row: Authenticator) -> Factor:
    name = str(row.data.get("name", "")) or "Authenticator app"
    is_passkey = row.type == Authenticator.Type.WEBAUTHN and bool(row.wrap().is_passwordless)
    return Factor(id=row.pk, name=name, added_at=row.created_at, used_at=row.last_used_at, is_passkey=is_passkey)


def _left(row: Authenticator) -> int:
    used = int(row.data.get("used_mask", 0))
    return int(app_settings.RECOVERY_CODE_COUNT) - used.bit_count()


# -- as sealed values --------------------------------------------------------------------------------------------------

# What allauth seals through SecondFactorAdapter, by the type of the authenticator; it names no row to be bound to.
SECOND_FACTOR = "mfa_authenticator|secret"
SECOND_FACTOR_FIELDS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


def _sealed(row: Authenticator) -> str:
    value = row.data.get(SECOND_FACTOR_FIELDS[row.type])
    return value if isinstance(value, str) else ""


def _store(row: Authenticator, sealed: str, _secret: str) -> bool:
    """The row is ours until the end of the transaction, so no use of a recovery code is lost."""
    data = {**row.data, SECOND_FACTOR_FIELDS[row.type]: sealed}
    return bool(Authenticator.objects.filter(pk=row.pk).update(data=data))


SECOND_FACTORS = SealedColumn(
    label="second factors",
    rows=lambda: Authenticator.objects.filter(type__in=SECOND_FACTOR_FIELDS).select_related("user").order_by("pk"),
    value=_sealed,
    bound_to=lambda _row: SECOND_FACTOR,
    name=lambda row: f"{row.user.email}: {row.get_type_display().lower()}",
    store=_store,
)

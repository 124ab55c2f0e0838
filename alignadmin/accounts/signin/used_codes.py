"""A code of an authenticator app counts once, for as long as any clock that we tolerate may still show it."""

from __future__ import annotations

import hashlib

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from django.core.cache import cache

from alignadmin.accounts.models import Person


def use_up(person: Person, code: str) -> None:
    """allauth remembers a code for one period only, and takes it for that of the periods before and after, too."""
    periods = 2 * app_settings.TOTP_TOLERANCE + 2
    cache.set(_key(person, code), "y", timeout=periods * app_settings.TOTP_PERIOD)


def was_used(person: Person, code: str) -> bool:
    return cache.get(_key(person, code)) is not None


def _key(person: Person, code: str) -> str:
    typed = hashlib.sha256(normalize_user_code(code).encode()).hexdigest()  # whatever was typed, it makes a key
    return f"connectors.code.used|{person.pk}|{typed}"

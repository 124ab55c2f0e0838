"""Sealed secrets: AES-256-GCM, each value bound to its table, row, field and version, with the id of its key.

Keys come from the operator (SEAL_KEYS, "id:base64 of 32 bytes"), never from SECRET_KEY. The first seals, all open.
A value looks like `v1:{key id}:{nonce}:{ciphertext}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import checks

from connectors.models import Credential

NONCE_BYTES = 12
KEY_BYTES = 32


class SealError(Exception):
    """A key or a sealed value is not usable; the message never holds a secret."""


class DoesNotOpen(SealError):
    """The value was sealed with another key, for another row, or was altered."""


def keys() -> dict[str, bytes]:
    """Key id -> key, the sealing one first. Raises SealError with one line about what is wrong."""
    return _parse(tuple(settings.SEAL_KEYS))


@lru_cache(maxsize=8)
def _parse(entries: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for place, entry in enumerate(entries, start=1):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        # Named by its place: what stands where the id should be may be the key itself.
        if not key_id or len(key) != KEY_BYTES:
            raise SealError(f'SEAL_KEYS: entry {place} has to be "id:" and the base64 of {KEY_BYTES} bytes.')
        if key_id in found:
            raise SealError(f"SEAL_KEYS: the id of entry {place} occurs twice.")
        found[key_id] = key
    if not found:
        raise SealError("SEAL_KEYS is not set: without a key no secret can be stored or opened.")
    return found


def new_key(key_id: str) -> str:
    """A fresh entry for SEAL_KEYS."""
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def seal_secret(credential: Credential, secret: str) -> None:
    """Set the credential's sealed value and fingerprint; the caller saves."""
    key_id, key = next(iter(keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, secret.encode(), _bound_to(credential))
    credential.sealed = ":".join(("v1", key_id, _text(nonce), _text(ciphertext)))
    credential.fingerprint = fingerprint(secret)


def open_secret(credential: Credential) -> str:
    """The secret, for use at this moment only. Raises DoesNotOpen; a value that does not open is never returned."""
    version, key_id, nonce, ciphertext = _split(credential.sealed)
    key = keys().get(key_id)
    if version != "v1" or key is None:
        raise DoesNotOpen(f'This credential is sealed with the key "{key_id}", which is not in SEAL_KEYS.')
    try:
        return AESGCM(key).decrypt(_bytes(nonce), _bytes(ciphertext), _bound_to(credential)).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise DoesNotOpen("This credential does not open: it was sealed for another row, or altered.") from error


def fingerprint(secret: str) -> str:
    """A keyed hash, so that two people can compare secrets without seeing them."""
    key = next(iter(keys().values()))
    return hmac.new(key, b"fingerprint\0" + secret.encode(), hashlib.sha256).hexdigest()[:16]


def verify_stored() -> None:
    """For the start of the web and of the worker. Raises SealError with one line when a key is missing or wrong.

    A key is wrong when it opens none of its values; a single altered one stops nobody, its connector's page tells.
    """
    known = keys()
    opens: dict[str, bool] = {}
    for credential in Credential.objects.order_by("pk"):
        key_id = credential.sealed.split(":")[1] if credential.sealed.count(":") == 3 else ""
        opens[key_id] = opens.get(key_id, False) or _does_open(credential)
    for key_id in (each for each, any_opens in opens.items() if not any_opens):
        if key_id not in known:
            raise SealError(f'SEAL_KEYS lacks the key "{key_id}", with which stored secrets are sealed: add it again.')
        raise SealError(f'SEAL_KEYS: the key "{key_id}" does not open the secrets that were sealed under this id.')


def _does_open(credential: Credential) -> bool:
    try:
        open_secret(credential)
    except DoesNotOpen:
        return False
    return True


def _bound_to(credential: Credential) -> bytes:
    return f"connectors_credential|{credential.uuid}|secret|{credential.version}".encode()


def _split(sealed: str) -> tuple[str, str, str, str]:
    parts = sealed.split(":")
    if len(parts) != 4:
        raise DoesNotOpen("This credential is not in the sealed form.")
    return parts[0], parts[1], parts[2], parts[3]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def check(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A system check: without a usable key nothing starts that could need one."""
    try:
        keys()
    except SealError as error:
        return [checks.Error(str(error), id="connectors.E001")]
    return []

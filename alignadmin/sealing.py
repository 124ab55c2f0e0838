"""Sealed secrets: AES-256-GCM, each value bound to its table, row, field and version, with the id of its key.

Keys come from the operator (SEAL_KEYS_FILE, then SEAL_KEYS), never from SECRET_KEY. The first seals, all open.
A value looks like `v1:{key id}:{nonce}:{ciphertext}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import checks
from django.db.models import Model, QuerySet

from alignadmin.errors import SealError

M = TypeVar("M", bound=Model)
NONCE_BYTES = 12
KEY_BYTES = 32
LARGEST_FILE = 64 * 1024
LONGEST_ID = 40
FORM = "v1"


class DoesNotOpen(SealError):
    """The value was sealed with another key, for another row, or was altered."""


# --- keys -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """One entry as the operator gave it. Errors name its place: what stands where the id should be may be the key."""

    place: str
    text: str

    def __repr__(self) -> str:
        return f"KeyEntry({self.place})"


def keys() -> dict[str, bytes]:
    """Key id -> key, the sealing one first. Raises SealError with one line about what is wrong.

    With both settings given the file's keys come first: a change from the environment to a file needs no third step.
    """
    in_file = _read(settings.SEAL_KEYS_FILE) if settings.SEAL_KEYS_FILE else ()
    in_settings = tuple(
        KeyEntry(place=f"SEAL_KEYS: entry {place}", text=text) for place, text in enumerate(settings.SEAL_KEYS, start=1)
    )
    return _parse(in_file + in_settings)


@lru_cache(maxsize=8)
def _parse(entries: tuple[KeyEntry, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in entries:
        key_id, key = _key_of(entry)
        if key_id in found:
            raise SealError(f"{entry.place}: this id occurs twice.")
        if key in found.values():
            raise SealError(f"{entry.place}: this key is given twice, under two ids.")
        found[key_id] = key
    if not found:
        raise SealError("SEAL_KEYS is not set: without a key no secret can be stored or opened.")
    return found


def _key_of(entry: KeyEntry) -> tuple[str, bytes]:
    key_id, _, encoded = entry.text.strip().partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 0 < len(key_id) <= LONGEST_ID or not key_id.isprintable() or len(key) != KEY_BYTES:
        raise SealError(
            f'{entry.place} has to be "id:" and the base64 of {KEY_BYTES} bytes, '
            f"the id of at most {LONGEST_ID} characters."
        )
    return key_id, key


@lru_cache(maxsize=8)
def _read(path: str) -> tuple[KeyEntry, ...]:
    """Read once in the life of a process, so that a file in the middle of being edited takes no key away."""
    lines = _text_of(Path(path)).split("\n")
    return tuple(
        KeyEntry(place=f"SEAL_KEYS_FILE: line {number}", text=line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    )


def _text_of(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise SealError(f"SEAL_KEYS_FILE: {path} is not a file.")
        if stat.S_IMODE(found.st_mode) not in (0o600, 0o400):
            raise SealError(f"SEAL_KEYS_FILE: others may use {path}. Let its owner alone read it: chmod 600.")
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise SealError(f"SEAL_KEYS_FILE: {path} is larger than {LARGEST_FILE} bytes; is it the right file?")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: the error carries the bytes of the file.
        raise SealError(f"SEAL_KEYS_FILE: {path} is not text in UTF-8; is it the right file?") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no possible path"
        raise SealError(f"SEAL_KEYS_FILE: the file {str(path)!r} cannot be read: {reason}.") from error


def new_key(key_id: str) -> str:
    """A fresh entry for SEAL_KEYS."""
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


# --- sealing and opening ----------------------------------------------------------------------------------------------


def seal(text: str, *, bound_to: str) -> str:
    """The sealed value; it opens only for the same `bound_to`, which names table, row, field and version."""
    key_id, key = next(iter(keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, text.encode(), bound_to.encode())
    return ":".join((FORM, key_id, _text(nonce), _text(ciphertext)))


def unseal(value: str, *, bound_to: str) -> str:
    """What was sealed. Raises DoesNotOpen; a value that does not open is never returned."""
    form, key_id, nonce, ciphertext = _split(value)
    key = keys().get(key_id)
    if form != FORM or key is None:
        raise DoesNotOpen(f'This credential is sealed with the key "{key_id}", which is not in SEAL_KEYS.')
    try:
        return AESGCM(key).decrypt(_bytes(nonce), _bytes(ciphertext), bound_to.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise DoesNotOpen(
            "This credential does not open: it was sealed for another row, or altered. Store its secret again."
        ) from error


def fingerprint(secret: str) -> str:
    """A keyed hash, so that two people can compare secrets without seeing them; another first key makes another."""
    key = next(iter(keys().values()))
    return hmac.new(key, b"fingerprint\0" + secret.encode(), hashlib.sha256).hexdigest()[:16]


def key_fingerprints() -> dict[str, str]:
    """Key id -> a keyed hash of the key itself, by which two people can say that they hold the same one."""
    return {
        key_id: hmac.new(key, b"fingerprint of this key", hashlib.sha256).hexdigest()[:16]
        for key_id, key in keys().items()
    }


def key_id_of(value: str) -> str:
    """Which key a sealed value names; empty where it is not in the sealed form."""
    parts = value.split(":")
    return parts[1] if len(parts) == 4 and parts[0] == FORM else ""


def _split(sealed: str) -> tuple[str, str, str, str]:
    parts = sealed.split(":")
    if len(parts) != 4:
        raise DoesNotOpen("This credential is not in the encrypted form.")
    return parts[0], parts[1], parts[2], parts[3]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


# --- at the start -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SealedColumn(Generic[M]):
    """Where sealed values stand. The check at the start and the rotation of keys walk all that are registered."""

    label: str  # in sentences and entries: "signing keys"
    rows: Callable[[], QuerySet[M]]  # in the order of their keys
    value: Callable[[M], str]  # empty where the row has none
    bound_to: Callable[[M], str]
    name: Callable[[M], str]  # what people call the row whose value does not open
    store: Callable[[M, str, str], bool]  # row, sealed again, secret; False when the row has changed meanwhile


_columns: list[SealedColumn[Any]] = []


def register(column: SealedColumn[Any]) -> None:
    """Once, when the apps are ready."""
    _columns.append(column)


def columns() -> Sequence[SealedColumn[Any]]:
    return tuple(_columns)


@dataclass(frozen=True, kw_only=True)
class SealedValue:
    """A sealed value as it stands in the database, with what it is bound to."""

    value: str
    bound_to: str


def stored_values() -> Iterator[SealedValue]:
    """Every sealed value there is."""
    for column in _columns:
        for row in column.rows().iterator():
            yield SealedValue(value=column.value(row), bound_to=column.bound_to(row))


def verify_stored() -> None:
    """For the start of the web and of the worker. Raises SealError with one line when a key is missing or wrong.

    A key is wrong when it opens none of its values; a single altered one stops nobody, its connector's page tells.
    """
    known = keys()
    for key_id in _that_open_nothing(stored_values()):
        if key_id not in known:
            raise SealError(f'SEAL_KEYS lacks the key "{key_id}", with which stored secrets are sealed: add it again.')
        raise SealError(f'SEAL_KEYS: the key "{key_id}" does not open the secrets that were sealed under this id.')


def _that_open_nothing(values: Iterable[SealedValue]) -> list[str]:
    opens: dict[str, bool] = {}
    for stored in values:
        # A value that names no key says nothing about any.
        if key_id := key_id_of(stored.value):
            opens[key_id] = opens.get(key_id, False) or does_open(stored)
    return [key_id for key_id, any_opens in opens.items() if not any_opens]


def does_open(stored: SealedValue) -> bool:
    try:
        unseal(stored.value, bound_to=stored.bound_to)
    except DoesNotOpen:
        return False
    return True


def check(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """A system check: without a usable key nothing starts that could need one."""
    try:
        keys()
    except SealError as error:
        return [checks.Error(str(error), id="connectors.E001")]
    return []

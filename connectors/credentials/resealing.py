"""Sealing every stored secret again with the first key, in batches, so that an older key may be removed.

Each batch is a transaction of its own with its audit entry; killed at any point, the next run goes on. What a web
process seals meanwhile with the key that was first at its start is found by the count at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.db import transaction

from alignadmin import sealing
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import SigningKey
from alignadmin.errors import SealError
from alignadmin.sealing import SECOND_FACTOR, SECOND_FACTOR_FIELDS, DoesNotOpen
from connectors.models import Credential, System

BATCH = 500
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Which keys the stored values are sealed with, and which values do not open at all."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)  # by connector and system, or by person


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The rows of one transaction; `last` is the key of the last one read, None at the end of the table."""

    last: int | None
    resealed: Counter[str]  # by the key they were sealed with before


def reseal_all(tell: Tell, *, batch: int = BATCH) -> int:
    """Seal again what another key has sealed. Returns how many values that were; safe to run twice or at once."""
    done = 0
    # Rows that somebody else holds are passed over, and new ones may come in: until a round finds nothing to do.
    while resealed := sum(_round(tell, batch)):
        done += resealed
    return done


def _round(tell: Tell, size: int) -> Iterator[int]:
    kinds = ((_credentials, "credentials"), (_second_factors, "second factors"), (_signing_keys, "signing keys"))
    for reseal, what in kinds:
        after: int | None = 0
        while after is not None:
            batch = _in_one_transaction(reseal, after, size, what)
            after = batch.last
            if count := batch.resealed.total():
                tell(f"{count} {what} sealed again")
                yield count


def _in_one_transaction(reseal: Callable[[int, int], Batch], after: int, size: int, what: str) -> Batch:
    to = next(iter(sealing.keys()))
    with transaction.atomic():
        batch = reseal(after, size)
        if count := batch.resealed.total():
            trail.record(
                AuditRecord(
                    action="keys.rotated",
                    actor=None,
                    subject=f"key {to}",
                    sentence=f'Sealed {count} {what} again with the key "{to}".',
                    data={"to": to, "from": dict(batch.resealed), what.replace(" ", "_"): count},
                )
            )
    return batch


def _credentials(after: int, size: int) -> Batch:
    # A switch under way holds its rows and waits for nobody but us, so we do not wait for it.
    rows = Credential.objects.select_for_update(skip_locked=True, no_key=True).filter(pk__gt=after).order_by("pk")
    found = list(rows[:size])
    resealed: Counter[str] = Counter()
    for row in found:
        before = row.sealed
        if _is_up_to_date(before) or not _reseal(row):
            continue
        same = Credential.objects.filter(pk=row.pk, sealed=before, version=row.version)
        if same.update(sealed=row.sealed, fingerprint=row.fingerprint):
            resealed[sealing.key_id_of(before)] += 1
    return Batch(last=found[-1].pk if found else None, resealed=resealed)


def _reseal(credential: Credential) -> bool:
    """False when it does not open; it stays as it is then, and the count at the end tells."""
    try:
        secret = sealing.open_secret(credential)
    except DoesNotOpen:
        return False
    sealing.seal_secret(credential, secret)
    _refuse_other(sealing.open_secret(credential), secret)
    return True


def _second_factors(after: int, size: int) -> Batch:
    rows = sealing.second_factors().select_for_update(skip_locked=True, no_key=True).filter(pk__gt=after)
    found = list(rows[:size])
    resealed: Counter[str] = Counter()
    for row in found:
        name = SECOND_FACTOR_FIELDS[row.type]
        before = str(row.data.get(name, ""))
        if _is_up_to_date(before) or (value := _resealed(before, SECOND_FACTOR)) is None:
            continue
        # The row is ours until the end of the transaction, so no use of a recovery code is lost.
        Authenticator.objects.filter(pk=row.pk).update(data={**row.data, name: value})
        resealed[sealing.key_id_of(before)] += 1
    return Batch(last=found[-1].pk if found else None, resealed=resealed)


def _signing_keys(after: int, size: int) -> Batch:
    found = list(
        SigningKey.objects.select_for_update(skip_locked=True, no_key=True).filter(pk__gt=after).order_by("pk")[:size]
    )
    resealed: Counter[str] = Counter()
    for row in found:
        if _is_up_to_date(row.sealed) or (value := _resealed(row.sealed, sealing.signing_bound_to(row))) is None:
            continue
        SigningKey.objects.filter(pk=row.pk).update(sealed=value)
        resealed[sealing.key_id_of(row.sealed)] += 1
    return Batch(last=found[-1].pk if found else None, resealed=resealed)


def _resealed(value: str, bound_to: str) -> str | None:
    """None when it does not open."""
    try:
        secret = sealing.unseal(value, bound_to=bound_to)
    except DoesNotOpen:
        return None
    again = sealing.seal(secret, bound_to=bound_to)
    _refuse_other(sealing.unseal(again, bound_to=bound_to), secret)
    return again


def _refuse_other(opened: str, secret: str) -> None:
    if opened != secret:
        raise SealError("A value that was sealed again does not open to what it was; nothing was changed.")


def _is_up_to_date(value: str) -> bool:
    return sealing.key_id_of(value) == next(iter(sealing.keys()))


def standing() -> Standing:
    """Opens every stored value once, which is the proof that the keys at hand are enough."""
    found = Standing()
    for row in Credential.objects.select_related("connector").order_by("pk").iterator(chunk_size=BATCH):
        what = f"{row.connector.name}: {System(row.system).label} credential, {row.stage}, version {row.version}"
        _note(found, row.sealed, sealing.bound_to(row), what)
    for factor in sealing.second_factors().select_related("user").iterator(chunk_size=BATCH):
        value = factor.data.get(SECOND_FACTOR_FIELDS[factor.type])
        _note(found, str(value), SECOND_FACTOR, f"{factor.user.email}: {factor.get_type_display().lower()}")
    for key in SigningKey.objects.order_by("pk"):
        _note(found, key.sealed, sealing.signing_bound_to(key), f"signing key {key.key_id}")
    return found


def _note(found: Standing, value: str, bound_to: str, what: str) -> None:
    found.counts[sealing.key_id_of(value)] += 1
    if not sealing.does_open(sealing.Stored(value=value, bound_to=bound_to)):
        found.broken.append(what)

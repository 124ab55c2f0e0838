"""Sealing every stored secret again with the first key, in batches, so that an older key may be removed.

Each batch is a transaction of its own with its audit entry; killed at any point, the next run goes on. What a web
process seals meanwhile with the key that was first at its start is found by the count at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from alignadmin import sealing
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import SealError
from alignadmin.sealing import DoesNotOpen, SealedColumn

BATCH = 500
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SealStatus:
    """Which keys the stored values are sealed with, and which values do not open at all."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)  # by connector and system, or by person


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The rows of one transaction; `last` is the key of the last one read, None at the end of the table."""

    last: int | None
    resealed: Counter[str]  # by the key they were sealed with before


def reseal_all(report: Report, *, batch: int = BATCH) -> int:
    """Seal again what another key has sealed. Returns how many values that were; safe to run twice or at once."""
    done = 0
    # Rows that somebody else holds are passed over, and new ones may come in: until a round finds nothing to do.
    while resealed := sum(_round(report, batch)):
        done += resealed
    return done


def _round(report: Report, size: int) -> Iterator[int]:
    for column in sealing.columns():
        after: int | None = 0
        while after is not None:
            batch = _in_one_transaction(column, after, size)
            after = batch.last
            if count := batch.resealed.total():
                report(f"{count} {column.label} sealed again")
                yield count


def _in_one_transaction(column: SealedColumn[Any], after: int, size: int) -> Batch:
    to = next(iter(sealing.keys()))
    with transaction.atomic():
        batch = _reseal(column, after, size)
        if count := batch.resealed.total():
            trail.record(
                AuditRecord(
                    action="keys.rotated",
                    actor=None,
                    subject=f"key {to}",
                    sentence=f'Sealed {count} {column.label} again with the key "{to}".',
                    data={"to": to, "from": dict(batch.resealed), column.label.replace(" ", "_"): count},
                )
            )
    return batch


def _reseal(column: SealedColumn[Any], after: int, size: int) -> Batch:
    # Whoever changes such a row holds it and waits for nobody but us, so we do not wait for them.
    rows = column.rows().filter(pk__gt=after).select_for_update(of=("self",), skip_locked=True, no_key=True)
    found = list(rows[:size])
    resealed: Counter[str] = Counter()
    for row in found:
        before = column.value(row)
        if _is_up_to_date(before) or (secret := _opened(before, column.bound_to(row))) is None:
            continue
        again = sealing.seal(secret, bound_to=column.bound_to(row))
        _refuse_other(sealing.unseal(again, bound_to=column.bound_to(row)), secret)
        if column.store(row, again, secret):
            resealed[sealing.key_id_of(before)] += 1
    return Batch(last=found[-1].pk if found else None, resealed=resealed)


def _opened(value: str, bound_to: str) -> str | None:
    """None when it does not open; it stays as it is then, and the count at the end tells."""
    try:
        return sealing.unseal(value, bound_to=bound_to)
    except DoesNotOpen:
        return None


def _refuse_other(opened: str, secret: str) -> None:
    if opened != secret:
        raise SealError("A value that was sealed again does not open to what it was; nothing was changed.")


def _is_up_to_date(value: str) -> bool:
    return sealing.key_id_of(value) == next(iter(sealing.keys()))


def seal_status() -> SealStatus:
    """Opens every stored value once, which is the proof that the keys at hand are enough."""
    found = SealStatus()
    for column in sealing.columns():
        for row in column.rows().iterator(chunk_size=BATCH):
            value, bound_to = column.value(row), column.bound_to(row)
            found.counts[sealing.key_id_of(value)] += 1
            if not sealing.does_open(sealing.SealedValue(value=value, bound_to=bound_to)):
                found.broken.append(column.name(row))
    return found

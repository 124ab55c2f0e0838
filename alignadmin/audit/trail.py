"""The face of the trail: an act is recorded in the transaction in which it is done.

A record locks the head until the transaction ends, and everybody else's act waits for it: whatever takes long is done
before, and an act made of others records last what it did itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from alignadmin.audit import entries
from alignadmin.audit.entries import Actor, AuditRecord, PersonCopy
from alignadmin.audit.models import Entry

__all__ = ["AuditRecord", "PersonCopy", "copy_of", "record", "record_all"]


def record(made: AuditRecord) -> Entry:
    """Append one record as the last statement of the caller's `transaction.atomic()` block."""
    return entries.append([made])[0]


def record_all(made: Sequence[AuditRecord]) -> list[Entry]:
    """Append records in their order, as the last statement of the caller's `transaction.atomic()` block."""
    return entries.append(made)


def copy_of(person: Actor) -> PersonCopy:
    return PersonCopy(id=person.id, name=person.name, email=person.email, role=person.role)

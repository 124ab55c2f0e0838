"""One function settles a stored mapping: it sets its situation, and what is applied, from the three values.

What somebody accepted until a date is settled again by the clock once that date has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.engine.reconcile import Accepted, reconcile
from mappings.engine.values import Situation, TypeName
from mappings.models import Mapping

# What settle_mapping sets, for the `update_fields` of those who save only a part.
RECONCILED_FIELDS = ("situation", "applied", "waits", "drifted_at", "apart_since", "former_by")
ELSEWHERE = (Situation.DRIFTED, Situation.CONFLICT, Situation.ACCEPTED)
ENDED_AT_ONCE = 500


def reconcile_mapping(mapping: Mapping, *, known: bool = True, now: datetime | None = None) -> Mapping:
    """Set `situation` and what follows from it, the SETTLED_FIELDS; the caller saves.

    A drift that is accepted keeps the time it was first seen at, and one whose list is not known does too.
    """
    now = now or timezone.now()
    reconciled = reconcile(
        wanted=mapping.wanted,
        applied=mapping.applied,
        observed=mapping.observed,
        accepted=_accepted(mapping, now),
        known=known,
    )
    mapping.situation, mapping.applied = reconciled.situation, reconciled.applied
    mapping.waits = reconciled.situation is Situation.EDITED or mapping.keep_remote_id is not None
    if reconciled.situation in ELSEWHERE:
        mapping.drifted_at = mapping.drifted_at or now
    elif reconciled.situation is not Situation.UNKNOWN:
        mapping.drifted_at = None
    if reconciled.situation is Situation.IN_SYNC:
        mapping.apart_since = mapping.former_by = None
    elif reconciled.situation is not Situation.UNKNOWN:
        mapping.apart_since = mapping.apart_since or now
    return mapping


def _accepted(mapping: Mapping, now: datetime) -> Accepted | None:
    if mapping.accepted_until is None or mapping.accepted_until <= now:
        return None
    return Accepted(value=mapping.accepted_value)


@due_work
def end_acceptances() -> int:
    """What was accepted until now counts as drift again; returns how many rows that were."""
    now = timezone.now()
    ended = Mapping.objects.filter(situation=Situation.ACCEPTED, accepted_until__lte=now)
    if not ended.exists():
        return 0
    with transaction.atomic():
        # In one order, so that two workers do not wait for each other; the second finds nothing left.
        locked = ended.locked().select_related("scope__connector").order_by("pk")
        rows = list(locked[:ENDED_AT_ONCE])
        for row in rows:
            reconcile_mapping(row, now=now)
            row.version += 1
        Mapping.objects.bulk_update(rows, [*RECONCILED_FIELDS, "version"])
        trail.record_all(_ended_records(rows))
    return len(rows)


def _ended_records(rows: Sequence[Mapping]) -> list[AuditRecord]:
    by_connector: dict[Connector, list[Mapping]] = {}
    for row in rows:
        by_connector.setdefault(row.scope.connector, []).append(row)
    return [_ended_record(connector, ended) for connector, ended in by_connector.items()]


def _ended_record(connector: Connector, ended: Sequence[Mapping]) -> AuditRecord:
    what = "1 accepted change counts" if len(ended) == 1 else f"{len(ended)} accepted changes count"
    return AuditRecord(
        action="drift.acceptance_ended",
        actor=None,
        context=context_of(connector),
        subject="drift",
        sentence=f"{what} as drift again: the time until which somebody accepted that is over.",
        data={"rows": [row.pk for row in ended]},
    )


def type_ids_of(connector: Connector, family_code: str) -> dict[TypeName, int]:
    """The connector's overrides of the family's type ids."""
    overrides: dict[str, int] = connector.type_ids.get(family_code, {})
    return {TypeName(name): id_ for name, id_ in overrides.items()}

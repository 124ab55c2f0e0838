"""One function settles a stored mapping: it sets its situation, and what is applied, from the three values."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from connectors.models import Connector
from mappings.engine.reconcile import Accepted, settle
from mappings.engine.values import Situation, WorkItemType
from mappings.models import Mapping


def settle_mapping(mapping: Mapping, *, known: bool = True, now: datetime | None = None) -> Mapping:
    """Set `situation`, `applied` and `waits`; the caller saves."""
    settled = settle(
        wanted=mapping.wanted,
        applied=mapping.applied,
        observed=mapping.observed,
        accepted=_accepted(mapping, now or timezone.now()),
        known=known,
    )
    mapping.situation, mapping.applied = settled.situation, settled.applied
    mapping.waits = settled.situation is Situation.EDITED or mapping.keep_remote_id is not None
    return mapping


def _accepted(mapping: Mapping, now: datetime) -> Accepted | None:
    if mapping.accepted_until is None or mapping.accepted_until <= now:
        return None
    return Accepted(value=mapping.accepted_value)


def type_ids_of(connector: Connector, family_code: str) -> dict[WorkItemType, int]:
    """The connector's overrides of the family's type ids."""
    overrides: dict[str, int] = connector.type_ids.get(family_code, {})
    return {WorkItemType(name): id_ for name, id_ in overrides.items()}

"""What a connector's Align takes of an item besides its fields, level by level, as trials have seen it."""

from __future__ import annotations

from connectors.models import Connector
from mappings.engine.item_writes import STATE, STEP, ItemWrites
from mappings.models import ItemWriteFacts


def writes_of(connector: Connector) -> dict[str, ItemWrites]:
    """By level; one that is not in it was not tried. One query."""
    return {each.level: item_writes(each) for each in ItemWriteFacts.objects.filter(connector=connector)}


def item_writes(facts: ItemWriteFacts) -> ItemWrites:
    created = ((STATE, facts.state_at_create), (STEP, facts.step_at_create))
    updated = ((STATE, facts.state_by_update), (STEP, facts.step_by_update))
    return ItemWrites(
        key=bool(facts.external_key and facts.external_filter),
        created=tuple(name for name, kept in created if kept),
        updated=tuple(name for name, kept in updated if kept),
    )

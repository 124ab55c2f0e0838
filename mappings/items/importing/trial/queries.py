"""Which levels an import needs, and what was tried of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from connectors.align.terminology import LEVELS
from connectors.models import Connector, Project
from mappings.items.prediction.asked import configured_import
from mappings.models import ItemWriteFacts

YES, NO, UNTRIED = "yes", "no", "not tried"


def levels_of(connector: Connector, project: Project) -> list[str]:
    """That issue types of the project become, from the top down."""
    used = set(configured_import(connector, project).rules.levels.values())
    return [level for level in LEVELS if level in used]


@dataclass(frozen=True, kw_only=True)
class TriedLevel:
    """A row of the page: what is known of a level in words."""

    level: str
    name: str
    facts: ItemWriteFacts | None

    @property
    def key(self) -> str:
        if self.facts is None or self.facts.external_key is None:
            return UNTRIED
        if not self.facts.external_key:
            return NO
        return "kept, finds the item" if self.facts.external_filter else "kept, finds nothing"

    @property
    def state(self) -> str:
        return _way(self.facts.state_at_create, self.facts.state_by_update) if self.facts else UNTRIED

    @property
    def step(self) -> str:
        return _way(self.facts.step_at_create, self.facts.step_by_update) if self.facts else UNTRIED

    @property
    def recycles(self) -> str:
        known = self.facts.recycles if self.facts else None
        return UNTRIED if known is None else YES if known else NO


def _way(created: bool | None, updated: bool | None) -> str:
    if created:
        return "kept with the create"
    if updated:
        return "kept by an update"
    return UNTRIED if created is None and updated is None else NO


def tried_levels(connector: Connector, levels: Collection[str]) -> list[TriedLevel]:
    """Those that are needed, and those of which something is known."""
    known = {each.level: each for each in ItemWriteFacts.objects.filter(connector=connector)}
    called = connector.terminology
    return [
        TriedLevel(level=level, name=called.name(level), facts=known.get(level))
        for level in LEVELS
        if level in levels or level in known
    ]

"""Whether a write of a team-managed project's mapping carries the project's key, which Align's documents leave open.

From Jira to Align they name an address with `?ProjectKey=` and leave it out of their own POST; from Align to Jira their
table wants `projectKey` in the body, and their example has none. What a site took is a contract fact.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from connectors.models import Connector, Project
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction
from mappings.models import Change, ContractFact

PROJECT_KEY = "project-key"  # name of the fact; its value: {"POST": true}, where the key was needed
WITH_KEY = "Align took it only with the project key"
WITHOUT_KEY = "Align took it only without the project key"

Learned = MappingOf[tuple[Direction, str], bool]


def has_choice(direction: Direction, method: str) -> bool:
    """The deletion of an Align to Jira mapping has no body, and its path names the project already."""
    return direction is Direction.JIRA_TO_ALIGN or method != "DELETE"


def direction_of(change: Change) -> Direction:
    return FAMILIES[change.family].direction


def learned(connector: Connector) -> Learned:
    """By direction and method, whether the key goes along; both families of a direction share what one has shown."""
    found = ContractFact.objects.filter(connector=connector, name=PROJECT_KEY).order_by("seen_at")
    return {
        (FAMILIES[family].direction, method): with_key
        for family, value in found.values_list("family", "value")
        for method, with_key in value.items()
    }


def keyed_methods(known: Learned, direction: Direction, project: Project | None) -> frozenset[str]:
    """The methods that this site takes only with the key, for the mappings of that project."""
    if project is None or not project.team_managed:
        return frozenset()
    return frozenset(method for (of, method), with_key in known.items() if of is direction and with_key)


def is_open(change: Change) -> bool:
    """Whether its request could be sent with the key as well as without it."""
    direction, project = direction_of(change), change.scope.project if change.scope else None
    return project is not None and project.team_managed and has_choice(direction, change.method)


@dataclass
class KeyOnWrite:
    """What one apply knows, and learns, of the project's key in its requests."""

    connector: Connector
    known: dict[tuple[Direction, str], bool] = field(init=False)

    def __post_init__(self) -> None:
        self.known = dict(learned(self.connector))

    def turned(self, change: Change) -> bool:
        """Whether the request is to be sent the other way than planned: so it was learned since."""
        way = self.known.get((direction_of(change), change.method))
        if change.key_turned or way is None or not is_open(change):
            return change.key_turned
        return way is not change.plans_key

    def may_turn(self, change: Change, detail: str) -> bool:
        """Once, and only while nobody knows the way, unless Align's reason names the key itself."""
        if change.key_turned or not is_open(change):
            return False
        return (direction_of(change), change.method) not in self.known or "projectkey" in detail.lower()

    def learn(self, change: Change) -> bool:
        """Of a request that was taken, the way it was sent; True when that is news. The caller stores it."""
        key = direction_of(change), change.method
        if not is_open(change) or self.known.get(key) is change.carries_key:
            return False
        self.known[key] = change.carries_key
        return True

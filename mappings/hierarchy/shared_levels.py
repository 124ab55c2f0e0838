"""What holds for all projects of a connector, level by level, for who takes it from one connector to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alignadmin.accounts.models import Person
from connectors.align.terminology import LEVELS
from connectors.models import Connector
from mappings.configuration.drafting import LineRequest, set_lines
from mappings.engine.configuration import line_key
from mappings.engine.hierarchy import SHARED
from mappings.hierarchy.facts import HierarchyFacts
from mappings.hierarchy.page import HierarchyState
from mappings.hierarchy.subject import HIERARCHY


def agreed_levels(connector: Connector) -> dict[str, list[str]]:
    """Of the levels that somebody decided; an empty list: nothing stands for it."""
    agreed = HierarchyFacts(connector).agreed
    return {level: list(names) for level in LEVELS if (names := agreed.get(line_key(SHARED, level))) is not None}


def wanted_levels(connector: Connector) -> dict[str, list[str]]:
    """Of every level, with the draft and an open proposal, and what Jira tells where nobody has decided."""
    state = HierarchyState(connector)
    return state.facts.shared(state.wanted)


def draft_levels(connector: Connector, levels: Mapping[str, Sequence[str]], *, actor: Person) -> None:
    """All or none. Raises Refused, also where a proposal waits or they do not fit together."""
    wanted = HierarchyState(connector).wanted
    keys = {level: line_key(SHARED, level) for level in levels}
    requests = [
        LineRequest(key=keys[level], wanted=list(names), seen=wanted.get(keys[level]))
        for level, names in levels.items()
    ]
    set_lines(HIERARCHY, connector, requests, actor=actor)

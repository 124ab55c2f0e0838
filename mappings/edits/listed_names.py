"""Names of statuses and steps that are in no catalogue: as the records of Align's lists call them.

A step that was deleted before anybody read it here is still what a record leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Kind
from mappings.models import Mapping


@dataclass(kw_only=True)
class ListedNames:
    """By id."""

    statuses: dict[int, str] = field(default_factory=dict)
    steps: dict[int, str] = field(default_factory=dict)

    def without(self, statuses: Iterable[int], steps: Iterable[int]) -> ListedNames:
        return ListedNames(statuses=_without(self.statuses, statuses), steps=_without(self.steps, steps))


def _without(names: dict[int, str], known: Iterable[int]) -> dict[int, str]:
    left_out = set(known)
    return {id_: name for id_, name in names.items() if id_ not in left_out}


def marked(names: dict[int, str]) -> dict[int, str]:
    """ "Staging (590, gone)" """
    return {id_: f"{name} ({id_}, gone)" for id_, name in names.items()}


def listed_names(rows: Iterable[Mapping]) -> ListedNames:
    """What these rows' own records say; their scopes are at hand."""
    found = ListedNames()
    for row in rows:
        family = FAMILIES[row.scope.family]
        targets = {row.remote_id: row.observed, **dict(row.duplicates)}
        for record, (source, target) in row.names_in_align.items():
            _add(found, family.kind, family.direction is Direction.JIRA_TO_ALIGN, row.source_id, source)
            _add(found, family.kind, family.direction is not Direction.JIRA_TO_ALIGN, targets.get(int(record)), target)
    return found


def _add(found: ListedNames, kind: Kind, is_status: bool, id_: int | None, name: str) -> None:
    if id_ is None or not name:
        return
    if is_status:
        found.statuses[id_] = name
    elif kind is Kind.STEP:
        found.steps[id_] = name

"""Names of statuses and steps that are in no catalogue: as the records of Align's lists call them.

A step that was deleted before anybody read it here is still what a record leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import NamedTuple

from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Kind
from mappings.models import Mapping


@dataclass(kw_only=True)
class ListedNames:
    """By id."""

    statuses: dict[int, str] = field(default_factory=dict)
    steps: dict[int, str] = field(default_factory=dict)

    def __or__(self, others: ListedNames) -> ListedNames:
        return ListedNames(statuses=self.statuses | others.statuses, steps=self.steps | others.steps)

    def without(self, statuses: Iterable[int], steps: Iterable[int]) -> ListedNames:
        return ListedNames(statuses=_without(self.statuses, statuses), steps=_without(self.steps, steps))


def _without(names: dict[int, str], known: Iterable[int]) -> dict[int, str]:
    left_out = set(known)
    return {id_: name for id_, name in names.items() if id_ not in left_out}


def marked(names: dict[int, str]) -> dict[int, str]:
    """ "Staging (590, gone)" """
    return {id_: f"{name} ({id_}, gone)" for id_, name in names.items()}


class ListedRow(NamedTuple):
    """The records of one mapping: by their ids, where each leads to and how it calls its source and its target."""

    family: str
    source_id: int
    targets: MappingOf[int | None, int | None]
    names: MappingOf[str, tuple[str, str]]


def listed_names(rows: Iterable[Mapping]) -> ListedNames:
    """What these rows' own records say; their scopes are at hand."""
    return names_in_rows(
        ListedRow(
            row.scope.family, row.source_id, {row.remote_id: row.observed, **dict(row.duplicates)}, row.names_in_align
        )
        for row in rows
    )


def names_in_rows(rows: Iterable[ListedRow]) -> ListedNames:
    found = ListedNames()
    for row in rows:
        family = FAMILIES[row.family]
        to_align = family.direction is Direction.JIRA_TO_ALIGN
        for record, (source, target) in row.names.items():
            _add(found, family.kind, to_align, row.source_id, source)
            _add(found, family.kind, not to_align, row.targets.get(int(record)), target)
    return found


def _add(found: ListedNames, kind: Kind, is_status: bool, id_: int | None, name: str) -> None:
    if id_ is None or not name:
        return
    if is_status:
        found.statuses[id_] = name
    elif kind is Kind.STEP:
        found.steps[id_] = name

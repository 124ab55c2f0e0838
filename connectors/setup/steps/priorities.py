"""The priorities of Jira beside what Align's connector makes of them: a pure comparison, by Jira's ids.

Names are shown and never compared: Jira tells them in the language of the token's user, Align as it pulled them last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

NOTHING = "nothing"


class PriorityCell(NamedTuple):
    """Of one item type: the number of the priority in Align, None for none."""

    type: str
    target: int | None


@dataclass(frozen=True, kw_only=True)
class PriorityRow:
    """One of Jira's, with a cell for each of the types.

    `align_name`: how Align's connector calls it, where that differs.
    """

    jira_id: int
    name: str
    align_name: str
    cells: tuple[PriorityCell, ...]
    is_gone: bool = False

    @property
    def lacking(self) -> list[str]:
        """The types of which Align makes nothing."""
        return [cell.type for cell in self.cells if cell.target is None]


@dataclass(frozen=True, kw_only=True)
class PriorityComparison:
    """`types`: how the item types are called that Align's connector has priorities of."""

    types: tuple[str, ...]
    rows: tuple[PriorityRow, ...]

    @property
    def unmapped(self) -> list[str]:
        """ "Blocker (Feature)" for each that Jira has and Align makes nothing of."""
        return [
            f"{row.name} ({', '.join(row.lacking)})" if self.types else row.name
            for row in self.rows
            if not row.is_gone and (row.lacking or not self.types)
        ]

    @property
    def gone(self) -> list[str]:
        """Those that only Align's connector still has."""
        return [f"{row.name} ({row.jira_id})" for row in self.rows if row.is_gone]


def compare(
    jira: Sequence[Mapping[str, Any]], align: Sequence[Mapping[str, Any]], type_names: Mapping[int, str]
) -> PriorityComparison:
    """`jira` and `align` as they are kept (connectors/catalogue/priorities.py); `type_names` by Align's type ids."""
    types = {each: type_names.get(each, f"type {each}") for each in sorted({each["type"] for each in align})}
    targets = {(each["type"], each["jira"]): each["align"] for each in align}
    names = {each["jira"]: each["name"] for each in align}
    there = {each["id"]: each["name"] for each in jira}
    shown = [*there, *sorted(names.keys() - there.keys())]
    rows = (
        PriorityRow(
            jira_id=id_,
            name=there.get(id_) or names.get(id_) or f"Priority {id_}",
            align_name=names[id_] if id_ in there and names.get(id_, there[id_]) != there[id_] else "",
            cells=tuple(PriorityCell(name, targets.get((type_, id_))) for type_, name in types.items()),
            is_gone=id_ not in there,
        )
        for id_ in shown
    )
    return PriorityComparison(types=tuple(types.values()), rows=tuple(rows))

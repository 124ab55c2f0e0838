"""What the next move of an issue or its item would do by the mappings in force, in either system. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mappings.engine.item_prediction import PENDING
from mappings.engine.item_rules import ItemRules
from mappings.engine.values import TypeName


@dataclass(frozen=True, kw_only=True)
class OfferedMove:
    """A transition that Jira offers. `asks`: names of fields that its screen wants values of.

    `is_available`: False where a condition of it is not met; None where Jira does not tell.
    """

    name: str
    status_id: int
    status_name: str
    is_available: bool | None = None
    asks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class JiraMove:
    """What Align shows after it. `state` is None where items of the level have no mappings of statuses.

    `is_mapped`: False where the status has no mapping, and so falls to 0. `changes`: not the state shown now, which is
    None where nobody knows it.
    """

    offered: OfferedMove
    state: int | None
    is_mapped: bool
    step: int | None
    changes: bool | None


class MoveOutcome(StrEnum):
    """What a state or step set in Align comes to in Jira."""

    NOTHING = "nothing"  # no mapping: nothing happens in Jira
    THERE = "there"  # the issue is in that status already
    RESOLVED = "resolved"  # the issue is at an end of the work, and Align moves none that is
    ASKS = "asks"  # a way is known, whose first transition wants values that Align does not give
    WAY = "way"
    NO_WAY = "no-way"  # all that lies behind the status was told, and it is not among it
    NOT_TOLD = "not-told"  # Jira told too little to say


@dataclass(frozen=True, kw_only=True)
class AlignMove:
    """`value`: of a state or a step. `status_id`: the status that our records want. `way`: of WAY and ASKS, as words.
    `asks`: names of the fields that are wanted.
    """

    value: int
    status_id: int | None
    outcome: MoveOutcome
    way: Sequence[str] = ()
    asks: Sequence[str] = ()


def moves_in_jira(
    level: str, offered: Sequence[OfferedMove], rules: ItemRules, state_now: int | None
) -> list[JiraMove]:
    """For each transition, in Jira's order."""
    found = []
    has_states = level in frozenset(TypeName)
    for each in offered:
        mapped = rules.states.get((level, each.status_id)) if has_states else None
        state = (PENDING if mapped is None else mapped) if has_states else None
        found.append(
            JiraMove(
                offered=each,
                state=state,
                is_mapped=mapped is not None,
                step=rules.steps.get((level, each.status_id)),
                changes=None if state is None or state_now is None else state != state_now,
            )
        )
    return found


def moves_in_align(
    values: Sequence[int],
    records: Mapping[int, int],
    status_now: int,
    ways: Mapping[int, Sequence[str]],
    *,
    is_whole: bool,
    is_resolved: bool = False,
    asked: Mapping[int, Sequence[str]] | None = None,
) -> list[AlignMove]:
    """For each state or step. `records`: to the status that it wants; `ways`: by status, as far as Jira told, of
    which `is_whole` says whether it told all; `asked`: by status, what the first transition of the way wants.
    """
    found = []
    for value in values:
        status = records.get(value)
        way: Sequence[str] = ()
        asks: Sequence[str] = ()
        if status is None:
            outcome = MoveOutcome.NOTHING
        elif status == status_now:
            outcome = MoveOutcome.THERE
        elif is_resolved:
            outcome = MoveOutcome.RESOLVED
        elif status in ways:
            way, asks = ways[status], (asked or {}).get(status, ())
            outcome = MoveOutcome.ASKS if asks else MoveOutcome.WAY
        else:
            outcome = MoveOutcome.NO_WAY if is_whole else MoveOutcome.NOT_TOLD
        found.append(AlignMove(value=value, status_id=status, outcome=outcome, way=way, asks=asks))
    return found

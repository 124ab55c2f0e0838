"""The next move in either system by the mappings: pure, and total."""

from __future__ import annotations

from random import Random

import pytest

from mappings.engine.item_rules import ItemRules
from mappings.engine.next_moves import MoveOutcome, OfferedMove, moves_in_align, moves_in_jira


@pytest.mark.parametrize("seed", range(200))
def test_every_move_has_one_outcome_and_a_way_only_where_one_is_known(seed: int) -> None:
    random = Random(seed)
    records = {state: random.randint(1, 6) for state in range(6) if random.random() < 0.7}
    ways = {status: ["a way"] * random.randint(1, 3) for status in range(1, 7) if random.random() < 0.5}
    status, is_whole, is_resolved = random.randint(1, 6), random.random() < 0.5, random.random() < 0.2
    asked = {number: ["Resolution"] for number in range(1, 7) if random.random() < 0.3}
    moves = moves_in_align(range(6), records, status, ways, is_whole=is_whole, is_resolved=is_resolved, asked=asked)
    assert [each.value for each in moves] == list(range(6))
    for each in moves:
        wanted = records.get(each.value)
        assert each.status_id == wanted
        assert (each.outcome is MoveOutcome.NOTHING) == (wanted is None)
        assert (each.outcome is MoveOutcome.THERE) == (wanted == status)
        differs = wanted is not None and wanted != status
        assert (each.outcome is MoveOutcome.RESOLVED) == (differs and is_resolved)
        reached = differs and not is_resolved and wanted in ways
        assert (each.outcome is MoveOutcome.ASKS) == (reached and wanted in asked)
        assert (each.outcome is MoveOutcome.WAY) == (reached and wanted not in asked)
        assert list(each.way) == (ways[wanted] if reached and wanted is not None else [])
        if each.outcome in (MoveOutcome.NO_WAY, MoveOutcome.NOT_TOLD):
            assert (each.outcome is MoveOutcome.NO_WAY) == is_whole


def test_a_transition_leads_to_the_state_of_its_status_and_to_0_without_one() -> None:
    rules = ItemRules(states={("story", 3): 2, ("story", 4): 0}, steps={("story", 3): 91})
    offered = [OfferedMove(name=str(each), status_id=each, status_name=str(each)) for each in (3, 4, 5)]
    moves = moves_in_jira("story", offered, rules, 2)
    assert [(each.state, each.is_mapped, each.step, each.changes) for each in moves] == [
        (2, True, 91, False),
        (0, True, None, True),
        (0, False, None, True),
    ]
    assert {each.changes for each in moves_in_jira("story", offered, rules, None)} == {None}
    assert {(each.state, each.is_mapped) for each in moves_in_jira("epic", offered, rules, 2)} == {(None, False)}

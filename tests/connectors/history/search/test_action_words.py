"""The words of acts: every act that a source file records has some, and no page shows its raw name."""

from __future__ import annotations

import re

import pytest

from connectors.history.search.action_words import OF_MAPPINGS, OF_THE_REST, WORDS, words_of
from connectors.history.search.folding import folded
from connectors.models import HistoryRow
from mappings.drift.decisions import Decision
from mappings.models.plan import ChangeState
from tests import ROOT

KINDS = {action.partition(".")[0] for action in WORDS if "." in action}
# What looks like an act and is none: a column, and a file of a pack.
NOT_ACTS = {"connector.slug", "keys.json"}
NEVER_RECORDED = {f"change.{state}" for state in (ChangeState.PLANNED, ChangeState.SENDING)}


def test_every_act_that_is_recorded_has_words(sources: None) -> None:
    named = re.compile(rf'"((?:{"|".join(sorted(KINDS))})\.[a-z][a-z_-]+)"')
    found = {
        name
        for floor in ("alignadmin", "connectors", "mappings")
        for path in (ROOT / floor).rglob("*.py")
        if "sandbox" not in path.parts and "migrations" not in path.parts
        for name in named.findall(path.read_text())
        if not name.endswith((".md", ".html", ".py"))
    }
    made = {f"drift.{each.value}" for each in Decision} | {f"change.{each.value}" for each in ChangeState}
    assert (found | made) - NOT_ACTS - NEVER_RECORDED - set(WORDS) == set()


def test_an_act_is_of_mappings_or_of_the_rest() -> None:
    assert not set(OF_MAPPINGS) & set(OF_THE_REST)
    assert words_of("some.new-act") == "Some new act"


@pytest.mark.parametrize(("plans", "groups"), [([7, 7, 7, None, 7], [3, 1, 1]), ([7, 7, 8, 8], [1, 1, 1, 1])])
def test_rows_of_one_plan_that_stand_together_fold(plans: list[int | None], groups: list[int]) -> None:
    rows = [HistoryRow(pk=number, plan=plan, action="change.done") for number, plan in enumerate(plans)]
    found = folded(rows, opened=1)
    assert [1 + len(group.more) for group in found] == groups
    assert [row.pk for group in found for row in (group.first, *group.more)] == [row.pk for row in rows]
    assert all(group.is_open for group in found if group.more)
    assert [group.summary for group in found if group.more] == ["2 × done in Align"] * any(n > 1 for n in groups)
    assert all(not group.more for group in folded(rows, is_on=False))

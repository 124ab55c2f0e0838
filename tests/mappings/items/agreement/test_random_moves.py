"""Both sides move at random: what is predicted is what the sandbox holds, or it is listed with the true reason.

The truth is the sandbox's own word: what its connector wrote down of the last thing that happened to a pair.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

import pytest

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings.engine.families import J2A_STATE
from mappings.models import ComparedItem
from tests.support.agreement_helpers import TwoSides, compare_project

pytestmark = pytest.mark.django_db(transaction=True)

MADE, MOVES, ROUNDS, MANY = 12, 40, 12, 10_000
STATES, OPEN = range(6), 0.9
BY_NOTE = (
    ("which is not mapped in its project", {"no-mapping-there"}),
    # A status that the workflow of the type does not have is told as that, which is more than the connector says.
    ("no transition leads", {"no-transition", "refused-there"}),
    ("is resolved: it stays", {"refused-there"}),
    ("cannot go to", {"refused-there"}),
    ("cannot be carried over", {"refused-here"}),
)
ARRIVED = {"changed-by-hand", "no-mapping-here"}  # its status leads to another state than the one that moved it


@dataclass
class Moved:
    """`last`: what the connector said of each pair when Align's state was set last; empty since Jira moved it."""

    sides: TwoSides
    chance: random.Random
    last: dict[str, str] = field(default_factory=dict)

    def step(self, key: str, level: str, item: int) -> None:
        self.sides.sandbox.clear_journal()
        if self.chance.random() < 0.5:
            self.sides.set(level, item, state=self.chance.choice(STATES))
            if notes := self._notes(key):
                self.last[key] = notes[-1]
        elif found := self.sides.transitions(key):
            open_ = [each for each in found if each["to"]["statusCategory"]["key"] != "done"]
            # What is resolved stays so for most of the time, and then one reason hides the others.
            chosen = self.chance.choice(open_ if open_ and self.chance.random() < OPEN else found)
            if self.sides.moved(key, chosen["id"]):
                self.last[key] = ""

    def _notes(self, key: str) -> list[str]:
        return [each["notes"][0] for each in self.sides.sandbox.journal("CONNECTOR") if each["path"] == key]


def states_of(sides: TwoSides, connector: Connector) -> dict[tuple[str, int], int]:
    """By the records that the sandbox holds of company-managed projects; of two of one key the older one counts."""
    path = f"/connectors/{connector.align_connector_id}/mappings/states"
    names = {number: type_.value for type_, number in J2A_STATE.type_ids.items()}
    rows = sides.sandbox.align("GET", path, params={"$top": "100", "$orderby": "id"}).json()
    found: dict[tuple[str, int], int] = {}
    for each in rows:
        found.setdefault((names.get(each["workItemTypeId"], ""), each["jiraStatusId"]), each["alignStateId"])
    return found


def make_more(sides: TwoSides) -> None:
    """Align's connector imports each at once."""
    for number in range(MADE):
        named = {"project": {"key": "PAY"}, "issuetype": {"name": ("Story", "Bug", "Epic")[number % 3]}}
        sides.jira("POST", "/issue", {"fields": {**named, "summary": f"Moved about {number}"}})


def move_at_random(sides: TwoSides, moves: int, seed: int) -> Moved:
    moved = Moved(sides, random.Random(seed))
    pairs = [
        (key, level, item["id"])
        for level in ("feature", "story", "defect")
        for key, item in sides.items(level).items()
        if key.startswith("PAY-") and not item["isRecycled"]
    ]
    for _ in range(moves):
        moved.step(*moved.chance.choice(pairs))
    return moved


def check(sides: TwoSides, connector: Connector, moved: Moved) -> set[str]:
    """The reasons that were seen."""
    mapped, seen = states_of(sides, connector), set()
    for level in ("feature", "story", "defect"):
        for key, item in sides.items(level).items():
            if key not in moved.last:
                continue
            row = ComparedItem.objects.get(issue_key=key)
            expected = mapped.get((level, int(sides.fields(key)["status"]["id"])), 0)
            told = [each["reason"] for each in row.differences if each["key"] == "state"]
            if expected == item["state"]:
                assert told == [], (key, moved.last[key], row.differences)
                continue
            note = moved.last[key]
            true = next((reasons for words, reasons in BY_NOTE if words in note), ARRIVED)
            assert len(told) == 1, (key, note, expected, item["state"], row.differences)
            assert told[0] in true, (key, note, told, row.sentence)
            assert row.reason == told[0]
            seen.add(told[0])
    return seen


def test_what_is_predicted_holds_or_is_listed_with_the_true_reason(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    make_more(sides)
    seen: set[str] = set()
    for seed in range(ROUNDS):
        moved = move_at_random(sides, MOVES, seed)
        compare_project(connector, "PAY", admin)
        seen |= check(sides, connector, moved)
    assert seen >= {"no-mapping-there", "no-transition", "refused-there"}, seen


@pytest.mark.soak
def test_ten_thousand_moves(connector: Connector, sides: TwoSides, admin: Person) -> None:
    make_more(sides)
    seed = int(os.environ.get("SEED", "1"))
    for round_ in range(MANY // MOVES):
        moved = move_at_random(sides, MOVES, seed + round_)
        compare_project(connector, "PAY", admin)
        check(sides, connector, moved)

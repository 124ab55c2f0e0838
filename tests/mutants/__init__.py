"""Mutants: small faults that somebody could make, each of which a test of its room has to notice.

One list for each room, by hand: the file, the text that stands in it exactly once, and what it becomes. `survives`
says why a mutant that no test kills is accepted: mostly that nobody could tell it from the original.
`python -m tests.mutants` runs them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests import ROOT

FOLDER = Path(__file__).resolve().parent

# What of the suite is run for a room, the narrowest first; no browser, nothing that takes minutes.
TESTS = {
    "engine": ("tests/mappings/engine",),
    "planning": ("tests/mappings/planning", "tests/mappings/test_four_people.py"),
    "applying": (
        "tests/mappings/applying/test_apply.py",
        "tests/mappings/applying/test_key_on_write.py",
        "tests/mappings/applying/test_overwrites.py",
        "tests/mappings/planning/test_plan_control.py",
        "tests/mappings/applying/test_apply_crash.py",
    ),
    "audit": ("tests/alignadmin/audit",),
    "history": (
        "tests/connectors/history/mirror",
        "tests/connectors/history/cases",
        "tests/connectors/history/intake/test_audit_intake.py",
        "tests/connectors/history/intake/test_withdrawals.py",
        "tests/mappings/test_four_people.py",
    ),
    "budget": (
        "tests/connectors/budget/test_budget.py",
        "tests/connectors/budget/test_budget_classes.py",
        "tests/connectors/budget/test_budget_page.py",
    ),
    "sealing": (
        "tests/alignadmin/audit/test_seal_keys.py",
        "tests/connectors/credentials/test_sealing.py",
        "tests/alignadmin/audit/test_seal_rotate.py",
    ),
    "rotation": (
        "tests/connectors/credentials/rotation/test_rotation.py",
        "tests/connectors/credentials/pages/test_credential_pages.py",
    ),
    "jira": (
        "tests/connectors/jira/test_jira_reach.py",
        "tests/connectors/jira/test_jira_issues.py",
        "tests/connectors/jira/test_jira_rights.py",
        "tests/connectors/jira/test_any_jira_answer.py",
        "tests/connectors/credentials/probing/test_jira_needs.py",
    ),
    "rights": (
        "tests/alignadmin/test_roles.py::test_the_rule_in_the_code_is_the_one_in_the_table",
        "tests/alignadmin/accounts/test_rights.py",
        "tests/alignadmin/accounts/test_second_factor.py",
        "tests/alignadmin/test_every_address.py::test_what_holds_of_every_answer",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    room: str
    number: int  # its place in the list, from 1
    file: str
    before: str
    after: str
    survives: str = ""

    @property
    def line(self) -> int:
        """Where its first difference stands, from 1."""
        text = (ROOT / self.file).read_text()
        same = next((n for n, (a, b) in enumerate(zip(self.before, self.after, strict=False)) if a != b), 0)
        return text[: text.index(self.before) + same].count("\n") + 1

    def applied_to(self, text: str) -> str:
        if (times := text.count(self.before)) != 1:
            raise ValueError(f"{self.room} {self.number}: its text stands {times} times in {self.file}")
        return text.replace(self.before, self.after)


def mutants(room: str) -> list[Mutant]:
    listed = tomllib.loads((FOLDER / f"{room}.toml").read_text())["mutant"]
    return [Mutant(room=room, number=number, **each) for number, each in enumerate(listed, start=1)]

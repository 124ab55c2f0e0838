"""What is asked before rows are decided: exactly what will happen, to how many rows, and which are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from alignadmin.accounts.models import Person
from alignadmin.text import counted
from mappings.drift.address import DriftAddress
from mappings.drift.decisions import MOST_NAMED, Decision, DecisionOutcome, DriftDecision, SeenRow, foresee
from mappings.drift.queries import filtered_rows
from mappings.edits.names import names_for
from mappings.engine.values import Situation
from mappings.matrix.lines import OpenLine, open_line
from mappings.models import Mapping


@dataclass(frozen=True, kw_only=True)
class DriftQuestion:
    """One decision about `rows`, as a page or a dialog shows it before it is carried out.

    The rows go with its form as they were shown, so that what is confirmed is decided, and nothing else.
    """

    address: DriftAddress
    rows: Sequence[SeenRow]
    drift_decision: DriftDecision
    until: str  # the day as it was typed
    person: Person
    is_all: bool = False  # asked for all rows that the page's filters left
    reason: str = ""  # of a plan, as they were typed before they were refused
    ticket: str = ""

    @cached_property
    def outcome(self) -> DecisionOutcome:
        return foresee(self.address.connector, self.rows, self.drift_decision, actor=self.person)

    @property
    def decision(self) -> Decision:
        return self.drift_decision.decision

    @property
    def ends(self) -> datetime | None:
        return self.drift_decision.until

    @property
    def count(self) -> int:
        return self.outcome.decided

    @property
    def row_words(self) -> str:
        return counted(self.count, "row")

    @property
    def tokens(self) -> str:
        """Of those that can be decided: one field for all of them."""
        chosen = set(self.outcome.rows)
        return " ".join(each.token for each in self.rows if each.pk in chosen)

    @cached_property
    def conflicts(self) -> int:
        """How many hold an edit of ours that was not applied."""
        return Mapping.objects.filter(pk__in=self.outcome.rows, situation=Situation.CONFLICT).count()

    @cached_property
    def lines(self) -> list[OpenLine]:
        """The first of them, by name."""
        related = ("scope__project", "scope__connector")
        rows = list(Mapping.objects.filter(pk__in=self.outcome.rows[:MOST_NAMED]).select_related(*related))
        names = names_for(rows)
        return [open_line(row, names) for row in rows]

    @property
    def more(self) -> int:
        return self.count - len(self.lines)

    @cached_property
    def came(self) -> int:
        """How many rows the filters leave now that the page did not have when it was loaded."""
        if not self.is_all:
            return 0
        return filtered_rows(self.address).exclude(pk__in=[each.pk for each in self.rows]).count()

    @property
    def back(self) -> str:
        return self.address.but(row=None).url

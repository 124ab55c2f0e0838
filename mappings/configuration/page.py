"""What the pages of configuration show: the draft beside its subject's page, and one proposal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.models import Connector
from mappings.configuration.draft import DraftState, last_save
from mappings.configuration.proposing import may_withdraw, why_stale
from mappings.configuration.subjects import LineWords, subject_of
from mappings.engine.configuration import ConfigurationProblem
from mappings.engine.values import Severity
from mappings.models import ConfigurationProposal, DraftLine, ProposalState
from mappings.planning.second_person import needs_another

SHOWN = 12  # signs of a fingerprint
MOST_FORMER = 10


@dataclass(frozen=True, kw_only=True)
class PendingLine:
    """A line of the draft. `is_moved`: what it would replace is another value than its author saw."""

    words: LineWords
    row: DraftLine | None
    is_moved: bool


class DraftPanel:
    """Beside the page of a subject: its pending lines, its problems, its open proposal and the last decisions."""

    def __init__(self, state: DraftState, person: Person, *, reason: str = "", ticket: str = "") -> None:
        self.state, self.person, self.reason, self.ticket = state, person, reason, ticket
        self.subject, self.connector = state.subject, state.connector

    @property
    def can_edit(self) -> bool:
        return may(self.person, Right.EDIT) and self.connector.disconnected_at is None

    @property
    def back(self) -> str:
        return reverse(self.subject.page, args=[self.connector.slug])

    @cached_property
    def lines(self) -> list[PendingLine]:
        rows, state = self.state.rows, self.state
        return [
            PendingLine(words=words, row=rows.get(words.key), is_moved=state.moved(words.key)) for words in state.words
        ]

    @property
    def problems(self) -> Sequence[ConfigurationProblem]:
        order = list(Severity)
        return sorted(self.state.problems, key=lambda each: order.index(each.severity))

    @property
    def is_blocked(self) -> bool:
        return bool(self.state.errors)

    @property
    def proposal(self) -> ConfigurationProposal | None:
        return self.state.proposal

    @property
    def fingerprint(self) -> str:
        return self.state.fingerprint

    @cached_property
    def can_undo(self) -> bool:
        if not self.can_edit or self.state.proposal:
            return False
        return last_save(self.connector, self.subject.code, self.person) is not None

    @cached_property
    def former(self) -> list[ConfigurationProposal]:
        """The last ones that were decided."""
        found = ConfigurationProposal.objects.filter(connector=self.connector, subject=self.subject.code)
        decided = found.exclude(state=ProposalState.OPEN).select_related("author", "decider")
        return list(decided.order_by("-pk")[:MOST_FORMER])


class ProposalPage:
    def __init__(self, proposal: ConfigurationProposal, person: Person) -> None:
        self.proposal, self.person = proposal, person
        self.subject = subject_of(proposal.subject)
        self.connector: Connector = proposal.connector

    @property
    def lines(self) -> list[dict[str, Any]]:
        return list(self.proposal.lines)

    @property
    def back(self) -> str:
        return reverse(self.subject.page, args=[self.connector.slug])

    @property
    def fingerprint(self) -> str:
        return self.proposal.fingerprint[:SHOWN]

    @property
    def is_open(self) -> bool:
        return self.proposal.state == ProposalState.OPEN

    @cached_property
    def stale(self) -> str:
        """Why it cannot be approved any more; empty where it can."""
        return why_stale(self.proposal, DraftState(self.subject, self.connector)) if self.is_open else ""

    @property
    def needs_another(self) -> bool:
        return needs_another(self.connector, self.person, lambda: self.proposal.people)

    @property
    def may_decide(self) -> bool:
        return self.is_open and may(self.person, Right.APPROVE) and self.connector.disconnected_at is None

    @property
    def may_approve(self) -> bool:
        return self.may_decide and not self.needs_another and not self.stale

    @property
    def may_withdraw(self) -> bool:
        return self.is_open and may_withdraw(self.proposal, self.person) and self.connector.disconnected_at is None

"""The draft of a subject as it stands: what is agreed, what is wanted in place of it and by whom, what is proposed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings.configuration.subjects import ConfigurationSubject, LineWords
from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    LineValue,
    LineValues,
    changed,
    differences,
    fingerprint_of_lines,
    is_same,
    new_errors,
)
from mappings.engine.values import Severity
from mappings.models import ConfigurationProposal, DraftLine, DraftSave, ProposalState

ROWS_AT_ONCE = 500


class DraftState:
    """Each part is read once, when it is first asked for; an act makes one behind the connector's row."""

    def __init__(self, subject: ConfigurationSubject, connector: Connector) -> None:
        self.subject, self.connector = subject, connector

    @cached_property
    def agreed(self) -> LineValues:
        return self.subject.agreed(self.connector)

    @cached_property
    def rows(self) -> dict[str, DraftLine]:
        """By key; also those whose value was agreed on another way since, which change nothing any more."""
        found = DraftLine.objects.filter(connector=self.connector, subject=self.subject.code)
        return {row.key: row for row in found.select_related("author")}

    @cached_property
    def proposal(self) -> ConfigurationProposal | None:
        """The open one."""
        found = ConfigurationProposal.objects.filter(
            connector=self.connector, subject=self.subject.code, state=ProposalState.OPEN
        )
        return found.select_related("connector", "author").first()

    @cached_property
    def drafted(self) -> LineValues:
        """What is agreed, with the draft in place of it."""
        rows = [LineChange(key=row.key, before=row.agreed, after=row.wanted) for row in self.rows.values()]
        return changed(self.agreed, rows)

    @cached_property
    def wanted(self) -> LineValues:
        """What people look at and edit: also with what is proposed."""
        return changed(self.drafted, proposed_changes(self.proposal) if self.proposal else ())

    @cached_property
    def changes(self) -> list[LineChange]:
        """What a proposal of the draft would change."""
        return differences(self.agreed, self.drafted)

    @property
    def fingerprint(self) -> str:
        """Of these changes: stands in the form that proposes them."""
        return fingerprint_of_lines(self.connector.pk, self.subject.code, self.changes)

    @cached_property
    def words(self) -> list[LineWords]:
        return list(self.subject.lines(self.connector, self.agreed, self.drafted))

    @cached_property
    def problems(self) -> list[ConfigurationProblem]:
        """Of what is wanted."""
        return list(self.subject.checks(self.connector, self.wanted))

    @cached_property
    def agreed_problems(self) -> list[ConfigurationProblem]:
        """Of what is in force."""
        return list(self.subject.checks(self.connector, self.agreed))

    @property
    def errors(self) -> list[ConfigurationProblem]:
        """Those that the draft would bring."""
        if not any(each.severity is Severity.ERROR for each in self.problems):
            return []
        return new_errors(self.agreed_problems, self.problems)

    def value(self, key: str) -> LineValue:
        return self.wanted.get(key)

    def moved(self, key: str) -> bool:
        """Whether another value was agreed on since somebody decided on this line of the draft."""
        row = self.rows.get(key)
        return row is not None and not is_same(row.agreed, self.agreed.get(key))


def put_into_draft(rows: Iterable[DraftLine]) -> None:
    """In place of those of the same keys."""
    DraftLine.objects.bulk_create(
        rows,
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["connector", "subject", "key"],
        update_fields=["agreed", "wanted", "author", "decided_at"],
    )


def last_save(connector: Connector, subject: str, person: Person) -> DraftSave | None:
    """What undo would take back."""
    saves = DraftSave.objects.filter(connector=connector, subject=subject, author=person, is_over=False)
    return saves.order_by("-pk").first()


def proposed_changes(proposal: ConfigurationProposal) -> list[LineChange]:
    return [LineChange(key=line["key"], before=line["before"], after=line["after"]) for line in proposal.lines]


def moved_lines(proposal: ConfigurationProposal, agreed: LineValues) -> list[str]:
    """The labels of lines of an open proposal that have another agreed value than it was made upon."""
    return [line["label"] for line in proposal.lines if not is_same(line["before"], agreed.get(line["key"]))]

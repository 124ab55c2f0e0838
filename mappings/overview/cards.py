"""One connector on the overview, for one person: its health, its coverage, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.text import counted
from connectors.catalogue.issue_types import IssueTypes
from connectors.credentials import expiry, reminders
from connectors.history.cases import services
from connectors.history.intake import gaps
from connectors.models import Connector, Credential
from connectors.setup import queries
from connectors.setup.steps.guide import guide_of
from mappings.contract import facts
from mappings.drift.address import drift_url, found_url, in_use_url
from mappings.drift.status import WatchStatus
from mappings.edits.queries import unplanned
from mappings.findings import lines as findings
from mappings.in_use.lines import in_use_lines
from mappings.matrix.coverage import CoverageRow, ProjectCoverage
from mappings.matrix.coverage import coverage as project_coverage
from mappings.models import OPEN_PLANS, Plan, PlanState
from mappings.planning.approval_asks import asks_to

MOST_FINDINGS = 5  # named on a card; the drift page has them all
MOST_IN_USE = 3  # likewise
MOST_PLANS = 5
MOST_PROJECTS = 12  # drawn on a card; the coverage page has them all


@dataclass
class OverviewConnector:
    """One connector on the overview, for one person."""

    connector: Connector
    person: Person
    watch: WatchStatus
    at_hand: IssueTypes | None = None

    @cached_property
    def coverage(self) -> ProjectCoverage:
        return project_coverage(self.connector, matches=self.matches)

    @cached_property
    def matches(self) -> IssueTypes:
        return self.at_hand or IssueTypes(self.connector)

    @property
    def health(self) -> queries.Health:
        return queries.health(self.connector, self.credentials)

    @cached_property
    def worst(self) -> list[CoverageRow]:
        """The projects that need a look most; the coverage page has all."""
        return self.coverage.worst_first[:MOST_PROJECTS]

    @cached_property
    def credentials(self) -> list[queries.CredentialLine]:
        return queries.credential_lines(self.connector)

    @cached_property
    def log(self) -> gaps.CoverageState:
        return gaps.state(self.connector)

    @property
    def waiting(self) -> list[tuple[str, str]]:
        """(sentence, address) of everything that waits for somebody."""
        return [line for part in self.waiting_by_kind for line in part]

    @cached_property
    def waiting_by_kind(self) -> list[list[tuple[str, str]]]:
        """The same, by its kind: what stops everything and what falls to 0 first."""
        parts = (
            self._waiting_credentials,
            self._waiting_set_up,
            self._waiting_findings,
            self._waiting_in_use,
            self._waiting_contract,
            self._waiting_rows,
            self._waiting_plans,
            self._waiting_cases,
            self._waiting_log,
        )
        return [list(part()) for part in parts]

    def _waiting_findings(self) -> Iterator[tuple[str, str]]:
        """What is otherwise in Jira or Align than before, what falls to 0 first."""
        lines = findings.attention(self.connector)
        for line in lines[:MOST_FINDINGS]:
            yield line.sentence(), line.href
        if (more := len(lines) - MOST_FINDINGS) > 0:
            yield f"{counted(more, 'more difference')} found in Jira and Align", found_url(self.connector)

    def _waiting_in_use(self) -> Iterator[tuple[str, str]]:
        """Issues that sit in a status without a mapping now."""
        lines = in_use_lines(self.connector)
        for line in lines[:MOST_IN_USE]:
            yield line.sentence, line.href
        if (more := len(lines) - MOST_IN_USE) > 0:
            what = counted(more, "more status", "more statuses")
            yield f"{what} in use without a mapping", in_use_url(self.connector)

    def _waiting_credentials(self) -> Iterator[tuple[str, str]]:
        """What is refused, and what ends from the first day of reminders on, for those who may replace it."""
        if not may(self.person, Right.CONFIGURE):
            return
        for credential in sorted((line.credential for line in self.credentials if line.credential), key=_by_end):
            left = expiry.deadline(credential).days_left
            if left is not None and left <= max(reminders.thresholds()):
                yield reminders.sentence(credential), expiry.address_of(credential)
            elif credential.refused_status:
                name = f"{credential.get_system_display()} credential of {self.connector}"
                yield f"{name} was refused ({credential.refused_status})", expiry.address_of(credential)

    def _waiting_set_up(self) -> Iterator[tuple[str, str]]:
        """One line until every step of its set-up that is needed is done, for those who may do them.

        Once a plan was applied it is in use, and the other lines tell what is wrong with it.
        """
        if not may(self.person, Right.CONFIGURE):
            return
        if Plan.objects.filter(connector=self.connector, state=PlanState.FINISHED, is_ours=False).exists():
            return
        if left := guide_of(self.connector, matches=self.matches, for_states=True).finish_sentence:
            yield left, reverse("setup", args=[self.connector.slug])

    def _waiting_contract(self) -> Iterator[tuple[str, str]]:
        if changed := len(facts.unacknowledged(self.connector.slug)):
            address = reverse("connector-contract", args=[self.connector.slug])
            yield f"{counted(changed, 'change')} in the observed API behaviour", address

    def _waiting_rows(self) -> Iterator[tuple[str, str]]:
        if edited := unplanned().filter(scope__connector=self.connector).count():
            yield f"{counted(edited, 'edit')} not planned", reverse("plan-new", args=[self.connector.slug])
        if self.watch.drifted:
            yield f"{counted(self.watch.drifted, 'change')} made elsewhere to review", drift_url(self.connector)

    def _waiting_plans(self) -> Iterator[tuple[str, str]]:
        """What this person is asked to approve first, and in the place of the plan's own line."""
        asks = asks_to(self.person, self.connector)
        for ask in asks:
            yield f"{ask.asked_by} asks you to approve plan {ask.plan_id}", reverse("plan", args=[ask.plan_id])
        plans = Plan.objects.filter(connector=self.connector, state__in=OPEN_PLANS)
        plans = plans.exclude(pk__in=[ask.plan_id for ask in asks])
        for plan in plans[:MOST_PLANS]:
            yield f"Plan {plan.pk}: {plan.get_state_display().lower()}", reverse("plan", args=[plan.pk])
        if (more := plans.count() - MOST_PLANS) > 0:
            yield f"{counted(more, 'more plan')} open", f"{reverse('plans')}?connector={self.connector.slug}"

    def _waiting_cases(self) -> Iterator[tuple[str, str]]:
        if may(self.person, Right.EXPLAIN) and (outside := services.open_cases(self.connector)):
            address = f"{reverse('cases')}?connector={self.connector.slug}"
            yield f"{counted(outside, 'outside change')} not explained", address

    def _waiting_log(self) -> Iterator[tuple[str, str]]:
        """What Align's log says of this time cannot be known, so whoever may take its lines in is asked to."""
        if may(self.person, Right.HISTORY) and (late := self.log.sentence):
            yield late, f"{reverse('history-intake')}?connector={self.connector.slug}"


def _by_end(credential: Credential) -> date:
    return credential.expires_on or date.max

"""The overview: per connector its health, its coverage, what waits, and what happened last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect as plain_redirect
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import checkpoints
from alignadmin.text import counted
from alignadmin.web.responses import page
from connectors.credentials import expiry, reminders
from connectors.history.cases import services
from connectors.history.intake import gaps
from connectors.history.packs import schedules
from connectors.history.reviews import questions, sign_off
from connectors.history.search import visibility
from connectors.history.verification import services as verification
from connectors.models import Connector, Credential
from connectors.ports.requests import with_credentials
from connectors.setup import queries
from mappings.contract import facts
from mappings.drift.address import drift_url, found_url, in_use_url
from mappings.drift.status import WatchStatus, statuses
from mappings.edits.queries import situation_counts
from mappings.engine.values import Situation
from mappings.findings import lines as findings
from mappings.in_use.lines import in_use_lines
from mappings.matrix import coverage
from mappings.models import Plan, PlanState
from mappings.planning.emergencies import emergencies

MOST_FINDINGS = 5  # named on a card; the drift page has them all
MOST_IN_USE = 3  # likewise


@dataclass
class OverviewConnector:
    """One connector on the overview, for one person."""

    connector: Connector
    person: Person
    watch: WatchStatus

    @cached_property
    def coverage(self) -> coverage.ProjectCoverage:
        return coverage.coverage(self.connector)

    @cached_property
    def situations(self) -> dict[str, int]:
        return situation_counts(self.connector)

    @cached_property
    def credentials(self) -> list[queries.CredentialLine]:
        return queries.credential_lines(self.connector)

    @cached_property
    def log(self) -> gaps.CoverageState:
        return gaps.state(self.connector)

    @property
    def waiting(self) -> list[tuple[str, str]]:
        """(sentence, address) of everything that waits for somebody."""
        parts = (
            self._waiting_findings,
            self._waiting_in_use,
            self._waiting_credentials,
            self._waiting_contract,
            self._waiting_rows,
            self._waiting_plans,
            self._waiting_cases,
            self._waiting_log,
        )
        return [line for part in parts for line in part()]

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

    def _waiting_contract(self) -> Iterator[tuple[str, str]]:
        if changed := len(facts.unacknowledged(self.connector.slug)):
            address = reverse("connector-contract", args=[self.connector.slug])
            yield f"{counted(changed, 'change')} in the observed API behaviour", address

    def _waiting_rows(self) -> Iterator[tuple[str, str]]:
        if edited := self.situations.get(Situation.EDITED.value, 0):
            yield f"{counted(edited, 'edit')} not planned", reverse("plan-new", args=[self.connector.slug])
        if self.watch.drifted:
            yield f"{counted(self.watch.drifted, 'change')} made elsewhere to review", drift_url(self.connector)

    def _waiting_plans(self) -> Iterator[tuple[str, str]]:
        open_states = [PlanState.DRAFT, PlanState.APPROVED, PlanState.APPLYING, PlanState.PAUSED]
        for plan in Plan.objects.filter(connector=self.connector, state__in=open_states)[:5]:
            yield f"Plan {plan.pk}: {plan.get_state_display().lower()}", reverse("plan", args=[plan.pk])

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


@requires(Right.SEE)
def overview(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    connectors = list(with_credentials().filter(is_active=True))
    watched = statuses(connectors)
    cards = [OverviewConnector(connector, person, watched[connector.pk]) for connector in connectors]
    sees_history = may(person, Right.HISTORY)
    context = {
        "cards": cards,
        "emergencies": emergencies(person),
        "questions": questions.to_answer(person)[: questions.MOST_OPEN],
        "reviews": sign_off.to_do() if sees_history else None,
        "checkpoint": checkpoints.state() if sees_history else None,
        "check_trouble": verification.trouble() if sees_history else "",
        "failed_packs": schedules.troubles() if sees_history else [],
        "last": visibility.rows(person).select_related("connector").order_by("-at", "-id")[:10],
        "inactive": Connector.objects.filter(is_active=False),
        "unsent": reminders.unsent() if may(person, Right.CONFIGURE) else 0,
    }
    return page(request, "mappings/overview/overview.html", context)


@requires(Right.SEE)
def first_matrix(request: HttpRequest) -> HttpResponse:
    """The navigation's "Mappings": the first active connector's matrix."""
    connector = Connector.objects.filter(is_active=True).first()
    return plain_redirect(reverse("matrix", args=[connector.slug]) if connector else reverse("connectors"))

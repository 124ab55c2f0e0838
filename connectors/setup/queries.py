"""What the connector pages read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.db.models import Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import may
from connectors.catalogue.issue_types import IssueTypes
from connectors.credentials.expiry import Deadline, deadline
from connectors.models import (
    ACTIVE,
    Connector,
    Credential,
    IssueType,
    Job,
    JobKind,
    JobState,
    ListState,
    Stage,
    System,
)
from connectors.ports.extensions import ActivityLine, AttentionItem, DriftFigures, RegularCheck, extensions
from connectors.ports.requests import with_credentials
from connectors.setup.checks import ConnectionSummary, SystemTest, just_tested, last_tests, verdict
from connectors.setup.readiness import Prerequisite, StepState, readiness
from connectors.setup.regular_checks import regular_checks

LAST_JOBS = 5
STYLES = ("bad", "warn", "ok")  # of a deadline, the worst first
OPEN_STATES = (StepState.MISSING, StepState.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Health:
    """`style` is a class of the stylesheet: ok, warn, bad, or empty for what is not known."""

    style: str
    word: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class CredentialLine:
    """The credentials of one system, by stage; `credential` is the current one, if there is one."""

    system: System
    credential: Credential | None
    pending: Credential | None = None
    previous: Credential | None = None

    @property
    def deadline(self) -> Deadline | None:
        return deadline(self.credential) if self.credential else None

    @property
    def has_ended(self) -> bool:
        return self.deadline is not None and self.deadline.has_passed


@dataclass(frozen=True, kw_only=True)
class ConnectorCard:
    """One row of the list."""

    connector: Connector
    credentials: Sequence[CredentialLine]
    drift: DriftFigures

    @property
    def health(self) -> Health:
        return health(self.connector, self.credentials)

    @property
    def next_to_end(self) -> CredentialLine:
        """The one that is not there, else the one in more need of a look, else the one whose days are fewest."""
        return min(self.credentials, key=_urgency)

    @property
    def is_partly_read(self) -> bool:
        return self.read_at is None and any(self._read)

    @property
    def read_at(self) -> datetime | None:
        """When what was not read for longest was read; None: something never was. A failed reading reads nothing."""
        known = [at for at in self._read if at is not None]
        return min(known) if len(known) == len(self._read) else None

    @property
    def _read(self) -> tuple[datetime | None, ...]:
        return self.connector.jira_lists_at, self.connector.align_lists_at, self.drift.read_at


def _urgency(line: CredentialLine) -> tuple[int, float]:
    """An age above the advised one has no last day, but comes before a day that is far."""
    if line.deadline is None:
        return -1, 0
    left = line.deadline.days_left
    return STYLES.index(line.deadline.style), math.inf if left is None else left


def cards() -> list[ConnectorCard]:
    """Every connector, active ones first, in a fixed number of queries."""
    rows = with_credentials().select_related("disconnected_by")
    found = list(rows.order_by("-is_active", "name", "pk"))
    drift = extensions().drift(found) if found else {}
    return [ConnectorCard(connector=each, credentials=credential_lines(each), drift=drift[each.pk]) for each in found]


def credential_lines(connector: Connector) -> list[CredentialLine]:
    """For a connector from `with_credentials`."""
    stored = {(each.system, each.stage): each for each in connector.credentials.all()}
    return [
        CredentialLine(
            system=system,
            credential=stored.get((system, Stage.CURRENT)),
            pending=stored.get((system, Stage.PENDING)),
            previous=stored.get((system, Stage.PREVIOUS)),
        )
        for system in System
    ]


def health(connector: Connector, credentials: Sequence[CredentialLine]) -> Health:
    """The worst thing that is known; a connector nobody has asked yet is not called healthy."""
    lacking = [line.system.label for line in credentials if line.credential is None]
    ended = [line.system.label for line in credentials if line.has_ended]
    refused = [line.system.label for line in credentials if line.credential and line.credential.refused_status]
    if connector.disconnected_at:
        return Health(style="", word="Disconnected", sentence="Nothing is read or sent; its history stays.")
    if not connector.is_active:
        return Health(style="warn", word="Deactivated", sentence="Nothing is read by the clock; its history stays.")
    if connector.maintenance_since:
        return Health(style="warn", word="Maintenance", sentence="Until it ends nothing is applied and no drift told.")
    if lacking:
        return Health(style="bad", word="No credential", sentence=f"Add one for {' and '.join(lacking)}.")
    if connector.gap_since:
        return Health(style="bad", word="Gap", sentence="Plans pause until the new Jira Align token is current.")
    if refused:
        return Health(style="bad", word="Refused", sentence=f"{' and '.join(refused)} refused the stored credential.")
    if trouble := connector.last_error or connector.catalogue_error or connector.lists_error:
        return Health(style="bad", word="Trouble", sentence=trouble)
    if ended:
        return Health(style="bad", word="Expired", sentence=f"Replace the credential for {' and '.join(ended)}.")
    if connector.answered_at is None:
        return Health(style="", word="Not asked yet", sentence="Refresh it to read its projects and mappings.")
    return Health(style="ok", word="Answers", sentence="The last call was answered.")


# --- one connector ----------------------------------------------------------------------------------------------------


@dataclass
class ConnectorPage:
    """One connector with what its tabs show, each part read when it is first asked for."""

    connector: Connector
    person: Person
    tested: str = ""  # what the address says was just tested

    @cached_property
    def credentials(self) -> list[CredentialLine]:
        return credential_lines(self.connector)

    @cached_property
    def health(self) -> Health:
        return health(self.connector, self.credentials)

    @cached_property
    def readiness(self) -> list[Prerequisite]:
        return readiness(self.connector, self._matches)

    @cached_property
    def _matches(self) -> IssueTypes:
        return IssueTypes(self.connector)

    @cached_property
    def list_troubles(self) -> list[ListState]:
        """Lists that could not be read, or of which something could not be used."""
        return list(ListState.objects.filter(connector=self.connector).exclude(error="", set_aside=0))

    @property
    def open_steps(self) -> list[Prerequisite]:
        """What is missing first, then what nobody knows."""
        return [each for state in OPEN_STATES for each in self.readiness if each.state == state]

    @property
    def done_steps(self) -> list[Prerequisite]:
        return [each for each in self.readiness if each.state not in OPEN_STATES]

    @cached_property
    def attention(self) -> list[AttentionItem]:
        """Nothing waits in a deactivated connector."""
        active = self.connector.is_active
        return extensions().attention(self.connector, self.person, self._matches) if active else []

    @cached_property
    def activity(self) -> Sequence[ActivityLine]:
        return extensions().activity(self.connector, self.person)

    @cached_property
    def tests(self) -> list[SystemTest]:
        return last_tests(self.connector)

    @property
    def regular_checks(self) -> list[RegularCheck]:
        """With links and buttons for this person alone; a deactivated connector is not looked at."""
        return [self._for_person(each) for each in regular_checks(self.connector)]

    def _for_person(self, check: RegularCheck) -> RegularCheck:
        can_ask = self.connector.is_active and may(self.person, check.right)
        href = check.href if may(self.person, check.reader) else ""
        return replace(check, href=href, again=check.again if can_ask else "")

    @property
    def verdict(self) -> ConnectionSummary:
        return verdict(self.tests)

    @cached_property
    def news(self) -> ConnectionSummary | None:
        """Of the test that led here; None where none did, or not just now."""
        told = just_tested(self.tests, self.tested) if self.tested else []
        return verdict(told) if told else None

    @cached_property
    def jobs(self) -> list[Job]:
        return list(worth_showing(self.connector).order_by("-id")[:LAST_JOBS])

    @cached_property
    def job(self) -> Job | None:
        """The work that is under way, in the order it was started; else the newest."""
        return active_job(self.connector) or next(iter(self.jobs), None)

    @property
    def align_docs(self) -> str:
        """The site's own API documents."""
        return f"{self.connector.align_site}/rest/align/api/docs/index.html"


def issue_type_names(connector: Connector) -> list[str]:
    """Each name once: team-managed projects have types of their own with the same names."""
    named = IssueType.objects.filter(connector=connector, vanished_at=None)
    return list(named.order_by("name").values_list("name", flat=True).distinct())


def worth_showing(connector: Connector) -> QuerySet[Job]:
    """Align's log and what is new are looked for every few minutes, so only a failure of that is news."""
    by_the_clock = Q(kind=JobKind.INTAKE) | Q(kind=JobKind.LISTS, requested_by=None)
    routine = by_the_clock & ~Q(state=JobState.FAILED)
    return connector.jobs.exclude(routine).select_related("requested_by")


def active_job(connector: Connector) -> Job | None:
    """The work that was started first and has not ended."""
    return worth_showing(connector).filter(state__in=ACTIVE).order_by("id").first()


def following_job(job: Job) -> Job:
    """A refresh is followed by reading the mappings; of every other job, itself."""
    if job.kind != JobKind.REFRESH or job.state in ACTIVE:
        return job
    observing = Job.objects.filter(connector=job.connector, kind=JobKind.OBSERVE, subject="", state__in=ACTIVE)
    return observing.filter(id__gt=job.pk).select_related("requested_by").first() or job

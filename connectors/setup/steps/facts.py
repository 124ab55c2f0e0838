"""What the steps of one connector are worked out of, read in a fixed number of queries. No remote is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q

from connectors.catalogue.issue_types import IssueTypes
from connectors.credentials.expiry import Deadline, deadline
from connectors.credentials.owner_links import links
from connectors.models import (
    Carried,
    Confirmation,
    Connector,
    Credential,
    CredentialKind,
    Project,
    Stage,
    System,
    in_scope_here,
)
from connectors.setup.checks import SystemTest, last_tests
from connectors.setup.readiness import Prerequisite, readiness_by_code
from connectors.setup.steps.terms_facts import terms_of
from connectors.setup.steps.terms_rules import TermsFacts

MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """The current credential of one system; `kind` is empty where there is none. `asked`: who has an open link."""

    system: System
    test: SystemTest
    kind: str = ""
    owner: str = ""
    deadline: Deadline | None = None
    expires: bool = False  # a last day is known
    asked: str = ""
    is_pending: bool = False  # a new one waits to be switched to

    @property
    def kind_label(self) -> str:
        return str(CredentialKind(self.kind).label) if self.kind else ""


@dataclass(frozen=True, kw_only=True)
class ProjectFacts:
    """`carried` projects are in the list of Align's connector; `seen` are all that the Jira token sees."""

    carried: int = 0
    in_scope: int = 0  # here, of those seen
    seen: int = 0
    gone: int = 0  # of those that are carried, no longer in Jira
    unreadable: Sequence[str] = ()  # keys of some that Jira refused
    unreadable_count: int = 0


@dataclass(frozen=True, kw_only=True)
class ConfirmedDecision:
    """What a person confirmed, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SetupFacts:
    slug: str
    keys: Sequence[KeyFacts]  # of each system
    prerequisites: Mapping[str, Prerequisite]
    projects: ProjectFacts
    decisions: Mapping[str, ConfirmedDecision]
    is_active: bool = True
    catalogue_at: datetime | None = None
    catalogue_error: str = ""
    align_active: bool | None = None
    align_message: str = ""
    terms: TermsFacts = field(default_factory=TermsFacts)


def facts_of(connector: Connector, matches: IssueTypes, *, for_states: bool = False) -> SetupFacts:
    """For a connector from `with_credentials`. `for_states`: what decides no step's state is left out."""
    confirmations = Confirmation.objects.filter(connector=connector)
    return SetupFacts(
        slug=connector.slug,
        keys=_keys(connector),
        prerequisites=readiness_by_code(connector, matches),
        projects=_projects(connector),
        decisions={each.code: ConfirmedDecision(by=each.person_name, at=each.confirmed_at) for each in confirmations},
        is_active=connector.is_active,
        catalogue_at=connector.catalogue_at,
        catalogue_error=connector.catalogue_error,
        align_active=connector.align_active,
        align_message=connector.align_message,
        terms=TermsFacts(terminology=connector.terminology) if for_states else terms_of(connector),
    )


def _keys(connector: Connector) -> list[KeyFacts]:
    stored = {(each.system, each.stage): each for each in connector.credentials.all()}
    asked = dict(links.open_links().filter(connector=connector).values_list("system", "asked"))
    return [_key(test, stored, asked.get(test.system, "")) for test in last_tests(connector)]


def _key(test: SystemTest, stored: Mapping[tuple[str, str], Credential], asked: str) -> KeyFacts:
    credential, is_pending = stored.get((test.system, Stage.CURRENT)), (test.system, Stage.PENDING) in stored
    if credential is None:
        return KeyFacts(system=test.system, test=test, asked=asked, is_pending=is_pending)
    return KeyFacts(
        system=test.system,
        test=test,
        kind=credential.kind,
        owner=str(credential.owner or ""),
        deadline=deadline(credential),
        expires=credential.expires_on is not None,
        asked=asked,
        is_pending=is_pending,
    )


def _projects(connector: Connector) -> ProjectFacts:
    """A project that Align carries and Jira no longer has counts as carried and gone."""
    all_ = Project.objects.filter(connector=connector)
    here, is_carried = Q(vanished_at=None), Q(carried=Carried.YES)
    unreadable = all_.filter(in_scope_here()).exclude(read_error="")
    counts = all_.aggregate(
        by_align=Count("pk", filter=is_carried),
        in_scope_now=Count("pk", filter=in_scope_here()),
        seen=Count("pk", filter=here),
        gone=Count("pk", filter=~here & is_carried),
        unreadable=Count("pk", filter=in_scope_here() & ~Q(read_error="")),
    )
    named = list(unreadable.order_by("key").values_list("key", flat=True)[:MOST_NAMED]) if counts["unreadable"] else []
    return ProjectFacts(
        carried=counts["by_align"],
        in_scope=counts["in_scope_now"],
        seen=counts["seen"],
        gone=counts["gone"],
        unreadable=named,
        unreadable_count=counts["unreadable"],
    )

"""What stands around every page: the navigation a person may use, and the connector switcher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.web.navigation import ALARMS, COUNTS, Alarm
from connectors.credentials.expiry import alarms_among
from connectors.explorer.access import may_explore
from connectors.jobs import heartbeat
from connectors.models import Connector, Credential, Stage

MOST_CONNECTORS = 50


@dataclass(frozen=True, kw_only=True)
class NavEntry:
    label: str
    href: str
    icon: str
    current: bool
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class SwitcherEntry:
    """One connector of the switcher, leading to the same page of that connector where there is one."""

    name: str
    href: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Shell:
    person: Person
    path: str
    connectors: tuple[SwitcherEntry, ...]
    connector: Connector | None
    slug: str = ""  # of the connector the page belongs to, also of one that the switcher does not list
    may_mend: bool = False
    of_page: Connector | None = None  # the connector of `slug`, where it has been read already
    first: Connector | None = None  # whose explorer the navigation opens where the page is of no connector

    @cached_property
    def nav(self) -> tuple[NavEntry, ...]:
        """With its counts. Asked for by whole pages only, like what follows: a fragment costs no query for it."""
        return tuple(_nav(self.path, self.person, self.connector, self.first))

    @cached_property
    def alarms(self) -> list[Alarm]:
        if not self.slug:
            return []
        current = Credential.objects.filter(connector__slug=self.slug, stage=Stage.CURRENT)
        of_credentials = alarms_among(current.select_related("connector").defer("sealed"))
        return [*of_credentials, *(alarm for ask in ALARMS for alarm in ask(self.slug))]

    @cached_property
    def silence(self) -> heartbeat.Silence | None:
        """That no worker is heard, for those who can see to it: everything that pages show stands still then."""
        return heartbeat.silence() if self.may_mend else None

    @cached_property
    def maintenance(self) -> Connector | None:
        """The page's connector while it is in maintenance."""
        found = self.of_page
        if found is None and self.slug:
            found = Connector.objects.filter(slug=self.slug).first()
        return found if found and found.maintenance_since else None

    @property
    def maintenance_is_late(self) -> bool:
        until = self.maintenance.maintenance_until if self.maintenance else None
        return until is not None and until <= timezone.now()


def shell(request: HttpRequest) -> dict[str, Shell]:
    person = getattr(request, "user", None)
    if not isinstance(person, Person):
        return {}
    slug = _slug(request)
    found = list(Connector.objects.filter(is_active=True).order_by("name")[:MOST_CONNECTORS])
    connector = next((each for each in found if each.slug == slug), None)
    choices = tuple(
        SwitcherEntry(name=each.name, href=_same_page(request, each), current=each == connector) for each in found
    )
    of_page = _slug_of_page(request) or slug
    return {
        "shell": Shell(
            person=person,
            path=request.path,
            connectors=choices,
            connector=connector,
            slug=of_page,
            may_mend=may(person, Right.CONFIGURE),
            first=next((each for each in found if may_explore(person, each)), None),
            of_page=next((each for each in found if each.slug == of_page), None),
        )
    }


def _slug_of_page(request: HttpRequest) -> str:
    owner = getattr(request, "connector", None)
    return owner.slug if isinstance(owner, Connector) else ""


def _slug(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.kwargs.get("slug", "")) if match else ""


def _same_page(request: HttpRequest, connector: Connector) -> str:
    """A form's address answers no GET, so only these pages are kept over a switch; others lead to the matrix."""
    match = request.resolver_match
    name = match.url_name if match and match.url_name in ("connector", "drift", "explorer") else "matrix"
    if name == "explorer" and not may_explore(request.user, connector):
        name = "matrix"
    return reverse(name, args=[connector.slug])


def _nav(path: str, person: Person, connector: Connector | None, first: Connector | None) -> list[NavEntry]:
    explored = connector if connector and may_explore(person, connector) else first
    mappings = reverse("matrix", args=[connector.slug]) if connector else reverse("mappings")
    drift = reverse("drift", args=[connector.slug]) if connector else reverse("first-drift")
    entries = [
        ("Overview", reverse("overview"), "squares-2x2", Right.SEE),
        ("Mappings", mappings, "table-cells", Right.SEE),
        ("Drift", drift, "eye", Right.SEE),
        ("Plans", reverse("plans"), "clipboard-document-check", Right.SEE),
        ("History", reverse("history"), "clock", Right.HISTORY),
        ("Connectors", reverse("connectors"), "arrows-right-left", Right.SEE),
        ("Settings", reverse("settings"), "cog-6-tooth", Right.CONFIGURE),
    ]
    if explored:
        entries.insert(-1, ("Explorer", reverse("explorer", args=[explored.slug]), "magnifying-glass", Right.EDIT))
    current = _current(path)
    return [
        NavEntry(label=label, href=href, icon=icon, current=label == current, count=_count(label, person))
        for label, href, icon, right in entries
        if may(person, right)
    ]


def _count(label: str, person: Person) -> int:
    counter = COUNTS.get(label)
    return counter(person) if counter else 0


def _current(path: str) -> str:
    """A matrix and the form of a plan stand below their connector's address."""
    if path == "/":
        return "Overview"
    first, *rest = path.strip("/").split("/")
    if first == "connectors":
        return {"mappings": "Mappings", "drift": "Drift", "plan": "Plans", "explorer": "Explorer"}.get(
            rest[1] if len(rest) > 1 else "", "Connectors"
        )
    return first.capitalize()

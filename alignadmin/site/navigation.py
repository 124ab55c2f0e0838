"""What stands around every page: the navigation a person may use, the connector switcher, what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from alignadmin.accounts.guard import lacks_second_factor
from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.counting import count_all
from alignadmin.notifications import queries as notifications
from alignadmin.site.help_topics import topic_of
from alignadmin.web.navigation import ALARMS, ATTENTION, Alarm, AlarmSource
from connectors.explorer.access import may_explore
from connectors.jobs import heartbeat
from connectors.models import Connector
from connectors.ports.tabs import TABS

MOST_CONNECTORS = 50
MANY_CONNECTORS = 8  # from here on the switcher has a field to type in


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
    last: bool = False  # the one that this person saw last, on a page of no connector


@dataclass(frozen=True, kw_only=True)
class AttentionLine:
    """Something that this person could do something about; `number` of the navigation `entry`, or an alarm of 1."""

    sentence: str
    href: str
    number: int = 1
    entry: str = ""
    style: str = ""  # of an alarm


@dataclass(frozen=True, kw_only=True)
class ShellNumbers:
    """Whatever is counted around a page."""

    attention: tuple[int, ...]  # in the order of ATTENTION
    alarming: tuple[AlarmSource, ...]  # those that have something to say
    unread: int  # notifications of this person
    workers: int  # that are heard, as far as the person is told


@dataclass(frozen=True, kw_only=True)
class Shell:
    person: Person
    path: str
    connectors: tuple[SwitcherEntry, ...]
    connector: Connector | None
    slug: str = ""  # of the connector the page belongs to, also of one that the switcher does not list
    may_mend: bool = False
    of_page: Connector | None = None  # the connector of `slug`, where it has been read already
    first: Connector | None = None  # whose explorer the navigation opens where that of the page is not open
    last: Connector | None = None  # that the person saw last: the navigation leads there from pages of no connector
    sees_nothing: bool = False  # yet, for want of a second factor

    @cached_property
    def nav(self) -> tuple[NavEntry, ...]:
        """With its counts. Asked for by whole pages only, like what follows: a fragment costs no query for it."""
        return tuple(_nav(self))

    @property
    def help(self) -> str:
        """The address of the page's own topic."""
        key, _, place = topic_of(self.path).partition("#")
        address = reverse("help-topic", args=[key]) if key else reverse("help")
        return f"{address}#{place}" if place else address

    @property
    def keys(self) -> str:
        return f"{reverse('help-keys')}?{urlencode({'of': self.path})}"

    @property
    def has_many_connectors(self) -> bool:
        return len(self.connectors) >= MANY_CONNECTORS

    @property
    def named(self) -> Connector | None:
        """Whose name the switcher shows: the connector of the page, also of one whose address does not name it."""
        return self.of_page or self.connector

    @cached_property
    def numbers(self) -> ShellNumbers:
        """By one statement."""
        seen = () if self.sees_nothing else ATTENTION
        sources = ALARMS if self.slug else ()
        found = count_all(
            [
                *(each.of(self.person) for each in seen),
                *(each.rows(self.slug) for each in sources),
                0 if self.sees_nothing else notifications.unread(self.person),
                heartbeat.heard() if self.may_mend else 0,
            ]
        )
        alarming = zip(sources, found[len(seen) :], strict=False)
        return ShellNumbers(
            attention=tuple(found[: len(seen)]),
            alarming=tuple(source for source, number in alarming if number),
            unread=found[-2],
            workers=found[-1],
        )

    @cached_property
    def counts(self) -> tuple[AttentionLine, ...]:
        """What the entries of the navigation count, without those that count nothing."""
        return tuple(
            AttentionLine(sentence=each.words(number), href=reverse(each.page), number=number, entry=each.entry)
            for each, number in zip(ATTENTION, self.numbers.attention, strict=False)
            if number
        )

    @cached_property
    def attention(self) -> tuple[AttentionLine, ...]:
        """What is wrong with the connector of the page, then what the navigation counts: each thing once.

        An alarm stands here for those who can mend it; others read it on the page, with whom to ask.
        """
        alarms = self.alarms if self.may_mend else []
        lines = (AttentionLine(sentence=each.sentence, href=each.href, style=each.style) for each in alarms)
        return (*lines, *self.counts)

    @cached_property
    def attention_number(self) -> int:
        return sum(line.number for line in self.attention)

    @property
    def unread(self) -> int:
        return self.numbers.unread

    @cached_property
    def alarms(self) -> list[Alarm]:
        return [alarm for source in self.numbers.alarming for alarm in source.alarms(self.slug)]

    @cached_property
    def silence(self) -> heartbeat.Silence | None:
        """That no worker is heard, for those who can see to it: everything that pages show stands still then."""
        return heartbeat.silence() if self.may_mend and not self.numbers.workers else None

    @cached_property
    def _owner(self) -> Connector | None:
        """The page's connector, also one that the switcher does not list."""
        if self.of_page is None and self.slug:
            return Connector.objects.filter(slug=self.slug).select_related("disconnected_by").first()
        return self.of_page

    @property
    def maintenance(self) -> Connector | None:
        """The page's connector while it is in maintenance."""
        return self._owner if self._owner and self._owner.maintenance_since else None

    @property
    def disconnected(self) -> Connector | None:
        """The page's connector while it is disconnected."""
        return self._owner if self._owner and self._owner.disconnected_at else None

    @property
    def maintenance_is_late(self) -> bool:
        until = self.maintenance.maintenance_until if self.maintenance else None
        return until is not None and until <= timezone.now()


def shell(request: HttpRequest) -> dict[str, Any]:
    """Made when a template first asks for it: a fragment, which has nothing around it, costs no query."""
    person = getattr(request, "user", None)
    return {"shell": SimpleLazyObject(lambda: _shell(request, person))} if isinstance(person, Person) else {}


def _shell(request: HttpRequest, person: Person) -> Shell:
    if lacks_second_factor(request):  # on the pages where they get one, they see nothing of the product yet
        return Shell(person=person, path=request.path, connectors=(), connector=None, sees_nothing=True)
    slug = _slug(request)
    found = list(Connector.objects.filter(is_active=True).order_by("name")[:MOST_CONNECTORS])
    connector = next((each for each in found if each.slug == slug), None)
    of_page = _slug_of_page(request) or slug
    last = None if of_page else next((each for each in found if each.slug == person.last_connector), None)
    choices = tuple(
        SwitcherEntry(name=each.name, href=_same_page(request, each), current=each.slug == of_page, last=each == last)
        for each in sorted(found, key=lambda each: each != last)
    )
    return Shell(
        person=person,
        path=request.path,
        connectors=choices,
        connector=connector,
        slug=of_page,
        may_mend=may(person, Right.CONFIGURE),
        first=next((each for each in found if may_explore(person, each)), None),
        of_page=next((each for each in found if each.slug == of_page), None),
        last=last,
    )


def _slug_of_page(request: HttpRequest) -> str:
    owner = getattr(request, "connector", None)
    return owner.slug if isinstance(owner, Connector) else ""


def _slug(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.kwargs.get("slug", "")) if match else ""


def _same_page(request: HttpRequest, connector: Connector) -> str:
    """A form's address answers no GET, so only these pages are kept over a switch; others lead to the matrix."""
    match = request.resolver_match
    kept = {"drift", "explorer", *(tab.page for tab in TABS)}
    name = match.url_name if match and match.url_name in kept else "matrix"
    if name == "explorer" and not may_explore(request.user, connector):
        name = "matrix"
    return reverse(name, args=[connector.slug])


def _nav(shell: Shell) -> list[NavEntry]:
    person, connector = shell.person, shell.connector or shell.last
    explored = connector if connector and may_explore(person, connector) else shell.first
    mappings = reverse("matrix", args=[connector.slug]) if connector else reverse("mappings")
    drift = reverse("drift", args=[connector.slug]) if connector else reverse("first-drift")
    explorer = (
        [("Explorer", reverse("explorer", args=[explored.slug]), "magnifying-glass", Right.EDIT)] if explored else []
    )
    entries = [
        ("Overview", reverse("overview"), "squares-2x2", Right.SEE),
        ("Mappings", mappings, "table-cells", Right.SEE),
        ("Drift", drift, "eye", Right.SEE),
        ("Plans", reverse("plans"), "clipboard-document-check", Right.SEE),
        ("History", reverse("history"), "clock", Right.MAPPING_HISTORY),
        ("Connectors", reverse("connectors"), "arrows-right-left", Right.SEE),
        *explorer,
        ("Operator", reverse("operator"), "chart-bar", Right.CONFIGURE),
        ("Settings", reverse("settings"), "cog-6-tooth", Right.CONFIGURE),
    ]
    current = _current(shell.path)
    return [
        NavEntry(
            label=label,
            href=href,
            icon=icon,
            current=label == current,
            count=sum(line.number for line in shell.counts if line.entry == label),
        )
        for label, href, icon, right in entries
        if may(person, right)
    ]


def _current(path: str) -> str:
    """A matrix and the form of a plan stand below their connector's address."""
    if path == "/":
        return "Overview"
    first, *rest = path.strip("/").split("/")
    if first == "connectors":
        return {
            "coverage": "Overview",
            "mappings": "Mappings",
            "drift": "Drift",
            "plan": "Plans",
            "explorer": "Explorer",
        }.get(rest[1] if len(rest) > 1 else "", "Connectors")
    return first.capitalize()

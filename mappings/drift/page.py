"""What the drift page of a connector shows: what waits for a decision, what is accepted, what is not known, and each
look that was taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Model, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.parsing import text_in, whole
from connectors.jobs.runner import latest
from connectors.models import Connector, Job, WorkItemType
from mappings.drift.decisions import SeenRow, seen
from mappings.drift.status import WatchStatus
from mappings.drift.status import status as watch_status
from mappings.edits.names import Names, names_for
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Situation
from mappings.matrix.lines import OpenLine, open_line
from mappings.models import DriftCheck, Mapping, Scope
from mappings.observing.causes import Cause, cause_of
from mappings.observing.scopes import in_use, scopes_in_use

Row = TypeVar("Row", bound=Model)
SHARED = "-"  # as the filter's project: the lists that company-managed projects share
SIZES = (100, 1000)
CHECKS_PER_PAGE = 50
MOST_PROJECTS = 500
SOON = timedelta(days=7)
UNKNOWN = Situation.UNKNOWN.value
KNOWN = Q(scope__observed_at__isnull=False, scope__error="")  # of a row; see Scope.known


class Tab(StrEnum):
    """The values are in the address."""

    OPEN = "open"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    CHECKS = "checks"

    @property
    def label(self) -> str:
        return {"open": "To decide", "unknown": "Unknown", "accepted": "Accepted", "checks": "Checks"}[self.value]


@dataclass(frozen=True, kw_only=True)
class DriftAddress:
    """What the page shows, read from the query string and written back into links and forms."""

    connector: Connector
    tab: Tab = Tab.OPEN
    project: str = ""
    work_item_type: str = ""
    direction: str = ""
    situation: str = ""
    size: int = SIZES[0]
    row: int | None = None
    page: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What is not as by default, as form fields and query."""
        pairs = [
            ("tab", self.tab.value if self.tab is not Tab.OPEN else ""),
            *self.filters,
            ("size", str(self.size) if self.size != SIZES[0] else ""),
            ("row", str(self.row or "")),
            ("page", self.page),
        ]
        return [(name, value) for name, value in pairs if value]

    @property
    def filters(self) -> list[tuple[str, str]]:
        return [
            ("project", self.project),
            ("type", self.work_item_type),
            ("direction", self.direction),
            ("situation", self.situation),
        ]

    @property
    def is_filtered(self) -> bool:
        return any(value for _, value in self.filters)

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return urlencode(self.but(page="", row=None).fields)

    @property
    def url(self) -> str:
        path = reverse("drift", args=[self.connector.slug])
        return f"{path}?{urlencode(self.fields)}" if self.fields else path

    def but(self, **changes: object) -> DriftAddress:
        return replace(self, **changes)  # type: ignore[arg-type]


def read_address(connector: Connector, data: QueryDict) -> DriftAddress:
    """What is not known falls back to the default."""

    def one_of(name: str, known: Iterable[str]) -> str:
        value = text_in(data, name)
        return value if value in set(known) else ""

    size = text_in(data, "size")
    return DriftAddress(
        connector=connector,
        tab=Tab(one_of("tab", Tab) or Tab.OPEN),
        project=text_in(data, "project")[:255],
        work_item_type=one_of("type", WorkItemType.values),
        direction=one_of("direction", Direction),
        situation=one_of("situation", [*OPEN_SITUATIONS, UNKNOWN]),
        size=next((each for each in SIZES if str(each) == size), SIZES[0]),
        row=whole(data.get("row")),
        page=text_in(data, "page")[:9],
    )


def drift_url(connector: Connector) -> str:
    return reverse("drift", args=[connector.slug])


def most_drifted() -> Connector | None:
    """The active connector with the most rows to decide, else the first."""
    open_ = Q(scopes__mappings__situation__in=OPEN_SITUATIONS)
    active = Connector.objects.filter(is_active=True)
    return active.annotate(open=Count("scopes__mappings", filter=open_)).order_by("-open", "name").first()


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DriftLine:
    """One row that was changed elsewhere, with what is known about who did it."""

    values: OpenLine
    seen: SeenRow
    cause: Cause | None
    href: str  # this row alone on the page

    @property
    def mapping(self) -> Mapping:
        return self.values.mapping

    @property
    def is_conflict(self) -> bool:
        return self.values.is_conflict

    @property
    def is_accepted(self) -> bool:
        return self.mapping.situation == Situation.ACCEPTED

    @property
    def is_known(self) -> bool:
        return self.mapping.scope.known

    @property
    def ends_soon(self) -> bool:
        until = self.mapping.accepted_until
        return self.is_accepted and until is not None and until <= timezone.now() + SOON

    @property
    def was_accepted_until(self) -> datetime | None:
        """When it was tolerated before, until a time that is over."""
        until = self.mapping.accepted_until
        return until if until and not self.is_accepted and until <= timezone.now() else None


def drift_lines(rows: Sequence[Mapping], address: DriftAddress) -> list[DriftLine]:
    """A number of queries that does not grow with the rows."""
    names, causes = names_for(rows), cause_of(rows)
    return [_line(row, names, causes, address) for row in rows]


def _line(row: Mapping, names: Names, causes: MappingOf[int, Cause], address: DriftAddress) -> DriftLine:
    return DriftLine(
        values=open_line(row, names),
        seen=seen(row),
        cause=causes.get(row.pk),
        href=address.but(row=row.pk).url,
    )


def drifted_rows(connector: Connector) -> QuerySet[Mapping]:
    """Changed elsewhere and not decided on, the newest first; rows of lists that are not known are left out."""
    return _open_rows(connector).filter(KNOWN)


def _open_rows(connector: Connector) -> QuerySet[Mapping]:
    return _rows(connector, OPEN_SITUATIONS).order_by(F("drifted_at").desc(nulls_last=True), "pk")


def accepted_rows(connector: Connector) -> QuerySet[Mapping]:
    """Tolerated for now, the next to end first."""
    return _rows(connector, [Situation.ACCEPTED]).order_by("accepted_until", "pk")


def _rows(connector: Connector, situations: Iterable[str]) -> QuerySet[Mapping]:
    related = ("scope__project", "scope__connector", "wanted_by", "accepted_by")
    rows = Mapping.objects.filter(in_use("scope__"), scope__connector=connector, situation__in=situations)
    return rows.select_related(*related)


def undecided(person: Person) -> int:
    """Beside the navigation's entry, for those who may decide."""
    if not may(person, Right.EDIT):
        return 0
    known = Mapping.objects.filter(in_use("scope__"), KNOWN, situation__in=OPEN_SITUATIONS)
    return known.filter(scope__connector__is_active=True).count()


def unknown_scopes(connector: Connector) -> QuerySet[Scope]:
    """Lists that were never read, or whose last read failed."""
    lists = scopes_in_use(connector).exclude(observed_at__isnull=False, error="")
    return lists.select_related("project").order_by("family", "project__key", "pk")


def list_name(scope: Scope) -> str:
    family = FAMILIES[scope.family]
    where = f"project {scope.project.key}" if scope.project else "shared by company-managed projects"
    return f"{family.kind.label}s, {family.direction.label}, {where}"


def _fitting(address: DriftAddress) -> QuerySet[Mapping]:
    """The rows of the tab that the filters leave."""
    wanted: dict[str, object] = {}
    if address.project == SHARED:
        wanted["scope__project"] = None
    elif address.project:
        wanted["scope__project__key"] = address.project
    if address.work_item_type:
        wanted["work_item_type"] = address.work_item_type
    if address.direction:
        wanted["scope__family__startswith"] = f"{address.direction}-"
    if address.tab is Tab.ACCEPTED:
        return accepted_rows(address.connector).filter(**wanted)
    if address.situation == UNKNOWN:
        return _open_rows(address.connector).exclude(KNOWN).filter(**wanted)
    if address.situation:
        wanted["situation"] = address.situation
    return drifted_rows(address.connector).filter(**wanted)


# --- the page --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TabLink:
    label: str
    href: str
    current: bool
    count: int | None


@dataclass(frozen=True, kw_only=True)
class UnknownLine:
    """A list that was not read, and how many rows nobody can say anything about."""

    scope: Scope
    name: str
    rows: int
    drifted: str  # the address of those that had drifted when it was last read; empty: none


class DriftPage:
    """One connector's drift for one person; everything is loaded when it is first asked for."""

    def __init__(self, address: DriftAddress, person: Person) -> None:
        self.address = address
        self.person = person
        self.connector = address.connector

    @property
    def can_decide(self) -> bool:
        return may(self.person, Right.EDIT)

    @property
    def sees_history(self) -> bool:
        return may(self.person, Right.HISTORY)

    @cached_property
    def job(self) -> Job | None:
        return latest(self.connector, "observe")

    @cached_property
    def status(self) -> WatchStatus:
        return watch_status(self.connector)

    @cached_property
    def counts(self) -> dict[str, int]:
        accepted = accepted_rows(self.connector).count()
        return {"open": self.status.drifted, "accepted": accepted, "unknown": self.status.unknown}

    @property
    def tabs(self) -> list[TabLink]:
        plain = DriftAddress(connector=self.connector)
        return [
            TabLink(
                label=tab.label,
                href=plain.but(tab=tab).url,
                current=tab is self.address.tab,
                count=self.counts.get(tab.value),
            )
            for tab in Tab
        ]

    # --- rows to decide and accepted ones ---

    @cached_property
    def found(self) -> Page[Mapping]:
        return self._paged(_fitting(self.address), self.address.size)

    @cached_property
    def lines(self) -> list[DriftLine]:
        return drift_lines(list(self.found), self.address)

    @cached_property
    def chosen(self) -> DriftLine | None:
        """The one row that the address names, while there is something to decide about it."""
        if self.address.row is None:
            return None
        rows = _rows(self.connector, [*OPEN_SITUATIONS, Situation.ACCEPTED]).filter(pk=self.address.row)
        return next(iter(drift_lines(list(rows), self.address)), None)

    @property
    def is_gone(self) -> bool:
        return self.address.row is not None and self.chosen is None

    @property
    def back(self) -> str:
        return self.address.but(row=None).url

    @cached_property
    def projects(self) -> list[str]:
        """Keys of projects with such a row; the shared lists come as their own choice."""
        situations = [Situation.ACCEPTED] if self.address.tab is Tab.ACCEPTED else OPEN_SITUATIONS
        keys = _rows(self.connector, situations).exclude(scope__project=None).order_by("scope__project__key")
        return list(keys.values_list("scope__project__key", flat=True).distinct()[:MOST_PROJECTS])

    @property
    def types(self) -> list[tuple[str, str]]:
        return WorkItemType.choices

    @property
    def directions(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in Direction]

    @property
    def situations(self) -> list[tuple[str, str]]:
        labels = ("drifted", "conflict")
        return [*zip((each.value for each in OPEN_SITUATIONS), labels, strict=True), (UNKNOWN, "currently unknown")]

    @property
    def other_size(self) -> int | None:
        """The size that the list could be shown in as well, where that makes a difference."""
        if self.found.paginator.count <= SIZES[0]:
            return None
        return SIZES[1] if self.address.size == SIZES[0] else SIZES[0]

    @property
    def other_size_url(self) -> str:
        return self.address.but(size=self.other_size, page="", row=None).url

    # --- what is not known, and the looks ---

    @cached_property
    def unknown(self) -> Page[Scope]:
        drifted = Count("mappings", filter=Q(mappings__situation__in=OPEN_SITUATIONS))
        counted = unknown_scopes(self.connector).annotate(held=Count("mappings"), drifted=drifted)
        return self._paged(counted, SIZES[0])

    @property
    def unknown_lines(self) -> list[UnknownLine]:
        return [self._unknown_line(scope) for scope in self.unknown]

    def _unknown_line(self, scope: Scope) -> UnknownLine:
        family = FAMILIES[scope.family]
        of_project = scope.project.key if scope.project else SHARED
        address = DriftAddress(
            connector=self.connector, project=of_project, direction=family.direction.value, situation=UNKNOWN
        )
        return UnknownLine(
            scope=scope,
            name=list_name(scope),
            rows=scope.held,  # type: ignore[attr-defined]
            drifted=address.url if scope.drifted else "",  # type: ignore[attr-defined]
        )

    @cached_property
    def checks(self) -> Page[DriftCheck]:
        return self._paged(DriftCheck.objects.filter(connector=self.connector).order_by("-pk"), CHECKS_PER_PAGE)

    def _paged(self, found: QuerySet[Row], size: int) -> Page[Row]:
        return Paginator(found, size).get_page(self.address.page)

    # --- accepting ---

    @property
    def first_day(self) -> str:
        return f"{timezone.localdate():%Y-%m-%d}"

    @property
    def last_day(self) -> str:
        return f"{timezone.localdate() + timedelta(days=365):%Y-%m-%d}"

    @property
    def zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def digest(self) -> str:
        """Who is told by e-mail, and when."""
        if not settings.EMAIL_URL or not settings.DIGEST_RECIPIENTS:
            lacks = "EMAIL_URL" if not settings.EMAIL_URL else "DIGEST_RECIPIENTS"
            return f"Nobody is told by e-mail: {lacks} is not set."
        people = len(settings.DIGEST_RECIPIENTS)
        return f"A digest goes to {people} address{'' if people == 1 else 'es'} after {settings.DIGEST_HOUR:02}:00 UTC."

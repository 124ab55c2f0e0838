"""What the drift page of a connector shows: what is to be decided, what is accepted, what is not known, and each
check that was run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.notifications.preferences import DIGEST_HOUR
from alignadmin.text import counted
from connectors.catalogue.findings import words_of
from connectors.jobs.runner import latest
from connectors.models import Finding, Job, JobKind, WorkItemType
from mappings.drift.address import SHARED, SIZES, UNKNOWN, DriftAddress, Tab
from mappings.drift.decisions import MOST_ROWS, SeenRow
from mappings.drift.digest import stamp
from mappings.drift.lines import DriftLine, drift_lines, list_name
from mappings.drift.preferences import DIGEST_RECIPIENTS
from mappings.drift.queries import accepted_rows, filtered_rows, remarked_scopes, rows_in, unknown_scopes
from mappings.drift.status import WatchStatus
from mappings.drift.status import status as watch_status
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Situation
from mappings.findings.lines import FindingLine, attention
from mappings.in_use.lines import InUseLine, in_use_lines, last_round, unanswered
from mappings.models import DriftCheck, InUseRound, Mapping, Scope

Row = TypeVar("Row", bound=Model)
CHECKS_PER_PAGE = 50
FINDINGS_PER_PAGE = 50
MOST_PROJECTS = 500


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
        return may(self.person, Right.EDIT) and not self.connector.disconnected_at

    @property
    def sees_history(self) -> bool:
        return may(self.person, Right.MAPPING_HISTORY)

    @cached_property
    def job(self) -> Job | None:
        return latest(self.connector, JobKind.OBSERVE)

    @cached_property
    def status(self) -> WatchStatus:
        return watch_status(self.connector)

    @cached_property
    def counts(self) -> dict[str, int]:
        accepted = accepted_rows(self.connector).count()
        counts = {"open": self.status.drifted, "accepted": accepted, "unknown": self.status.unknown}
        return counts | {"found": len(self.noticed), "in-use": len(self.in_use)}

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
        return self._paged(filtered_rows(self.address), self.address.size)

    @cached_property
    def lines(self) -> list[DriftLine]:
        return drift_lines(list(self.found), self.address)

    @property
    def tokens(self) -> str:
        """Of all rows that the filters leave, on any page: "all" means these, as they were when it was drawn."""
        values = filtered_rows(self.address).values_list("pk", "version", "observed")[: MOST_ROWS + 1]
        return " ".join(SeenRow(pk=pk, version=version, observed=value).token for pk, version, value in values)

    @cached_property
    def chosen(self) -> DriftLine | None:
        """The one row that the address names, while there is something to decide about it."""
        if self.address.row is None:
            return None
        rows = rows_in(self.connector, [*OPEN_SITUATIONS, Situation.ACCEPTED]).filter(pk=self.address.row)
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
        keys = rows_in(self.connector, situations).exclude(scope__project=None).order_by("scope__project__key")
        return list(keys.values_list("scope__project__key", flat=True).distinct()[:MOST_PROJECTS])

    @property
    def types(self) -> list[tuple[str, str]]:
        return [(type_.value, self.connector.terminology.name(type_)) for type_ in WorkItemType]

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

    # --- what is not known, and the checks ---

    @cached_property
    def unknown(self) -> Page[Scope]:
        drifted = Count("mappings", filter=Q(mappings__situation__in=OPEN_SITUATIONS))
        counted = unknown_scopes(self.connector).annotate(held=Count("mappings"), drifted=drifted)
        return self._paged(counted, SIZES[0])

    @property
    def unknown_lines(self) -> list[UnknownLine]:
        return [self._unknown_line(scope) for scope in self.unknown]

    @cached_property
    def remarked(self) -> Page[Scope]:
        return Paginator(remarked_scopes(self.connector), SIZES[0]).get_page(1)

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

    # --- what is new, renamed, moved and gone ---

    @cached_property
    def noticed(self) -> list[FindingLine]:
        """What somebody should look at."""
        return attention(self.connector)

    @property
    def falling(self) -> list[FindingLine]:
        """New statuses whose items fall to 0: the lists match, and the work items do not."""
        return [line for line in self.noticed if line.is_falling]

    @property
    def noticed_until(self) -> int:
        """A click marks as seen no more than was shown."""
        return max((each.pk for line in self.noticed for each in line.findings), default=0)

    @cached_property
    def found_before(self) -> Page[Finding]:
        found = Finding.objects.filter(connector=self.connector).select_related("project", "seen_by")
        return self._paged(found.order_by("-found_at", "-pk"), FINDINGS_PER_PAGE)

    @property
    def found_lines(self) -> list[tuple[Finding, str]]:
        return [(each, words_of(each)) for each in self.found_before]

    # --- issues in statuses without a mapping ---

    @cached_property
    def in_use(self) -> list[InUseLine]:
        return in_use_lines(self.connector)

    @cached_property
    def in_use_unanswered(self) -> list[str]:
        return unanswered(self.connector)

    @cached_property
    def in_use_round(self) -> InUseRound | None:
        return last_round(self.connector)

    # --- the checks ---

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
        if not settings.EMAIL_URL:
            return "Nobody is told by e-mail: EMAIL_URL is not set."
        if not (people := len(DIGEST_RECIPIENTS.value())):
            return "Nobody is told by e-mail: an admin sets who gets the digest under Settings."
        due = self.connector.digest_due_at
        coming = due is not None and due > timezone.now()
        when = stamp(due) if coming else DIGEST_HOUR.kind.words(DIGEST_HOUR.value())
        return f"{'The next' if coming else 'A'} digest goes to {counted(people, 'address', 'addresses')} after {when}."

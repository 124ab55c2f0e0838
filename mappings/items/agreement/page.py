"""What the page of the agreement check shows: its figures, what it costs, and what stands apart, page by page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import starmap
from typing import NamedTuple

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.align.objects import OBJECTS
from connectors.align.terminology import LEVELS
from connectors.models import ACTIVE, Connector, Job, JobKind
from mappings.engine.agreement import LISTED, REASONS, AgreementOutcome, ApartReason, usual_lag
from mappings.items.agreement.cost import AgreementCost
from mappings.items.agreement.queries import compared_projects, setting_of
from mappings.items.prediction.partners import ONE_AT_A_TIME, SEVERAL
from mappings.models import AgreementKind, AgreementRun, AgreementSetting, ComparedItem

PER_PAGE = 50
MOST_PROJECTS = 50  # in the table; the filter has all
NAMES = ("reason", "project", "level", "outcome")


@dataclass(frozen=True, kw_only=True)
class ReasonLine:
    """`href`: what stands apart for it. `page`: the address where it is mended; empty where that is elsewhere."""

    reason: ApartReason
    number: int
    href: str
    is_chosen: bool
    page: str

    @property
    def words(self) -> tuple[str, str, str]:
        found = REASONS[self.reason]
        return found.label, found.means, found.mends


class ComparedProject(NamedTuple):
    """Of thousands, of which nothing else is shown."""

    pk: int
    key: str


@dataclass(frozen=True, kw_only=True)
class ProjectLine:
    page: AgreementPage
    pk: int
    key: str
    linked: int
    agree: int
    apart: int
    missing: int

    @property
    def href(self) -> str:
        return self.page.address(project=str(self.pk))


@dataclass(frozen=True)
class PairLine:
    page: AgreementPage
    row: ComparedItem

    @property
    def outcome(self) -> str:
        return AgreementOutcome(self.row.outcome).label

    @property
    def reason(self) -> str:
        return ApartReason(self.row.reason).label if self.row.reason else ""

    @property
    def level(self) -> str:
        return self.page.connector.terminology.name(self.row.level) if self.row.level else ""

    @property
    def issue_address(self) -> str:
        return f"{self.page.connector.jira_site}/browse/{self.row.issue_key}"

    @property
    def item_query(self) -> str:
        """The item in the explorer, for who may open that; Align documents no address of an item's page."""
        if self.row.align_id is None or self.row.level not in OBJECTS or not self.page.explores:
            return ""
        query = f"/{OBJECTS[self.row.level].path}?$filter=id eq {self.row.align_id}"
        return f"{reverse('explorer', args=[self.page.connector.slug])}?{urlencode({'q': query})}"

    @property
    def can_link(self) -> bool:
        return self.page.can_edit and self.row.outcome == AgreementOutcome.SEVERED and self.row.project.is_ours


class AgreementPage:
    """Of one connector. `asked`: the filters and the page of what stands apart."""

    def __init__(self, connector: Connector, person: Person, asked: Mapping[str, str]) -> None:
        self.connector, self.person, self.asked = connector, person, asked

    @property
    def can_edit(self) -> bool:
        return may(self.person, Right.EDIT) and self.connector.disconnected_at is None

    @property
    def can_switch(self) -> bool:
        return may(self.person, Right.CONFIGURE) and self.connector.disconnected_at is None

    @property
    def explores(self) -> bool:
        return may(self.person, Right.CONFIGURE) or (
            may(self.person, Right.EDIT) and self.connector.explorer_for_editors
        )

    @cached_property
    def setting(self) -> AgreementSetting:
        return setting_of(self.connector)

    @property
    def lag(self) -> int:
        """Minutes that changes usually take."""
        return max(1, round(usual_lag(self.setting.lags, settings.AGREEMENT_LEAST_LAG) / 60))

    # --- runs ---------------------------------------------------------------------------------------------------------

    @cached_property
    def runs(self) -> list[AgreementRun]:
        return list(AgreementRun.objects.filter(connector=self.connector).select_related("project", "job")[:20])

    @cached_property
    def last_whole(self) -> AgreementRun | None:
        rows = AgreementRun.objects.filter(connector=self.connector, kind=AgreementKind.WHOLE)
        return rows.exclude(finished_at=None).order_by("-pk").first()

    @cached_property
    def open_whole(self) -> AgreementRun | None:
        rows = AgreementRun.objects.filter(connector=self.connector, kind=AgreementKind.WHOLE, finished_at=None)
        return rows.order_by("-pk").first()

    @cached_property
    def job(self) -> Job | None:
        """At work now, or the newest one that failed and was asked for by a person."""
        rows = Job.objects.filter(connector=self.connector, kind=JobKind.AGREEMENT).exclude(subject="poll")
        newest = rows.order_by("-pk").first()
        if newest is None or (newest.state not in ACTIVE and not (newest.state == "failed" and newest.requested_by_id)):
            return None
        newest.connector = self.connector
        return newest

    # --- figures ------------------------------------------------------------------------------------------------------

    @cached_property
    def _grouped(self) -> list[tuple[int, str, str, int]]:
        """Project, outcome, reason, number; of the projects that are compared, as all figures and lists here."""
        return list(self._compared.order_by().values_list("project_id", "outcome", "reason").annotate(n=Count("pk")))

    @property
    def _compared(self) -> QuerySet[ComparedItem]:
        """Those of a project that was taken out of scope are kept, and come back with it."""
        return ComparedItem.objects.filter(
            connector=self.connector, project__in=compared_projects(self.connector).order_by().values("pk")
        )

    @cached_property
    def _by_project(self) -> Mapping[int, Counter[str]]:
        found: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for pk, outcome, _, number in self._grouped:
            found[pk][outcome] += number
        return found

    @cached_property
    def _all(self) -> Counter[str]:
        return sum(self._by_project.values(), Counter[str]())

    def _number(self, *outcomes: AgreementOutcome, project: int | None = None) -> int:
        counts = self._all if project is None else self._by_project.get(project, Counter[str]())
        return sum(counts[each] for each in outcomes)

    @property
    def linked(self) -> int:
        return self._number(AgreementOutcome.ALIKE, AgreementOutcome.APART)

    @property
    def agree(self) -> int:
        return self._number(AgreementOutcome.ALIKE)

    @property
    def apart(self) -> int:
        return self._number(AgreementOutcome.APART)

    @property
    def not_found(self) -> int:
        return self._number(AgreementOutcome.NOT_FOUND)

    @property
    def twice(self) -> int:
        return self._number(AgreementOutcome.TWICE)

    @property
    def severed(self) -> int:
        return self._number(AgreementOutcome.SEVERED)

    @property
    def waits(self) -> int:
        return self._number(AgreementOutcome.WAITS)

    @property
    def compared(self) -> int:
        return sum(n for _, outcome, _, n in self._grouped if outcome != AgreementOutcome.WAITS)

    @cached_property
    def reasons(self) -> list[ReasonLine]:
        numbers = {
            reason: sum(n for _, outcome, each, n in self._grouped if each == reason and outcome in LISTED)
            for reason in ApartReason
        }
        return [
            ReasonLine(
                reason=reason,
                number=number,
                href=self.address(reason=reason.value),
                is_chosen=self.asked.get("reason") == reason.value,
                page=self._mending(REASONS[reason].page),
            )
            for reason, number in sorted(numbers.items(), key=lambda each: -each[1])
            if number
        ]

    def _mending(self, page: str) -> str:
        return reverse(page, args=[self.connector.slug]) if page else ""

    @cached_property
    def projects(self) -> list[ComparedProject]:
        """Those that are compared, by their keys."""
        rows = compared_projects(self.connector).order_by("key").values_list("pk", "key")
        return list(starmap(ComparedProject, rows))

    @cached_property
    def project_lines(self) -> list[ProjectLine]:
        """With the most apart first."""
        return sorted(map(self._line, self.projects), key=lambda each: (-each.apart, -each.missing, each.key))[
            :MOST_PROJECTS
        ]

    def _line(self, project: ComparedProject) -> ProjectLine:
        return ProjectLine(
            page=self,
            pk=project.pk,
            key=project.key,
            linked=self._number(AgreementOutcome.ALIKE, AgreementOutcome.APART, project=project.pk),
            agree=self._number(AgreementOutcome.ALIKE, project=project.pk),
            apart=self._number(AgreementOutcome.APART, project=project.pk),
            missing=self._number(*LISTED[1:], project=project.pk),
        )

    @cached_property
    def project_options(self) -> SafeString:
        """Of a choice; drawn here, as a template takes ten times as long for thousands."""
        chosen = self.asked.get("project")
        rows = ((each.pk, " selected" if str(each.pk) == chosen else "", each.key) for each in self.projects)
        return format_html_join("", '<option value="{}"{}>{}</option>', rows)

    @property
    def further_projects(self) -> int:
        return max(0, len(self.projects) - MOST_PROJECTS)

    @cached_property
    def cost(self) -> AgreementCost:
        issues: dict[int, int] = dict.fromkeys((each.pk for each in self.projects), 0)
        for pk, _, _, number in self._grouped:
            issues[pk] = issues.get(pk, 0) + number
        return AgreementCost(
            issues=tuple(issues.values()),
            levels=len(self.levels) or len(LEVELS),
            things=len({*ONE_AT_A_TIME, *SEVERAL}),
        )

    @property
    def requests_a_day(self) -> int:
        return self.cost.of_a_day(settings.AGREEMENT_POLL_INTERVAL)

    @property
    def polls_a_day(self) -> int:
        return self.cost.polls(settings.AGREEMENT_POLL_INTERVAL)

    # --- what stands apart --------------------------------------------------------------------------------------------

    @cached_property
    def levels(self) -> list[tuple[str, str]]:
        rows = self._compared.exclude(level="").order_by()
        found = set(rows.values_list("level", flat=True).distinct())
        return [(each, self.connector.terminology.name(each)) for each in LEVELS if each in found]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in LISTED]

    @property
    def all_reasons(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in ApartReason]

    @property
    def is_filtered(self) -> bool:
        return any(self.asked.get(each) for each in NAMES)

    def rows(self) -> QuerySet[ComparedItem]:
        rows = self._compared.filter(outcome__in=[each.value for each in LISTED])
        for name in ("reason", "level", "outcome"):
            if value := self.asked.get(name):
                rows = rows.filter(**{name: value})
        if project := self.asked.get("project"):
            rows = rows.filter(project__in=[each.pk for each in self.projects if str(each.pk) == project])
        if issue := self.asked.get("issue"):
            rows = rows.filter(issue_key=issue)
        return rows.select_related("project").order_by("outcome", "-since", "-pk")

    @cached_property
    def shown(self) -> Page[ComparedItem]:
        return Paginator(self.rows(), PER_PAGE).get_page(self.asked.get("page"))

    @property
    def lines(self) -> list[PairLine]:
        return [PairLine(self, each) for each in self.shown]

    def address(self, **more: str) -> str:
        base = reverse("agreement", args=[self.connector.slug])
        return f"{base}?{urlencode(more)}#apart" if more else f"{base}#apart"

    def _page_address(self, number: int) -> str:
        kept = {name: self.asked[name] for name in (*NAMES, "issue") if self.asked.get(name)}
        return self.address(**kept, page=str(number))

    @property
    def newer_page(self) -> str:
        return self._page_address(self.shown.previous_page_number()) if self.shown.has_previous() else ""

    @property
    def next_page(self) -> str:
        return self._page_address(self.shown.next_page_number()) if self.shown.has_next() else ""

    @property
    def next_whole(self) -> datetime | None:
        return self.setting.whole_due_at if self.setting.is_on else None

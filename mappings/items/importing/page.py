"""What the pages of imports show: which projects of ours had one, and one import with its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from mappings.engine.import_cost import ImportCost
from mappings.items.importing.addresses import align_item, jira_issue
from mappings.items.importing.rules import why_not_imported
from mappings.models import OPEN_IMPORTS, ImportAct, ImportLine, ImportLineState, ImportRun, ImportState
from mappings.planning.second_person import needs_another

PER_PAGE = 50
SHOWN = 12  # signs of a fingerprint
MOST_RUNS = 50
STYLES = {
    ImportLineState.DONE: "ok",
    ImportLineState.FAILED: "bad",
    ImportLineState.UNKNOWN: "warn",
    ImportLineState.WAITING: "warn",
}


@dataclass(frozen=True, kw_only=True)
class ImportableProject:
    """`why_not`: empty where one may be planned now."""

    project: Project
    open: ImportRun | None
    why_not: str


class ImportsPage:
    def __init__(self, connector: Connector, person: Person, *, typed: Mapping[str, str] | None = None) -> None:
        self.connector, self.person, self.typed = connector, person, typed or {}

    @property
    def can_open(self) -> bool:
        return may(self.person, Right.ITEMS)

    @property
    def can_plan(self) -> bool:
        return may(self.person, Right.EDIT) and self.connector.is_active and self.connector.disconnected_at is None

    @cached_property
    def projects(self) -> list[ImportableProject]:
        """Of ours, by their keys."""
        rows = Project.objects.filter(connector=self.connector, ours_at__isnull=False).order_by("key")
        running = {each.project_id: each for each in self._open}
        return [
            ImportableProject(project=each, open=running.get(each.pk), why_not=why_not_imported(each)) for each in rows
        ]

    @property
    def importable(self) -> list[ImportableProject]:
        return [each for each in self.projects if not each.why_not and each.open is None]

    @cached_property
    def runs(self) -> list[ImportRun]:
        """The open ones, whatever their age, and the newest of the others."""
        return [*self._open, *self._rows.exclude(state__in=OPEN_IMPORTS)[:MOST_RUNS]]

    @cached_property
    def _open(self) -> list[ImportRun]:
        return list(self._rows.filter(state__in=OPEN_IMPORTS))

    @property
    def _rows(self) -> QuerySet[ImportRun]:
        return ImportRun.objects.filter(connector=self.connector).select_related("project", "author", "approver")


@dataclass(frozen=True, kw_only=True)
class CountedState:
    label: str
    number: int
    style: str
    href: str
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class ShownImportLine:
    """`jira` and `align`: where the issue and its item stand; empty where there is no item."""

    row: ImportLine
    level: str
    style: str
    jira: str
    align: str


@dataclass(frozen=True, kw_only=True)
class WaitingLine:
    """`candidates`: ids of items with their links."""

    row: ImportLine
    jira: str
    candidates: Sequence[tuple[int, str]]


class ImportPage:
    """`asked`: which state and page of the lines, and the line whose values are shown."""

    def __init__(self, run: ImportRun, person: Person, asked: Mapping[str, str]) -> None:
        self.run, self.person, self.asked, self.connector = run, person, asked, run.connector

    @property
    def address(self) -> str:
        return reverse("import-run", args=[self.run.pk])

    @cached_property
    def job(self) -> Job | None:
        rows = Job.objects.filter(connector=self.connector, kind=JobKind.IMPORT, subject=str(self.run.pk))
        return rows.filter(state__in=ACTIVE).order_by("-id").first()

    @property
    def fingerprint(self) -> str:
        return self.run.fingerprint[:SHOWN]

    @property
    def state_words(self) -> str:
        """ "Finished, 7 failed" """
        failed = self._states.get(ImportLineState.FAILED, 0)
        return self.run.get_state_display() + (f", {failed:,} failed" if failed else "")

    @property
    def tag_style(self) -> str:
        if self._states.get(ImportLineState.FAILED):
            return "warn"
        styles = {ImportState.FINISHED: "ok", ImportState.FAILED: "bad", ImportState.PAUSED: "warn"}
        return styles.get(ImportState(self.run.state), "warn" if self.run.state == ImportState.DRAFT else "")

    # --- what may be done ---

    @property
    def is_connected(self) -> bool:
        return self.connector.disconnected_at is None

    @property
    def may_decide(self) -> bool:
        return self.run.state == ImportState.DRAFT and may(self.person, Right.APPROVE) and self.is_connected

    @property
    def needs_another(self) -> bool:
        return needs_another(self.connector, self.person, lambda: [self.run.author_id])

    @property
    def may_approve(self) -> bool:
        return self.may_decide and not self.needs_another and bool(self.to_send)

    @property
    def may_control(self) -> bool:
        return may(self.person, Right.APPROVE) and self.is_connected

    @property
    def may_cancel(self) -> bool:
        return self.run.state in OPEN_IMPORTS and may(self.person, Right.EDIT) and self.is_connected

    @property
    def may_retry(self) -> bool:
        is_over = self.run.state in (ImportState.FINISHED, ImportState.PAUSED)
        return is_over and self.may_control and bool(self._states.get(ImportLineState.FAILED))

    @property
    def may_plan_again(self) -> bool:
        """Of one that is over, while nothing is open of its project and it may be imported."""
        is_over = self.run.state in (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED)
        if not is_over or not may(self.person, Right.EDIT) or not self.is_connected or not self.connector.is_active:
            return False
        others = ImportRun.objects.filter(project=self.run.project_id, state__in=OPEN_IMPORTS)
        return not why_not_imported(self.run.project) and not others.exists()

    @property
    def may_roll_back(self) -> bool:
        """Of one that is over and made something."""
        is_over = self.run.state in (ImportState.FINISHED, ImportState.CANCELLED)
        return is_over and any(act == ImportAct.CREATE for _, act in self._counted) and may(self.person, Right.ITEMS)

    # --- cost ---

    @cached_property
    def cost(self) -> ImportCost | None:
        return ImportCost(**self.run.cost) if self.run.cost else None

    @property
    def cost_parts(self) -> list[tuple[str, int]]:
        """Requests, in the order in which they are spent."""
        return [(label, number) for label, number in self._cost_labels() if number]

    def _cost_labels(self) -> list[tuple[str, int]]:
        cost = self.cost
        if cost is None:
            return []
        return [
            ("Jira: its issues, 100 at a time", cost.issues),
            ("Jira Align: items that it may have, 100 at a time and level", cost.known),
            ("Jira Align: people, 100 at a time", cost.people),
            ("Jira Align: one for each item that is created or updated", cost.writes),
            ("Jira Align: reading back, 100 at a time and level", cost.read_back),
            ("Jira: whether the project is the same, before each 100 items", cost.identity),
        ]

    @property
    def seconds(self) -> float:
        """That sending it takes by the rate limit."""
        slots = settings.BUDGET_SLOTS - settings.BUDGET_RESERVED
        return self.cost.seconds(slots=slots, window=settings.BUDGET_WINDOW) if self.cost else 0.0

    # --- the lines ---

    @cached_property
    def _counted(self) -> Counter[tuple[str, str]]:
        return Counter(self.run.lines.order_by().values_list("state", "act"))

    @cached_property
    def _states(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for (state, act), number in self._counted.items():
            if act not in (ImportAct.NOTHING, ImportAct.SKIP):
                found[state] += number
        return found

    @property
    def acts(self) -> list[tuple[str, int]]:
        found: Counter[str] = Counter()
        for (_, act), number in self._counted.items():
            found[act] += number
        return [(act.label, found[act]) for act in ImportAct if found[act]]

    @property
    def number(self) -> int:
        return sum(self._counted.values())

    @property
    def to_send(self) -> int:
        return sum(self._states.values())

    @property
    def states(self) -> list[CountedState]:
        return [
            CountedState(
                label=state.label,
                number=self._states[state],
                style=STYLES.get(state, ""),
                href=self._link(state=state.value),
                is_chosen=self.asked.get("state") == state.value,
            )
            for state in ImportLineState
            if self._states[state]
        ]

    @property
    def confirmed(self) -> int:
        return self.run.lines.filter(confirmed=True).count()

    @cached_property
    def shown(self) -> Page[ImportLine]:
        rows = self.run.lines.order_by("position").defer("values")
        if self.asked.get("state") in ImportLineState.values:
            rows = rows.filter(state=self.asked["state"]).exclude(act__in=[ImportAct.NOTHING, ImportAct.SKIP])
        return Paginator(rows, PER_PAGE).get_page(self.asked.get("page"))

    @property
    def lines(self) -> list[ShownImportLine]:
        called = self.connector.terminology
        return [
            ShownImportLine(
                row=each,
                level=called.name(each.level) if each.level else "",
                style=STYLES.get(ImportLineState(each.state), ""),
                jira=jira_issue(self.connector, each.issue_key),
                align=align_item(self.connector, each.level, each.align_id),
            )
            for each in self.shown
        ]

    @property
    def waiting(self) -> Sequence[WaitingLine]:
        found = self.run.lines.filter(state=ImportLineState.WAITING).order_by("position")[:PER_PAGE]
        return [
            WaitingLine(
                row=each,
                jira=jira_issue(self.connector, each.issue_key),
                candidates=[(item, align_item(self.connector, each.level, item)) for item in each.candidates],
            )
            for each in found
        ]

    @property
    def newer_page(self) -> str:
        return self._link(page=str(self.shown.previous_page_number())) if self.shown.has_previous() else ""

    @property
    def next_page(self) -> str:
        return self._link(page=str(self.shown.next_page_number())) if self.shown.has_next() else ""

    def _link(self, **changed: str) -> str:
        kept = {"state": self.asked.get("state", ""), **changed}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"{self.address}?{query}" if query else self.address

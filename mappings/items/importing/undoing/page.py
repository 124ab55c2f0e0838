"""The page of an import's roll back: what goes, what stays and why, and how far it has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.models import ACTIVE, Job, JobKind
from mappings.engine.cost import duration_estimate
from mappings.items.importing.addresses import align_item, jira_issue
from mappings.items.importing.rules import why_not_imported
from mappings.items.importing.undoing.job import subject_of
from mappings.models import (
    OPEN_UNDOINGS,
    ImportRun,
    ImportState,
    ImportUndoing,
    ItemLink,
    UndoAct,
    UndoingState,
    UndoLine,
    UndoLineState,
)
from mappings.planning.second_person import needs_another

PER_PAGE, SHOWN = 50, 12
STYLES = {
    UndoLineState.DONE: "ok",
    UndoLineState.LEFT: "warn",
    UndoLineState.FAILED: "bad",
    UndoLineState.UNKNOWN: "warn",
}


@dataclass(frozen=True, kw_only=True)
class ShownUndoLine:
    row: UndoLine
    level: str
    style: str
    jira: str
    align: str


@dataclass(frozen=True, kw_only=True)
class CountedUndos:
    label: str
    number: int
    style: str
    href: str
    is_chosen: bool


class UndoPage:
    """`asked`: which state and page of the lines. `typed`: into the form that has it planned."""

    def __init__(
        self, run: ImportRun, person: Person, asked: Mapping[str, str], typed: Mapping[str, str] | None = None
    ) -> None:
        self.run, self.person, self.asked, self.typed = run, person, asked, typed or {}
        self.connector = run.connector

    @cached_property
    def undoing(self) -> ImportUndoing | None:
        """The newest."""
        found = self.run.undoings.select_related("author", "approver").first()
        if found is not None:
            found.run = self.run
        return found

    @cached_property
    def job(self) -> Job | None:
        if self.undoing is None:
            return None
        rows = Job.objects.filter(connector=self.connector, kind=JobKind.IMPORT, subject=subject_of(self.undoing))
        return rows.filter(state__in=ACTIVE).order_by("-id").first()

    @property
    def address(self) -> str:
        return reverse("import-undo", args=[self.run.pk])

    # --- what may be done ---

    @property
    def is_connected(self) -> bool:
        return self.connector.disconnected_at is None

    @property
    def is_open(self) -> bool:
        return self.undoing is not None and self.undoing.state in OPEN_UNDOINGS

    @property
    def is_over(self) -> bool:
        """The import."""
        return self.run.state in (ImportState.FINISHED, ImportState.CANCELLED)

    @cached_property
    def standing(self) -> int:
        """Items of it that still stand for their issues."""
        return ItemLink.objects.filter(run=self.run, align_id__isnull=False).count()

    @property
    def why_not(self) -> str:
        return why_not_imported(self.run.project)

    @property
    def may_plan(self) -> bool:
        is_free = self.is_over and not self.is_open and bool(self.standing) and not self.why_not
        return is_free and may(self.person, Right.EDIT) and self.is_connected and self.connector.is_active

    @property
    def may_decide(self) -> bool:
        is_draft = self.undoing is not None and self.undoing.state == UndoingState.DRAFT
        return is_draft and may(self.person, Right.APPROVE) and self.is_connected

    @property
    def needs_another(self) -> bool:
        found = self.undoing
        return found is not None and needs_another(self.connector, self.person, lambda: [found.author_id])

    @property
    def may_approve(self) -> bool:
        return self.may_decide and not self.needs_another and bool(self.going)

    @property
    def may_control(self) -> bool:
        return may(self.person, Right.APPROVE) and self.is_connected

    @property
    def may_cancel(self) -> bool:
        return self.is_open and may(self.person, Right.APPROVE) and self.is_connected

    # --- what it is ---

    @property
    def fingerprint(self) -> str:
        return self.undoing.fingerprint[:SHOWN] if self.undoing else ""

    @property
    def seconds(self) -> float:
        slots = settings.BUDGET_SLOTS - settings.BUDGET_RESERVED
        requests = self.undoing.requests if self.undoing else 0
        return duration_estimate(requests, slots=slots, window=settings.BUDGET_WINDOW, workers=1)

    @cached_property
    def _counted(self) -> Counter[tuple[str, str]]:
        if self.undoing is None:
            return Counter()
        return Counter(self.undoing.lines.order_by().values_list("act", "state"))

    @property
    def going(self) -> int:
        return sum(number for (act, _), number in self._counted.items() if act == UndoAct.RECYCLE)

    @property
    def staying(self) -> int:
        return sum(number for (act, _), number in self._counted.items() if act == UndoAct.LEAVE)

    @property
    def states(self) -> list[CountedUndos]:
        found: Counter[str] = Counter()
        for (_, state), number in self._counted.items():
            found[state] += number
        return [
            CountedUndos(
                label=state.label,
                number=found[state],
                style=STYLES.get(state, ""),
                href=self._link(state=state.value),
                is_chosen=self.asked.get("state") == state.value,
            )
            for state in UndoLineState
            if found[state]
        ]

    @cached_property
    def shown(self) -> Page[UndoLine]:
        rows = UndoLine.objects.filter(undoing=self.undoing).order_by("position").defer("sent")
        if self.asked.get("state") in UndoLineState.values:
            rows = rows.filter(state=self.asked["state"])
        return Paginator(rows, PER_PAGE).get_page(self.asked.get("page"))

    @property
    def lines(self) -> list[ShownUndoLine]:
        called = self.connector.terminology
        return [
            ShownUndoLine(
                row=each,
                level=called.name(each.level),
                style=STYLES.get(UndoLineState(each.state), ""),
                jira=jira_issue(self.connector, each.issue_key),
                align=align_item(self.connector, each.level, each.align_id),
            )
            for each in self.shown
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

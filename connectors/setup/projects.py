"""The projects of a connector as a table: filtered, sorted and paged by its address, with the figures of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy

from connectors.models import Project, in_scope_here
from connectors.ports.extensions import ConnectorProjects, CoverageFigures, extensions
from connectors.setup.scope.project_filters import KINDS, PER_PAGE, ProjectFilters

IN_SCOPE = in_scope_here()
SCOPES = {"in": IN_SCOPE, "out": Q(in_scope=False, vanished_at=None)}
PROBLEMS = {
    "errors": ~Q(align_error="") | ~Q(read_error=""),
    "vanished": Q(vanished_at__isnull=False),
}
COUNT_PROBLEMS = ("drift", "edits")  # of which the counts of all projects are asked
COVERAGE_PROBLEM, COVERAGE_ORDER = "unmapped", "coverage"  # of which the coverage of all projects is asked
ORDERS = {"project": F("key"), "kind": F("team_managed"), "read": F("read_at"), "scope": F("in_scope")}
LABELS = {
    "project": "Project",
    "kind": "Kind",
    "coverage": "Coverage",
    "drift": "Drift",
    "edits": "Edits",
    "read": "Statuses read",
    "scope": "In scope",
}
OF_THOSE_IN_SCOPE = ("drift", "edits", "read")  # columns that are empty for the others, which come last
MOST_FIRST = ("drift", "edits", "scope")  # the first click on these shows the largest number on top


@dataclass(frozen=True, kw_only=True)
class SortLink:
    """The heading of a column; `direction` is what `aria-sort` says, empty while another column sorts."""

    label: str
    href: str
    direction: str


@dataclass(frozen=True, kw_only=True)
class ProjectRow:
    project: Project
    coverage: CoverageFigures | None  # None: it is not in scope, so nothing of it is mapped
    drifted: int
    edits: int

    @property
    def is_in_scope(self) -> bool:
        return self.project.in_scope and self.project.vanished_at is None


class ProjectTable(ProjectFilters):
    """An order that is not known falls back to that by key."""

    @cached_property
    def counts(self) -> ConnectorProjects:
        return extensions().projects(self.connector)

    @cached_property
    def page(self) -> Page[int]:
        return Paginator(self._ids, PER_PAGE).get_page(self.asked.get("page"))

    @cached_property
    def rows(self) -> list[ProjectRow]:
        found = Project.objects.in_bulk(list(self.page))
        coverage = self._coverage_of_all if self._asks_coverage else extensions().coverage(self.connector, set(found))
        return [
            ProjectRow(
                project=found[pk],
                coverage=coverage.get(pk),
                drifted=self.counts.drifted.get(pk, 0),
                edits=self.counts.edits.get(pk, 0),
            )
            for pk in self.page
            if pk in found
        ]

    @cached_property
    def _coverage_of_all(self) -> Mapping[int, CoverageFigures]:
        return extensions().coverage(self.connector, None)

    @property
    def _asks_coverage(self) -> bool:
        return self.problem == COVERAGE_PROBLEM or self.column == COVERAGE_ORDER

    @property
    def _ids(self) -> list[int]:
        """Keys of all projects that fit, in their order. Numbers alone, so that thousands are soon sorted."""
        wanted = self._wanted().order_by(*self._order, "key", "pk")
        ids = list(wanted.values_list("pk", flat=True))
        by_name = {"drift": self.counts.drifted, "edits": self.counts.edits}
        if self.problem in by_name:
            ids = [pk for pk in ids if by_name[self.problem].get(pk)]
        if self.problem == COVERAGE_PROBLEM:
            ids = [pk for pk in ids if (each := self._coverage_of_all.get(pk)) and each.mapped < each.total]
        if self.column in by_name:
            ids.sort(key=lambda pk: by_name[self.column].get(pk, 0), reverse=self.is_reversed)
        if self.column == COVERAGE_ORDER:
            ids = self._by_coverage(ids)
        return ids

    def _by_coverage(self, ids: Collection[int]) -> list[int]:
        """What has no share, since it is not known or there is no status to map, comes last in both directions."""
        found = self._coverage_of_all
        shares = {pk: each.mapped / each.total for pk in ids if (each := found.get(pk)) and each.total}
        return [
            *sorted(shares, key=shares.__getitem__, reverse=self.is_reversed),
            *(pk for pk in ids if pk not in shares and pk in found),
            *(pk for pk in ids if pk not in found),
        ]

    def _wanted(self) -> QuerySet[Project]:
        wanted = KINDS.get(self.kind, Q()) & SCOPES.get(self.scope, Q()) & PROBLEMS.get(self.problem, Q())
        return Project.objects.filter(wanted, self.by_words, connector=self.connector)

    @property
    def _order(self) -> list[OrderBy]:
        field = ORDERS.get(self.column)
        is_out = Case(When(IN_SCOPE, then=Value(0)), default=Value(1))
        scope = [is_out.asc()] if self.column in OF_THOSE_IN_SCOPE else []
        if field is None:
            return scope
        # What was never read is older than anything.
        return [*scope, field.desc(nulls_last=True) if self.is_reversed else field.asc(nulls_first=True)]

    # --- the address ---

    @property
    def scope(self) -> str:
        return self._one_of("scope", SCOPES)

    @property
    def problem(self) -> str:
        return self._one_of("problem", [*PROBLEMS, *COUNT_PROBLEMS, COVERAGE_PROBLEM])

    @property
    def sort(self) -> str:
        """ "coverage", or "-coverage" the other way round; empty: by key."""
        return self._one_of("sort", [way + column for column in LABELS for way in ("", "-")])

    @property
    def column(self) -> str:
        return self.sort.removeprefix("-") or "project"

    @property
    def is_reversed(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.kind or self.scope or self.problem)

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return self._query(sort=self.sort)

    @property
    def sorts(self) -> list[tuple[str, str]]:
        """(value, words) of every order, for where there are no headings to press: the first click's first."""
        ways = {"": "ascending", "-": "descending"}
        return [
            (way + column if way + column != "project" else "", f"{label}, {ways[way]}")
            for column, label in LABELS.items()
            for way in sorted(ways, reverse=column in MOST_FIRST)
        ]

    @property
    def headings(self) -> list[SortLink]:
        return [self._heading(column, label) for column, label in LABELS.items()]

    def _heading(self, column: str, label: str) -> SortLink:
        is_current = column == self.column
        falls = not self.is_reversed if is_current else column in MOST_FIRST
        direction = ("descending" if self.is_reversed else "ascending") if is_current else ""
        query = self._query(sort=f"-{column}" if falls else column)
        return SortLink(label=label, href=f"?{query}", direction=direction)

    def _query(self, *, sort: str) -> str:
        chosen = {"q": self.words, "kind": self.kind, "scope": self.scope, "problem": self.problem, "sort": sort}
        return urlencode({name: value for name, value in chosen.items() if value})

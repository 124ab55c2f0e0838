"""The projects of a connector as a table: filtered, sorted and paged by its address, with the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from alignadmin.parsing import REPLACEMENT, text_in
from connectors.models import Connector, Project
from connectors.ports.extensions import ConnectorProjects, ProjectFigures, extensions

PER_PAGE = 50
KINDS = {"company": Q(team_managed=False), "team": Q(team_managed=True)}
SCOPES = {"in": Q(in_scope=True, vanished_at=None), "out": Q(in_scope=False, vanished_at=None)}
PROBLEMS = {
    "errors": ~Q(align_error="") | ~Q(read_error=""),
    "vanished": Q(vanished_at__isnull=False),
}
# What the database does not know of a project; each is asked of its figures.
FIGURE_PROBLEMS: dict[str, Callable[[ProjectFigures], object]] = {
    "unmapped": lambda figures: figures.mapped < figures.total,
    "drift": lambda figures: figures.drifted,
    "edits": lambda figures: figures.edits,
}
FIGURE_ORDERS: dict[str, Callable[[ProjectFigures], float]] = {
    "coverage": lambda figures: figures.mapped / figures.total if figures.total else 2,
    "drift": lambda figures: figures.drifted,
    "edits": lambda figures: figures.edits,
}
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
    figures: ProjectFigures | None  # None: it is not in scope, so nothing of it is mapped


@dataclass
class ProjectTable:
    """`asked` is the query of the address; what is not known in it falls back to the default."""

    connector: Connector
    asked: Mapping[str, str]

    @cached_property
    def figures(self) -> ConnectorProjects:
        return extensions().projects(self.connector)

    @cached_property
    def page(self) -> Page[int]:
        return Paginator(self._ids, PER_PAGE).get_page(self.asked.get("page"))

    @cached_property
    def rows(self) -> list[ProjectRow]:
        found = Project.objects.in_bulk(list(self.page))
        return [ProjectRow(project=found[pk], figures=self.figures.of.get(pk)) for pk in self.page if pk in found]

    @property
    def _ids(self) -> list[int]:
        """Keys of all projects that fit, in their order. Numbers alone, so that thousands are soon sorted."""
        wanted = self._wanted().order_by(*filter(None, [self._order]), "key", "pk")
        ids = list(wanted.values_list("pk", flat=True))
        if fits := FIGURE_PROBLEMS.get(self.problem):
            ids = [pk for pk in ids if pk in self.figures.of and fits(self.figures.of[pk])]
        if order := FIGURE_ORDERS.get(self.column):
            known = [pk for pk in ids if pk in self.figures.of]
            known.sort(key=lambda pk: order(self.figures.of[pk]), reverse=self.is_reversed)
            ids = [*known, *(pk for pk in ids if pk not in self.figures.of)]
        return ids

    def _wanted(self) -> QuerySet[Project]:
        wanted = KINDS.get(self.kind, Q()) & SCOPES.get(self.scope, Q()) & PROBLEMS.get(self.problem, Q())
        if self.words:
            wanted &= Q(key__icontains=self.words) | Q(name__icontains=self.words)
        return Project.objects.filter(wanted, connector=self.connector)

    @property
    def _order(self) -> OrderBy | None:
        field = ORDERS.get(self.column)
        if field is None:
            return None
        # What was never read is older than anything.
        return field.desc(nulls_last=True) if self.is_reversed else field.asc(nulls_first=True)

    # --- the address ---

    @property
    def words(self) -> str:
        return text_in(self.asked, "q").replace(REPLACEMENT, "").strip()[:255]

    @property
    def kind(self) -> str:
        return self._one_of("kind", KINDS)

    @property
    def scope(self) -> str:
        return self._one_of("scope", SCOPES)

    @property
    def problem(self) -> str:
        return self._one_of("problem", [*PROBLEMS, *FIGURE_PROBLEMS])

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

    def _one_of(self, name: str, known: Collection[str]) -> str:
        value = text_in(self.asked, name)
        return value if value in known else ""

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.kind or self.scope or self.problem)

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return self._query(sort=self.sort)

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

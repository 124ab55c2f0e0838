"""The projects of both systems as step 4 shows them: filtered and paged by the address, from tables only.

No coverage or drift stands here, so that thousands of projects are as quick as ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from alignadmin.parsing import text_in, whole
from connectors.catalogue.project_rights import ASKED_RIGHTS
from connectors.jira.rights import JiraPermission, needed_for
from connectors.models import AlignOnlyProject, Carried, Project, ScopeChoice, in_scope_here, ours
from connectors.setup.scope.project_filters import KINDS, PER_PAGE, ProjectFilters

MOST_ALIGN_ONLY = 50  # named below the table
MOST_OPTIONS = 200  # of a filter
NONE = "-"  # the value of a filter for projects without a category or programme
CARRIED = {
    "yes": Q(carried=Carried.YES),
    "no": Q(carried=Carried.NO),
    "left": Q(carried=Carried.NO, left_align_at__isnull=False),
    "unknown": Q(carried=Carried.UNKNOWN),
}
SCOPES = {
    "in": in_scope_here(),
    "out": Q(in_scope=False),
    "ours": ours(),
    "chosen": ~Q(scope_choice=ScopeChoice.ALIGN),
}
BROWSE = JiraPermission.BROWSE_PROJECTS
FOR_IMPORT = ("create_issue", "edit_issue", "transition")  # calls that only import and synchronisation make


@dataclass(frozen=True, kw_only=True)
class ProjectRights:
    """What is known of the Jira account in a project, and since when; `style` is a class of the stylesheet.

    `lacking`: what it may not do, each with what that is needed for; None where that was never asked.
    """

    style: str
    word: str
    sentence: str = ""
    at: datetime | None = None
    lacking: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class ScopeRow:
    project: Project

    @property
    def mover(self) -> str:
        """Who moves its items between the systems: Align wherever it may carry the project."""
        if self.project.is_ours:
            return "its mappings are kept here; nobody moves its items yet"
        return "nobody moves its items" if self.project.carried == Carried.NO else "Align moves its items"

    @property
    def rights(self) -> ProjectRights:
        """By the later of the two: the check of its rights, and the reading of its statuses."""
        project = self.project
        if project.rights_at is None or (project.tried_at and project.tried_at > project.rights_at):
            return self._by_reading
        if project.rights_error:
            return ProjectRights(style="bad", word="Not told", sentence=project.rights_error, at=project.rights_at)
        if not project.rights.get(BROWSE):
            said = "Lacks Browse projects, needed for reading it. Grant it in the permission scheme of the project."
            return ProjectRights(style="bad", word="Not visible", sentence=said, at=project.rights_at)
        return ProjectRights(style="ok", word="Readable", at=project.rights_at, lacking=self._lacking)

    @property
    def _by_reading(self) -> ProjectRights:
        project = self.project
        if project.read_error:
            return ProjectRights(style="bad", word="Refused", sentence=project.read_error, at=project.tried_at)
        if project.read_at is None:
            return ProjectRights(style="", word="Not read yet")
        return ProjectRights(style="ok", word="Readable", at=project.read_at, lacking=self._lacking)

    @property
    def _lacking(self) -> list[str] | None:
        if self.project.rights_at is None or self.project.rights_error:
            return None
        lacking = [each for each in ASKED_RIGHTS if self.project.rights.get(each) is False and each != BROWSE]
        return [f"{each.label}: needed for {', '.join(needed_for(each, FOR_IMPORT))}" for each in lacking]


class ScopeTable(ProjectFilters):
    """One page of them, and what the filters offer."""

    @cached_property
    def page(self) -> Page[Project]:
        return Paginator(self.wanted(), PER_PAGE).get_page(self.asked.get("page"))

    @property
    def rows(self) -> list[ScopeRow]:
        return [ScopeRow(project=project) for project in self.page]

    def wanted(self) -> QuerySet[Project]:
        chosen = KINDS.get(self.kind, Q()) & CARRIED.get(self.carried, Q()) & SCOPES.get(self.scope, Q())
        if self.category:
            chosen &= Q(category="" if self.category == NONE else self.category)
        if self.programme:
            chosen &= Q(programme_id=None if self.programme == NONE else int(self.programme))
        return Project.objects.filter(chosen, self.by_words, connector=self.connector).order_by("key", "pk")

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Of all projects that Jira shows."""
        there = Project.objects.filter(connector=self.connector, vanished_at=None)
        return there.aggregate(
            all=Count("pk"),
            in_scope_now=Count("pk", filter=Q(in_scope=True)),
            by_align=Count("pk", filter=CARRIED["yes"]),
            left=Count("pk", filter=CARRIED["left"]),
            unknown=Count("pk", filter=CARRIED["unknown"]),
            of_ours=Count("pk", filter=ours()),
        )

    @cached_property
    def categories(self) -> list[str]:
        mine = Project.objects.filter(connector=self.connector).exclude(category="").order_by("category")
        return list(mine.values_list("category", flat=True).distinct()[:MOST_OPTIONS])

    @cached_property
    def programmes(self) -> list[str]:
        mine = Project.objects.filter(connector=self.connector, programme_id__isnull=False).order_by("programme_id")
        return [str(number) for number in mine.values_list("programme_id", flat=True).distinct()[:MOST_OPTIONS]]

    @cached_property
    def align_only(self) -> list[AlignOnlyProject]:
        """Of Align's list, those that Jira does not show, by the words of the filter; one more than are named."""
        found = AlignOnlyProject.objects.filter(self.by_words, connector=self.connector)
        return list(found[: MOST_ALIGN_ONLY + 1])

    # --- the address ---

    @property
    def carried(self) -> str:
        return self._one_of("carried", CARRIED)

    @property
    def scope(self) -> str:
        return self._one_of("scope", SCOPES)

    @property
    def category(self) -> str:
        return self._text("category")

    @property
    def programme(self) -> str:
        """A number as it is written in the filter, or NONE."""
        value = text_in(self.asked, "programme")
        number = whole(value)
        return NONE if value == NONE else "" if number is None else str(number)

    @property
    def filters(self) -> dict[str, str]:
        """Those that are set, by the names of their fields."""
        names = ("kind", "category", "programme", "carried", "scope")
        set_ = {"q": self.words} | {name: getattr(self, name) for name in names}
        return {name: value for name, value in set_.items() if value}

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return urlencode(self.filters)

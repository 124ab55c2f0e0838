"""The coverage heat map: per project and work item type, how many reachable statuses have a mapping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, Project, ReachableStatus
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.edits.unrecognised import by_place, strange_records
from mappings.engine.families import A2J_STATE, J2A_STATE
from mappings.engine.values import TypeName
from mappings.models import Mapping, Scope

LABELS = {
    "mapped": "every status mapped",
    "partly": "some statuses unmapped",
    "unmapped": "no status mapped",
    "drifted": "changed elsewhere",
    "unknown": "not read from Align, or records of an unknown type id",
    "lost": "mappings exist, but no issue type here is known to stand for it",
    "na": "not applicable: no status to map",
}


# What needs a look first; within it, the rows with more of such squares.
WORST_FIRST = ("unmapped", "lost", "drifted", "partly", "unknown", "mapped", "na")


@dataclass(frozen=True, kw_only=True)
class Square:
    """One project's (or all company-managed projects') statuses of one work item type."""

    work_item_type: TypeName
    state: str
    type_name: str = ""  # as it is called here
    mapped: int = 0
    total: int = 0

    @property
    def label(self) -> str:
        counts = f" ({self.mapped} of {self.total})" if self.total and self.state in ("partly", "drifted") else ""
        return f"{self.type_name}: {LABELS[self.state]}{counts}"


@dataclass(frozen=True, kw_only=True)
class CoverageRow:
    pk: int
    key: str
    name: str
    team_managed: bool
    squares: tuple[Square, ...]

    def fits(self, words: str, state: str) -> bool:
        """Whether key or name contain the words, in any case, and a square has the state; "" asks for none."""
        folded = words.casefold()
        return (folded in self.key.casefold() or folded in self.name.casefold()) and (
            not state or any(square.state == state for square in self.squares)
        )

    @property
    def urgency(self) -> tuple[int, ...]:
        """Smaller is worse: fewer squares in each state, from the worst one on, are better."""
        states = [square.state for square in self.squares]
        return tuple(-states.count(state) for state in WORST_FIRST[:-2])


@dataclass(frozen=True, kw_only=True)
class ProjectCoverage:
    """`rows` are per project; `counts` says how many squares are in each state."""

    rows: tuple[CoverageRow, ...]
    counts: MappingOf[str, int]

    @property
    def worst_first(self) -> list[CoverageRow]:
        return sorted(self.rows, key=lambda row: (row.urgency, row.key))

    @property
    def percent(self) -> int | None:
        """Share of the applicable squares that are fully mapped; 100 for all of them alone."""
        applicable = sum(number for state, number in self.counts.items() if state not in ("na", "unknown"))
        return 100 * self.counts.get("mapped", 0) // applicable if applicable else None


def coverage(connector: Connector, only: Collection[int] | None = None) -> ProjectCoverage:
    """States, Jira to Align: the direction in which a gap silently throws work back to 0 - Pending approval.

    `only`: keys of the projects that are asked for, whose rows are as among all of them; None: every one in scope.
    """
    in_scope, places = projects_in_scope(connector), _lists(connector)
    if only is not None:
        in_scope, places = in_scope.filter(pk__in=only), places.filter(Q(project=None) | Q(project_id__in=only))
    projects = list(in_scope.only("pk", "key", "name", "team_managed"))
    scopes = {scope.project_id: scope for scope in places}
    mapped, drifted = _sources(scopes.values())
    strange = by_place(strange_records(connector, scopes.values()))
    matches, called = IssueTypes(connector), connector.terminology
    reached = _reached(matches, in_scope)
    lost = _lost(matches, projects, scopes, mapped, reached, is_part=only is not None)
    counts: dict[str, int] = defaultdict(int)
    rows = []
    for project in projects:
        scope = scopes.get(project.pk if project.team_managed else None)
        squares = []
        for type_ in TypeName:
            key = (scope.pk if scope else 0, type_.value)
            known = scope is not None and scope.known
            here = reached[type_].get(project.pk, set())
            square = _square(type_, here, mapped[key], drifted[key], known)
            if square.state == "unmapped" and scope and here & strange.get((scope.pk, type_), {}).keys():
                square = Square(work_item_type=type_, state="unknown", total=len(here))
            if (project.pk, type_) in lost:
                square = Square(work_item_type=type_, state="lost")
            counts[square.state] += 1
            squares.append(replace(square, type_name=called.name(type_)))
        row = CoverageRow(
            pk=project.pk,
            key=project.key,
            name=project.name,
            team_managed=project.team_managed,
            squares=tuple(squares),
        )
        rows.append(row)
    return ProjectCoverage(rows=tuple(rows), counts=dict(counts))


def _lists(connector: Connector) -> QuerySet[Scope]:
    return Scope.objects.filter(connector=connector, family=J2A_STATE.code, is_ours=False)


def _square(type_: TypeName, reached: set[int], mapped: set[int], drifted: set[int], known: bool) -> Square:
    if not reached:
        return Square(work_item_type=type_, state="na")
    if not known:
        return Square(work_item_type=type_, state="unknown", total=len(reached))
    covered = len(reached & mapped)
    state = "partly"
    if reached & drifted:
        state = "drifted"
    elif covered in (0, len(reached)):
        state = "mapped" if covered else "unmapped"
    return Square(work_item_type=type_, state=state, mapped=covered, total=len(reached))


Sources = dict[tuple[int, str], set[int]]
Reached = dict[str, dict[int, set[int]]]  # work item type -> project -> status ids


def _lost(
    matches: IssueTypes,
    projects: Sequence[Project],
    scopes: MappingOf[int | None, Scope],
    mapped: Sources,
    all_: Reached,
    *,
    is_part: bool,
) -> set[tuple[int, TypeName]]:
    """Projects with mappings of a type that none of their issue types stands for: the mappings are good, the types are
    called otherwise. What company-managed projects share is lost only where no one of them reaches it; where `projects`
    are a part of them, the others are asked, too.
    """
    none = [(project, type_) for project in projects for type_ in TypeName if not all_[type_].get(project.pk)]
    if not none:
        return set()
    back = Mapping.objects.filter(
        scope__connector=matches.connector,
        scope__family=A2J_STATE.code,
        scope__is_ours=False,
        wanted__isnull=False,
    )
    if is_part:
        back = back.filter(scope__project_id__in={project.pk for project, _ in none})
    ways_back = set(back.order_by().values_list("scope__project_id", "work_item_type").distinct())
    company = [project.pk for project in projects if not project.team_managed]
    shared = {type_: any(all_[type_].get(pk) for pk in company) for type_ in TypeName}
    if is_part:
        for type_ in {type_ for project, type_ in none if not project.team_managed and not shared[type_]}:
            shared[type_] = matches.reachable(type_).filter(project__team_managed=False).exists()
    found = set()
    for project, type_ in none:
        scope = scopes.get(project.pk if project.team_managed else None)
        has_own = project.team_managed or not shared[type_]
        if (project.pk, type_.value) in ways_back or (scope and has_own and mapped[scope.pk, type_.value]):
            found.add((project.pk, type_))
    return found


def _sources(scopes: Iterable[Scope]) -> tuple[Sources, Sources]:
    """(scope id, type) -> status ids with a wanted target, and those that changed elsewhere."""
    mapped: Sources = defaultdict(set)
    drifted: Sources = defaultdict(set)
    rows = Mapping.objects.filter(scope_id__in=[scope.pk for scope in scopes])
    for scope_id, type_, source_id, wanted, situation in rows.values_list(
        "scope_id", "work_item_type", "source_id", "wanted", "situation"
    ):
        if wanted is not None:
            mapped[scope_id, type_].add(source_id)
        if situation in OPEN_SITUATIONS:
            drifted[scope_id, type_].add(source_id)
    return mapped, drifted


def _reached(matches: IssueTypes, in_scope: QuerySet[Project]) -> Reached:
    """Of these projects, in one query for all types: a query for each type costs four times as much."""
    found: Reached = {type_.value: defaultdict(set) for type_ in TypeName}
    rows = ReachableStatus.objects.filter(project__in=in_scope).order_by()
    for project_id, issue_type, status_id in rows.values_list("project_id", "issue_type_id", "status__jira_id"):
        for type_ in matches.stands_for(issue_type, project_id):
            found[type_][project_id].add(status_id)
    return found

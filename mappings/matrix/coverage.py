"""The coverage heat map: per project and work item type, how many reachable statuses have a mapping."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q, QuerySet

from connectors.align.terminology import Terminology
from connectors.catalogue.issue_types import IssueTypes
from connectors.catalogue.workflows import ListedProject, ProjectWorkflow, listed_projects
from connectors.models import Connector
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

TYPES = tuple(TypeName)  # to go through an enumeration thousands of times takes long

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


class CoverageRow(NamedTuple):
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
        # Rows with the same squares have one tuple of them: see `coverage`.
        urgency: dict[int, tuple[int, ...]] = {}
        for row in self.rows:
            if id(row.squares) not in urgency:
                urgency[id(row.squares)] = row.urgency
        return sorted(self.rows, key=lambda row: (urgency[id(row.squares)], row.key))

    @property
    def percent(self) -> int | None:
        """Share of the applicable squares that are fully mapped; 100 for all of them alone."""
        applicable = sum(number for state, number in self.counts.items() if state not in ("na", "unknown"))
        return 100 * self.counts.get("mapped", 0) // applicable if applicable else None


def coverage(
    connector: Connector, only: Collection[int] | None = None, matches: IssueTypes | None = None
) -> ProjectCoverage:
    """States, Jira to Align: the direction in which a gap silently throws work back to 0 - Pending approval.

    `only`: keys of the projects that are asked for, whose rows are as among all of them; None: every one in scope.
    `matches`, where they are at hand.
    """
    matches = matches or IssueTypes(connector)
    projects = matches.projects if only is None else listed_projects(connector, only)
    places = Scope.objects.filter(connector=connector, family=J2A_STATE.code, is_ours=False)
    if only is not None:
        places = places.filter(Q(project=None) | Q(project_id__in=only))
    lists = _StateLists(connector, places)
    # Nearly all projects share their mappings and have the workflow of many others: each such kind is worked out once.
    alike = {project.pk: lists.kind_of(project, matches) for project in projects}
    reached = {kind: matches.reached(kind.workflow, kind.owner) for kind in set(alike.values())}
    squares = {kind: lists.squares(kind, reached[kind], connector.terminology) for kind in reached}
    lost = _lost(matches, projects, lists, {pk: reached[kind] for pk, kind in alike.items()}, is_part=only is not None)
    rows = []
    for project in projects:
        here = squares[alike[project.pk]]
        if types := lost.get(project.pk):
            here = tuple(_lost_square(each) if each.work_item_type in types else each for each in here)
        rows.append(CoverageRow(project.pk, project.key, project.name, project.team_managed, here))
    return ProjectCoverage(rows=tuple(rows), counts=_counted(rows))


def _counted(rows: Iterable[CoverageRow]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    same = {id(row.squares): row.squares for row in rows}
    for squares, number in Counter(id(row.squares) for row in rows).items():
        for square in same[squares]:
            counts[square.state] += number
    return dict(counts)


class _ProjectKind(NamedTuple):
    """What the squares of a project follow from; `scope_id` is 0 where there is no list."""

    scope_id: int
    owner: int | None  # the project itself, where somebody chose issue types for it alone
    workflow: ProjectWorkflow


class _StateLists:
    """The lists of states from Jira to Align, and what they hold."""

    def __init__(self, connector: Connector, places: QuerySet[Scope]) -> None:
        found = list(places)
        self.known = {scope.pk for scope in found if scope.known}
        self._ids = {scope.project_id: scope.pk for scope in found}
        self.mapped, self._drifted = _sources(self._ids.values())
        self._strange = by_place(strange_records(connector, found))

    def id_of(self, project: ListedProject) -> int:
        return self._ids.get(project.pk if project.team_managed else None, 0)

    def kind_of(self, project: ListedProject, matches: IssueTypes) -> _ProjectKind:
        return _ProjectKind(self.id_of(project), matches.owner(project.pk), project.workflow)

    def squares(
        self, kind: _ProjectKind, reached: MappingOf[str, frozenset[int]], called: Terminology
    ) -> tuple[Square, ...]:
        return tuple(self._square(kind.scope_id, type_, reached.get(type_, frozenset()), called) for type_ in TYPES)

    def _square(self, scope_id: int, type_: TypeName, here: frozenset[int], called: Terminology) -> Square:
        key = scope_id, type_.value
        state = _state(here, self.mapped[key], self._drifted[key], scope_id in self.known)
        if state == "unmapped" and here & self._strange.get((scope_id, type_), {}).keys():
            state = "unknown"
        return Square(
            work_item_type=type_,
            state=state,
            type_name=called.name(type_),
            mapped=0 if state == "unknown" else len(here & self.mapped[key]),
            total=len(here),
        )


def _lost_square(square: Square) -> Square:
    return Square(work_item_type=square.work_item_type, state="lost", type_name=square.type_name)


def _state(reached: AbstractSet[int], mapped: AbstractSet[int], drifted: AbstractSet[int], known: bool) -> str:
    if not reached:
        return "na"
    if not known:
        return "unknown"
    if reached & drifted:
        return "drifted"
    covered = len(reached & mapped)
    return "partly" if covered not in (0, len(reached)) else "mapped" if covered else "unmapped"


Sources = dict[tuple[int, str], set[int]]
Reached = MappingOf[int, MappingOf[str, frozenset[int]]]  # project -> work item type -> status ids


def _lost(
    matches: IssueTypes, projects: Sequence[ListedProject], lists: _StateLists, all_: Reached, *, is_part: bool
) -> dict[int, set[TypeName]]:
    """Projects with mappings of a type that none of their issue types stands for: the mappings are good, the types are
    called otherwise. What company-managed projects share is lost only where no one of them reaches it; where `projects`
    are a part of them, the others are asked, too.
    """
    none = [(project, type_) for project in projects for type_ in TYPES if type_ not in all_[project.pk]]
    if not none:
        return {}
    back = Mapping.objects.filter(
        scope__connector=matches.connector,
        scope__family=A2J_STATE.code,
        scope__is_ours=False,
        wanted__isnull=False,
    )
    back = back.filter(scope__project_id__in={project.pk for project, _ in none})
    ways_back = set(back.order_by().values_list("scope__project_id", "work_item_type").distinct())
    company = [project.pk for project in projects if not project.team_managed]
    shared = {type_: any(type_ in all_[pk] for pk in company) for type_ in TypeName}
    if is_part:
        for type_ in {type_ for project, type_ in none if not project.team_managed and not shared[type_]}:
            shared[type_] = matches.reachable(type_).filter(project__team_managed=False).exists()
    found: dict[int, set[TypeName]] = defaultdict(set)
    for project, type_ in none:
        has_own = project.team_managed or not shared[type_]
        if (project.pk, type_.value) in ways_back or (has_own and lists.mapped[lists.id_of(project), type_.value]):
            found[project.pk].add(type_)
    return found


def _sources(scope_ids: Collection[int]) -> tuple[Sources, Sources]:
    """(scope id, type) -> status ids with a wanted target, and those that changed elsewhere."""
    mapped: Sources = defaultdict(set)
    drifted: Sources = defaultdict(set)
    rows = Mapping.objects.filter(scope_id__in=scope_ids)
    for scope_id, type_, source_id, wanted, situation in rows.values_list(
        "scope_id", "work_item_type", "source_id", "wanted", "situation"
    ):
        if wanted is not None:
            mapped[scope_id, type_].add(source_id)
        if situation in OPEN_SITUATIONS:
            drifted[scope_id, type_].add(source_id)
    return mapped, drifted

"""Whether Align's levels and Jira's issue types fit together: what breaks the order, stands twice, is gone or missing.

Align's path runs Theme, Epic, Capability, Feature, Story, Task; a Defect stands beside the Story, under the Feature.
Jira has no such names, only levels: an issue can belong to one of a higher level, and to no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.align.terminology import ALIGNS_OWN, LEVELS, Terminology
from mappings.engine.configuration import ConfigurationProblem, line_key
from mappings.engine.values import Severity, TypeName

SHARED = "shared"  # the place of what holds for all projects that have nothing of their own
PATH = ("theme", "epic", "capability", "feature", "story", "task")
ABOVE: Mapping[str, Sequence[str]] = {
    **{level: PATH[:place] for place, level in enumerate(PATH)},
    "defect": PATH[: PATH.index("feature") + 1],
}
DEPTHS: Mapping[str, int] = {**{level: place for place, level in enumerate(PATH)}, "defect": PATH.index("story")}
EPIC, BASE, SUBTASK = 1, 0, -1  # Jira's levels; those above an epic are its site's own
HIGHEST = 99
MOST_NAMED = 10  # projects in one sentence


@dataclass(frozen=True, kw_only=True)
class JiraType:
    """Issue types of one name: the lowest and the highest level of Jira that they may have."""

    name: str
    lowest: int = BASE
    highest: int = HIGHEST

    def merged(self, other: JiraType) -> JiraType:
        lowest, highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        return JiraType(name=self.name, lowest=lowest, highest=highest)


def jira_type(name: str, *, level: int | None, is_subtask: bool) -> JiraType:
    """Data Center tells no level, only what is a sub-task."""
    if level is None and not is_subtask:
        return JiraType(name=name)
    known = SUBTASK if level is None else level
    return JiraType(name=name, lowest=known, highest=known)


def by_name(types: Iterable[JiraType]) -> dict[str, JiraType]:
    found: dict[str, JiraType] = {}
    for each in types:
        found[each.name] = found[each.name].merged(each) if each.name in found else each
    return found


@dataclass(frozen=True, kw_only=True)
class HierarchyPlace:
    """All projects, or one that has something of its own.

    `chosen`: level -> names of what stands for it there, whoever or whatever said so. `decided`: the levels of which
    that is said at this place, and not only taken over. `types`: what Jira has there, by name.
    """

    code: str
    chosen: Mapping[str, Sequence[str]]
    types: Mapping[str, JiraType]
    label: str = ""  # of a project: its key
    decided: Collection[str] = LEVELS

    def key(self, level: str) -> str:
        return line_key(self.code, level)

    @property
    def where(self) -> str:
        return f" in {self.label}" if self.label else ""


@dataclass(frozen=True, kw_only=True)
class TypesOfProject:
    """Names of the issue types of a project in scope, and the levels that it has something of its own for."""

    key: str
    names: Collection[str]
    own: Mapping[str, Sequence[str]] = field(default_factory=dict)


def check_hierarchy(
    places: Sequence[HierarchyPlace], projects: Sequence[TypesOfProject], called: Terminology = ALIGNS_OWN
) -> list[ConfigurationProblem]:
    """The place of all projects comes first. A fixed order: errors of each place, then what projects lack."""
    found = [problem for place in places for problem in _of_place(place, called)]
    return [*found, *_missing(places[0], projects, called)] if places else found


def _of_place(place: HierarchyPlace, called: Terminology) -> Iterator[ConfigurationProblem]:
    yield from _gone(place, called)
    yield from _twice(place, called)
    yield from _out_of_order(place, called)


def _gone(place: HierarchyPlace, called: Terminology) -> Iterator[ConfigurationProblem]:
    for level in LEVELS:
        if level not in place.decided:
            continue
        for name in place.chosen.get(level, ()):
            if name not in place.types:
                yield ConfigurationProblem(
                    code="type-gone",
                    severity=Severity.ERROR,
                    sentence=f"{called.name(level)} stands for {name}, which Jira does not have{place.where}.",
                    key=place.key(level),
                    about=name,
                )


def _twice(place: HierarchyPlace, called: Terminology) -> Iterator[ConfigurationProblem]:
    first: dict[str, str] = {}
    for level in LEVELS:
        for name in dict.fromkeys(place.chosen.get(level, ())):
            other = first.setdefault(name, level)
            if other != level and {other, level} & set(place.decided):
                yield ConfigurationProblem(
                    code="type-twice",
                    severity=Severity.ERROR,
                    sentence=(
                        f"{name} stands for {called.name(other)} and for {called.name(level)}{place.where}, and an "
                        "issue is one item of Align. Leave it at one of them."
                    ),
                    key=place.key(level),
                    about=f"{name} {other}",
                )


def _out_of_order(place: HierarchyPlace, called: Terminology) -> Iterator[ConfigurationProblem]:
    for below in LEVELS:
        for above in ABOVE[below]:
            if not {above, below} & set(place.decided):
                continue
            for parent, child in _pairs(place, above, below):
                yield ConfigurationProblem(
                    code="order-broken",
                    severity=Severity.ERROR,
                    sentence=_order_sentence(called, above, below, parent, child, place.where),
                    key=place.key(below),
                    about=f"{child.name} {above} {parent.name}",
                )


def _order_sentence(called: Terminology, above: str, below: str, parent: JiraType, child: JiraType, where: str) -> str:
    one = called.one(below)
    return (
        f"{one[:1].upper()}{one[1:]} belongs to {called.one(above)}, so {child.name} would have to belong to "
        f"{parent.name}{where}. In Jira {child.name} is {_compared(child, parent)} {parent.name}, so it never can."
    )


def _pairs(place: HierarchyPlace, above: str, below: str) -> Iterator[tuple[JiraType, JiraType]]:
    """What stands for the upper level, and what for the lower, where the first can never be the parent."""
    for parent in _known(place, above):
        for child in _known(place, below):
            if parent.name != child.name and parent.highest <= child.lowest:
                yield parent, child


def _known(place: HierarchyPlace, level: str) -> list[JiraType]:
    return [place.types[name] for name in place.chosen.get(level, ()) if name in place.types]


def _compared(child: JiraType, parent: JiraType) -> str:
    return "on the level of" if parent.highest == child.lowest == child.highest else "on a higher level than"


def _missing(
    shared: HierarchyPlace, projects: Sequence[TypesOfProject], called: Terminology
) -> Iterator[ConfigurationProblem]:
    """Of the levels that have mappings: in which projects nothing is that stands for one."""
    for level in TypeName:
        lacking, asked, code = [], 0, level.value
        others = frozenset(shared.chosen.get(code, ()))
        for project in projects:
            if names := project.own.get(code, others):
                asked += 1
                if frozenset(names).isdisjoint(project.names):
                    lacking.append(project.key)
        if not lacking:
            continue
        is_unused = len(lacking) == asked
        yield ConfigurationProblem(
            code="level-unused" if is_unused else "type-missing",
            severity=Severity.WARNING,
            sentence=(
                f"No project in scope has an issue type that stands for {called.name(level)}."
                if is_unused
                else f"Nothing that stands for {called.name(level)} is in {_listed(lacking, asked)}."
            ),
            key=shared.key(level.value),
        )


def _listed(keys: Sequence[str], total: int) -> str:
    """ "3 of 14 projects: A, B and C" """
    shown = sorted(keys)[:MOST_NAMED]
    more = len(keys) - len(shown)
    both = [", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown
    named = f"{', '.join(shown)} and {more:,} more" if more else " and ".join(both)
    return f"{len(keys):,} of {total:,} projects: {named}"


# --- schemes to start from ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HierarchyScheme:
    code: str
    title: str
    why: str
    levels: Mapping[str, Sequence[str]]


def schemes(types: Mapping[str, JiraType], usual: Mapping[str, str | None]) -> list[HierarchyScheme]:
    """What each of the two makes of the types of a site; a level that is not named has nothing.

    `usual`: by name, which work item type Jira tells a type to be; empty: another, None: it does not tell.
    """
    upper = sorted(name for name, each in types.items() if EPIC < each.lowest <= each.highest <= EPIC + 2)
    told = {type_: sorted(name for name in types if usual.get(name) == type_.value) for type_ in TypeName}
    epics, subtasks = told[TypeName.FEATURE], told[TypeName.TASK]
    base = sorted(name for name, each in types.items() if each.lowest == BASE and name not in {*epics, *subtasks})
    return [
        HierarchyScheme(
            code="align",
            title="As Align’s own connector does it",
            why=(
                "A Feature is an epic of Jira, a Story a story, a Task a sub-task, and a Defect a bug. Choose it for "
                "projects that Align carries, unless its connector is set up otherwise there."
            ),
            levels={
                "feature": epics,
                "story": told[TypeName.STORY],
                "task": subtasks,
                "defect": told[TypeName.DEFECT],
            },
        ),
        HierarchyScheme(
            code="roadmap",
            title="One level higher, as roadmap tools do it",
            why=(
                "An Epic is an epic of Jira, a Theme what stands up to two levels above it (an initiative), a Feature "
                "anything at the level of a story, bugs among them, and a Story a sub-task. It differs since there a "
                "roadmap begins with the epic, and the work below it is two levels instead of three; Tasks and Defects "
                "are left empty. It fits projects whose items nothing else brings to Align."
            ),
            levels={"theme": upper, "epic": epics, "feature": base, "story": subtasks},
        ),
    ]

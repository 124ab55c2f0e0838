"""The page of the hierarchy: Align's levels as a tree, and beside each what stands for it at one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from alignadmin.accounts.models import Person
from connectors.align.terminology import LEVELS
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, Project
from mappings.configuration.draft import DraftState
from mappings.configuration.page import DraftPanel
from mappings.configuration.subjects import LineWords
from mappings.engine.configuration import ConfigurationProblem, LineValues, line_key
from mappings.engine.hierarchy import DEPTHS, SHARED, HierarchyScheme, JiraType, schemes
from mappings.hierarchy.facts import HierarchyFacts, ScopedProject, is_work_item_type
from mappings.hierarchy.form import SeenLevel, TypedLevel, seen_text
from mappings.hierarchy.subject import HIERARCHY, hierarchy_problems, hierarchy_words

LEVEL_WORDS = {1: "epic level", 0: "base level", -1: "sub-task level"}


@dataclass(frozen=True, kw_only=True)
class TypeOption:
    name: str
    level: str
    is_on: bool
    is_gone: bool = False


@dataclass(frozen=True, kw_only=True)
class LevelRow:
    """`follows`: None where there is nothing to follow; `differs`: what is wanted now, where another is typed."""

    level: str
    name: str
    depth: int
    names: Sequence[str]
    options: Sequence[TypeOption]
    follows: bool | None
    follow_label: str
    is_decided: bool
    has_matrix: bool
    differs: str = ""

    @property
    def summary(self) -> str:
        return ", ".join(self.names) or "nothing"


@dataclass(frozen=True, kw_only=True)
class OwnPlace:
    """A project with something of its own."""

    project: ScopedProject
    levels: Sequence[str]


class HierarchyState(DraftState):
    """The draft of the hierarchy with what it is worked out of read once."""

    def __init__(self, connector: Connector, matches: IssueTypes | None = None) -> None:
        super().__init__(HIERARCHY, connector)
        self.facts = HierarchyFacts(connector, matches)

    @cached_property
    def agreed(self) -> LineValues:
        return self.facts.agreed

    @cached_property
    def words(self) -> list[LineWords]:
        return hierarchy_words(self.facts, self.agreed, self.drafted)

    @cached_property
    def problems(self) -> list[ConfigurationProblem]:
        return hierarchy_problems(self.facts, self.wanted)

    @cached_property
    def agreed_problems(self) -> list[ConfigurationProblem]:
        return hierarchy_problems(self.facts, self.agreed)


class HierarchyPage:
    """`project`: whose own it shows; `typed`: what somebody chose in a form that was not saved."""

    def __init__(
        self,
        connector: Connector,
        person: Person,
        *,
        project: Project | None = None,
        typed: Mapping[str, TypedLevel] | None = None,
    ) -> None:
        self.connector, self.person, self.project, self.typed = connector, person, project, typed
        self.state = HierarchyState(connector)
        self.facts = self.state.facts

    @cached_property
    def panel(self) -> DraftPanel:
        return DraftPanel(self.state, self.person)

    @property
    def can_choose(self) -> bool:
        """While a proposal waits for its decision nobody edits beside it."""
        return self.panel.can_edit and self.state.proposal is None and bool(self.facts.types)

    @property
    def place(self) -> str:
        return str(self.project.jira_id) if self.project else SHARED

    @property
    def is_read(self) -> bool:
        return bool(self.facts.types)

    @cached_property
    def _shared(self) -> dict[str, list[str]]:
        return self.facts.shared(self.state.wanted)

    @cached_property
    def seen(self) -> dict[str, SeenLevel]:
        found = {}
        for level in LEVELS:
            value = self.state.wanted.get(line_key(self.place, level))
            found[level] = SeenLevel(value=value, shown=list(value) if value is not None else self._shared[level])
        return found

    @property
    def seen_text(self) -> str:
        return seen_text(self.seen)

    # --- the tree ---

    @cached_property
    def types(self) -> dict[str, JiraType]:
        return self.facts.types_in(self.project) if self.project else self.facts.types

    @cached_property
    def rows(self) -> list[LevelRow]:
        return [self._row(level) for level in LEVELS]

    def _row(self, level: str) -> LevelRow:
        seen = self.seen[level]
        typed = self.typed[level] if self.typed else None
        names = list(typed.names) if typed else list(seen.shown)
        can_follow = self.project is not None or is_work_item_type(level)
        follows = (typed.follows if typed else seen.value is None) if can_follow else None
        said = ", ".join(self._followed(level)) or "nothing"
        now = ", ".join(seen.shown) or "nothing"
        return LevelRow(
            level=level,
            name=self.connector.terminology.name(level),
            depth=DEPTHS[level],
            names=names,
            options=self._options(names),
            follows=follows,
            follow_label=f"As shared: {said}" if self.project else f"As Jira tells: {said}",
            is_decided=seen.value is not None,
            has_matrix=is_work_item_type(level),
            differs=now if typed and sorted(names) != sorted(seen.shown) else "",
        )

    def _followed(self, level: str) -> Sequence[str]:
        """What the level would stand for, were nothing decided here."""
        if self.project:
            return self._shared[level]
        key = line_key(SHARED, level)
        return self.facts.shared({name: value for name, value in self.state.wanted.items() if name != key})[level]

    def _options(self, names: Sequence[str]) -> list[TypeOption]:
        """From the highest level of Jira down; last those that it does not have here."""
        there = sorted(self.types.values(), key=lambda each: (-each.lowest, each.name.casefold()))
        gone = [name for name in names if name not in self.types]
        return [
            *(TypeOption(name=each.name, level=level_words(each), is_on=each.name in names) for each in there),
            *(TypeOption(name=name, level="not in Jira", is_on=True, is_gone=True) for name in gone),
        ]

    # --- beside it ---

    @property
    def schemes(self) -> Sequence[HierarchyScheme]:
        return schemes(self.facts.types, self.facts.usual)

    @cached_property
    def scheme_rows(self) -> list[tuple[HierarchyScheme, list[tuple[str, str]]]]:
        """Each with its levels in words."""
        name = self.connector.terminology.name
        return [
            (each, [(name(level), ", ".join(names)) for level in LEVELS if (names := each.levels.get(level))])
            for each in self.schemes
        ]

    @cached_property
    def own_places(self) -> list[OwnPlace]:
        name = self.connector.terminology.name
        found = self.facts.own(self.state.wanted)
        return [
            OwnPlace(
                project=self.facts.projects[jira_id],
                levels=[f"{name(level)}: {', '.join(names) or 'nothing'}" for level, names in levels.items()],
            )
            for jira_id, levels in found.items()
        ]

    @property
    def carried(self) -> int:
        return self.facts.carried


def level_words(found: JiraType) -> str:
    if found.lowest != found.highest:
        return "level not told" if found.highest > 1 and found.lowest == 0 else "several levels"
    return LEVEL_WORDS.get(found.lowest, f"level {found.lowest}")

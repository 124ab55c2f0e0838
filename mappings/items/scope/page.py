"""The page of the issues to import: what is wanted at one place, what Jira finds by it, and which projects differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from alignadmin.accounts.models import Person
from connectors.models import Connector, Project, in_scope_here
from mappings.configuration.draft import DraftState
from mappings.configuration.page import DraftPanel
from mappings.engine.configuration import ConfigurationProblem, LineValue, LineValues, line_key, split_line_key
from mappings.engine.import_scope import SHARED, ImportScope
from mappings.items.scope.agreed import CLOSED, JQL, LANDING, PARTS, scope_at
from mappings.items.scope.form import SeenPart, TypedScope, seen_text
from mappings.items.scope.live_check import CheckedScope
from mappings.items.scope.subject import ISSUES_TO_IMPORT, LABELS, LANDS, said


@dataclass(frozen=True, kw_only=True)
class ScopeOutcome:
    """What became of a form that was sent and not saved, or only checked."""

    typed: TypedScope | None = None
    checked: CheckedScope | None = None
    trouble: str = ""  # of the whole form
    problems: Mapping[str, str] = field(default_factory=dict)  # by the field that it stands at
    choices: Mapping[str, Sequence[tuple[int, str]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FollowedPart:
    """A part that a project can take from what is shared: `words` of what that is."""

    part: str
    words: str
    is_on: bool


@dataclass(frozen=True, kw_only=True)
class ShownPart:
    """For who may not choose."""

    label: str
    words: str


@dataclass(frozen=True, kw_only=True)
class LandingField:
    part: str
    label: str
    text: str
    note: str
    problem: str
    choices: Sequence[tuple[int, str]]


@dataclass(frozen=True, kw_only=True)
class OwnScope:
    """A project with something of its own."""

    key: str
    lines: Sequence[str]


class ImportScopePage:
    """`project`: whose own it shows."""

    def __init__(
        self,
        connector: Connector,
        person: Person,
        *,
        project: Project | None = None,
        outcome: ScopeOutcome | None = None,
    ) -> None:
        self.connector, self.person, self.project = connector, person, project
        self.outcome = outcome or ScopeOutcome()
        self.state = DraftState(ISSUES_TO_IMPORT, connector)

    @cached_property
    def panel(self) -> DraftPanel:
        return DraftPanel(self.state, self.person)

    @property
    def can_choose(self) -> bool:
        """While a proposal waits for its decision nobody edits beside it."""
        return self.panel.can_edit and self.state.proposal is None

    @property
    def place(self) -> str:
        return str(self.project.jira_id) if self.project else SHARED

    @property
    def values(self) -> LineValues:
        return self.state.wanted

    @cached_property
    def wanted(self) -> ImportScope:
        return scope_at(self.values, self.place)

    @cached_property
    def known_landing(self) -> dict[str, Any]:
        """As it is wanted here, with the names that Align told."""
        own = self._own(LANDING)
        return dict(own if own is not None else self._shared(LANDING) or {})

    @cached_property
    def seen(self) -> dict[str, SeenPart]:
        names = {part: str(one["name"]) if (one := self.known_landing.get(part)) else "" for part in LANDS}
        shown = {JQL: self.wanted.jql, CLOSED: self.wanted.with_closed, LANDING: names}
        return {part: SeenPart(value=self._own(part), shown=shown[part]) for part in PARTS}

    @property
    def seen_text(self) -> str:
        return seen_text(self.seen)

    def _own(self, part: str) -> LineValue:
        return self.values.get(line_key(self.place, part))

    def _shared(self, part: str) -> LineValue:
        return self.values.get(line_key(SHARED, part))

    # --- the fields of the form ---

    def _followed(self, part: str) -> FollowedPart | None:
        if self.project is None:
            return None
        typed = self.outcome.typed
        is_on = part in typed.follows if typed else self._own(part) is None
        return FollowedPart(part=part, words=said(SHARED, part, self._shared(part)), is_on=is_on)

    @property
    def followed_jql(self) -> FollowedPart | None:
        return self._followed(JQL)

    @property
    def followed_closed(self) -> FollowedPart | None:
        return self._followed(CLOSED)

    @property
    def followed_landing(self) -> FollowedPart | None:
        return self._followed(LANDING)

    @property
    def jql(self) -> str:
        return self.outcome.typed.jql if self.outcome.typed else self.wanted.jql

    @property
    def with_closed(self) -> bool:
        return self.outcome.typed.with_closed if self.outcome.typed else self.wanted.with_closed

    @property
    def checked(self) -> CheckedScope | None:
        """What Jira told, or why what was typed cannot be saved."""
        if problem := self.outcome.problems.get(JQL, ""):
            return CheckedScope(problem=problem)
        return self.outcome.checked

    @property
    def landing(self) -> list[LandingField]:
        typed = self.outcome.typed
        return [
            LandingField(
                part=part,
                label=label,
                text=typed.landing[part] if typed else self.seen[LANDING].shown[part],
                note=f"id {known['id']}" if (known := self.known_landing.get(part)) else "",
                problem=self.outcome.problems.get(part, ""),
                choices=self.outcome.choices.get(part, ()),
            )
            for part, label in LANDS.items()
        ]

    @property
    def read_only(self) -> list[ShownPart]:
        return [ShownPart(label=label, words=self._words(part)) for part, label in LABELS.items()]

    def _words(self, part: str) -> str:
        own = self._own(part)
        if self.project is None or own is not None:
            return said(self.place, part, own)
        return f"as shared: {said(SHARED, part, self._shared(part))}"

    # --- the projects ---

    @cached_property
    def projects(self) -> list[Project]:
        """In scope, in the order of their keys."""
        found = Project.objects.filter(in_scope_here(), connector=self.connector)
        return list(found.only("jira_id", "key", "ours_at").order_by("key"))

    @property
    def ours(self) -> int:
        return sum(each.ours_at is not None for each in self.projects)

    @property
    def carried(self) -> int:
        """What is not ours counts as carried by Align."""
        return len(self.projects) - self.ours

    @cached_property
    def problems(self) -> Sequence[ConfigurationProblem]:
        return self.panel.problems

    @cached_property
    def own(self) -> list[OwnScope]:
        keys = {str(each.jira_id): each.key for each in self.projects}
        found: dict[str, list[str]] = {}
        for key in sorted(self.values):
            place, part = split_line_key(key)
            if place in keys and part in LABELS:
                found.setdefault(place, []).append(f"{LABELS[part]}: {said(place, part, self.values[key])}")
        return sorted((OwnScope(key=keys[place], lines=lines) for place, lines in found.items()), key=lambda x: x.key)

    def followers(self) -> list[int]:
        """Jira's ids of the projects whose issues the JQL that is shown here decides on: of ours, where there are any.

        Of the others nothing is imported, so they are only looked at where nothing else is.
        """
        if self.project:
            return [self.project.jira_id]
        follow = [each for each in self.projects if line_key(str(each.jira_id), JQL) not in self.values]
        return [each.jira_id for each in follow if each.ours_at is not None] or [each.jira_id for each in follow]

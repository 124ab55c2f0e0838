"""The facts that checks and matrix look at: one kind, one work item type, one scope.

Everything here is about WANTED values: what would hold after applying.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from connectors.align.terminology import ALIGNS_OWN, Terminology
from mappings.engine import words
from mappings.engine.families import family_of
from mappings.engine.values import Category, Direction, Kind, Row, SourceStatus, Target, TypeName

NO_ROWS: tuple[Row, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScopeProject:
    """A project in scope; `programme_ids` is empty where nobody knows its programmes."""

    key: str
    programme_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class View:
    """`project_key` None is the scope shared by all company-managed projects. `is_ours`: of lists of ours, which Align
    has no part in.

    `statuses` and `targets` are in the order to show them. `j2a` are the rows that hold in this scope (a
    company-managed project's are the shared ones). `a2j` has the rows of each project in scope whose list is known; a
    project that is absent is not observed, which is not the same as having no mappings. The shown project's rows may
    stand there with `a2j_known` False. A list is not known before its first read and after a read that failed. Of the
    shared scope, which has no list of its own (`a2j_known` is False), `counted_back` stands in the place of `a2j`: the
    `ways_back`, since nothing but their numbers is told of the projects' rows; `counted_lists` is the number of the
    projects whose list was read.
    `sibling_j2a` and `sibling_targets` are the other kind's rows and targets, same scope and type.
    `unrecognised` leads from a status to the unknown type id of a record that stands there and may be of this type;
    `unrecognised_back` are targets with such a record in any project in scope. `renamed` leads from a project's key in
    Align to its key in Jira.
    """

    kind: Kind
    work_item_type: TypeName
    project_key: str | None = None
    team_managed: bool = False
    is_ours: bool = False
    projects: tuple[ScopeProject, ...] = ()
    statuses: Mapping[int, SourceStatus]
    reachable: frozenset[int]
    targets: Mapping[int, Target]
    j2a: tuple[Row, ...] = NO_ROWS
    j2a_known: bool = True
    a2j: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    a2j_known: bool = True
    counted_back: Mapping[tuple[int, int], int] | None = None
    counted_lists: int = 0
    sibling_j2a: tuple[Row, ...] = NO_ROWS
    sibling_targets: Mapping[int, Target] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    unrecognised: Mapping[int, int] = field(default_factory=dict)
    unrecognised_back: frozenset[int] = frozenset()
    terminology: Terminology = ALIGNS_OWN

    # --- rows -----------------------------------------------------------------------------------------------

    @cached_property
    def own_a2j(self) -> tuple[Row, ...]:
        """The Align to Jira rows of the one project shown; the shared scope has none of its own."""
        return NO_ROWS if self.project_key is None else self.a2j.get(self.project_key, NO_ROWS)

    @cached_property
    def own_a2j_known(self) -> bool:
        return self.a2j_known and self.project_key in self.a2j

    @cached_property
    def leads_to(self) -> dict[int, int]:
        """Status id -> the target it shows in Align."""
        return wanted_of(self.j2a)

    @cached_property
    def returns_to(self) -> dict[int, int]:
        """Target id -> the status it moves an issue of the shown project to."""
        return wanted_of(self.own_a2j)

    @cached_property
    def ways_back(self) -> Mapping[tuple[int, int], int]:
        """(target id, status id) -> number of projects in scope that map it so, in the order of the ids."""
        if self.counted_back is not None:
            found = self.counted_back
        else:
            rows = (row for rows in self.a2j.values() for row in rows)
            found = Counter((row.source_id, row.wanted) for row in rows if row.wanted is not None)
        return dict(sorted(found.items()))

    @cached_property
    def lists_back(self) -> int:
        """The number of projects in scope of which it is known what leads back to Jira."""
        if self.counted_back is not None:
            return self.counted_lists
        return len(self.a2j) if self.a2j_known else 0

    # --- what is allowed ------------------------------------------------------------------------------------

    def allows(self, direction: Direction) -> bool:
        return family_of(self.kind, direction).knows(self.work_item_type)

    @cached_property
    def project_count(self) -> int:
        return max(len(self.projects), len(self.a2j))

    @cached_property
    def shown_statuses(self) -> frozenset[int]:
        """Reachable statuses, and those that a mapping names."""
        return self.reachable | self.leads_to.keys() | set(self.returns_to.values())

    @cached_property
    def ids_in_rows(self) -> frozenset[int]:
        """Of the statuses that a matrix has a row for: the reachable ones, and those with any value."""
        mapped = (row.source_id for row in self.j2a if not row.is_empty)
        values = (value for row in self.own_a2j for value in (row.wanted, row.applied, row.observed))
        return self.reachable.union(mapped, (value for value in values if value is not None))

    def is_unrecognised(self, status_id: int) -> bool:
        """A record stands there that nobody can read: what the status leads to is unknown, which is not "unmapped"."""
        return status_id in self.unrecognised and status_id not in self.leads_to

    @cached_property
    def unmapped(self) -> frozenset[int]:
        """What can be reached and leads nowhere, as far as the list was read and may have it at all."""
        if not self.j2a_known or not self.allows(Direction.JIRA_TO_ALIGN):
            return frozenset()
        return self.reachable.difference(self.leads_to, self.unrecognised)

    @cached_property
    def twins(self) -> dict[int, list[int]]:
        """Status id -> all ids that have its name; only names that occur more than once."""
        by_name: dict[str, list[int]] = {}
        for status_id in self.statuses:
            if status_id in self.shown_statuses:
                by_name.setdefault(words.same_name(self.statuses[status_id].name), []).append(status_id)
        return {status_id: ids for ids in by_name.values() if len(ids) > 1 for status_id in ids}

    # --- words ----------------------------------------------------------------------------------------------

    def status(self, status_id: int) -> SourceStatus:
        return self.statuses.get(status_id) or words.unknown_status(status_id)

    def target(self, target_id: int) -> Target:
        return self.targets.get(target_id) or words.unknown_target(self.kind, target_id)

    def status_words(self, status_id: int) -> str:
        known = self._words_of_statuses
        if status_id not in known:
            known[status_id] = words.status_words(self.status(status_id))
        return known[status_id]

    def target_words(self, target_id: int) -> str:
        known = self._words_of_targets
        if target_id not in known:
            known[target_id] = words.target_words(self.kind, self.target(target_id))
        return known[target_id]

    # Made once: thousands of sentences name the same few hundred.
    @cached_property
    def _words_of_statuses(self) -> dict[int, str]:
        return {}

    @cached_property
    def _words_of_targets(self) -> dict[int, str]:
        return {}

    @property
    def items(self) -> str:
        return self.terminology.items(self.work_item_type)

    def is_resolved(self, status_id: int) -> bool:
        status = self.statuses.get(status_id)
        return status is not None and status.category is Category.DONE


def wanted_of(rows: Iterable[Row]) -> dict[int, int]:
    return {row.source_id: row.wanted for row in rows if row.wanted is not None}

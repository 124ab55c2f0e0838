"""The words of the field as values: work item types, directions, states, statuses, targets and rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connectors.align.states import ALIGN_STATES as ALIGN_STATES


class TypeName(StrEnum):
    FEATURE = "feature"
    STORY = "story"
    TASK = "task"
    DEFECT = "defect"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Direction(StrEnum):
    JIRA_TO_ALIGN = "j2a"
    ALIGN_TO_JIRA = "a2j"

    @property
    def label(self) -> str:
        return "Jira to Align" if self is Direction.JIRA_TO_ALIGN else "Align to Jira"


class Kind(StrEnum):
    """What a mapping is about: Align's fixed states or the process steps of a company's flows."""

    STATE = "state"
    STEP = "step"

    @property
    def label(self) -> str:
        return "State" if self is Kind.STATE else "Process step"


class Category(StrEnum):
    """Jira's status categories."""

    TODO = "todo"
    DOING = "doing"
    DONE = "done"

    @property
    def label(self) -> str:
        return {"todo": "To do", "doing": "In progress", "done": "Done"}[self.value]


class Situation(StrEnum):
    """How wanted, applied and observed of one row stand to each other."""

    UNKNOWN = "unknown"
    IN_SYNC = "in_sync"
    EDITED = "edited"
    DRIFTED = "drifted"
    ACCEPTED = "accepted"
    CONFLICT = "conflict"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """A Jira status: identified by its id, never by its name."""

    id: int
    name: str
    category: Category
    project_key: str | None = None  # set for the statuses of one team-managed project
    vanished: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a status can mean in Align: a state 0-5 or a process step."""

    id: int
    name: str
    map_to_state: int | None = None
    flow_id: int | None = None
    flow_name: str = ""
    flow_active: bool = True
    programme_ids: frozenset[int] = frozenset()
    vanished: bool = False


def state_targets() -> tuple[Target, ...]:
    return tuple(Target(id=id_, name=name) for id_, name in ALIGN_STATES.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateRecord:
    """A further remote record of a key that another record already holds."""

    remote_id: int
    target_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One mapping with its three values; `None` means "no record", which is a value.

    `source_id` is a Jira status id (Jira to Align) or a state or step id (Align to Jira); the values are ids of
    the other side. `known` is False while the row's scope has never been read or its list failed.
    """

    source_id: int
    wanted: int | None
    applied: int | None
    observed: int | None
    known: bool = True
    remote_id: int | None = None
    duplicates: tuple[DuplicateRecord, ...] = ()
    situation: Situation = Situation.IN_SYNC
    accepted: bool = False  # the observed value is tolerated until a date
    kept_remote_id: int | None = None  # of several remote records, the one an admin chose to stay

    @property
    def is_empty(self) -> bool:
        """No value says anything."""
        return self.wanted is None and self.applied is None and self.observed is None

    @property
    def has_open_duplicates(self) -> bool:
        """Several remote records hold this key and nobody has chosen (or the chosen one is gone)."""
        return bool(self.duplicates) and (self.kept_remote_id is None or self.kept_remote_id != self.remote_id)

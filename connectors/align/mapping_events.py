"""One create, update or delete of a mapping, as Align's audit log tells it, and the words the log has for it (seed
"Mapping States, Process Steps, and Statuses between Align and Jira via API", section "Audit logs").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
STATE, STEP = "state", "step"
J2A, A2J = "j2a", "a2j"
KINDS = {STATE: "State mapping", STEP: "Process Step mapping"}
DIRECTIONS = {J2A: "Jira To Align", A2J: "Align to Jira"}
WORK_ITEM_TYPES = ("Feature", "Story", "Task", "Defect")
# The seed's table of type ids, by family: the one place of it. 3 is a Feature in three families, and a Story in one.
TYPE_IDS = {
    "j2a-state": {"feature": 3, "story": 4, "task": 6, "defect": 9},
    "a2j-state": {"feature": 3, "story": 4, "defect": 9},
    "j2a-step": {"feature": 2, "story": 3},
    "a2j-step": {"feature": 3, "story": 4},
}


@dataclass(frozen=True, kw_only=True)
class MappingEvent:
    """One create, update or delete of a mapping; before and after are the target's values, None for no record."""

    connector_id: int
    action: str
    kind: str
    direction: str
    work_item_type: str  # as Align calls it: "Story", or a term of the site's own
    source_id: int | None
    source_name: str
    project_key: str | None = None
    record_id: int | None = None
    type_id: int | None = None
    before_id: int | None = None
    before_name: str = ""
    after_id: int | None = None
    after_name: str = ""

    @property
    def family(self) -> str:
        return f"{self.direction}-{self.kind}"


FACTS = frozenset(MappingEvent.__annotations__)


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A reading of one line: no event when it could not be read, ambiguous when another reading is possible too."""

    event: MappingEvent | None
    ambiguous: bool
    raw: str


class SentenceFields(NamedTuple):
    """The field names of one family's records, as the audit log spells them."""

    source_id: str
    source_name: str
    target_id: str
    target_name: str


@cache
def fields_of(kind: str, direction: str) -> SentenceFields:
    align = ("AlignStateId", "AlignStateName") if kind == STATE else ("ProcessStepId", "ProcessStepName")
    if direction == J2A:
        return SentenceFields("JiraStatusId", "JiraStatusName", *align)
    return SentenceFields(*align, "JiraStatusId", "JiraStateName")


def event_of(facts: Mapping[str, Any]) -> MappingEvent:
    """Made again from its `vars`, as entries keep them. Raises TypeError."""
    return remade(facts) if facts.keys() == FACTS else MappingEvent(**facts)


def remade(facts: Mapping[str, Any]) -> MappingEvent:
    """As by its constructor, which sets each of the fields by way of a lock, for hundreds of thousands of rows."""
    event = object.__new__(MappingEvent)
    vars(event).update(facts)
    return event


def names_ids(kind: str, direction: str) -> bool:
    """The one family whose deletions are told by ids."""
    return kind == STEP and direction == J2A

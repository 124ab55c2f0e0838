"""What an issue of Jira becomes in Align by what is configured: the item, its parent, each field, and what is lost.

Pure values: no database, no clock. A rehearsal shows them, an import sends them, a comparison holds them beside what
Align has. An issue whose type stands for no level becomes nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, kw_only=True)
class IssueFacts:
    """An issue as Jira told it. `values`: as Jira's API answers them, by the id of their field.

    `parent_id` is None where it has no parent or Jira does not tell one; `parent_key` may be known without the id.
    """

    id: int
    key: str
    project_id: int
    type_id: int
    type_name: str
    status_id: int
    status_name: str
    title: str
    parent_id: int | None = None
    parent_key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class LossCode(StrEnum):
    """What does not arrive, or arrives otherwise; the reasons that a rehearsal, an import and a comparison know."""

    TYPE_NOT_MAPPED = "type-not-mapped"  # the issue becomes nothing
    STATUS_NOT_MAPPED = "status-not-mapped"  # it falls to 0 - Pending approval
    PARENT_MISSING = "parent-missing"  # its parent is no item, or one that it cannot hang below
    USER_MISSING = "user-missing"
    OPTION_MISSING = "option-missing"
    PARTNER_MISSING = "partner-missing"  # a sprint, release or team that nothing in Align goes by the name of
    REQUIRED_EMPTY = "required-empty"  # Align may refuse the item
    PAIR_STOPPED = "pair-stopped"
    VALUE_UNREADABLE = "value-unreadable"
    SHORTENED = "shortened"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """`field`: Align's key of the field that it is about, where it is about one."""

    code: LossCode
    sentence: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class PredictedField:
    """`key`: Align's, `value`: ready to be sent (see connectors.align.object_values), `shown`: for people.

    `is_once`: an item that is there already does not get it again.
    """

    key: str
    name: str
    value: Any
    shown: str
    source: str  # Jira's field, by its name; empty for where it lands
    is_once: bool = False


@dataclass(frozen=True, kw_only=True)
class PredictedParent:
    """The issue whose item it hangs below. `field`: Align's, which holds the id of the parent's item."""

    issue_id: int
    issue_key: str
    level: str
    field: str


@dataclass(frozen=True, kw_only=True)
class PredictedItem:
    """`level`: "story"; empty where the issue becomes nothing, which its losses say.

    `fields` are the pairs' and those of where it lands, without parent, state and step. `state` is Align's, 0 where
    the status has no mapping; `step` is the id of a process step, None where its level has none or none is mapped.
    """

    issue: IssueFacts
    level: str
    fields: Sequence[PredictedField] = ()
    parent: PredictedParent | None = None
    state: int = 0
    step: int | None = None
    losses: Sequence[Loss] = ()

    def values(self, items: Mapping[int, int]) -> dict[str, Any]:
        """What a new item is created with, but for state and step. `items`: issue -> item of Align, of parents."""
        found = {each.key: each.value for each in self.fields}
        if self.parent is not None and self.parent.issue_id in items:
            found[self.parent.field] = items[self.parent.issue_id]
        return found

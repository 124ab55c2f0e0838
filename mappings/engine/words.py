"""How statuses and targets are called in sentences for people."""

from __future__ import annotations

from functools import lru_cache

from alignadmin.folding import fold
from mappings.engine.values import ALIGN_STATES, Category, Kind, SourceStatus, Target

FALLS_TO = f"0 - {ALIGN_STATES[0]}"


NOT_IN_ALIGN = "Not in Align"


def status_words(status: SourceStatus) -> str:
    return f"{status.name} ({status.id})"


def target_words(kind: Kind, target: Target) -> str:
    """A state is called by number and name, as Align does; a step by its name."""
    return f"{target.id} {target.name}" if kind is Kind.STATE else target.name


def unknown_status(status_id: int, name: str = "") -> SourceStatus:
    """Stands for an id that a mapping names and the catalogue has never held; its record may say a name."""
    return SourceStatus(id=status_id, name=name or f"Status {status_id}", category=Category.TODO, vanished=True)


def unknown_target(kind: Kind, target_id: int, name: str = "") -> Target:
    other = "unknown state" if kind is Kind.STATE else f"Step {target_id}"
    return Target(id=target_id, name=name or other, flow_name=NOT_IN_ALIGN, flow_active=False, vanished=True)


@lru_cache(maxsize=8192)
def same_name(name: str) -> str:
    """The form under which two names count as equal."""
    return fold(name)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 project", "2000 projects"; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"

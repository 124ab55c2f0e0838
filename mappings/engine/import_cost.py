"""What an import costs in requests, part by part, and how long the rate budget makes it last. Pure.

Requests = Jira ceil(N/100) and one for who asks; Align per level ceil(E/100) + 1 for the items that it may have,
ceil(U/100) people; one per create and update; ceil(creates/100) per level read back; and before each 100 lines Jira
tells whether the project is still the same. Custom fields (one editmeta a level) were read with the fields in step 6.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from mappings.engine.cost import duration_estimate

AT_ONCE = 100  # issues, people, items or lines of one request or batch


@dataclass(frozen=True, kw_only=True)
class ImportCost:
    """Requests. `issues`, `known` and `people` are spent while it is planned, the others while it is sent."""

    issues: int = 0
    known: int = 0
    people: int = 0
    writes: int = 0
    read_back: int = 0
    identity: int = 0

    @property
    def sending(self) -> int:
        return self.writes + self.read_back + self.identity

    @property
    def total(self) -> int:
        return self.issues + self.known + self.people + self.sending

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    def seconds(self, *, slots: int, window: float) -> float:
        """Of sending it, one request after the other."""
        return duration_estimate(self.sending, slots=slots, window=window, workers=1)


def import_cost(
    acts: Iterable[tuple[str, str]],
    *,
    issues: int = 0,
    unlinked: Mapping[str, int] | None = None,
    people: int = 0,
    later: int = 0,
) -> ImportCost:
    """`acts`: level and act of each line. `unlinked`: by level, issues without an item that is known here.

    `later`: creates that an update follows, as Align takes their state no other way.
    """
    counted = Counter(acts)
    lines = sum(number for (_, act), number in counted.items() if act in ("create", "update", "link"))
    writes = sum(number for (_, act), number in counted.items() if act in ("create", "update"))
    return ImportCost(
        issues=_lots(issues) + 1,
        known=sum(_lots(number) + 1 for number in (unlinked or {}).values()),
        people=_lots(people),
        writes=writes + later,
        read_back=sum(_lots(number) for (_, act), number in counted.items() if act == "create"),
        identity=_lots(lines),
    )


def _lots(number: int) -> int:
    return math.ceil(number / AT_ONCE)

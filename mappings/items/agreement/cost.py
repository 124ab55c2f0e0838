"""What the check costs in requests, at most: stated on its page before it is switched on, and held by a test.

Of a lot of a hundred issues: three requests to Jira (the issues, their parents, and which of these are in scope); in
Align one for each level and two more, as parents may double the keys, two for people by e-mail and by name, and one for
each kind of thing that a pair of fields names, as a sprint or a release. A move that did not arrive has the transitions
of its like asked for once, which is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

OF_JIRA, OF_PEOPLE, FURTHER_KEYS = 3, 2, 2
SIGN_IN = 2  # at the beginning, and at the end, since a token may have died meanwhile
SAMPLES = 24
MINUTES = 24 * 60
LOT = 100


@dataclass(frozen=True, kw_only=True)
class AgreementCost:
    """`issues`: of each project. `levels`: that issues become. `things`: kinds that pairs of fields name."""

    issues: tuple[int, ...]
    levels: int
    things: int = 0

    @property
    def lots(self) -> int:
        """A project without an issue is asked for, too."""
        return sum(max(1, ceil(each / LOT)) for each in self.issues)

    @property
    def of_a_lot(self) -> int:
        return OF_JIRA + self.levels + FURTHER_KEYS + OF_PEOPLE + self.things

    @property
    def whole(self) -> int:
        return self.lots * self.of_a_lot + SIGN_IN

    @property
    def samples(self) -> int:
        return SAMPLES * (self.of_a_lot + SIGN_IN)

    def polls(self, every: float) -> int:
        """`every`: seconds between two."""
        return ceil(24 * 3600 / every) * self.levels if every else 0

    def of_a_day(self, every: float) -> int:
        return self.whole + self.samples + self.polls(every)


def least(issues: Iterable[int], levels: int) -> int:
    """Requests without which nobody could compare so many issues: each side read once, a hundred at a time."""
    lots = sum(ceil(each / LOT) for each in issues)
    return 2 * lots + (levels - 1 if lots else 0)

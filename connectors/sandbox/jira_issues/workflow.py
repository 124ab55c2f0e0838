"""How an issue moves: the transitions from its status, and what a validator asks for before one is made.

A company-managed workflow goes one step back, one or two on, and from anywhere to a second end such as Cancelled. In a
team-managed project each status can be reached from every other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .records import Issue, StatusRecord

FIRST_ID, ID_STEP = 11, 10
BACK, ON = -1, (1, 2)
NEEDS_ASSIGNEE = ("In Review", "Review")
NOT_ASSIGNED = "Assign the issue to somebody: nobody reviews what belongs to nobody."


@dataclass(frozen=True, kw_only=True)
class Transition:
    """`is_global`: from every status. `resolves`: its screen asks for a resolution."""

    id: int
    name: str
    to: int
    is_global: bool
    resolves: bool


def transitions(
    issue: Issue, reached: Sequence[int], statuses: Mapping[int, StatusRecord], *, team_managed: bool
) -> list[Transition]:
    """From the status of the issue, in the order of the workflow. From a status outside of it, to the first one."""
    known = [status for status in reached if status in statuses]
    here = known.index(issue["status"]) if issue["status"] in known else None
    ends = [status for status in known if statuses[status]["category"] == "done"]
    made = []
    for place, status in enumerate(known):
        anywhere = team_managed or status in ends[1:]
        if place == here or not (anywhere or _near(place, here)):
            continue
        made.append(
            Transition(
                id=FIRST_ID + ID_STEP * place,
                name=statuses[status]["name"],
                to=status,
                is_global=anywhere,
                resolves=status in ends,
            )
        )
    return made


def _near(place: int, here: int | None) -> bool:
    return place == 0 if here is None else place - here in (BACK, *ON)


def refusal(transition: Transition, issue: Issue, statuses: Mapping[int, StatusRecord]) -> str | None:
    """What the validator of the transition says; None where it lets the issue pass."""
    reviewed = statuses[transition.to]["name"].startswith(NEEDS_ASSIGNEE)
    return NOT_ASSIGNED if reviewed and issue["assignee"] is None else None

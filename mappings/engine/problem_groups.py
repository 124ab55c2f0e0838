"""Problems by kind, and how many there are: one counting for the card beside the grid, its toggle and its filters.

A problem is counted where it stands: in the row of its status, else in the column of its target. What is only good to
know (severity info) is listed and is no problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mappings.engine.checks import SEVERITIES, Problem
from mappings.engine.values import Kind, Severity
from mappings.engine.view import View
from mappings.engine.words import counted

# Code -> what is said of one place and of several. {target} is a state or a step. A place is a status or a target, and
# its mappings are dots or rings: the words hold for each of them.
SAYS: Mapping[str, tuple[str, str]] = {
    "target-gone": (
        "has a mapping whose {target} is no longer in Align",
        "have mappings whose {target}s are no longer in Align",
    ),
    "status-gone": (
        "has a mapping whose status is no longer in Jira",
        "have mappings whose statuses are no longer in Jira",
    ),
    "wrong-project": ("has a mapping of a status of another project", "have mappings of statuses of other projects"),
    "type-not-allowed": ("has a mapping that this type cannot have", "have mappings that this type cannot have"),
    "duplicate-remote": ("has a mapping with several records in Align", "have mappings with several records in Align"),
    "unmapped": ("has no mapping", "have no mapping"),
    "unrecognised": ("has a record of an unknown type id", "have records of unknown type ids"),
    "bounce": ("does not come back as the same {target}", "do not come back as the same {target}"),
    "no-way-back": ("has no way back to Jira", "have no way back to Jira"),
    "accepted": ("leads to Accepted, which Align sets itself", "lead to Accepted, which Align sets itself"),
    "backward": ("disagrees with its category in Jira", "disagree with their category in Jira"),
    "state-step": ("has a state and a step that disagree", "have a state and a step that disagree"),
    "leaves-resolved": ("is not reached from a resolved status", "are not reached from a resolved status"),
    "flow-elsewhere": ("uses a process flow not in use here", "use process flows not in use here"),
    "twin": ("has the name of another", "share their name with another"),
    "step-fit": ("Steps could follow the statuses", "Steps could follow the statuses"),
    "key-renamed": ("A project's key has changed", "Keys of projects have changed"),
    "unused": (
        "has a mapping whose status is never reached here",
        "have mappings whose statuses are never reached here",
    ),
}
TARGETS = {Kind.STATE: "state", Kind.STEP: "step"}


@dataclass(frozen=True, kw_only=True)
class ProblemPlaces:
    """Where problems stand: ids of the statuses whose rows have them, and of targets where no row has."""

    rows: frozenset[int]
    columns: frozenset[int]

    def __len__(self) -> int:
        return len(self.rows) + len(self.columns)

    def words(self, kind: Kind) -> str:
        """ "289 statuses and 1 state"; empty where there is no place."""
        rows, columns = len(self.rows), len(self.columns)
        parts = [counted(rows, "status", "statuses")] if rows else []
        return " and ".join([*parts, *([counted(columns, TARGETS[kind])] if columns else [])])


@dataclass(frozen=True, kw_only=True)
class ProblemGroup:
    """The problems of one kind, in the order of `check`; at least one."""

    code: str
    problems: tuple[Problem, ...]
    places: ProblemPlaces
    title: str  # "289 statuses have no mapping"

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.code]


def places_of(view: View, problems: Iterable[Problem]) -> ProblemPlaces:
    rows: set[int] = set()
    columns: set[int] = set()
    ids_in_rows = view.ids_in_rows
    for _code, _sentence, status_id, target_id, _direction in problems:
        if status_id is not None and status_id in ids_in_rows:
            rows.add(status_id)
        elif target_id is not None:
            columns.add(target_id)
    return ProblemPlaces(rows=frozenset(rows), columns=frozenset(columns))


def counted_places(view: View, problems: Iterable[Problem]) -> ProblemPlaces:
    """Of all that is a problem: each row and each column once, however many it has."""
    return places_of(view, (each for each in problems if SEVERITIES[each.code] is not Severity.INFO))


def group_problems(view: View, problems: Iterable[Problem]) -> tuple[ProblemGroup, ...]:
    """By kind in the order of the table of severities, the worst first: a kind keeps its place while it shrinks."""
    by_code: dict[str, list[Problem]] = {}
    for problem in problems:
        by_code.setdefault(problem.code, []).append(problem)
    return tuple(_group(view, code, by_code[code]) for code in SEVERITIES if code in by_code)


def _group(view: View, code: str, problems: list[Problem]) -> ProblemGroup:
    places = places_of(view, problems)
    number = len(places) or len(problems)  # what is about the whole scope has no place
    says = SAYS[code][number > 1].format(target=TARGETS[view.kind])
    title = f"{places.words(view.kind)} {says}".strip()
    return ProblemGroup(code=code, problems=tuple(problems), places=places, title=title)

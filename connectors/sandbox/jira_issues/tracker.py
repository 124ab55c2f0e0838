"""What a project's issues are sorted by: components, versions, boards and sprints, made by rule from the project.

Company-managed projects with a short workflow have a Kanban board without sprints, all others a Scrum board.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from .records import ProjectRecord

COMPONENTS = ("Backend", "Frontend", "Operations", "Reports")
LABELS = ("customer", "quick-win", "regulation", "tech-debt", "accessibility", "beta")
RESOLUTIONS = (
    ("10000", "Done", "Work has been completed on this issue."),
    ("10001", "Won't Do", "This issue won't be actioned."),
    ("10002", "Duplicate", "The problem is a duplicate of an existing issue."),
    ("10003", "Cannot Reproduce", "All attempts at reproducing this issue failed."),
)
SHORT_WORKFLOW = 5
SPRINT_DAYS = 14
# The active sprint of every board begins here; those before it are closed, the one after it has no dates yet.
ACTIVE_FROM = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
SPRINT_STATES = ("closed", "closed", "active", "future")


@dataclass(frozen=True, kw_only=True)
class Component:
    id: str
    name: str
    project: str


@dataclass(frozen=True, kw_only=True)
class ProjectVersion:
    """`date`: when it was or is to be released, as 2026-02-27."""

    id: str
    name: str
    project: str
    released: bool
    archived: bool
    date: str | None


@dataclass(frozen=True, kw_only=True)
class Board:
    id: int
    name: str
    kind: str
    project: str


@dataclass(frozen=True, kw_only=True)
class Sprint:
    """Times are None where a sprint is only planned."""

    id: int
    name: str
    state: str
    board: int
    goal: str
    start: dt.datetime | None
    end: dt.datetime | None


def components_of(project: ProjectRecord) -> list[Component]:
    first = int(project["id"]) * 10
    return [Component(id=str(first + place), name=name, project=project["id"]) for place, name in enumerate(COMPONENTS)]


def versions_of(project: ProjectRecord) -> list[ProjectVersion]:
    first = int(project["id"]) * 10
    rows = (("1.0", True, True, "2026-02-27"), ("1.1", True, False, "2026-07-31"), ("2.0", False, False, "2027-01-29"))
    later = ProjectVersion(
        id=str(first + 3), name="Later", project=project["id"], released=False, archived=False, date=None
    )
    dated = [
        ProjectVersion(
            id=str(first + place), name=name, project=project["id"], released=released, archived=archived, date=date
        )
        for place, (name, released, archived, date) in enumerate(rows)
    ]
    return [*dated, later]


def board_of(project: ProjectRecord) -> Board:
    longest = max((len(each["statuses"]) for each in project["workflows"]), default=0)
    kanban = project["style"] == "classic" and longest <= SHORT_WORKFLOW
    kind = "kanban" if kanban else "simple" if project["style"] == "next-gen" else "scrum"
    return Board(id=board_id(project), name=f"{project['key']} board", kind=kind, project=project["id"])


def board_id(project: ProjectRecord) -> int:
    """Small numbers, as boards of a real site have: 1 for the first project."""
    return int(project["id"]) - 9999


def sprints_of(project: ProjectRecord) -> list[Sprint]:
    board = board_of(project)
    if board.kind == "kanban":
        return []
    return list(_sprints(project, board))


def _sprints(project: ProjectRecord, board: Board) -> Iterator[Sprint]:
    active = SPRINT_STATES.index("active")
    for place, state in enumerate(SPRINT_STATES):
        start = ACTIVE_FROM + dt.timedelta(days=SPRINT_DAYS * (place - active)) if state != "future" else None
        yield Sprint(
            id=board.id * 10 + place,
            name=f"{project['key']} Sprint {place + 1}",
            state=state,
            board=board.id,
            goal="" if state == "future" else "Less work in progress",
            start=start,
            end=start + dt.timedelta(days=SPRINT_DAYS) if start else None,
        )

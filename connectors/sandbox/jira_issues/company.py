"""The issues of a data set: those that Align's items came from, and in every project some that Align never saw.

All follows from the catalogue of the seed by rule, so it is the same in every run and need not be stored.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import tracker
from .records import Issue, IssueTypeRecord, ProjectRecord, StatusRecord, UserRecord, Workflow, issue_id

VERBS = ("Show", "Export", "Round", "Speed up", "Translate", "Log", "Retry", "Encrypt", "Remove", "Document")
THINGS = (
    "the basket",
    "invoices",
    "the sign-in page",
    "addresses",
    "nightly imports",
    "error messages",
    "price lists",
    "the search",
    "receipts",
)
FIRST_DAY = dt.datetime(2025, 9, 1, 8, 0, tzinfo=dt.UTC)
LAST_DAY = dt.datetime(2026, 11, 20, 17, 0, tzinfo=dt.UTC)
DAY, MINUTE = 86_400_000, 60_000
# The shares of what Align never saw, by what kind a type is: of ten issues one epic, five stories and so on.
SHARES = ("epic", "story", "story", "bug", "task", "story", "subtask", "story", "bug", "story")


@dataclass(frozen=True, kw_only=True)
class Linked:
    """An item of Align that came from Jira. `kind`: epic, story, bug or subtask; `parent`: the id of an issue."""

    project: str
    number: int
    kind: str
    title: str
    state: int | None
    owner: str | None
    points: float | None
    parent: int | None


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What the issues of a data set are made from. `states`: per project (None: shared) and kind, status to state."""

    projects: Sequence[ProjectRecord]
    types: Mapping[str, IssueTypeRecord]
    statuses: Mapping[int, StatusRecord]
    people: Mapping[str, UserRecord]
    linked: Sequence[Linked]
    states: Mapping[tuple[str | None, str], Mapping[int, int]]
    least: int  # issues in every project
    total: int  # in all projects together


@dataclass(frozen=True, kw_only=True)
class Base:
    """A data set. `last`: the highest number in each project."""

    issues: Mapping[int, Issue] = field(default_factory=dict)
    people: Mapping[str, UserRecord] = field(default_factory=dict)
    last: Mapping[str, int] = field(default_factory=dict)


def make(catalogue: Catalogue) -> Base:
    """Numbers of a project begin with what Align has. An issue comes after its parent."""
    by_project: dict[str, list[Linked]] = defaultdict(list)
    for each in catalogue.linked:
        by_project[each.project].append(each)
    left = catalogue.total - len(catalogue.linked)
    issues: dict[int, Issue] = {}
    last: dict[str, int] = {}
    for place, project in enumerate(catalogue.projects):
        own = max(left // (len(catalogue.projects) - place), 0)
        left -= own
        maker = _Maker(catalogue, project)
        made = list(maker.issues(by_project[project["key"]], max(own, catalogue.least)))
        issues.update((each["id"], each) for each in made)
        last[project["id"]] = len(made)
    return Base(issues=issues, people=catalogue.people, last=last)


def kind_of(issue_type: IssueTypeRecord) -> str:
    """epic, story, bug, subtask or task: what everything else is."""
    if issue_type["subtask"]:
        return "subtask"
    if issue_type["level"] > 0:
        return "epic"
    name = issue_type["name"].lower()
    return name if name in ("story", "bug") else "task"


class _Maker:
    """The issues of one project."""

    def __init__(self, catalogue: Catalogue, project: ProjectRecord) -> None:
        self._catalogue = catalogue
        self._project = project
        self._flows = {
            kind_of(catalogue.types[each["type"]]): each for each in reversed(project["workflows"]) if each["statuses"]
        }
        self._people = list(catalogue.people)
        self._components = [each.id for each in tracker.components_of(project)]
        self._versions = [each.id for each in tracker.versions_of(project)]
        self._sprints = [each.id for each in tracker.sprints_of(project)]
        self._held: dict[str, list[int]] = defaultdict(list)

    def issues(self, linked: Iterable[Linked], own: int) -> Iterator[Issue]:
        number = 0
        for each in linked:
            number = each.number
            yield self._linked(each)
        for place in range(own if self._flows else 0):
            number += 1
            yield self._own(number, SHARES[place % len(SHARES)])

    def _linked(self, each: Linked) -> Issue:
        flow = self._flows[each.kind]
        status = self._status_for(each, flow)
        made = self._issue(each.number, each.kind, flow, status, each.title)
        made["assignee"] = each.owner
        made["parent"] = each.parent
        if each.points is not None:
            made["custom"]["10016"] = each.points
        return made

    def _status_for(self, each: Linked, flow: Workflow) -> int:
        """One that the connector shows as the state which the item has; an unmapped one shows as 0."""
        own = (self._project["key"] if self._project["style"] == "next-gen" else None, each.kind)
        states = self._catalogue.states.get(own, {})
        wanted = each.state or 0
        fitting = [status for status in flow["statuses"] if states.get(status, 0) == wanted]
        if not fitting:
            place = min(wanted, len(flow["statuses"]) - 1)
            return flow["statuses"][place]
        return fitting[each.number % len(fitting)]

    def _own(self, number: int, wanted: str) -> Issue:
        kind = wanted if wanted in self._flows else next(iter(self._flows))
        if kind == "subtask" and not self._held["story"]:
            kind = "story" if "story" in self._flows else kind
        flow = self._flows[kind]
        status = flow["statuses"][number * 3 % len(flow["statuses"])]
        title = f"{VERBS[number % len(VERBS)]} {THINGS[(number * 4 + int(self._project['id'])) % len(THINGS)]}"
        made = self._issue(number, kind, flow, status, title)
        above = self._held["story" if kind == "subtask" else "epic"]
        if kind != "epic" and above and (kind == "subtask" or number % 3):
            made["parent"] = above[number % len(above)]
        return made

    def _issue(self, number: int, kind: str, flow: Workflow, status: int, title: str) -> Issue:
        """`salt` spreads the values over the projects; what depends on another value stands after it."""
        salt = number + int(self._project["id"]) * 7
        created = int(FIRST_DAY.timestamp() * 1000) + (salt * 11 % 400) * DAY + (salt * 37 % 540) * MINUTE + 7_000
        updated = min(created + (salt * 29 % 120) * DAY + 61_000, int(LAST_DAY.timestamp() * 1000) + number)
        done = self._catalogue.statuses[status]["category"] == "done"
        number_id = issue_id(self._project["id"], number)
        self._held[kind].append(number_id)
        return Issue(
            id=number_id,
            project=self._project["id"],
            number=number,
            type=flow["type"],
            status=status,
            summary=title,
            description="" if salt % 4 == 1 else f"{title}, as agreed with the product owner.",
            creator=self._person(salt * 3),
            reporter=self._person(salt * 3),
            assignee=None if salt % 4 == 2 else self._person(salt * 5 + 1),
            priority=str(1 + salt * 3 % 5),
            resolution=tracker.RESOLUTIONS[1 if salt % 9 == 4 else 0][0] if done else None,
            resolved=updated if done else None,
            labels=_some(tracker.LABELS, salt, 3),
            components=_some(self._components, salt, 2),
            fix_versions=_some(self._versions, salt + 1, 3),
            versions=_some(self._versions, salt, 2) if kind == "bug" else [],
            parent=None,
            sprints=self._sprints_of(kind, salt, done),
            due=None if salt % 5 else f"2026-12-{1 + salt % 28:02d}",
            created=created,
            updated=updated,
            custom=_custom(kind, salt, title),
        )

    def _sprints_of(self, kind: str, salt: int, done: bool) -> list[int]:
        if kind in ("epic", "subtask") or not self._sprints or salt % 3 == 0:
            return []
        if done:
            return [self._sprints[salt % 2]]
        return self._sprints[1:3] if salt % 5 == 1 else [self._sprints[2 + salt % 2]]

    def _person(self, place: int) -> str:
        return self._people[place % len(self._people)]


def _some(names: Sequence[str], salt: int, most: int) -> list[str]:
    count = salt % (most + 1)
    return sorted({names[(salt + place * 5) % len(names)] for place in range(count)})


RULES: Mapping[str, Callable[[int], Any]] = {
    "10030": lambda salt: None if salt % 3 else str(10100 + salt % 3),
    "10031": lambda salt: [str(10110 + salt % 3)] if salt % 4 == 0 else None,
    "10032": lambda salt: salt % 50 / 2 if salt % 5 == 0 else None,
    "10033": lambda salt: f"2026-0{1 + salt % 9}-15" if salt % 6 == 0 else None,
    "10036": lambda salt: f"CR-{salt % 1000:04d}" if salt % 7 == 0 else None,
}


def _custom(kind: str, salt: int, title: str) -> dict[str, Any]:
    """Values by the number of the field, see `fields`."""
    made = {number: rule(salt) for number, rule in RULES.items()}
    if kind in ("story", "task"):
        made["10016"] = (None, 1.0, 2.0, 3.0, 5.0, 8.0)[salt % 6]
    if kind == "epic":
        made["10011"] = title
    return {number: value for number, value in made.items() if value is not None}

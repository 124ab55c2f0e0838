"""The small data set: a believable company on connector 123, and the set that replays the published examples.

The company has on purpose: unmapped statuses, a bounce (Story, Dev complete in PROJ), a target with no way back
(Story, Test complete in PROJ), twins named In Review, one record with a type id outside the table, two records of
one key, one step that is gone, and projects in a programme that no active flow serves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .families import FAMILIES, TABLE_FEATURE
from .jira_issues.records import IssueTypeRecord, ProjectRecord, StatusRecord, Workflow
from .world import (
    ConnectorRecord,
    Flow,
    Record,
    Step,
    Token,
    World,
    new_record,
)

CONNECTOR = 123
ADMIN = "admin@sandbox.test"
ALIGN_TOKEN = "sandbox-align-token"  # documented; opens nothing but the sandbox
JIRA_TOKEN = "sandbox-jira-token"
NEW, DOING, DONE = "new", "indeterminate", "done"
STATUSES = (
    (10001, "To Do", NEW),
    (10002, "In Progress", DOING),
    (10003, "Done", DONE),
    (10011, "Backlog", NEW),
    (10012, "Selected for Development", NEW),
    (10013, "In Review", DOING),
    (10014, "In Analysis", DOING),
    (10015, "QA", DOING),
    (10016, "Ready for release", DOING),
    (10017, "Blocked", DOING),
    (10018, "Cancelled", DONE),
    (10019, "Archived", DONE),
    (10020, "Released", DONE),
    (10113, "In Review", DOING),
)
# Issue type ids: Epic, Story, Sub-task, Bug, Task.
EPIC, STORY, SUBTASK, BUG, TASK = "10000", "10001", "10003", "10004", "10002"
TYPES = (
    (EPIC, "Epic", False, 1),
    (STORY, "Story", False, 0),
    (TASK, "Task", False, 0),
    (SUBTASK, "Sub-task", True, -1),
    (BUG, "Bug", False, 0),
)
AVATARS = {"Epic": 10307, "Story": 10315, "Sub-task": 10316, "Bug": 10303, "Task": 10318}
FULL = {
    EPIC: (10011, 10014, 10001, 10002, 10013, 10003, 10018),
    STORY: (10011, 10012, 10001, 10002, 10013, 10015, 10016, 10017, 10003, 10018),
    SUBTASK: (10001, 10002, 10013, 10003),
    BUG: (10011, 10001, 10002, 10017, 10013, 10015, 10016, 10003, 10018, 10019),
}
MOBILE = {
    EPIC: (10011, 10001, 10002, 10113, 10003),
    STORY: (10011, 10012, 10001, 10002, 10113, 10015, 10020, 10003),
    SUBTASK: (10001, 10002, 10003),
    BUG: (10011, 10001, 10002, 10113, 10015, 10003),
}
LEAN = {
    EPIC: (10001, 10002, 10003),
    STORY: (10011, 10001, 10002, 10013, 10003),
    SUBTASK: (10001, 10002, 10003),
    BUG: (10001, 10002, 10013, 10003),
}
COMMERCE, PLATFORM, CORPORATE = 11, 12, 13
COMPANY_PROJECTS = (
    ("PROJ", "Core Platform", PLATFORM, FULL),
    ("PAY", "Payments", COMMERCE, FULL),
    ("MOB", "Mobile", COMMERCE, MOBILE),
    ("IDN", "Identity", PLATFORM, FULL),
    ("DATA", "Data Platform", PLATFORM, FULL),
    ("WEB", "Web Shop", COMMERCE, FULL),
    ("SRCH", "Search", COMMERCE, LEAN),
    ("BILL", "Billing", COMMERCE, FULL),
    ("NOTE", "Notifications", PLATFORM, LEAN),
    ("FRD", "Fraud Detection", COMMERCE, FULL),
    ("INFRA", "Infrastructure", PLATFORM, LEAN),
    ("RPT", "Reporting", CORPORATE, LEAN),
    ("SUP", "Support Tools", CORPORATE, LEAN),
    ("HRS", "HR Systems", CORPORATE, LEAN),
)
TEAM_PROJECTS = (
    ("PROJ1", "Growth Experiments", COMMERCE, 10200),
    ("PROJ2", "Design System", PLATFORM, 10300),
    ("LAB", "Research Lab", PLATFORM, 10400),
    ("MKT", "Marketing Site", COMMERCE, 10500),
    ("HACK", "Hack Days", CORPORATE, 10600),
)
TEAM_STATUSES = (("To Do", NEW), ("In Progress", DOING), ("In Review", DOING), ("Done", DONE), ("Parked", NEW))
EXAMPLE_STATUSES = (("To Do", NEW), ("In Progress", DOING), ("Done", DONE))
PRIORITIES = (
    ("1", "Highest", "#d04437", 1),
    ("2", "High", "#f15c75", 2),
    ("3", "Medium", "#f79232", 3),
    ("4", "Low", "#707070", 4),
    ("5", "Lowest", "#999999", 4),
)
FLOWS = (
    (
        7,
        "Feature flow",
        "Feature",
        True,
        [COMMERCE, PLATFORM],
        ((501, "Funnel", 0), (502, "Analysis", 1), (503, "Building", 2), (504, "Validating", 3), (505, "Launched", 5)),
    ),
    (
        8,
        "Delivery flow",
        "Story",
        True,
        [COMMERCE, PLATFORM],
        (
            (511, "Backlog", 0),
            (512, "Ready", 1),
            (513, "Developing", 2),
            (514, "Reviewing", 3),
            (515, "Testing", 3),
            (516, "Ready to release", 4),
            (517, "Released", 4),
        ),
    ),
    (
        9,
        "Legacy story flow",
        "Story",
        False,
        [CORPORATE],
        ((521, "Open", 1), (522, "Working", 2), (523, "Closed", 4)),
    ),
)
# Family, project or none, wire type id, then source to target.
MAPPINGS: tuple[tuple[str, str | None, int, dict[int, int]], ...] = (
    ("j2a_state", None, 3, {10011: 0, 10001: 1, 10002: 2, 10013: 3, 10003: 5}),
    (
        "j2a_state",
        None,
        4,
        {10011: 0, 10012: 1, 10001: 1, 10002: 2, 10013: 2, 10113: 2, 10015: 3, 10016: 4, 10003: 4},
    ),
    ("j2a_state", None, 6, {10001: 1, 10002: 2, 10013: 3, 10003: 4, 10019: 4}),
    ("j2a_state", None, 9, {10011: 0, 10001: 1, 10002: 2, 10013: 2, 10015: 3, 10016: 4, 10003: 4}),
    ("j2a_state", None, 9, {10015: 4}),
    ("j2a_state", None, 2, {10018: 0}),
    ("j2a_step", None, 2, {10011: 501, 10014: 502, 10001: 502, 10002: 503, 10013: 504, 10003: 505}),
    ("j2a_step", None, 3, {10011: 511, 10012: 512, 10001: 512, 10002: 513, 10013: 514, 10015: 515, 10003: 517}),
    ("a2j_state", "PROJ", 3, {1: 10001, 2: 10002, 3: 10013, 5: 10003}),
    ("a2j_state", "PROJ", 4, {0: 10011, 1: 10001, 2: 10002, 3: 10013}),
    ("a2j_state", "PROJ", 9, {1: 10001, 2: 10002, 3: 10015, 4: 10003}),
    ("a2j_step", "PROJ", 3, {501: 10011, 502: 10014, 503: 10002, 504: 10013, 505: 10003}),
    ("a2j_step", "PROJ", 4, {511: 10011, 512: 10012, 513: 10002, 514: 10013, 515: 10015, 517: 10003}),
    *((("a2j_state", key, 4, {1: 10001, 2: 10002, 4: 10003})) for key in ("PAY", "MOB", "IDN", "DATA", "WEB")),
    *((("a2j_state", key, 3, {1: 10001, 2: 10002, 5: 10003})) for key in ("PAY", "IDN", "DATA", "BILL")),
    ("a2j_state", "SRCH", 4, {1: 10001, 2: 10002, 3: 10013, 4: 10003}),
    ("a2j_step", "PAY", 4, {512: 10001, 513: 10002, 517: 10003}),
    ("a2j_step", "RPT", 4, {513: 10002, 517: 10003}),
    ("j2a_state", "PROJ1", 3, {10201: 1, 10202: 2, 10204: 5}),
    ("j2a_state", "PROJ1", 4, {10201: 1, 10202: 2, 10203: 3, 10204: 4}),
    ("j2a_state", "PROJ2", 4, {10301: 1, 10302: 2, 10304: 4}),
    ("j2a_state", "LAB", 4, {10401: 1, 10402: 2}),
    ("j2a_step", "PROJ1", 3, {10201: 512, 10202: 513, 10204: 517}),
    ("a2j_state", "PROJ1", 4, {1: 10201, 2: 10202, 3: 10203, 4: 10204}),
    ("a2j_state", "PROJ2", 4, {1: 10301, 2: 10302, 4: 10304}),
    ("a2j_step", "PROJ1", 4, {512: 10201, 513: 10202, 517: 10204}),
)
# What the administrators of Jira added after the last configuration pull.
UNPULLED = frozenset({10020})
GONE_STEP = (590, "Staging")


@dataclass(kw_only=True)
class Data:
    """A data set while it is put together."""

    connectors: list[ConnectorRecord] = field(default_factory=lambda: [ConnectorRecord(id=CONNECTOR, name="Acme Jira")])
    projects: list[ProjectRecord] = field(default_factory=list)
    statuses: list[StatusRecord] = field(default_factory=list)
    issue_types: list[IssueTypeRecord] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    mappings: list[tuple[str, str | None, int, dict[int, int]]] = field(default_factory=list)

    def fill(self, world: World) -> None:
        buckets: dict[str, Iterable[tuple[str, Any]]] = {
            "connector": ((str(item["id"]), item) for item in self.connectors),
            "project": ((item["key"], item) for item in self.projects),
            "status": ((str(item["id"]), item) for item in self.statuses),
            "issue_type": ((item["id"], item) for item in self.issue_types),
            "flow": ((str(item["id"]), item) for item in self.flows),
            "priority": _priorities(),
            "token": ((f"{item['site']} {item['token']}", item) for item in _tokens()),
        }
        world.fill(buckets)
        for code, record in self._records(world):
            world.create(FAMILIES[code], record, user=None)
        world.store.commit()

    def _records(self, world: World) -> Iterator[tuple[str, Record]]:
        for code, project, type_id, pairs in self.mappings:
            scope = (CONNECTOR, code, project)
            for source, target in pairs.items():
                yield code, new_record(world, FAMILIES[code], scope, type_id, source, target)

    def add_team_project(
        self,
        number: int,
        key: str,
        name: str,
        programme: int,
        first: int,
        statuses: tuple[tuple[str, str], ...] = TEAM_STATUSES,
    ) -> None:
        """A team-managed project with its own statuses from `first` + 1 and its own issue types."""
        project_id = str(number)
        ids = [first + place for place in range(1, len(statuses) + 1)]
        for status_id, (status_name, category) in zip(ids, statuses, strict=True):
            self.statuses.append(make_status(status_id, status_name, category, project_id))
        workflows = []
        for place, (_, type_name, subtask, level) in enumerate(TYPES):
            own = IssueTypeRecord(
                id=str(first + 10 + place),
                name=type_name,
                subtask=subtask,
                level=level,
                project=project_id,
                avatar=AVATARS[type_name],
            )
            self.issue_types.append(own)
            workflows.append(Workflow(type=own["id"], statuses=list(ids)))
        self.projects.append(
            ProjectRecord(id=project_id, key=key, name=name, style="next-gen", programme=programme, workflows=workflows)
        )

    def add_company_project(
        self, number: int, key: str, name: str, programme: int, workflows: dict[str, tuple[int, ...]]
    ) -> None:
        by_type = [Workflow(type=kind, statuses=list(ids)) for kind, ids in workflows.items()]
        self.projects.append(
            ProjectRecord(id=str(number), key=key, name=name, style="classic", programme=programme, workflows=by_type)
        )


def small() -> Data:
    data = Data(statuses=[make_status(*status) for status in STATUSES], issue_types=_shared_types(), flows=_flows())
    for number, (key, name, programme, workflows) in enumerate(COMPANY_PROJECTS, start=10000):
        data.add_company_project(number, key, name, programme, workflows)
    for number, (key, name, programme, first) in enumerate(TEAM_PROJECTS, start=10100):
        data.add_team_project(number, key, name, programme, first)
    data.mappings.extend(MAPPINGS)
    return data


def fill_small(world: World) -> None:
    small().fill(world)
    world.issues.begin("small")
    add_gone_step(world)


def add_gone_step(world: World) -> None:
    """A mapping whose process step was deleted in Align afterwards: the record keeps the old name."""
    step_id, name = GONE_STEP
    family = FAMILIES["j2a_step"]
    record = new_record(world, family, (CONNECTOR, "j2a_step", None), 3, 10016, step_id)
    world.create(family, {**record, "processStepName": name}, user=None)
    world.store.commit()


def fill_examples(world: World) -> None:
    """PROJ is team-managed and holds the example's statuses; nothing is mapped yet."""
    examples().fill(world)
    world.issues.begin("examples")


def examples() -> Data:
    data = Data(flows=_flows())
    data.add_team_project(10000, "PROJ", "Core Platform", PLATFORM, 10000, EXAMPLE_STATUSES)
    return data


def fill_examples_company(world: World) -> None:
    """PROJ is company-managed and reaches the example's statuses with all its types; nothing is mapped yet."""
    examples_company().fill(world)
    world.issues.begin("examples-company")


def fill_examples_mixed(world: World) -> None:
    """The three lists that the example of a mixed environment reads: shared, of PROJ1 and of PROJ2."""
    examples_mixed().fill(world)
    world.issues.begin("examples-mixed")


def examples_mixed() -> Data:
    data = examples_company()
    for number, (key, name, programme, first) in enumerate(TEAM_PROJECTS[:2], start=10100):
        data.add_team_project(number, key, name, programme, first, EXAMPLE_STATUSES)
    for project, first in ((None, 10000), ("PROJ1", 10200), ("PROJ2", 10300)):
        data.mappings.append(("j2a_state", project, TABLE_FEATURE, {first + 1: 1, first + 2: 2, first + 3: 5}))
    return data


def examples_company() -> Data:
    statuses = [make_status(10000 + place, *each) for place, each in enumerate(EXAMPLE_STATUSES, start=1)]
    data = Data(statuses=statuses, issue_types=_shared_types(), flows=_flows())
    reached = tuple(each["id"] for each in statuses)
    data.add_company_project(
        10000, "PROJ", "Core Platform", PLATFORM, {EPIC: reached, STORY: reached, SUBTASK: reached, BUG: reached}
    )
    return data


def make_status(status_id: int, name: str, category: str, project: str | None = None) -> StatusRecord:
    return StatusRecord(id=status_id, name=name, category=category, project=project, pulled=status_id not in UNPULLED)


def _shared_types() -> list[IssueTypeRecord]:
    return [
        IssueTypeRecord(id=type_id, name=name, subtask=subtask, level=level, project=None, avatar=AVATARS[name])
        for type_id, name, subtask, level in TYPES
    ]


def _flows() -> list[Flow]:
    return [
        Flow(
            id=flow_id,
            name=name,
            level=level,
            active=active,
            programmes=programmes,
            steps=[Step(id=step_id, name=step, state=state) for step_id, step, state in steps],
        )
        for flow_id, name, level, active, programmes, steps in FLOWS
    ]


def _priorities() -> Iterator[tuple[str, Any]]:
    for priority_id, name, color, align in PRIORITIES:
        yield priority_id, {"id": priority_id, "name": name, "color": color, "align": align}


def _tokens() -> list[Token]:
    return [
        Token(site="align", token=ALIGN_TOKEN, user=ADMIN, projects=None),
        Token(site="jira", token=JIRA_TOKEN, user=ADMIN, projects=None),
    ]

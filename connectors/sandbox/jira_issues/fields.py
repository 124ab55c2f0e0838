"""The fields of issues with their schemas, as Jira lists them: those that every site has, and custom ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEY_TYPE = "com.atlassian.jira.plugin.system.customfieldtypes:"
AGILE_TYPE = "com.pyxis.greenhopper.jira:"
SCRIPT_TYPE = "com.onresolve.jira.groovy.groovyrunner:"  # worked out by a script of its site, never written


@dataclass(frozen=True, kw_only=True)
class IssueField:
    """`kind`: the type of its schema, `items` of what a list holds; `custom`: the key of a custom field's type.

    `name_server`: where Data Center calls it something else. `written`: it can stand in a write. `kinds`: of issue
    that have it on their screens; empty for all. `options`: the choices by id.
    """

    id: str
    name: str
    kind: str
    items: str = ""
    custom: str = ""
    clauses: tuple[str, ...] = ()
    only: str = ""  # cloud or server
    written: bool = False
    required: bool = False
    kinds: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """Of a custom field; empty for others."""
        return self.id.removeprefix("customfield_") if self.custom else ""

    @property
    def schema(self) -> dict[str, object]:
        made: dict[str, object] = {"type": self.kind}
        if self.items:
            made["items"] = self.items
        if self.custom:
            return {**made, "custom": self.custom, "customId": int(self.number)}
        return {**made, "system": self.id}

    @property
    def operations(self) -> list[str]:
        return ["add", "set", "remove"] if self.kind == "array" and not self.custom.endswith("gh-sprint") else ["set"]


def _system(name: str, label: str, kind: str, **more: object) -> IssueField:
    return IssueField(id=name, name=label, kind=kind, **more)  # type: ignore[arg-type]  # each by its name


def _custom(number: int, label: str, kind: str, custom: str, **more: object) -> IssueField:
    name = f"customfield_{number}"
    clauses = (f"cf[{number}]", label)
    return IssueField(id=name, name=label, kind=kind, custom=custom, clauses=clauses, **more)  # type: ignore[arg-type]


TEAM = {"10100": "Payments", "10101": "Identity", "10102": "Platform"}
PLACES = {"10110": "Test", "10111": "Staging", "10112": "Production"}
ROWS = (
    _system("summary", "Summary", "string", clauses=("summary",), written=True, required=True),
    _system("issuetype", "Issue Type", "issuetype", clauses=("issuetype", "type"), written=True, required=True),
    _system("project", "Project", "project", clauses=("project",), written=True, required=True),
    _system("parent", "Parent", "issuelink", clauses=("parent",), only="cloud", written=True),
    _system("parent", "Parent", "issuelink", clauses=("parent",), only="server", written=True, kinds=("subtask",)),
    _system("description", "Description", "string", clauses=("description",), written=True),
    _system("status", "Status", "status", clauses=("status",)),
    _system("statusCategory", "Status Category", "statusCategory", clauses=("statusCategory",), only="cloud"),
    _system("priority", "Priority", "priority", clauses=("priority",), written=True),
    _system("resolution", "Resolution", "resolution", clauses=("resolution",)),
    _system("resolutiondate", "Resolved", "datetime", clauses=("resolutiondate", "resolved")),
    _system("assignee", "Assignee", "user", clauses=("assignee",), written=True),
    _system("reporter", "Reporter", "user", clauses=("reporter",), written=True),
    _system("creator", "Creator", "user", clauses=("creator",)),
    _system("labels", "Labels", "array", items="string", clauses=("labels",), written=True),
    _system("components", "Components", "array", items="component", clauses=("component",), written=True),
    _system("fixVersions", "Fix versions", "array", items="version", clauses=("fixVersion",), written=True),
    _system(
        "versions", "Affects versions", "array", items="version", clauses=("affectedVersion",), written=True,
        kinds=("bug",),
    ),
    _system("duedate", "Due date", "date", clauses=("due", "duedate"), written=True),
    _system("subtasks", "Sub-tasks", "array", items="issuelinks", clauses=("subtasks",)),
    _system("created", "Created", "datetime", clauses=("created", "createdDate")),
    _system("updated", "Updated", "datetime", clauses=("updated", "updatedDate")),
    _custom(10011, "Epic Name", "string", AGILE_TYPE + "gh-epic-label", written=True, kinds=("epic",)),
    _custom(10014, "Epic Link", "any", AGILE_TYPE + "gh-epic-link", written=True, kinds=("story", "bug", "task")),
    _custom(10016, "Story Points", "number", KEY_TYPE + "float", written=True, kinds=("story", "task", "bug")),
    _custom(10020, "Sprint", "array", AGILE_TYPE + "gh-sprint", items="json", written=True,
            kinds=("story", "task", "bug")),
    _custom(10030, "Delivery team", "option", KEY_TYPE + "select", written=True, options=TEAM),
    _custom(10031, "Environments", "array", KEY_TYPE + "multiselect", items="option", written=True, options=PLACES),
    _custom(10032, "Effort in days", "number", KEY_TYPE + "float", written=True),
    _custom(10033, "Target date", "date", KEY_TYPE + "datepicker", written=True),
    _custom(10034, "Go-live", "datetime", KEY_TYPE + "datetime", written=True),
    _custom(10035, "Tester", "user", KEY_TYPE + "userpicker", written=True),
    _custom(10036, "Change record", "string", KEY_TYPE + "textfield", written=True),
    _custom(10037, "Acceptance criteria", "string", KEY_TYPE + "textarea", written=True),
    _custom(10038, "Design", "string", KEY_TYPE + "url", written=True),
    _custom(10039, "Tags", "array", KEY_TYPE + "labels", items="string", written=True),
    _custom(10040, "WSJF", "number", SCRIPT_TYPE + "scripted-field"),
)  # fmt: skip


def fields_of(*, server: bool) -> dict[str, IssueField]:
    """By id, in the order in which Jira is asked for all."""
    unwanted = "cloud" if server else "server"
    return {each.id: each for each in ROWS if each.only != unwanted}


def on_screen(kind: str, *, server: bool) -> dict[str, IssueField]:
    """What can be written in an issue of a kind."""
    known = fields_of(server=server)
    return {each.id: each for each in known.values() if each.written and (not each.kinds or kind in each.kinds)}

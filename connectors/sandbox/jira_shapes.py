"""An issue as Jira answers it, field by field."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from .jira_call import JiraCall, avatars, category_shape, priorities, project_shape, status_shape, type_shape
from .jira_issues import tracker
from .jira_issues.company import kind_of
from .jira_issues.fields import IssueField, fields_of
from .jira_issues.records import Issue
from .jira_issues.tracker import Component, ProjectVersion, Sprint
from .messages import Json

ALL, NAVIGABLE = "*all", "*navigable"
EXPAND = "operations,versionedRepresentations,editmeta,changelog,renderedFields"


class IssueShapes:
    """Makes the shapes of one answer; what many issues share is looked up once."""

    def __init__(self, call: JiraCall) -> None:
        self._call = call
        self._fields = fields_of(server=call.server)
        self._priorities = {each["id"]: each for each in priorities(call)}
        self._children: dict[int, list[Issue]] | None = None
        self._readers: dict[str, Callable[[Issue], Any]] = {
            "summary": lambda issue: issue["summary"],
            "issuetype": self.type,
            "project": self._project,
            "parent": self._parent,
            "description": lambda issue: self.text(issue["description"]),
            "status": self.status,
            "statusCategory": lambda issue: self.status(issue)["statusCategory"],
            "priority": lambda issue: self._priorities.get(issue["priority"] or ""),
            "resolution": lambda issue: resolution_shape(call, issue["resolution"]),
            "resolutiondate": lambda issue: self.moment(issue["resolved"]),
            "assignee": lambda issue: call.person_shape(issue["assignee"]),
            "reporter": lambda issue: call.person_shape(issue["reporter"]),
            "creator": lambda issue: call.person_shape(issue["creator"]),
            "labels": lambda issue: issue["labels"],
            "components": lambda issue: self._some(issue, "components"),
            "fixVersions": lambda issue: self._some(issue, "fix_versions"),
            "versions": lambda issue: self._some(issue, "versions"),
            "duedate": lambda issue: issue["due"],
            "subtasks": lambda issue: [self.small(each) for each in self.children(issue)],
            "created": lambda issue: self.moment(issue["created"]),
            "updated": lambda issue: self.moment(issue["updated"]),
        }

    def whole(self, issue: Issue, names: Iterable[str]) -> Json:
        chosen = self.chosen(names)
        made: Json = {"expand": EXPAND, **self.reference(issue)}
        return {**made, "fields": {each.id: self._value(issue, each) for each in chosen if self._has(issue, each)}}

    def chosen(self, names: Iterable[str]) -> list[IssueField]:
        """`*all`, `*navigable`, names, and names with a minus that are left out."""
        wanted = [name for name in names if name]
        left_out = {name[1:] for name in wanted if name.startswith("-")}
        everything = not [name for name in wanted if not name.startswith("-")] or {ALL, NAVIGABLE} & set(wanted)
        return [each for each in self._fields.values() if each.id not in left_out and (everything or each.id in wanted)]

    def reference(self, issue: Issue) -> Json:
        return {
            "id": str(issue["id"]),
            "self": f"{self._call.root}/issue/{issue['id']}",
            "key": self._call.key_of(issue),
        }

    def small(self, issue: Issue) -> Json:
        """As it stands in a field of another issue."""
        fields = {
            "summary": issue["summary"],
            "status": self.status(issue),
            "priority": self._priorities.get(issue["priority"] or ""),
            "issuetype": self.type(issue),
        }
        return {**self.reference(issue), "fields": fields}

    def children(self, issue: Issue) -> list[Issue]:
        """Its sub-tasks."""
        if self._children is None:
            self._children = {}
            world = self._call.world
            subtasks = {each["id"] for each in world.issue_types() if each["subtask"]}
            for each in world.issues.held.values():
                if each["parent"] is not None and each["type"] in subtasks:
                    self._children.setdefault(each["parent"], []).append(each)
        return self._children.get(issue["id"], [])

    def status(self, issue: Issue) -> Json:
        """One that was removed in Jira since still has its number."""
        found = self._call.world.status(issue["status"])
        if found is not None:
            return status_shape(self._call, found)
        category = category_shape(self._call, "indeterminate")
        return {"id": str(issue["status"]), "name": str(issue["status"]), "statusCategory": category}

    def type(self, issue: Issue) -> Json:
        found = self._call.world.issue_type(issue["type"])
        return type_shape(self._call, found) if found else {"id": issue["type"], "name": issue["type"]}

    def moment(self, at: int | None) -> str | None:
        """In the zone of the caller, as Jira writes it."""
        if at is None:
            return None
        moment = dt.datetime.fromtimestamp(at / 1000, self._call.zone)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}{moment:%z}"

    def text(self, text: str) -> Any:
        """A document in version 3, plain text in version 2."""
        if not text or self._call.version == "2":
            return text or None
        content = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in text.split("\n")
        ]
        return {"type": "doc", "version": 1, "content": content}

    def _project(self, issue: Issue) -> Json:
        shape = project_shape(self._call, self._call.project_of[issue["project"]])
        kept = {name: value for name, value in shape.items() if name not in ("style", "isPrivate")}
        return {**kept, "avatarUrls": avatars(self._call, f"project/{issue['project']}")}

    def _parent(self, issue: Issue) -> Json | None:
        above = self._above(issue)
        return self.small(above) if above is not None else None

    def _above(self, issue: Issue) -> Issue | None:
        """None also where the caller may not see it."""
        found = self._call.world.issues.get(issue["parent"]) if issue["parent"] is not None else None
        return found if found is not None and found["project"] in self._call.project_of else None

    def _kind(self, issue: Issue) -> str:
        found = self._call.world.issue_type(issue["type"])
        return kind_of(found) if found else "task"

    def _has(self, issue: Issue, each: IssueField) -> bool:
        """A parent is left out where there is none; Data Center knows one of sub-tasks alone."""
        if each.id != "parent":
            return True
        return self._above(issue) is not None and (not self._call.server or self._kind(issue) == "subtask")

    def _some(self, issue: Issue, name: str) -> list[Json]:
        project = self._call.project_of[issue["project"]]
        wanted: list[str] = issue[name]  # type: ignore[literal-required]  # components, fix_versions or versions
        if name == "components":
            return [component_shape(self._call, each) for each in tracker.components_of(project) if each.id in wanted]
        return [version_shape(self._call, each) for each in tracker.versions_of(project) if each.id in wanted]

    def _value(self, issue: Issue, each: IssueField) -> Any:
        if not each.custom:
            return self._readers[each.id](issue)
        if each.number == "10020":
            return self._sprints(issue)
        if each.number == "10014":
            above = self._above(issue)
            return self._call.key_of(above) if above is not None and self._kind(above) == "epic" else None
        value = issue["custom"].get(each.number)
        if value is None:
            return None
        if each.options:
            found = [option_shape(self._call, each, option) for option in _listed(value)]
            return found if each.kind == "array" else found[0]
        if each.kind == "user":
            return self._call.person_shape(value)
        if each.kind == "datetime":
            return self.moment(value)
        return self.text(value) if each.custom.endswith(":textarea") else value

    def _sprints(self, issue: Issue) -> list[Any] | None:
        project = self._call.project_of[issue["project"]]
        found = [each for each in tracker.sprints_of(project) if each.id in issue["sprints"]]
        shape = sprint_text if self._call.server else sprint_field
        return [shape(each) for each in found] or None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def option_shape(call: JiraCall, field: IssueField, option: str) -> Json:
    return {"self": f"{call.root}/customFieldOption/{option}", "value": field.options[option], "id": option}


def resolution_shape(call: JiraCall, wanted: str | None) -> Json | None:
    for number, name, description in tracker.RESOLUTIONS:
        if number == wanted:
            own = {"self": f"{call.root}/resolution/{number}", "id": number}
            return {**own, "description": description, "name": name}
    return None


def component_shape(call: JiraCall, component: Component) -> Json:
    return {"self": f"{call.root}/component/{component.id}", "id": component.id, "name": component.name}


def version_shape(call: JiraCall, version: ProjectVersion) -> Json:
    shape: Json = {
        "self": f"{call.root}/version/{version.id}",
        "id": version.id,
        "name": version.name,
        "archived": version.archived,
        "released": version.released,
    }
    return {**shape, "releaseDate": version.date} if version.date else shape


def sprint_moment(value: dt.datetime | None) -> str | None:
    return f"{value:%Y-%m-%dT%H:%M:%S}.000Z" if value else None


def sprint_field(sprint: Sprint) -> Json:
    """As an issue of Cloud has it; the agile addresses add where it came from."""
    shape: Json = {"id": sprint.id, "name": sprint.name, "state": sprint.state, "boardId": sprint.board}
    if sprint.start:
        shape |= {"startDate": sprint_moment(sprint.start), "endDate": sprint_moment(sprint.end)}
    if sprint.state == "closed":
        shape["completeDate"] = sprint_moment(sprint.end)
    return {**shape, "goal": sprint.goal}


def sprint_text(sprint: Sprint) -> str:
    """As an issue of Data Center has it."""
    parts = {
        "id": sprint.id,
        "rapidViewId": sprint.board,
        "state": sprint.state.upper(),
        "name": sprint.name,
        "startDate": sprint_moment(sprint.start) or "<null>",
        "endDate": sprint_moment(sprint.end) or "<null>",
        "completeDate": (sprint_moment(sprint.end) if sprint.state == "closed" else None) or "<null>",
        "sequence": sprint.id,
        "goal": sprint.goal,
    }
    inner = ",".join(f"{name}={value}" for name, value in parts.items())
    return f"com.atlassian.greenhopper.service.sprint.Sprint@{sprint.id:x}[{inner}]"

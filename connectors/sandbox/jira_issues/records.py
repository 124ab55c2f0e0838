"""What Jira's side of the sandbox keeps, as it is stored: the catalogue, people and issues."""

from typing import Any, NotRequired, TypedDict


class StatusRecord(TypedDict):
    id: int
    name: str
    category: str
    project: str | None
    pulled: bool
    name_in_align: NotRequired[str]  # where it was renamed in Jira and not pulled since


class IssueTypeRecord(TypedDict):
    id: str
    name: str
    subtask: bool
    level: int
    project: str | None
    avatar: NotRequired[int]


class Workflow(TypedDict):
    type: str
    statuses: list[int]


class ProjectRecord(TypedDict):
    id: str
    key: str
    name: str
    style: str
    programme: int
    workflows: list[Workflow]
    in_align: NotRequired[bool]


class UserRecord(TypedDict):
    """A user of Jira; `user` is what signs in, an e-mail address."""

    user: str
    name: str
    active: bool


class Issue(TypedDict):
    """One issue. People are e-mail addresses; times are milliseconds since 1970; `parent` is the id of an issue.

    `custom` holds the values of custom fields by the number of the field. The key is not stored: it follows from the
    project and the number, also where a project gets another key.
    """

    id: int
    project: str
    number: int
    type: str
    status: int
    summary: str
    description: str
    creator: str
    reporter: str | None
    assignee: str | None
    priority: str | None
    resolution: str | None
    resolved: int | None
    labels: list[str]
    components: list[str]
    fix_versions: list[str]
    versions: list[str]
    parent: int | None
    sprints: list[int]
    due: str | None
    created: int
    updated: int
    custom: dict[str, Any]


NUMBERS = 10_000  # more issues than a project of the sandbox ever gets


def issue_id(project_id: str, number: int) -> int:
    """The same in every run, and never given twice, as numbers are not."""
    return int(project_id) * NUMBERS + number

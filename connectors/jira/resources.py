"""Records of Jira as values. Its ids are texts; they become integers here, as Align has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from alignadmin.http.errors import Malformed, reading
from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, read_records

STYLES = {"next-gen": True, "classic": False}


@dataclass(frozen=True, kw_only=True)
class JiraUser:
    """`id` is the account id on Cloud and the user name on Data Center. Cloud hides e-mail addresses at their wish."""

    id: str
    display_name: str
    email: str
    time_zone: str
    is_active: bool | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="user")
        return cls(
            id=row.text("accountId", "name", "key"),
            display_name=row.text("displayName"),
            email=row.text("emailAddress"),
            time_zone=row.text("timeZone"),
            is_active=row.truth("active"),
        )

    @classmethod
    def listed_from_json(cls, data: object) -> Self:
        """One that a field of an issue can name."""
        found = cls.from_json(data)
        if not found.id:
            raise Malformed("The field that names the user is missing.")
        return found


@dataclass(frozen=True, kw_only=True)
class JiraServer:
    base_url: str
    version: str
    deployment_type: str
    title: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="server info")
        return cls(
            base_url=row.text("baseUrl"),
            version=row.text("version"),
            deployment_type=row.text("deploymentType"),
            title=row.text("serverTitle"),
        )


@dataclass(frozen=True, kw_only=True)
class JiraProject:
    id: int
    key: str
    name: str
    is_team_managed: bool | None  # None: it is not told, as by Data Center, which has no such projects
    category: str = ""

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="project")
        return cls(
            id=row.integer("id"),
            key=row.key("key"),
            name=row.text("name"),
            is_team_managed=STYLES.get(row.text("style"), row.truth("simplified")),
            category=row.part("projectCategory").text("name"),
        )


@dataclass(frozen=True, kw_only=True)
class JiraStatus:
    """`category` is `new`, `indeterminate`, `done` or empty; `project_id` is set where a project owns the status."""

    id: int
    name: str
    category: str
    project_id: int | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="status")
        return cls(
            id=row.integer("id"),
            name=row.text("name"),
            category=row.part("statusCategory").text("key"),
            project_id=_owner(row),
        )


@dataclass(frozen=True, kw_only=True)
class JiraIssueType:
    """`hierarchy_level` is 1 for epics, 0 for the base, -1 for sub-tasks; None where Jira does not tell.

    `avatar` is the id of its picture.
    """

    id: int
    name: str
    is_subtask: bool
    hierarchy_level: int | None
    project_id: int | None
    avatar: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="issue type")
        return cls(
            id=row.integer("id"),
            name=row.text("name"),
            is_subtask=row.truth("subtask") is True,
            hierarchy_level=row.maybe_integer("hierarchyLevel"),
            project_id=_owner(row),
            avatar=row.maybe_integer("avatarId"),
        )


@dataclass(frozen=True, kw_only=True)
class IssueTypeStatuses:
    """The statuses that issues of one type can reach in one project."""

    issue_type: JiraIssueType
    statuses: Records[JiraStatus]

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Without a list of statuses it does not say that there are none."""
        row = Fields(data, what="issue type")
        if not row.has_items("statuses"):
            raise Malformed('The field "statuses" is not a list.')
        return cls(
            issue_type=JiraIssueType.from_json(data),
            statuses=read_records(row.items("statuses"), JiraStatus.from_json),
        )


@dataclass(frozen=True, kw_only=True)
class JiraPriority:
    id: int
    name: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="priority")
        return cls(id=row.integer("id"), name=row.text("name"))


@dataclass(frozen=True, kw_only=True)
class JiraIssue:
    """`fields` are those that were asked for, as Jira answers them; `key` is empty where only ids were."""

    id: int
    key: str
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def status(self) -> JiraStatus:
        """Raises Malformed where it cannot be read, or was not among the fields asked for."""
        with reading(f"Status of {self.key or self.id}"):
            return JiraStatus.from_json(self.fields.get("status"))

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="issue")
        return cls(
            id=row.integer("id"),
            key=row.key("key") if row.has("key") else "",
            fields=row.mapping("fields"),
        )


def _owner(row: Fields) -> int | None:
    """The project that has it for itself; where it says that one does and not which, it cannot be used."""
    scope = row.part("scope")
    owner = scope.part("project").maybe_integer("id")
    if owner is None and row.has("scope"):
        is_of_a_project = scope.has("project") or scope.text("type").upper() == "PROJECT"
        if is_of_a_project or not row.is_part("scope"):
            raise Malformed('The field "scope" names no project.')
    return owner

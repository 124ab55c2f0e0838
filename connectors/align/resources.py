"""Records of Jira Align as values. Unknown fields are ignored; only ids are needed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from alignadmin.http.fields import Fields


@dataclass(frozen=True, kw_only=True)
class MappingRecord:
    """A record of any of the four families: state fields or process step fields are set, never both."""

    id: int
    work_item_type_id: int
    jira_status_id: int
    jira_status_name: str
    align_state_id: int | None
    align_state_name: str
    process_step_id: int | None
    process_step_name: str
    project_key: str | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="mapping")
        return cls(
            id=row.integer("id"),
            work_item_type_id=row.integer("workItemTypeId"),
            jira_status_id=row.integer("jiraStatusId"),
            jira_status_name=row.text("jiraStatusName", "jiraStateName"),
            align_state_id=row.maybe_integer("alignStateId"),
            align_state_name=row.text("alignStateName"),
            process_step_id=row.maybe_integer("processStepId"),
            process_step_name=row.text("processStepName"),
            project_key=row.text("projectKey") or None,
        )


@dataclass(frozen=True, kw_only=True)
class ConnectorInfo:
    """Only the id is documented; the rest is taken where a site gives it."""

    id: int
    name: str
    kind: str
    is_active: bool | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="connector")
        return cls(
            id=row.integer("id"),
            name=row.text("name", "connectorName", "title"),
            kind=row.text("type", "connectorType"),
            is_active=row.truth("isActive", "active"),
        )


@dataclass(frozen=True, kw_only=True)
class ConnectorProject:
    """A Jira project that the connector synchronises. It does not say whether it is team-managed; Jira does."""

    id: int
    project_id: int | None
    project_key: str
    project_name: str
    program_id: int | None
    error_message: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="project of the connector")
        return cls(
            id=row.integer("id"),
            project_id=row.maybe_integer("projectId"),
            project_key=row.needed_text("projectKey"),
            project_name=row.text("projectName"),
            program_id=row.maybe_integer("programId"),
            error_message=row.text("errorMessage"),
        )


@dataclass(frozen=True, kw_only=True)
class AlignProcessStep:
    """`state` is the Align state id the step is tied to, where the flow maps to states."""

    id: int
    name: str
    order: int
    state: int | None

    @classmethod
    def from_json(cls, data: object, *, position: int) -> Self:
        row = Fields(data, what="process step")
        order = row.maybe_integer("order", "sortOrder", "sequence")
        return cls(
            id=row.integer("id"),
            name=row.text("name", "title"),
            order=position if order is None else order,
            state=row.maybe_integer("state", "stateId", "mapToState"),
        )


@dataclass(frozen=True, kw_only=True)
class AlignProcessFlow:
    """A value stream; `level` says whose flow it is (theme, epic, capability, feature, story)."""

    id: int
    name: str
    level: str
    is_active: bool
    map_to_state: bool
    program_ids: tuple[int, ...]
    steps: tuple[AlignProcessStep, ...]

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="process flow")
        steps = enumerate(row.items("processSteps"), start=1)
        return cls(
            id=row.integer("id"),
            name=row.text("name", "title"),
            level=row.text("level"),
            is_active=row.truth("isActive") is not False,
            map_to_state=row.truth("mapToState") is True,
            program_ids=row.integers("programIds"),
            steps=tuple(AlignProcessStep.from_json(step, position=position) for position, step in steps),
        )


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    """A line of Align's own log, made by `audit_lines`: its description as text, a type or user empty if not told."""

    id: int | None
    type: str
    user: str
    timestamp: datetime | None  # None: it cannot be read, and the description is the whole line as it came
    description: str
    is_month_assumed: bool = False  # its date can be read in two ways, and nothing in the answer decides


@dataclass(frozen=True, kw_only=True)
class AlignUser:
    id: int | None
    name: str
    email: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="user")
        full_name = f"{row.text('firstName')} {row.text('lastName')}".strip()
        return cls(id=row.maybe_integer("id", "userId"), name=full_name or row.text("name"), email=row.text("email"))


@dataclass(frozen=True, kw_only=True)
class WriteRequest:
    """A write as it was planned. `path` is below /connectors/{id}, for example `mappings/states/17`."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class WriteAnswer:
    """`remote_id` is None where the answer does not tell it: read the list and find the record by its key."""

    status: int
    remote_id: int | None
    text: str

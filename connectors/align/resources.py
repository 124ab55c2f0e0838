"""Records of Jira Align as values. Unknown fields are ignored; only ids and keys are needed, and what decorates a
record may be missing or odd.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, read_records
from connectors.align.states import ALIGN_STATES

MOST_TYPE_ID = 999_999_999  # columns of type ids have 32 bits
STATES = {name.lower(): id_ for id_, name in ALIGN_STATES.items()}


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
            work_item_type_id=row.integer("workItemTypeId", most=MOST_TYPE_ID),
            jira_status_id=row.integer("jiraStatusId"),
            jira_status_name=row.text("jiraStatusName", "jiraStateName"),
            align_state_id=_id_or_none(row, "alignStateId"),
            align_state_name=row.text("alignStateName"),
            process_step_id=_id_or_none(row, "processStepId"),
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
    error_message: str = ""
    jira_url: str = ""

    @classmethod
    def from_json(cls, data: object, *, id_: int | None = None) -> Self:
        """`id_`: of the one that was asked for by its id, which then need not say it again."""
        row = Fields(data, what="connector")
        return cls(
            id=row.integer("id") if id_ is None else id_,
            name=row.text("name", "connectorName", "title"),
            kind=row.text("type", "connectorType"),
            is_active=row.truth("isActive", "active"),
            error_message=row.text("errorMessage"),
            jira_url=row.text("url", "jiraUrl", "baseUrl"),
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
            project_id=_id_or_none(row, "projectId"),
            project_key=row.key("projectKey"),
            project_name=row.text("projectName"),
            program_id=_id_or_none(row, "programId"),
            error_message=row.text("errorMessage"),
        )


@dataclass(frozen=True, kw_only=True)
class ConnectorPriority:
    """Which priority of Align a Jira priority becomes on items of one type; `priority_id` None: on none.

    Its name in Jira is the one that Align has kept of it.
    """

    id: int
    item_type_id: int
    jira_priority_id: int
    jira_priority_name: str
    priority_id: int | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="priority of the connector")
        return cls(
            id=row.integer("id"),
            item_type_id=row.integer("itemTypeId"),
            jira_priority_id=row.integer("jiraPriorityId"),
            jira_priority_name=row.text("jiraPriorityName"),
            priority_id=_id_or_none(row, "priorityId"),
        )


@dataclass(frozen=True, kw_only=True)
class AlignProcessStep:
    """`state` is the Align state id the step is tied to, where the flow maps to states. A site may tell ids alone."""

    id: int
    name: str
    order: int
    state: int | None

    @classmethod
    def from_json(cls, data: object, *, position: int) -> Self:
        row = Fields(data if isinstance(data, dict) else {"id": data}, what="process step")
        order = row.maybe_integer("order", "sortOrder", "sequence")
        return cls(
            id=row.integer("id"),
            name=row.text("name", "title"),
            order=order if order is not None and 0 <= order <= MOST_TYPE_ID else position,
            state=_state(row),
        )


def _state(row: Fields) -> int | None:
    """Also by its name: "Pending approval", "0 - Pending Approval"; None for what is no state of Align."""
    number = row.maybe_integer("state", "stateId", "mapToState")
    if number is None:
        words = row.text("state", "stateName").strip().lower()
        after = words.partition(" - ")[2]
        number = STATES.get(words, STATES.get(after))
    return number if number in ALIGN_STATES else None


@dataclass(frozen=True, kw_only=True)
class AlignProcessFlow:
    """A value stream; `level` says whose flow it is (theme, epic, capability, feature, story).

    Not `tells_steps`: the site did not say which it has, which is not the same as none.
    """

    id: int
    name: str
    level: str
    is_active: bool
    map_to_state: bool
    program_ids: tuple[int, ...]
    steps: Records[AlignProcessStep]
    tells_steps: bool = True

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="process flow")
        return cls(
            id=row.integer("id"),
            name=row.text("name", "title"),
            level=row.text("level"),
            is_active=row.truth("isActive") is not False,
            map_to_state=row.truth("mapToState") is True,
            program_ids=row.integers("programIds"),
            steps=_steps(row.items("processSteps")),
            tells_steps=row.has_items("processSteps"),
        )


def _steps(items: list[Any]) -> Records[AlignProcessStep]:
    """By their place in the flow, which counts where a step does not tell its own."""
    positions = iter(range(1, len(items) + 1))
    return read_records(items, lambda item: AlignProcessStep.from_json(item, position=next(positions)))


def _id_or_none(row: Fields, name: str) -> int | None:
    number = row.maybe_integer(name)
    return number if number is not None and number >= 0 else None


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

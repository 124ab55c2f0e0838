"""The four mapping families of Align's connector API: the one table of paths and fields, with their type ids.

Source: seed "Mapping States, Process Steps, and Statuses between Align and Jira via API", sections "Project types
in Jira" and "Allowed work item Types and IDs". Its examples contradict that table; the table is the default, and a
connector may override it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.align.audit_sentences import TYPE_IDS
from mappings.engine.values import Direction, Kind, TypeName

TypeIds = Mapping[TypeName, int]
KEPT = "KEEP"  # in the place of a method: what a change of a list of ours does, of which nothing is sent


def _published(code: str) -> dict[TypeName, int]:
    return {TypeName(name): id_ for name, id_ in TYPE_IDS[code].items()}


@dataclass(frozen=True, kw_only=True)
class Family:
    """One endpoint family. `path` is relative to /connectors/{id}; fields are the JSON names of a record."""

    code: str
    kind: Kind
    direction: Direction
    path: str
    source_field: str
    target_field: str
    type_ids: TypeIds = field(hash=False)  # a dict; the code alone tells families apart, so a Place can be a key

    def knows(self, work_item_type: TypeName) -> bool:
        return work_item_type in self.type_ids

    def with_type_ids(self, overrides: TypeIds) -> dict[TypeName, int]:
        """The wire ids of this family, a connector's overrides applied; types outside the family stay outside."""
        return {type_: overrides.get(type_, id_) for type_, id_ in self.type_ids.items()}


J2A_STATE = Family(
    code="j2a-state",
    kind=Kind.STATE,
    direction=Direction.JIRA_TO_ALIGN,
    path="mappings/states",
    source_field="jiraStatusId",
    target_field="alignStateId",
    type_ids=_published("j2a-state"),
)
A2J_STATE = Family(
    code="a2j-state",
    kind=Kind.STATE,
    direction=Direction.ALIGN_TO_JIRA,
    path="projects/{project}/mappings/states",
    source_field="alignStateId",
    target_field="jiraStatusId",
    type_ids=_published("a2j-state"),
)
J2A_STEP = Family(
    code="j2a-step",
    kind=Kind.STEP,
    direction=Direction.JIRA_TO_ALIGN,
    path="mappings/process-steps",
    source_field="jiraStatusId",
    target_field="processStepId",
    type_ids=_published("j2a-step"),
)
A2J_STEP = Family(
    code="a2j-step",
    kind=Kind.STEP,
    direction=Direction.ALIGN_TO_JIRA,
    path="projects/{project}/mappings/process-steps",
    source_field="processStepId",
    target_field="jiraStatusId",
    type_ids=_published("a2j-step"),
)

FAMILIES: Mapping[str, Family] = {family.code: family for family in (J2A_STATE, A2J_STATE, J2A_STEP, A2J_STEP)}


def family_of(kind: Kind, direction: Direction) -> Family:
    return FAMILIES[f"{direction.value}-{kind.value}"]


@dataclass(frozen=True, kw_only=True)
class ListAddress:
    """Where the records of one list live: a family, and a project or (Jira to Align only) all company-managed ones.

    A team-managed project has Jira to Align lists of its own; Align to Jira is always per project. A list of ours has
    no address in Align.
    """

    family: Family
    project_key: str | None = None
    is_ours: bool = False

    def __post_init__(self) -> None:
        if self.project_key is None and self.family.direction is Direction.ALIGN_TO_JIRA:
            raise ValueError("Align to Jira mappings are always per project")

    @property
    def path(self) -> str:
        if self.is_ours:
            raise ValueError("A list of ours has no address in Align")
        return self.family.path.format(project=self.project_key)

    @property
    def sends_project_key(self) -> bool:
        """Only team-managed Jira to Align says `projectKey`; the path says it from Align to Jira."""
        return self.project_key is not None and self.family.direction is Direction.JIRA_TO_ALIGN

    def write_query(self, *, with_key: bool) -> tuple[tuple[str, str], ...]:
        """The documents name this query for team-managed projects, and their own POST has none: sites differ."""
        return (("ProjectKey", str(self.project_key)),) if self.sends_project_key and with_key else ()

    def body(self, *, type_id: int, source_id: int, target_id: int, with_key: bool = False) -> dict[str, int | str]:
        """`with_key`: from Align to Jira, where the path says the project, the body says it, too."""
        body: dict[str, int | str] = {
            "workItemTypeId": type_id,
            self.family.source_field: source_id,
            self.family.target_field: target_id,
        }
        if self.sends_project_key or (with_key and self.project_key is not None):
            body["projectKey"] = str(self.project_key)
        return body

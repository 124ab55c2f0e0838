"""The four mapping families as the published table has them: paths, fields, work item type ids."""

from collections.abc import Mapping
from dataclasses import dataclass

STATES: Mapping[int, str] = {
    0: "Pending approval",
    1: "Ready to start",
    2: "In progress",
    3: "Dev complete",
    4: "Test complete",
    5: "Accepted",
}
# The published examples send 2 (and read 1) for a Feature in the state families, against the table.
LAX_STATE_TYPES: Mapping[int, str] = {1: "Feature", 2: "Feature"}
TABLE_FEATURE, EXAMPLES_FEATURE = 3, 2


@dataclass(frozen=True, kw_only=True)
class RouteFamily:
    """`source` and `target` are the field stems: `jiraStatus` stands for jiraStatusId and jiraStatusName."""

    code: str
    to_align: bool
    steps: bool
    types: Mapping[int, str]

    @property
    def align_stem(self) -> str:
        return "processStep" if self.steps else "alignState"

    @property
    def source(self) -> str:
        return "jiraStatus" if self.to_align else self.align_stem

    @property
    def target(self) -> str:
        return self.align_stem if self.to_align else "jiraStatus"

    @property
    def source_id(self) -> str:
        return f"{self.source}Id"

    @property
    def target_id(self) -> str:
        return f"{self.target}Id"

    def allowed_types(self, type_ids: str) -> dict[int, str]:
        """Wire id to type name. `type_ids` is the switch: table or lax."""
        lax = LAX_STATE_TYPES if type_ids == "lax" and not self.steps else {}
        return {**lax, **self.types}

    def to_wire(self, type_id: int, type_ids: str) -> int:
        """A stored type id as it is answered. `type_ids` is the switch."""
        is_other = type_ids == "examples" and not self.steps and type_id == TABLE_FEATURE
        return EXAMPLES_FEATURE if is_other else type_id

    def read_by(self, type_id: int, type_ids: str) -> int | None:
        """The stored type id that a list's filter asks for; the published examples also read a Feature by 1."""
        is_example = type_ids == "examples" and not self.steps and type_id in LAX_STATE_TYPES
        return TABLE_FEATURE if is_example else self.from_wire(type_id, type_ids)

    def from_wire(self, type_id: int, type_ids: str) -> int | None:
        """The stored type id behind a sent one; None for an id that this site does not take."""
        if type_ids == "examples" and not self.steps:
            if type_id == TABLE_FEATURE:
                return None
            type_id = TABLE_FEATURE if type_id == EXAMPLES_FEATURE else type_id
        return type_id if type_id in self.allowed_types(type_ids) else None

    def type_name(self, type_id: int) -> str:
        """The name the audit log shows; ids outside the table are shown bare, 1 and 2 of states as Feature."""
        lax = {} if self.steps else LAX_STATE_TYPES
        return self.types.get(type_id) or lax.get(type_id) or f"Type {type_id}"


FAMILIES: Mapping[str, RouteFamily] = {
    family.code: family
    for family in (
        RouteFamily(
            code="j2a_state",
            to_align=True,
            steps=False,
            types={3: "Feature", 4: "Story", 6: "Task", 9: "Defect"},
        ),
        RouteFamily(
            code="a2j_state",
            to_align=False,
            steps=False,
            types={3: "Feature", 4: "Story", 9: "Defect"},
        ),
        RouteFamily(code="j2a_step", to_align=True, steps=True, types={2: "Feature", 3: "Story"}),
        RouteFamily(code="a2j_step", to_align=False, steps=True, types={3: "Feature", 4: "Story"}),
    )
}


def family_of(*, to_align: bool, steps: bool) -> RouteFamily:
    return FAMILIES[f"{'j2a' if to_align else 'a2j'}_{'step' if steps else 'state'}"]

"""A sandbox with two projects and few mappings: read in half a second, for tests that need a fresh one often."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.engine.families import FAMILIES, ListAddress
from mappings.engine.values import TypeName
from tests.support.sandbox_fixture import RunningSandbox

TEAM, COMPANY = "PROJ", "ACME"
SHARED_STATUSES = {20001: "Sketched", 20002: "Polished", 20003: "Shipped"}
TEAM_STATUSES = {10001: "To Do", 10002: "In Progress", 10003: "Done"}
STORY_STEPS = (511, 512, 513)
STATES = (0, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A key that tests play with: where it is, its wire type, what it may lead to, and where it leads at first."""

    family: str
    project: str  # empty: shared
    type_id: int
    source: int
    values: tuple[int, ...]
    first: int | None

    @property
    def place(self) -> ListAddress:
        return ListAddress(family=FAMILIES[self.family], project_key=self.project or None)

    @property
    def work_item_type(self) -> TypeName:
        types = self.place.family.type_ids
        return next(type_ for type_, number in types.items() if number == self.type_id)

    @property
    def remote(self) -> dict[str, object]:
        """As an edit of the sandbox names it."""
        named = {"family": self.family.replace("-", "_"), "type": self.type_id, "source": self.source}
        return {**named, "project": self.project} if self.project else named


COMPANY_VALUES, TEAM_VALUES = tuple(SHARED_STATUSES), tuple(TEAM_STATUSES)
CELLS = (
    Cell(family="j2a-state", project=TEAM, type_id=4, source=10001, values=STATES, first=2),
    Cell(family="j2a-state", project=TEAM, type_id=4, source=10002, values=STATES, first=None),
    Cell(family="j2a-state", project="", type_id=4, source=20001, values=STATES, first=0),
    Cell(family="a2j-state", project=TEAM, type_id=4, source=3, values=TEAM_VALUES, first=10002),
    Cell(family="a2j-state", project=COMPANY, type_id=4, source=2, values=COMPANY_VALUES, first=20002),
    Cell(family="j2a-step", project=TEAM, type_id=3, source=10003, values=STORY_STEPS, first=STORY_STEPS[0]),
)


def tiny_sandbox(**options: object) -> RunningSandbox:
    sandbox = RunningSandbox(seed="examples", **options)
    sandbox.edit("add_project", key=COMPANY, name="Acme")
    for number, name in SHARED_STATUSES.items():
        sandbox.edit("add_status", id=number, name=name, projects=[COMPANY])
    for cell in CELLS:
        if cell.first is not None:
            sandbox.edit("create_mapping", **cell.remote, target=cell.first, audit=False)
    sandbox.clear_journal()
    return sandbox

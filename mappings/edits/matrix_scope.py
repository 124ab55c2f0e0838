"""Which lists one matrix shows."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.models import Project
from mappings.engine.families import family_of
from mappings.engine.values import Direction, Kind, TypeName

SHARED, OURS = "shared", "ours"
ScopeAddress = tuple[str, int | None, bool]  # family code, project id, whether it is a list of ours


@dataclass(frozen=True)
class MatrixScope:
    """What one matrix shows: a kind and a work item type; of one project, or (None) of all company-managed ones.

    `is_ours`: of lists of ours, and of the company-managed projects that are ours.
    """

    kind: Kind
    work_item_type: TypeName
    project: Project | None = None
    is_ours: bool = False

    @property
    def scope_key(self) -> str:
        return self.project.key if self.project else OURS if self.is_ours else SHARED

    def scope_address(self, direction: Direction, kind: Kind | None = None) -> ScopeAddress | None:
        """Of the scope whose rows hold here; None: the shared scope has no way back."""
        code = family_of(kind or self.kind, direction).code
        if direction is Direction.ALIGN_TO_JIRA:
            return (code, self.project.pk, self.is_ours) if self.project else None
        return code, self.project.pk if self.project and self.project.team_managed else None, self.is_ours

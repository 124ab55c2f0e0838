"""What the scope bar of a matrix offers: what projects share, and each project by itself."""

from __future__ import annotations

from collections.abc import Collection

from alignadmin.text import counted
from connectors.models import Project
from mappings.edits.matrix_scope import OURS, SHARED
from mappings.matrix.address import MatrixAddress


def scope_options(
    address: MatrixAddress, projects: Collection[Project], sharing: int, *, is_gone: bool
) -> list[tuple[str, str, bool]]:
    """(value, label, selected). `sharing`: projects that share Align's lists; `is_gone`: the chosen project is."""
    options = [(SHARED, f"Shared by {counted(sharing, 'company-managed project')}")]
    if address.shared_ours or any(each.is_ours and not each.team_managed for each in projects):
        options.append((OURS, "Ours, shared by the company-managed ones"))
    for project in projects:
        kind = f"{'ours, ' if project.is_ours else ''}{'team' if project.team_managed else 'company'}-managed"
        options.append((project.key, f"{project.key} · {project.name} · {kind}"))
    chosen = address.project
    if chosen and all(value != chosen.key for value, _ in options):
        options.append((chosen.key, f"{chosen} · {chosen.name}{' · gone' if is_gone else ''}"))
    return [(value, label, value == address.scope_key) for value, label in options]

"""A connector's mappings as plain values, for a document that a person keeps or another tool reads."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from typing import Any

from connectors.models import Connector
from mappings.edits.names import Names, names_of
from mappings.engine import families
from mappings.models import Mapping

AT_ONCE = 2000


def mappings_of(connector: Connector) -> Iterator[MappingOf[str, Any]]:
    """Those that Align holds, those of lists of ours, and those that are wanted here: project (None: shared), family,
    type, source, targets.

    In the order of project, family, work item type and source. A name is empty where the catalogue has none.
    """
    rows = Mapping.objects.filter(scope__connector=connector).select_related("scope__project")
    ordered = rows.order_by("scope__project__key", "scope__family", "work_item_type", "source_id", "pk")
    names = names_of(connector)
    for row in ordered.iterator(chunk_size=AT_ONCE):
        if row.observed is not None or row.wanted is not None:
            yield _values(row, names)


def _values(row: Mapping, names: Names) -> MappingOf[str, Any]:
    family = families.FAMILIES[row.scope.family]
    project = row.scope.project

    def target(value: int | None) -> MappingOf[str, Any] | None:
        if value is None:
            return None
        return {"id": value, "name": names.of(family.kind, family.direction, target=value)}

    return {
        "project": project.key if project else None,
        "is_ours": row.scope.is_ours,
        "family": family.code,
        "work_item_type": row.work_item_type,
        "source": {"id": row.source_id, "name": names.of(family.kind, family.direction, source=row.source_id)},
        "in_align": None if row.scope.is_ours else target(row.observed),
        "kept_here": target(row.observed) if row.scope.is_ours else None,
        "wanted_here": target(row.wanted),
    }

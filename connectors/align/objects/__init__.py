"""Align's objects as data: one table, from which client, explorer and documentation are made."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.align.objects.company import COMPANY, READ_ONLY
from connectors.align.objects.learning import enlarged
from connectors.align.objects.shape import AlignField, AlignObject, Entity, FieldType, NamedBy
from connectors.align.objects.work import WORK

__all__ = ["OBJECTS", "AlignObject", "Entity", "FieldType", "AlignField", "NamedBy", "enlarged", "object_at"]

OBJECTS: Mapping[str, AlignObject] = {each.key: each for each in (*WORK, *COMPANY, *READ_ONLY)}
_BY_PATH: Mapping[str, AlignObject] = {
    path.lower(): each for each in OBJECTS.values() for path in (each.path, *each.spellings)
}


def object_at(path: str) -> AlignObject | None:
    """The object of an address such as `features`, `/Capability` or `milestones`."""
    return _BY_PATH.get(path.strip("/").lower())

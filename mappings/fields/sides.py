"""The stored fields of both systems as the engine's values, read as few and as lean as what is asked needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from connectors.field_types import told_type
from connectors.models import Connector, FieldRow, WorkItemType
from mappings.engine.field_pairs import FieldOption, FieldSide, SideField

COLUMNS = (
    *("work_item_type", "system", "key", "name", "type", "spelled", "is_formula", "options", "is_custom"),
    *("is_required", "is_writable", "vanished_at", "required_in"),
)


@dataclass(frozen=True, kw_only=True)
class BothSides:
    """Of one work item type, in the systems' order."""

    align: list[SideField] = field(default_factory=list)
    jira: list[SideField] = field(default_factory=list)

    def of(self, side: FieldSide) -> list[SideField]:
        return self.align if side is FieldSide.ALIGN else self.jira


Sides = Mapping[WorkItemType, BothSides]


def sides_of(connector: Connector, type_: WorkItemType) -> BothSides:
    """All that is known, what is gone with it."""
    return _sides(FieldRow.objects.filter(connector=connector, work_item_type=type_))[type_]


def sides_of_pairs(connector: Connector, keys: Collection[str]) -> Sides:
    """Of each type what checks of pairs of these keys look at: those, what is required, and the systems' own."""
    asked = Q(key__in=keys) | Q(is_required=True) | Q(is_custom=False) | Q(spelled__endswith="gh-sprint")
    return _sides(FieldRow.objects.filter(asked, connector=connector))


def _sides(rows: QuerySet[FieldRow]) -> Sides:
    found = {type_: BothSides() for type_ in WorkItemType}
    for row in rows.order_by("position", "pk").values_list(*COLUMNS):
        made = _side_field(*row[1:])
        found[WorkItemType(row[0])].of(made.side).append(made)
    return found


def _side_field(
    system: str,
    key: str,
    name: str,
    type_: str,
    spelled: str,
    is_formula: bool,
    options: list[dict[str, str]],
    is_custom: bool,
    is_required: bool | None,
    is_writable: bool | None,
    vanished_at: object,
    required_in: list[str],
) -> SideField:
    return SideField(
        side=FieldSide(system),
        key=key,
        name=name,
        told=told_type(type_, spelled, is_formula=is_formula),
        options=tuple(FieldOption(id=each["id"], name=each["name"]) for each in options),
        is_custom=is_custom,
        is_required=is_required,
        is_writable=is_writable,
        is_gone=vanished_at is not None,
        required_in=tuple(required_in),
    )

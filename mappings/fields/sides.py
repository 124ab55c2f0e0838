"""The stored fields of both systems as the engine's values, read as few and as lean as what is asked needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from connectors.field_types.value_types import told_type
from connectors.models import Connector, FieldRow, WorkItemType
from mappings.engine.field_pairs import FieldOption, FieldSide, SideField

COLUMNS = (
    *("work_item_type", "system", "key", "name", "type", "spelled", "is_formula", "options_as_text", "is_custom"),
    *("is_required", "is_writable", "vanished_at", "required_in_as_text"),
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
    # As text: the types share most fields, whose hundreds of options are then decoded once.
    rows = rows.annotate(
        options_as_text=Cast("options", TextField()), required_in_as_text=Cast("required_in", TextField())
    )
    decoded = _Decoded()
    for row in rows.order_by("position", "pk").values_list(*COLUMNS):
        made = _side_field(decoded, *row[1:])
        found[WorkItemType(row[0])].of(made.side).append(made)
    return found


class _Decoded:
    """What stands in columns of JSON, each text of it once."""

    def __init__(self) -> None:
        self._options: dict[str, tuple[FieldOption, ...]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}

    def options(self, text: str) -> tuple[FieldOption, ...]:
        if text not in self._options:
            self._options[text] = tuple(FieldOption(id=each["id"], name=each["name"]) for each in json.loads(text))
        return self._options[text]

    def keys(self, text: str) -> tuple[str, ...]:
        if text not in self._keys:
            self._keys[text] = tuple(json.loads(text))
        return self._keys[text]


def _side_field(
    decoded: _Decoded,
    system: str,
    key: str,
    name: str,
    type_: str,
    spelled: str,
    is_formula: bool,
    options: str,
    is_custom: bool,
    is_required: bool | None,
    is_writable: bool | None,
    vanished_at: object,
    required_in: str,
) -> SideField:
    return SideField(
        side=FieldSide(system),
        key=key,
        name=name,
        told=told_type(type_, spelled, is_formula=is_formula),
        options=decoded.options(options),
        is_custom=is_custom,
        is_required=is_required,
        is_writable=is_writable,
        is_gone=vanished_at is not None,
        required_in=decoded.keys(required_in),
    )

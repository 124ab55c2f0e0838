"""Parts of the page about names of levels and priorities: a field by its level, a row's cells by their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django import forms, template

from connectors.setup.steps.priorities import PriorityRow

register = template.Library()


class PriorityCell(NamedTuple):
    type: str
    target: int | None


@register.filter
def at_level(form: forms.Form, level: str) -> forms.BoundField:
    return form[level]


@register.filter
def cells_of(row: PriorityRow, types: Sequence[str]) -> list[PriorityCell]:
    return [PriorityCell(type_, target) for type_, target in zip(types, row.targets, strict=True)]

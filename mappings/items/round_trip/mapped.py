"""The status mappings of one project and level as they are in force, both ways, in one query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from connectors.models import Project
from mappings.engine.families import A2J_STATE, J2A_STATE
from mappings.engine.field_pairs import SUBJECT as OF_FIELDS
from mappings.hierarchy.facts import SUBJECT as OF_LEVELS
from mappings.models import AgreedLine
from mappings.models import Mapping as MappingRow


@dataclass(frozen=True, kw_only=True)
class StatusMappings:
    """`to_align`: Jira's id of a status -> Align's state; `to_jira`: the way back."""

    to_align: Mapping[int, int]
    to_jira: Mapping[int, int]


def status_mappings(project: Project, level: str) -> StatusMappings:
    """Empty for a level that has none, as an epic."""
    found: dict[str, dict[int, int]] = {J2A_STATE.code: {}, A2J_STATE.code: {}}
    for family, type_, source, target in _rows(project):
        if type_ == level:
            found[family][source] = target
    return StatusMappings(to_align=found[J2A_STATE.code], to_jira=found[A2J_STATE.code])


def fingerprint_of(project: Project) -> str:
    """SHA-256 of all of them, with what is agreed of levels and fields: another one means that something has changed
    since that a verification went by.
    """
    agreed = AgreedLine.objects.filter(connector=project.connector_id, subject__in=[OF_LEVELS, OF_FIELDS])
    lines = sorted(agreed.values_list("subject", "key", "value"), key=lambda each: each[:2])
    return hashlib.sha256(json.dumps([sorted(_rows(project)), lines]).encode()).hexdigest()


def _rows(project: Project) -> list[tuple[str, str, int, int]]:
    shared = Q(scope__project=None, scope__family=J2A_STATE.code)
    own = Q(scope__project=project, scope__family=J2A_STATE.code)
    in_list = Q(scope__project=project, scope__family=A2J_STATE.code) | (own if project.team_managed else shared)
    rows = MappingRow.objects.filter(
        in_list, scope__connector_id=project.connector_id, scope__is_ours=project.is_ours, applied__isnull=False
    )
    found = rows.values_list("scope__family", "work_item_type", "source_id", "applied")
    return [(family, type_, source, target) for family, type_, source, target in found if target is not None]

"""What the lists beside the matrix say of a row: an edit, an open difference, a duplicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alignadmin.accounts.models import Person
from mappings.edits.names import Names
from mappings.edits.unused import is_gone, why_unused
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Kind, Situation
from mappings.matrix.address import address_of, url_of_cell
from mappings.models import Mapping

# What a line about an edit needs of its mapping: whole rows of four tables take longer to read than to draw.
EDIT_FIELDS = (
    "work_item_type",
    "source_id",
    "wanted",
    "applied",
    "observed",
    "duplicates",
    "wanted_at",
    "wanted_by__name",
    "wanted_by__email",
    "scope__connector_id",
    "scope__family",
    "scope__is_ours",
    "scope__project__key",
    "scope__project__team_managed",
    "scope__project__in_scope",
    "scope__project__scope_choice",
    "scope__project__carried",
    "scope__project__ours_at",
    "scope__project__vanished_at",
)


@dataclass(frozen=True, kw_only=True)
class EditLine:
    """One waiting edit, with what undoing it needs."""

    mapping: Mapping
    where: str
    source: str
    before: str
    after: str
    mine: bool
    href: str
    unused: str = ""  # why its list is read no more: no plan takes it
    is_gone: bool = False  # because its project is gone

    @property
    def author(self) -> Person | None:
        return self.mapping.wanted_by

    @property
    def at(self) -> datetime | None:
        return self.mapping.wanted_at

    @property
    def seen(self) -> str:
        return "" if self.mapping.wanted is None else str(self.mapping.wanted)


@dataclass(frozen=True, kw_only=True)
class OpenLine:
    """A row changed elsewhere: the three values, and what may be decided."""

    mapping: Mapping
    where: str
    source: str
    wanted: str
    applied: str
    observed: str
    href: str

    @property
    def is_conflict(self) -> bool:
        return self.mapping.situation == Situation.CONFLICT

    @property
    def seen(self) -> str:
        return "" if self.mapping.observed is None else str(self.mapping.observed)


@dataclass(frozen=True, kw_only=True)
class DuplicateLine:
    """A key with several remote records: which one stays?"""

    mapping: Mapping
    where: str
    source: str
    records: Sequence[tuple[int, str, bool]]  # remote id, target, chosen


def status_ids(mapping: Mapping) -> set[int]:
    """Of the statuses that it leads from or to; the ids of its other side are of states or steps."""
    if FAMILIES[mapping.scope.family].direction is Direction.JIRA_TO_ALIGN:
        return {mapping.source_id}
    values = {mapping.wanted, mapping.applied, mapping.observed}
    return {value for value in (*values, *(target for _, target in mapping.duplicates)) if value is not None}


def where_of(mapping: Mapping) -> str:
    """ "Story · Jira to Align · PROJ1" """
    family = FAMILIES[mapping.scope.family]
    place = mapping.scope.project.key if mapping.scope.project else "shared"
    place += ", ours" if mapping.scope.is_ours else ""
    kind = "" if family.kind is Kind.STATE else "process step · "
    type_ = mapping.scope.connector.terminology.name(mapping.work_item_type)
    return f"{type_} · {kind}{family.direction.label} · {place}"


def source_name(mapping: Mapping, names: Names) -> str:
    family = FAMILIES[mapping.scope.family]
    return names.of(family.kind, family.direction, source=mapping.source_id)


def value_name(mapping: Mapping, value: int | None, names: Names) -> str:
    """ "3 Dev complete", "QA", or "not mapped": never drawn like a chosen 0."""
    if value is None:
        return "not mapped"
    family = FAMILIES[mapping.scope.family]
    name = names.of(family.kind, family.direction, target=value)
    numbered = family.kind is Kind.STATE and family.direction is Direction.JIRA_TO_ALIGN
    return f"{value} {name}" if numbered else name


def href_of(mapping: Mapping) -> str:
    scope, type_ = mapping.scope, mapping.work_item_type
    return address_of(scope.connector, scope.family, scope.project, type_, is_ours=scope.is_ours).url


def cell_of(mapping: Mapping) -> str:
    """Where the matrix shows what Align has of it, else what is wanted."""
    value = mapping.wanted if mapping.observed is None else mapping.observed
    scope, type_, source = mapping.scope, mapping.work_item_type, mapping.source_id
    return url_of_cell(
        scope.connector, scope.family, scope.project, type_, source=source, value=value, is_ours=scope.is_ours
    )


class Places:
    """Where mappings stand, and the address of that matrix: many are in one, and an address takes long to make."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[str, str]] = {}

    def of(self, mapping: Mapping) -> tuple[str, str]:
        key = mapping.scope_id, mapping.work_item_type
        if key not in self._known:
            self._known[key] = where_of(mapping), href_of(mapping)
        return self._known[key]


def edit_line(mapping: Mapping, names: Names, person: Person, places: Places) -> EditLine:
    where, href = places.of(mapping)
    return EditLine(
        mapping=mapping,
        where=where,
        source=source_name(mapping, names),
        before=value_name(mapping, mapping.observed, names),
        after=value_name(mapping, mapping.wanted, names),
        mine=mapping.wanted_by_id == person.pk,
        href=href,
        unused=why_unused(mapping.scope),
        is_gone=is_gone(mapping.scope),
    )


def open_line(mapping: Mapping, names: Names) -> OpenLine:
    return OpenLine(
        mapping=mapping,
        where=where_of(mapping),
        source=source_name(mapping, names),
        wanted=value_name(mapping, mapping.wanted, names),
        applied=value_name(mapping, mapping.applied, names),
        observed=value_name(mapping, mapping.observed, names),
        href=cell_of(mapping),
    )


def duplicate_line(mapping: Mapping, names: Names) -> DuplicateLine:
    records = [(mapping.remote_id or 0, mapping.observed), *((record, target) for record, target in mapping.duplicates)]
    return DuplicateLine(
        mapping=mapping,
        where=where_of(mapping),
        source=source_name(mapping, names),
        records=[
            (record, value_name(mapping, target, names), record == mapping.keep_remote_id) for record, target in records
        ],
    )

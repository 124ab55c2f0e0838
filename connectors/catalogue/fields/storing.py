"""Fields as they were told are stored, and what differs from the reading before is found: one transaction a system.

A first reading finds nothing. What was not told this time, of a field or of all of them, stays as it was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from connectors.catalogue.fields.differences import differences
from connectors.catalogue.fields.told import ToldField, ToldFields
from connectors.catalogue.findings import SiteReading, record
from connectors.catalogue.upserting import LONGEST_NAME, ROWS_AT_ONCE
from connectors.models import Connector, FieldReading, FieldRow, System, WorkItemType

TOLD = (
    *("name", "type", "spelled", "is_formula", "is_custom", "is_required", "is_writable", "options", "required_in"),
    *("position", "vanished_at"),
)
SITE = {System.ALIGN: ("align_site",), System.JIRA: ("jira_site", "jira_kind")}
Told = Mapping[WorkItemType, ToldFields | str]  # a text says why they were not told


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """Of one type: the rows as they were before, and as they are to be."""

    before: Sequence[FieldRow]
    after: Sequence[FieldRow]
    is_first: bool


def store_fields(reading: SiteReading, system: System, told: Told) -> bool:
    """Unless a later reading is stored already, or the connector leads elsewhere meanwhile."""
    connector = reading.connector
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if any(getattr(stored, name) != getattr(connector, name) for name in SITE[system]):
            return False
        known = {
            WorkItemType(each.work_item_type): each
            for each in FieldReading.objects.filter(connector=connector, system=system)
        }
        if any(each.tried_at > reading.began_at for each in known.values()):
            return False
        all_: list[_Stored] = []
        for type_, found in told.items():
            was = known.get(type_)
            if isinstance(found, str):
                _record(reading, system, type_, {"error": found})
                continue
            before, after = _rows(reading, system, type_, found)
            _write(before, after)
            _record(
                reading,
                system,
                type_,
                {
                    "error": "",
                    "read_at": reading.began_at,
                    "remarks": " ".join(found.remarks),
                    "asked": list(found.asked),
                    "left_out": found.left_out,
                },
            )
            all_.append(_Stored(before=before, after=after, is_first=was is None or was.read_at is None))
        again = [each for each in all_ if not each.is_first]
        record(reading, differences(reading, system, [(each.before, each.after) for each in again]))
    return True


def _record(reading: SiteReading, system: System, type_: WorkItemType, values: Mapping[str, object]) -> None:
    FieldReading.objects.update_or_create(
        connector=reading.connector,
        system=system,
        work_item_type=type_,
        defaults={"tried_at": reading.began_at, **values},
    )


def _rows(
    reading: SiteReading, system: System, type_: WorkItemType, found: ToldFields
) -> tuple[list[FieldRow], list[FieldRow]]:
    before = list(FieldRow.objects.filter(connector=reading.connector, system=system, work_item_type=type_))
    known = {each.key: each for each in before}
    after = [
        _row(reading.connector, system, type_, each, position, known.get(each.key))
        for position, each in enumerate(found.fields)
    ]
    told = {each.key for each in found.fields}
    for row in before:
        if row.key in told or _was_never_here(row, found):
            continue
        kept = _copy(row)
        if row.key in found.elsewhere:
            kept.is_writable = False
        elif found.is_whole and row.vanished_at is None and found.aside.isdisjoint({row.key, row.name}):
            kept.vanished_at = reading.began_at
        after.append(kept)
    return before, after


def _was_never_here(row: FieldRow, found: ToldFields) -> bool:
    """It was listed while nobody told which fields the items of this type take."""
    return row.key in found.elsewhere and row.is_writable is None


def _row(
    connector: Connector, system: System, type_: WorkItemType, told: ToldField, position: int, was: FieldRow | None
) -> FieldRow:
    return FieldRow(
        pk=was.pk if was else None,
        connector=connector,
        system=system,
        work_item_type=type_,
        key=told.key,
        name=told.name[:LONGEST_NAME],
        type=told.told.type.value,
        spelled=told.told.spelled[:LONGEST_NAME],
        is_formula=told.told.is_formula,
        is_custom=told.is_custom,
        is_required=_or_known(told.is_required, was.is_required if was else None),
        is_writable=_or_known(told.is_writable, was.is_writable if was else None),
        options=_options(told, was),
        required_in=list(told.required_in),
        position=position,
        vanished_at=None,
    )


def _or_known(told: bool | None, known: bool | None) -> bool | None:
    return known if told is None else told


def _options(told: ToldField, was: FieldRow | None) -> list[dict[str, str]]:
    if told.options is None:
        return list(was.options) if was and told.told.type.has_options else []
    return [{"id": each.key, "name": each.name[:LONGEST_NAME]} for each in told.options]


def _copy(row: FieldRow) -> FieldRow:
    return FieldRow(**{each.attname: getattr(row, each.attname) for each in FieldRow._meta.concrete_fields})


def _write(before: Iterable[FieldRow], after: Iterable[FieldRow]) -> None:
    """Only what is new or otherwise; a reading that says nothing new writes nothing."""
    known = {row.key: [getattr(row, name) for name in TOLD] for row in before}
    changed = [row for row in after if row.key in known and known[row.key] != [getattr(row, each) for each in TOLD]]
    FieldRow.objects.bulk_create([row for row in after if row.key not in known], batch_size=ROWS_AT_ONCE)
    kept = {row.key for row in after}
    FieldRow.objects.filter(pk__in=[row.pk for row in before if row.key not in kept]).delete()
    FieldRow.objects.bulk_update(changed, TOLD, batch_size=100)


def store_failure(connector: Connector, system: System, at: datetime, sentence: str) -> None:
    """All of a system at once: why it was not read, which takes nothing from what is known."""
    reading = SiteReading(connector=connector, began_at=at)
    store_fields(reading, system, dict.fromkeys(WorkItemType, sentence))

"""What differs between two readings of fields, as findings: new, renamed, of another type, gone, back, required now.

A field of several work item types is one field: what is said of it is said once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from connectors.catalogue.findings import LONGEST, SiteReading
from connectors.models import FieldRow, Finding, FindingChange, FindingKind, System

Rows = Sequence[FieldRow]
Make = Callable[..., Finding]
MOST_FOUND = 500  # of one reading; more than that is another site, and nobody reads them one by one


def differences(reading: SiteReading, system: System, of_types: Iterable[tuple[Rows, Rows]]) -> list[Finding]:
    """`of_types`: of each work item type the rows before and after."""
    found: dict[tuple[str, ...], Finding] = {}
    for before, after in of_types:
        known = {row.key: row for row in before}
        for row in after:
            for each in _of_field(reading, system, known.get(row.key), row):
                same = (each.kind, each.change, each.remote_key, each.name, each.before, each.after)
                found.setdefault(same, each)
    return list(found.values())[:MOST_FOUND]


def _of_field(reading: SiteReading, system: System, was: FieldRow | None, now: FieldRow) -> Iterator[Finding]:
    make = partial(_finding, reading, system, now)
    if was is None:
        yield make(FindingKind.FIELD, FindingChange.NEW)
        return
    if (was.vanished_at is None) != (now.vanished_at is None):
        yield make(FindingKind.FIELD, FindingChange.GONE if now.vanished_at else FindingChange.BACK)
        return
    if now.vanished_at is not None:
        return
    if was.name != now.name:
        yield make(FindingKind.FIELD, FindingChange.RENAMED, before=was.name, after=now.name)
    if was.told.words != now.told.words:
        words = {"before": f"of type {was.told.words}", "after": f"of type {now.told.words}"}
        yield make(FindingKind.FIELD_TYPE, FindingChange.MOVED, **words)
    elif now.told.type.has_options:
        yield from _of_options(make, was, now)
    if was.is_writable and now.is_writable is False:
        yield make(FindingKind.FIELD_USE, FindingChange.MOVED, before="writable", after="read only")
    if was.is_required is not None and now.is_required is not None and was.is_required != now.is_required:
        before, after = ("optional", "required") if now.is_required else ("required", "optional")
        yield make(FindingKind.FIELD_USE, FindingChange.MOVED, before=before, after=after)


def _of_options(make: Make, was: FieldRow, now: FieldRow) -> Iterator[Finding]:
    """By their ids. That one is new leads to nothing until somebody chooses it."""
    there = {each["id"]: each["name"] for each in now.options}
    for each in was.options:
        called = f"{each['name']} of {now.name}"
        if each["id"] not in there:
            yield make(FindingKind.FIELD_OPTION, FindingChange.GONE, name=called, before=called)
        elif there[each["id"]] != each["name"]:
            after = there[each["id"]]
            yield make(FindingKind.FIELD_OPTION, FindingChange.RENAMED, name=after, before=called, after=after)


def _finding(
    reading: SiteReading,
    system: System,
    row: FieldRow,
    kind: FindingKind,
    change: FindingChange,
    *,
    name: str = "",
    before: str = "",
    after: str = "",
) -> Finding:
    return Finding(
        connector=reading.connector,
        kind=kind,
        change=change,
        remote_id=row.pk,
        remote_key=row.key,
        system=system,
        name=(name or row.name)[:LONGEST],
        before=before[:LONGEST],
        after=after[:LONGEST],
        found_at=reading.began_at,
    )

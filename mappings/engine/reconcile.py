"""The three values of a mapping: how wanted, applied and observed stand to each other, and what a list says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mappings.engine.families import Family, TypeIds
from mappings.engine.values import DuplicateRecord, Situation, TypeName

ListKey = tuple[TypeName, int]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An observed value that is tolerated. The value may be `None`: "no record" can be tolerated too."""

    value: int | None


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    situation: Situation
    applied: int | None


def reconcile(
    *,
    wanted: int | None,
    applied: int | None,
    observed: int | None,
    accepted: Accepted | None = None,
    known: bool = True,
) -> Reconciled:
    """Say how the three values stand; what wanted and observed agree on becomes `applied`."""
    if not known:
        return Reconciled(situation=Situation.UNKNOWN, applied=applied)
    if wanted == observed:
        return Reconciled(situation=Situation.IN_SYNC, applied=observed)
    if observed == applied:
        return Reconciled(situation=Situation.EDITED, applied=applied)
    if wanted != applied:
        return Reconciled(situation=Situation.CONFLICT, applied=applied)
    tolerated = accepted is not None and accepted.value == observed
    return Reconciled(situation=Situation.ACCEPTED if tolerated else Situation.DRIFTED, applied=applied)


# --- one list --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a list said about one key: the record, and further records of the same key.

    `names` are those of source and target in each of them, by the record's id, as the list calls them.
    """

    remote_id: int
    target_id: int
    duplicates: tuple[DuplicateRecord, ...] = ()
    names: Mapping[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteRecord:
    """One record of a list, whichever family it came from."""

    remote_id: int
    type_id: int
    source_id: int
    target_id: int
    source_name: str = ""
    target_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """`foreign` records have a type id outside the family's table: kept and counted, never planned."""

    rows: Mapping[ListKey, Seen]
    foreign: tuple[RemoteRecord, ...]


def read_list(
    records: Iterable[RemoteRecord],
    *,
    family: Family,
    type_ids: TypeIds | None = None,
    kept: Mapping[ListKey, int] | None = None,
) -> Listing:
    """Sort one complete list by key.

    `type_ids` are the connector's overrides of this family's table. Of several records of a key the one in `kept`
    stays, else the oldest (lowest id). Raises ValueError if two work item types have one id.
    """
    types = types_by_id(family, type_ids or {})
    groups: dict[ListKey, list[RemoteRecord]] = {}
    foreign: list[RemoteRecord] = []
    # Paging by $skip can repeat a record when the list moves meanwhile; that is no duplicate.
    for record in {record.remote_id: record for record in records}.values():
        type_ = types.get(record.type_id)
        if type_ is None:
            foreign.append(record)
        else:
            groups.setdefault((type_, record.source_id), []).append(record)
    chosen = kept or {}
    rows = {key: _seen(group, chosen.get(key)) for key, group in groups.items()}
    return Listing(rows=rows, foreign=tuple(foreign))


def types_by_id(family: Family, overrides: TypeIds) -> dict[int, TypeName]:
    types: dict[int, TypeName] = {}
    for type_, type_id in family.with_type_ids(overrides).items():
        if type_id in types:
            raise ValueError(
                f"{types[type_id].label} and {type_.label} both have type id {type_id} in {family.path}: "
                "give each work item type its own id."
            )
        types[type_id] = type_
    return types


def _seen(group: list[RemoteRecord], kept: int | None) -> Seen:
    record, *others = sorted(group, key=lambda each: (each.remote_id != kept, each.remote_id))
    return Seen(
        remote_id=record.remote_id,
        target_id=record.target_id,
        duplicates=tuple(DuplicateRecord(remote_id=each.remote_id, target_id=each.target_id) for each in others),
        names={
            each.remote_id: (each.source_name, each.target_name)
            for each in group
            if each.source_name or each.target_name
        },
    )

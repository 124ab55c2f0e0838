"""Records of a type id that no type has: which statuses and targets they stand at, and of which types they may be.

Nobody knows what such a place leads to until the type ids are chosen, so it counts as unknown, never as not mapped.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from connectors.models import Connector
from mappings.edits.reconciling import type_ids_of
from mappings.engine.families import FAMILIES
from mappings.engine.type_likelihood import LogWords, likely_types
from mappings.engine.values import TypeName
from mappings.models import ContractFact, ForeignRecord, Scope

# Names of facts: the type ids that were seen in records, and how Align's log calls those that no type has.
TYPE_IDS = "type-ids"
LOG_WORDS = "log-words"


def log_words(connector: Connector) -> dict[str, LogWords]:
    """By family: {2: ("feature",)}."""
    found = ContractFact.objects.filter(connector=connector, name=LOG_WORDS).values_list("family", "value")
    return {family: words_in(value) for family, value in found}


def words_in(value: MappingOf[str, list[str]]) -> LogWords:
    return {int(id_): tuple(TypeName(each) for each in types) for id_, types in value.items()}


@dataclass(frozen=True, kw_only=True)
class StrangeRecord:
    """A record of a type id that no type has; `types` it may be of, the likeliest first."""

    scope_id: int
    remote_id: int
    type_id: int
    source_id: int
    target_id: int
    types: tuple[TypeName, ...]

    @property
    def types_words(self) -> str:
        return ", ".join(type_.label for type_ in self.types)


Unrecognised = MappingOf[tuple[int, TypeName], MappingOf[int, int]]


def strange_records(connector: Connector, scopes: Iterable[Scope]) -> list[StrangeRecord]:
    """Of these lists, by type id; one query, with what was observed of the contract, and none where there are none."""
    with_some = [scope.pk for scope in scopes if scope.foreign_rows]
    if not with_some:
        return []
    facts = ContractFact.objects.filter(connector=connector, family=OuterRef("scope__family"))
    records = ForeignRecord.objects.filter(scope_id__in=with_some).order_by("type_id", "remote_id")
    rows = records.annotate(
        seen=Subquery(facts.filter(name=TYPE_IDS).values("value")[:1]),
        words=Subquery(facts.filter(name=LOG_WORDS).values("value")[:1]),
    ).values_list("scope__family", "scope_id", "remote_id", "type_id", "source_id", "target_id", "seen", "words")
    types: dict[tuple[str, int], tuple[TypeName, ...]] = {}
    found = []
    for code, scope_id, remote_id, type_id, source_id, target_id, seen, words in rows:
        if (code, type_id) not in types:
            family = FAMILIES[code]
            current = family.with_type_ids(type_ids_of(connector, code))
            types[code, type_id] = likely_types(
                family, type_id, current=current, seen=seen or [], log_words=words_in(words or {})
            )
        found.append(
            StrangeRecord(
                scope_id=scope_id,
                remote_id=remote_id,
                type_id=type_id,
                source_id=source_id,
                target_id=target_id,
                types=types[code, type_id],
            )
        )
    return found


def by_place(records: Iterable[StrangeRecord]) -> Unrecognised:
    """(scope id, type) -> source id to the unknown type id of a record that stands there."""
    found: dict[tuple[int, TypeName], dict[int, int]] = {}
    for record in records:
        for type_ in record.types:
            found.setdefault((record.scope_id, type_), {}).setdefault(record.source_id, record.type_id)
    return found

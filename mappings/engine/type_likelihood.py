"""Which work item type a record of an unknown type id may belong to, the likeliest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mappings.engine.families import A2J_STATE, FAMILIES, J2A_STATE, Family, TypeIds
from mappings.engine.values import TypeName

# Every POST of the seed's examples sends 2 for a Feature's state, against its own table; their GETs also read 1.
EXAMPLE_TYPE_IDS: Mapping[str, TypeIds] = {J2A_STATE.code: {TypeName.FEATURE: 2}, A2J_STATE.code: {TypeName.FEATURE: 2}}
EXAMPLE_FEATURES = (2, 1)

LogWords = Mapping[int, tuple[TypeName, ...]]  # how Align's log calls records of a type id


def likely_types(
    family: Family, type_id: int, *, current: TypeIds, seen: Collection[int], log_words: LogWords
) -> tuple[TypeName, ...]:
    """Align's own word decides. Else: as in the published examples, as another family has it, a type without records.

    Where nothing speaks for any, it may be any of the family.
    """
    said = tuple(type_ for type_ in log_words.get(type_id, ()) if family.knows(type_))
    if len(said) == 1:
        return said
    found: list[TypeName] = []
    if family.code in EXAMPLE_TYPE_IDS and type_id in EXAMPLE_FEATURES:
        found.append(TypeName.FEATURE)
    for other in FAMILIES.values():
        found += [type_ for type_, id_ in other.type_ids.items() if id_ == type_id and family.knows(type_)]
    found += [type_ for type_, id_ in current.items() if id_ not in seen]
    return tuple(dict.fromkeys(found)) or tuple(current)

"""Which type ids a connector uses: the published table, the published examples, as its own lists show, or its own.

The documents contradict themselves about them, and a site whose lists are empty shows none, so a person can choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from alignadmin.errors import Refused
from connectors.align.resources import MOST_TYPE_ID
from connectors.models import Connector
from mappings.contract.proposals import label, proposals, words_of
from mappings.contract.reading import TYPE_IDS
from mappings.edits.reconciling import type_ids_of
from mappings.edits.unrecognised import log_words
from mappings.engine.families import FAMILIES, Family, TypeIds
from mappings.engine.type_likelihood import EXAMPLE_TYPE_IDS
from mappings.models import ContractFact

ByFamily = Mapping[str, TypeIds]


class TypeIdChoice(StrEnum):
    TABLE = "table"
    EXAMPLES = "examples"
    SEEN = "seen"
    OWN = "own"

    @property
    def label(self) -> str:
        return {
            "table": "The published table",
            "examples": "The published examples",
            "seen": "As seen",
            "own": "Own type ids",
        }[self.value]


@dataclass(frozen=True, kw_only=True)
class ChoiceLine:
    """One choice as the page offers it. `words`: what it changes of the table, by family."""

    choice: TypeIdChoice
    words: str
    why: str
    is_in_use: bool
    is_proposed: bool


def in_use(connector: Connector) -> ByFamily:
    return {code: family.with_type_ids(type_ids_of(connector, code)) for code, family in FAMILIES.items()}


def of_table() -> ByFamily:
    return {code: dict(family.type_ids) for code, family in FAMILIES.items()}


def of_examples() -> ByFamily:
    return {code: family.with_type_ids(EXAMPLE_TYPE_IDS.get(code, {})) for code, family in FAMILIES.items()}


def as_seen(connector: Connector) -> ByFamily:
    """The likeliest that explain all that was seen; what is in use where nothing was, or where that explains it."""
    seen, words, current = facts_about(connector), log_words(connector), in_use(connector)
    return {
        code: next(
            (
                each.type_ids
                for each in proposals(
                    FAMILIES[code], seen=seen.get(code, ()), current=ids, log_words=words.get(code, {})
                )
                if each.is_needed
            ),
            ids,
        )
        for code, ids in current.items()
    }


def facts_about(connector: Connector) -> dict[str, list[int]]:
    found = ContractFact.objects.filter(connector=connector, name=TYPE_IDS).values_list("family", "value")
    return dict(found)


def chosen(connector: Connector, choice: TypeIdChoice, own: ByFamily) -> ByFamily:
    match choice:
        case TypeIdChoice.TABLE:
            return of_table()
        case TypeIdChoice.EXAMPLES:
            return of_examples()
        case TypeIdChoice.SEEN:
            return as_seen(connector)
    return {code: checked(FAMILIES[code], own.get(code, {})) for code in FAMILIES}


def checked(family: Family, type_ids: TypeIds) -> TypeIds:
    """Each type of the family has one id of its own. Raises Refused."""
    if set(type_ids) != set(family.type_ids) or not all(0 < id_ <= MOST_TYPE_ID for id_ in type_ids.values()):
        raise Refused(f"Each type of {label(family)} needs a type id, a whole number from 1 to {MOST_TYPE_ID}.")
    if len(set(type_ids.values())) < len(type_ids):
        raise Refused(f"Two types of {label(family)} have the same type id: give each its own.")
    return dict(type_ids)


def choice_in_use(connector: Connector) -> TypeIdChoice:
    """Told from the ids themselves; what is neither published nor explained by records is the connector's own."""
    current = in_use(connector)
    if current == of_table():
        return TypeIdChoice.TABLE
    if current == of_examples():
        return TypeIdChoice.EXAMPLES
    seen, table = facts_about(connector), of_table()
    differing = [code for code, ids in current.items() if ids != table[code]]
    if all(set(seen.get(code, ())) & _own_ids(current[code], table[code]) for code in differing):
        return TypeIdChoice.SEEN
    return TypeIdChoice.OWN


def _own_ids(current: TypeIds, table: TypeIds) -> set[int]:
    return {id_ for type_, id_ in current.items() if table[type_] != id_}


def lines(connector: Connector) -> list[ChoiceLine]:
    """The choices with what speaks for each; the proposed one explains what was seen, where that in use does not."""
    now, current = choice_in_use(connector), in_use(connector)
    seen, is_open = as_seen(connector), not _explains(connector, current)
    whys = {
        TypeIdChoice.TABLE: "The table of the documents' section on allowed work item types.",
        TypeIdChoice.EXAMPLES: "Every POST of the documents' examples sends 2 for a Feature's state.",
        TypeIdChoice.SEEN: _why_seen(connector, is_open=is_open),
        TypeIdChoice.OWN: "Picked or typed below; a create with your consent proves them.",
    }
    offered = {
        TypeIdChoice.TABLE: of_table(),
        TypeIdChoice.EXAMPLES: of_examples(),
        TypeIdChoice.SEEN: seen,
        TypeIdChoice.OWN: current,
    }
    fitting = (each for each, ids in offered.items() if each is not TypeIdChoice.OWN and _explains(connector, ids))
    proposed = next(fitting, None) if is_open else None
    return [
        ChoiceLine(
            choice=choice,
            words=difference(of_table(), ids) or "as in the table",
            why=whys[choice],
            is_in_use=choice is now,
            is_proposed=choice is proposed,
        )
        for choice, ids in offered.items()
    ]


def _explains(connector: Connector, ids: ByFamily) -> bool:
    """Every id that was seen has a type, and the one by which Align's log calls it."""
    words = log_words(connector)
    types = {code: {id_: type_ for type_, id_ in of_family.items()} for code, of_family in ids.items()}
    return all(
        id_ in types[code] and types[code][id_] in (words.get(code, {}).get(id_) or (types[code][id_],))
        for code, seen in facts_about(connector).items()
        for id_ in seen
    )


def _why_seen(connector: Connector, *, is_open: bool) -> str:
    said = [
        f"the log calls a record of type {id_} {types[0].label}"
        for words in log_words(connector).values()
        for id_, types in sorted(words.items())
        if len(types) == 1
    ]
    if said:
        return f"In Align {'; '.join(dict.fromkeys(said))}."
    if is_open:
        return "These ids explain every record in Align."
    return "What is in use explains every record in Align." if facts_about(connector) else "No record was seen yet."


def difference(before: ByFamily, after: ByFamily) -> str:
    """ "states, Jira to Align: Feature 2; ..."."""
    parts = []
    for code, family in FAMILIES.items():
        changed = {type_: id_ for type_, id_ in after[code].items() if before[code][type_] != id_}
        if changed:
            parts.append(f"{label(family)}: {words_of(changed)}")
    return "; ".join(parts)

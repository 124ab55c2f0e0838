"""Which type ids of one family explain all that was seen, where those in use do not: the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mappings.engine.families import FAMILIES, Family, TypeIds
from mappings.engine.type_likelihood import EXAMPLE_FEATURES, LogWords
from mappings.engine.values import TypeName


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Type ids of one family that explain every record seen. `key` names them in a form."""

    family: str
    type_ids: TypeIds
    changes: TypeIds  # of them, those that are not in use now
    why: str
    is_needed: bool  # those in use now leave records unexplained

    @property
    def key(self) -> str:
        return ",".join(f"{type_.value}={id_}" for type_, id_ in self.type_ids.items())

    @property
    def words(self) -> str:
        return words_of(self.changes)


def words_of(type_ids: TypeIds) -> str:
    """ "Feature 3, Story 4"."""
    return ", ".join(f"{type_.label} {id_}" for type_, id_ in type_ids.items())


def proposals(
    family: Family, *, seen: Iterable[int], current: TypeIds, log_words: LogWords | None = None
) -> list[Proposal]:
    """Other type ids that fit all that was seen, the likeliest first; none while the present ones fit.

    With an override that fits, the published table is proposed if it fits too. Where Align's log calls a record of an
    id by one type, that decides: what gives the id to another one is not proposed.
    """
    words = {id_: types[0] for id_, types in (log_words or {}).items() if len(types) == 1}
    ids = set(seen)
    fits_now = ids <= set(current.values())
    candidates = (
        [(dict(family.type_ids), "the published table")] if fits_now else list(_candidates(family, current, ids, words))
    )
    found: dict[str, Proposal] = {}
    for type_ids, why in candidates:
        is_possible = len(set(type_ids.values())) == len(type_ids) and ids <= set(type_ids.values())
        if is_possible and type_ids != dict(current) and _agrees(type_ids, words):
            changes = {type_: id_ for type_, id_ in type_ids.items() if current[type_] != id_}
            proposal = Proposal(family=family.code, type_ids=type_ids, changes=changes, why=why, is_needed=not fits_now)
            found.setdefault(proposal.key, proposal)
    return list(found.values())


def _agrees(type_ids: TypeIds, words: Mapping[int, TypeName]) -> bool:
    return all(words.get(id_, type_) == type_ for type_, id_ in type_ids.items())


def _candidates(
    family: Family, current: TypeIds, seen: set[int], words: Mapping[int, TypeName]
) -> Iterator[tuple[dict[TypeName, int], str]]:
    table = dict(family.type_ids)
    if said := {type_: id_ for id_, type_ in words.items() if type_ in current and id_ in seen}:
        told = ", ".join(f"a record of type {id_} {type_.label}" for type_, id_ in said.items())
        yield {**current, **said}, f"Align's log calls {told}"
    yield table, "the published table"
    for other in FAMILIES.values():
        shared = {type_: other.type_ids[type_] for type_ in table if type_ in other.type_ids}
        yield {**table, **shared}, f"as published for {label(other)}"
    for id_ in EXAMPLE_FEATURES:
        yield {**table, TypeName.FEATURE: id_}, "as the published examples use them"
    strange = seen - set(current.values())
    if len(strange) == 1:
        for type_, id_ in current.items():
            if id_ not in seen:
                yield {**current, type_: min(strange)}, f"no record of a {type_.label} was seen with {id_}"


def label(family: Family) -> str:
    """ "states, Jira to Align"."""
    return f"{family.kind.label.lower()}s, {family.direction.label}"

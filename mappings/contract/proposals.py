"""Which type ids a connector may take over instead of those it uses: only what was seen, so nobody types an id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mappings.engine.families import FAMILIES, Family, TypeIds
from mappings.engine.values import TypeName

# The documents' examples send 2 for a Feature's state and answer 1, against their own table.
EXAMPLES = (2, 1)


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


def proposals(family: Family, *, seen: Iterable[int], current: TypeIds) -> list[Proposal]:
    """Other type ids that fit all that was seen, the likeliest first; none while the present ones fit.

    With an override that fits, the published table is proposed if it fits too.
    """
    ids = set(seen)
    fits_now = ids <= set(current.values())
    candidates = (
        [(dict(family.type_ids), "the published table")] if fits_now else list(_candidates(family, current, ids))
    )
    found: dict[str, Proposal] = {}
    for type_ids, why in candidates:
        is_possible = len(set(type_ids.values())) == len(type_ids) and ids <= set(type_ids.values())
        if is_possible and type_ids != dict(current):
            changes = {type_: id_ for type_, id_ in type_ids.items() if current[type_] != id_}
            proposal = Proposal(family=family.code, type_ids=type_ids, changes=changes, why=why, is_needed=not fits_now)
            found.setdefault(proposal.key, proposal)
    return list(found.values())


def _candidates(family: Family, current: TypeIds, seen: set[int]) -> Iterator[tuple[dict[TypeName, int], str]]:
    table = dict(family.type_ids)
    yield table, "the published table"
    for other in FAMILIES.values():
        shared = {type_: other.type_ids[type_] for type_ in table if type_ in other.type_ids}
        yield {**table, **shared}, f"as published for {label(other)}"
    for id_ in EXAMPLES:
        yield {**table, TypeName.FEATURE: id_}, "as the published examples use them"
    strange = seen - set(current.values())
    if len(strange) == 1:
        for type_, id_ in current.items():
            if id_ not in seen:
                yield {**current, type_: min(strange)}, f"no record of a {type_.label} was seen with {id_}"


def label(family: Family) -> str:
    """ "states, Jira to Align"."""
    return f"{family.kind.label.lower()}s, {family.direction.label}"

"""The one plain sentence of a planned change: what it means for work items, without a word of the API."""

from __future__ import annotations

from connectors.align.terminology import Terminology
from mappings.engine import words
from mappings.engine.families import ListAddress
from mappings.engine.values import Direction, Kind, TypeName


def where(place: ListAddress, project_count: int) -> str:
    """ "PROJ1", or how many projects share the mapping."""
    if place.project_key is not None:
        return place.project_key
    of = " of ours" if place.is_ours else ""
    if project_count == 1:
        return f"the one company-managed project{of}"
    if project_count == 0:
        return f"any company-managed project{of}"
    return f"any of {project_count} company-managed projects{of}"


def mapping_set(
    place: ListAddress, type_: TypeName, source: str, after: str, project_count: int, called: Terminology
) -> str:
    """What a created or updated mapping does. `source` and `after` are names as the sentence shows them."""
    here = where(place, project_count)
    if place.is_ours:
        if place.family.direction is Direction.JIRA_TO_ALIGN:
            return f"Kept here: {called.one(type_)} in {source} counts as {after} in {here}."
        return f"Kept here: {source} of {called.one(type_)} is {after} in {here}."
    if place.family.direction is Direction.JIRA_TO_ALIGN:
        return f"When {called.one(type_)} in {here} moves to {source}, Align shows {after}."
    return f"When Align shows {source} for {called.one(type_)}, its issue in {here} moves to {after}."


def mapping_removed(place: ListAddress, type_: TypeName, source: str, project_count: int, called: Terminology) -> str:
    here = where(place, project_count)
    if place.is_ours:
        return f"Kept here: {source} has no mapping for {called.items(type_)} in {here} any more."
    if place.family.direction is Direction.ALIGN_TO_JIRA:
        return f"When Align shows {source} for {called.one(type_)}, its issue in {here} no longer moves."
    effect = f"they fall to {words.FALLS_TO}"
    if place.family.kind is Kind.STEP:
        effect = "no process step is sent to Align for them"
    return f"{called.many(type_)} in {source} are no longer mapped in {here}: {effect}."


def duplicate_removed(
    place: ListAddress, type_: TypeName, source: str, target: str, kept: int | None, called: Terminology
) -> str:
    """A further record of a key goes; `kept` is the record that stays, None if the mapping goes altogether."""
    goes = f"The further record of {source} for {called.items(type_)} that leads to {target} is removed"
    return f"{goes}; none is left." if kept is None else f"{goes}; record {kept} stays."


def source_words(place: ListAddress, source_id: int, name: str) -> str:
    """A state is called by number and name, so that it is told from a status of the same name."""
    if place.family.direction is Direction.JIRA_TO_ALIGN:
        return name
    return f"{source_id} {name}" if place.family.kind is Kind.STATE else f"step {name}"


def target_words(place: ListAddress, name: str) -> str:
    steps = place.family.direction is Direction.JIRA_TO_ALIGN and place.family.kind is Kind.STEP
    return f"step {name}" if steps else name

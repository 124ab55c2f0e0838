"""The sentences of Align's audit log, written and read by one grammar (seed "Mapping States, Process Steps, and
Statuses between Align and Jira via API", section "Audit logs").
"""

from __future__ import annotations

from typing import Any, NamedTuple

from connectors.align.audit_grammar import EXACT, LOOSE, TYPE_ID, connector_id_in, read_event, read_head, read_plain
from connectors.align.mapping_events import (
    A2J,
    CREATED,
    DELETED,
    DIRECTIONS,
    J2A,
    KINDS,
    STATE,
    STEP,
    TYPE_IDS,
    UPDATED,
    WORK_ITEM_TYPES,
    MappingEvent,
    Parsed,
    event_of,
    fields_of,
    names_ids,
    remade,
)

__all__ = [
    "A2J",
    "CREATED",
    "DELETED",
    "DIRECTIONS",
    "J2A",
    "KINDS",
    "MappingEvent",
    "Parsed",
    "STATE",
    "STEP",
    "TYPE_IDS",
    "StatedType",
    "UPDATED",
    "WORK_ITEM_TYPES",
    "as_written",
    "event_of",
    "fields_of",
    "label_of",
    "parse",
    "parse_any",
    "stated_type",
    "write",
]


# -- writing -----------------------------------------------------------------------------------------------------------


def write(event: MappingEvent) -> str:
    """The sentence Align writes for `event`; an id that is not known is written as `?`."""
    head = " - ".join(
        (
            f"CONFIG {event.action.capitalize()}",
            KINDS[event.kind],
            DIRECTIONS[event.direction],
            event.work_item_type,
            f"{event.source_name} ({_number(event.source_id)})",
        )
    )
    details = {CREATED: _created, UPDATED: _updated, DELETED: _deleted}[event.action](event)
    if event.action == CREATED and event.direction == A2J:
        head += f" - {event.project_key or ''}"
    return f"{head} {details}" if details else head


def as_written(event: MappingEvent) -> MappingEvent:
    """`event` without what its sentence does not say: what a reading of `write(event)` can give back at most."""
    if event.action == CREATED:
        project = event.project_key if event.direction == A2J else None
        return remade({**vars(event), "project_key": project, "before_id": None, "before_name": ""})
    unsaid: dict[str, Any] = {"project_key": None, "record_id": None, "type_id": None}
    if event.action == UPDATED:
        # Only changed fields are written: twins of one name leave the names out.
        if event.before_id == event.after_id:
            unsaid |= {"before_id": None, "after_id": None}
        if event.before_name == event.after_name:
            unsaid |= {"before_name": "", "after_name": ""}
        return remade({**vars(event), **unsaid})
    unsaid |= {"after_id": None, "after_name": ""}
    unsaid |= {"before_name": ""} if names_ids(event.kind, event.direction) else {"before_id": None}
    return remade({**vars(event), **unsaid})


def _created(event: MappingEvent) -> str:
    fields = fields_of(event.kind, event.direction)
    pairs = [("Id", _number(event.record_id)), ("ConnectorId", str(event.connector_id))]
    if event.direction == A2J:
        pairs.append(("ProjectKey", event.project_key or ""))
    pairs += [
        ("WorkItemTypeId", _number(event.type_id)),
        (fields.source_id, _number(event.source_id)),
        (fields.source_name, event.source_name),
        (fields.target_id, _number(event.after_id)),
        (fields.target_name, event.after_name),
    ]
    return ", ".join(f"{name}: {value}" for name, value in pairs)


def _updated(event: MappingEvent) -> str:
    fields = fields_of(event.kind, event.direction)
    parts = []
    if event.before_id != event.after_id:
        parts.append(f"{fields.target_id} Changed - From [{_number(event.before_id)}] To [{_number(event.after_id)}]")
    if event.before_name != event.after_name:
        parts.append(f"{fields.target_name} Changed - From [{event.before_name}] To [{event.after_name}]")
    return ", ".join(parts)


def _deleted(event: MappingEvent) -> str:
    if names_ids(event.kind, event.direction):
        source, target = _number(event.source_id), _number(event.before_id)
        return f"Deleted mapping: [Jira Status Id {source}] → [Process Step ID {target}]"
    return f"Deleted mapping: [{event.source_name}] → [{event.before_name}]"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


# -- reading -----------------------------------------------------------------------------------------------------------


def parse(description: str, connector_type: str = "") -> Parsed:
    """Read one description; `connector_type` is the line's Type column ("CONFIG 123"), which names the connector."""
    connector_id = connector_id_in(connector_type)
    plain = read_plain(description, connector_id)
    if plain:
        return Parsed(event=plain, ambiguous=False, raw=description)
    return parse_any(description, connector_id)


def parse_any(description: str, connector_id: int | None) -> Parsed:
    """Also what has signs in its names, or is spelled in another way."""
    for spelling in (EXACT, LOOSE):
        head = read_head(description, spelling)
        found = head and read_event(head, spelling, connector_id)
        # The exact reading counts only if it is the whole truth: what it gives is written the same again.
        if found and (spelling is LOOSE or write(found[0]) == description):
            return Parsed(event=found[0], ambiguous=found[1], raw=description)
    return Parsed(event=None, ambiguous=False, raw=description)


class StatedType(NamedTuple):
    """How a line calls its work item type, in which family, and the type id where it has one."""

    label: str
    family: str
    id: int | None


def stated_type(description: str) -> StatedType | None:
    """For a fraction of what reading the whole line costs, hence to be asked of any number of them."""
    head = read_head(description, EXACT) or read_head(description, LOOSE)
    if head is None:
        return None
    number = TYPE_ID.search(head.rest) if head.action == CREATED else None
    return StatedType(head.work_item_type, f"{head.direction}-{head.kind}", int(number[1]) if number else None)


def label_of(description: str) -> str:
    """How a line calls its work item type; empty where it tells none."""
    stated = stated_type(description)
    return stated.label if stated else ""

"""How the sentences of Align's audit log are read: exactly as `write` writes them, or spelled a little otherwise.

Names stand unquoted in these sentences, so a name that holds one of their separators can be read in two ways:
such a reading is marked ambiguous. Nothing here raises; what cannot be read has no event.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from alignadmin.parsing import whole
from connectors.align.mapping_events import (
    A2J,
    CREATED,
    DELETED,
    J2A,
    STATE,
    STEP,
    UPDATED,
    WORK_ITEM_TYPES,
    MappingEvent,
    fields_of,
    names_ids,
)

PLAIN_NAME = "[A-Za-z0-9]++(?: [A-Za-z0-9]++)*+"  # cannot be misread: of the separators there is only the space
WRITTEN = "(0|[1-9][0-9]{0,17})"  # a number as `write` writes it
IF_KNOWN = r"(0|[1-9][0-9]{0,17}|\?)"
NUMBER = r"([0-9]{1,18}|\?)?"
TYPE_ID = re.compile(r"WorkItemTypeId\s*[:=]\s*([0-9]{1,9})", re.IGNORECASE)
KEY = r"[^\s()\[\]]+"
MOST_CUTS = 50  # tried before a line is given up, so that hostile lines stay cheap


class Spelling(NamedTuple):
    """How strictly to read: exactly what `write` gives, or with other capitals, spaces, dashes and arrows.

    The `field`, `change` and `deletion` patterns get the alternatives of the field names put in.
    """

    prefix: re.Pattern[str]
    source: re.Pattern[str]
    field: str
    change: str
    deletion: str
    to: re.Pattern[str]
    arrow: re.Pattern[str]
    ids: re.Pattern[str]
    flags: re.RegexFlag
    trimmed: str | None  # characters to strip off values


EXACT = Spelling(
    prefix=re.compile(
        r"CONFIG (Created|Updated|Deleted) - (State|Process Step) mapping - (Jira To Align|Align to Jira) - (.+?) - "
    ),
    source=re.compile(rf"(.*) \({NUMBER}\)(?: - ({KEY}))?", re.DOTALL),
    field=r"(?:^|, | )(?:{}): ",
    change=r"(?:^|, | )(?:{}) Changed - From \[",
    deletion=r"(?:^| )(?:{}): \[",
    to=re.compile(r"\] To \["),
    arrow=re.compile(r"\] → \["),
    ids=re.compile(rf"Jira Status Id {NUMBER}\] → \[Process Step ID {NUMBER}"),
    flags=re.NOFLAG,
    trimmed=None,
)
# Runs of spaces are matched only after a word, never before one, so that no input makes these patterns slow.
DASH = r"\s*[-–—]\s*"
ARROW = r"(?:→|⟶|⇒|[-=]>)"
LOOSE = Spelling(
    prefix=re.compile(
        DASH.join(
            (
                r"\s*(?:CONFIG\b\s*(?:[0-9]+\b)?\s*[-:]?\s*)?(created?|updated?|deleted?)",
                r"(state|process\s*step)s?\s*mappings?",
                r"(jira\s*to\s*align|align\s*to\s*jira)",
                r"([^-–—()\[\]]{1,60})[-–—]\s*",
            )
        ),
        re.IGNORECASE,
    ),
    source=re.compile(rf"(.*)\(\s*{NUMBER}\s*\)(?:{DASH}({KEY}))?", re.DOTALL),
    field=r"(?<![A-Za-z])(?:{})\s*[:=]\s*",
    change=r"(?<![A-Za-z])(?:{})\s*changed\s*[-–—:]?\s*from\s*\[",
    deletion=r"(?<![A-Za-z])(?:{})\s*:?\s*\[",
    to=re.compile(r"\]\s*to\s*\[", re.IGNORECASE),
    arrow=re.compile(rf"\]\s*{ARROW}\s*\["),
    ids=re.compile(
        rf"\s*jira\s*status\s*id\s*{NUMBER}\s*\]\s*{ARROW}\s*\[\s*process\s*step\s*id\s*{NUMBER}\s*", re.IGNORECASE
    ),
    flags=re.IGNORECASE,
    trimmed=" \t\r\n,;",
)


class SentenceSource(NamedTuple):
    name: str
    id: int | None
    project: str | None


class SentenceHead(NamedTuple):
    action: str
    kind: str
    direction: str
    work_item_type: str
    rest: str


class Segments(NamedTuple):
    """The source before the first field, the fields' values by position, and whether each came once, in order."""

    source: SentenceSource
    values: dict[int, str]
    in_order: bool


class SentenceTarget(NamedTuple):
    before_id: int | None = None
    before_name: str = ""
    after_id: int | None = None
    after_name: str = ""
    ambiguous: bool = False


@lru_cache(maxsize=1000)
def connector_id_in(connector_type: str) -> int | None:
    found = re.search(r"[0-9]{1,9}", connector_type)
    return int(found[0]) if found else None


def read_head(description: str, spelling: Spelling) -> SentenceHead | None:
    found = spelling.prefix.match(description)
    if not found:
        return None
    return SentenceHead(*_head_of(*found.groups()), rest=description[found.end() :])


@lru_cache(maxsize=1000)
def _head_of(action: str, kind: str, direction: str, type_: str) -> tuple[str, str, str, str]:
    """Action, kind, direction and work item type, each of which there are few."""
    action, kind, direction, type_ = (part.strip() for part in (action, kind, direction, type_))
    return (
        next(known for known in (CREATED, UPDATED, DELETED) if known.startswith(action.lower())),
        STATE if kind.lower() == "state" else STEP,
        J2A if direction.lower().startswith("jira") else A2J,
        next((known for known in WORK_ITEM_TYPES if known.lower() == type_.lower()), type_),
    )


def read_plain(description: str, connector_id: int | None) -> MappingEvent | None:
    """What `parse_any` would read of a sentence as `write` writes it, of names that cannot be misread.

    Nearly all lines are such sentences, and one expression reads them in a quarter of the time.
    """
    found = EXACT.prefix.match(description)
    if not found:
        return None
    action, kind, direction, type_ = _head_of(*found.groups())
    matched = _plain(action, kind, direction).fullmatch(description, found.end())
    if not matched or type_ != found[4]:
        return None
    values: dict[str, Any] = {}
    if action == CREATED:
        name, id_, project, record, connector, type_id, after_id, after_name = matched.groups()
        if connector_id is not None and connector_id != int(connector):
            return None
        connector_id = int(connector)
        values = {"project_key": project or None, "record_id": _read_number(record), "type_id": _read_number(type_id)}
        values |= {"after_id": int(after_id), "after_name": after_name}
    elif action == UPDATED:
        name, id_, *ids, before_name, after_name = matched.groups()
        if (ids[0] and ids[0] == ids[1]) or (before_name and before_name == after_name):
            return None  # only changed fields are written
        values = {"before_id": _read_number(ids[0]), "after_id": _read_number(ids[1])}
        values |= {"before_name": before_name or "", "after_name": after_name or ""}
    else:
        name, id_, before = matched.groups()
        values = {"before_id": _read_number(before)} if names_ids(kind, direction) else {"before_name": before}
    return MappingEvent(
        connector_id=connector_id or 0,
        action=action,
        kind=kind,
        direction=direction,
        work_item_type=type_,
        source_id=_read_number(id_),
        source_name=name,
        **values,
    )


def _read_number(written: str | None) -> int | None:
    return None if written is None or written == "?" else int(written)


@cache
def _plain(action: str, kind: str, direction: str) -> re.Pattern[str]:
    """What follows the head: each name and number once, or again as it stood before."""
    fields = fields_of(kind, direction)
    source = rf"({PLAIN_NAME}) \({IF_KNOWN}\)"
    if action == CREATED:
        project, again = (" - ([A-Za-z0-9_]++)", r"ProjectKey: \3, ") if direction == A2J else ("()", "")
        return re.compile(
            rf"{source}{project} Id: {IF_KNOWN}, ConnectorId: {WRITTEN}, {again}WorkItemTypeId: {IF_KNOWN}, "
            rf"{fields.source_id}: \2, {fields.source_name}: \1, "
            rf"{fields.target_id}: {WRITTEN}, {fields.target_name}: ({PLAIN_NAME})"
        )
    if action == UPDATED:
        ids = rf" {fields.target_id} Changed - From \[{IF_KNOWN}\] To \[{IF_KNOWN}\]"
        names = rf"(?(3),) {fields.target_name} Changed - From \[({PLAIN_NAME})\] To \[({PLAIN_NAME})\]"
        return re.compile(rf"{source}(?:{ids})?(?:{names})?")
    if names_ids(kind, direction):
        return re.compile(rf"{source} Deleted mapping: \[Jira Status Id \2\] → \[Process Step ID {IF_KNOWN}\]")
    return re.compile(rf"{source} Deleted mapping: \[\1\] → \[({PLAIN_NAME})\]")


def read_event(head: SentenceHead, spelling: Spelling, connector_id: int | None) -> tuple[MappingEvent, bool] | None:
    if head.action == CREATED:
        return _read_created(head, spelling, connector_id)
    if head.action == UPDATED:
        segments = _segments(head, spelling, spelling.change, fields_of(head.kind, head.direction)[2:])
        target = _changes(segments, spelling) if segments else None
    else:
        segments = _segments(head, spelling, spelling.deletion, ("Deleted mapping",))
        target = _deletion(head, segments, spelling) if segments else None
    if segments is None or target is None:
        return None
    return _event(head, connector_id, segments.source, target), target.ambiguous or not segments.in_order


def _read_created(head: SentenceHead, spelling: Spelling, connector_id: int | None) -> tuple[MappingEvent, bool] | None:
    names = ("Id", "ConnectorId", "ProjectKey", "WorkItemTypeId", *fields_of(head.kind, head.direction))
    segments = _segments(head, spelling, spelling.field, names)
    if segments is None:
        return None
    record, connector, project, type_id, source_id, _, target_id, target_name = (
        segments.values.get(position) for position in range(len(names))
    )
    source = segments.source
    if source.id is None:
        source = source._replace(id=_int(source_id))
    target = SentenceTarget(after_id=_int(target_id), after_name=target_name or "")
    event = _event(
        head,
        connector_id if connector_id is not None else _int(connector),
        source._replace(project=project or source.project),
        target,
        record_id=_int(record),
        type_id=_int(type_id),
    )
    return event, not segments.in_order or target.after_id is None


def _event(
    head: SentenceHead,
    connector_id: int | None,
    source: SentenceSource,
    target: SentenceTarget,
    *,
    record_id: int | None = None,
    type_id: int | None = None,
) -> MappingEvent:
    return MappingEvent(
        connector_id=connector_id or 0,
        action=head.action,
        kind=head.kind,
        direction=head.direction,
        work_item_type=head.work_item_type,
        source_id=source.id,
        source_name=source.name,
        project_key=source.project,
        record_id=record_id,
        type_id=type_id,
        before_id=target.before_id,
        before_name=target.before_name,
        after_id=target.after_id,
        after_name=target.after_name,
    )


def _segments(head: SentenceHead, spelling: Spelling, template: str, names: tuple[str, ...]) -> Segments | None:
    """Cut `head.rest` at the field names: before the first cut that leaves a source stands the source.

    A field name that occurs twice, or out of its place, stands inside some value.
    """
    found = list(_pattern(template, names, spelling.flags).finditer(head.rest))
    for skipped, cut in enumerate(found[:MOST_CUTS]):
        source = _source(head.rest[: cut.start()], spelling)
        if source:
            in_order = _strictly_rising([_position(match) for match in found])
            return Segments(source, _values(head.rest, found[skipped:], spelling), in_order)
    source = _source(head.rest, spelling)
    return Segments(source, {}, not found) if source else None


def _values(text: str, found: list[re.Match[str]], spelling: Spelling) -> dict[int, str]:
    """What stands between the cuts, by the position of the field's name; of a name that occurs twice, the first."""
    ends = [match.start() for match in found[1:]] + [len(text)]
    values: dict[int, str] = {}
    for match, end in zip(found, ends, strict=True):
        values.setdefault(_position(match), _trim(text[match.end() : end], spelling))
    return values


def _position(match: re.Match[str]) -> int:
    return (match.lastindex or 1) - 1


def _strictly_rising(positions: list[int]) -> bool:
    return all(left < right for left, right in pairwise(positions))


@cache
def _pattern(template: str, names: tuple[str, ...], flags: re.RegexFlag) -> re.Pattern[str]:
    alternatives = "|".join(f"({name})" for name in names)
    if flags:  # the log spells the same field both ways
        alternatives = re.sub("JiraStat(us|e)Name", "JiraStat(?:us|e)Name", alternatives)
    return re.compile(template.format(alternatives), flags)


def _trim(value: str, spelling: Spelling) -> str:
    return value.strip(spelling.trimmed) if spelling.trimmed else value


def _source(text: str, spelling: Spelling) -> SentenceSource | None:
    found = spelling.source.fullmatch(_trim(text, spelling))
    return SentenceSource(_trim(found[1], spelling), _int(found[2]), found[3]) if found else None


def _changes(segments: Segments, spelling: Spelling) -> SentenceTarget | None:
    ids, names = (_from_to(segments.values.get(position), spelling) for position in (0, 1))
    if ids is None and names is None:
        # A write that changed nothing leaves the bare head; anything else without a change is torn.
        return SentenceTarget(ambiguous=bool(segments.values))
    before_id, after_id, _ = ids or ("", "", False)
    before, after, torn = names or ("", "", False)
    return SentenceTarget(
        before_id=_int(before_id),
        before_name=before,
        after_id=_int(after_id),
        after_name=after,
        ambiguous=torn or (ids is None) == (0 in segments.values) or (names is None) == (1 in segments.values),
    )


def _from_to(value: str | None, spelling: Spelling) -> tuple[str, str, bool] | None:
    """`old] To [new]` as old, new, and whether the names hold such a separator themselves."""
    if value is None or not value.endswith("]"):
        return None
    parts = spelling.to.split(value[:-1])
    return (parts[0], "] To [".join(parts[1:]), len(parts) > 2) if len(parts) > 1 else None


def _deletion(head: SentenceHead, segments: Segments, spelling: Spelling) -> SentenceTarget | None:
    name, value = segments.source.name, segments.values.get(0)
    if value is None or not value.endswith("]"):
        return None if spelling is EXACT else SentenceTarget(ambiguous=True)
    value = value[:-1]
    ids = spelling.ids.fullmatch(value) if names_ids(head.kind, head.direction) else None
    if ids:
        return SentenceTarget(before_id=_int(ids[2]))
    # The source's name is known from the head, so it may hold arrows and brackets without harm.
    arrow = spelling.arrow.match(value, len(name)) if value.startswith(name) else None
    if arrow:
        return SentenceTarget(before_name=_trim(value[arrow.end() :], spelling))
    parts = spelling.arrow.split(value)
    return SentenceTarget(before_name=_trim(parts[-1], spelling), ambiguous=len(parts) != 2) if len(parts) > 1 else None


def _int(value: str | None) -> int | None:
    return whole(value)

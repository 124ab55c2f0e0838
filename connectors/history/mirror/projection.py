"""Rows of the history pages, made from entries and from mirrored lines; both can be made again at any time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db.models.base import ModelState

from alignadmin.audit.models import Entry
from alignadmin.folding import fold
from connectors.align.audit_grammar import PLAIN_NAME
from connectors.align.audit_sentences import (
    A2J,
    CREATED,
    DELETED,
    J2A,
    WORK_ITEM_TYPES,
    MappingEvent,
    as_written,
    event_of,
    parse,
    write,
)
from connectors.history.mirror import search_terms
from connectors.history.mirror.terms import PUBLISHED, Terms, terms_of
from connectors.models import Case, HistoryRow, MirrorLine, Source
from connectors.models.catalogue import Status
from connectors.models.connector import Connector
from connectors.ports.audited import CHANGE_DONE, CHANGE_SENT, CREDENTIAL_USED, LOG_READ

DONE = CHANGE_DONE  # the entry of a write that Align took
# `change.sent` is the journal of a request on its way; its outcome is the row people read. Every minute's intake uses
# a secret and may bring lines, and such rows would drown all others.
WITHOUT_ROW = frozenset({CHANGE_SENT, CREDENTIAL_USED, LOG_READ})
CHANGE = "change."  # what the actions of entries about one change of a plan begin with
# As what the actor of these acts on a whole plan is found; of a change, the actor is who applied it.
ACTED_AS = {
    "plan.made": "planner",
    "plan.approved": "approver",
    "plan.emergency_approved": "approver",
    "plan.started": "applier",
    "plan.retry": "applier",
}
ELSEWHERE = "mapping.changed_elsewhere"  # the entry of a change that the watch has seen and no line told
KEPT_RAW = "log line"  # the action of a line that no grammar reads
MOST_CANDIDATES = 50
UNSAFE = re.compile("[\x00\ud800-\udfff]")
CANNOT_BE_MISREAD = re.compile(PLAIN_NAME).fullmatch
UNITS = {"state": "state", "step": "process step"}
BLANK = {field.attname: field.get_default() for field in HistoryRow._meta.concrete_fields}


# -- what makes two log lines look the same ------------------------------------------------------------------------


def match_of(description: str, connector_id: int, terms: Terms = PUBLISHED) -> str:
    """The same for every line that states the same change; empty where there is nothing to compare.

    Our own side is read back from the sentence Align is expected to write, so that a name with separators in it is
    misread on both sides alike.
    """
    event = parse(description, f"CONFIG {connector_id}").event
    return match_key(event, connector_id, terms.type_of(event)) if event else ""


def match_of_ours(event: MappingEvent) -> str:
    """`match_of` the sentence Align is expected to write, which is read back only if its names could be misread."""
    names = (event.source_name, event.before_name or "none", event.after_name or "none", event.project_key or "none")
    if event.work_item_type in WORK_ITEM_TYPES and all(map(CANNOT_BE_MISREAD, names)):
        return match_key(as_written(event), event.connector_id, fold(event.work_item_type))
    read = parse(write(event), f"CONFIG {event.connector_id}").event
    # Of which type it is, we know without the site's terms and ids.
    return match_key(read, event.connector_id, fold(event.work_item_type)) if read else ""


def match_key(event: MappingEvent, connector_id: int, type_: str) -> str:
    """What lines and changes that look the same share; `type_` is the work item type that the event is about."""
    source = _end(event.source_id, event.source_name)
    what = (event.action, event.kind, event.direction, type_, source)
    stated = json.dumps([connector_id, *what, *_target_values(event)])
    return hashlib.sha256(stated.encode()).hexdigest()


def _target_values(event: MappingEvent) -> tuple[Any, ...]:
    """What else the sentence of this action tells; ids before names, which the two systems may spell differently."""
    if event.action == CREATED:
        project = event.project_key if event.direction == A2J else None
        return project, _end(event.after_id, event.after_name)
    if event.action == DELETED:
        # A Jira status has one mapping, so its deletion needs no target; an Align state has one in every project.
        return () if event.direction == J2A else (_end(event.before_id, event.before_name),)
    return _end(event.before_id, event.before_name), _end(event.after_id, event.after_name)


def _end(number: int | None, name: str) -> str:
    return str(number) if number is not None else fold(name)


# -- our own entries -----------------------------------------------------------------------------------------------


Copy: TypeAlias = "Mapping[str, Any]"  # of a person, as an entry has it: id, name, email, role


class People(NamedTuple):
    """The four of an entry. Those whom it does not state are empty, as all but the actor and approver of old ones."""

    person: Copy  # the author where one is stated, else who acted
    planner: Copy
    approver: Copy
    applier: Copy
    actor: Copy


def people_of(body: Mapping[str, Any]) -> People:
    stated, actor = body.get("people") or {}, body["actor"] or {}
    return People(
        person=stated.get("author") or actor,
        planner=stated.get("planner") or {},
        approver=body["approver"] or {},
        applier=actor if body["action"].startswith(CHANGE) else {},
        actor=actor,
    )


class EntryText(NamedTuple):
    """Of an entry what a row is made from, where thousands are read."""

    seq: int
    action: str
    body: str


class LineText(NamedTuple):
    """Of a mirrored line likewise."""

    pk: int
    connector_id: int
    type: str
    user: str
    at: datetime
    description: str


Line: TypeAlias = "MirrorLine | LineText"


def of_entry(entry: Entry | EntryText, *, has_line: bool = False) -> HistoryRow:
    """From nothing but the entry's text. `has_line`: in the log, whose row is the outside change that the watch saw."""
    return of_body(json.loads(entry.body), has_line=has_line)


def of_body(body: Mapping[str, Any], *, has_line: bool = False, is_found: bool = True) -> HistoryRow:
    """`is_found`: with the words that the search finds it by, which are half of the work."""
    action, at = body["action"], body["happened_at"] or body["at"]
    event = event_of(body["event"]) if body["event"] else None
    connector, people = body["connector"] or {}, people_of(body)
    row = blank(
        at=datetime.fromisoformat(at),
        connector_id=connector.get("id"),
        source=Source.OURS,
        action=action[:40],
        object_name=safe(body["subject"]),
        project_key=safe(body["project_key"])[:255],
        person_id=people.person.get("id"),
        person_name=_name(people.person),
        person_email=safe(people.person.get("email", ""))[:320],
        planner_id=people.planner.get("id"),
        planner_name=_name(people.planner),
        approver_id=people.approver.get("id"),
        approver_name=_name(people.approver),
        applier_id=people.applier.get("id"),
        applier_name=_name(people.applier),
        reason=safe(body["reason"]),
        ticket=safe(body["ticket"])[:100],
        plan=body["plan"],
        sentence=safe(body["sentence"]),
        entry_seq=body["seq"],
    )
    if event:
        _fill(row, event, fold(event.work_item_type))
        if action == DONE:
            row.action, row.match = event.action, match_of_ours(event)
        elif action == ELSEWHERE and not has_line:
            row.action, row.source = event.action, Source.OUTSIDE
    if is_found:
        row.text = _words(row, body["subject"], connector.get("name", ""), people=words_of_people(people, action))
    return row


def row_of(entry: Entry | EntryText, *, has_line: bool = False) -> HistoryRow | None:
    """The entry as the history pages show it; None for an act they do not show."""
    return None if entry.action in WITHOUT_ROW else of_entry(entry, has_line=has_line)


def has_line(entry: Entry | EntryText) -> bool:
    """Whether a line has told the change elsewhere that this entry says the watch has seen."""
    return entry.action == ELSEWHERE and Case.objects.filter(entry_seq=entry.seq, line__isnull=False).exists()


def words_of_people(people: People, action: str) -> list[str]:
    """By which each of them is found, by name and by e-mail; the person's own come from the row."""
    found = {"planner": people.planner, "approver": people.approver, "applier": people.applier}
    if role := ACTED_AS.get(action):
        found[role] = people.actor
    words_: list[str] = []
    for role, copy in found.items():
        if copy:
            words_ += search_terms.beginnings(role, safe(copy.get("name", "")))
            words_ += search_terms.beginnings(role, safe(copy.get("email", "")))
    return words_


def _name(copy: Copy) -> str:
    return safe(copy.get("name", ""))[:320]


# -- mirrored lines ------------------------------------------------------------------------------------------------


def of_lines(
    connector: Connector, lines: Sequence[Line], *, is_found: bool = True, terms: Terms | None = None
) -> list[HistoryRow]:
    """Rows of lines without a cause of ours: outside changes, and what no grammar reads. `is_found`: as above.

    `terms`: the connector's own unless they are given.
    """
    terms = terms or (terms_of(connector) if lines else PUBLISHED)
    rows = [_of_line(connector, line, terms) for line in lines]
    _state_projects(connector, rows)
    for row, line in zip(rows, lines, strict=True) if is_found else ():
        row.text = words_of_line(row, line, connector.name)
    return rows


def words_of_line(row: HistoryRow, line: Line, connector_name: str) -> str:
    return _words(row, line.type, line.description, connector_name)


def match_of_line(connector: Connector, line: Line, terms: Terms) -> str:
    """The same as `match` of the row that the line would have alone."""
    event = _event_of(line)
    if event is None or not _is_of(connector, event):
        return ""
    return match_key(event, connector.number_of_line(event.connector_id, line.at), terms.type_of(event))


def _event_of(line: Line) -> MappingEvent | None:
    # Of a line that could not be split, neither type nor user is known, and its time is that of the intake.
    return parse(line.description, line.type).event if line.type or line.user else None


def _is_of(connector: Connector, event: MappingEvent) -> bool:
    stated = event.connector_id
    return stated in (connector.align_connector_id, 0) or stated in connector.numbers


def _of_line(connector: Connector, line: Line, terms: Terms) -> HistoryRow:
    event = _event_of(line)
    row = blank(
        at=line.at,
        connector_id=connector.pk,
        source=Source.ALIGN,
        action=KEPT_RAW,
        person_name=line.user[:320],
        sentence=line.description,
        line_id=line.pk,
        parsed=event is not None,
    )
    row._state.fields_cache["connector"] = connector
    if isinstance(line, MirrorLine):
        row._state.fields_cache["line"] = line
    if event:
        type_ = terms.type_of(event)
        _fill(row, event, type_)
        row.action = event.action
        row.sentence = in_words(event)
        if _is_of(connector, event):  # else the line is of another connector
            row.source = Source.OUTSIDE
            row.match = match_key(event, connector.number_of_line(event.connector_id, line.at), type_)
    return row


def names_of(connector: Connector) -> set[str]:
    """What the connector was called when acts on it were recorded."""
    bodies = Entry.objects.filter(action__startswith="connector.").values_list("body", flat=True)
    found: set[str] = set()
    for said in map(json.loads, bodies.iterator()):
        if said["connector"] and said["connector"]["id"] == connector.pk:
            found |= {said["connector"]["name"], *said["data"].get("changed", {}).get("name", ())}
    return found


def _state_projects(connector: Connector, rows: Iterable[HistoryRow]) -> None:
    """A status of a team-managed project names its project; a line that names none is said to name none."""
    known = dict(
        Status.objects.filter(
            connector=connector, jira_id__in={row.object_id for row in rows if row.direction == J2A}
        ).values_list("jira_id", "project__key")
    )
    for row in rows:
        if not row.parsed or row.project_key:
            continue
        if row.direction == J2A and row.object_id in known:
            row.project_key = known[row.object_id] or ""
        else:
            row.project_stated = False


def in_words(event: MappingEvent) -> str:
    """An outside change in one sentence; ours bring their own."""
    where = f" in {event.project_key}" if event.project_key else ""
    source, target = "Jira status", f"Align {UNITS[event.kind]}"
    if event.direction == A2J:
        source, target = target, source
    named = f"{event.work_item_type}{where}: {source} {_named(event.source_id, event.source_name)}"
    before, after = _named(event.before_id, event.before_name), _named(event.after_id, event.after_name)
    if event.action == CREATED:
        return f"{named} now leads to {target} {after}."
    if event.action == DELETED:
        return f"{named} no longer leads to {target} {before}."
    return f"{named} leads to {target} {after}, before to {before}." if before or after else f"{named} was saved again."


def _named(number: int | None, name: str) -> str:
    return " ".join(part for part in (name, f"({number})" if number is not None else "") if part)


# -- common --------------------------------------------------------------------------------------------------------


def blank(**values: Any) -> HistoryRow:
    """What `HistoryRow(**values)` gives, of values of columns (`connector_id`, not `connector`).

    Django sets each of the columns by way of its field, which takes as long as all the rest of making a row.
    """
    row = HistoryRow.__new__(HistoryRow)
    vars(row).update(BLANK, _state=ModelState(), candidates=[], **values)
    return row


def _fill(row: HistoryRow, event: MappingEvent, type_: str) -> None:
    row.kind = event.kind
    row.direction = event.direction
    row.work_item_type = safe(type_)[:255]
    row.project_key = row.project_key or safe(event.project_key or "")[:255]
    row.object_id, row.object_name = event.source_id, safe(event.source_name)
    row.before_id, row.before_name = event.before_id, safe(event.before_name)
    row.after_id, row.after_name = event.after_id, safe(event.after_name)


def _words(row: HistoryRow, *more: str, people: Sequence[str] = ()) -> str:
    """What the search finds the row by."""
    fields = (
        row.sentence,
        row.object_name,
        row.before_name,
        row.after_name,
        row.person_name,
        row.person_email,
        row.planner_name,
        row.approver_name,
        row.applier_name,
        row.reason,
        row.ticket,
        row.project_key,
        *(str(number) for number in (row.object_id, row.before_id, row.after_id) if number is not None),
        *more,
    )
    return search_terms.of_row(row, safe(" ".join(filter(None, fields))), people=people)


def safe(text: str) -> str:
    """PostgreSQL keeps no NUL and no lone surrogate; an entry's own body has them escaped."""
    return text if text.isascii() and "\0" not in text else UNSAFE.sub("\ufffd", text)

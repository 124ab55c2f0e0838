"""The chosen rows as files: one object a line, lossless, and a table for spreadsheets. Both come from one reading.

A row is what its entry or its line says, made again for the pack; see pack_span.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from alignadmin import csv_safe
from alignadmin.audit.bundle import line_of
from alignadmin.audit.models import Entry
from connectors.history.packs.scratch import Scratch
from connectors.models import Certainty, HistoryRow, IntakeRun, MirrorLine
from connectors.ports.audited import context_of

Record = dict[str, Any]
FIELDS = (
    "at", "source", "action", "kind", "direction", "work_item_type", "project_key", "project_stated",
    "object_id", "object_name", "before_id", "before_name", "after_id", "after_name",
    "person_id", "person_name", "person_email", "planner_id", "planner_name", "approver_id", "approver_name",
    "applier_id", "applier_name",
    "reason", "ticket", "plan", "sentence", "parsed", "certainty", "identical", "candidates",
)  # fmt: skip
CONNECTOR = ("slug", "name", "align_site", "align_connector_id")
FORMER = "former_numbers"  # only of a connector that was made anew in Align
CHUNK = 2000
values_of = attrgetter(*FIELDS)
LINE = ("id", "remote_id", "type", "user", "at", "description", "occurrence", "intake", "recorded_at", "run_id")
COLUMNS = {
    "Time": "time", "Time (UTC)": "at", "Connector": "connector_name", "Align connector": "config", "Source": "source",
    "Action": "action", "Mapping type": "kind", "Direction": "direction", "Work item type": "work_item_type",
    "Project": "project_key", "Project stated by Align": "project_stated", "Object id": "object_id",
    "Object": "object_name", "Before id": "before_id", "Before": "before_name", "After id": "after_id",
    "After": "after_name", "Person": "person_name", "E-mail": "person_email", "Planned by": "planner_name",
    "Approved by": "approver_name", "Applied by": "applier_name", "Reason": "reason", "Ticket": "ticket",
    "Plan": "plan", "Sentence": "sentence", "Read": "parsed", "Pairing": "certainty", "Identical lines": "identical",
    "Align line": "line_id", "Align type": "line_type", "Align user": "line_user", "Align time (UTC)": "line_at",
    "Align description": "line_description", "Entry": "seq", "Entry hash": "hash",
}  # fmt: skip
cells_of = itemgetter(*COLUMNS.values())


@dataclass
class Written:
    """What the rows were, for the manifest and the statements."""

    rows: int = 0
    first_at: str | None = None  # in UTC
    last_at: str | None = None
    sources: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)  # of mappings, by the connector's slug
    without_entry: int = 0  # lines of Align's log without an act of ours
    project_not_stated: int = 0
    kept_raw: int = 0
    runs: set[int] = field(default_factory=set)  # of the intake, that brought the lines

    def count_row(self, record: Record) -> None:
        self.rows += 1
        self.first_at = self.first_at or record["at"]
        self.last_at = record["at"]
        self.sources[record["source"]] += 1
        if record["kind"] and record["connector"]:
            self.changes[record["connector"]["slug"]] += 1
        self.without_entry += record["seq"] is None
        self.project_not_stated += not record["project_stated"]
        self.kept_raw += not record["parsed"]
        if record["line"]:
            self.runs.add(record["line"]["run_id"])


# -- records ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedEntry:
    """An entry as it was read for a pack."""

    seq: int
    hash: str
    body: Mapping[str, Any]


@dataclass(kw_only=True)
class TakingsIn:
    """The entries of the takings-in that brought lines, each read once."""

    read: dict[int | None, ParsedEntry | None] = field(default_factory=dict)

    def of(self, run: int | None) -> ParsedEntry | None:
        """None for a line of before these were kept, of one that goes on, and of one whose entry is in an archive."""
        if run not in self.read:
            numbers = IntakeRun.objects.filter(number=run or 0).values("entry_seq")
            entry = Entry.objects.filter(seq__in=numbers).first()
            parsed = entry and ParsedEntry(seq=entry.seq, hash=entry.hash, body=json.loads(entry.body))
            self.read[run] = parsed or None
        return self.read[run]


def record_of(row: HistoryRow, source: ParsedEntry | MirrorLine, taken_in: ParsedEntry | None = None) -> Record:
    """What an entry says, or what a line says that no act of ours explains; its connector as it was called then.

    `taken_in`: the entry of the taking-in that brought the line; None where it stands in an archive, or is not made.
    The line that an entry's change is in is found later.
    """
    fields = dict(zip(FIELDS, values_of(row), strict=True))
    fields |= {"at": row.at.astimezone(UTC).isoformat(), "source": str(row.source), "certainty": str(row.certainty)}
    teller = source if isinstance(source, ParsedEntry) else taken_in
    connector = teller.body["connector"] if teller else context_of(row.connector)
    named = named_connector(connector) if connector else None
    if isinstance(source, ParsedEntry):
        return {"seq": source.seq, "hash": source.hash, "connector": named, **fields, "line": None}
    return {
        "seq": None,
        "hash": None,
        "connector": named,
        **fields,
        "line": _line({n: getattr(source, n) for n in LINE}),
    }


def named_connector(connector: Mapping[str, Any]) -> Record:
    """As an entry's context names it."""
    named = {name: connector[name] for name in CONNECTOR}
    return named | {FORMER: connector[FORMER]} if connector.get(FORMER) else named


def _line(values: Record) -> Record:
    times = {name: value.astimezone(UTC).isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return values | times


# -- writing ----------------------------------------------------------------------------------------------------------


def write(scratch: Scratch, zone: ZoneInfo, table: BinaryIO, written: Written) -> Iterator[bytes]:
    """The lines of rows.jsonl, block by block; the same rows go into `table` on the way."""
    table.write(csv_safe.BYTE_ORDER_MARK + csv_safe.lines([list(COLUMNS)]))
    for records in scratch.records(CHUNK):
        _add_pairs(records, scratch)
        for record in records:
            written.count_row(record)
        table.write(csv_safe.lines(_cells(record, zone) for record in records))
        yield b"".join(map(line_of, records))


def _add_pairs(records: Sequence[Record], scratch: Scratch) -> None:
    """The line of Align's log that each change of ours is in, as worked out from all that looks the same."""
    pairings = scratch.pairings([record["seq"] for record in records if record["seq"]])
    found = MirrorLine.objects.filter(pk__in=[line for line, _ in pairings.values()])
    lines = {line["id"]: _line(line) for line in found.values(*LINE)}
    for record in records:
        if record["seq"] in pairings:
            line, identical = pairings[record["seq"]]
            record["certainty"] = str(Certainty.EXACT if identical == 1 else Certainty.ONE_OF_MANY)
            record["identical"], record["line"] = identical, lines[line]


def _cells(record: Record, zone: ZoneInfo) -> Sequence[object]:
    connector, line = record["connector"] or {}, record["line"] or {}
    number = connector.get("align_connector_id")
    flat = {
        **record,
        "time": datetime.fromisoformat(record["at"]).astimezone(zone).isoformat(sep=" ", timespec="seconds"),
        "connector_name": connector.get("name"),
        "config": f"CONFIG {number}" if number is not None else None,
        "project_stated": "yes" if record["project_stated"] else "no",
        "parsed": "yes" if record["parsed"] else "kept raw",
        "line_type": line.get("type"),
        "line_user": line.get("user"),
        "line_id": line.get("id"),
        "line_at": line.get("at"),
        "line_description": line.get("description"),
    }
    cells: tuple[object, ...] = cells_of(flat)
    return cells

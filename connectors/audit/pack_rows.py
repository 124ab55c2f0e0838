"""The chosen rows as files: one object a line, lossless, and a table for spreadsheets. Both come from one reading."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from connectors.audit import csv_safe
from connectors.audit.models import Entry
from connectors.audit.selection import chunks

Record = dict[str, Any]
FIELDS = (
    "at", "source", "action", "kind", "direction", "work_item_type", "project_key", "project_stated",
    "object_id", "object_name", "before_id", "before_name", "after_id", "after_name",
    "person_id", "person_name", "person_email", "planner_id", "planner_name", "approver_id", "approver_name",
    "applier_id", "applier_name",
    "reason", "ticket", "plan", "sentence", "parsed", "certainty", "identical", "candidates",
)  # fmt: skip
CONNECTOR = ("slug", "name", "align_site", "align_connector_id")
LINE = ("id", "remote_id", "type", "user", "at", "description", "occurrence", "intake", "recorded_at")
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


@dataclass
class Written:
    """What the rows were, for the manifest and the statements."""

    rows: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    sources: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)  # of mappings, by the connector's slug
    without_entry: int = 0  # lines of Align's log without an act of ours
    project_not_stated: int = 0
    kept_raw: int = 0

    def note(self, record: Record) -> None:
        self.rows += 1
        self.first_at = self.first_at or record["at"]
        self.last_at = record["at"]
        self.sources[record["source"]] += 1
        if record["kind"] and record["connector"]:
            self.changes[record["connector"]["slug"]] += 1
        self.without_entry += record["seq"] is None
        self.project_not_stated += not record["project_stated"]
        self.kept_raw += not record["parsed"]


def write(chosen: array[int], zone: ZoneInfo, table: BinaryIO, written: Written) -> Iterator[bytes]:
    """The lines of rows.jsonl, block by block; the same rows go into `table` on the way."""
    table.write(csv_safe.BYTE_ORDER_MARK + csv_safe.lines([list(COLUMNS)]))
    for records in _records(chosen):
        for record in records:
            written.note(record)
        table.write(csv_safe.lines(_cells(record, zone) for record in records))
        yield b"".join(_line(record) for record in records)


def _records(chosen: array[int]) -> Iterator[list[Record]]:
    names = [
        "id",
        *FIELDS,
        "entry_seq",
        *(f"connector__{name}" for name in CONNECTOR),
        *(f"line__{name}" for name in LINE),
    ]
    for found in chunks(chosen, names):
        hashes = dict(
            Entry.objects.filter(seq__in=[row["entry_seq"] for row in found if row["entry_seq"]]).values_list(
                "seq", "hash"
            )
        )
        yield [_record(row, hashes) for row in found]


def _record(row: Mapping[str, Any], hashes: Mapping[int, str]) -> Record:
    seq = row["entry_seq"]
    line = {name: row[f"line__{name}"] for name in LINE}
    return {
        "seq": seq,
        "hash": hashes.get(seq),  # none: the entry has left the database into an archive
        "connector": {name: row[f"connector__{name}"] for name in CONNECTOR} if row["connector__slug"] else None,
        **{name: row[name] for name in FIELDS},
        "line": line if line["at"] else None,
    }


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":"), default=_text_of).encode() + b"\n"


def _text_of(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a row")
    return value.astimezone(UTC).isoformat()


def _cells(record: Record, zone: ZoneInfo) -> Sequence[object]:
    connector, line = record["connector"] or {}, record["line"] or {}
    at: datetime = record["at"]
    number = connector.get("align_connector_id")
    flat = {
        **record,
        "time": at.astimezone(zone).isoformat(sep=" ", timespec="seconds"),
        "at": _text_of(at),
        "connector_name": connector.get("name"),
        "config": f"CONFIG {number}" if number is not None else None,
        "project_stated": "yes" if record["project_stated"] else "no",
        "parsed": "yes" if record["parsed"] else "kept raw",
        "line_id": line.get("id"),
        "line_type": line.get("type"),
        "line_user": line.get("user"),
        "line_at": _text_of(line["at"]) if line else None,
        "line_description": line.get("description"),
    }
    return [flat[name] for name in COLUMNS.values()]

"""The zip of an evidence pack: the chosen rows, their plans, the stretch of the chain that proves them, and a checker.

What is written holds still: lines up to the highest number at the start, entries up to the checkpoint that is signed
then, both read under the lock behind which appends queue. Memory does not grow with it: what has to be sorted is put
aside on the disk.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min

from alignadmin.audit import bundle, checkpoints, standalone_checker
from alignadmin.audit.bundle import EntrySpan, Writing
from alignadmin.audit.models import Checkpoint, Entry
from alignadmin.text import one_line
from connectors.history.packs import lines as pack_lines
from connectors.history.packs import plan_files, row_files, statements, terms
from connectors.history.packs import span as pack_span
from connectors.history.packs.readme import readme
from connectors.history.packs.row_files import Written
from connectors.history.packs.scratch import Scratch
from connectors.history.packs.selection import Selection
from connectors.history.packs.span_bounds import Ends
from connectors.history.packs.span_findings import Found
from connectors.models import Pack
from connectors.models.connector import Connector
from connectors.ports.audited import context_of

Progress = Callable[[int], None]
BLOCK = 1024 * 1024
# Twice as fast as the usual 6, for files a tenth larger.
LEVEL = 3


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes in, decided before the first byte is written."""

    pack: Pack
    selection: Selection
    scratch: Scratch
    ends: Ends
    found: Found  # what was read for it, and what the page says otherwise
    checkpoint: Checkpoint  # made for this pack
    read: int
    plans: list[int]
    span: EntrySpan

    @property
    def entries(self) -> int:
        return self.span.last - self.span.first + 1 if self.span.first and self.span.last else 0

    @property
    def total(self) -> int:
        """What is read, then rows and entries that are written, for the progress."""
        return self.read + self.found.chosen + self.entries

    @property
    def made_by(self) -> str:
        person, schedule = self.pack.asked_by, self.pack.schedule
        if person:
            return one_line(f"{person.name} <{person.email}>")
        return f"AlignAdmin, by the schedule {schedule.name}" if schedule else "AlignAdmin, by a schedule"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written, for the entry that says so."""

    manifest_sha256: str
    rows: int


# -- what goes in -----------------------------------------------------------------------------------------------------


def contents(pack: Pack, chosen: Selection, scratch: Scratch, progress: Progress) -> Contents:
    """Makes the pack's own checkpoint, then reads all of its span.

    Raises checkpoints.NotSigned, Refused, and whatever `progress` raises.
    """
    with transaction.atomic():
        ends = Ends.now()
        checkpoint = checkpoints.make(checkpoints.PACK)
    done = _Done(progress)
    found = pack_span.read(chosen, ends, scratch, done.add)
    plans = sorted(found.plans)
    touched = (found.first_seq, found.last_seq, *plan_files.span(plans, scratch))
    named = [seq for seq in touched if seq is not None]
    if chosen.has_dates or not found.chosen:
        named += _whole_period(chosen)
    span = bundle.span(min(named, default=None), max(named, default=None), checkpoint)
    return Contents(
        pack=pack,
        selection=chosen,
        scratch=scratch,
        ends=ends,
        found=found,
        checkpoint=checkpoint,
        read=done.lines,
        plans=plans,
        span=span,
    )


def _whole_period(chosen: Selection) -> list[int]:
    """Every entry of the days asked for goes in: else nobody could tell that none was left out."""
    entries = Entry.objects.all()
    if chosen.since:
        entries = entries.filter(at__gte=chosen.since)
    if chosen.until:
        entries = entries.filter(at__lt=chosen.until)
    ends = entries.aggregate(first=Min("seq"), last=Max("seq"))
    return [seq for seq in (ends["first"], ends["last"]) if seq is not None]


# -- writing ----------------------------------------------------------------------------------------------------------


def write(path: Path, found: Contents, progress: Progress) -> Made:
    """Write the zip at `path`. Raises OSError, checkpoints.NotSigned, and whatever `progress` raises."""
    written, done = Written(), _Done(progress, found.read)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as made,
        tempfile.TemporaryFile(dir=path.parent) as table,
    ):
        writing = Writing(zip=made)
        zone = ZoneInfo(found.selection.time_zone)
        writing.add("rows.jsonl", done.counted(row_files.write(found.scratch, zone, table, written)))
        table.seek(0)
        writing.add("rows.csv", iter(lambda: table.read(BLOCK), b""))
        writing.add("lines.jsonl", done.with_progress(pack_lines.lines(written.runs)))
        writing.add("plans.jsonl", done.with_progress(plan_files.lines(found.plans, found.scratch)))
        _add_chain(writing, found.span, done)
        writing.add("statements.txt", [_statements(found, written)])
        writing.add("README.txt", [_readme(found)])
        writing.finish(_manifest(found, written), found.span, found.checkpoint.at)
    with zipfile.ZipFile(path) as made:
        manifest = made.read(standalone_checker.MANIFEST)
    return Made(manifest_sha256=hashlib.sha256(manifest).hexdigest(), rows=written.rows)


def _add_chain(writing: Writing, span: EntrySpan, done: _Done) -> None:
    entries = bundle.entry_lines(span.first, span.last) if span.first and span.last else iter(())
    writing.add(standalone_checker.ENTRIES, done.counted(entries))
    writing.add(standalone_checker.CHECKPOINTS, bundle.checkpoint_lines(span.first_checkpoint, span.last_checkpoint))
    writing.add(standalone_checker.KEYS, [bundle.keys_text()])
    writing.add("checker.py", [Path(standalone_checker.__file__).read_bytes()])


@dataclass
class _Done:
    """Tells how far the writing is, a block at a time."""

    progress: Progress
    lines: int = 0

    def add(self, lines: int) -> None:
        self.lines += lines
        self.progress(self.lines)

    def counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.add(block.count(b"\n"))
            yield block

    def with_progress(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """These lines are no part of the total; that the work goes on is shown all the same."""
        for block in blocks:
            self.add(0)
            yield block


def _statements(found: Contents, written: Written) -> bytes:
    said = statements.write(found.selection, written, found.found, made_at=found.checkpoint.at, last=found.ends.seq)
    return said.encode()


def _readme(found: Contents) -> bytes:
    span = found.span
    return readme(
        filter_words=found.selection.words,
        made_by=found.made_by,
        made_at=found.checkpoint.at,
        time_zone=found.selection.time_zone,
        first=span.first,
        last=span.last,
        checkpoints=span.last_checkpoint - span.first_checkpoint + 1,
    ).encode()


def _manifest(found: Contents, written: Written) -> dict[str, Any]:
    """When it was made is the moment of its own checkpoint: whoever holds a later one knows it came after."""
    head, span = standalone_checker.fields(found.checkpoint.body), found.span
    return {
        "kind": "pack",
        "product": "AlignAdmin",
        "version": _version(),
        "pack": str(found.pack.uuid),
        "made_by": found.made_by,
        "asked_at": _stamp(found.pack.created_at),
        "query": found.selection.query,
        "connectors": [
            {"id": each.pk, **row_files.named_connector(context_of(each) or {})} for each in found.selection.connectors
        ],
        "terms": terms.terms_file(found.ends.meanings, found.selection.connectors or Connector.objects.order_by("pk")),
        "filter": found.selection.words,
        "time_zone": found.selection.time_zone,
        "since": _stamp(found.selection.since),
        "until": _stamp(found.selection.until),
        "compared": {
            "entries": found.found.entries,
            "lines": found.found.lines,
            "differences": len(found.found.differences),
            "first": found.found.sentences,
        },
        "rows": {
            "count": written.rows,
            "by_source": dict(written.sources),
            "first_at": written.first_at,
            "last_at": written.last_at,
            "without_entry": written.without_entry,
        },
        "plans": len(found.plans),
        "checkpoints": {"first": span.first_checkpoint, "last": span.last_checkpoint},
        "chain_head": {"seq": head["seq"], "hash": head["hash"]},
    }


def _stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _version() -> str:
    try:
        return version("alignadmin")
    except PackageNotFoundError:
        return "unknown"

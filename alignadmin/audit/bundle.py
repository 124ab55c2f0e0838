"""What the stand-alone checker reads, in packs and in archives alike: entries, checkpoints, keys, a signed manifest."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alignadmin.audit import checkpoints, standalone_checker
from alignadmin.audit.models import ChainHead, Checkpoint, Entry

CHUNK = 2000


@dataclass
class Writing:
    """A zip under way; `parts` become the manifest's list of files."""

    zip: zipfile.ZipFile
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, blocks: Iterable[bytes]) -> None:
        """Compressing and hashing give other threads the processor: the next block is made meanwhile."""
        sha, size = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as stream, ThreadPoolExecutor(1) as beside:

            def put(block: bytes) -> None:
                stream.write(block)
                sha.update(block)

            last: Future[None] | None = None
            for block in blocks:
                if last:
                    last.result()
                last = beside.submit(put, block)
                size += len(block)
            if last:
                last.result()
        self.parts[name] = {"sha256": sha.hexdigest(), "size": size}

    def add_chain(self, span: EntrySpan) -> None:
        """Entries, checkpoints, keys and the checker; constant memory."""
        entries = entry_lines(span.first, span.last) if span.first and span.last else iter(())
        self.add(standalone_checker.ENTRIES, entries)
        self.add(standalone_checker.CHECKPOINTS, checkpoint_lines(span.first_checkpoint, span.last_checkpoint))
        self.add(standalone_checker.KEYS, [keys_text()])
        self.add("checker.py", [Path(standalone_checker.__file__).read_bytes()])

    def finish(self, manifest: Mapping[str, Any], span: EntrySpan, made_at: datetime) -> None:
        """The manifest last, with what the checker looks for, and its signature.

        `made_at` is the time of the last checkpoint in it: the pack cannot know a later one.
        """
        count = span.last - span.first + 1 if span.first and span.last else 0
        entries = {"first": span.first, "last": span.last, "count": count, "whole": span.is_whole}
        said = {
            **manifest,
            "made_at": made_at.astimezone(UTC).isoformat(),
            "entries": entries,
            "files": self.parts,
        }
        raw = json.dumps(said, indent=1, sort_keys=True).encode()
        self.zip.writestr(standalone_checker.MANIFEST, raw)
        self.zip.writestr(standalone_checker.SIGNATURE, json.dumps(asdict(checkpoints.sign(raw))))


@dataclass(frozen=True, kw_only=True)
class EntrySpan:
    """Which entries and checkpoints belong together, so that the last entry is signed. `first` is None without any."""

    first: int | None
    last: int | None
    first_checkpoint: int
    last_checkpoint: int
    is_whole: bool  # the last checkpoint is that of the last entry, and not of a later one


def span(first: int | None, last: int | None, own: Checkpoint) -> EntrySpan:
    """From an entry to the checkpoint that signs another one; `own` was made for the pack and is the last one in it.

    Entries that have left into an archive are not in it.
    """
    gone = ChainHead.objects.filter(pk=1).values_list("archived_seq", flat=True).first() or 0
    if first is None or last is None or last <= gone:
        # If rows of those are in the pack, the checkpoint that says that they left has to be, too.
        left = Checkpoint.objects.filter(cause=checkpoints.ARCHIVE).order_by("-number").first() if first else None
        number = left.number if left else own.number
        return EntrySpan(first=None, last=None, first_checkpoint=number, last_checkpoint=own.number, is_whole=False)
    first = max(first, gone + 1)
    closing = Checkpoint.objects.filter(seq__gte=last, number__lte=own.number).order_by("number").first() or own
    return EntrySpan(
        first=first,
        last=closing.seq,
        first_checkpoint=first_number(first),
        last_checkpoint=own.number,
        is_whole=closing.seq == own.seq,
    )


def entry_lines(first: int, last: int) -> Iterator[bytes]:
    stored = Entry.objects.filter(seq__lte=last).values("seq", "prev", "hash", "body").order_by("seq")
    seq = first - 1
    while rows := list(stored.filter(seq__gt=seq)[:CHUNK]):
        yield b"".join(line_of(row) for row in rows)
        seq = rows[-1]["seq"]


def first_number(first_seq: int) -> int:
    """Of the last checkpoint before an entry, else of the first there is."""
    before = Checkpoint.objects.filter(seq__lt=first_seq).order_by("-number").values_list("number", flat=True).first()
    return before or 1


def checkpoint_lines(first: int, last: int) -> Iterator[bytes]:
    stored = Checkpoint.objects.filter(number__lte=last).values("number", "body", "signature", "key_id")
    number = first - 1
    while rows := list(stored.filter(number__gt=number).order_by("number")[:CHUNK]):
        yield b"".join(line_of({name: row[name] for name in ("body", "signature", "key_id")}) for row in rows)
        number = rows[-1]["number"]


def keys_text() -> bytes:
    listed = [
        {
            "key_id": each.key_id,
            "public": each.public,
            "created_at": each.created_at.isoformat(),
            "retired_at": each.retired_at.isoformat() if each.retired_at else None,
        }
        for each in checkpoints.public_keys()
    ]
    return json.dumps(listed, indent=1).encode()


encode = json.JSONEncoder(separators=(",", ":")).encode


def line_of(record: Mapping[str, Any]) -> bytes:
    """As in every file of lines of a pack or an archive."""
    return encode(record).encode() + b"\n"

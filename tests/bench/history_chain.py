"""A long chain that holds, made in bulk: entries over three years, hourly signed checkpoints, and their copies.

Only what a check of the chain reads: no rows of the history pages, which would take ten times as long.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from alignadmin.audit import checkpoints, deliveries, standalone_checker
from alignadmin.audit.entries import AuditRecord, _body, canonical, digest, lock_head
from alignadmin.audit.models import ChainHead, Checkpoint, Entry
from tests.bench import history_rows
from tests.bench.history_rows import DAYS, LAST, Happening

BATCH = 5000
PATTERNS = 500  # acts that the entries repeat, with their own number and time
HOUR = timedelta(hours=1)


def fill(count: int) -> None:
    """Write so many entries into an empty database, and a checkpoint with its copy for every hour of three years."""
    patterns = [_body(act, seq=0, at=LAST) for act in acts(PATTERNS)]
    first, step = LAST - timedelta(days=DAYS), timedelta(days=DAYS) / count
    head, sealed = ChainHead.objects.get_or_create(pk=1)[0], Sealing(first)
    for start in range(0, count, BATCH):
        entries, made = [], []
        for number in range(start, min(start + BATCH, count)):
            at = first + step * (number + 1)
            made += sealed.until(at, head)
            entries.append(_entry(patterns[number % PATTERNS], head, at))
        with transaction.atomic():
            Entry.objects.bulk_create(entries, batch_size=1000)
            Checkpoint.objects.bulk_create(made, batch_size=500)
            head.save()


def acts(count: int, seed: int = 7) -> Sequence[AuditRecord]:
    """Changes and plans as people make them."""
    cast, chance = history_rows.make_cast(), random.Random(seed)  # nosec B311
    found: list[AuditRecord] = []
    while len(found) < count:
        if act := happening(cast, chance, LAST).act:
            found.append(replace(act, happened_at=None))
    return found


def happening(cast: history_rows.Cast, chance: random.Random, at: datetime) -> Happening:
    return history_rows._one(cast, chance, at, has_left=True)


def _entry(pattern: dict[str, Any], head: ChainHead, at: datetime) -> Entry:
    seq, prev = head.seq + 1, head.hash
    body = canonical({**pattern, "seq": seq, "at": at.isoformat()})
    head.seq, head.hash = seq, digest(prev, body)
    return Entry(seq=seq, prev=prev, hash=head.hash, body=body, at=at, action=pattern["action"])


class Sealing:
    """The hourly checkpoints, made as the product makes them, but without reading each one back."""

    def __init__(self, first: datetime) -> None:
        with transaction.atomic():
            lock_head()
            self.key = checkpoints._key()
        self.due, self.number, self.prev = first + HOUR, 0, standalone_checker.START

    def until(self, at: datetime, head: ChainHead) -> list[Checkpoint]:
        made = []
        while self.due <= at:
            made.append(self._make(head))
            self.due += HOUR
        return made

    def _make(self, head: ChainHead) -> Checkpoint:
        self.number += 1
        said = {"number": self.number, "seq": head.seq, "hash": head.hash, "at": self.due.isoformat()}
        text = canonical({**said, "prev": self.prev, "key": self.key.key_id, "cause": checkpoints.HOUR})
        self.prev = standalone_checker.checkpoint_digest(text)
        made = Checkpoint(
            number=self.number,
            seq=head.seq,
            at=self.due,
            body=text,
            hash=self.prev,
            signature=checkpoints._sign(self.key, text.encode()).signature,
            key_id=self.key.key_id,
            cause=checkpoints.HOUR,
        )
        self._deliver(made)
        return made

    def _deliver(self, made: Checkpoint) -> None:
        folder = Path(settings.CHECKPOINT_FOLDER) / f"{made.at:%Y-%m}"
        folder.mkdir(parents=True, exist_ok=True)
        record = {"number": made.number, "body": made.body, "signature": made.signature, "key_id": made.key_id}
        (folder / deliveries.file_name(made)).write_text(json.dumps({**record, "public": self.key.public}))

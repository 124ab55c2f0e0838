"""Rows of a week drawn at random, so that anybody can draw the same ones again from the seed.

Each row has a key ("entry 12", or "line 45" where no entry of ours is behind it). Those are drawn whose SHA-256 of
"seed:key" is smallest: it needs no list in any order, and later rows do not change the order of the others.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import QuerySet

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.history.reviews import weeks
from connectors.history.reviews.weeks import Week
from connectors.models import HistoryRow

SAMPLED = "history.sampled"
MOST = 100  # what one person still looks at


class Among(models.TextChoices):
    ALL = "all", "rows"
    CHANGES = "changes", "changes of mappings"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """As its entry has it; `population` is how many rows it was drawn from."""

    seed: str
    among: str
    population: int
    until_seq: int  # of the last entry there was
    keys: Sequence[str]
    entry: int = 0  # its own

    def rows(self) -> list[HistoryRow]:
        """In the order of time. A line that has found its cause meanwhile stands in the row of that."""
        found = HistoryRow.objects.filter(
            models.Q(entry_seq__in=_numbers(self.keys, "entry")) | models.Q(line__in=_numbers(self.keys, "line"))
        )
        return list(found.select_related("connector", "line").order_by("at", "id"))

    @property
    def among_words(self) -> str:
        return Among(self.among).label if self.among in Among.values else self.among


def draw(seed: str, keys: Iterable[str], number: int) -> list[str]:
    return heapq.nsmallest(number, keys, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())


def key_of(entry_seq: int | None, line: int | None) -> str:
    return f"entry {entry_seq}" if entry_seq else f"line {line}"


def take(week: Week, number: int, among: str, *, actor: Person) -> Entry:
    """Draw and record it: a second draw is seen by whoever checks the first. Raises Refused."""
    if among not in Among.values:
        raise Refused("There is no such choice of rows. Choose one of the list.")
    if not 1 <= number <= MOST:
        raise Refused(f"A sample has 1 to {MOST} rows.")
    with transaction.atomic():
        head = lock_head()
        keys = [key_of(seq, line) for seq, line in population(week, among).values_list("entry_seq", "line")]
        if not keys:
            raise Refused("There are no such rows in this week.")
        seed = secrets.token_hex(8)
        sample = Sample(
            seed=seed,
            among=among,
            population=len(keys),
            until_seq=head.seq,
            keys=draw(seed, keys, number),
            entry=head.seq + 1,
        )
        return trail.record(
            AuditRecord(
                action=SAMPLED,
                actor=actor,
                subject=week.subject,
                sentence=f"Drew {len(sample.keys)} of {len(keys)} {sample.among_words} of the week {week} at random.",
                data=asdict(sample),
            )
        )


def population(week: Week, among: str) -> QuerySet[HistoryRow]:
    rows = weeks.rows_of(week)
    return rows.exclude(kind="") if among == Among.CHANGES else rows


def of_entry(seq: int, week: Week) -> Sample | None:
    """The sample of this week that this entry records."""
    entry = Entry.objects.filter(seq=seq, action=SAMPLED).first()
    body = json.loads(entry.body) if entry else {}
    return of_data(body["data"]) if body.get("subject") == week.subject else None


def of_data(data: Mapping[str, Any] | None) -> Sample | None:
    return Sample(**data) if data else None


def _numbers(keys: Iterable[str], kind: str) -> list[int]:
    return [int(number) for name, _, number in (key.partition(" ") for key in keys) if name == kind]

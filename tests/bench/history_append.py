"""Entries appended to a history of a million rows: many in a transaction, and one in each by four processes at once."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tests.bench import databases
from tests.bench.report import Figure, show, timed

if TYPE_CHECKING:
    from alignadmin.audit.entries import AuditRecord

CLIENT = "client"
CLIENTS, SECONDS = 4, 20.0
BATCHES = ((1000, 10), (100, 50))  # entries in a transaction, and how many of those
IN_BATCHES, SINGLE = 2000, 500


def main() -> None:
    databases.run("tests.bench.history_append")


def measure() -> None:
    name = databases.set_up()
    from connectors.models import HistoryRow
    from tests.bench import history_rows

    history_rows.three_years(databases.ROWS)
    databases.analyzed()
    there = HistoryRow.objects.count()
    figures = [*_batches(), _clients()]
    show(f"Append to a history of {there:,} rows: {name}", figures)


def _batches() -> Iterator[Figure]:
    """Each is a change or an act of a plan, with its row, the index of its words, and the search for its line."""
    from django.db import transaction

    from alignadmin.audit import trail

    for size, times in BATCHES:
        told = _told(size * times)
        began = time.process_time()
        with timed() as watch:
            for start in range(0, len(told), size):
                with transaction.atomic():
                    trail.record_all(told[start : start + size])
        what = f"entries a second, {size:,} in a transaction"
        aim = IN_BATCHES if size == BATCHES[0][0] else None
        yield Figure(what=what, value=len(told) / watch.seconds, unit="", aim=aim, at_least=True)
        yield Figure(
            what="the same, a second of this processor", value=len(told) / (time.process_time() - began), unit=""
        )


def _told(count: int) -> Sequence[AuditRecord]:
    from tests.bench import history_chain

    return history_chain.acts(count, seed=count)


def _clients() -> Figure:
    begin = time.time() + 10  # when all of them have started
    printed = databases.processes("tests.bench.history_append", CLIENT, CLIENTS, str(begin))
    total = sum(int(each.splitlines()[-1]) for each in printed)
    what = f"entries a second, one in a transaction, {CLIENTS} processes"
    return Figure(what=what, value=total / SECONDS, unit="", aim=SINGLE, at_least=True)


def client(begin: float) -> None:
    """One of those who append at the same time; prints how many it could."""
    import django

    django.setup()
    from django.db import transaction

    from alignadmin.audit import trail

    told, done = itertools.cycle(_told(200)), 0
    time.sleep(max(0.0, begin - time.time()))
    while time.time() < begin + SECONDS:
        with transaction.atomic():
            trail.record_all([next(told)])
        done += 1
    print(done)


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_append")
    elif databases.word() == CLIENT:
        client(float(sys.argv[2]))
    else:
        {databases.HERE: measure}.get(databases.word(), main)()

"""Compares runs, lines and coverage with the digests that bind them and with the entries that tell of them.

Reads by pages of the keys and hashes as it goes, so it takes as much memory for a million lines as for a thousand.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from alignadmin.audit.entries import lock_head
from alignadmin.audit.models import ChainHead, Entry
from connectors.history.intake import run_digest
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.runs import Stretch
from connectors.models import Coverage, Intake, IntakeRun, MirrorLine, OpenRun, RunWithdrawal, SeenAgain, WithdrawnLine
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_READ, LOG_TAKEN_IN, LOG_WITHDRAWN
from connectors.ports.differences import ALTERED, MISSING, SURPLUS, UNREADABLE, Difference

CHUNK = 2000
RUNS, OPEN, WITHDRAWALS = "runs of the intake", "open runs of the intake", "withdrawn runs of the intake"
LINES, SHOWN_AGAIN, COUNTED = "lines of Align's log", "lines that were shown again", "lines that do not count"
COVERED = "covered time"
RUN_ENTRIES = (LOG_READ, LOG_TAKEN_IN)
Progress = Callable[[int], None]
Row: TypeAlias = "tuple[Any, ...]"


def compare(progress: Progress | None = None) -> Iterator[Difference]:
    """Every difference between lines, runs, withdrawals and coverage and what was written of them.

    `progress` is told how many lines were read. What comes in meanwhile is left to the next comparison.
    """
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    last = (
        IntakeRun.objects.filter(entry_seq__lte=head.seq).order_by("-number").values_list("number", flat=True).first()
    )
    yield from _runs(head, last or 0)
    yield from _lines(last or 0, progress or _nobody)
    yield from _shown_again(last or 0)
    yield from _withdrawals(head)
    yield from _counted_lines()
    for connector in Connector.objects.order_by("pk"):
        yield from _coverage(connector)


def _nobody(lines: int) -> None:
    pass


# -- runs and their entries -------------------------------------------------------------------------------------------


def _runs(head: ChainHead, last: int) -> Iterator[Difference]:
    number, prev, seq = 0, run_digest.START, head.archived_seq
    for runs in _pages(IntakeRun.objects.filter(number__lte=last), "number"):
        entries = Entry.objects.in_bulk([run.entry_seq for run in runs])
        for run in runs:
            if run.number != number + 1:
                yield _about(run, MISSING, f"Run {number + 1} of the intake is missing: run {run.number} follows.")
            elif run.prev != prev:
                yield _about(run, ALTERED, f"Run {run.number} of the intake does not follow run {number}.", "prev")
            yield from _run(run, entries.get(run.entry_seq), head)
            number, prev, seq = run.number, run.hash, run.entry_seq
    yield from _without_run(number, seq, head.seq)


def _run(run: IntakeRun, entry: Entry | None, head: ChainHead) -> Iterator[Difference]:
    facts = run_digest.facts(run)
    if run.hash != run_digest.hash_of(facts):
        yield _about(run, ALTERED, f"Run {run.number} of the intake is not as it was written.", "hash")
    if entry is None:
        # What stood in an archived entry is vouched for by the hashes of the runs after it.
        if run.entry_seq > head.archived_seq:
            yield _about(run, SURPLUS, f"Run {run.number} of the intake has no entry {run.entry_seq}.")
        return
    stated = _stated_in(entry, "run") if entry.action in RUN_ENTRIES else {}
    for name, value in (facts | {"hash": run.hash}).items():
        if stated.get(name) != value:
            sentence = f"{name} of run {run.number} of the intake is not what entry {entry.seq} says."
            yield _about(run, ALTERED, sentence, name)


def _without_run(last: int, after: int, until: int) -> Iterator[Difference]:
    """Runs that were cut off the end: their entries tell of them."""
    entries = Entry.objects.filter(seq__gt=after, seq__lte=until, action__in=RUN_ENTRIES).order_by("seq")
    for entry in entries.iterator(chunk_size=CHUNK):
        stated = _stated_in(entry, "run")
        if stated and stated["number"] > last:
            sentence = f"Run {stated['number']} of the intake is missing: entry {entry.seq} tells of it."
            yield Difference(kind=MISSING, table=RUNS, seq=entry.seq, sentence=sentence)


def _about(run: IntakeRun, kind: str, sentence: str, field: str = "") -> Difference:
    return Difference(kind=kind, table=RUNS, seq=run.entry_seq, field=field, sentence=sentence)


def _stated_in(entry: Entry, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(entry.body)["data"].get(what)
    except UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


# -- the lines of each run --------------------------------------------------------------------------------------------


def _lines(last: int, progress: Progress) -> Iterator[Difference]:
    rows = _by_run(MirrorLine, last, ("connector_id", *run_digest.COVERED), progress)
    for run, digest, foreign in _digested(rows, last):
        if digest.count != run.lines:
            sentence = f"{_named(run)} brought {run.lines} lines, and {digest.count} are there."
            yield _of_lines(run, MISSING if digest.count < run.lines else SURPLUS, sentence)
        elif digest.hex() != run.digest or foreign:
            yield _of_lines(run, ALTERED, f"The lines that {_named(run)} brought are not as they were taken in.")


def _shown_again(last: int) -> Iterator[Difference]:
    rows = _by_run(SeenAgain, last, ("run__connector_id", "first", "last"), _nobody)
    for run, digest, _ in _digested(rows, last):
        if digest.hex() != run.seen_again_digest:
            sentence = f"The lines that {_named(run)} showed again are not the ones that its entry speaks of."
            yield Difference(kind=ALTERED, table=SHOWN_AGAIN, seq=run.entry_seq, sentence=sentence)


def _digested(rows: Iterator[Row], last: int) -> Iterator[tuple[IntakeRun, run_digest.Digest, bool]]:
    """Each run with the digest of its rows, and whether some of them are of another connector."""
    by_run = groupby(rows, key=itemgetter(0))
    found = next(by_run, None)
    for runs in _pages(IntakeRun.objects.filter(number__lte=last), "number"):
        for run in runs:
            digest, foreign = run_digest.Digest(), False
            while found and found[0] <= run.number:  # less: of a run that is missing, which is told already
                for _, connector, *values in found[1] if found[0] == run.number else ():
                    digest.add(values)
                    foreign = foreign or connector != run.connector_id
                found = next(by_run, None)
            yield run, digest, foreign


def _by_run(table: type[Model], last: int, columns: Sequence[str], progress: Progress) -> Iterator[Row]:
    """Their run, their key, then the columns; within a run in the order of the keys."""
    stored = table._default_manager.filter(run__lte=last).order_by("run_id", "pk")
    rows, read = stored.values_list("run_id", *columns, "pk"), 0
    page = list(rows[:CHUNK])
    while page:
        yield from (row[:-1] for row in page)
        read += len(page)
        progress(read)
        run, key = page[-1][0], page[-1][-1]
        # Two conditions that an index answers each; as one, PostgreSQL reads the run from its beginning.
        page = list(rows.filter(run=run, pk__gt=key)[:CHUNK])
        if len(page) < CHUNK:
            page += rows.filter(run__gt=run)[: CHUNK - len(page)]


def _named(run: IntakeRun) -> str:
    who = f" by {run.person_name}" if run.person_name else ""
    return f"run {run.number} ({run.get_intake_display()}{who}, {run.ended_at:%-d %b %Y, %H:%M} UTC)"


def _of_lines(run: IntakeRun, kind: str, sentence: str) -> Difference:
    first = MirrorLine.objects.filter(run=run).order_by("pk").values_list("pk", flat=True).first()
    sentence = sentence[0].upper() + sentence[1:]
    return Difference(kind=kind, table=LINES, seq=run.entry_seq, line=first, sentence=sentence)


# -- what was withdrawn -----------------------------------------------------------------------------------------------


def _withdrawals(head: ChainHead) -> Iterator[Difference]:
    withdrawal_entries: dict[int, Entry] = {}
    for entry in Entry.objects.filter(action=LOG_WITHDRAWN, seq__lte=head.seq).iterator(chunk_size=CHUNK):
        withdrawal_entries[_stated_in(entry, "withdrawal").get("run", 0)] = entry
    for withdrawal in RunWithdrawal.objects.filter(entry_seq__lte=head.seq).order_by("pk"):
        found = withdrawal_entries.pop(withdrawal.pk, None)
        facts = intake_runs.withdrawal_facts(withdrawal)
        if found is None and withdrawal.entry_seq > head.archived_seq:
            yield _of_withdrawal(
                SURPLUS, withdrawal.entry_seq, f"No entry says that run {withdrawal.pk} was withdrawn."
            )
        elif found and _stated_in(found, "withdrawal") != facts:
            sentence = f"The withdrawal of run {withdrawal.pk} is not what entry {found.seq} says."
            yield _of_withdrawal(ALTERED, found.seq, sentence)
    for number, entry in sorted(withdrawal_entries.items()):
        sentence = f"Entry {entry.seq} says that run {number} was withdrawn, and it counts."
        yield _of_withdrawal(MISSING, entry.seq, sentence)
    last = IntakeRun.objects.filter(entry_seq__lte=head.seq).order_by("-number").first()
    # Of those whose entries have left into an archive the next run knows the number.
    if last and RunWithdrawal.objects.filter(entry_seq__lt=last.entry_seq).count() != last.withdrawn:
        sentence = f"{last.withdrawn} runs were withdrawn before {_named(last)}, and the table has another number."
        yield _of_withdrawal(ALTERED, last.entry_seq, sentence)


def _of_withdrawal(kind: str, seq: int, sentence: str) -> Difference:
    return Difference(kind=kind, table=WITHDRAWALS, seq=seq, sentence=sentence)


def _counted_lines() -> Iterator[Difference]:
    """A line of a withdrawn run counts if a run that stands has shown as many of its look; any other line counts."""
    for number, connector in RunWithdrawal.objects.order_by("pk").values_list("pk", "run__connector_id"):
        for lines in _pages(MirrorLine.objects.filter(run=number).select_related("withdrawal"), "pk"):
            counted = intake_runs.counted_occurrences(connector, {line.digest for line in lines})
            for line in lines:
                if hasattr(line, "withdrawal") != (line.occurrence > counted[line.digest]):
                    yield _of_counting(line.pk)
    surplus = WithdrawnLine.objects.filter(line__run__withdrawal=None).order_by("pk").values_list("pk", flat=True)
    yield from map(_of_counting, surplus.iterator(chunk_size=CHUNK))


def _of_counting(line: int) -> Difference:
    sentence = f"Whether line {line} counts does not follow from the runs that have shown it."
    return Difference(kind=ALTERED, table=COUNTED, line=line, sentence=sentence)


# -- covered time -----------------------------------------------------------------------------------------------------


def _coverage(connector: Connector) -> Iterator[Difference]:
    found = _differences(connector)
    if found:
        # Readings go on meanwhile, so that only what is still so without them is told.
        with transaction.atomic():
            lock_head()
            found = _differences(connector)
    yield from found


def _differences(connector: Connector) -> list[Difference]:
    proven = intake_runs.covered(connector)
    found = _open_run(connector, proven)
    stated: dict[str, list[Stretch]] = defaultdict(list)
    for since, until, intake in Coverage.objects.filter(connector=connector).values_list("since", "until", "intake"):
        stated[intake].append((since, until))
    for intake in Intake.values:
        actual, should = intake_runs.joined(stated[intake]), intake_runs.joined(proven[intake])
        if actual != should:
            what = f"The time that {connector.name} is covered for by lines {Intake(intake).label}"
            sentence = f"{what} is not what its runs say: {_first_difference(actual, should)}."
            found.append(Difference(kind=ALTERED, table=COVERED, sentence=sentence))
    return found


def _open_run(connector: Connector, proven: Mapping[str, Sequence[Stretch]]) -> list[Difference]:
    """Adds what the open run covers. It can only go on where the closed ones end, and not for longer than an hour."""
    open_ = OpenRun.objects.filter(connector=connector).first()
    if open_ is None:
        return []
    ends = [until for _, until in proven[Intake.ENDPOINT]]
    goes_on = bool(ends) and open_.since == max(ends)
    is_short = open_.since <= open_.until < open_.since + intake_runs.LONGEST_OPEN
    proven[Intake.ENDPOINT].append((open_.since, open_.until))  # type: ignore[attr-defined]
    if goes_on and is_short and open_.until <= timezone.now():
        return []
    sentence = f"The readings of {connector.name} since its last run cover what no run of readings can."
    return [Difference(kind=ALTERED, table=OPEN, sentence=sentence)]


def _first_difference(actual: Sequence[Stretch], should: Sequence[Stretch]) -> str:
    more, less = sorted(set(actual) - set(should)), sorted(set(should) - set(actual))
    parts = [f"stated {_stretch(more[0])}"] if more else []
    parts += [f"taken in {_stretch(less[0])}"] if less else []
    return ", ".join(parts)


def _stretch(stretch: tuple[datetime, datetime]) -> str:
    since, until = stretch
    return f"{since:%-d %b %Y, %H:%M:%S} to {until:%-d %b %Y, %H:%M:%S} UTC"


# -- common -----------------------------------------------------------------------------------------------------------


def _pages(rows: QuerySet[Any], key: str) -> Iterator[list[Any]]:
    last = None
    while page := list((rows if last is None else rows.filter(**{f"{key}__gt": last})).order_by(key)[:CHUNK]):
        yield page
        last = page[-1].pk

"""Runs of the intake: each taking-in of Align's log is kept with a digest of its lines, and told by an entry.

Readings of the endpoint that bring nothing lengthen the open run. The next that brings something closes it, and so does
one an hour after it began; what leaves a hole is never put into it, so it can only say what the next reading says, too.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from django.db.models import QuerySet

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.entries import AuditRecord, Head, lock_head
from connectors.history.intake import run_digest
from connectors.models import Intake, IntakeRun, MirrorLine, OpenRun, RunWithdrawal, SeenAgain
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_READ, context_of

BATCH = 500
LONGEST_OPEN = timedelta(hours=1)  # what an open run covers
Stretch: TypeAlias = "tuple[datetime, datetime]"


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run under way: its number, which its lines name, and what it saw as it began."""

    connector: Connector
    intake: Intake
    number: int
    prev: str
    at: datetime
    head: Head
    actor: Person | None = None
    text_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What a run brought: new lines, and the keys of lines that were here before and were shown again."""

    lines: Sequence[MirrorLine] = ()
    seen_again: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.seen_again)


def begin(
    connector: Connector, intake: Intake, *, at: datetime, actor: Person | None = None, text_sha256: str = ""
) -> Begun:
    """To be called in the transaction that stores the lines; no other run begins before its end."""
    # Before the head, as whoever makes a plan: in the other order the two would wait for each other.
    Connector.objects.locked().filter(pk=connector.pk).first()
    head = lock_head()
    last = IntakeRun.objects.order_by("-number").values_list("number", "hash").first()
    number, prev = last or (0, run_digest.START)
    return Begun(
        connector=connector,
        intake=intake,
        number=number + 1,
        prev=prev,
        at=at,
        head=head,
        actor=actor,
        text_sha256=text_sha256,
    )


def keep(begun: Begun, brought: Brought, covers: Iterable[Stretch], *, ended_at: datetime) -> IntakeRun:
    """Store the run; the caller appends its entry next, since the run names its number."""
    return _keep(begun, brought, covers, began_at=begun.at, ended_at=ended_at, readings=1)


def _keep(
    begun: Begun,
    brought: Brought,
    covers: Iterable[Stretch],
    *,
    began_at: datetime,
    ended_at: datetime,
    readings: int,
) -> IntakeRun:
    lines = sorted(brought.lines, key=lambda line: line.pk)
    again = _without_hole(brought.seen_again)
    run = IntakeRun(
        number=begun.number,
        connector=begun.connector,
        intake=begun.intake.value,
        person_id=begun.actor.pk if begun.actor else None,
        person_name=(begun.actor.name or begun.actor.email)[:320] if begun.actor else "",
        began_at=began_at,
        ended_at=ended_at,
        readings=readings,
        covers=json.dumps([[_stamp(since), _stamp(until), begun.intake.value] for since, until in covers]),
        lines=len(lines),
        digest=run_digest.of_lines(lines),
        seen_again=len(brought.seen_again),
        seen_again_digest=run_digest.of_seen_again(again),
        withdrawn=RunWithdrawal.objects.count(),
        text_sha256=begun.text_sha256,
        head_seq=begun.head.seq,
        head_hash=begun.head.hash,
        prev=begun.prev,
        entry_seq=lock_head().seq + 1,
    )
    run.hash = run_digest.hash_of(run_digest.facts(run))
    insert([run])
    insert([SeenAgain(run=run, first=first, last=last) for first, last in again])
    return run


def _without_hole(keys: Iterable[int]) -> list[tuple[int, int]]:
    """From one key to another: a part that is sent once more is one range, however long it is."""
    found: list[tuple[int, int]] = []
    for key in sorted(keys):
        if found and key == found[-1][1] + 1:
            found[-1] = found[-1][0], key
        else:
            found.append((key, key))
    return found


def as_data(run: IntakeRun, brought: Brought) -> dict[str, Any]:
    """Of the run's entry: its columns, and from which key to which its lines stand."""
    keys = [line.pk for line in brought.lines]
    return run_digest.facts(run) | {"hash": run.hash, "keys": [min(keys), max(keys)] if keys else []}


def stretches(run: IntakeRun) -> list[tuple[datetime, datetime, str]]:
    """What the run covers, and as covered by which way.

    What was altered so that it cannot be read covers nothing: the comparison names the run.
    """
    try:
        return [
            (datetime.fromisoformat(since), datetime.fromisoformat(until), intake)
            for since, until, intake in json.loads(run.covers)
        ]
    except (ValueError, TypeError):
        return []


def covered(connector: Connector, *, without: int = 0) -> dict[str, list[Stretch]]:
    """What the closed runs that stand cover, by which way, in few stretches; `without` one that is being withdrawn."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    runs = IntakeRun.objects.filter(connector=connector, withdrawal=None).exclude(covers="[]").exclude(pk=without)
    for run in runs.order_by("number").only("covers").iterator(chunk_size=BATCH):
        for since, until, intake in stretches(run):
            there = found[intake]
            if there and there[-1][0] <= since <= there[-1][1]:
                there[-1] = there[-1][0], max(there[-1][1], until)
            else:
                there.append((since, until))
    return found


# -- which lines count ------------------------------------------------------------------------------------------------


class Ranges:
    """Keys of lines, as ranges."""

    def __init__(self, found: Iterable[tuple[int, int]]) -> None:
        self._ends = joined(found)

    def __contains__(self, key: int) -> bool:
        place = bisect_right(self._ends, key, key=itemgetter(0))
        return place > 0 and self._ends[place - 1][1] >= key


def shown_again(runs: QuerySet[IntakeRun], keys: Sequence[int]) -> Ranges:
    """Of lines between these keys, those that these runs have shown again."""
    if not keys:
        return Ranges([])
    found = SeenAgain.objects.filter(run__in=runs, first__lte=max(keys), last__gte=min(keys))
    return Ranges(found.values_list("first", "last"))


def counted_occurrences(connector: int, digests: Iterable[str], *, without: int = 0) -> dict[str, int]:
    """How many identical lines of each digest the runs that stand have shown; `without` as above."""
    found: dict[str, int] = defaultdict(int)
    wanted = sorted(digests)
    runs = IntakeRun.objects.filter(connector=connector, withdrawal=None).exclude(pk=without)
    for start in range(0, len(wanted), BATCH):
        lines = MirrorLine.objects.filter(connector=connector, digest__in=wanted[start : start + BATCH])
        shown = list(lines.values_list("pk", "digest", "occurrence", "run", "run__withdrawal"))
        again = shown_again(runs, [key for key, *_ in shown])
        for key, digest, occurrence, run, withdrawal in shown:
            if (not withdrawal and run != without) or key in again:
                found[digest] = max(occurrence, found[digest])
    return found


def withdrawal_facts(withdrawal: RunWithdrawal) -> dict[str, Any]:
    """As its entry has them."""
    return {
        "run": withdrawal.pk,
        "person_id": withdrawal.person_id,
        "person_name": withdrawal.person_name,
        "at": _stamp(withdrawal.at),
        "reason": withdrawal.reason,
        "entry_seq": withdrawal.entry_seq,
    }


# -- readings of the endpoint -----------------------------------------------------------------------------------------


def keep_reading(begun: Begun, brought: Brought, covered: Stretch, until: datetime | None, ended_at: datetime) -> None:
    """One reading, which covers `covered`; the ones before cover the time up to `until`, None when there is none."""
    there = OpenRun.objects.filter(connector=begun.connector).first()
    # What was cut off, or begins earlier, says more than that the time since the last reading is covered.
    if until is None or brought or covered[0] != until:
        _close(begun, brought, there, [covered], ended_at)
        return
    open_ = there or OpenRun(
        connector=begun.connector,
        since=until,
        until=until,
        began_at=begun.at,
        readings=0,
        head_seq=begun.head.seq,
        head_hash=begun.head.hash,
    )
    open_.until = max(open_.until, covered[1])
    open_.readings, open_.ended_at = open_.readings + 1, ended_at
    if open_.until - open_.since >= LONGEST_OPEN:
        _close(begun, brought, open_, [], ended_at)
    else:
        open_.save()


def _close(begun: Begun, brought: Brought, open_: OpenRun | None, covered: list[Stretch], ended_at: datetime) -> None:
    covers, readings = covered, len(covered)
    if open_:
        covers, readings = joined([(open_.since, open_.until), *covered]), open_.readings + len(covered)
    run = _keep(
        begun,
        brought,
        covers,
        began_at=open_.began_at if open_ else begun.at,
        ended_at=ended_at,
        readings=readings,
    )
    if open_ and open_.pk:
        open_.delete()
    trail.record(
        AuditRecord(
            action=LOG_READ,
            actor=None,
            context=context_of(begun.connector),
            subject=begun.connector.config_name,
            sentence=_sentence(run),
            data={"run": as_data(run, brought)},
        )
    )


T = TypeVar("T", int, datetime)


def joined(found: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """Stretches that touch as one."""
    joined: list[tuple[T, T]] = []
    for since, until in sorted(found):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until)
        else:
            joined.append((since, until))
    return joined


def _sentence(run: IntakeRun) -> str:
    parts = [f"Align's audit log read {run.readings} {'time' if run.readings == 1 else 'times'}: {run.lines} new"]
    if run.seen_again:
        parts.append(f", {run.seen_again} that were pasted or uploaded before")
    covered = " and ".join(
        f"{since:%-d %b %Y, %H:%M:%S} to {until:%-d %b %Y, %H:%M:%S}" for since, until, _ in stretches(run)
    )
    return "".join(parts) + f". Covered: {covered} UTC."


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()

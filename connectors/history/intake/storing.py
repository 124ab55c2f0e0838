"""Stores the lines of an intake that are new, pairs them with our changes, and says what came of it.

Lines are counted, not matched by id: identical lines (same four columns, to the second) are as many as the fullest
intake showed. So an overlap of any two intakes neither loses nor doubles a line.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from alignadmin.audit.bulk_insert import insert
from connectors.align.audit_sentences import parse
from connectors.history.intake import minutes, withdrawals
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.pasted_log import LogLine
from connectors.history.intake.runs import Begun, Brought
from connectors.history.mirror import case_lifecycle, labels, matching, projection
from connectors.models import Intake, IntakeRun, MirrorLine
from connectors.models.connector import Connector

BATCH = 500
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line that could not be read: its number in what was sent, and why."""

    number: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class IntakeResult:
    """What one intake brought. `raw` counts the new lines that no grammar reads, `bad` names those not even split.

    `refused` are those whose time is in no listed form, or that are too long: named and not kept, to be sent again.
    """

    read: int
    new: int
    known: int
    raw: int
    bad: tuple[BadLine, ...]
    paired: int
    outside: int
    sentence: str
    refused: tuple[BadLine, ...] = ()
    left_out: int = 0  # lines of other connectors
    back: int = 0  # of the known ones: they had been withdrawn, and count again
    run: int = 0  # 0 while a reading of the endpoint has brought nothing
    since: datetime | None = None  # the time of the oldest line that was read


@dataclass(frozen=True, kw_only=True)
class StoredIntake:
    """What an intake tells people, and what its run keeps."""

    result: IntakeResult
    brought: Brought


def store(begun: Begun, lines: Sequence[LogLine], now: datetime) -> StoredIntake:
    connector = begun.connector
    taken = _taken(connector, lines)
    compared = _compare(connector, taken, begun.intake)
    made = insert([_mirrored(begun, line, digest, nth, now) for line, digest, nth in compared.fresh])
    minutes.keep((line, stored) for (line, _, _), stored in zip(compared.fresh, made, strict=True))
    back = withdrawals.count_again(connector, compared.counts)
    shown = projection.of_lines(connector, [*made, *back])
    if learned := labels.learn(connector, shown):
        shown = projection.of_lines(connector, [*made, *back])
    insert([row for row in shown if not row.match])
    matchable = [row for row in shown if row.match]
    joined = matching.pair_lines(
        connector, {row.match for row in matchable}, matchable, matching.around(row.at for row in matchable)
    )
    case_lifecycle.close_returned(connector, [line.pk for line in back])
    bad, refused = _unreadable(taken), _unreadable(line for line in lines if line.is_refused)
    raw = sum(not row.parsed for row in shown)
    result = IntakeResult(
        read=len(lines),
        new=len(made),
        known=len(taken) - len(made),
        raw=raw,
        bad=bad,
        paired=joined.paired,
        outside=joined.outside,
        sentence=_summary(len(taken), len(made), len(back), raw, bad, refused) + _learned(learned),
        refused=refused,
        back=len(back),
        run=begun.number,
        since=min((line.at for line in taken if line.at), default=None),
    )
    return StoredIntake(result=result, brought=Brought(lines=made, seen_again=compared.again))


@dataclass(frozen=True, kw_only=True)
class IntakeCount:
    """What an intake of lines would bring, as far as can be told before it."""

    read: int
    new: int
    known: int
    raw: int
    bad: tuple[BadLine, ...]
    refused: tuple[BadLine, ...]


def count(connector: Connector, lines: Sequence[LogLine]) -> IntakeCount:
    """By the same comparison as `store`, which stores nothing here."""
    taken = _taken(connector, lines)
    fresh = _compare(connector, taken, Intake.PASTE).fresh
    return IntakeCount(
        read=len(lines),
        new=len(fresh),
        known=len(taken) - len(fresh),
        raw=sum(line.at is None or parse(line.description, line.type).event is None for line, _, _ in fresh),
        bad=_unreadable(taken),
        refused=_unreadable(line for line in lines if line.is_refused),
    )


def _taken(connector: Connector, lines: Sequence[LogLine]) -> list[LogLine]:
    taken = [line for line in lines if not line.is_refused]
    return minutes.with_known_seconds(connector, taken, lambda asked: _places_here(connector, asked))


def _places_here(connector: Connector, lines: Iterable[LogLine]) -> set[int]:
    digests = [digest_of(line) for line in lines]
    stored = stored_lines(connector, set(digests)) if digests else {}
    return {place for place, digest in enumerate(digests) if digest in stored}


def _unreadable(lines: Iterable[LogLine]) -> tuple[BadLine, ...]:
    return tuple(BadLine(number=line.number, problem=line.problem) for line in lines if line.problem)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was shown, beside what is stored.

    `fresh` are lines that are more than are stored, each with its digest and which of the identical ones it is;
    `again`, of those digests of which none is more, the keys of the stored ones; `counts`, how often each was shown.
    """

    fresh: Sequence[tuple[LogLine, str, int]]
    again: Sequence[int]
    counts: Mapping[str, int]


def _compare(connector: Connector, lines: Sequence[LogLine], intake: Intake) -> Compared:
    by_digest: dict[str, list[LogLine]] = defaultdict(list)
    for line in lines:
        by_digest[digest_of(line)].append(line)
    stored, seen = stored_lines(connector, by_digest), _remote_ids(connector, lines)
    fresh: list[tuple[LogLine, str, int]] = []
    again: list[KnownLines] = []
    for digest, identical in by_digest.items():
        there = stored[digest]
        # Those with an id that is stored already come first: they are the ones that are known.
        identical.sort(key=lambda line: (line.remote_id not in seen, line.remote_id or 0))
        more = [(line, digest, nth) for nth, line in enumerate(identical, 1) if nth not in there]
        fresh += more
        if not more:
            again += [there[nth] for nth in range(1, len(identical) + 1)]
    if intake == Intake.ENDPOINT:
        again = _not_read_before(connector, again, stored)
    return Compared(
        fresh=sorted(fresh, key=lambda item: (item[0].at or LAST, item[0].remote_id or item[0].number)),
        again=[known.key for known in again],
        counts={digest: len(identical) for digest, identical in by_digest.items()},
    )


def _not_read_before(
    connector: Connector, again: Sequence[KnownLines], stored: Mapping[str, Mapping[int, KnownLines]]
) -> list[KnownLines]:
    """Those that the endpoint shows for the first time, since each of its readings overlaps the one before."""
    by_hand = [known for known in again if not _is_read(known, stored[known.digest])]
    runs = IntakeRun.objects.filter(connector=connector, intake=Intake.ENDPOINT)
    before = intake_runs.shown_again(runs, [known.key for known in by_hand])
    return [known for known in by_hand if known.key not in before]


def _is_read(known: KnownLines, identical: Mapping[int, KnownLines]) -> bool:
    return any(each.intake == Intake.ENDPOINT and each.occurrence >= known.occurrence for each in identical.values())


def digest_of(line: LogLine) -> str:
    """Of the four columns, times to the second and runs of spaces as one; of the raw line where they are not known."""
    if line.at is None:
        parts = ["raw", line.raw]
    else:
        at = line.at.astimezone(UTC).replace(microsecond=0).isoformat()
        parts = [at, *(" ".join(part.split()) for part in (line.type, line.user, line.description))]
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in encoded)).hexdigest()


class KnownLines(NamedTuple):
    """A line that is here."""

    key: int
    digest: str
    occurrence: int
    intake: str


def stored_lines(connector: Connector, digests: Iterable[str]) -> Mapping[str, Mapping[int, KnownLines]]:
    """The lines of these digests that are here, by digest and number."""
    found: dict[str, dict[int, KnownLines]] = defaultdict(dict)
    wanted = list(digests)
    for start in range(0, len(wanted), BATCH):
        stored = MirrorLine.objects.filter(connector=connector, digest__in=wanted[start : start + BATCH])
        for known in map(KnownLines._make, stored.values_list("pk", "digest", "occurrence", "intake")):
            found[known.digest][known.occurrence] = known
    return found


def _remote_ids(connector: Connector, lines: Sequence[LogLine]) -> set[int]:
    ids = [line.remote_id for line in lines if line.remote_id is not None]
    if not ids:
        return set()
    stored = MirrorLine.objects.filter(connector=connector, remote_id__isnull=False)
    times = [line.at for line in lines if line.at]
    return {number for number in stored.filter(at__gte=min(times)).values_list("remote_id", flat=True) if number}


def _mirrored(begun: Begun, line: LogLine, digest: str, occurrence: int, now: datetime) -> MirrorLine:
    return MirrorLine(
        connector=begun.connector,
        remote_id=line.remote_id,
        type=projection.safe(line.type)[:200],
        user=projection.safe(line.user)[:320],
        at=line.at or now,
        description=projection.safe(line.description if line.at else line.raw),
        digest=digest,
        occurrence=occurrence,
        intake=begun.intake,
        run_id=begun.number,
    )


def _summary(taken: int, new: int, back: int, raw: int, bad: Sequence[BadLine], refused: Sequence[BadLine]) -> str:
    read = taken + len(refused)
    parts = [f"{read} {'line' if read == 1 else 'lines'} read, {new} new, {taken - new} already here."]
    if back:
        parts.append(f"{back} of those had been withdrawn and {'counts' if back == 1 else 'count'} again.")
    if raw:
        parts.append(f"{raw} of the new ones could not be read as mapping changes and are kept as they are.")
    if bad:
        parts.append(f"Kept as they are: {_listed(bad)}.")
    if refused:
        parts.append(
            f"Refused: {_listed(refused)}. Put these right and send them again; until then this part of the log counts "
            "as not covered."
        )
    return " ".join(parts)


def _learned(terms: Sequence[str]) -> str:
    named = ", ".join(f"“{term}”" for term in terms)
    return f" Learned what {named} means; the connector's page says so." if terms else ""


def _listed(lines: Sequence[BadLine]) -> str:
    named = "; ".join(f"line {line.number}: {line.problem}" for line in lines[:10])
    return named + (f"; and {len(lines) - 10} more" if len(lines) > 10 else "")

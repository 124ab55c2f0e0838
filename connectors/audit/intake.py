"""Taking Align's audit log in: from the connector's endpoint where it answers, else pasted or uploaded.

Lines are counted, not matched by id: identical lines (same four columns, to the second) are as many as the fullest
intake showed. So an overlap of any two intakes neither loses nor doubles a line.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connectors.align.errors import NotFound
from connectors.align.resources import AuditLine
from connectors.audit import case_book, gaps, intake_runs, join, labels, paste_times, rows, trail, withdrawals
from connectors.audit.columns import DayOrder, Hour, LogLine, read_lines
from connectors.audit.inserting import insert
from connectors.audit.intake_runs import Begun, Brought
from connectors.audit.models import Intake, IntakeRun, MirrorLine
from connectors.models.connector import AuditSource, Connector
from connectors.models.person import Person

BATCH = 500
LAST = datetime.max.replace(tzinfo=UTC)
Clock = Callable[[], datetime]
# Told of each intake that read something, and the time of its oldest line: also of one that is here already, as whoever
# brought it may have been killed before this was told. The mappings app registers its own, since nothing here may know
# it.
AFTER_INTAKE: list[Callable[[Connector, datetime], object]] = []


class LogReader(Protocol):
    """The part of the Align client that an intake needs."""

    def audit_log(self, *, since: datetime | None = None) -> Sequence[AuditLine]: ...


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
    back: int = 0  # of the known ones: they had been withdrawn, and count again
    run: int = 0  # 0 while a reading of the endpoint has brought nothing
    since: datetime | None = None  # the time of the oldest line that was read


def overlap() -> timedelta:
    """How far behind the newest line each pull starts, for lines that Align wrote late."""
    return timedelta(seconds=settings.AUDIT_OVERLAP)


# -- from the endpoint ------------------------------------------------------------------------------------------------


def pull(connector: Connector, client: LogReader, *, clock: Clock = timezone.now) -> IntakeResult:
    """Read what is new since the newest line that the endpoint gave. Errors other than NotFound are the caller's.

    After an outage of whatever length this brings what was missed, and closes the gap.
    """
    since, began = _cursor(connector), clock()
    try:
        answered = client.audit_log(since=since)
    except NotFound:
        return _no_endpoint(connector)
    lines = [
        LogLine(
            number=0,
            raw=line.description,
            type=line.type,
            user=line.user,
            at=line.timestamp,
            description=line.description,
            remote_id=line.id,
        )
        for line in answered
    ]
    with transaction.atomic():
        begun = intake_runs.begin(connector, Intake.ENDPOINT, at=began)
        covered_from = min(_reaches_back_to(connector, since, lines, began), began)
        until = gaps.pulled_until(connector)
        stored = _store(begun, lines, clock())
        # What is written while Align answers may be missing in the answer.
        _cover(connector, covered_from, began, Intake.ENDPOINT)
        _mark(connector, clock(), AuditSource.ENDPOINT)
        intake_runs.keep_reading(begun, stored.brought, (covered_from, began), until, clock())
    _tell(connector, stored.result)
    return stored.result


def _cursor(connector: Connector) -> datetime | None:
    """The cursor is the newest stored line itself, so it cannot part from the rows; None reads the whole log.

    A line from the future does not make the next pull start there: it never starts later than the last one ended.
    """
    until = gaps.pulled_until(connector)
    newest = _newest(connector)
    if until is None:
        return None
    return min(until, newest.at if newest else until) - overlap()


def _newest(connector: Connector) -> MirrorLine | None:
    lines = MirrorLine.objects.filter(connector=connector, intake=Intake.ENDPOINT)
    return lines.order_by("-at", "-pk").first()


def _reaches_back_to(
    connector: Connector, since: datetime | None, lines: Sequence[LogLine], began: datetime
) -> datetime:
    """From when on this answer is the whole log. One without the newest line we have was cut off by Align."""
    first = min((line.at for line in lines if line.at), default=began)
    until = gaps.pulled_until(connector)
    if since is None or until is None:
        return min(first, connector.created_at)
    newest = _newest(connector)
    is_whole = newest is None or any(digest_of(line) == newest.digest for line in lines)
    return until if is_whole else first


def _cover(connector: Connector, since: datetime, until: datetime, intake: Intake) -> None:
    if not gaps.is_covered_at_all(connector):
        case_book.open_missing(connector)  # lines may have come in before there were cases
    gaps.cover(connector, since, until, intake)


def _no_endpoint(connector: Connector) -> IntakeResult:
    Connector.objects.filter(pk=connector.pk).update(audit_source=AuditSource.NONE)
    connector.audit_source = AuditSource.NONE
    return IntakeResult(read=0, new=0, known=0, raw=0, bad=(), paired=0, outside=0, sentence=why_no_endpoint(connector))


def endpoint_of(connector: Connector) -> str:
    return f"{connector.align_site}/rest/align/api/2/connectors/{connector.align_connector_id}/auditlog"


def why_no_endpoint(connector: Connector) -> str:
    return (
        f"This Jira Align does not answer at {endpoint_of(connector)}, which its maker does not document: "
        "paste or upload the lines of its audit log."
    )


# -- pasted and uploaded ----------------------------------------------------------------------------------------------


def take_in(
    connector: Connector,
    text: str,
    *,
    intake: Intake,
    actor: Person,
    order: DayOrder | None = None,
    hour: Hour | None = None,
    zone: str = "",
    clock: Clock = timezone.now,
) -> IntakeResult:
    """Take in the four columns; `zone` is that of their times, if somebody has said so.

    Raises columns.AskDayOrder, paste_times.AskZone or paste_times.AskHour rather than guess.
    """
    lines, now = read_lines(text, ZoneInfo(zone or connector.time_zone), order), clock()
    if not zone:
        paste_times.check_zone(connector, lines)
    lines = paste_times.decide_hours(connector, lines, zone or connector.time_zone, hour, _is_here(connector, lines))
    stretch = _stretch(connector, lines)
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    with transaction.atomic():
        begun = intake_runs.begin(connector, intake, at=now, actor=actor, text_sha256=sha256)
        stored = _store(begun, lines, now)
        result = stored.result
        if stretch:
            _cover(connector, *stretch, intake)
        _mark(connector, now, None)
        run = intake_runs.keep(begun, stored.brought, [stretch] if stretch else [], ended_at=clock())
        trail.append(
            trail.LOG_TAKEN_IN,
            actor=actor,
            connector=connector,
            subject=connector.config_name,
            sentence=f"Lines of Align's audit log {Intake(intake).label}. {result.sentence}",
            data={
                "sha256": sha256,
                "zone": zone or connector.time_zone,
                "read": result.read,
                "new": result.new,
                "known": result.known,
                "kept_raw": [line.number for line in result.bad][:1000],
                "refused": [line.number for line in result.refused][:1000],
                "covers": [at.isoformat() for at in stretch or ()],
                "run": intake_runs.as_data(run, stored.brought),
            },
        )
    _tell(connector, result)
    return result


def _is_here(connector: Connector, lines: Sequence[LogLine]) -> Callable[[LogLine], bool]:
    """Asked of the lines that may be of either of two hours."""
    unsure = [line for line in lines if line.other]
    readings = [*unsure, *(replace(line, at=line.other) for line in unsure)]
    stored = _stored(connector, {digest_of(line) for line in readings}) if readings else {}
    return lambda line: digest_of(line) in stored


def _stretch(connector: Connector, lines: Sequence[LogLine]) -> tuple[datetime, datetime] | None:
    """From this connector's first line to its last; None while some of them have to be sent again."""
    own = connector.config_name.casefold()
    times = [line.at for line in lines if line.at and line.type.casefold() == own]
    return (min(times), max(times)) if times and not any(line.is_refused for line in lines) else None


def _tell(connector: Connector, result: IntakeResult) -> None:
    """After the commit: what is found is written under locks of its own."""
    if result.since:
        for hear in AFTER_INTAKE:
            hear(connector, result.since)


def _mark(connector: Connector, now: datetime, source: AuditSource | None) -> None:
    connector.intake_at = now
    connector.audit_source = source or connector.audit_source
    Connector.objects.filter(pk=connector.pk).update(intake_at=now, audit_source=connector.audit_source)


# -- storing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What an intake tells people, and what its run keeps."""

    result: IntakeResult
    brought: Brought


def _store(begun: Begun, lines: Sequence[LogLine], now: datetime) -> Stored:
    connector = begun.connector
    taken = [line for line in lines if not line.is_refused]
    compared = _compared(begun, taken)
    made = insert([_mirrored(begun, line, digest, nth, now) for line, digest, nth in compared.fresh])
    back = withdrawals.count_again(connector, compared.counts)
    shown = rows.of_lines(connector, [*made, *back])
    if learned := labels.learn(connector, shown):
        shown = rows.of_lines(connector, [*made, *back])
    insert([row for row in shown if not row.match])
    told = [row for row in shown if row.match]
    joined = join.settle(connector, {row.match for row in told}, told, join.around(row.at for row in told))
    case_book.close_returned(connector, [line.pk for line in back])
    bad, refused = _bad(taken), _bad(line for line in lines if line.is_refused)
    raw = sum(not row.parsed for row in shown)
    result = IntakeResult(
        read=len(lines),
        new=len(made),
        known=len(taken) - len(made),
        raw=raw,
        bad=bad,
        paired=joined.paired,
        outside=joined.outside,
        sentence=_told(len(taken), len(made), len(back), raw, bad, refused) + _learned(learned),
        refused=refused,
        back=len(back),
        run=begun.number,
        since=min((line.at for line in taken if line.at), default=None),
    )
    return Stored(result=result, brought=Brought(lines=made, seen_again=compared.again))


def _bad(lines: Iterable[LogLine]) -> tuple[BadLine, ...]:
    return tuple(BadLine(number=line.number, problem=line.problem) for line in lines if line.problem)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was shown, beside what is stored.

    `fresh` are lines that are more than are stored, each with its digest and which of the identical ones it is;
    `again`, of those looks of which none is more, the keys of the stored ones; `counts`, how often each was shown.
    """

    fresh: Sequence[tuple[LogLine, str, int]]
    again: Sequence[int]
    counts: Mapping[str, int]


def _compared(begun: Begun, lines: Sequence[LogLine]) -> Compared:
    by_digest: dict[str, list[LogLine]] = defaultdict(list)
    for line in lines:
        by_digest[digest_of(line)].append(line)
    stored, seen = _stored(begun.connector, by_digest), _remote_ids(begun.connector, lines)
    fresh: list[tuple[LogLine, str, int]] = []
    again: list[Known] = []
    for digest, identical in by_digest.items():
        there = stored[digest]
        # Those with an id that is stored already come first: they are the ones that are known.
        identical.sort(key=lambda line: (line.remote_id not in seen, line.remote_id or 0))
        more = [(line, digest, nth) for nth, line in enumerate(identical, 1) if nth not in there]
        fresh += more
        if not more:
            again += [there[nth] for nth in range(1, len(identical) + 1)]
    if begun.intake == Intake.ENDPOINT:
        again = _not_read_before(begun.connector, again, stored)
    return Compared(
        fresh=sorted(fresh, key=lambda item: (item[0].at or LAST, item[0].remote_id or item[0].number)),
        again=[known.key for known in again],
        counts={digest: len(identical) for digest, identical in by_digest.items()},
    )


def _not_read_before(
    connector: Connector, again: Sequence[Known], stored: Mapping[str, Mapping[int, Known]]
) -> list[Known]:
    """Those that the endpoint shows for the first time, since each of its readings overlaps the one before."""
    by_hand = [known for known in again if not _is_read(known, stored[known.digest])]
    runs = IntakeRun.objects.filter(connector=connector, intake=Intake.ENDPOINT)
    before = intake_runs.shown_again(runs, [known.key for known in by_hand])
    return [known for known in by_hand if known.key not in before]


def _is_read(known: Known, identical: Mapping[int, Known]) -> bool:
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


class Known(NamedTuple):
    """A line that is here."""

    key: int
    digest: str
    occurrence: int
    intake: str


def _stored(connector: Connector, digests: Iterable[str]) -> Mapping[str, Mapping[int, Known]]:
    """The lines of these digests that are here, by digest and number."""
    found: dict[str, dict[int, Known]] = defaultdict(dict)
    wanted = list(digests)
    for start in range(0, len(wanted), BATCH):
        stored = MirrorLine.objects.filter(connector=connector, digest__in=wanted[start : start + BATCH])
        for known in map(Known._make, stored.values_list("pk", "digest", "occurrence", "intake")):
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
        type=rows.safe(line.type)[:200],
        user=rows.safe(line.user)[:320],
        at=line.at or now,
        description=rows.safe(line.description if line.at else line.raw),
        digest=digest,
        occurrence=occurrence,
        intake=begun.intake,
        run_id=begun.number,
    )


def _told(taken: int, new: int, back: int, raw: int, bad: Sequence[BadLine], refused: Sequence[BadLine]) -> str:
    read = taken + len(refused)
    parts = [f"{read} {'line' if read == 1 else 'lines'} read, {new} new, {taken - new} already here."]
    if back:
        parts.append(f"{back} of those had been withdrawn and {'counts' if back == 1 else 'count'} again.")
    if raw:
        parts.append(f"{raw} of the new ones could not be read as mapping changes and are kept as they are.")
    if bad:
        parts.append(f"Kept as they are: {_named(bad)}.")
    if refused:
        parts.append(
            f"Refused: {_named(refused)}. Put these right and send them again; until then this part of the log counts "
            "as not covered."
        )
    return " ".join(parts)


def _learned(terms: Sequence[str]) -> str:
    named = ", ".join(f"“{term}”" for term in terms)
    return f" Learned what {named} means; the connector's page says so." if terms else ""


def _named(lines: Sequence[BadLine]) -> str:
    named = "; ".join(f"line {line.number}: {line.problem}" for line in lines[:10])
    return named + (f"; and {len(lines) - 10} more" if len(lines) > 10 else "")

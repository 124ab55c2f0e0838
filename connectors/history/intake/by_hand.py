"""Lines of Align's log that a person brings: read, told what they are, and stored once somebody says so.

Lines of other connectors never go in by the way: each goes to its own connector where that is here and was chosen, or
is left out. Nothing of them counts as covered for the one they were brought for.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.align.audit_times import DayOrder
from connectors.history.intake import intake as endpoint
from connectors.history.intake import paste_times
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.intake import Clock
from connectors.history.intake.pasted_log import Hour, LogLine, LogReading, OwnType, read_log, why_unreadable
from connectors.history.intake.storing import IntakeCount, IntakeResult, count, digest_of, store, stored_lines
from connectors.models import Intake
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_TAKEN_IN, context_of

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a person has said about the lines; nothing: it is found out, or asked."""

    order: DayOrder | None = None
    hour: Hour | None = None
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class OtherLines:
    """Lines that name another connector; `connector` is None where none with this number is here for this site."""

    config_id: int
    connector: Connector | None
    lines: Sequence[LogLine]

    @property
    def config_name(self) -> str:
        return f"CONFIG {self.config_id}"


@dataclass(frozen=True, kw_only=True)
class PreparedIntake:
    """Lines that are read and not stored. `lines` are those of `connector`, and those that name none."""

    connector: Connector
    text_sha256: str
    reading: LogReading
    lines: Sequence[LogLine]
    others: Sequence[OtherLines]
    data: dict[str, str] = field(default_factory=dict)  # of the file, for the entry

    @property
    def stretches(self) -> Sequence[Stretch]:
        return stretches_of(self.connector, self.lines)

    @property
    def count(self) -> IntakeCount:
        return count(self.connector, self.lines)

    @property
    def first(self) -> Sequence[LogLine]:
        """The first that could be read, to be looked at."""
        return [line for line in self.lines if line.at][:5]


class AlreadyImported(Exception):
    """These lines were confirmed before: a second click, or a second window."""


def prepare(connector: Connector, text: str, options: ReadOptions) -> PreparedIntake:
    """Read, without storing anything.

    Raises AskDayOrder, AskZone or AskHour rather than guess, and Refused where no line of it can be read.
    """
    zone = options.zone or connector.time_zone
    reading = read_log(
        text, ZoneInfo(zone), options.order, own_type=_own_type(connector), zone_is_said=bool(options.zone)
    )
    if not reading.is_readable:
        raise Refused(
            "Not one line of it could be read as a line of Align's audit log, so nothing was imported: "
            f"{why_unreadable(reading.lines)}."
        )
    own, others = _by_connector(connector, reading.lines)
    groups = [(connector, own), *((each.connector, each.lines) for each in others if each.connector)]
    if not options.zone:
        for owner, lines in groups:
            paste_times.check_zone(owner, lines, reading.zone)
    return PreparedIntake(
        connector=connector,
        text_sha256=sha256_of(text),
        reading=reading,
        lines=_decided(connector, own, reading.zone, options.hour),
        others=[
            replace(each, lines=_decided(each.connector, each.lines, reading.zone, options.hour))
            if each.connector
            else each
            for each in others
        ],
    )


def _own_type(connector: Connector) -> OwnType:
    """Of lines without a type column: as Align called the connector at their time."""
    return lambda at: f"CONFIG {connector.number_at(at)}"


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _by_connector(connector: Connector, lines: Iterable[LogLine]) -> tuple[list[LogLine], list[OtherLines]]:
    """Those of this connector or of none, and those of others by their numbers; connectors of one site only.

    A number that a connector had before it was made anew is its own.
    """
    own: list[LogLine] = []
    strange: dict[int, list[LogLine]] = defaultdict(list)
    for line in lines:
        named = line.config_id
        (own if named is None or named in connector.numbers else strange[named]).append(line)
    of_site = Connector.objects.filter(align_site=connector.align_site) if strange else Connector.objects.none()
    known = {number: each for each in of_site for number in each.numbers}
    return own, [
        OtherLines(config_id=number, connector=known.get(number), lines=strange[number]) for number in sorted(strange)
    ]


def _decided(connector: Connector, lines: Sequence[LogLine], zone: str, hour: Hour | None) -> list[LogLine]:
    return paste_times.decide_hours(connector, lines, zone, hour, _is_here(connector, lines))


def _is_here(connector: Connector, lines: Sequence[LogLine]) -> Callable[[LogLine], bool]:
    """Asked of the lines that may be of either of two hours."""
    unsure = [line for line in lines if line.other]
    readings = [*unsure, *(replace(line, at=line.other) for line in unsure)]
    stored = stored_lines(connector, {digest_of(line) for line in readings}) if readings else {}
    return lambda line: digest_of(line) in stored


def stretches_of(connector: Connector, lines: Sequence[LogLine]) -> list[Stretch]:
    """From this connector's first line to its last; none while some of them have to be sent again.

    Of a connector that was made anew they are of several logs, each of which tells nothing of the other's time.
    """
    if any(line.is_refused for line in lines):
        return []
    times: dict[int, list[datetime]] = defaultdict(list)
    for line in lines:
        if line.at and line.config_id in connector.numbers:
            times[line.config_id].append(line.at)
    return sorted(found for number, ats in times.items() if (found := _within_term(connector, number, ats)))


def _within_term(connector: Connector, number: int, times: Sequence[datetime]) -> Stretch | None:
    since, until = connector.term_of(number)
    first = max(min(times), since) if since else min(times)
    last = min(max(times), until) if until else max(times)
    return (first, last) if first <= last else None


# -- storing ----------------------------------------------------------------------------------------------------------


def keep(
    prepared: PreparedIntake,
    *,
    intake: Intake,
    actor: Person,
    also: Collection[Connector] = (),
    claim: Callable[[], None] = lambda: None,
    done: Callable[[IntakeResult], None] = lambda _: None,
    clock: Clock = timezone.now,
) -> IntakeResult:
    """Store the lines of the connector, and of those in `also`, all or nothing. The result is the connector's own.

    `claim` begins the transaction and `done` ends it: whoever waits for the same lines finds them taken.
    """
    now = clock()
    groups = [(prepared.connector, prepared.lines)] if prepared.lines else []
    groups += [(each.connector, each.lines) for each in prepared.others if each.connector in also and each.connector]
    if not groups:
        raise Refused(
            f"None of these lines is of {prepared.connector.config_name}, so nothing was imported. Choose another "
            "connector to import them for."
        )
    with transaction.atomic():
        claim()
        # Before the head of the history, as whoever makes a plan: in the other order the two would wait for each other.
        list(Connector.objects.locked().filter(pk__in=[owner.pk for owner, _ in groups]).order_by("pk"))
        results = [
            (owner, _keep_one(prepared, owner, lines, intake=intake, actor=actor, now=now, clock=clock))
            for owner, lines in groups
        ]
        told = _told(prepared, results)
        done(told)
    for owner, result in results:
        endpoint.notify_extensions(owner, result)
    return told


def _keep_one(
    prepared: PreparedIntake,
    connector: Connector,
    lines: Sequence[LogLine],
    *,
    intake: Intake,
    actor: Person,
    now: datetime,
    clock: Clock,
) -> IntakeResult:
    stretches = stretches_of(connector, lines)
    begun = intake_runs.begin(connector, intake, at=now, actor=actor, text_sha256=prepared.text_sha256)
    stored = store(begun, lines, now)
    result = stored.result
    for since, until in stretches:
        endpoint.cover(connector, since, until, intake)
    endpoint.mark(connector, now, None)
    run = intake_runs.keep(begun, stored.brought, stretches, ended_at=clock())
    strange = prepared.others if connector == prepared.connector else []
    trail.record(
        AuditRecord(
            action=LOG_TAKEN_IN,
            actor=actor,
            context=context_of(connector),
            subject=connector.config_name,
            sentence=f"Lines of Align's audit log {Intake(intake).label}. {result.sentence}",
            data={
                "sha256": prepared.text_sha256,
                "zone": prepared.reading.zone,
                "read": result.read,
                "new": result.new,
                "known": result.known,
                "kept_raw": [line.number for line in result.bad][:1000],
                "refused": [line.number for line in result.refused][:1000],
                "covers": [at.isoformat() for stretch in stretches for at in stretch],
                "run": intake_runs.as_data(run, stored.brought),
                **({"of_other_connectors": {each.config_name: len(each.lines) for each in strange}} if strange else {}),
                **({"file": prepared.data} if prepared.data else {}),
            },
        )
    )
    return result


def _told(prepared: PreparedIntake, results: Sequence[tuple[Connector, IntakeResult]]) -> IntakeResult:
    """The connector's own result, with what became of the lines of others; of one of those where it has none itself."""
    own = next((result for owner, result in results if owner == prepared.connector), None)
    sentences = [own.sentence] if own else []
    taken = {owner.pk: result for owner, result in results if owner != prepared.connector}
    left_out = 0
    for each in prepared.others:
        if each.connector and each.connector.pk in taken:
            sentences.append(f"For {each.connector.name} ({each.config_name}): {taken[each.connector.pk].sentence}")
        else:
            left_out += len(each.lines)
            sentences.append(f"{counted(len(each.lines), 'line')} of {each.config_name} left out.")
    base = own or replace(results[0][1], read=0, new=0, known=0, raw=0, bad=(), refused=(), back=0)
    return replace(base, sentence=" ".join(sentences), left_out=left_out)

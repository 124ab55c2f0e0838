"""Taking Align's audit log in: from the connector's endpoint where it answers, else pasted or uploaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.errors import NotFound
from connectors.align.resources import AuditLine
from connectors.history.intake import gaps, paste_times
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.pasted_log import DayOrder, Hour, LogLine, read_lines
from connectors.history.intake.storing import IntakeResult, digest_of, store, stored_lines
from connectors.history.mirror import case_lifecycle
from connectors.models import Intake, MirrorLine
from connectors.models.connector import AuditSource, Connector
from connectors.ports.audited import LOG_TAKEN_IN, context_of
from connectors.ports.extensions import extensions

Clock = Callable[[], datetime]


class LogReader(Protocol):
    """The part of the Align client that an intake needs."""

    def audit_log(self, *, since: datetime | None = None) -> Sequence[AuditLine]: ...


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
        stored = store(begun, lines, clock())
        # What is written while Align answers may be missing in the answer.
        _cover(connector, covered_from, began, Intake.ENDPOINT)
        _mark(connector, clock(), AuditSource.ENDPOINT)
        intake_runs.keep_reading(begun, stored.brought, (covered_from, began), until, clock())
    _notify_extensions(connector, stored.result)
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
        case_lifecycle.open_missing(connector)  # lines may have come in before there were cases
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
        stored = store(begun, lines, now)
        result = stored.result
        if stretch:
            _cover(connector, *stretch, intake)
        _mark(connector, now, None)
        run = intake_runs.keep(begun, stored.brought, [stretch] if stretch else [], ended_at=clock())
        trail.record(
            AuditRecord(
                action=LOG_TAKEN_IN,
                actor=actor,
                context=context_of(connector),
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
        )
    _notify_extensions(connector, result)
    return result


def _is_here(connector: Connector, lines: Sequence[LogLine]) -> Callable[[LogLine], bool]:
    """Asked of the lines that may be of either of two hours."""
    unsure = [line for line in lines if line.other]
    readings = [*unsure, *(replace(line, at=line.other) for line in unsure)]
    stored = stored_lines(connector, {digest_of(line) for line in readings}) if readings else {}
    return lambda line: digest_of(line) in stored


def _stretch(connector: Connector, lines: Sequence[LogLine]) -> tuple[datetime, datetime] | None:
    """From this connector's first line to its last; None while some of them have to be sent again."""
    own = connector.config_name.casefold()
    times = [line.at for line in lines if line.at and line.type.casefold() == own]
    return (min(times), max(times)) if times and not any(line.is_refused for line in lines) else None


def _notify_extensions(connector: Connector, result: IntakeResult) -> None:
    """After the commit: what is found is written under locks of its own."""
    if result.since:
        extensions().after_intake(connector, result.since)


def _mark(connector: Connector, now: datetime, source: AuditSource | None) -> None:
    connector.intake_at = now
    connector.audit_source = source or connector.audit_source
    Connector.objects.filter(pk=connector.pk).update(intake_at=now, audit_source=connector.audit_source)

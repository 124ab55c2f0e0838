"""Taking Align's audit log in from the connector's endpoint, where it answers; `by_hand` takes what people bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.errors import Refused
from connectors.align.errors import BadRequest, Forbidden, NotFound, NotJson, RemoteError
from connectors.align.resources import AuditLine
from connectors.history.intake import gaps
from connectors.history.intake import runs as intake_runs
from connectors.history.intake.pasted_log import USER, LogLine, named_connector
from connectors.history.intake.storing import IntakeResult, digest_of, store
from connectors.history.mirror import case_lifecycle
from connectors.models import Intake, MirrorLine
from connectors.models.connector import AuditSource, Connector
from connectors.ports.extensions import extensions

MOST_FAILURES = 3  # answers in a row that are refused or unreadable, until people bring the lines
RETRY_AFTER = timedelta(days=1)
Clock = Callable[[], datetime]


class LogReader(Protocol):
    """The part of the Align client that an intake needs."""

    def audit_log(self, *, since: datetime | None = None) -> Sequence[AuditLine]: ...


def overlap() -> timedelta:
    """How far behind the newest line each pull starts, for lines that Align wrote late."""
    return timedelta(seconds=settings.AUDIT_OVERLAP)


# -- from the endpoint ------------------------------------------------------------------------------------------------


def pull(connector: Connector, client: LogReader, *, clock: Clock = timezone.now) -> IntakeResult:
    """Read what is new since the newest line that the endpoint gave. Most errors are the caller's.

    NotFound, and the third answer in a row that is refused or cannot be read, mean that people bring the lines. After
    an outage of whatever length this brings what was missed, and closes the gap. The log of a connector that was made
    anew is another log: it is read whole, and says nothing of the time before the hand-over.
    """
    since, began = _cursor(connector), clock()
    try:
        answered = client.audit_log(since=since)
    except NotFound:
        connector.audit_failures, connector.audit_problem = 0, ""
        return _no_endpoint(connector)
    except RemoteError as error:
        if _is_last_failure(connector, error, clock()):
            return _no_endpoint(connector)
        raise
    every = [_line_of(connector, line) for line in answered]
    lines = [line for line in every if line.config_id is None or line.config_id in connector.numbers]
    with transaction.atomic():
        begun = intake_runs.begin(connector, Intake.ENDPOINT, at=began)
        _refuse_other_log(connector)
        covered_from = min(_reaches_back_to(connector, since, lines, began), began)
        until = gaps.pulled_until(connector)
        stored = store(begun, lines, clock())
        # What is written while Align answers may be missing in the answer.
        cover(connector, covered_from, began, Intake.ENDPOINT)
        mark(connector, clock(), AuditSource.ENDPOINT)
        intake_runs.keep_reading(begun, stored.brought, (covered_from, began), until, clock())
    notify_extensions(connector, stored.result)
    return replace(stored.result, **_remarks(stored.result, len(every) - len(lines), answered))


def _line_of(connector: Connector, line: AuditLine) -> LogLine:
    """A site that tells no type or no user means the connector that was asked for, and Align itself."""
    stated = named_connector(line.description) or connector.align_connector_id
    return LogLine(
        number=0,
        raw=line.description,
        type=line.type or f"CONFIG {stated}",
        user=line.user or USER,
        at=line.timestamp,
        description=line.description,
        remote_id=line.id,
        problem="" if line.timestamp else "its time cannot be read",
    )


def _remarks(result: IntakeResult, left_out: int, answered: Sequence[AuditLine]) -> dict[str, Any]:
    sentence = result.sentence
    if left_out:
        sentence += f" {left_out} of other connectors left out."
    if any(line.is_month_assumed for line in answered):
        sentence += " Dates such as 03/04/2026 were read with the month first: nothing in the answer says which it is."
    return {"left_out": left_out, "sentence": sentence}


def _is_last_failure(connector: Connector, error: RemoteError, now: datetime) -> bool:
    """Note the failure. Only answers that say no, or nothing that can be read, count: not those of a bad hour."""
    counts = isinstance(error, BadRequest | Forbidden | NotJson) and error.permanent
    connector.audit_failures = connector.audit_failures + 1 if counts else connector.audit_failures
    connector.audit_problem = error.sentence
    noted = {"audit_failures": connector.audit_failures, "audit_problem": error.sentence}
    is_last = counts and connector.audit_failures >= MOST_FAILURES
    if is_last:
        noted["audit_due_at"] = now + RETRY_AFTER
    Connector.objects.filter(pk=connector.pk).update(**noted)
    return is_last


def _cursor(connector: Connector) -> datetime | None:
    """The cursor is the newest stored line itself, so it cannot part from the rows; None reads the whole log.

    A line from the future does not make the next pull start there: it never starts later than the last one ended.
    """
    until = _pulled_until(connector)
    newest = _newest(connector)
    if until is None:
        return None
    return min(until, newest.at if newest else until) - overlap()


def _pulled_until(connector: Connector) -> datetime | None:
    """Up to when the log was read that Align answers with now; None where it was not read yet."""
    until, anew_at = gaps.pulled_until(connector), connector.anew_at
    return None if until and anew_at and until <= anew_at else until


def _refuse_other_log(connector: Connector) -> None:
    """Raises Refused, once the connector's row is locked, where what was read is the log of its former number."""
    if not Connector.objects.filter(pk=connector.pk, align_connector_id=connector.align_connector_id).exists():
        raise Refused(
            f"What was read is the log of connector {connector.align_connector_id}, and {connector.name} was made anew "
            "in Jira Align meanwhile: nothing of it was kept. The new log is read next."
        )


def _newest(connector: Connector) -> MirrorLine | None:
    lines = MirrorLine.objects.filter(connector=connector, intake=Intake.ENDPOINT)
    if (anew_at := connector.anew_at) is not None:
        lines = lines.filter(recorded_at__gte=anew_at)  # what is older is of the former log
    return lines.order_by("-at", "-pk").first()


def _reaches_back_to(
    connector: Connector, since: datetime | None, lines: Sequence[LogLine], began: datetime
) -> datetime:
    """From when on this answer is the whole log. One without the newest line we have was cut off by Align."""
    first = min((line.at for line in lines if line.at), default=began)
    until = _pulled_until(connector)
    if since is None or until is None:
        return connector.anew_at or min(first, connector.created_at)
    newest = _newest(connector)
    is_whole = newest is None or any(digest_of(line) == newest.digest for line in lines)
    return until if is_whole else first


def cover(connector: Connector, since: datetime, until: datetime, intake: Intake) -> None:
    if not gaps.is_covered_at_all(connector):
        case_lifecycle.open_missing(connector)  # lines may have come in before there were cases
    gaps.cover(connector, since, until, intake)


def _no_endpoint(connector: Connector) -> IntakeResult:
    connector.audit_source = AuditSource.NONE
    Connector.objects.filter(pk=connector.pk).update(
        audit_source=AuditSource.NONE,
        audit_failures=connector.audit_failures,
        audit_problem=connector.audit_problem,
    )
    return IntakeResult(read=0, new=0, known=0, raw=0, bad=(), paired=0, outside=0, sentence=why_no_endpoint(connector))


def endpoint_of(connector: Connector) -> str:
    return f"{connector.align_site}/rest/align/api/2/connectors/{connector.align_connector_id}/auditlog"


def why_no_endpoint(connector: Connector) -> str:
    if connector.audit_problem:
        return (
            f"This Jira Align does not give its log at {endpoint_of(connector)}, which its maker does not document. "
            f"The last {connector.audit_failures} answers were refused or could not be read: {connector.audit_problem} "
            "Paste or upload the lines of its audit log; Jira Align is asked again once a day."
        )
    return (
        f"This Jira Align does not answer at {endpoint_of(connector)}, which its maker does not document: "
        "paste or upload the lines of its audit log."
    )


def how_it_comes(connector: Connector) -> str:
    """In words, by which way the log comes in; of what failed last, never that it is read."""
    if connector.log_by_hand:
        return "pasted and uploaded only"
    if connector.audit_source == AuditSource.NONE:
        return why_no_endpoint(connector)
    if connector.audit_problem:
        return f"could not be read from {endpoint_of(connector)} the last time: {connector.audit_problem}"
    if connector.audit_source == AuditSource.ENDPOINT:
        return f"read from {endpoint_of(connector)}"
    return "not tried yet whether this Jira Align answers with its log"


def trouble(connector: Connector) -> str:
    """Why its log is not read, where it should be; empty where it is read or not to be."""
    return how_it_comes(connector) if connector.audit_problem and not connector.log_by_hand else ""


def notify_extensions(connector: Connector, result: IntakeResult) -> None:
    """After the commit: what is found is written under locks of its own."""
    if result.since:
        extensions().after_intake(connector, result.since)


def mark(connector: Connector, now: datetime, source: AuditSource | None) -> None:
    """Lines have come in; by the endpoint itself where `source` says so, which ends what was noted against it."""
    connector.intake_at = now
    noted: dict[str, Any] = {"intake_at": now}
    if source:
        connector.audit_source, connector.audit_failures, connector.audit_problem = source, 0, ""
        noted |= {"audit_source": source, "audit_failures": 0, "audit_problem": ""}
    Connector.objects.filter(pk=connector.pk).update(**noted)

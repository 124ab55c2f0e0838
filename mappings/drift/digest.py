"""The e-mail about a connector's drift, once a day and only when there is something to say.

`digest_due_at` is the claim: one worker puts it a little ahead, sends outside any transaction, and sets it to the next
day after. So a mail server that fails, or a worker that dies, is followed by another try and not by a second message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail.sending import addresses
from alignadmin.text import one_line
from connectors.history.intake import gaps
from connectors.models import Connector, HistoryRow
from connectors.ports.audited import context_of
from mappings.drift.page import (
    SOON,
    DriftAddress,
    DriftLine,
    Tab,
    accepted_rows,
    drift_lines,
    drifted_rows,
    list_name,
    unknown_scopes,
)
from mappings.models import DriftCheck, Mapping

log = logging.getLogger(__name__)

SENT = "drift.digest_sent"
CLAIM = timedelta(minutes=10)  # after which an unsent digest is taken up again
DAY = timedelta(days=1)
MOST_LINES = 50  # of each kind in one message
LONGEST_LINE = 300


@dataclass(frozen=True, kw_only=True)
class DigestClaim:
    """One connector's digest that this worker may send until `at`; it is the one of `slot`."""

    connector: Connector
    slot: datetime
    at: datetime


@dataclass(frozen=True, kw_only=True)
class DigestPart:
    """Lines of one kind, cut to what a message holds; `word` is for the subject: "3 new"."""

    title: str
    word: str
    lines: Sequence[str]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.lines)


# --- what is due ------------------------------------------------------------------------------------------------------


@due_work
def send_due() -> int:
    """Send what is due, until the mail server fails: what is left is due at the next look."""
    told = recipients()
    if not told:
        return 0
    now = timezone.now()
    done = 0
    for connector in _due(now):
        claim = _claim(connector, now)
        if claim is None:
            continue
        if not _send(claim, told):
            break
        done += 1
    return done


def recipients() -> list[str]:
    return addresses(settings.DIGEST_RECIPIENTS) if settings.EMAIL_URL else []


def _due(now: datetime) -> QuerySet[Connector]:
    """None in maintenance: what was found by then is told when it has ended."""
    due = Q(digest_due_at=None) | Q(digest_due_at__lte=now)
    watched = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    return watched.filter(due).order_by("pk")


def _claim(connector: Connector, now: datetime) -> DigestClaim | None:
    """None when another worker has it, or when the connector is new and its first digest is still to come."""
    due = connector.digest_due_at
    at = now + CLAIM if due else _next_slot(now)
    mine = Connector.objects.filter(pk=connector.pk, digest_due_at=due, maintenance_since=None)
    if not mine.update(digest_due_at=at) or due is None:
        return None
    return DigestClaim(connector=connector, slot=_slot_of(due), at=at)


def _slot_of(moment: datetime) -> datetime:
    """The digest hour that was the last one at that moment: a try that was put off still belongs to its day."""
    slot = moment.astimezone(UTC).replace(hour=settings.DIGEST_HOUR % 24, minute=0, second=0, microsecond=0)
    return slot if slot <= moment else slot - DAY


def _next_slot(now: datetime) -> datetime:
    return _slot_of(now) + DAY


# --- sending ----------------------------------------------------------------------------------------------------------


def _send(claim: DigestClaim, told: list[str]) -> bool:
    parts = parts_of(claim.connector, since=_told_until(claim))
    if parts:
        try:
            message(claim, parts, told).send()
        except (SMTPException, OSError, ValueError) as error:  # ValueError: a sender that is no address
            name = one_line(claim.connector.name)
            reason = one_line(str(error))[:LONGEST_LINE]
            log.warning("The drift digest of %s could not be sent: %s: %s", name, type(error).__name__, reason)
            return False
    _note(claim, parts, told)
    return True


def _told_until(claim: DigestClaim) -> datetime:
    """The last digest went out a little after its hour, and told what was found in between."""
    day_before = claim.slot - DAY
    sent = HistoryRow.objects.filter(connector=claim.connector, at__gte=day_before, action=SENT)
    last = sent.order_by("-at").values_list("at", flat=True).first()
    return last or day_before


def _note(claim: DigestClaim, parts: Sequence[DigestPart], told: list[str]) -> None:
    connector = claim.connector
    with transaction.atomic():
        mine = Connector.objects.filter(pk=connector.pk, digest_due_at=claim.at)
        if not mine.update(digest_due_at=_next_slot(timezone.now())) or not parts:
            return
        trail.record(
            AuditRecord(
                action=SENT,
                actor=None,
                context=context_of(connector),
                subject=f"drift digest {claim.slot:%Y-%m-%d}",
                sentence=f"{subject_of(connector, parts)}: told {', '.join(told)}.",
                data={"told": told, "counts": {part.word: part.count for part in parts}},
            )
        )


# --- the message ------------------------------------------------------------------------------------------------------


def message(claim: DigestClaim, parts: Sequence[DigestPart], told: list[str]) -> EmailMessage:
    connector = claim.connector
    site = settings.PUBLIC_ADDRESS.rstrip("/")
    context = {
        "connector": one_line(connector.name),
        "parts": parts,
        "link": site + DriftAddress(connector=connector).url,
        "checks": site + DriftAddress(connector=connector, tab=Tab.CHECKS).url,
    }
    # The same for a second try after a crash, so that mail programs show one.
    host = urlsplit(settings.PUBLIC_ADDRESS).hostname or "localhost"
    name = f"drift.{connector.pk}.{claim.slot:%Y%m%d}"
    headers = {"Message-ID": f"<{name}@{host}>", "Auto-Submitted": "auto-generated"}
    text = render_to_string("mappings/drift/digest.txt", context)
    return EmailMessage(subject_of(connector, parts), text, to=told, headers=headers)


def subject_of(connector: Connector, parts: Sequence[DigestPart]) -> str:
    """ "Drift of Acme: 2 new, 3 still to decide" """
    said = ", ".join(f"{part.count} {part.word}" for part in parts[:3])
    return f"Drift of {one_line(connector.name)}: {said}"


def parts_of(connector: Connector, *, since: datetime) -> list[DigestPart]:
    """What there is to say; empty when there is nothing."""
    drifted, now = drifted_rows(connector), timezone.now()
    ending = accepted_rows(connector).filter(accepted_until__lte=now + SOON)
    parts = [
        _of_rows("New since the last digest", "new", drifted.filter(drifted_at__gt=since), _drift_line),
        _of_rows("Still to decide", "still to decide", drifted.exclude(drifted_at__gt=since), _drift_line),
        _of_rows("Accepted until a time within 7 days", "accepted and ending", ending, _ending_line),
        _unknown(connector),
        _failed(connector, since),
        _gap(connector, since, now),
    ]
    return [part for part in parts if part.count]


def _of_rows(title: str, word: str, rows: QuerySet[Mapping], words: Callable[[DriftLine], str]) -> DigestPart:
    shown = list(rows[:MOST_LINES])
    address = DriftAddress(connector=shown[0].scope.connector) if shown else None
    lines = [_cut(words(line)) for line in drift_lines(shown, address)] if address else []
    count = rows.count() if len(shown) == MOST_LINES else len(shown)
    return DigestPart(title=title, word=word, lines=lines, count=count)


def _drift_line(line: DriftLine) -> str:
    values, known = line.values, line.is_known
    has = f"Align has {values.observed}" if known else f"Align had {values.observed}, now unknown"
    conflict = f", applied {values.applied}, conflict" if line.is_conflict else ""
    since = f" Seen {_stamp(line.mapping.drifted_at)}." if line.mapping.drifted_at else ""
    cause = f" {line.cause.who}, {_stamp(line.cause.at)}: {line.cause.line}" if line.cause else ""
    return f"{values.source} ({values.where}): {has}, wanted {values.wanted}{conflict}.{since}{cause}"


def _ending_line(line: DriftLine) -> str:
    row, values = line.mapping, line.values
    until = f"accepted until {_stamp(row.accepted_until)} by {row.accepted_by or 'somebody'}"
    return f"{values.source} ({values.where}): {values.observed}, {until}: {row.accepted_reason}"


def _unknown(connector: Connector) -> DigestPart:
    lists = unknown_scopes(connector)
    lines = [_cut(f"{list_name(each)}: {each.error or 'not read yet'}") for each in lists[:MOST_LINES]]
    count = lists.count() if lines else 0
    return DigestPart(
        title="Lists that could not be read, so their state is unknown", word="unknown", lines=lines, count=count
    )


def _failed(connector: Connector, since: datetime) -> DigestPart:
    checks = DriftCheck.objects.filter(connector=connector, started_at__gt=since).exclude(error="").order_by("-pk")
    lines = [_cut(f"{_stamp(each.started_at)}, {each.get_kind_display()}: {each.error}") for each in checks[:5]]
    count = checks.count() if lines else 0
    return DigestPart(title="Checks that failed", word="failed checks", lines=lines, count=count)


def _gap(connector: Connector, since: datetime, now: datetime) -> DigestPart:
    """Who changed what is told by Align's log alone, so time that no intake covers is told."""
    log_state = gaps.state(connector, now=now)
    lines = [f"{log_state.sentence} Until it is imported, no one is named as the cause."] if log_state.open else []
    closed = [gap for gap in log_state.gaps if gap != log_state.open and gap.until > since]
    lines += [f"No line was imported for {_stamp(gap.since)} to {_stamp(gap.until)}." for gap in closed]
    shown = [_cut(line) for line in lines[:MOST_LINES]]
    return DigestPart(title="Gaps in Align's audit log", word="gap in the log", lines=shown, count=len(lines))


def _stamp(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if at else "an unknown time"


def _cut(text: str) -> str:
    plain = one_line(text)
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"

"""The e-mail about a connector's drift, once a day and only when there is something to say.

`digest_due_at` is the claim: the worker that puts it to the next day queues the message in the same transaction. An
entry of the history says who was told, once a mail server has taken it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work, last_hour
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import addresses, in_product
from alignadmin.notifications.kinds import FixedMail
from alignadmin.notifications.preferences import DIGEST_HOUR
from alignadmin.text import one_line
from connectors.history.intake import gaps
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.drift.address import DriftAddress, Tab, found_url, in_use_url
from mappings.drift.lines import SOON, DriftLine, drift_lines, list_name
from mappings.drift.preferences import DIGEST_RECIPIENTS
from mappings.drift.queries import accepted_rows, drifted_rows, unknown_scopes
from mappings.findings.lines import FindingLine, attention
from mappings.in_use.lines import in_use_lines
from mappings.models import DriftCheck, Mapping

DIGEST, SENT = "drift-digest", "drift.digest_sent"
DAY = timedelta(days=1)
TO_A_LIST = (
    f'Goes to a list of addresses that is set for the whole installation, under Settings, "{DIGEST_RECIPIENTS.label}".'
)
MOST_LINES = 50  # of each kind in one message
LONGEST_LINE = 300
FOUND_WORDS = ("not mapped", "found in Jira and Align")
IN_USE_WORD = "in use without a mapping"
DRIFT_WORDS = ("new", "still to decide", "accepted and ending")  # of rows that can be adopted, restored or accepted


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


MAIL = FixedMail(label="Drift, once a day", why=TO_A_LIST, right=Right.SEE, addresses=DIGEST_RECIPIENTS.value)


# --- what is due ------------------------------------------------------------------------------------------------------


@due_work
def queue_due() -> int:
    addresses = recipients()
    if not addresses:
        return 0
    now = timezone.now()
    return sum(_queue_one(connector, addresses, now) for connector in _due(now))


def recipients() -> list[str]:
    return addresses(DIGEST_RECIPIENTS.value()) if settings.EMAIL_URL else []


def _due(now: datetime) -> QuerySet[Connector]:
    """None in maintenance: what was found by then is told when it has ended."""
    due = Q(digest_due_at=None) | Q(digest_due_at__lte=now)
    watched = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    return watched.filter(due).order_by("pk")


def _queue_one(connector: Connector, addresses: list[str], now: datetime) -> bool:
    """False when another worker has it, or when the connector is new and its first digest is still to come."""
    due = connector.digest_due_at
    following = _next_slot(now, due)
    parts = parts_of(connector, since=_reported_until(connector, due)) if due else []
    with transaction.atomic():
        mine = Connector.objects.filter(pk=connector.pk, digest_due_at=due, maintenance_since=None)
        if not mine.update(digest_due_at=following) or due is None:
            return False
        if parts:
            _queue(connector, due, parts, addresses, until=following)
    return True


def _next_slot(now: datetime, due: datetime | None) -> datetime:
    """A day after the one that was due at least: an hour that was moved brings no second one within a day."""
    slot = last_hour(now, DIGEST_HOUR.value()) + DAY
    hour_due = due.replace(minute=0, second=0, microsecond=0) if due else None
    return slot + DAY if hour_due and slot < hour_due + DAY else slot


def _reported_until(connector: Connector, due: datetime) -> datetime:
    """The last digest was made a little after its hour, and told what was found in between.

    Without one, two days: so long may be between two whose hour was moved, and a day on which none was made had nothing
    to tell.
    """
    queued = (each for each in outbox.states([DIGEST], _about(connector), most=5) if not each.has_failed)
    return max([due - 2 * DAY, *(each.queued_at for each in queued)])


def _about(connector: Connector) -> str:
    return f"connector {connector.pk}"


@sending.on_finished(DIGEST)
def record_sent(mail: OutgoingMail) -> None:
    """Who was told, in the history; nothing of a digest that no mail server took until the next one was due."""
    connector = Connector.objects.filter(pk=mail.facts["connector"]).first()
    if connector is None or not mail.sent_at:
        return
    addresses = mail.addresses
    trail.record(
        AuditRecord(
            action=SENT,
            actor=None,
            context=context_of(connector),
            subject=f"drift digest {mail.facts['day']}",
            sentence=f"{mail.subject}: told {', '.join(addresses)}.",
            data={"told": addresses, "counts": mail.facts["counts"]},
        )
    )


# --- the message ------------------------------------------------------------------------------------------------------


def _queue(
    connector: Connector, due: datetime, parts: Sequence[DigestPart], addresses: list[str], *, until: datetime
) -> None:
    """Its name has the day and hour at which it was due; no two of a connector are due within a day (`_next_slot`)."""
    words = {part.word for part in parts}
    context = {
        "connector": one_line(connector.name),
        "parts": parts,
        "link": in_product(DriftAddress(connector=connector).url) if words.intersection(DRIFT_WORDS) else "",
        "found": in_product(found_url(connector)) if words.intersection(FOUND_WORDS) else "",
        "in_use": in_product(in_use_url(connector)) if IN_USE_WORD in words else "",
        "checks": in_product(DriftAddress(connector=connector, tab=Tab.CHECKS).url),
    }
    counts = {part.word: part.count for part in parts}
    outbox.queue(
        DIGEST,
        outbox.unnamed(addresses),
        subject_of(connector, parts),
        "mappings/drift/digest.txt",
        context,
        about=_about(connector),
        stream=f"{DIGEST} {connector.pk}",
        name=f"drift.{connector.pk}.{due.astimezone(UTC):%Y%m%d%H}",
        lasts=until - timezone.now(),
        facts={"connector": connector.pk, "day": f"{due.astimezone(UTC):%Y-%m-%d}", "counts": counts},
    )


def subject_of(connector: Connector, parts: Sequence[DigestPart]) -> str:
    """ "Drift of Acme: 2 new, 3 still to decide"; "Acme: 1 not mapped" where nothing is of drift or its checks."""
    said = ", ".join(f"{part.count} {part.word}" for part in parts[:3])
    of_drift = any(part.word not in (*FOUND_WORDS, IN_USE_WORD) for part in parts)
    return f"{'Drift of ' if of_drift else ''}{one_line(connector.name)}: {said}"


def parts_of(connector: Connector, *, since: datetime) -> list[DigestPart]:
    """What there is to say; empty when there is nothing.

    The subject names the first three: what falls to 0 and what is to be decided come before all else.
    """
    drifted, now = drifted_rows(connector), timezone.now()
    ending = accepted_rows(connector).filter(accepted_until__lte=now + SOON)
    noticed = attention(connector)
    falling = [line for line in noticed if line.is_falling]
    found = [line for line in noticed if not line.is_falling and line.since > since]
    parts = [
        _of_findings("New in Jira and not mapped", FOUND_WORDS[0], falling),
        _of_rows("New since the last digest", DRIFT_WORDS[0], drifted.filter(drifted_at__gt=since), _drift_line),
        _of_rows("Still to decide", DRIFT_WORDS[1], drifted.exclude(drifted_at__gt=since), _drift_line),
        _of_rows("Accepted until a time within 7 days", DRIFT_WORDS[2], ending, _ending_line),
        _in_use(connector),
        _of_findings("Found in Jira and Align since the last digest", FOUND_WORDS[1], found),
        _unknown(connector),
        _failed(connector, since),
        _gap(connector, since, now),
    ]
    return [part for part in parts if part.count]


def _of_rows(title: str, word: str, rows: QuerySet[Mapping], words: Callable[[DriftLine], str]) -> DigestPart:
    shown = list(rows[:MOST_LINES])
    address = DriftAddress(connector=shown[0].scope.connector) if shown else None
    lines = [cut(words(line)) for line in drift_lines(shown, address)] if address else []
    count = rows.count() if len(shown) == MOST_LINES else len(shown)
    return DigestPart(title=title, word=word, lines=lines, count=count)


def _of_findings(title: str, word: str, lines: Sequence[FindingLine]) -> DigestPart:
    shown = [cut(f"{line.sentence(since=stamp(line.since))}.") for line in lines[:MOST_LINES]]
    return DigestPart(title=title, word=word, lines=shown, count=len(lines))


def _in_use(connector: Connector) -> DigestPart:
    """Issues that show 0 now, as last counted: told each day until their status is mapped, since they stay wrong."""
    lines = in_use_lines(connector)
    shown = [cut(f"Counted {stamp(line.counted_at)}: {line.text}") for line in lines[:MOST_LINES]]
    return DigestPart(title="Issues in statuses without a mapping", word=IN_USE_WORD, lines=shown, count=len(lines))


def _drift_line(line: DriftLine) -> str:
    values, known = line.values, line.is_known
    has = f"Align has {values.observed}" if known else f"Align had {values.observed}, now unknown"
    conflict = f", applied {values.applied}, conflict" if line.is_conflict else ""
    since = f" Seen {stamp(line.mapping.drifted_at)}." if line.mapping.drifted_at else ""
    told = f"{line.cause.who}, {stamp(line.cause.at)}: {line.cause.line}" if line.cause else line.anew
    cause = f" {told}" if told else ""
    return f"{values.source} ({values.where}): {has}, wanted {values.wanted}{conflict}.{since}{cause}"


def _ending_line(line: DriftLine) -> str:
    row, values = line.mapping, line.values
    until = f"accepted until {stamp(row.accepted_until)} by {row.accepted_by or 'somebody'}"
    return f"{values.source} ({values.where}): {values.observed}, {until}: {row.accepted_reason}"


def _unknown(connector: Connector) -> DigestPart:
    lists = unknown_scopes(connector)
    lines = [cut(f"{list_name(each)}: {each.error or 'not read yet'}") for each in lists[:MOST_LINES]]
    count = lists.count() if lines else 0
    return DigestPart(
        title="Lists that could not be read, so their state is unknown", word="unknown", lines=lines, count=count
    )


def _failed(connector: Connector, since: datetime) -> DigestPart:
    checks = DriftCheck.objects.filter(connector=connector, started_at__gt=since).exclude(error="").order_by("-pk")
    lines = [cut(f"{stamp(each.started_at)}, {each.get_kind_display()}: {each.error}") for each in checks[:5]]
    count = checks.count() if lines else 0
    return DigestPart(title="Checks that failed", word="failed checks", lines=lines, count=count)


def _gap(connector: Connector, since: datetime, now: datetime) -> DigestPart:
    """Who changed what is told by Align's log alone, so time that no intake covers is told."""
    log_state = gaps.state(connector, now=now)
    lines = [f"{log_state.sentence} Until it is imported, no one is named as the cause."] if log_state.open else []
    closed = [gap for gap in log_state.gaps if gap != log_state.open and gap.until > since]
    lines += [f"No line was imported for {stamp(gap.since)} to {stamp(gap.until)}." for gap in closed]
    shown = [cut(line) for line in lines[:MOST_LINES]]
    return DigestPart(title="Gaps in Align's audit log", word="gap in the log", lines=shown, count=len(lines))


def stamp(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if at else "an unknown time"


def cut(text: str) -> str:
    plain = one_line(text)
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"

"""The e-mail at once about statuses that work items reach and that no mapping knows: they fall to 0.

`Connector.alerts_due_at` is the claim of one look and keeps the looks a minute apart. `Finding.told_at` says what was
told, so that a status is told once, however many projects turn out to have it; the digest repeats what stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.kinds import FixedMail
from alignadmin.text import counted, one_line
from connectors.catalogue.findings import COMES
from connectors.models import Connector, Finding, FindingKind
from connectors.ports.audited import context_of
from mappings.drift.address import found_url
from mappings.drift.digest import MOST_LINES, TO_A_LIST, cut, recipients, stamp
from mappings.drift.preferences import DIGEST_RECIPIENTS
from mappings.findings.lines import FindingLine, attention

ALERT, SENT = "falling-statuses", "findings.alert_sent"
BETWEEN = timedelta(minutes=1)
RECENT = timedelta(days=1)  # a finding that has waited so long for its effect is left to the digest

MAIL = FixedMail(label="Statuses that fall to 0", why=TO_A_LIST, right=Right.SEE, addresses=DIGEST_RECIPIENTS.value)


@due_work
def queue_due() -> int:
    """How many messages were queued; none in maintenance, at whose end what is still so is told."""
    addresses = recipients()
    if not addresses:
        return 0
    now = timezone.now()
    untold = Finding.objects.filter(
        connector=OuterRef("pk"),
        kind=FindingKind.STATUS,
        change__in=COMES,
        ended_at=None,
        seen_at=None,
        told_at=None,
        found_at__gt=now - RECENT,
    )
    # Far ahead: the clock went back.
    due = Q(alerts_due_at=None) | Q(alerts_due_at__lte=now) | Q(alerts_due_at__gt=now + BETWEEN)
    watched = Connector.objects.filter(due, is_active=True, maintenance_since=None).filter(Exists(untold))
    return sum(_look(connector, addresses, now) for connector in watched.order_by("pk"))


def _look(connector: Connector, addresses: list[str], now: datetime) -> bool:
    """False when another worker looks, and when nothing falls that was not told."""
    with transaction.atomic():
        mine = Connector.objects.filter(
            pk=connector.pk, alerts_due_at=connector.alerts_due_at, maintenance_since=None
        ).update(alerts_due_at=now + BETWEEN)
        if not mine:
            return False
        falling = [line for line in attention(connector) if line.is_falling]
        untold = [line for line in falling if _is_news(line, now)]
        # Those of one status in further projects, too: whoever was told once looks at all of them.
        shown = [finding.pk for line in falling for finding in line.findings if finding.told_at is None]
        Finding.objects.filter(pk__in=shown).update(told_at=now)
        if not untold:
            return False
        _queue(connector, untold, addresses)
    return True


def _is_news(line: FindingLine, now: datetime) -> bool:
    was_told = any(each.told_at is not None for each in line.findings)
    return not was_told and any(each.found_at > now - RECENT for each in line.findings)


def _queue(connector: Connector, lines: Sequence[FindingLine], addresses: list[str]) -> None:
    name = one_line(connector.name)
    what = counted(len(lines), "status", "statuses")
    context = {
        "connector": name,
        "lines": [(cut(line.sentence(since=stamp(line.since))), in_product(line.href)) for line in lines[:MOST_LINES]],
        "more": max(0, len(lines) - MOST_LINES),
        "found": in_product(found_url(connector)),
    }
    outbox.queue(
        ALERT,
        outbox.unnamed(addresses),
        f"{name}: {what} of Jira not mapped",
        "mappings/drift/alert.txt",
        context,
        about=f"connector {connector.pk}",
        stream=f"{ALERT} {connector.pk}",
        lasts=RECENT,
        facts={"connector": connector.pk, "statuses": [line.first.remote_id for line in lines]},
    )


@sending.on_finished(ALERT)
def record_sent(mail: OutgoingMail) -> None:
    """Who was told of which statuses, in the history, or that nobody could be."""
    connector = Connector.objects.filter(pk=mail.facts["connector"]).first()
    if connector is None:
        return
    addresses, is_sent = mail.addresses, mail.sent_at is not None
    outcome = f"told {', '.join(addresses)}" if is_sent else f"nobody was told: {mail.error}"
    trail.record(
        AuditRecord(
            action=SENT,
            actor=None,
            context=context_of(connector),
            subject=f"new statuses found until {mail.queued_at.astimezone(UTC):%Y-%m-%d %H:%M}",
            sentence=f"{mail.subject}: {outcome}.",
            data={"told": addresses if is_sent else [], "statuses": mail.facts["statuses"]},
        )
    )

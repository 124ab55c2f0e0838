"""Working off the inbox: lot by lot in the order of arrival, with one request to Jira for the issues of a lot.

Until a lot is stored its rows are as they came in. A worker that is killed in between has read, and written nothing:
the next one begins with the same lot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from alignadmin.due_work import due_work
from connectors.credentials.clients import jira_client
from connectors.jira.client import JiraClient
from connectors.jobs import runner
from connectors.jobs.runner import LeaseLost, Run
from connectors.models import (
    ACTIVE,
    DeliveryVerdict,
    InboxDelivery,
    Job,
    JobKind,
    MissedChange,
    Registration,
    Webhook,
)
from connectors.webhooks.announcement import ISSUE_EVENTS
from connectors.webhooks.looking import read_issues, store_looks

WORK = "inbox"  # the subject of the job
LOT = 50  # deliveries
AFTER_FAILURE = timedelta(seconds=30)
TOGETHER = "Read together with an earlier delivery"
OTHER_EVENT = "Not one of the three events"


@due_work
def start_due() -> int:
    """For each webhook with deliveries that wait, unless its last look failed a moment ago."""
    now = timezone.now()
    waiting = InboxDelivery.objects.filter(webhook=OuterRef("pk"), verdict=DeliveryVerdict.TAKEN)
    busy = Job.objects.filter(connector=OuterRef("connector"), kind=JobKind.INBOX, subject=WORK, state__in=ACTIVE)
    ready = Q(work_after=None) | Q(work_after__lte=now)
    ready &= Q(connector__is_active=True, connector__maintenance_since=None)
    found = list(Webhook.objects.filter(ready, Exists(waiting), ~Exists(busy)).select_related("connector"))
    for webhook in found:
        runner.start(webhook.connector, JobKind.INBOX, actor=None, subject=WORK)
    return len(found)


def work_off(run: Run) -> None:
    """Until nothing waits. A failure puts the next try off, so that a Jira that is away is not asked all the time."""
    webhook = Webhook.objects.get(connector=run.connector)
    try:
        jira = jira_client(run.connector, job=run.job, on_wait=run.waits_for)
        while lot := _next_lot(webhook):
            run.progress("looking at what was announced", done=run.job.done + len(lot))
            work_off_lot(run, webhook, jira, lot)
    except LeaseLost:
        raise
    except Exception:  # whatever it was: without a pause it would be tried again at once, for ever
        Webhook.objects.filter(pk=webhook.pk).update(work_after=timezone.now() + AFTER_FAILURE)
        raise
    Webhook.objects.filter(pk=webhook.pk).exclude(work_after=None).update(work_after=None)


def _next_lot(webhook: Webhook) -> list[InboxDelivery]:
    waiting = InboxDelivery.objects.filter(webhook=webhook, verdict=DeliveryVerdict.TAKEN).defer("sealed_body")
    return list(waiting.order_by("id")[:LOT])


def work_off_lot(run: Run, webhook: Webhook, jira: JiraClient, lot: Sequence[InboxDelivery]) -> None:
    """1. Duplicates need no look. 2. Jira is asked. 3. In one transaction: looks, verdicts, and what came late."""
    doubled = _duplicates(webhook, lot)
    fresh = [each for each in lot if each.pk not in doubled]
    wanted: dict[int, datetime | None] = {}
    for each in fresh:
        if each.issue_id is not None and each.event in ISSUE_EVENTS:
            wanted[each.issue_id] = _later(wanted.get(each.issue_id), each)
    now = read_issues(jira, wanted) if wanted else {}
    with transaction.atomic():
        run.assert_lease()
        Webhook.objects.locked().get(pk=webhook.pk)  # a poll may be looking at the same issues
        at = timezone.now()
        changed = store_looks(webhook.connector, now, at) if now else {}
        for each in lot:
            each.handled_at = at
            if each.pk in doubled:
                each.verdict = DeliveryVerdict.DUPLICATE
                continue
            each.verdict, each.outcome = _verdict(each, changed, is_read=each.issue_id in now)
        InboxDelivery.objects.bulk_update(lot, ["verdict", "outcome", "handled_at"])
        InboxDelivery.objects.filter(pk__in=doubled).update(sealed_body="")  # a body is kept once
        _note_late(webhook, fresh)
        if fresh and webhook.registration != Registration.REGISTERED:
            first = min(each.received_at for each in fresh)
            Webhook.objects.filter(pk=webhook.pk, counts_from=None).update(counts_from=first)


def _later(known: datetime | None, delivery: InboxDelivery) -> datetime | None:
    """When Jira says last that the issue changed; a replay says nothing of when that was."""
    if delivery.replay_of_id is not None or delivery.updated_at is None:
        return known
    return delivery.updated_at if known is None else max(known, delivery.updated_at)


def _duplicates(webhook: Webhook, lot: Sequence[InboxDelivery]) -> set[int]:
    """Those of which an earlier row has the identifier or the body. Replays are meant to be looked at once more."""
    sent = [each for each in lot if each.replay_of_id is None]
    identifiers = {each.identifier for each in sent if each.identifier}
    hashes = {each.body_hash for each in sent}
    same = Q(identifier__in=identifiers) | Q(body_hash__in=hashes)
    rows = InboxDelivery.objects.filter(same, webhook=webhook, replay_of=None, id__lte=lot[-1].pk).order_by("id")
    first: dict[tuple[str, str], int] = {}
    for pk, identifier, body_hash in rows.values_list("pk", "identifier", "body_hash"):
        first.setdefault(("identifier", identifier), pk)
        first.setdefault(("body", body_hash), pk)
    return {
        each.pk
        for each in sent
        if first[("body", each.body_hash)] != each.pk
        or (each.identifier and first[("identifier", each.identifier)] != each.pk)
    }


def _verdict(delivery: InboxDelivery, changed: dict[int, str], *, is_read: bool) -> tuple[DeliveryVerdict, str]:
    """What a look found is told by the first delivery of the lot that asked for it, so that it counts once."""
    if delivery.event not in ISSUE_EVENTS or delivery.issue_id is None:
        return DeliveryVerdict.NO_CHANGE, OTHER_EVENT
    if not is_read:
        return DeliveryVerdict.NO_CHANGE, "Jira's answer for this issue could not be read"
    if what := changed.get(delivery.issue_id, ""):
        changed[delivery.issue_id] = TOGETHER
        is_first = what != TOGETHER
        return (DeliveryVerdict.CHANGED, what) if is_first else (DeliveryVerdict.NO_CHANGE, TOGETHER)
    return DeliveryVerdict.NO_CHANGE, ""


def _note_late(webhook: Webhook, deliveries: Iterable[InboxDelivery]) -> None:
    """What polling found before its delivery came was late, and not missed."""
    waiting = MissedChange.objects.filter(webhook=webhook, announced_at=None)
    if not waiting.exists():
        return
    for each in deliveries:
        if each.issue_id is not None and each.replay_of_id is None:
            announced = each.updated_at or each.received_at
            waiting.filter(issue_id=each.issue_id, updated_at__lte=announced).update(announced_at=each.received_at)


def waiting_age(webhook: Webhook, now: datetime) -> timedelta | None:
    """How long the oldest delivery has waited for its look; None: none waits."""
    rows = InboxDelivery.objects.filter(webhook=webhook, verdict=DeliveryVerdict.TAKEN).order_by("id")
    first = rows.annotate(since=F("received_at")).values_list("since", flat=True).first()
    return now - first if first else None

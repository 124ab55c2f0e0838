"""Polling beside the webhook: what Jira says has changed in the last minutes, and what of it no delivery announced.

The minutes are counted back from now, so no zone of the token's account is in the question. A search lags behind what
was written, so each poll reaches back at least two minutes beyond the beginning of the one before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from alignadmin.due_work import due_work
from alignadmin.http.errors import BadRequest, RemoteError
from alignadmin.http.listing import Records
from connectors.credentials.clients import jira_client
from connectors.jira.client import JiraClient
from connectors.jira.jql import Jql, SearchField, is_in, updated_within
from connectors.jira.resources import JiraIssue
from connectors.jobs import runner
from connectors.jobs.runner import Run
from connectors.models import (
    ACTIVE,
    Connector,
    DeliveryVerdict,
    InboxDelivery,
    Job,
    JobKind,
    MissedChange,
    Project,
    WatchedIssue,
    Webhook,
)
from connectors.webhooks import notices
from connectors.webhooks.looking import FIELDS, IssueNow, readable, store_looks

POLL = "poll"  # the subject of the job
OVERLAP = 3  # minutes: two, and the one that Jira's search may round away
LONGEST = 7 * 24 * 60  # minutes that one poll reaches back
STORED_AT_ONCE = 200


@due_work
def start_due() -> int:
    """For each webhook that is due, with the next time in the same statement, so that of several workers one does."""
    if not settings.WEBHOOK_POLL_INTERVAL:
        return 0
    now, every = timezone.now(), timedelta(seconds=settings.WEBHOOK_POLL_INTERVAL)
    busy = Job.objects.filter(connector=OuterRef("connector"), kind=JobKind.INBOX, subject=POLL, state__in=ACTIVE)
    # Far ahead: the clock went back, or somebody has shortened the interval since.
    due = Q(poll_due_at=None) | Q(poll_due_at__lte=now) | Q(poll_due_at__gt=now + every)
    ready = due & Q(ended_at=None, connector__is_active=True, connector__maintenance_since=None)
    started = 0
    for webhook in Webhook.objects.filter(ready, ~Exists(busy)).select_related("connector"):
        with transaction.atomic():
            if Webhook.objects.filter(due, pk=webhook.pk).update(poll_due_at=now + every):
                runner.start(webhook.connector, JobKind.INBOX, actor=None, subject=POLL)
                started += 1
    return started


def poll(run: Run) -> None:
    """Why it failed is kept with the webhook: until the next one that succeeds nobody knows what was missed."""
    webhook = Webhook.objects.select_related("connector").get(connector=run.connector)
    try:
        _poll(run, webhook)
    except RemoteError as error:
        Webhook.objects.filter(pk=webhook.pk).update(poll_error=error.sentence)
        raise


def _poll(run: Run, webhook: Webhook) -> None:
    """1. What changed, in projects that are in scope. 2. In portions: looks, and what was missed. 3. How far it came,
    and whether the webhook is silent.
    """
    began_at = timezone.now()
    jira = jira_client(run.connector, job=run.job, on_wait=run.waits_for)
    base = webhook.jira_base or jira.server_info().base_url
    found: list[IssueNow] = []
    if projects := in_scope(run.connector):
        for page in _pages(jira, projects, updated_within(minutes_back(webhook, began_at))):
            found += readable(page)
            run.progress("looking for what changed in Jira", done=len(found))
    for first in range(0, len(found), STORED_AT_ONCE):
        portion = found[first : first + STORED_AT_ONCE]
        with transaction.atomic():
            run.assert_lease()
            Webhook.objects.locked().get(pk=webhook.pk)  # deliveries of the same issues may be worked off
            at = timezone.now()
            news = _not_seen_yet(webhook, portion)
            store_looks(run.connector, {each.issue_id: each for each in news}, at)
            _store_missed(webhook, portion, at)  # also what a look has seen already: no delivery announced that
    with transaction.atomic():
        run.assert_lease()
        stored = Webhook.objects.locked().get(pk=webhook.pk)
        stored.polled_at, stored.poll_error, stored.jira_base = began_at, "", base[:500]
        stored.save(update_fields=["polled_at", "poll_error", "jira_base"])
        notices.tell_silence(stored, timezone.now())


def _pages(jira: JiraClient, projects: Sequence[int], within: Jql) -> list[Records[JiraIssue]]:
    """A project that Jira knows no more makes it refuse all of them: they are then asked for by halves, and that one is
    left out. Raises BadRequest where none of them is taken.
    """
    try:
        return list(jira.search(is_in(SearchField.PROJECT, projects) & within, FIELDS))
    except BadRequest as refused:
        if len(projects) == 1:
            raise
        half, found, last = len(projects) // 2, [], refused
        for part in (projects[:half], projects[half:]):
            try:
                found.append(_pages(jira, part, within))
            except BadRequest as error:
                last = error
        if not found:
            raise last from refused
        return [page for pages in found for page in pages]


def in_scope(connector: Connector) -> list[int]:
    """Ids of the projects that count, in Jira: those in scope, ours among them."""
    rows = Project.objects.filter(connector=connector, in_scope=True, vanished_at=None)
    return list(rows.order_by("jira_id").values_list("jira_id", flat=True))


def minutes_back(webhook: Webhook, now: datetime) -> int:
    since = webhook.polled_at or webhook.created_at
    passed = max(0.0, (now - since).total_seconds())
    return min(LONGEST, math.ceil(passed / 60) + OVERLAP)


def _not_seen_yet(webhook: Webhook, issues: Collection[IssueNow]) -> list[IssueNow]:
    """Those in the overlap were looked at before; those that a delivery waits for are looked at where that is."""
    ids = [each.issue_id for each in issues]
    rows = WatchedIssue.objects.filter(connector=webhook.connector, jira_id__in=ids, gone_at=None)
    seen = dict(rows.values_list("jira_id", "updated_at"))
    waiting = InboxDelivery.objects.filter(webhook=webhook, verdict=DeliveryVerdict.TAKEN, issue_id__in=ids)
    announced = set(waiting.values_list("issue_id", flat=True))
    return [
        each
        for each in issues
        if each.issue_id not in announced and (each.issue_id not in seen or seen[each.issue_id] < each.updated_at)
    ]


def _store_missed(webhook: Webhook, issues: Collection[IssueNow], at: datetime) -> None:
    """Those that no delivery has announced, from when on its webhook was to announce them."""
    if webhook.counts_from is None:
        return
    rows = InboxDelivery.objects.filter(webhook=webhook, replay_of=None, updated_at__gte=webhook.counts_from)
    announced: dict[int, datetime] = {}
    for issue_id, updated_at in rows.filter(issue_id__in=[each.issue_id for each in issues]).values_list(
        "issue_id", "updated_at"
    ):
        if issue_id is not None and updated_at is not None:
            announced[issue_id] = max(updated_at, announced.get(issue_id, updated_at))
    missed = [
        MissedChange(
            webhook=webhook, issue_id=each.issue_id, issue_key=each.key, updated_at=each.updated_at, found_at=at
        )
        for each in issues
        if each.updated_at >= webhook.counts_from
        and (each.issue_id not in announced or announced[each.issue_id] < each.updated_at)
    ]
    MissedChange.objects.bulk_create(missed, ignore_conflicts=True)

"""Kill -9 of the worker at every point between acceptance and verdict: nothing is lost, and nothing counts twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import InboxDelivery, Job, JobKind, JobState, WatchedIssue, Webhook
from connectors.webhooks import inbox
from tests.support.crash import crashes
from tests.support.webhook_helpers import HookedConnector

pytestmark = pytest.mark.usefixtures("processes")


def work_off() -> None:
    """What is run in a process that is killed."""
    webhook = Webhook.objects.select_related("connector").get()
    runner.start(webhook.connector, JobKind.INBOX, actor=None, subject=inbox.WORK)
    runner.run_jobs()


def test_a_kill_at_any_point_loses_no_delivery_and_counts_none_twice(hooked: HookedConnector) -> None:
    issues = [hooked.make(), hooked.make()]

    def delivered() -> list[object]:
        Job.objects.all().delete()
        WatchedIssue.objects.all().delete()
        InboxDelivery.objects.all().delete()
        Webhook.objects.update(poll_due_at=timezone.now() + timedelta(seconds=59), counts_from=None)
        for issue in (*issues, issues[0]):
            assert hooked.deliver(hooked.payload(issue)) == 200
        return []

    for crash in crashes(work_off, delivered):
        verdicts = hooked.verdicts()
        assert verdicts in (["taken"] * 3, ["changed", "changed", "duplicate"]), crash.point
        Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
        run_due()
        assert hooked.verdicts() == ["changed", "changed", "duplicate"], crash.point
        assert WatchedIssue.objects.count() == 2, crash.point
    assert crash.point > 5

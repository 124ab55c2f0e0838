"""Polling beside the webhook: what nothing announced is found and counted, and the badge says so meanwhile."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import run_due
from alignadmin.notifications.models import Notification
from connectors.models import InboxDelivery, MissedChange, Project, WatchedIssue, Webhook
from connectors.webhooks.health import GRACE, WebhookState, health_of, missed_days, usual_gap
from connectors.webhooks.polling import minutes_back
from tests.support.sandbox_fixture import JIRA_TOKEN
from tests.support.webhook_helpers import HookedConnector


def poll_now(hooked: HookedConnector) -> None:
    Webhook.objects.update(poll_due_at=timezone.now())
    run_due()


def heard(hooked: HookedConnector) -> dict[str, object]:
    """An issue whose making was announced and looked at: from then on each change counts."""
    issue = hooked.make()
    assert hooked.deliver(hooked.payload(issue)) == 200
    run_due()
    Webhook.objects.update(counts_from=timezone.now() - timedelta(minutes=1))
    return issue


def state(hooked: HookedConnector) -> WebhookState:
    hooked.webhook.refresh_from_db()
    return health_of(hooked.webhook, timezone.now() + 2 * GRACE).state


def test_nothing_is_connected_before_it_was_heard(hooked: HookedConnector) -> None:
    assert state(hooked) is WebhookState.NOT_HEARD
    heard(hooked)
    assert state(hooked) is WebhookState.CONNECTED


def test_changes_that_no_delivery_announced_are_missed_and_told_once(hooked: HookedConnector, admin: Person) -> None:
    heard(hooked)
    lost = [str(hooked.make()["key"]) for _ in range(3)]
    poll_now(hooked)
    hooked.webhook.refresh_from_db()
    assert WatchedIssue.objects.count() >= 4
    (day,) = missed_days(hooked.webhook, timezone.now() + 2 * GRACE)
    assert (day.number, sorted(day.keys)) == (3, sorted(lost))
    assert state(hooked) is WebhookState.SILENT
    assert not Notification.objects.exists()  # they may be on their way still
    MissedChange.objects.update(found_at=timezone.now() - 2 * GRACE)
    poll_now(hooked)
    poll_now(hooked)
    assert MissedChange.objects.count() == 3  # the overlap finds them again, and counts none twice
    assert [each.kind for each in Notification.objects.filter(person=admin)] == ["webhook-silent"]


def test_what_is_announced_after_polling_found_it_was_late_and_not_missed(hooked: HookedConnector) -> None:
    heard(hooked)
    issue = hooked.make()
    poll_now(hooked)
    assert MissedChange.objects.get().issue_key == issue["key"]
    hooked.deliver(hooked.payload(issue))
    run_due()
    assert hooked.verdicts() == ["changed", "no-change"]
    assert state(hooked) is WebhookState.CONNECTED


def test_what_was_announced_is_not_missed_though_nobody_has_looked_at_it_yet(hooked: HookedConnector) -> None:
    heard(hooked)
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    Webhook.objects.update(work_after=timezone.now() + timedelta(minutes=1))
    poll_now(hooked)
    assert not MissedChange.objects.exists()


def test_what_changed_before_it_was_registered_or_heard_is_not_missed(hooked: HookedConnector) -> None:
    hooked.make()
    poll_now(hooked)
    assert not MissedChange.objects.exists()
    hooked.webhook.refresh_from_db()
    assert hooked.webhook.polled_at is not None


def test_each_poll_reaches_two_minutes_behind_the_one_before(hooked: HookedConnector) -> None:
    now = timezone.now()
    for passed, minutes in ((0, 3), (61, 5), (3600, 63), (10**7, 7 * 24 * 60)):
        hooked.webhook.polled_at = now - timedelta(seconds=passed)
        assert minutes_back(hooked.webhook, now) == minutes


def test_an_account_in_another_zone_is_asked_about_the_same_minutes(hooked: HookedConnector) -> None:
    """Of a poll that asked by the time on a clock, 5:45 hours would be missing, or be read anew each time."""
    hooked.sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, zone="Asia/Kathmandu")
    heard(hooked)
    issue = hooked.make()
    poll_now(hooked)
    assert [each.issue_key for each in MissedChange.objects.all()] == [issue["key"]]


def test_a_poll_that_failed_says_why_and_the_next_one_reaches_further_back(hooked: HookedConnector) -> None:
    poll_now(hooked)
    hooked.webhook.refresh_from_db()
    before = hooked.webhook.polled_at
    hooked.sandbox.faults({"path": "/search", "status": 400})
    poll_now(hooked)
    hooked.webhook.refresh_from_db()
    assert hooked.webhook.poll_error
    assert hooked.webhook.polled_at == before
    hooked.sandbox.faults()
    poll_now(hooked)
    hooked.webhook.refresh_from_db()
    assert hooked.webhook.poll_error == ""


def test_it_is_silent_after_more_than_its_usual_pause(hooked: HookedConnector) -> None:
    heard(hooked)
    gap = usual_gap(hooked.webhook)
    assert gap == timedelta(hours=1)
    now = timezone.now()
    assert health_of(hooked.webhook, now + gap - timedelta(minutes=1)).state is WebhookState.CONNECTED
    assert health_of(hooked.webhook, now + gap + timedelta(minutes=1)).state is WebhookState.SILENT
    InboxDelivery.objects.update(received_at=now - timedelta(hours=10))
    hooked.deliver(hooked.payload(hooked.make()))
    assert usual_gap(hooked.webhook) >= timedelta(hours=15)


def test_a_look_or_a_replay_in_between_does_not_hide_what_was_missed(hooked: HookedConnector) -> None:
    issue = heard(hooked)
    hooked.move(str(issue["key"]))  # which no delivery announces
    WatchedIssue.objects.update(updated_at=timezone.now() + timedelta(minutes=1))  # a look for another reason saw it
    poll_now(hooked)
    assert MissedChange.objects.filter(issue_key=issue["key"]).count() == 1


def test_a_project_that_jira_knows_no_more_keeps_the_others_polled(hooked: HookedConnector) -> None:
    heard(hooked)
    Project.objects.create(connector=hooked.connector, jira_id=987654, key="GONE", in_scope=True, scope_choice="in")
    lost = str(hooked.make()["key"])
    poll_now(hooked)
    hooked.webhook.refresh_from_db()
    assert hooked.webhook.poll_error == ""
    assert MissedChange.objects.filter(issue_key=lost).exists()

"""What deliveries lead to: real ones of the sandbox's Jira, and a look at what Jira shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import (
    Connector,
    InboxDelivery,
    Job,
    JobKind,
    JobState,
    MissedChange,
    WatchedIssue,
    Webhook,
)
from connectors.ports import looked_at
from connectors.ports.looked_at import LookedAtIssue
from connectors.webhooks import services
from tests.support.webhook_helpers import HookedConnector


def outcomes(hooked: HookedConnector) -> list[tuple[str, str]]:
    rows = InboxDelivery.objects.filter(webhook=hooked.webhook).order_by("id")
    return list(rows.values_list("verdict", "outcome"))


def test_a_look_says_what_has_changed_in_jira_whatever_the_body_says(hooked: HookedConnector) -> None:
    issue = hooked.make()
    hooked.deliver(hooked.payload({**issue, "fields": {"status": {"id": "1", "name": "A lie"}}}))
    run_due()
    hooked.move(issue["key"])
    hooked.deliver(hooked.payload(hooked.issue(issue["key"])))
    run_due()
    before, after = issue["fields"]["status"]["name"], hooked.issue(issue["key"])["fields"]["status"]["name"]
    assert outcomes(hooked)[0] == ("changed", f"Seen for the first time, in {before}")
    verdict, words = outcomes(hooked)[1]
    assert verdict == "changed"
    assert words.endswith(f"→ {after}")


def test_the_same_delivery_again_is_a_duplicate_and_keeps_no_body(hooked: HookedConnector) -> None:
    issue = hooked.make()
    first, other = hooked.payload(issue), hooked.payload(issue, timestamp=1796083200001)
    for body, identifier in ((first, "one"), (other, "one"), (first, "two"), (first, "")):
        assert hooked.deliver(body, identifier=identifier) == 200
    run_due()
    assert hooked.verdicts() == ["changed", "duplicate", "duplicate", "duplicate"]
    assert InboxDelivery.objects.exclude(sealed_body="").count() == 1
    assert hooked.deliver(other, identifier="one") == 200  # days later
    run_due()
    assert hooked.verdicts()[-1] == "duplicate"


def test_a_deleted_issue_is_gone_and_told_once(hooked: HookedConnector) -> None:
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    run_due()
    hooked.jira("DELETE", f"/issue/{issue['key']}")
    hooked.deliver(hooked.payload(issue, "jira:issue_deleted", timestamp=1796083300000))
    hooked.deliver(hooked.payload(issue, "jira:issue_deleted", timestamp=1796083300001))
    run_due()
    assert [verdict for verdict, _ in outcomes(hooked)] == ["changed", "changed", "no-change"]
    assert WatchedIssue.objects.get().gone_at is not None


def test_many_issues_go_into_one_request(hooked: HookedConnector) -> None:
    for issue in [hooked.make() for _ in range(5)]:
        hooked.deliver(hooked.payload(issue))
    Webhook.objects.update(poll_due_at=timezone.now() + timedelta(seconds=59))
    hooked.sandbox.clear_journal()
    run_due()
    assert hooked.verdicts() == ["changed"] * 5
    assert len(hooked.sandbox.journal(containing="/search")) == 1
    assert not hooked.sandbox.journal(containing="/issue/")


def test_a_search_that_lags_behind_is_not_believed(hooked: HookedConnector) -> None:
    hooked.sandbox.reset(search_lag="60")
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    run_due()
    hooked.move(issue["key"])
    hooked.deliver(hooked.payload(hooked.issue(issue["key"])))
    run_due()
    assert outcomes(hooked)[1][1].startswith("Status: ")


def test_a_replay_is_looked_at_once_more_and_changes_nothing(hooked: HookedConnector, admin: Person) -> None:
    for issue in [hooked.make() for _ in range(3)]:
        hooked.deliver(hooked.payload(issue))
    run_due()
    rows = list(InboxDelivery.objects.order_by("id"))
    assert services.replay(hooked.webhook, lambda: rows, actor=admin) == 3
    run_due()
    assert hooked.verdicts() == ["changed"] * 3 + ["no-change"] * 3


def test_whoever_listens_is_told_once_in_the_same_transaction(
    hooked: HookedConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[LookedAtIssue] = []

    def listen(connector: Connector, issues: list[LookedAtIssue], at: datetime) -> None:
        heard.extend(issues)

    monkeypatch.setattr(looked_at, "_listeners", [listen])
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    run_due()
    first = heard[0]
    assert (first.issue_id, first.key, first.is_gone) == (int(issue["id"]), issue["key"], False)


def test_a_jira_that_is_away_is_asked_again_later_and_nothing_is_lost(hooked: HookedConnector) -> None:
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    hooked.sandbox.faults({"path": "/search", "status": 400}, {"path": "/issue/", "status": 400})
    run_due()
    hooked.sandbox.faults()
    assert hooked.verdicts() == ["taken"]
    run_due()
    assert hooked.verdicts() == ["taken"]  # not before its time
    Webhook.objects.update(work_after=timezone.now())
    run_due()
    assert hooked.verdicts() == ["changed"]


def test_a_worker_that_was_killed_before_the_verdict_leaves_the_lot_to_the_next(hooked: HookedConnector) -> None:
    issue = hooked.make()
    hooked.deliver(hooked.payload(issue))
    runner.start(hooked.connector, JobKind.INBOX, actor=None, subject="inbox")
    assert runner.claim("a worker that is killed now") is not None
    Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
    run_due()
    assert hooked.verdicts() == ["changed"]
    assert MissedChange.objects.count() == 0

"""Registering in the sandbox's Jira, and what it then delivers: late, lost, doubled, reordered, unsigned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue

import pytest
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.models import InboxDelivery, MissedChange, RefusedDeliveries, Registration, Webhook
from connectors.webhooks import services
from connectors.webhooks.registering import LABEL
from tests.support.scripted_server import Reply, Seen, serving
from tests.support.webhook_helpers import HookedConnector


@dataclass
class Bridge:
    """Takes what Jira sends over HTTP, and hands it to the product with the headers it came with.

    The answer to Jira is always 200: the product is asked afterwards, in the thread of the test.
    """

    hooked: HookedConnector
    heard: Queue[Seen] = field(default_factory=Queue)

    def answer(self, seen: Seen) -> Reply:
        self.heard.put(seen)
        return Reply(status=200)

    def hand_on(self, number: int, *, within: float = 5.0) -> list[int]:
        """The statuses of so many deliveries, in the order in which they came."""
        return [self._hand_on(self.heard.get(timeout=within)) for _ in range(number)]

    def _hand_on(self, seen: Seen) -> int:
        headers = {key: value for key, value in seen.headers.items() if key.lower().startswith("x-")}
        answer = self.hooked.client.post(seen.path, seen.body, content_type="application/json", headers=headers)
        return answer.status_code

    def is_quiet(self) -> bool:
        try:
            self.heard.get(timeout=0.3)
        except Empty:
            return True
        return False


@pytest.fixture
def bridge(hooked: HookedConnector, settings: Settings) -> Iterator[Bridge]:
    made = Bridge(hooked)
    with serving(made.answer) as server:
        settings.PUBLIC_ADDRESS = server.address
        yield made


@pytest.fixture
def registered(bridge: Bridge, admin: Person) -> Bridge:
    register(bridge, admin)
    assert bridge.hooked.webhook.registration == Registration.REGISTERED
    return bridge


def register(bridge: Bridge, admin: Person) -> None:
    services.register(bridge.hooked.webhook, actor=admin)
    run_due()
    bridge.hooked.webhook.refresh_from_db()


def in_jira(bridge: Bridge) -> list[dict[str, object]]:
    found = bridge.hooked.sandbox.jira("/rest/webhooks/1.0/webhook")
    rows: list[dict[str, object]] = found.json()
    return rows


def test_it_is_approved_by_a_click_written_down_and_then_sent(bridge: Bridge, admin: Person) -> None:
    services.register(bridge.hooked.webhook, actor=admin)
    bridge.hooked.webhook.refresh_from_db()
    assert bridge.hooked.webhook.registration == Registration.SENDING
    assert in_jira(bridge) == []
    run_due()
    (row,) = in_jira(bridge)
    assert str(row["url"]).endswith(f"/hooks/{bridge.hooked.address}/")
    assert row["isSigned"] is True
    assert row["filters"] == {"issue-related-events-section": services.jql_of(bridge.hooked.connector)}
    acts = [each.action for each in Entry.objects.order_by("seq") if each.action.startswith("webhook.")]
    assert acts == ["webhook.set-up", "webhook.registering", "webhook.registered"]
    assert not any(bridge.hooked.address in body for body in Entry.objects.values_list("body", flat=True))


def test_registered_twice_there_is_one_in_jira(registered: Bridge, admin: Person) -> None:
    register(registered, admin)
    assert len(in_jira(registered)) == 1


def test_what_jira_sends_is_taken_and_looked_at(registered: Bridge) -> None:
    hooked = registered.hooked
    key = str(hooked.make()["key"])
    assert registered.hand_on(1) == [200]
    run_due()
    hooked.move(key)
    hooked.jira("DELETE", f"/issue/{key}")
    assert registered.hand_on(2) == [200, 200]
    run_due()
    rows = InboxDelivery.objects.order_by("id")
    assert [each.event.removeprefix("jira:issue_") for each in rows] == ["created", "updated", "deleted"]
    assert hooked.verdicts()[0] == "changed"
    assert not MissedChange.objects.exists()


def test_doubled_ones_are_duplicates(bridge: Bridge, admin: Person) -> None:
    bridge.hooked.sandbox.reset(webhooks="doubled")
    register(bridge, admin)
    bridge.hooked.make()
    assert bridge.hand_on(2) == [200, 200]
    run_due()
    assert bridge.hooked.verdicts() == ["changed", "duplicate"]


@pytest.mark.parametrize(("way", "refused"), [("unsigned", 1), ("other-secret", 1), ("lost", 0)])
def test_what_is_not_signed_by_our_secret_is_refused_and_polling_finds_the_change(
    bridge: Bridge, admin: Person, way: str, refused: int
) -> None:
    bridge.hooked.sandbox.reset(webhooks=way)
    register(bridge, admin)
    issue = bridge.hooked.make()
    assert bridge.hand_on(refused) == [403] * refused
    Webhook.objects.update(poll_due_at=timezone.now())
    run_due()
    assert sum(RefusedDeliveries.objects.values_list("number", flat=True)) == refused
    assert [each.issue_key for each in MissedChange.objects.all()] == [issue["key"]]
    assert not InboxDelivery.objects.exists()


@pytest.mark.parametrize("way", ["reordered", "late"])
def test_reordered_and_late_ones_end_with_what_jira_shows(bridge: Bridge, admin: Person, way: str) -> None:
    bridge.hooked.sandbox.reset(webhooks=way)
    register(bridge, admin)
    key = str(bridge.hooked.make()["key"])
    bridge.hooked.move(key)
    assert bridge.hand_on(2) == [200, 200]
    run_due()
    assert bridge.hooked.verdicts() == ["changed", "no-change"]


@pytest.mark.parametrize("jira", ["server", "server-9"])
def test_data_center_signs_from_10_on_and_before_it_the_address_alone_is_compared(
    bridge: Bridge, admin: Person, jira: str
) -> None:
    bridge.hooked.sandbox.reset(jira=jira)
    bridge.hooked.connector.jira_kind = "datacenter"
    bridge.hooked.connector.save()
    register(bridge, admin)
    assert bridge.hooked.webhook.error == ""
    assert bridge.hooked.webhook.is_signed is (jira == "server")
    bridge.hooked.make()
    assert bridge.hand_on(1) == [200]


def test_a_new_secret_is_registered_and_what_was_under_way_is_taken(registered: Bridge, admin: Person) -> None:
    registered.hooked.make()
    registered.hooked.sandbox.clear_journal()
    services.change_secret(registered.hooked.webhook, actor=admin)
    run_due()
    asked = [each["method"] for each in registered.hooked.sandbox.journal(containing="/webhook")]
    assert [each for each in asked if each != "GET"] == ["POST", "DELETE"], "at no moment nothing is registered"
    registered.hooked.make()
    assert registered.hand_on(2) == [200, 200]
    assert len(in_jira(registered)) == 1


def test_a_removed_one_is_deleted_in_jira(registered: Bridge, admin: Person) -> None:
    services.remove(registered.hooked.webhook, actor=admin)
    run_due()
    assert in_jira(registered) == []
    registered.hooked.make()
    assert registered.is_quiet()


def test_a_token_that_may_not_is_told_in_jiras_words(bridge: Bridge, admin: Person) -> None:
    bridge.hooked.sandbox.edit("set_token", site="jira", token="sandbox-jira-token", global_admin=False)
    register(bridge, admin)
    assert bridge.hooked.webhook.registration == Registration.FAILED
    assert bridge.hooked.webhook.error


def test_an_answer_that_was_lost_is_looked_for_and_nothing_is_registered_twice(bridge: Bridge, admin: Person) -> None:
    bridge.hooked.sandbox.faults({"path": "/webhook", "method": "POST", "cut": "after", "times": 1})
    register(bridge, admin)
    assert bridge.hooked.webhook.registration == Registration.REGISTERED
    assert len(in_jira(bridge)) == 1


def test_the_canary_adds_and_removes_its_label_and_is_heard(registered: Bridge, admin: Person) -> None:
    hooked = registered.hooked
    key = str(hooked.make()["key"])
    registered.hand_on(1)
    services.choose_canary(hooked.webhook, key, actor=admin)
    hooked.webhook.refresh_from_db()
    services.send_canary(hooked.webhook, actor=admin)
    run_due()
    hooked.webhook.refresh_from_db()
    assert services.canary_heard_at(hooked.webhook) is None
    assert registered.hand_on(2) == [200, 200]
    assert services.canary_heard_at(hooked.webhook) is not None
    assert LABEL not in hooked.issue(key)["fields"]["labels"]

"""The page of a webhook: by whom it is set up, what it shows to whom, filters, pages, bodies, replay, and the ends."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.models import Connector, InboxDelivery, Registration, WatchedIssue, Webhook
from connectors.setup.disconnecting.disconnect import disconnect, preview
from connectors.webhooks import keeping, services
from connectors.webhooks.page import PER_PAGE
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.webhook_helpers import HookedConnector, in_scope

HERE = "/connectors/acme/webhook/"
SignIn = Callable[[Role], Client]


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return html.unescape(answer.content.decode())


def test_an_admin_sets_it_up_and_copies_what_jira_asks_for(
    transactional_db: None, bare_connector: Connector, sandbox: RunningSandbox, signed_in: SignIn, settings: Settings
) -> None:
    settings.PUBLIC_ADDRESS = "https://align.example.com"
    client = signed_in(Role.ADMIN)
    assert "Not set up" in text(client.get(HERE))
    assert client.post(f"{HERE}set-up/").status_code == 409  # no project is in scope
    project = in_scope(bare_connector, sandbox)
    assert client.post(f"{HERE}set-up/").status_code == 303
    assert "Webhook not heard yet" in text(client.get(HERE))
    page = text(client.get(f"{HERE}by-hand/"))
    held = services.secrets_of(Webhook.objects.get())
    assert f"https://align.example.com/hooks/{held['address']}/" in page  # type: ignore[index]
    assert held["current"] in page  # type: ignore[index]
    assert f"project in ({project.jira_id})" in page
    assert "System > Webhooks" in page
    for event in ("created", "updated", "deleted"):
        assert f"jira:issue_{event}" in page


def test_cloud_without_an_https_address_is_told_that_it_is_polled(
    hooked: HookedConnector, signed_in: SignIn, settings: Settings
) -> None:
    settings.PUBLIC_ADDRESS = "http://align.internal:8000"
    words = "AlignAdmin asks Jira for changes every minute instead"
    client = signed_in(Role.ADMIN)
    assert words not in text(client.get(HERE))  # a Jira that is reached by http is in this network
    Connector.objects.update(jira_site="https://acme.atlassian.net")
    assert words in text(client.get(HERE))
    settings.PUBLIC_ADDRESS = "https://align.example.com"
    assert words not in text(client.get(HERE))


@pytest.mark.parametrize(
    ("role", "page", "body"),
    [(Role.ADMIN, 200, 200), (Role.EDITOR, 200, 200), (Role.REVIEWER, 200, 404), (Role.VIEWER, 404, 404)],
)
def test_bodies_are_for_editors_and_admins_verdicts_for_reviewers_and_nothing_for_viewers(
    hooked: HookedConnector, signed_in: SignIn, role: Role, page: int, body: int
) -> None:
    issue = hooked.make()
    hooked.deliver(hooked.payload({**issue, "secret_of_a_body": "<b>only here</b>"}))
    run_due()
    client = signed_in(role)
    assert client.get(HERE).status_code == page
    one = client.get(f"{HERE}deliveries/{InboxDelivery.objects.get().pk}/")
    assert one.status_code == body
    assert ("only here" in one.content.decode()) is (body == 200)
    assert b"<b>only here" not in one.content
    if page == 200:
        shown = text(client.get(HERE))
        assert issue["key"] in shown
        assert "only here" not in shown
        assert (f"{HERE}deliveries/" in shown) is (body == 200)


KEY = re.compile(r">(PAY-\d+) ?<")  # of a row


def test_the_inbox_is_filtered_and_paged_from_row_to_row(hooked: HookedConnector, signed_in: SignIn) -> None:
    rows = [
        InboxDelivery(
            webhook=hooked.webhook,
            received_at=timezone.now(),
            event="jira:issue_updated" if number % 2 else "jira:issue_created",
            issue_id=number,
            issue_key=f"PAY-{number}",
            body_hash=f"{number:064}",
            size=2,
            verdict="changed" if number % 3 else "no-change",
        )
        for number in range(PER_PAGE + 5)
    ]
    InboxDelivery.objects.bulk_create(rows)
    client = signed_in(Role.EDITOR)
    first = text(client.get(HERE))
    keys = KEY.findall(first)
    assert (len(keys), keys[0], keys[-1]) == (PER_PAGE, f"PAY-{PER_PAGE + 4}", "PAY-5")
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older
    InboxDelivery.objects.create(**{**vars_of(rows[0]), "issue_key": "PAY-NEW"})  # while somebody reads
    assert KEY.findall(text(client.get(older[1].split("#")[0]))) == [f"PAY-{n}" for n in (4, 3, 2, 1, 0)]
    assert KEY.findall(text(client.get(f"{HERE}?issue=pay-7"))) == ["PAY-7"]
    assert len(KEY.findall(text(client.get(f"{HERE}?verdict=no-change&event=jira:issue_updated")))) == 9
    for wrong in ("verdict=x", "before=x", "before=-1", "before=" + "9" * 30, "event=%00", "issue=%00"):
        assert client.get(f"{HERE}?{wrong}").status_code == 200


def vars_of(row: InboxDelivery) -> dict[str, object]:
    kept = ("webhook_id", "received_at", "event", "issue_id", "body_hash", "size", "verdict")
    return {name: getattr(row, name) for name in kept}


def test_one_delivery_or_a_window_is_replayed(hooked: HookedConnector, signed_in: SignIn) -> None:
    for issue in [hooked.make(), hooked.make()]:
        hooked.deliver(hooked.payload(issue))
    run_due()
    client, now = signed_in(Role.EDITOR), timezone.now()
    one = InboxDelivery.objects.order_by("id").first()
    assert one
    assert client.post(f"{HERE}replay/", {"delivery": one.pk}).status_code == 303
    run_due()
    window = {
        "from": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "until": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}",
    }
    assert client.post(f"{HERE}replay/", window).status_code == 303
    run_due()
    assert hooked.verdicts() == ["changed"] * 2 + ["no-change"] * 3  # replays are not replayed


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"delivery": "x"},
        {"delivery": "999999999"},
        {"from": "2026-12-01T10:00"},
        {"from": "2026-12-01T10:00", "until": "2026-12-01T10:00"},
        {"from": "yesterday", "until": "now"},
        {"from": "2026-12-01T10:00", "until": "9" * 5000},
    ],
)
def test_a_replay_of_nothing_is_refused_in_words(
    hooked: HookedConnector, signed_in: SignIn, form: dict[str, str]
) -> None:
    answer = signed_in(Role.EDITOR).post(f"{HERE}replay/", form)
    assert answer.status_code == 409
    assert not InboxDelivery.objects.exists()


def test_bodies_are_erased_after_thirty_days_and_the_verdict_stays(hooked: HookedConnector, signed_in: SignIn) -> None:
    hooked.deliver(hooked.payload(hooked.make()))
    run_due()
    InboxDelivery.objects.update(received_at=timezone.now() - timedelta(days=31))
    assert keeping.erase_old() == 1
    row = InboxDelivery.objects.get()
    assert (row.sealed_body, row.verdict) == ("", "changed")
    assert "erased after 30 days" in text(signed_in(Role.ADMIN).get(f"{HERE}deliveries/{row.pk}/"))
    assert keeping.erase_old() == 0


def test_a_removed_one_keeps_its_inbox_for_a_month(hooked: HookedConnector, admin: Person) -> None:
    hooked.deliver(hooked.payload(hooked.make()))
    run_due()
    services.remove(hooked.webhook, actor=admin)
    keeping.erase_old()
    assert InboxDelivery.objects.count() == 1
    Webhook.objects.update(ended_at=timezone.now() - timedelta(days=31))
    keeping.erase_old()
    assert not Webhook.objects.exists()


def test_one_that_is_registered_stands_against_a_disconnection_and_one_by_hand_ends_with_it(
    hooked: HookedConnector, admin: Person
) -> None:
    Webhook.objects.update(jira_id=7, registration=Registration.REGISTERED)
    with pytest.raises(Refused, match="remove the webhook on its page"):
        disconnect(hooked.connector, reason="over", actor=admin)
    assert not preview(hooked.connector).can_go_on
    Webhook.objects.update(jira_id=None, registration=Registration.BY_HAND)
    address, secret = hooked.address, hooked.secret
    disconnect(hooked.connector, reason="over", actor=admin)
    assert hooked.deliver(hooked.payload({"id": "1", "key": "PAY-1"}), address=address, secret=secret) == 404


def test_another_jira_begins_anew(hooked: HookedConnector, admin: Person) -> None:
    hooked.deliver(hooked.payload(hooked.make()))
    run_due()
    with transaction.atomic():
        services.forget_jira(hooked.connector)
    assert not WatchedIssue.objects.exists()
    found = services.of(hooked.connector)
    assert found is not None
    assert found.ended_at is not None

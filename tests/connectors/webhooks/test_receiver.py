"""What the receiver takes and refuses: over HTTP, as Jira and as anybody else would send it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.models import (
    InboxDelivery,
    RefusalReason,
    RefusedDeliveries,
    WebhookSecret,
    WebhookSecretKind,
)
from connectors.webhooks import receiver_views, sealed, services
from connectors.webhooks.receiving import LARGEST_BODY
from connectors.webhooks.refusals import Gate
from tests.support.webhook_helpers import HookedConnector

ISSUE = {"id": "10001", "key": "PAY-1", "fields": {"updated": "2026-12-01T05:45:00.000+0545"}}


def refused(hooked: HookedConnector) -> dict[str, int]:
    return dict(RefusedDeliveries.objects.filter(webhook=hooked.webhook).values_list("reason", "number"))


def test_a_signed_delivery_is_stored_and_answered_with_nothing(hooked: HookedConnector) -> None:
    body = hooked.payload(ISSUE)
    assert hooked.deliver(body, identifier="a") == 200
    row = InboxDelivery.objects.get()
    assert (row.issue_id, row.issue_key, row.event, row.identifier) == (10001, "PAY-1", "jira:issue_updated", "a")
    assert row.updated_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert sealed.opened_body(row).encode() == body
    assert b"PAY-1" not in row.sealed_body.encode()


def test_its_address_and_its_secret_stand_nowhere_open(hooked: HookedConnector) -> None:
    assert len(hooked.address) == 64
    held = [*WebhookSecret.objects.values_list("sealed", flat=True), hooked.webhook.address_hash]
    assert not any(hooked.address in each or hooked.secret in each for each in held)


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=00", "sha1=aa", "sha256=é", "x" * 3000])
def test_a_forged_signature_is_counted_and_leaves_no_row(hooked: HookedConnector, signature: str) -> None:
    answer = hooked.client.post(
        f"/hooks/{hooked.address}/",
        hooked.payload(ISSUE),
        content_type="application/json",
        HTTP_X_HUB_SIGNATURE=signature,
    )
    assert (answer.status_code, answer.content) == (403, b"")
    assert refused(hooked) == {RefusalReason.SIGNATURE: 1}
    assert not InboxDelivery.objects.exists()


def test_a_body_that_was_altered_does_not_fit_its_signature(hooked: HookedConnector) -> None:
    assert hooked.deliver(hooked.payload(ISSUE), secret="another") == 403
    assert hooked.deliver(hooked.payload(ISSUE)) == 200
    assert refused(hooked) == {RefusalReason.SIGNATURE: 1}


def test_an_unknown_address_is_not_found_and_nothing_is_kept(hooked: HookedConnector) -> None:
    for address in ("x" * 64, "short", "%00", "\N{SNOWMAN}", hooked.address[:-1], hooked.address + "x"):
        assert hooked.client.post(f"/hooks/{address}/", b"{}", content_type="application/json").status_code == 404
    assert not RefusedDeliveries.objects.exists()


def test_only_post_is_answered_whether_the_address_is_one_or_not(hooked: HookedConnector) -> None:
    for address in (hooked.address, "x" * 64):
        assert [
            hooked.client.get(f"/hooks/{address}/").status_code,
            hooked.client.put(f"/hooks/{address}/").status_code,
        ] == [
            405,
            405,
        ]


def test_a_body_over_a_megabyte_is_refused_and_one_of_a_megabyte_taken(hooked: HookedConnector) -> None:
    body = hooked.payload(ISSUE, padding="")
    fitting = hooked.payload(ISSUE, padding="x" * (LARGEST_BODY - len(body)))
    assert len(fitting) == LARGEST_BODY
    assert [hooked.deliver(fitting), hooked.deliver(fitting + b" ")] == [200, 413]
    assert refused(hooked) == {RefusalReason.SIZE: 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"webhookEvent": 7}',
        b'{"webhookEvent": ""}',
        b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "1; drop"}}',
        b'{"webhookEvent": "jira:issue_updated", "issue": []}',
        b'{"webhookEvent": "jira:issue_updated", "timestamp": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_no_jira_sends_is_counted_as_not_readable(hooked: HookedConnector, body: bytes) -> None:
    assert hooked.deliver(body) == 400
    assert refused(hooked) == {RefusalReason.FORM: 1}


def test_an_issue_of_another_site_is_refused(hooked: HookedConnector) -> None:
    other = {**ISSUE, "self": "https://other.atlassian.net/rest/api/2/issue/10001"}
    own = {**ISSUE, "self": f"{hooked.connector.jira_site}/rest/api/2/issue/10001"}
    assert [hooked.deliver(hooked.payload(other)), hooked.deliver(hooked.payload(own))] == [403, 200]
    assert refused(hooked) == {RefusalReason.SITE: 1}


def test_an_unsigned_one_is_taken_only_where_jira_does_not_sign(hooked: HookedConnector, admin: Person) -> None:
    assert hooked.deliver(hooked.payload(ISSUE), signed=False) == 403
    services.remove(hooked.webhook, actor=admin)
    hooked.webhook = services.set_up(hooked.connector, is_signed=False, actor=admin)
    assert hooked.deliver(hooked.payload(ISSUE), signed=False) == 200


def test_a_former_secret_is_good_for_a_day(hooked: HookedConnector, admin: Person) -> None:
    former = hooked.secret
    services.change_secret(hooked.webhook, actor=admin)
    assert hooked.secret != former
    assert [hooked.deliver(hooked.payload(ISSUE), secret=each) for each in (former, hooked.secret)] == [200, 200]
    WebhookSecret.objects.filter(kind=WebhookSecretKind.FORMER).update(
        valid_until=timezone.now() - timedelta(seconds=1)
    )
    assert [hooked.deliver(hooked.payload(ISSUE), secret=each) for each in (former, hooked.secret)] == [403, 200]


def test_a_removed_one_receives_nothing(hooked: HookedConnector, admin: Person) -> None:
    address, secret = hooked.address, hooked.secret
    assert hooked.deliver(hooked.payload(ISSUE)) == 200
    services.remove(hooked.webhook, actor=admin)
    assert hooked.deliver(hooked.payload(ISSUE), address=address, secret=secret) == 404
    assert InboxDelivery.objects.count() == 1


def test_what_is_too_much_is_sent_again_later_and_counted(
    hooked: HookedConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(at_once=1, patience=0.01)
    monkeypatch.setattr(receiver_views, "GATE", gate)
    assert gate.enter()  # by another thread, which is at work
    assert hooked.deliver(hooked.payload(ISSUE)) == 503
    assert not refused(hooked)  # no write more while there is too much
    gate.leave()
    assert hooked.deliver(hooked.payload(ISSUE)) == 200
    assert refused(hooked) == {RefusalReason.BUSY: 1}


def test_a_session_and_a_token_of_a_form_are_not_asked_for_and_none_is_given(hooked: HookedConnector) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"/hooks/{hooked.address}/", b"{}", content_type="application/json")
    assert answer.status_code == 403
    assert not answer.cookies

"""The e-mail about a new status that falls to 0: at once, once for each status, by one worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from alignadmin.mail import sending
from alignadmin.mail.models import OutgoingMail
from connectors.models import Connector, Finding, HistoryRow
from mappings.drift import alerts
from mappings.engine.values import Situation
from mappings.models import ForeignRecord, Mapping, Scope
from tests.support.finding_helpers import found, reached_story_status

GROUP = "drift@example.test"
VENDOR = 10777


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.DIGEST_RECIPIENTS = [GROUP]
    settings.PUBLIC_ADDRESS = "https://align.example.test/"


@pytest.fixture
def owner(bare_connector: Connector) -> Connector:
    """Its project PROJ has a new status that stories reach and that is not mapped."""
    project = reached_story_status(bare_connector, VENDOR)
    found(bare_connector, VENDOR, name="Waiting for vendor", project=project)
    return bare_connector


def send_due() -> int:
    """What a worker does a minute later: how many messages there were."""
    Connector.objects.update(alerts_due_at=None)
    done = alerts.queue_due()
    sending.send_due()
    return done


def map_it() -> None:
    values = {"wanted": 2, "applied": 2, "observed": 2, "situation": Situation.IN_SYNC}
    Mapping.objects.create(scope=Scope.objects.get(), work_item_type="story", source_id=VENDOR, **values)


def entries() -> list[str]:
    return list(HistoryRow.objects.filter(action=alerts.SENT).order_by("pk").values_list("sentence", flat=True))


def test_it_calls_the_items_as_the_connector_does(owner: Connector) -> None:
    Connector.objects.update(level_names={"story": "User Story"})
    assert send_due() == 1
    assert "User Stories that reach it fall to 0 - Pending approval" in mail.outbox[0].body


def test_it_is_told_at_once_with_where_it_leads_to_and_only_once(owner: Connector) -> None:
    assert [send_due() for _ in range(3)] == [1, 0, 0]
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Acme: 1 status of Jira not mapped", [GROUP])
    assert "- Waiting for vendor (10777) is new in PROJ since " in message.body
    assert ": stories that reach it fall to 0 - Pending approval\n" in message.body
    assert f"https://align.example.test/connectors/acme/mappings/?scope=PROJ&q={VENDOR}\n" in message.body
    assert entries() == [f"Acme: 1 status of Jira not mapped: told {GROUP}."]


def test_a_further_project_of_a_status_that_was_told_is_no_news_and_another_status_is(owner: Connector) -> None:
    send_due()
    found(owner, VENDOR, name="Waiting for vendor", project=reached_story_status(owner, VENDOR, "PAY"))
    assert send_due() == 0
    found(owner, 10778, name="On hold", project=reached_story_status(owner, 10778))
    assert send_due() == 1
    assert "On hold (10778)" in mail.outbox[1].body
    assert "Waiting for vendor" not in mail.outbox[1].body


def test_what_is_mapped_seen_over_or_long_known_is_not_told(owner: Connector) -> None:
    for values in ({"seen_at": timezone.now()}, {"ended_at": timezone.now()}, {"found_at": long_ago()}):
        Finding.objects.update(**values)
        assert send_due() == 0, values
        Finding.objects.update(seen_at=None, ended_at=None, found_at=timezone.now())
    map_it()
    assert send_due() == 0
    Mapping.objects.all().delete()
    assert send_due() == 1, "until its mapping is gone, too"


def test_what_is_long_known_is_not_told_beside_what_is_new(owner: Connector) -> None:
    Finding.objects.update(found_at=long_ago())
    found(owner, 10778, name="On hold", project=reached_story_status(owner, 10778))
    assert send_due() == 1
    assert "On hold (10778)" in mail.outbox[0].body
    assert "Waiting for vendor" not in mail.outbox[0].body


def long_ago() -> Any:
    return timezone.now() - alerts.RECENT - timedelta(minutes=1)


def test_in_maintenance_nothing_is_sent_and_at_its_end_what_is_still_so(owner: Connector) -> None:
    Connector.objects.update(maintenance_since=timezone.now())
    assert send_due() == 0
    Connector.objects.update(maintenance_since=None)
    assert send_due() == 1


def test_where_a_record_of_an_unknown_type_stands_nobody_says_that_it_falls(owner: Connector) -> None:
    Scope.objects.update(foreign_rows=1)
    ForeignRecord.objects.create(scope=Scope.objects.get(), remote_id=9, type_id=40, source_id=VENDOR, target_id=2)
    assert send_due() == 0


def test_a_look_waits_a_minute_after_the_last_one(owner: Connector) -> None:
    map_it()
    assert alerts.queue_due() == 0
    Mapping.objects.all().delete()
    assert alerts.queue_due() == 0
    Connector.objects.update(alerts_due_at=timezone.now())
    assert alerts.queue_due() == 1


def test_without_anybody_to_tell_nothing_counts_as_told(owner: Connector, settings: Any) -> None:
    settings.DIGEST_RECIPIENTS = []
    assert send_due() == 0
    settings.DIGEST_RECIPIENTS = [GROUP]
    assert send_due() == 1


def test_that_no_mail_server_took_it_stands_in_the_history(owner: Connector, refusing_server: None) -> None:
    send_due()
    assert entries() == []
    OutgoingMail.objects.update(expires_at=timezone.now(), next_try_at=timezone.now())
    sending.send_due()
    (sentence,) = entries()
    assert sentence.startswith("Acme: 1 status of Jira not mapped: nobody was told: the mail server cannot be reached")


def test_of_workers_that_look_at_once_one_tells(transactional_db: None, owner: Connector) -> None:
    start = Barrier(4)

    def work(_: int) -> int:
        start.wait(timeout=10)
        try:
            return alerts.queue_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1
    assert OutgoingMail.objects.count() == 1

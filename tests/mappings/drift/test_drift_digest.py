"""The drift digest: once a day, by one worker, only with something to say, over failures of the mail server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import verification
from alignadmin.due_work import run_due
from alignadmin.mail import sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.preferences.reading import chosen, one_turn
from connectors.models import (
    AuditSource,
    Connector,
    Coverage,
    Finding,
    HistoryRow,
    Status,
    StatusCategory,
)
from mappings.drift import digest
from mappings.engine.values import Situation
from mappings.models import CheckKind, DriftCheck, InUseCount, Mapping, Scope
from tests.support.finding_helpers import found, reached_story_status
from tests.support.people_helpers import entries as entries_of

GROUP = "drift@example.test"


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.DIGEST_RECIPIENTS = [GROUP]
    settings.PUBLIC_ADDRESS = "https://align.example.test/"
    settings.DIGEST_HOUR = timezone.now().hour  # so that what is due since a minute belongs to today


@pytest.fixture
def owner(bare_connector: Connector) -> Connector:
    """Read once, and due."""
    Connector.objects.update(catalogue_at=timezone.now())
    return due(bare_connector)


def due(owner: Connector) -> Connector:
    at = timezone.now().replace(minute=0, second=0, microsecond=0)
    Connector.objects.filter(pk=owner.pk).update(digest_due_at=at)
    owner.refresh_from_db()
    return owner


def a_day_later(owner: Connector) -> Connector:
    """What time does, seen from the other side: everything that was becomes older by a day."""
    rows = list(Mapping.objects.exclude(drifted_at=None))
    assert rows
    for row in rows:
        assert row.drifted_at is not None
        Mapping.objects.filter(pk=row.pk).update(drifted_at=row.drifted_at - timedelta(days=1))
    return due(owner)


def drifted(owner: Connector, number: int = 1, **values: Any) -> Mapping:
    scope, _ = Scope.objects.get_or_create(
        connector=owner, family="j2a-state", project=None, defaults={"observed_at": timezone.now()}
    )
    Status.objects.create(connector=owner, jira_id=700 + number, name=f"QA {number}", category=StatusCategory.DOING)
    given = {"situation": Situation.DRIFTED, "drifted_at": timezone.now(), **values}
    return Mapping.objects.create(
        scope=scope, work_item_type="story", source_id=700 + number, wanted=2, applied=2, observed=5, **given
    )


def accepted(owner: Connector, until: datetime, number: int = 1, **values: Any) -> Mapping:
    given = {"accepted_value": 5, "accepted_until": until, "accepted_reason": "trial", **values}
    return drifted(owner, number, situation=Situation.ACCEPTED, **given)


def send_due() -> int:
    """What a worker does: how many digests were due."""
    done = digest.queue_due()
    sending.send_due()
    return done


def body() -> str:
    (message,) = mail.outbox
    return str(message.body)


def entries() -> list[str]:
    return list(HistoryRow.objects.filter(action="drift.digest_sent").values_list("sentence", flat=True))


# --- when -------------------------------------------------------------------------------------------------------------


def test_new_drift_is_told_once_a_day(owner: Connector) -> None:
    drifted(owner)
    for _ in range(3):
        send_due()
    assert [each.subject for each in mail.outbox] == ["Drift of Acme: 1 new"]
    assert "QA 1 (Story · Jira to Align · shared): Align has 5 Accepted, wanted 2 In progress." in body()
    assert "https://align.example.test/connectors/acme/drift/\n" in body()
    owner.refresh_from_db()
    assert owner.digest_due_at is not None
    assert timezone.now() < owner.digest_due_at <= timezone.now() + timedelta(days=1)


def test_the_next_day_it_is_still_to_decide_and_no_longer_new(owner: Connector) -> None:
    drifted(owner)
    send_due()
    mail.outbox.clear()
    a_day_later(owner)
    send_due()
    assert [each.subject for each in mail.outbox] == ["Drift of Acme: 1 still to decide"]


def test_without_anything_to_say_nothing_is_sent_and_nothing_recorded(owner: Connector) -> None:
    assert send_due() == 1
    assert (mail.outbox, entries()) == ([], [])
    drifted(owner)
    assert send_due() == 0, "today's has been"
    due(owner)
    assert send_due() == 1
    assert len(mail.outbox) == 1


def test_a_new_connector_has_its_first_digest_at_the_next_hour_of_digests(owner: Connector) -> None:
    drifted(owner)
    Connector.objects.update(digest_due_at=None)
    assert send_due() == 0
    assert mail.outbox == []
    owner.refresh_from_db()
    assert owner.digest_due_at is not None
    assert owner.digest_due_at > timezone.now()


@pytest.mark.parametrize(
    "quiet",
    [
        {"is_active": False},
        {"maintenance_since": timezone.now()},
        {"catalogue_at": None},
    ],
)
def test_a_connector_that_is_not_watched_tells_nobody_until_it_is(owner: Connector, quiet: dict[str, Any]) -> None:
    drifted(owner)
    Connector.objects.update(**quiet)
    assert send_due() == 0
    Connector.objects.update(is_active=True, maintenance_since=None, catalogue_at=timezone.now())
    assert send_due() == 1
    assert len(mail.outbox) == 1


def test_a_look_costs_one_query_when_nothing_is_due(owner: Connector) -> None:
    send_due()
    with one_turn():
        chosen()  # what admins have set is read once for all looks of a turn
        with CaptureQueriesContext(connection) as queries:
            assert digest.queue_due() == 0
    assert len(queries) == 1


def test_a_digest_is_of_the_day_on_which_it_was_due_whatever_the_hour_is_by_now(
    owner: Connector, settings: Any
) -> None:
    drifted(owner)
    assert owner.digest_due_at is not None
    settings.DIGEST_HOUR = (owner.digest_due_at.hour + 1) % 24
    send_due()
    (entry,) = entries_of("drift.digest_sent")
    assert entry["subject"] == f"drift digest {owner.digest_due_at:%Y-%m-%d}"


@pytest.mark.parametrize("lacking", ["EMAIL_URL", "DIGEST_RECIPIENTS"])
def test_without_a_mail_server_or_recipients_nothing_happens(owner: Connector, settings: Any, lacking: str) -> None:
    drifted(owner)
    setattr(settings, lacking, "" if lacking == "EMAIL_URL" else [])
    assert send_due() == 0
    settings.EMAIL_URL, settings.DIGEST_RECIPIENTS = "smtp://mail.example.test", [GROUP]
    assert send_due() == 1


def test_the_worker_sends_it_and_an_entry_says_who_was_told(owner: Connector) -> None:
    Connector.objects.update(observe_every=0)
    drifted(owner)
    run_due()
    assert len(mail.outbox) == 1
    assert entries() == [f"Drift of Acme: 1 new: told {GROUP}."]
    assert verification.verify().ok


# --- what it says -----------------------------------------------------------------------------------------------------


def test_accepted_ones_that_end_within_a_week_are_told(owner: Connector, admin: Person) -> None:
    accepted(owner, timezone.now() + timedelta(days=6), 1, accepted_by=admin)
    accepted(owner, timezone.now() + timedelta(days=8), 2)
    send_due()
    assert "QA 1" in body()
    assert "by Admin: trial" in body()
    assert "QA 2" not in body()


def test_lists_that_could_not_be_read_are_told_and_their_rows_are_not_called_drift(owner: Connector) -> None:
    row = drifted(owner)
    Scope.objects.filter(pk=row.scope_id).update(error="Align refused: 403.")
    send_due()
    assert mail.outbox[0].subject == "Drift of Acme: 1 unknown"
    assert "States, Jira to Align, shared by company-managed projects: Align refused: 403." in body()
    assert "Align has 5" not in body()


def test_failed_checks_and_a_log_that_is_not_read_are_told(owner: Connector) -> None:
    DriftCheck.objects.create(
        connector=owner, kind=CheckKind.LISTS, started_at=timezone.now(), error="Align did not answer."
    )
    Connector.objects.update(audit_source=AuditSource.ENDPOINT, audit_due_at=timezone.now() + timedelta(days=1))
    read = timezone.now() - timedelta(days=1)
    Coverage.objects.create(connector=owner, since=owner.created_at - timedelta(days=2), until=read, intake="endpoint")
    send_due()
    assert "every list: Align did not answer." in body()
    assert "Gaps in Align's audit log (1)" in body()
    assert f"its log was not read since {read:%-d %b %Y, %H:%M} UTC" in body()


def test_a_long_list_is_cut_and_says_how_many_more(owner: Connector) -> None:
    for number in range(digest.MOST_LINES + 3):
        drifted(owner, number)
    send_due()
    assert mail.outbox[0].subject == f"Drift of Acme: {digest.MOST_LINES + 3} new"
    assert body().count("wanted 2 In progress") == digest.MOST_LINES
    assert "  and 3 more\n" in body()


def test_names_and_reasons_with_line_breaks_begin_no_header_and_no_line(owner: Connector) -> None:
    Connector.objects.update(name="Acme\r\nBcc: x@evil.test\u2028<b>")
    accepted(
        owner, timezone.now() + timedelta(days=1), accepted_reason="x\n\nAdopt it at https://evil.test " + "y" * 999
    )
    Status.objects.update(name="QA\nhttps://evil.test")
    send_due()
    (message,) = mail.outbox
    assert message.subject == "Drift of Acme Bcc: x@evil.test <b>: 1 accepted and ending"
    assert message.message()["Bcc"] is None
    assert "\nhttps://evil.test" not in message.body
    assert max(len(line) for line in message.body.splitlines()) <= digest.LONGEST_LINE + 2


def test_an_address_that_is_none_holds_up_nobody(owner: Connector, settings: Any) -> None:
    settings.DIGEST_RECIPIENTS = ["the group", "a@b.test\nBcc: x@evil.test", GROUP, GROUP.upper()]
    drifted(owner)
    send_due()
    assert [each.lower() for each in mail.outbox[0].to] == [GROUP]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failing_mail_server_is_tried_again_later_and_the_message_is_the_same(
    owner: Connector, refusing_server: None, settings: Any
) -> None:
    drifted(owner)
    assert send_due() == 1
    assert entries() == []
    waiting = OutgoingMail.objects.get()
    assert waiting.error == "the mail server cannot be reached (ConnectionRefusedError)"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    OutgoingMail.objects.update(next_try_at=timezone.now())
    assert send_due() == 0, "it is queued once"
    assert (len(mail.outbox), len(entries())) == (1, 1)
    assert mail.outbox[0].subject == "Drift of Acme: 1 new"
    assert mail.outbox[0].extra_headers["Message-ID"] == waiting.message_id


def test_a_digest_that_was_not_sent_until_the_next_one_is_due_gives_way_to_it(
    owner: Connector, refusing_server: None, settings: Any
) -> None:
    drifted(owner)
    send_due()
    OutgoingMail.objects.update(expires_at=timezone.now(), next_try_at=timezone.now())
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sending.send_due()
    due(owner)
    assert send_due() == 1
    assert [each.subject for each in mail.outbox] == ["Drift of Acme: 1 new"], "nobody was told of it yet"
    assert len(entries()) == 1


def test_two_workers_at_once_send_one(transactional_db: None, owner: Connector) -> None:
    drifted(owner)
    start = Barrier(6)

    def work(_: int) -> int:
        start.wait(timeout=10)
        try:
            return digest.queue_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(work, range(6)))
    assert sum(sent) == 1
    sending.send_due()
    assert (len(mail.outbox), len(entries())) == (1, 1)


# --- what is new and gone in Jira and Align ---------------------------------------------------------------------------


def test_a_new_status_that_falls_to_0_comes_first_and_is_told_until_it_is_mapped(owner: Connector) -> None:
    project = reached_story_status(owner, 10777)
    before = timezone.now() - timedelta(days=2)
    found(owner, 10777, name="Waiting for vendor", project=project, found_at=before)
    send_due()
    assert mail.outbox[0].subject == "Acme: 1 not mapped"
    since = f"Waiting for vendor (10777) is new in PROJ since {before:%-d %b %Y, %H:%M} UTC"
    assert f"- {since}: stories that reach it fall to 0 - Pending approval." in body()
    assert "https://align.example.test/connectors/acme/drift/?tab=found\n" in body()

    mail.outbox.clear()
    scope = Scope.objects.get()
    Mapping.objects.create(
        scope=scope,
        work_item_type="story",
        source_id=10777,
        wanted=2,
        applied=2,
        observed=2,
        situation=Situation.IN_SYNC,
    )
    due(owner)
    send_due()
    assert mail.outbox == []


def test_what_was_found_since_the_last_digest_is_told_once_and_what_somebody_has_seen_is_not(owner: Connector) -> None:
    found(owner, 5, "renamed", before="QA", after="Testing", name="Testing")
    found(owner, 6, "gone", seen_at=timezone.now())
    found(owner, 7, "gone", ended_at=timezone.now())
    send_due()
    assert mail.outbox[0].subject == "Acme: 1 found in Jira and Align"
    assert "- QA (5) is called Testing since " in body()
    assert "(6)" not in body()
    assert "(7)" not in body()
    mail.outbox.clear()
    Finding.objects.update(found_at=timezone.now() - timedelta(days=1))
    due(owner)
    send_due()
    assert mail.outbox == []


def test_issues_in_a_status_without_a_mapping_are_told_until_it_is_mapped(owner: Connector) -> None:
    reached_story_status(owner, 10777)
    at = timezone.now()
    InUseCount.objects.create(
        connector=owner, work_item_type="story", key="k", is_shared=True, asked_at=at, counted_at=at, total=143,
        statuses={"10777": 143},
    )  # fmt: skip
    send_due()
    assert mail.outbox[0].subject == "Acme: 1 in use without a mapping"
    assert body().startswith("What needs attention for Acme:\n")
    assert "Adopt, restore or accept" not in body()
    counted = f"Counted {at:%-d %b %Y, %H:%M} UTC: 143 stories are in QA (10777) now"
    assert f"- {counted} and show 0 - Pending approval.\n" in body()
    assert "https://align.example.test/connectors/acme/drift/?tab=in-use\n" in body()
    assert "?tab=found" not in body()

    mail.outbox.clear()
    scope = Scope.objects.get()
    Mapping.objects.create(
        scope=scope, work_item_type="story", source_id=10777, wanted=2, applied=2, observed=2,
        situation=Situation.IN_SYNC,
    )  # fmt: skip
    due(owner)
    send_due()
    assert mail.outbox == []


def test_what_is_to_be_decided_stays_in_the_subject_beside_all_else(owner: Connector) -> None:
    project = reached_story_status(owner, 10777)
    found(owner, 10777, name="Waiting for vendor", project=project)
    found(owner, 5, "renamed", before="QA", after="Testing", name="Testing")
    at = timezone.now()
    InUseCount.objects.create(
        connector=owner, work_item_type="story", key="k", is_shared=True, asked_at=at, counted_at=at, total=1,
        statuses={"10777": 1},
    )  # fmt: skip
    drifted(owner, 1)
    drifted(owner, 2, drifted_at=at - timedelta(days=3))
    send_due()
    assert mail.outbox[0].subject == "Drift of Acme: 1 not mapped, 1 new, 1 still to decide"
    assert "Issues in statuses without a mapping (1)" in body()
    assert "Adopt, restore or accept what differs here:\nhttps://align.example.test/connectors/acme/drift/\n" in body()


def test_a_name_of_a_status_begins_no_line_of_the_message(owner: Connector) -> None:
    found(owner, 5, name="QA\nhttps://evil.test")
    send_due()
    assert "\nhttps://evil.test" not in body()

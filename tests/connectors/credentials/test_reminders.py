"""Reminders: each threshold once, to the right people, by one worker, over failures of the mail server."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import verification
from alignadmin.due_work import run_due
from alignadmin.mail import sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.notifications.choices import Choice, set_choices
from alignadmin.notifications.models import ByMail
from alignadmin.preferences.reading import chosen, one_turn
from connectors.credentials import expiry, reminders
from connectors.models import Connector, Credential, HistoryRow, Reminder, Stage, System
from tests.conftest import People, SignIn
from tests.support import factories

GROUP = "credentials@example.test"


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.REMINDER_RECIPIENTS = [GROUP]
    settings.PUBLIC_ADDRESS = "https://align.example.test/"


@pytest.fixture
def credential(bare_connector: Connector) -> Credential:
    return bare_connector.credentials.get(system=System.JIRA)


def ends_in(credential: Credential, days: int) -> Credential:
    """What time does: the days left become fewer. The reminders keep their date, so they move along."""
    date = expiry.operators_today() + timedelta(days=days)
    Reminder.objects.filter(credential_uuid=credential.uuid).update(expires_on=date)
    Credential.objects.filter(pk=credential.pk).update(expires_on=date)
    credential.refresh_from_db()
    return credential


def send_due() -> int:
    """What a worker does: how many reminders were due."""
    done = reminders.queue_due()
    sending.send_due()
    return done


def entries() -> list[str]:
    return list(
        HistoryRow.objects.filter(action="credential.reminded").order_by("id").values_list("sentence", flat=True)
    )


# --- when -------------------------------------------------------------------------------------------------------------


def test_each_threshold_is_told_once_and_the_end_too(credential: Credential) -> None:
    told = {}
    for days in (61, 60, 59, 31, 30, 15, 14, 8, 7, 6, 2, 1, 0, -1, -30):
        ends_in(credential, days)
        for _ in range(2):
            send_due()
        told[days] = len(mail.outbox)
        mail.outbox.clear()
    assert [days for days, count in told.items() if count] == [60, 30, 14, 7, 1, 0]
    assert set(told.values()) == {0, 1}


def test_after_a_long_sleep_only_the_nearest_of_the_passed_thresholds_is_told(credential: Credential) -> None:
    ends_in(credential, 12)
    send_due()
    assert [each.subject for each in mail.outbox] == ["Jira credential of Acme expires in 12 days"]
    assert list(Reminder.objects.values_list("days", flat=True)) == [14]
    ends_in(credential, 7)
    send_due()
    assert len(mail.outbox) == 2


def test_the_worker_sends_it_and_an_entry_says_who_was_told(credential: Credential, admin: Person) -> None:
    ends_in(credential, 30)
    run_due()
    assert len(mail.outbox) == 1
    assert Reminder.objects.get().sent_at is not None
    assert entries() == [f"Jira credential of Acme expires in 30 days: told {GROUP}, {admin.email}."]
    assert verification.verify().ok


def test_a_changed_date_begins_anew_and_the_old_one_is_silent(credential: Credential) -> None:
    ends_in(credential, 7)
    send_due()
    later = expiry.operators_today() + timedelta(days=90)
    Credential.objects.filter(pk=credential.pk).update(expires_on=later)
    assert send_due() == 0
    sooner = expiry.operators_today() + timedelta(days=6)
    Credential.objects.filter(pk=credential.pk).update(expires_on=sooner)
    assert send_due() == 1


def test_another_credential_has_reminders_of_its_own(credential: Credential) -> None:
    ends_in(credential, 7)
    send_due()
    Credential.objects.filter(pk=credential.pk).update(uuid=uuid.uuid4())
    assert send_due() == 1


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.PREVIOUS])
def test_only_the_current_one_is_reminded_of(credential: Credential, stage: Stage) -> None:
    ends_in(credential, 7)
    Credential.objects.filter(pk=credential.pk).update(stage=stage)
    assert send_due() == 0
    Credential.objects.filter(pk=credential.pk).update(stage=Stage.CURRENT)
    assert send_due() == 1


def test_a_deactivated_connector_reminds_nobody(credential: Credential) -> None:
    ends_in(credential, 7)
    Connector.objects.update(is_active=False)
    assert send_due() == 0
    Connector.objects.update(is_active=True)
    assert send_due() == 1


@pytest.mark.parametrize("days", [[], [-5, 0, 7, 7, 10**9]])
def test_odd_days_in_the_settings_do_no_harm(credential: Credential, settings: Any, days: list[int]) -> None:
    settings.REMINDER_DAYS = days
    ends_in(credential, 0)
    assert send_due() == 1


def test_a_look_costs_one_query_when_nothing_is_due(credential: Credential) -> None:
    ends_in(credential, 30)
    send_due()
    with one_turn():
        chosen()  # what admins have set is read once for all looks of a turn
        with CaptureQueriesContext(connection) as queries:
            assert reminders.queue_due() == 0
    assert len(queries) == 1


# --- to whom and with what --------------------------------------------------------------------------------------------


def test_group_owner_and_back_up_owner_get_one_message(credential: Credential, people: People, admin: Person) -> None:
    ends_in(credential, 30)
    second = factories.person(Role.ADMIN, email="second@example.test", name="Second")
    Credential.objects.filter(pk=credential.pk).update(backup_owner=second)
    send_due()
    (message,) = mail.outbox
    assert message.to == [GROUP, admin.email, second.email]
    assert "https://align.example.test/connectors/acme/credential/jira/" in message.body
    assert "Owner: Admin\nBack-up owner: Second\n" in message.body
    assert "&" not in message.body


def test_who_was_deactivated_is_not_written_to(credential: Credential, people: People, admin: Person) -> None:
    ends_in(credential, 30)
    Credential.objects.filter(pk=credential.pk).update(backup_owner=people[Role.EDITOR])
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(is_active=False)
    send_due()
    (message,) = mail.outbox
    assert message.to == [GROUP, admin.email]
    assert "Editor (deactivated)" in message.body


def test_when_there_is_nobody_else_every_active_admin_is_told(
    credential: Credential, admin: Person, settings: Any
) -> None:
    settings.REMINDER_RECIPIENTS = []
    gone = factories.person(Role.ADMIN, email="gone@example.test")
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    factories.person(Role.ADMIN, email="second@example.test")
    Credential.objects.update(owner=None)
    ends_in(credential, 30)
    send_due()
    assert sorted(mail.outbox[0].to) == [admin.email, "second@example.test"]


def test_an_owner_who_turned_it_off_is_replaced_by_nobody_and_who_cannot_replace_it_is_no_owner(
    credential: Credential, people: People, admin: Person, settings: Any
) -> None:
    settings.REMINDER_RECIPIENTS = []
    second = factories.person(Role.ADMIN, email="second@example.test", name="Second")
    ends_in(credential, 30)
    set_choices(admin, {reminders.REMINDER: Choice(is_shown=True, by_mail=ByMail.NEVER)}, actor=admin)
    Credential.objects.filter(pk=credential.pk).update(backup_owner=people[Role.EDITOR])
    assert send_due() == 1
    assert mail.outbox == []
    assert entries()[0].endswith("told Admin under Notifications, nobody wants an e-mail of it at once.")
    Credential.objects.filter(pk=credential.pk).update(owner=people[Role.EDITOR], backup_owner=None)
    ends_in(credential, 14)
    send_due()
    assert [each.to for each in mail.outbox] == [[second.email]]


def test_a_reminder_that_waits_is_made_anew_without_who_is_not_to_get_it_any_more(
    credential: Credential, admin: Person
) -> None:
    second = factories.person(Role.ADMIN, email="second@example.test", name="Second")
    Credential.objects.filter(pk=credential.pk).update(backup_owner=second)
    ends_in(credential, 30)
    assert reminders.queue_due() == 1
    set_choices(admin, {reminders.REMINDER: Choice(is_shown=True, by_mail=ByMail.NEVER)}, actor=admin)
    Person.objects.filter(pk=second.pk).update(is_active=False)
    sending.send_due()
    assert mail.outbox == []
    assert send_due() == 1
    assert [each.to for each in mail.outbox] == [[GROUP]]
    assert send_due() == 0


def test_an_address_that_is_none_holds_up_nobody(
    credential: Credential, admin: Person, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REMINDER_RECIPIENTS = ["the group", "a@b.test\nBcc: x@evil.test", admin.email.upper(), GROUP]
    ends_in(credential, 30)
    send_due()
    assert [each.lower() for each in mail.outbox[0].to] == [admin.email, GROUP]
    assert "the group is no e-mail address" in caplog.text
    assert "\nBcc" not in caplog.text


def test_a_name_with_line_breaks_begins_no_header_and_no_line(credential: Credential, admin: Person) -> None:
    Connector.objects.update(name="Acme\r\nBcc: x@evil.test\u2028\x0b<b>")
    Person.objects.filter(pk=admin.pk).update(name="Dana\n\nReplace it at https://evil.test")
    ends_in(credential, 30)
    send_due()
    (message,) = mail.outbox
    assert message.subject == "Jira credential of Acme Bcc: x@evil.test <b> expires in 30 days"
    assert message.message()["Bcc"] is None
    assert "Owner: Dana Replace it at https://evil.test\n" in message.body


def test_no_secret_and_no_fingerprint_is_in_the_message(credential: Credential) -> None:
    ends_in(credential, 30)
    send_due()
    raw = mail.outbox[0].message().as_string()
    assert credential.fingerprint not in raw
    assert credential.sealed not in raw


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def refusing_server(settings: Any) -> Iterator[None]:
    """A port on which nobody listens, kept so that nobody else takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield


def due_again() -> None:
    OutgoingMail.objects.update(next_try_at=timezone.now())


def test_a_failing_mail_server_leaves_it_due_and_is_told(
    credential: Credential,
    refusing_server: None,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    signed_in: SignIn,
) -> None:
    ends_in(credential, 30)
    run_due()
    assert Reminder.objects.get().sent_at is None
    assert entries() == []
    (record,) = [each for each in caplog.records if each.name == "alignadmin.mail.sending"]
    assert "(credential-reminder) was not sent: the mail server cannot be reached" in record.getMessage()
    assert record.exc_info is None
    assert reminders.unsent() == 1
    assert "1 reminder could not be sent" in signed_in(Role.ADMIN).get("/").content.decode()
    assert "could not be sent" not in signed_in(Role.VIEWER).get("/").content.decode()

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    due_again()
    assert send_due() == 0, "it is queued once"
    assert (len(mail.outbox), len(entries()), reminders.unsent()) == (1, 1, 0)
    assert Reminder.objects.get().sent_at is not None


def test_a_failure_of_a_threshold_that_is_over_is_no_longer_told(
    credential: Credential, refusing_server: None, settings: Any
) -> None:
    ends_in(credential, 30)
    send_due()
    ends_in(credential, 14)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_due() == 1
    assert reminders.unsent() == 0
    due_again()
    assert send_due() == 0
    assert [each.subject for each in mail.outbox] == ["Jira credential of Acme expires in 14 days"]


def test_what_no_mail_server_took_for_a_day_is_queued_anew_with_the_days_that_are_left(
    credential: Credential, refusing_server: None, settings: Any
) -> None:
    ends_in(credential, 30)
    send_due()
    OutgoingMail.objects.update(expires_at=timezone.now(), next_try_at=timezone.now())
    assert send_due() == 0
    assert reminders.unsent() == 1, "erased, and still told on pages"
    Reminder.objects.update(claimed_at=timezone.now() - timedelta(days=1))
    ends_in(credential, 29)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_due() == 1
    assert [each.subject for each in mail.outbox] == ["Jira credential of Acme expires in 29 days"]
    assert (len(entries()), Reminder.objects.count(), reminders.unsent()) == (1, 1, 0)


def test_two_workers_at_once_send_one(transactional_db: None, credential: Credential) -> None:
    ends_in(credential, 30)
    start = Barrier(6)

    def work(_: int) -> int:
        start.wait(timeout=10)
        try:
            return reminders.queue_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(work, range(6)))
    assert sum(sent) == 1
    sending.send_due()
    assert (len(mail.outbox), Reminder.objects.count(), len(entries())) == (1, 1, 1)


def test_without_a_mail_server_it_is_marked_and_stands_on_the_overview(
    credential: Credential, settings: Any, signed_in: SignIn
) -> None:
    settings.EMAIL_URL = ""
    ends_in(credential, 12)
    assert send_due() == 1
    assert send_due() == 0
    assert mail.outbox == []
    told = "shown on the overview and told Admin under Notifications, no e-mail is set up."
    assert entries() == [f"Jira credential of Acme expires in 12 days: {told}"]
    assert "Jira credential of Acme expires in 12 days" in overview(signed_in(Role.ADMIN))


# --- the overview -----------------------------------------------------------------------------------------------------


def overview(client: Client) -> str:
    return client.get("/").content.decode()


@pytest.mark.parametrize(("left", "shown"), [(61, False), (60, True), (12, True), (-3, True)])
def test_it_waits_on_the_overview_from_the_first_threshold_on(
    credential: Credential, signed_in: SignIn, left: int, shown: bool
) -> None:
    ends_in(credential, left)
    told = f'href="/connectors/acme/credential/jira/">{reminders.sentence(credential)}' in overview(
        signed_in(Role.ADMIN)
    )
    assert told is shown


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_who_cannot_replace_it_is_not_asked_to(credential: Credential, signed_in: SignIn, role: Role) -> None:
    ends_in(credential, 12)
    page = overview(signed_in(role))
    assert "Jira credential of Acme" not in page
    assert "expires in 12 days" in page  # the card's health is everybody's


@pytest.mark.parametrize(
    ("left", "fields", "words"),
    [
        (-2, {"last_answer": ""}, "expired 2 days ago"),
        (90, {"refused_status": 401, "last_answer": "Jira answered 401."}, "Jira answered 401."),
        (90, {"refused_status": 403}, "Refused (403)"),
    ],
)
def test_what_is_expired_or_refused_is_red_on_the_overview(
    credential: Credential, signed_in: SignIn, left: int, fields: dict[str, Any], words: str
) -> None:
    def line() -> str:
        return next(part for part in overview(signed_in(Role.VIEWER)).split("<li ") if "Jira credential" in part)

    assert not line().startswith('class="bad"')
    ends_in(credential, left)
    Credential.objects.filter(pk=credential.pk).update(**fields)
    assert line().startswith('class="bad"')
    assert words in line()


def test_a_missing_credential_is_red_on_the_overview(credential: Credential, signed_in: SignIn) -> None:
    assert "No Jira credential" not in overview(signed_in(Role.VIEWER))
    credential.delete()
    assert "No Jira credential" in overview(signed_in(Role.VIEWER))

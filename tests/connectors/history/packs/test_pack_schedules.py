"""Scheduled packs: every period once, also one that was missed, and each to whom it is meant for."""

from __future__ import annotations

import re
import socket
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Role
from alignadmin.due_work import run_due
from alignadmin.mail.models import OutgoingMail
from connectors.history.packs import mail as pack_mail
from connectors.history.packs import schedules, services, zip_file
from connectors.history.packs.zip_file import Made
from connectors.models import Connector, Every, Job, JobState, Pack, PackSchedule, PackState
from tests.conftest import People, SignIn
from tests.support.pack_helpers import acts, connector, ready, text

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULES = "/history/packs/schedules/"
NEW = f"{SCHEDULES}new/"
FORM = {"name": "Weekly evidence", "q": "connector:acme", "every": "week", "recipients": "auditor@example.test"}


@pytest.fixture(autouse=True)
def mailing(settings: LazySettings) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.PUBLIC_ADDRESS = "https://align.example.test/"


@pytest.fixture
def align(db: None) -> Connector:
    return connector()


@pytest.fixture
def admin(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def scheduled(
    people: People, *recipients: str, every: Every = Every.WEEK, query: str = "connector:acme"
) -> PackSchedule:
    return schedules.add("Weekly evidence", query, every, recipients, actor=people[Role.ADMIN])


def due(schedule: PackSchedule, at: datetime) -> None:
    PackSchedule.objects.filter(pk=schedule.pk).update(due_at=at)


def last_monday(weeks: int = 0) -> datetime:
    now = timezone.now()
    at = datetime(now.year, now.month, now.day, 1, tzinfo=UTC) - timedelta(days=now.weekday())
    return (at if at <= now else at - timedelta(days=7)) - timedelta(weeks=weeks)


def refuse_mail(settings: LazySettings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = probe.getsockname()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


# --- periods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "after", "due_at", "first", "last"),
    [
        (Every.WEEK, "2026-03-04T12:00", "2026-03-09T01:00", "2026-03-02", "2026-03-08"),
        (Every.WEEK, "2026-03-09T00:59", "2026-03-09T01:00", "2026-03-02", "2026-03-08"),
        (Every.WEEK, "2026-03-09T01:00", "2026-03-16T01:00", "2026-03-09", "2026-03-15"),
        (Every.WEEK, "2026-12-30T12:00", "2027-01-04T01:00", "2026-12-28", "2027-01-03"),
        (Every.MONTH, "2026-02-10T12:00", "2026-03-01T01:00", "2026-02-01", "2026-02-28"),
        (Every.MONTH, "2026-03-01T01:00", "2026-04-01T01:00", "2026-03-01", "2026-03-31"),
        (Every.MONTH, "2026-12-31T23:59", "2027-01-01T01:00", "2026-12-01", "2026-12-31"),
    ],
)
def test_a_period_is_packed_an_hour_after_its_end(every: Every, after: str, due_at: str, first: str, last: str) -> None:
    found = schedules.next_due(every, datetime.fromisoformat(f"{after}+00:00"))
    assert found == datetime.fromisoformat(f"{due_at}+00:00")
    period = schedules.period_before(every, found)
    assert (period.first, period.last) == (date.fromisoformat(first), date.fromisoformat(last))


def test_nothing_is_packed_before_the_period_has_ended(people: People, align: Connector) -> None:
    schedule = scheduled(people)
    run_due()
    assert Pack.objects.count() == 0
    due(schedule, last_monday())
    run_due()
    assert Pack.objects.count() == 1


def test_periods_that_were_missed_are_caught_up_each_once(people: People, align: Connector) -> None:
    schedule = scheduled(people)
    due(schedule, last_monday(weeks=2))
    run_due()
    run_due()
    mondays = [last_monday(weeks=number).date() for number in (3, 2, 1)]
    expected = [f"connector:acme since:{each} until:{each + timedelta(days=6)}" for each in mondays]
    assert list(Pack.objects.order_by("id").values_list("query", flat=True)) == expected
    assert {pack.state for pack in Pack.objects.all()} == {PackState.DONE}
    schedule.refresh_from_db()
    assert schedule.due_at == last_monday() + timedelta(days=7)
    assert len(acts("pack.made")) == 3


def test_of_several_workers_one_asks_for_a_period(people: People, align: Connector) -> None:
    due(scheduled(people), last_monday())
    barrier = threading.Barrier(3)

    def look() -> None:
        try:
            barrier.wait(10)
            schedules.ask_due()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Pack.objects.count() == 1
    assert len(acts("pack.asked")) == 1


def test_a_filter_that_no_longer_holds_is_told_and_does_not_stop_the_others(people: People, align: Connector) -> None:
    schedule = scheduled(people)
    other = schedules.add("All", "", Every.WEEK, [], actor=people[Role.ADMIN])
    PackSchedule.objects.filter(pk=schedule.pk).update(query="connector:gone")
    for each in (schedule, other):
        due(each, last_monday())
    run_due()
    (told,) = acts("pack.not_asked")
    assert "There is no connector “gone”." in told
    failed, made = Pack.objects.order_by("schedule_id")
    assert (failed.schedule_id, failed.state, made.schedule_id) == (schedule.pk, PackState.FAILED, other.pk)
    assert "There is no connector “gone”." in failed.error


def test_the_overview_tells_the_last_pack_that_failed_until_one_is_through(
    people: People, align: Connector, signed_in: SignIn
) -> None:
    schedule = scheduled(people)
    PackSchedule.objects.filter(pk=schedule.pk).update(query="connector:gone")
    due(schedule, last_monday())
    run_due()
    told = re.findall("The last scheduled pack.*?</p>", overview(signed_in(Role.REVIEWER)))
    assert len(told) == 1
    assert "failed: There is no connector “gone”." in told[0]
    assert "The last scheduled pack" not in overview(signed_in(Role.VIEWER))
    PackSchedule.objects.filter(pk=schedule.pk).update(query="")
    due(schedule, last_monday())
    run_due()
    assert "The last scheduled pack" not in overview(signed_in(Role.REVIEWER))


def test_the_overview_tells_a_pack_that_could_not_be_sent_but_not_of_a_paused_schedule(
    people: People, align: Connector, signed_in: SignIn, settings: LazySettings
) -> None:
    settings.EMAIL_URL = ""
    schedule = scheduled(people, "auditor@example.test")
    due(schedule, last_monday())
    run_due()
    assert "was not sent: It could not be sent: EMAIL_URL is not set." in overview(signed_in(Role.ADMIN))
    schedules.pause(schedule, actor=people[Role.ADMIN])
    assert "The last scheduled pack" not in overview(signed_in(Role.ADMIN))


def overview(client: Client) -> str:
    return " ".join(client.get("/").content.decode().split())


def test_a_scheduled_pack_says_so_and_stays(people: People, align: Connector, settings: LazySettings) -> None:
    settings.PACK_KEPT = 0
    due(scheduled(people), last_monday())
    run_due()
    pack = ready(Pack.objects.get())
    services.remove_expired()
    assert Path(pack.path).exists()
    assert '"made_by": "AlignAdmin, by the schedule Weekly evidence"' in text(pack, "manifest.json")
    assert acts("pack.asked") == [
        f"An evidence pack was asked for by the schedule Weekly evidence: connector acme, since "
        f"{last_monday(weeks=1).date()}, until {(last_monday() - timedelta(days=1)).date()}."
    ]


# --- sending ----------------------------------------------------------------------------------------------------------


def test_a_small_pack_is_attached_and_that_is_an_entry(people: People, align: Connector) -> None:
    due(scheduled(people, "auditor@example.test", "second@example.test"), last_monday())
    run_due()
    run_due()
    pack = ready(Pack.objects.get())
    (message,) = mail.outbox
    assert message.to == ["auditor@example.test", "second@example.test"]
    assert message.subject == "Evidence pack: Weekly evidence"
    ((name, content, kind),) = message.attachments
    assert (name, kind) == (pack_mail.file_name(pack), "application/zip")
    assert content == Path(pack.path).read_bytes()
    assert f"https://align.example.test/history/packs/{pack.uuid}/" in message.body
    assert pack.sha256 in message.body
    assert acts("pack.sent") == ["The evidence pack was sent to auditor@example.test, second@example.test, attached."]


def test_a_large_pack_is_sent_as_a_link(people: People, align: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_mail, "LARGEST", 100)
    due(scheduled(people, "auditor@example.test"), last_monday())
    run_due()
    (message,) = mail.outbox
    assert message.attachments == []
    assert "too large to be attached" in message.body
    assert acts("pack.sent") == ["The evidence pack was sent to auditor@example.test, as a link."]


def test_without_recipients_nothing_is_sent(people: People, align: Connector) -> None:
    due(scheduled(people), last_monday())
    run_due()
    assert mail.outbox == []
    assert ready(Pack.objects.get()).entry_seq
    assert OutgoingMail.objects.count() == 0


def test_a_mail_server_that_fails_is_told_on_the_page_and_tried_again(
    people: People, align: Connector, admin: Client, settings: LazySettings
) -> None:
    working = settings.EMAIL_BACKEND
    refuse_mail(settings)
    due(scheduled(people, "auditor@example.test"), last_monday())
    run_due()
    pack = ready(Pack.objects.get())
    shown = admin.get(f"/history/packs/{pack.uuid}/").content.decode()
    assert "It could not be sent: the mail server cannot be reached (ConnectionRefusedError). It is tried" in shown
    settings.EMAIL_BACKEND = working
    run_due()
    assert mail.outbox == []
    OutgoingMail.objects.update(next_try_at=timezone.now())
    run_due()
    run_due()
    assert len(mail.outbox) == 1
    assert "could not be sent" not in admin.get(f"/history/packs/{pack.uuid}/").content.decode()


def test_a_schedule_that_was_deleted_sends_nothing_more(
    people: People, align: Connector, settings: LazySettings
) -> None:
    working = settings.EMAIL_BACKEND
    refuse_mail(settings)
    schedule = scheduled(people, "auditor@example.test")
    due(schedule, last_monday())
    run_due()
    schedules.delete(schedule, actor=people[Role.ADMIN])
    settings.EMAIL_BACKEND = working
    OutgoingMail.objects.update(next_try_at=timezone.now())
    run_due()
    assert mail.outbox == []
    assert OutgoingMail.objects.get().error == "Its schedule was deleted."
    assert Path(ready(Pack.objects.get()).path).exists()


def test_a_schedule_that_is_deleted_while_its_pack_is_written_sends_nothing(
    people: People, align: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled(people, "auditor@example.test")
    due(schedule, last_monday())
    write = zip_file.write

    def deleted_meanwhile(*arguments: Any) -> Made:
        schedules.delete(schedule, actor=people[Role.ADMIN])
        return write(*arguments)

    monkeypatch.setattr(zip_file, "write", deleted_meanwhile)
    run_due()
    pack = ready(Pack.objects.get())
    assert pack.schedule is None
    assert OutgoingMail.objects.count() == 0


def test_what_no_mail_server_took_in_a_week_is_given_up_and_told(
    people: People, align: Connector, signed_in: SignIn, settings: LazySettings
) -> None:
    refuse_mail(settings)
    due(scheduled(people, "auditor@example.test"), last_monday())
    run_due()
    OutgoingMail.objects.update(expires_at=timezone.now(), claimed_until=None, claim=None)
    run_due()
    shown = overview(signed_in(Role.ADMIN))
    assert "was not sent: It could not be sent: the mail server cannot be reached (ConnectionRefusedError)." in shown
    assert "tried again" not in shown
    assert OutgoingMail.objects.get().attachment is None


# --- the pages --------------------------------------------------------------------------------------------------------


def test_an_admin_schedules_packs_and_that_is_an_entry(admin: Client, align: Connector, people: People) -> None:
    assert admin.post(NEW, FORM).status_code == 303
    made = PackSchedule.objects.get()
    assert (made.query, made.every, made.recipients) == ("connector:acme", "week", "auditor@example.test")
    assert made.created_by == people[Role.ADMIN]
    assert acts("pack.scheduled") == ["Scheduled packs “Weekly evidence”. Every Monday: connector acme."]
    page = admin.get(SCHEDULES).content.decode()
    assert "Weekly evidence" in page
    assert "auditor@example.test" in page


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"name": "a\u202eb"}, "characters that cannot be seen"),
        ({"q": "since:2026-03-01"}, "Leave since: and until: out of the filter"),
        ({"q": "nothing:like"}, "There is no qualifier"),
        ({"q": "connector:nowhere"}, "There is no connector"),
        ({"q": "x" * 2001}, "at most 2000 characters"),
        ({"every": "day"}, "Select a valid choice"),
        ({"recipients": "nobody"}, "Line 1 is not an e-mail address"),
        ({"recipients": "a@example.test\nBcc: b@example.test"}, "Line 2 is not an e-mail address"),
        ({"recipients": "a@example.test, b@example.test"}, "Line 1 is not an e-mail address"),
        ({"recipients": "a@example.test\x0bBcc: b@example.test"}, "Line 2 is not an e-mail address"),
        ({"recipients": "\n".join(f"a{number}@example.test" for number in range(21))}, "sent to at most 20 people"),
    ],
)
def test_it_refuses_a_schedule_that_would_not_work(
    admin: Client, align: Connector, values: dict[str, str], sentence: str
) -> None:
    answer = admin.post(NEW, FORM | values)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert PackSchedule.objects.count() == 0
    assert admin.post(NEW, FORM).status_code == 303


def test_a_name_of_two_lines_becomes_one(admin: Client, align: Connector) -> None:
    assert admin.post(NEW, FORM | {"name": "Weekly\r\nBcc: b@example.test"}).status_code == 303
    assert PackSchedule.objects.get().name == "Weekly Bcc: b@example.test"


def test_a_name_stands_once(admin: Client, align: Connector) -> None:
    assert admin.post(NEW, FORM).status_code == 303
    answer = admin.post(NEW, FORM)
    assert answer.status_code == 400
    assert "There is a schedule “Weekly evidence” already" in answer.content.decode()


def test_pausing_skips_what_ends_meanwhile_and_each_act_is_an_entry(
    admin: Client, align: Connector, people: People
) -> None:
    schedule = scheduled(people)
    switch = f"{SCHEDULES}{schedule.pk}/"
    assert admin.post(f"{switch}pause/").status_code == 303
    assert admin.post(f"{switch}pause/").status_code == 303
    due(schedule, last_monday())
    run_due()
    assert Pack.objects.count() == 0
    assert admin.post(f"{switch}resume/").status_code == 303
    run_due()
    assert Pack.objects.count() == 0
    assert admin.post(f"{switch}delete/").status_code == 303
    assert admin.post(f"{switch}delete/").status_code == 404
    told = [len(acts(f"pack.schedule_{word}")) for word in ("paused", "resumed", "deleted")]
    assert told == [1, 1, 1]
    assert PackSchedule.objects.count() == 0


def test_a_switch_that_is_none_is_not_found(admin: Client, people: People, align: Connector) -> None:
    schedule = scheduled(people)
    assert admin.post(f"{SCHEDULES}{schedule.pk}/explode/").status_code == 404
    assert admin.post(f"{SCHEDULES}{schedule.pk + 1}/pause/").status_code == 404


def test_a_reviewer_reads_schedules_and_changes_none(signed_in: SignIn, people: People, align: Connector) -> None:
    schedule, reviewer = scheduled(people), signed_in(Role.REVIEWER)
    page = reviewer.get(SCHEDULES).content.decode()
    assert "Weekly evidence" in page
    assert "Delete" not in page
    assert reviewer.get(NEW).status_code == 404
    assert reviewer.post(f"{SCHEDULES}{schedule.pk}/delete/").status_code == 404
    assert signed_in(Role.VIEWER).get(SCHEDULES).status_code == 404
    assert PackSchedule.objects.count() == 1


def test_a_failed_scheduled_pack_is_asked_for_again_for_its_own_period(
    admin: Client, people: People, align: Connector
) -> None:
    due(scheduled(people, "auditor@example.test"), last_monday())
    run_due()
    mail.outbox.clear()
    failed = Pack.objects.get()
    Job.objects.update(state=JobState.FAILED)
    Pack.objects.update(entry_seq=None)
    for _ in range(2):
        assert admin.post(f"/history/packs/{failed.uuid}/again/").status_code == 303
    run_due()
    made = ready(Pack.objects.exclude(pk=failed.pk).get())
    assert (made.query, made.asked_by, made.schedule) == (failed.query, None, failed.schedule)
    assert len(mail.outbox) == 1


def test_only_a_failed_pack_is_asked_for_again(admin: Client, people: People, align: Connector) -> None:
    due(scheduled(people), last_monday())
    run_due()
    assert admin.post(f"/history/packs/{Pack.objects.get().uuid}/again/").status_code == 409
    assert Pack.objects.count() == 1

"""The outbox: none lost, none twice as far as SMTP allows, in order, and nothing kept of what a message said."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from alignadmin import sealing
from alignadmin.audit import key_rotation
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from tests.support.crash import crashes
from tests.support.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db

TEMPLATE = "alignadmin/site/test.txt"
SECRET = "the-link-that-lets-somebody-in"


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as found:
        found.use(settings)
        yield found


def queue(subject: str = "Hello", to: str = "nora@example.test", **options: Any) -> OutgoingMail:
    made = outbox.queue(
        "test", [outbox.Recipient(name="Nora", address=to)], subject, TEMPLATE, {"person": SECRET}, **options
    )
    assert made is not None
    return made


def pass_time(**time: float) -> None:
    """Every moment in the outbox is so much longer ago."""
    for mail in OutgoingMail.objects.all():
        names = ("queued_at", "expires_at", "next_try_at", "claimed_until", "sent_at", "failed_at")
        moments = {name: at - timedelta(**time) for name in names if (at := getattr(mail, name))}
        OutgoingMail.objects.filter(pk=mail.pk).update(**moments)


def stored(mail: OutgoingMail) -> OutgoingMail:
    return OutgoingMail.objects.get(pk=mail.pk)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_it_goes_out_as_it_was_rendered_and_nothing_is_kept_of_what_it_said(server: MailServer) -> None:
    mail = queue(attachment=outbox.Attachment(name="a.zip", type="application/zip", content=b"\0\1"), facts={"a": 1})
    assert sending.send_due() == 1
    (message,) = server.taken
    _, text, attached = message.walk()
    assert (message["To"], message["Subject"], message["Message-ID"]) == ("nora@example.test", "Hello", mail.message_id)
    assert SECRET in text.get_payload()
    assert attached.get_payload(decode=True) == b"\0\1"
    gone = stored(mail)
    assert gone.sent_at is not None
    assert (gone.subject, gone.body, gone.attachment, gone.facts) == ("", "", None, {})
    assert (gone.kind, gone.addresses) == ("test", ["nora@example.test"])
    assert sending.send_due() == 0


def test_a_text_with_a_link_is_sealed_while_it_waits(server: MailServer) -> None:
    mail = queue(has_secret_link=True)
    assert SECRET not in str(OutgoingMail.objects.filter(pk=mail.pk).values().get())
    assert mail.body in [each.value for each in sealing.stored_values()]
    sending.send_due()
    assert SECRET in server.taken[0].get_payload()
    assert not [each for each in sealing.stored_values() if each.bound_to.startswith("mail_")]


def test_a_waiting_text_is_sealed_again_with_a_new_key_and_still_goes_out(server: MailServer, settings: Any) -> None:
    mail = queue(has_secret_link=True)
    settings.SEAL_KEYS = ["newer:" + "A" * 43 + "=", *settings.SEAL_KEYS]
    assert key_rotation.reseal_all(lambda _: None) == 1
    assert sealing.key_id_of(stored(mail).body) == "newer"
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    sending.send_due()
    assert SECRET in server.taken[0].get_payload()


def test_the_database_keeps_no_text_of_what_has_gone(server: MailServer) -> None:
    mail = queue()
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingMail.objects.filter(pk=mail.pk).update(sent_at=timezone.now())


def test_what_is_not_sent_in_its_time_is_erased_and_tells_why(server: MailServer, settings: Any) -> None:
    mail = queue(has_secret_link=True, lasts=timedelta(hours=1))
    settings.EMAIL_PORT = 9
    sending.send_due()
    pass_time(hours=2)
    settings.EMAIL_PORT = server.port
    assert sending.send_due() == 1
    late = stored(mail)
    assert late.failed_at is not None
    assert not late.is_withdrawn
    assert (late.body, late.error) == ("", "the mail server cannot be reached (ConnectionRefusedError)")
    assert server.taken == []


def test_rows_are_kept_for_30_days(server: MailServer) -> None:
    queue()
    sending.send_due()
    pass_time(days=29)
    sending.send_due()
    assert OutgoingMail.objects.count() == 1
    pass_time(days=1)
    sending.send_due()
    assert OutgoingMail.objects.count() == 0


def test_what_is_undone_sends_nothing(server: MailServer) -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert (sending.send_due(), server.taken) == (0, [])


# --- a mail server that fails -----------------------------------------------------------------------------------------


def test_it_is_tried_again_later_and_later_until_the_mail_server_takes_it(server: MailServer, settings: Any) -> None:
    mail, other = queue("first"), queue("second")
    settings.EMAIL_PORT = 9
    waited = []
    for _ in range(6):
        assert sending.send_due() == 0
        waiting = stored(mail)
        waited.append(round((waiting.next_try_at - timezone.now()).total_seconds() / 60))
        assert sending.send_due() == 0, "not at every tick"
        pass_time(minutes=waited[-1])
    assert waited == [1, 5, 10, 30, 60, 60]
    assert (waiting.tries, stored(other).tries) == (6, 0), "one failure of the server stands for all that wait"
    assert waiting.error == stored(other).error == "the mail server cannot be reached (ConnectionRefusedError)"
    state = outbox.state_of(waiting)
    assert (state.label, state.is_waiting) == ("queued", True)
    settings.EMAIL_PORT = server.port
    assert sending.send_due() == 2
    assert server.subjects == ["first", "second"]


def test_an_address_that_is_refused_for_good_is_not_tried_again_and_holds_nobody_up(server: MailServer) -> None:
    server.refused["gone@example.test"] = 550
    mail = queue("first", "gone@example.test")
    queue("second")
    sending.send_due()
    assert server.subjects == ["second"]
    refused = stored(mail)
    assert (refused.error, refused.body) == ("the mail server refused the address", "")
    assert outbox.state_of(refused).label == "not sent"


def test_an_address_that_is_refused_for_now_is_tried_again(server: MailServer) -> None:
    server.refused["nora@example.test"] = 451
    mail = queue()
    sending.send_due()
    assert stored(mail).is_waiting
    server.refused.clear()
    pass_time(minutes=1)
    sending.send_due()
    assert server.subjects == ["Hello"]


# --- order ------------------------------------------------------------------------------------------------------------


def test_messages_of_one_stream_go_in_order_and_other_streams_wait_for_none(server: MailServer) -> None:
    server.refused["nora@example.test"] = 451
    for number in (1, 2):
        queue(f"a{number}", to="nora@example.test", stream="a")
        queue(f"b{number}", to="otto@example.test", stream="b")
    sending.send_due()
    assert server.subjects == ["b1", "b2"]
    server.refused.clear()
    pass_time(minutes=1)
    sending.send_due()
    assert server.subjects == ["b1", "b2", "a1", "a2"]


# --- several workers, and killed ones ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_send_each_message_once_and_streams_in_order(server: MailServer) -> None:
    for number in range(10):
        queue(f"s{number}", stream="s")
        queue(f"alone {number}")
    start = Barrier(4)

    def work(_: int) -> None:
        start.wait(timeout=10)
        try:
            until = timezone.now() + timedelta(seconds=20)
            while OutgoingMail.objects.filter(sent_at=None).exists() and timezone.now() < until:
                sending.send_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sorted(server.subjects) == sorted([f"s{n}" for n in range(10)] + [f"alone {n}" for n in range(10)])
    assert [each for each in server.subjects if each.startswith("s")] == [f"s{n}" for n in range(10)]


def send_due() -> None:
    sending.send_due()


@pytest.mark.usefixtures("processes")
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_at_any_point_loses_no_message_and_repeats_only_the_one_it_could_not_note(
    server: MailServer,
) -> None:
    def prepare() -> list[Any]:
        OutgoingMail.objects.all().delete()
        server.taken.clear()
        queue("first", stream="s")
        queue("second", stream="s")
        return []

    twice = 0
    for crash in crashes(send_due, prepare, environment={"EMAIL_URL": server.url}):
        sending.send_due()
        waiting = OutgoingMail.objects.filter(sent_at=None)
        if crash.killed and waiting.filter(claim__isnull=False).exists():
            assert server.subjects in ([], ["first"], ["first", "second"]), "nobody takes what may be on its way"
            pass_time(minutes=6)
            sending.send_due()
        assert not waiting.exists(), crash.before
        assert list(dict.fromkeys(server.subjects)) == ["first", "second"], crash.before
        assert len(set(server.ids)) == 2, crash.before
        assert len(server.taken) <= 3, crash.before
        twice += len(server.taken) - 2
    assert crash.point > 10
    assert twice, "some died between the mail server's answer and the note of it"


def test_a_worker_that_comes_back_late_notes_nothing(server: MailServer) -> None:
    queue()
    late = sending._claim_next()
    assert late is not None
    assert sending.send_due() == 0
    pass_time(minutes=6)
    assert sending.send_due() == 1
    sending._finish(late, failed="too late")
    assert stored(late).error == ""


# --- who is told ------------------------------------------------------------------------------------------------------


def test_whoever_queued_it_is_told_once_with_its_facts(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[Any, str]] = []
    monkeypatch.setitem(sending._listeners, "test", lambda mail: told.append((mail.facts, mail.error)))
    server.refused["gone@example.test"] = 550
    queue(facts={"plan": 4})
    queue(to="gone@example.test", facts={"plan": 5})
    sending.send_due()
    sending.send_due()
    assert told == [({"plan": 4}, ""), ({"plan": 5}, "the mail server refused the address")]


def test_without_a_mail_server_nothing_is_queued(settings: Any) -> None:
    settings.EMAIL_URL = ""
    assert outbox.queue("test", outbox.unnamed(["nora@example.test"]), "Hello", TEMPLATE, {}) is None
    assert OutgoingMail.objects.count() == 0


def test_a_newer_link_takes_the_older_one_out_of_the_outbox(server: MailServer) -> None:
    old = queue("old", about="person 1")
    outbox.withdraw(["test"], "person 1")
    queue("new", about="person 1")
    sending.send_due()
    assert (server.subjects, stored(old).error) == (["new"], "Replaced by a newer one.")
    assert stored(old).is_withdrawn
    assert (last := outbox.last(["test"], "person 1")) is not None
    assert last.label == "sent"

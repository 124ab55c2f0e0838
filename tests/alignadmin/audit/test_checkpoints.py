"""Checkpoints: made by the clock and by hand, signed, refused to change, and delivered outside the database."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.audit import checkpoints, deliveries, key_rotation, standalone_checker, verification
from alignadmin.audit.models import Checkpoint, CheckpointDelivery, Entry, SigningKey
from alignadmin.audit.signing_keys import signing_bound_to
from alignadmin.due_work import run_due
from alignadmin.mail import sending
from alignadmin.mail.models import OutgoingMail
from tests.alignadmin.audit.test_audit_trail import append_some
from tests.support.crash import crashes
from tests.support.mail_server import mail_server
from tests.support.scripted_server import Reply, in_turn, serving
from tests.support.side_by_side import do_meet

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)


@pytest.fixture
def hourly(settings: Settings) -> None:
    settings.CHECKPOINT_INTERVAL = 3600.0


def files(settings: Settings) -> list[Path]:
    return sorted(Path(settings.CHECKPOINT_FOLDER).rglob("*.json"))


def try_again_now() -> None:
    CheckpointDelivery.objects.filter(delivered_at=None).update(tried_at=None)


# -- what a checkpoint is ---------------------------------------------------------------------------------------------


def test_it_signs_where_the_chain_ends_and_names_the_one_before() -> None:
    empty = checkpoints.make(checkpoints.HOUR, now=AT)
    append_some(3)
    made = checkpoints.make(checkpoints.PACK, now=AT + timedelta(minutes=5))
    last = Entry.objects.get(seq=3)
    assert json.loads(made.body) == {
        "number": 2,
        "seq": 3,
        "hash": last.hash,
        "at": "2026-03-01T10:10:00+00:00",
        "prev": empty.hash,
        "key": made.key_id,
        "cause": "pack",
    }
    assert (empty.seq, json.loads(empty.body)["hash"]) == (0, standalone_checker.START)
    keys = standalone_checker.Keyring()
    for each in checkpoints.public_keys():
        keys.add(each.key_id, each.public)
    assert keys.has_signed(made.key_id, made.signature, made.body.encode())
    assert not keys.has_signed(made.key_id, empty.signature, made.body.encode())
    assert checkpoints.latest() == made


def test_a_later_one_has_no_earlier_time_though_another_machine_s_clock_is_ahead() -> None:
    ahead = checkpoints.make(checkpoints.PACK, now=timezone.now() + timedelta(minutes=3))
    assert checkpoints.make(checkpoints.PACK).at == ahead.at


def test_entries_made_before_the_first_checkpoint_are_under_it() -> None:
    append_some(5)
    before = list(Entry.objects.values_list("body", "hash"))
    assert checkpoints.make(checkpoints.HOUR).seq == 5
    assert list(Entry.objects.values_list("body", "hash")) == before


# -- by the clock -----------------------------------------------------------------------------------------------------


def at_hour(monkeypatch: pytest.MonkeyPatch, hours: float) -> int:
    monkeypatch.setattr(timezone, "now", lambda: AT + timedelta(hours=hours))
    return checkpoints.make_due()


def test_the_clock_makes_one_an_hour_also_when_nothing_happened(hourly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [at_hour(monkeypatch, hours) for hours in (0, 0.5, 0.99, 1, 1.5, 2)] == [1, 0, 1, 0, 0, 1]
    assert Checkpoint.objects.count() == 3


def test_hours_that_were_missed_are_not_made_up_for(hourly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [at_hour(monkeypatch, hours) for hours in (0, 9, 9.1)] == [1, 1, 0]
    assert checkpoints.state(AT + timedelta(hours=9.5)).is_late is False
    assert checkpoints.state(AT + timedelta(hours=10.9)).is_late is False  # one that is missed may still be under way
    assert checkpoints.state(AT + timedelta(hours=12)).is_late is True


def test_an_interval_of_zero_leaves_it_to_packs_and_the_command(settings: Settings) -> None:
    settings.CHECKPOINT_INTERVAL = 0
    assert checkpoints.make_due() == 0
    call_command("checkpoint")
    assert Checkpoint.objects.get().cause == "command"


def make_due_elsewhere() -> int:
    with closing(connection):
        return checkpoints.make_due()


def test_of_several_workers_one_makes_it(hourly: None) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: make_due_elsewhere(), range(4))) == 1
    assert Checkpoint.objects.count() == SigningKey.objects.count() == 1


def test_two_workers_at_the_end_of_an_hour_look_one_after_the_other(hourly: None) -> None:
    """Both have found that it is due; whether it still is, they may only ask behind the head of the history."""
    met, made = do_meet(checkpoints.make_due, lambda sql: f'FROM "{Checkpoint._meta.db_table}"' in sql)
    assert not met
    assert made == [1, 0]
    assert Checkpoint.objects.count() == 1


def test_the_worker_makes_and_delivers_it(hourly: None, settings: Settings) -> None:
    append_some(2)
    run_due()
    made = Checkpoint.objects.get()
    assert made.cause == "hour"
    assert [path.name for path in files(settings)] == ["checkpoint-000000001.json"]
    assert checkpoints.undelivered() is None


# -- keys -------------------------------------------------------------------------------------------------------------


def test_the_private_half_is_sealed_and_bound_to_its_row() -> None:
    checkpoints.make(checkpoints.HOUR)
    key = SigningKey.objects.get()
    assert sealing.does_open(sealing.SealedValue(value=key.sealed, bound_to=signing_bound_to(key)))
    key.uuid = uuid4()
    assert not sealing.does_open(sealing.SealedValue(value=key.sealed, bound_to=signing_bound_to(key)))


def test_another_sealing_key_seals_it_again(settings: Settings) -> None:
    old, new = sealing.new_key("old"), sealing.new_key("new")
    settings.SEAL_KEYS = [old]
    checkpoints.make(checkpoints.HOUR)
    settings.SEAL_KEYS = [new, old]
    assert key_rotation.reseal_all(lambda _: None) == 1
    assert key_rotation.seal_status().counts == {"new": 1}
    settings.SEAL_KEYS = [new]
    checkpoints.make(checkpoints.HOUR)
    assert verification.verify().ok
    assert "signing_keys" in Entry.objects.get(action="keys.rotated").body


def test_a_new_key_is_named_by_the_old_one() -> None:
    first = checkpoints.make(checkpoints.HOUR)
    call_command("checkpoint", "--new-key")
    named, second = Checkpoint.objects.order_by("number")[1:]
    assert first.key_id == named.key_id != second.key_id
    assert json.loads(named.body)["next"] == SigningKey.objects.get(key_id=second.key_id).public
    assert [key.retired_at is None for key in checkpoints.public_keys()] == [False, True]
    assert "signs checkpoints from now on" in Entry.objects.get(action="keys.signing_changed").body
    verdict = verification.verify()
    assert verdict.ok
    assert "was lost" not in verdict.sentence


def test_a_key_that_does_not_open_is_told_and_stops_no_other_work(hourly: None, settings: Settings) -> None:
    checkpoints.make(checkpoints.HOUR, now=AT)
    settings.SEAL_KEYS = [sealing.new_key("other")]
    with pytest.raises(CommandError, match="give its key back to SEAL_KEYS"):
        call_command("checkpoint")
    with pytest.raises(CommandError, match="does not open"):
        call_command("checkpoint", "--new-key")
    assert checkpoints.make_due() == 0
    assert checkpoints.state().is_late
    assert Checkpoint.objects.count() == SigningKey.objects.count() == 1


def test_the_place_of_a_lost_key_is_taken_and_told(settings: Settings) -> None:
    lost = checkpoints.make(checkpoints.HOUR).key_id
    settings.SEAL_KEYS = [sealing.new_key("other")]
    call_command("checkpoint", "--new-key", "--lost")
    verdict = verification.verify()
    assert verdict.ok
    assert f"because the one before, {lost}, was lost" in verdict.sentence


def test_it_refuses_a_lost_key_without_a_new_one() -> None:
    with pytest.raises(CommandError, match="only for --new-key"):
        call_command("checkpoint", "--lost")


# -- the folder -------------------------------------------------------------------------------------------------------


def test_a_file_holds_all_that_a_check_needs(settings: Settings) -> None:
    made = checkpoints.make(checkpoints.HOUR, now=AT)
    assert deliveries.deliver_due() == 1
    (path,) = files(settings)
    assert path.parent.name == "2026-03"
    assert stat.S_IMODE(path.stat().st_mode) & ~0o640 == 0
    assert json.loads(path.read_text()) == {
        "number": 1,
        "body": made.body,
        "signature": made.signature,
        "key_id": made.key_id,
        "public": SigningKey.objects.get().public,
    }
    assert deliveries.deliver_due() == 0


def test_a_file_that_stands_there_already_is_not_written_over(settings: Settings) -> None:
    made = checkpoints.make(checkpoints.HOUR, now=AT)
    path = deliveries.path_of(made)
    path.parent.mkdir(parents=True)
    path.write_text("of another database")
    assert deliveries.deliver_due() == 0
    assert path.read_text() == "of another database"
    late = checkpoints.undelivered()
    assert late is not None
    assert "Another checkpoint 1 already stands" in late.sentence


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(settings: Settings) -> None:
    folder = Path(settings.CHECKPOINT_FOLDER)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file")
    checkpoints.make(checkpoints.HOUR, now=AT)
    checkpoints.make(checkpoints.HOUR, now=AT + timedelta(hours=1))
    assert deliveries.deliver_due() == 0
    late = checkpoints.undelivered()
    assert late is not None
    assert (late.count, late.oldest_at) == (2, AT)
    assert "Let the worker's account write to CHECKPOINT_FOLDER" in late.sentence
    folder.unlink()
    assert deliveries.deliver_due() == 0  # not before five minutes have passed
    try_again_now()
    assert deliveries.deliver_due() == 2
    assert checkpoints.undelivered() is None
    assert len(files(settings)) == 2


def deliver(folder: str) -> None:
    from django.conf import settings

    settings.CHECKPOINT_FOLDER = Path(folder)
    deliveries.deliver_due()


@pytest.mark.usefixtures("processes")
def test_killed_at_any_point_of_a_delivery_the_next_try_ends_it(settings: Settings) -> None:
    checkpoints.make(checkpoints.HOUR, now=AT)

    def again() -> list[str]:
        try_again_now()
        return [str(settings.CHECKPOINT_FOLDER)]

    killed = [crash.before for crash in crashes(deliver, again) if crash.killed]
    assert killed
    assert CheckpointDelivery.objects.get().delivered_at
    assert verification.verify().remarks == ()


# -- elsewhere --------------------------------------------------------------------------------------------------------


def test_it_is_posted_to_an_address(settings: Settings) -> None:
    made = checkpoints.make(checkpoints.HOUR, now=AT)
    CheckpointDelivery.objects.all().delete()
    with serving(lambda _: Reply(data={})) as server:
        settings.CHECKPOINT_URL = f"{server.address}/take?from=alignadmin"
        CheckpointDelivery.objects.create(checkpoint=made, place=checkpoints.URL)
        assert deliveries.deliver_due() == 1
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/take", {"from": "alignadmin"})
    assert json.loads(seen.body) == deliveries.record(made)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(status=302, headers={"Location": "/elsewhere"}), "redirects are never followed"),
        (Reply(status=500), "failed to answer"),
        (Reply(status=404), "Check CHECKPOINT_URL"),
    ],
)
def test_an_address_that_does_not_take_it_is_told_and_tried_again(settings: Settings, reply: Reply, told: str) -> None:
    with serving(in_turn(reply, Reply(data={}))) as server:
        settings.CHECKPOINT_URL = f"{server.address}/take"
        checkpoints.make(checkpoints.HOUR)
        assert deliveries.deliver_due() == 1  # the folder
        late = checkpoints.undelivered()
        assert late is not None
        assert told in late.sentence
        try_again_now()
        assert deliveries.deliver_due() == 1
    assert [seen.path for seen in server.seen] == ["/take", "/take"]
    assert checkpoints.undelivered() is None


def test_after_a_failure_an_address_gets_none_that_is_later(settings: Settings) -> None:
    with serving(in_turn(Reply(status=500), Reply(data={}), Reply(data={}))) as server:
        settings.CHECKPOINT_URL = f"{server.address}/take"
        for _ in range(2):
            checkpoints.make(checkpoints.HOUR)
        assert deliveries.deliver_due() == 2  # into the folder
        assert len(server.seen) == 1
        try_again_now()
        assert deliveries.deliver_due() == 2
    assert [json.loads(each.body)["number"] for each in server.seen] == [1, 1, 2]


@pytest.mark.parametrize("address", ["http://10.0.0.1/", "http://user:pass7@127.0.0.1/", "nowhere", "http://["])
def test_an_address_that_may_not_be_asked_is_told(settings: Settings, address: str) -> None:
    settings.CHECKPOINT_URL = address
    checkpoints.make(checkpoints.HOUR)
    deliveries.deliver_due()
    late = checkpoints.undelivered()
    assert late is not None
    assert "CHECKPOINT_URL" in late.sentence
    assert "pass7" not in late.sentence


def test_it_is_sent_by_mail_to_everybody_named(settings: Settings) -> None:
    settings.CHECKPOINT_RECIPIENTS, settings.EMAIL_URL = ["ina@example.test", "no address"], "smtp://mail.example.test"
    made = checkpoints.make(checkpoints.HOUR, now=AT)
    assert deliveries.deliver_due() == 2
    assert deliveries.deliver_due() == 0, "it is queued once"
    assert CheckpointDelivery.objects.filter(delivered_at=None).count() == 1, "queued is not delivered"
    sending.send_due()
    assert checkpoints.undelivered() is None
    (message,) = mail.outbox
    assert f"{AT:%d %b %Y, %H:%M} UTC" in str(message.body)
    assert message.to == ["ina@example.test"]
    name, text, _ = message.attachments[0]
    assert name == "checkpoint-000000001.json"
    assert json.loads(text)["body"] == made.body


def test_a_mail_server_that_fails_is_told_and_the_checkpoints_then_arrive_in_their_order(settings: Settings) -> None:
    settings.CHECKPOINT_RECIPIENTS = ["ina@example.test"]
    with mail_server() as server:
        server.use(settings)
        settings.EMAIL_PORT = 9
        for number in range(3):
            checkpoints.make(checkpoints.HOUR, now=AT + timedelta(hours=number))
        deliveries.deliver_due()
        sending.send_due()
        late = checkpoints.undelivered()
        assert late is not None
        assert (late.count, late.sentence) == (
            3,
            "The mail server did not take it: the mail server cannot be reached (ConnectionRefusedError). "
            "It is tried again.",
        )
        settings.EMAIL_PORT = server.port
        OutgoingMail.objects.update(next_try_at=timezone.now())
        sending.send_due()
        assert server.subjects == [f"Checkpoint {number} of AlignAdmin's history" for number in (1, 2, 3)]
    assert checkpoints.undelivered() is None


def test_mail_that_no_server_took_in_a_week_is_queued_anew(settings: Settings) -> None:
    settings.CHECKPOINT_RECIPIENTS, settings.EMAIL_URL = ["ina@example.test"], "smtp://mail.example.test"
    checkpoints.make(checkpoints.HOUR, now=AT)
    deliveries.deliver_due()
    OutgoingMail.objects.update(expires_at=timezone.now())
    sending.send_due()
    assert (late := checkpoints.undelivered()) is not None
    assert "was not sent in time" in late.sentence
    try_again_now()
    assert deliveries.deliver_due() == 1
    sending.send_due()
    assert len(mail.outbox) == 1
    assert checkpoints.undelivered() is None


def test_mail_that_is_not_set_up_is_told(settings: Settings) -> None:
    settings.CHECKPOINT_RECIPIENTS, settings.EMAIL_URL = ["ina@example.test"], ""
    checkpoints.make(checkpoints.HOUR)
    assert deliveries.deliver_due() == 1  # the folder
    late = checkpoints.undelivered()
    assert late is not None
    assert "EMAIL_URL is not set" in late.sentence

"""Signed checkpoints of the chain: what its end was at a moment, each naming the one before.

The clock makes one an hour, also when nothing happened; packs, archives and the command make more. A missed hour is not
made up for: that there is none is what tells that nobody was watching. A key that changes is named beforehand by the
key it follows, so that nobody else's can take its place.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin import sealing
from alignadmin.audit import standalone_checker, trail
from alignadmin.audit.entries import Actor, AuditRecord, canonical, lock_head
from alignadmin.audit.models import Checkpoint, CheckpointDelivery, SigningKey
from alignadmin.audit.signing_keys import signing_bound_to
from alignadmin.due_work import due_work, wake
from alignadmin.errors import SealError
from alignadmin.mail import outbox

log = logging.getLogger(__name__)

HOUR, PACK, ARCHIVE, COMMAND, RESTORED = "hour", "pack", "archive", "command", "restored"
FOLDER, URL, MAIL = "folder", "url", "e-mail"
CHECKPOINT_MAIL, MAIL_TROUBLE = "checkpoint", "The mail server did not take it"
FILE_NAME = re.compile(r"checkpoint-(\d{1,18})\.json")  # as deliveries write them
SOON = timedelta(minutes=10)  # in which a worker has delivered what can be
LATE = 2  # intervals without a checkpoint, after which that is told


class NotSigned(Exception):
    """No signature can be made; the message is for people: what happened, what to do."""


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """The half of a signing key that everybody may have, as it stands in packs."""

    key_id: str
    public: str  # base64 of 32 bytes
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Signature:
    key_id: str
    signature: str  # base64 of 64 bytes


# -- keys -------------------------------------------------------------------------------------------------------------


def public_keys() -> list[PublicKey]:
    """Every key that ever signed, the oldest first."""
    names = ("key_id", "public", "created_at", "retired_at")
    return [PublicKey(**row) for row in SigningKey.objects.order_by("pk").values(*names)]


def sign(raw: bytes) -> Signature:
    """Sign something else than a checkpoint, such as the manifest of a pack. Raises NotSigned."""
    with transaction.atomic():
        lock_head()
        key = _key()
    return _sign(key, standalone_checker.file_text(raw))


def rotate(*, actor: Actor | None = None, lost: bool = False) -> SigningKey:
    """Let a new key sign from now on. The old one signs a last checkpoint that names it, unless it is lost."""
    with transaction.atomic():
        lock_head()
        old, now = _key(), timezone.now()
        new = _new_key(now)
        if not lost:
            make(COMMAND, extra={"next": new.public})
        SigningKey.objects.filter(pk=old.pk).update(retired_at=now)
        new.save()
        make(COMMAND)
        trail.record(
            AuditRecord(
                action="keys.signing_changed",
                actor=actor,
                subject=f"signing key {new.key_id}",
                sentence=f"The key {new.key_id} signs checkpoints from now on, after {old.key_id}"
                + (", which was lost." if lost else "."),
                data={"from": old.key_id, "to": new.key_id, "public": new.public, "lost": lost},
            )
        )
    return new


def _key() -> SigningKey:
    """The key that signs, made at first use; to be called under the head row's lock, so that one is made."""
    key = SigningKey.objects.filter(retired_at=None).order_by("-pk").first()
    if key is None:
        key = _new_key(timezone.now())
        key.save()
    return key


def _new_key(now: datetime) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = SigningKey(
        uuid=uuid4(), key_id=standalone_checker.key_id_of(raw), public=base64.b64encode(raw).decode(), created_at=now
    )
    key.sealed = sealing.seal(base64.b64encode(private.private_bytes_raw()).decode(), bound_to=signing_bound_to(key))
    return key


def _sign(key: SigningKey, text: bytes) -> Signature:
    try:
        raw = sealing.unseal(key.sealed, bound_to=signing_bound_to(key))
    except SealError as error:
        raise NotSigned(
            f"The signing key {key.key_id} does not open: give its key back to SEAL_KEYS, or, if that is lost for "
            "good, run manage.py checkpoint --new-key --lost."
        ) from error
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(raw))
    return Signature(key_id=key.key_id, signature=base64.b64encode(private.sign(text)).decode())


# -- making -----------------------------------------------------------------------------------------------------------


def latest() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-number").first()


def make(cause: str, *, now: datetime | None = None, extra: Mapping[str, Any] | None = None) -> Checkpoint:
    """Sign what the chain is now, and queue the way out of this database. Raises NotSigned."""
    with transaction.atomic():
        head = lock_head()
        return _make(head.seq, head.hash, cause, now, extra or {})


def _make(seq: int, entry_hash: str, cause: str, now: datetime | None, extra: Mapping[str, Any]) -> Checkpoint:
    before, key = latest(), _key()
    number = before.number + 1 if before else 1
    if gap := extra.get("gap"):
        number = gap["until"] + 1  # a lost one's number is given to no other
    else:
        _refuse_beyond(number)
    if now is None:  # a later one has no earlier time, though clocks of several machines may differ
        now = max(timezone.now(), before.at) if before else timezone.now()
    body = {
        **extra,
        **_following(before, key),
        "number": number,
        "seq": seq,
        "hash": entry_hash,
        "at": now.astimezone(UTC).isoformat(),
        "prev": before.hash if before else standalone_checker.START,
        "key": key.key_id,
        "cause": cause,
    }
    text = canonical(body)
    made = Checkpoint.objects.create(
        number=body["number"],
        seq=seq,
        at=now,
        body=text,
        hash=standalone_checker.checkpoint_digest(text),
        signature=_sign(key, text.encode()).signature,
        key_id=key.key_id,
        cause=cause,
    )
    CheckpointDelivery.objects.bulk_create(CheckpointDelivery(checkpoint=made, place=place) for place in places())
    wake()
    return made


def _refuse_beyond(number: int) -> None:
    """Nothing of this number or a higher one can stand in the folder, unless this database had more entries once."""
    beyond = _last_in_folder()
    if beyond >= number:
        raise NotSigned(
            f"CHECKPOINT_FOLDER holds checkpoint {beyond}, but this database ends with {number - 1}: it was restored "
            "from a backup, or is another one. Run manage.py history_restored, which says so in the history, or set "
            "CHECKPOINT_FOLDER to a folder of its own."
        )


def _last_in_folder() -> int:
    """The highest number among the files' names of the newest month; 0 without any."""
    folder = Path(settings.CHECKPOINT_FOLDER)
    months = sorted((each for each in folder.glob("????-??") if each.is_dir()), reverse=True)
    for month in months:
        if numbers := [int(found[1]) for each in month.iterdir() if (found := FILE_NAME.fullmatch(each.name))]:
            return max(numbers)
    return 0


def _following(before: Checkpoint | None, key: SigningKey) -> Mapping[str, Any]:
    """A key that its forerunner could not name any more says whose place it takes."""
    if (
        before is None
        or before.key_id == key.key_id
        or standalone_checker.fields(before.body).get("next") == key.public
    ):
        return {}
    return {"lost": before.key_id}


def places() -> Sequence[str]:
    """Where checkpoints go, by the settings."""
    found = [FOLDER] if settings.CHECKPOINT_FOLDER else []
    found += [URL] if settings.CHECKPOINT_URL else []
    return [*found, MAIL] if settings.CHECKPOINT_RECIPIENTS else found


@due_work
def make_due() -> int:
    """The hourly checkpoint, once an hour has begun; an interval of 0 leaves it to packs and the command."""
    now = timezone.now()
    if not _is_due(now):
        return 0
    try:
        with transaction.atomic():
            lock_head()
            if not _is_due(now):  # another worker made it while we waited
                return 0
            make(HOUR)
    except NotSigned as error:  # the history page tells that it is late; the worker's other work goes on
        _warn(str(error), now)
        return 0
    return 1


_warned: tuple[str, int] | None = None  # what, and in which hour


def _warn(sentence: str, now: datetime) -> None:
    """Once an hour, although it is tried every few seconds."""
    global _warned
    this = (sentence, int(now.timestamp() // settings.CHECKPOINT_INTERVAL))
    if this != _warned:
        log.warning("The checkpoint of this hour was not made. %s", sentence)
        _warned = this


def _is_due(now: datetime) -> bool:
    interval = settings.CHECKPOINT_INTERVAL
    if interval <= 0:
        return False
    last = _last_by_the_clock()
    return last is None or last.timestamp() // interval < now.timestamp() // interval


def _last_by_the_clock() -> datetime | None:
    return Checkpoint.objects.filter(cause=HOUR).order_by("-number").values_list("at", flat=True).first()


# -- what pages tell --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """Checkpoints that have not left this database yet."""

    count: int
    oldest_at: datetime
    sentence: str  # what the last try said; empty: none was made yet


@dataclass(frozen=True, kw_only=True)
class CheckpointState:
    """The head of the history page: the last checkpoint, whether the next is overdue, and what is not delivered."""

    last: Checkpoint | None
    is_late: bool
    undelivered: Undelivered | None
    places: Sequence[str]


def state(now: datetime | None = None) -> CheckpointState:
    return CheckpointState(
        last=latest(), is_late=is_late(now or timezone.now()), undelivered=undelivered(), places=places()
    )


def is_late(now: datetime) -> bool:
    """Of those that the clock makes; one that somebody else made in between does not make up for it."""
    interval, last = settings.CHECKPOINT_INTERVAL, _last_by_the_clock()
    return interval > 0 and last is not None and now - last > timedelta(seconds=LATE * interval)


def undelivered(now: datetime | None = None) -> Undelivered | None:
    """What could not be delivered; None when everything is out. A first try that is about to come does not count."""
    overdue = Q(checkpoint__at__lte=(now or timezone.now()) - SOON)
    waiting = CheckpointDelivery.objects.filter(~Q(error="") | overdue, delivered_at=None)
    oldest = waiting.order_by("checkpoint_id").select_related("checkpoint").first()
    if oldest is None:
        return None
    count = waiting.values("checkpoint").distinct().count()
    return Undelivered(count=count, oldest_at=oldest.checkpoint.at, sentence=oldest.error or mail_trouble(oldest))


def mail_about(number: int) -> str:
    return f"checkpoint {number}"


def mail_trouble(delivery: CheckpointDelivery) -> str:
    """Of an e-mail that is in the outbox, why no mail server has taken it yet."""
    last = outbox.last([CHECKPOINT_MAIL], mail_about(delivery.checkpoint_id)) if delivery.place == MAIL else None
    return f"{MAIL_TROUBLE}: {last.error}. It is tried again." if last and last.error else ""

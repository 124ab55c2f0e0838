"""Getting checkpoints out of this database: into a folder, to an address, by e-mail; tried until it is done.

A place gets its checkpoints in their order, and after a failure none until the next try. What arrives is the same every
time, so that a try whose end was not seen does no harm when it is repeated.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.audit.checkpoints import CHECKPOINT_MAIL, FOLDER, MAIL, MAIL_TROUBLE, URL, mail_about, public_keys
from alignadmin.audit.models import Checkpoint, CheckpointDelivery
from alignadmin.due_work import due_work
from alignadmin.egress import is_allowed_private
from alignadmin.http import NoBudget, Remote, Retry, Site
from alignadmin.http.errors import RemoteError
from alignadmin.http.responses import Wording
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail

log = logging.getLogger(__name__)
AGAIN = timedelta(minutes=5)  # after a failed try
WEEK = timedelta(days=7)  # for which an e-mail is tried, before it is queued anew
AT_ONCE = 200
WORDING = Wording(system="The address for checkpoints", missing="Check CHECKPOINT_URL.")


class NotDelivered(Exception):
    """The message says what happened and what to do."""


@due_work
def deliver_due() -> int:
    """Deliver what waits, each place in the order of the checkpoints, until one fails."""
    return sum(_deliver_to(place) for place in (FOLDER, URL)) + queue_by_mail()


def _deliver_to(place: str) -> int:
    now = timezone.now()
    waiting = CheckpointDelivery.objects.filter(place=place, delivered_at=None).order_by("checkpoint_id")
    done = 0
    for delivery in waiting.select_related("checkpoint")[:AT_ONCE]:
        due = Q(tried_at=None) | Q(tried_at__lte=now - AGAIN)
        # The conditional update is the claim: of several workers one tries.
        if not CheckpointDelivery.objects.filter(due, pk=delivery.pk, delivered_at=None).update(tried_at=now):
            break
        if not _try(delivery):
            break
        done += 1
    return done


def _try(delivery: CheckpointDelivery) -> bool:
    mine = CheckpointDelivery.objects.filter(pk=delivery.pk)
    try:
        DELIVER[delivery.place](delivery.checkpoint)
    except NotDelivered as error:
        _failed(delivery, str(error))
        return False
    mine.update(delivered_at=timezone.now(), error="")
    return True


def _failed(delivery: CheckpointDelivery, why: str) -> None:
    CheckpointDelivery.objects.filter(pk=delivery.pk).update(error=why[:2000])
    log.warning("Checkpoint %d could not be delivered (%s): %s", delivery.checkpoint_id, delivery.place, why)


def record(checkpoint: Checkpoint) -> dict[str, object]:
    """One checkpoint as it stands in files and is posted, with the public half of its key."""
    public = {key.key_id: key.public for key in public_keys()}
    return {
        "number": checkpoint.number,
        "body": checkpoint.body,
        "signature": checkpoint.signature,
        "key_id": checkpoint.key_id,
        "public": public.get(checkpoint.key_id, ""),
    }


def file_name(checkpoint: Checkpoint) -> str:
    return f"checkpoint-{checkpoint.number:09d}.json"


def _text(checkpoint: Checkpoint) -> str:
    return json.dumps(record(checkpoint), sort_keys=True) + "\n"


# -- the folder -------------------------------------------------------------------------------------------------------


def path_of(checkpoint: Checkpoint) -> Path:
    return Path(settings.CHECKPOINT_FOLDER) / f"{checkpoint.at:%Y-%m}" / file_name(checkpoint)


def to_folder(checkpoint: Checkpoint) -> None:
    """A file of its own, whole or not at all, and never written over."""
    path, text = path_of(checkpoint), _text(checkpoint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not path.exists():
            _write_new(path, text)
        if path.read_text() == text:
            return
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "what stands there is no text"
        raise NotDelivered(
            f"{path} cannot be written: {reason}. Let the worker's account write to CHECKPOINT_FOLDER."
        ) from error
    raise NotDelivered(
        f"Another checkpoint {checkpoint.number} already stands in {path}. It is left there as evidence: run manage.py "
        "verify_history. If this database was restored from a backup, set CHECKPOINT_FOLDER to a new folder and keep "
        "this one."
    )


def _write_new(path: Path, text: str) -> None:
    draft = path.parent / f".{path.name}.{uuid4().hex}"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, replaces nothing.
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:  # another worker was faster
        pass
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Until then a file's name may be lost when the power fails."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- elsewhere --------------------------------------------------------------------------------------------------------


def to_url(checkpoint: Checkpoint) -> None:
    """A POST of the record as JSON; no redirect is followed, and private addresses need the operator's leave."""
    try:
        parts = urlsplit(settings.CHECKPOINT_URL)
    except ValueError:
        raise NotDelivered("CHECKPOINT_URL is not a web address.") from None
    address = f"{parts.scheme}://{parts.netloc}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        site = Site(
            address=address,
            allow_private=is_allowed_private(address),
            connect_timeout=settings.CONNECT_TIMEOUT,
            read_timeout=settings.READ_TIMEOUT,
            deadline=settings.REQUEST_DEADLINE,
            wording=WORDING,
        )
        with Remote(site, budget=NoBudget(), retry=Retry(tries=1, patience=0.0), read_only=False) as remote:
            remote.request("POST", path, body=record(checkpoint))
    except RemoteError as error:
        raise NotDelivered(f"CHECKPOINT_URL: {error.sentence}") from error


def queue_by_mail() -> int:
    """Each in the outbox with its claim, so that a worker that dies in between queues none twice and loses none."""
    now = timezone.now()
    due = Q(tried_at=None) | ~Q(error="") & Q(tried_at__lte=now - AGAIN)
    waiting = CheckpointDelivery.objects.filter(due, place=MAIL, delivered_at=None).order_by("checkpoint_id")
    done = 0
    for delivery in waiting.select_related("checkpoint")[:AT_ONCE]:
        with transaction.atomic():
            mine = CheckpointDelivery.objects.filter(due, pk=delivery.pk, delivered_at=None)
            if not mine.update(tried_at=now, error=""):
                break
            try:
                _queue(delivery)
            except NotDelivered as error:
                _failed(delivery, str(error))
                break
        done += 1
    return done


def _queue(delivery: CheckpointDelivery) -> None:
    checkpoint, recipients = delivery.checkpoint, outbox.addresses(list(settings.CHECKPOINT_RECIPIENTS))
    if not outbox.has_mail() or not recipients:
        raise NotDelivered(
            "CHECKPOINT_RECIPIENTS names people, but "
            + ("none of them is an e-mail address." if outbox.has_mail() else "EMAIL_URL is not set.")
        )
    content = _text(checkpoint).encode()
    outbox.queue(
        CHECKPOINT_MAIL,
        outbox.unnamed(recipients),
        f"Checkpoint {checkpoint.number} of AlignAdmin's history",
        "alignadmin/audit/checkpoint.txt",
        {"checkpoint": checkpoint},
        about=mail_about(checkpoint.number),
        stream=CHECKPOINT_MAIL,
        name=f"checkpoint.{checkpoint.number}.{checkpoint.hash[:16]}",
        lasts=WEEK,
        attachment=outbox.Attachment(name=file_name(checkpoint), type="application/json", content=content),
        facts={"delivery": delivery.pk},
    )


@sending.on_finished(CHECKPOINT_MAIL)
def record_outcome(mail: OutgoingMail) -> None:
    delivery = CheckpointDelivery.objects.filter(pk=mail.facts["delivery"], delivered_at=None).first()
    if delivery is None:
        return
    if mail.sent_at:
        CheckpointDelivery.objects.filter(pk=delivery.pk).update(delivered_at=mail.sent_at, error="")
    else:
        _failed(delivery, f"{MAIL_TROUBLE}: {mail.error}.")


DELIVER = {FOLDER: to_folder, URL: to_url}

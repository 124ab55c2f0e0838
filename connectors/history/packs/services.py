"""Evidence packs: asked for once however often the button is clicked, written in the background, kept for a while.

A pack whose worker was killed is written again from its beginning; its file gets its name in the transaction that says
it was made, so that a file under a name is whole and stands in the history.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import checkpoints, trail
from alignadmin.audit.deliveries import sync_folder
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.audit.models import Entry
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from connectors.history.packs import mail, selection, zip_file
from connectors.history.packs.preferences import PACK_KEPT
from connectors.history.packs.scratch import scratch
from connectors.history.packs.selection import BadQuery, Selection
from connectors.history.packs.zip_file import Contents, Made
from connectors.jobs import runner
from connectors.jobs.runner import MOST_TRIES, JobFailed, Run
from connectors.models import ACTIVE, Job, JobKind, JobState, Pack, PackSchedule, PackState

log = logging.getLogger(__name__)

MOST_WAITING = 5  # of one person
BLOCK = 1024 * 1024
TOO_OFTEN = "Writing this pack was started several times and never finished. See the log, then request it again."


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(query: str, *, actor: Person, time_zone: str, uuid: UUID | None = None) -> Pack:
    """Queue a pack, or return the one a first click has queued. Raises Refused and selection.BadQuery.

    `uuid` is the form's own: what is sent twice is asked for once, also when the first pack is ready by then.
    """
    chosen = selection.select(query, time_zone)
    with transaction.atomic():
        lock_head()  # clicks come one after the other
        if same := _same(chosen, actor, uuid):
            return same
        waiting = Pack.objects.filter(asked_by=actor, job__state__in=ACTIVE).count()
        if waiting >= MOST_WAITING:
            raise Refused(f"{waiting} packs of yours are still being written. Wait until one of them is ready.")
        return queue(chosen, asked_by=actor, actor=actor, uuid=uuid)


def _same(chosen: Selection, actor: Person, uuid: UUID | None) -> Pack | None:
    if uuid and (known := Pack.objects.filter(uuid=uuid).first()):
        if known.asked_by_id != actor.pk or known.query != chosen.query:
            raise Refused("This form was already sent with another filter. Open the export again.")
        return known
    waiting = Pack.objects.filter(asked_by=actor, query=chosen.query, time_zone=chosen.time_zone, job__state__in=ACTIVE)
    return waiting.first()


def again(pack: Pack, *, actor: Person) -> Pack:
    """Ask once more for what has failed. Raises Refused and selection.BadQuery."""
    if pack.state != PackState.FAILED:
        raise Refused("This pack has not failed. Look at it again.")
    if pack.asked_by_id:
        return ask(pack.query, actor=actor, time_zone=pack.time_zone)
    chosen = selection.select(pack.query, pack.time_zone)
    with transaction.atomic():
        lock_head()
        waiting = Pack.objects.filter(asked_by=None, query=chosen.query, job__state__in=ACTIVE)
        return waiting.first() or queue(chosen, asked_by=None, actor=actor, schedule=pack.schedule)


def queue(
    chosen: Selection,
    *,
    asked_by: Person | None,
    actor: Person | None,
    uuid: UUID | None = None,
    schedule: PackSchedule | None = None,
) -> Pack:
    """As the end of the caller's transaction. What nobody is said to have asked for is a schedule's and is kept."""
    uuid = uuid or uuid4()
    pack = Pack.objects.create(
        uuid=uuid,
        job=runner.start(None, JobKind.PACK, actor=asked_by, subject=str(uuid)),
        asked_by=asked_by,
        schedule=schedule,
        query=chosen.query,
        time_zone=chosen.time_zone,
        created_at=timezone.now(),
    )
    by = f" by the schedule {schedule.name}" if schedule else ""
    trail.record(
        AuditRecord(
            action="pack.asked",
            actor=actor,
            subject=f"pack {pack.uuid}",
            sentence=f"An evidence pack was asked for{by}: {chosen.words}.",
            data={
                "pack": str(pack.uuid),
                "query": chosen.query,
                "filter": chosen.words,
                "time_zone": chosen.time_zone,
                "schedule": schedule.name if schedule else None,
            },
        )
    )
    return pack


def store_failed(query: str, time_zone: str, why: str, schedule: PackSchedule) -> None:
    """A pack of a schedule that could not even be asked for stands among the others, to be asked for again."""
    now, uuid = timezone.now(), uuid4()
    job = Job.objects.create(
        kind=JobKind.PACK, subject=str(uuid), state=JobState.FAILED, error=why, finished_at=now, started_at=now
    )
    Pack.objects.create(uuid=uuid, job=job, schedule=schedule, query=query, time_zone=time_zone, created_at=now)


# -- writing ----------------------------------------------------------------------------------------------------------


@runner.handler(JobKind.PACK)
def write_pack(run: Run) -> None:
    """Write the pack of a job to its end, from its beginning; what goes wrong ends up as the job's sentence."""
    pack = Pack.objects.select_related("asked_by", "schedule").get(job=run.job)
    if pack.entry_seq is not None:  # made by a worker that was killed before the job's end was written
        return
    if run.job.epoch > MOST_TRIES:
        raise JobFailed(TOO_OFTEN)
    try:
        _write(run, pack)
    except (BadQuery, Refused, checkpoints.NotSigned) as error:
        raise JobFailed(str(error)) from error
    except OSError as error:
        folder, why = settings.PACK_FOLDER, error.strerror or str(error)
        sentence = f"The pack could not be written into {folder}: {why}. Make room there, then ask for it again."
        raise JobFailed(sentence) from error


def _write(run: Run, pack: Pack) -> None:
    def progress(done: int) -> None:
        run.progress(done=done)

    chosen = selection.select(pack.query, pack.time_zone)
    with _draft(pack, run.job.epoch) as draft, scratch(draft.parent, f".{pack.uuid}-") as aside:
        found = zip_file.contents(pack, chosen, aside, progress)
        run.job.done, run.job.total = found.read, found.total
        run.write()
        made = zip_file.write(draft, found, progress)
        _finish(run, pack, draft, found, made)


@contextmanager
def _draft(pack: Pack, epoch: int) -> Iterator[Path]:
    """A file that only we may read; what killed runs have left of this pack goes."""
    folder = Path(settings.PACK_FOLDER)
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    for left in folder.glob(f".{pack.uuid}-*"):
        left.unlink(missing_ok=True)
    draft = folder / f".{pack.uuid}-{epoch}.part"
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _finish(run: Run, pack: Pack, draft: Path, found: Contents, made: Made) -> None:
    path = Path(settings.PACK_FOLDER) / f"{pack.uuid}.zip"
    size, sha256 = _synced(draft)
    with transaction.atomic():
        run.assert_lease()
        draft.replace(path)
        sync_folder(path.parent)
        pack.path, pack.size, pack.sha256 = str(path), size, sha256
        mail.queue(pack)
        pack.entry_seq = _record_made(pack, found, made).seq
        pack.save(update_fields=["path", "size", "sha256", "entry_seq"])
    run.job.done = run.job.total


def _synced(draft: Path) -> tuple[int, str]:
    """On the disk for good; its size and SHA-256."""
    found = hashlib.sha256()
    with draft.open("rb") as file:
        os.fsync(file.fileno())
        while block := file.read(BLOCK):
            found.update(block)
    return draft.stat().st_size, found.hexdigest()


def _record_made(pack: Pack, found: Contents, made: Made) -> Entry:
    span = found.span
    return trail.record(
        AuditRecord(
            action="pack.made",
            actor=pack.asked_by,
            subject=f"pack {pack.uuid}",
            sentence=f"An evidence pack of {made.rows} rows was made: {found.selection.words}.{_differing(found)}",
            data={
                "pack": str(pack.uuid),
                "query": found.selection.query,
                "time_zone": found.selection.time_zone,
                "manifest_sha256": made.manifest_sha256,
                "sha256": pack.sha256,
                "rows": made.rows,
                "plans": len(found.plans),
                "entries": {"first": span.first, "last": span.last, "count": found.entries},
                "checkpoint": found.checkpoint.number,
                "differences": len(found.found.differences),
                "first_differences": found.found.sentences,
                "schedule": pack.schedule.name if pack.schedule else None,
            },
        )
    )


def _differing(found: Contents) -> str:
    count = len(found.found.differences)
    places = "1 place" if count == 1 else f"{count} places"
    return f" The history's table differed from its entries and lines in {places}." if count else ""


def differences(pack: Pack) -> tuple[int, list[str]]:
    """In how many places the history's table said something else when the pack was made, and the first of them."""
    body = Entry.objects.filter(seq=pack.entry_seq).values_list("body", flat=True).first() if pack.entry_seq else None
    data = json.loads(body)["data"] if body else {}
    return data.get("differences", 0), data.get("first_differences", [])


# -- keeping ----------------------------------------------------------------------------------------------------------


def expires_at(pack: Pack) -> datetime | None:
    """None for a pack that is not there yet, or that a schedule made: those stay."""
    if pack.job.finished_at is None or pack.asked_by_id is None:
        return None
    return pack.job.finished_at + timedelta(seconds=PACK_KEPT.value())


def has_expired(pack: Pack) -> bool:
    """Also where its file is deleted already: a longer time that is set later does not bring it back."""
    if pack.state == PackState.DONE and not pack.path:
        return True
    end = expires_at(pack)
    return end is not None and end <= timezone.now()


@due_work
def remove_expired() -> int:
    """Files of packs that were kept long enough; their entries tell for good what was in them."""
    oldest = timezone.now() - timedelta(seconds=PACK_KEPT.value())
    old = Pack.objects.filter(asked_by__isnull=False, job__finished_at__lte=oldest).exclude(path="")
    return sum(remove(pack) for pack in old[:100])


def remove(pack: Pack) -> bool:
    """Delete its file; False if it could not be, which is tried again, and where it is deleted already."""
    if not pack.path:
        return False
    try:
        Path(pack.path).unlink(missing_ok=True)
    except OSError as error:
        log.warning("The expired pack %s could not be removed: %s", pack.path, error)
        return False
    return bool(Pack.objects.filter(pk=pack.pk).exclude(path="").update(path=""))


def record_download(pack: Pack, *, actor: Person) -> None:
    """Who took evidence out is evidence, too."""
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action="pack.downloaded",
                actor=actor,
                subject=f"pack {pack.uuid}",
                sentence="The evidence pack was downloaded.",
                data={"pack": str(pack.uuid), "sha256": pack.sha256},
            )
        )

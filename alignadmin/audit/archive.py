"""Archiving the oldest part of the history: a signed file first, and only where asked for, away from the database.

Killed at any point nothing is lost: the file gets its name when it is whole and checked, a run finds the file of the
one before, and entries leave in the transaction that says which archive they are in. What pages show of them stays.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from alignadmin.audit import archive_index, bundle, checkpoints, standalone_checker, trail, triggers
from alignadmin.audit.deliveries import sync_folder
from alignadmin.audit.entries import Actor, AuditRecord, lock_head
from alignadmin.audit.models import Archive, ChainHead, Checkpoint, Entry

LEAST_MONTHS = 12
STALE = 24 * 3600.0  # seconds after which a draft is one that a killed run has left
README = """This is an archive of AlignAdmin's history: entries {first} to {last}, up to checkpoint {number} of {at}.

To check it you need Python 3.10 or newer with the package cryptography, and nothing of AlignAdmin:

    python checker.py {name} --checkpoints FOLDER

FOLDER holds the checkpoints that were delivered outside the database at the time. Without them the checker says what it
cannot know.

entries.jsonl      one entry a line: its number, the hash of the one before, its own, and the text that was hashed
checkpoints.jsonl  the signed checkpoints: text, signature, id of the key
keys.json          the public keys
manifest.json      what this file holds, with the SHA-256 of each part; manifest.sig is its signature
"""


class NotArchived(Exception):
    """The message says what happened and what to do."""


# -- what may go ------------------------------------------------------------------------------------------------------


def end_of_prefix(now: datetime, *, until: datetime | None = None, to_remove: bool = False) -> Checkpoint:
    """The checkpoint up to which may be archived, the latest unless an earlier moment is asked for."""
    cutoff = _refuse_young(until, now, to_remove=to_remove)
    head = ChainHead.objects.filter(pk=1).first() or ChainHead(pk=1)
    old = Checkpoint.objects.filter(at__lte=until or cutoff, seq__gt=head.archived_seq)
    found = old.order_by("-number").first()
    if found is None or Entry.objects.filter(seq__lte=found.seq, at__gt=cutoff).exists():
        raise NotArchived(f"There is nothing to archive: no checkpoint of entries is older than {cutoff:%d %b %Y}.")
    # Of several that name the same entry the first: a second run finds the file of this one.
    return Checkpoint.objects.filter(seq=found.seq).order_by("number")[0]


def _refuse_young(until: datetime | None, now: datetime, *, to_remove: bool) -> datetime:
    """Up to when entries may go."""
    months = _months(to_remove=to_remove)
    cutoff = months_before(now, months)
    if until and until > cutoff:
        raise NotArchived(
            f"Entries younger than {months} months stay where they are: choose a day before {cutoff:%d %b %Y}."
        )
    return cutoff


def _months(*, to_remove: bool) -> int:
    kept: int = settings.RETENTION_MONTHS
    if not to_remove:
        return LEAST_MONTHS
    if kept < LEAST_MONTHS:
        why = "is 0: entries stay for good" if kept <= 0 else f"is {kept}, and less than {LEAST_MONTHS} is never kept"
        raise NotArchived(f"RETENTION_MONTHS {why}. Set it to {LEAST_MONTHS} or more, or archive without --remove.")
    return kept


def months_before(now: datetime, months: int) -> datetime:
    """The same day and time so many months ago, or the last day of a shorter month."""
    number = now.year * 12 + now.month - 1 - months
    year, month = divmod(number, 12)
    for day in range(now.day, 27, -1):
        try:
            return now.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return now.replace(year=year, month=month + 1)


# -- writing ----------------------------------------------------------------------------------------------------------


def write(end: Checkpoint, *, actor: Actor | None, now: datetime | None = None) -> Archive:
    """The archive of everything in the database up to this checkpoint; the one there is, if it is whole."""
    first = (ChainHead.objects.filter(pk=1).values_list("archived_seq", flat=True).first() or 0) + 1
    path = Path(settings.ARCHIVE_FOLDER) / f"history-{first:09d}-{end.seq:09d}.zip"
    try:
        _tidy(path.parent)
        if not path.exists():
            _write_new(path, first, end, now or timezone.now())
        _refuse_other(path, first, end)
        size, sha256 = path.stat().st_size, archive_index.sha256_of(path)
    except OSError as error:
        raise NotArchived(f"{path} cannot be written: {error.strerror or error}. Check ARCHIVE_FOLDER.") from error
    return _enter(Archive(first_seq=first, last_seq=end.seq, path=str(path), size=size, sha256=sha256), end, actor)


def _tidy(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    for draft in folder.glob(".history-*.part"):
        if draft.stat().st_mtime < time.time() - STALE:
            draft.unlink(missing_ok=True)


def _write_new(path: Path, first: int, end: Checkpoint, now: datetime) -> None:
    draft = path.parent / f".{path.stem}-{uuid4().hex}.part"
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))
    try:
        _fill(draft, path.name, first, end, now)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        _refuse_other(draft, first, end)
        # A link, unlike a rename, replaces nothing.
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:  # another run was faster; its file is checked as any
        pass
    finally:
        draft.unlink(missing_ok=True)


def _fill(draft: Path, name: str, first: int, end: Checkpoint, now: datetime) -> None:
    span = bundle.span(first, end.seq, end)
    said = {"first": first, "last": end.seq, "number": end.number, "at": f"{end.at:%d %b %Y, %H:%M} UTC", "name": name}
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as made:
        writing = bundle.Writing(zip=made)
        writing.add_chain(span)
        writing.add("README.txt", [README.format(**said).encode()])
        writing.finish({"kind": "archive", "checkpoint": end.number, "written_at": now.isoformat()}, span, end.at)


def _refuse_other(path: Path, first: int, end: Checkpoint) -> None:
    """Read it back: what is archived has to be the whole of it, and to hold."""
    report = standalone_checker.check(path)
    if not report.ok:
        raise NotArchived(f"{path.name} does not hold: {report.wrong}. Run manage.py verify_history; nothing was done.")
    found = (report.first, report.last, report.entries, _checkpoint_of(path))
    if found != (first, end.seq, end.seq - first + 1, end.number):
        raise NotArchived(f"{path} is another archive than this one would be. Move it away and try again.")


def _checkpoint_of(path: Path) -> object:
    with zipfile.ZipFile(path) as made:
        return json.loads(made.read(standalone_checker.MANIFEST)).get("checkpoint")


def _enter(archive: Archive, end: Checkpoint, actor: Actor | None) -> Archive:
    with transaction.atomic():
        lock_head()
        same = Archive.objects.filter(first_seq=archive.first_seq, last_seq=archive.last_seq, sha256=archive.sha256)
        if known := same.first():
            return known
        archive.checkpoint, archive.created_at = end, timezone.now()
        archive.save()
        _record(archive, "wrote", actor)
    return archive


def _record(archive: Archive, did: str, actor: Actor | None) -> None:
    what = f"entries {archive.first_seq} to {archive.last_seq}"
    name = Path(archive.path).name
    sentences = {
        "wrote": f"Wrote the {what} into the archive {name}; they stay in the database, too.",
        "removed": f"Removed the {what} from the database; they are in the archive {name}.",
    }
    trail.record(
        AuditRecord(
            action="history.archived",
            actor=actor,
            subject=f"archive {name}",
            sentence=sentences[did],
            data={
                "first_seq": archive.first_seq,
                "last_seq": archive.last_seq,
                "sha256": archive.sha256,
                "size": archive.size,
                "checkpoint": archive.checkpoint_id,
                "removed": did == "removed",
            },
        )
    )


# -- removing ---------------------------------------------------------------------------------------------------------


def remove(archive: Archive, *, actor: Actor | None, now: datetime | None = None) -> int:
    """Let the archive's entries leave the database; a checkpoint that is made before says so. Returns how many."""
    _refuse_young(archive.checkpoint.at, now or timezone.now(), to_remove=True)
    path = archive_index.place_of(archive)
    if path is None or archive_index.sha256_of(path) != archive.sha256:
        raise NotArchived(f"{archive.path} is not there as it was written: nothing was removed. Archive again.")
    _refuse_other(path, archive.first_seq, archive.checkpoint)
    leaving = {
        "first_seq": archive.first_seq,
        "last_seq": archive.last_seq,
        "hash": standalone_checker.fields(archive.checkpoint.body)["hash"],
        "sha256": archive.sha256,
    }
    checkpoints.make(checkpoints.ARCHIVE, extra={"archive": leaving})
    with transaction.atomic():
        return _remove(archive, str(leaving["hash"]), actor)


def _remove(archive: Archive, last_hash: str, actor: Actor | None) -> int:
    lock_head()
    if ChainHead.objects.values_list("archived_seq", flat=True).get(pk=1) != archive.first_seq - 1:
        raise NotArchived("Another run has archived meanwhile: nothing was removed. Run it again.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # the ORM sets nothing of a transaction
            cursor.execute("SET LOCAL statement_timeout = 0")
    with triggers.lifted_from_entries():
        gone, _ = Entry.objects.filter(seq__lte=archive.last_seq).delete()
    if gone != archive.last_seq - archive.first_seq + 1:
        raise NotArchived(
            f"The database held {gone} entries up to {archive.last_seq}, the archive holds another number: nothing was "
            "removed. Run manage.py verify_history."
        )
    ChainHead.objects.filter(pk=1).update(archived_seq=archive.last_seq, archived_hash=last_hash)
    Archive.objects.filter(pk=archive.pk).update(removed_at=timezone.now())
    _record(archive, "removed", actor)
    return gone

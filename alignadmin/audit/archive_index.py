"""What has left the database into archives: whether these are the archives that were signed, and which holds what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from alignadmin.audit import standalone_checker
from alignadmin.audit.models import Archive, ChainHead
from alignadmin.audit.standalone_checker import START, Copies, Signed, Wrong

BLOCK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Holding:
    """An archive that entries have left the database into, by its file's name."""

    name: str
    removed_at: datetime


def holding(seq: int) -> Holding | None:
    """Which archive an entry has left the database into; None while it has not."""
    found = Archive.objects.filter(removed_at__isnull=False, first_seq__lte=seq, last_seq__gte=seq).first()
    return Holding(name=Path(found.path).name, removed_at=found.removed_at) if found and found.removed_at else None


def place_of(archive: Archive) -> Path | None:
    """Where its file is: where it was written, or in ARCHIVE_FOLDER; None when it is not at hand."""
    path = Path(archive.path)
    return next((each for each in (path, Path(settings.ARCHIVE_FOLDER) / path.name) if each.is_file()), None)


def entries(path: Path, size: int) -> Iterator[list[tuple[int, str, str]]]:
    """The entries in an archive, so many at a time: number, hash and text. That it is the archive is not looked at."""
    source, some = standalone_checker.PackFiles(path), list[tuple[int, str, str]]()
    try:
        for line in source.lines(standalone_checker.ENTRIES):
            said = standalone_checker.fields(line)
            some.append((said["seq"], said["hash"], said["body"]))
            if len(some) == size:
                yield some
                some = []
    finally:
        source.close()
    if some:
        yield some


def check(head: ChainHead, signed: Iterable[Signed], copies: Copies | None) -> list[str]:
    """What is to be said of each archive. Raises Wrong where entries are neither here nor in one that was signed."""
    leaves = {(each.archive.get("last_seq"), each.archive.get("sha256")): each for each in signed}
    remarks = []
    seq, hash_ = 0, START
    for archive in Archive.objects.exclude(removed_at=None).order_by("first_seq"):
        if archive.first_seq != seq + 1:
            raise _lost(seq + 1, archive.first_seq - 1)
        leave = leaves.get((archive.last_seq, archive.sha256))
        if leave is None:
            raise _lost(archive.first_seq, archive.last_seq)
        remarks.append(_check_file(archive, copies))
        seq, hash_ = archive.last_seq, str(leave.archive.get("hash"))
    if head.archived_seq != seq or (seq and head.archived_hash != hash_):
        raise _lost(seq + 1, max(head.archived_seq, seq + 1))
    return remarks


def _lost(first: int, last: int) -> Wrong:
    return Wrong(
        f"the entries {first} to {last} are neither in the database nor in an archive that was signed", seq=first
    )


def _check_file(archive: Archive, copies: Copies | None) -> str:
    name = Path(archive.path).name
    which = f"Entries {archive.first_seq} to {archive.last_seq} stand in the archive {name}"
    path = place_of(archive)
    if path is None:
        return (
            f"{which} (SHA-256 {archive.sha256}), which is not at hand: put it into {settings.ARCHIVE_FOLDER} to have "
            "it checked."
        )
    if sha256_of(path) != archive.sha256:
        raise Wrong(f"the archive {name} is not the file that was written", seq=archive.first_seq)
    report = standalone_checker.check(path, copies)
    if not report.ok:
        raise Wrong(f"the archive {name}: {report.wrong}", seq=report.first_wrong_seq or archive.first_seq)
    return f"{which}, which holds, too."


def sha256_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()

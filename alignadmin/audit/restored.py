"""Going on with a history whose database was restored from an older backup.

What was delivered elsewhere tells that entries are lost. A signed entry and a checkpoint declare that gap: which
checkpoints have no entries any more, and up to where both histories are the same. Nothing is made up for it: whoever
checks the history is told of it every time, and copies of what is lost are still compared with what was declared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import transaction

from alignadmin.audit import checkpoints, standalone_checker, trail
from alignadmin.audit.entries import Actor, AuditRecord, lock_head
from alignadmin.audit.models import Checkpoint, Entry
from alignadmin.audit.standalone_checker import Copies, Gap, Keyring


class NotDeclared(Exception):
    """The message says what happened and what to do."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    gap: Gap
    entry: Entry
    checkpoint: Checkpoint


def declare(folder: Path, reason: str, *, actor: Actor | None) -> Declared:
    """Say which of the checkpoints in `folder` this database has lost. Raises NotDeclared, checkpoints.NotSigned."""
    copies = _copies(folder)
    with transaction.atomic():
        head = lock_head()
        gap = _gap(copies, folder)
        entry = trail.record(
            AuditRecord(
                action="history.restored",
                actor=actor,
                subject="history",
                sentence=_sentence(gap, head.seq),
                data={**asdict(gap), "database_ended_with": head.seq},
                reason=reason,
            )
        )
        made = checkpoints.make(checkpoints.RESTORED, extra={"gap": asdict(gap)})
    return Declared(gap=gap, entry=entry, checkpoint=made)


def _copies(folder: Path) -> Copies:
    try:
        return standalone_checker.read_copies(folder)
    except standalone_checker.Wrong as wrong:
        raise NotDeclared(f"The copies in {folder} cannot be used: {wrong.why}.") from wrong


def _gap(copies: Copies, folder: Path) -> Gap:
    before = checkpoints.latest()
    after = before.number if before else 0
    common = _last_common(copies, after)
    last = copies.last
    if last is None or last.number <= common:
        raise NotDeclared(f"Nothing is lost: {folder} holds no checkpoint that this database does not have.")
    _refuse_strangers(copies, last)
    return Gap(
        common=common,
        after=after,
        until=max(after, last.number),
        last=last.number,
        digest=last.digest,
        seq=last.seq,
        at=last.at,
    )


def _last_common(copies: Copies, after: int) -> int:
    """The last checkpoint before the first one of which another copy was delivered."""
    for number, hash_ in Checkpoint.objects.order_by("number").values_list("number", "hash").iterator():
        copy = copies.by_number.get(number)
        if copy and copy.digest != hash_:
            return number - 1
    return after


def _refuse_strangers(copies: Copies, last: standalone_checker.Signed) -> None:
    """What somebody else has signed is nothing that this history could have lost."""
    ours = Keyring()
    for each in checkpoints.public_keys():
        ours.add(each.key_id, each.public)
    if ours.has_signed(last.key, last.signature, last.body.encode()):
        return
    why = "has no key of this installation" if last.key not in ours.ids() else "has a signature that does not fit"
    raise NotDeclared(
        f"Checkpoint {last.number} {why}. Give only copies that this installation has delivered; if it had changed its "
        "signing key after the backup was made, restore a later backup."
    )


def _sentence(gap: Gap, ended_with: int) -> str:
    which = f"Checkpoint {gap.last}" if gap.last == gap.common + 1 else f"Checkpoints {gap.common + 1} to {gap.last}"
    return (
        f"The database was restored from a backup that ended with entry {ended_with} and checkpoint {gap.common}. "
        f"{which}, delivered until {gap.at} with {gap.seq} entries, belong to what is lost."
    )

"""The audit entries of undoing an import: of what people did, and of each batch with the digest of its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from alignadmin.audit.entries import Actor, AuditRecord
from alignadmin.text import counted
from connectors.ports.audited import context_of
from mappings.items.importing.entries import digest_of
from mappings.models import ImportUndoing, UndoLine


def undo_record(
    action: str, undoing: ImportUndoing, sentence: str, *, actor: Actor | None, **data: object
) -> AuditRecord:
    run = undoing.run
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(run.connector),
        subject=f"roll back of import {run.pk} of {run.project.key}",
        sentence=sentence,
        data={"import": run.pk, "undoing": undoing.pk, "fingerprint": undoing.fingerprint, **data},
        project_key=run.project.key,
        planner=undoing.author,
        approver=undoing.approver,
        reason=undoing.reason,
        ticket=undoing.ticket,
    )


def undo_batch(action: str, undoing: ImportUndoing, lines: Sequence[UndoLine]) -> AuditRecord:
    """`lines`: of one batch, as they are now."""
    told = [
        {
            "issue": each.issue_key,
            "level": each.level,
            "item": each.align_id,
            "state": each.state,
            "detail": each.detail,
        }
        for each in lines
    ]
    states = Counter(each.get_state_display().lower() for each in lines)
    words = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    did = "Recycles" if action == "import-undo.batch" else "Recycled"
    sentence = f"{did} {counted(len(lines), 'item')} of import {undoing.run_id}: {words}."
    return undo_record(action, undoing, sentence, actor=undoing.approver, lines=told, digest=digest_of(told))

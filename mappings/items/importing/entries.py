"""The audit entries of an import: of what people did, and of each batch with the digest of its lines."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from alignadmin.audit.entries import Actor, AuditRecord
from alignadmin.text import counted
from connectors.ports.audited import context_of
from mappings.models import ImportLine, ImportRun

MOST_KEPT = 100  # lines in one entry: a batch


def import_record(action: str, run: ImportRun, sentence: str, *, actor: Actor | None, **data: object) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(run.connector),
        subject=f"import {run.pk} of {run.project.key}",
        sentence=sentence,
        data={"import": run.pk, "fingerprint": run.fingerprint, **data},
        project_key=run.project.key,
        planner=run.author,
        approver=run.approver,
        reason=run.reason,
        ticket=run.ticket,
    )


def batch_record(action: str, run: ImportRun, lines: Sequence[ImportLine]) -> AuditRecord:
    """`lines`: of one batch, as they are now."""
    told = [_told(each) for each in lines[:MOST_KEPT]]
    states = Counter(each.get_state_display().lower() for each in lines)
    words = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    first, last = lines[0].issue_key, lines[-1].issue_key
    did = "Sends" if action == "import.batch" else "Sent"
    sentence = f"{did} {counted(len(lines), 'item')} of import {run.pk}, {first} to {last}: {words}."
    return import_record(action, run, sentence, actor=run.approver, lines=told, digest=digest_of(told))


def digest_of(told: object) -> str:
    """SHA-256 of it as JSON."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _told(line: ImportLine) -> dict[str, object]:
    return {
        "issue": line.issue_key,
        "jira_id": line.jira_id,
        "level": line.level,
        "act": line.act,
        "values": digest_of(line.values),  # what they are stands in the import, which can be erased
        "parent": line.parent_key,
        "state": line.state,
        "align_id": line.align_id,
        "detail": line.detail,
    }

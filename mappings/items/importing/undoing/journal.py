"""The journal of undoing an import: each line moves by a commit that the lease guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from connectors.jobs.runner import Run
from mappings.items.importing.rules import why_connector_waits, why_not_written
from mappings.items.importing.undoing.entries import undo_batch, undo_record
from mappings.models import ImportUndoing, ItemLink, UndoingState, UndoLine, UndoLineState

STOPPED = "stopped"  # by a person


@dataclass(frozen=True, kw_only=True)
class UndoJournal:
    job: Run
    undoing: ImportUndoing

    @contextmanager
    def commit(self) -> Iterator[ImportUndoing]:
        """One transaction with the row locked. Raises LeaseLost once another worker has the job."""
        with transaction.atomic():
            self.job.assert_lease()
            yield ImportUndoing.objects.locked().select_related("run__connector").get(pk=self.undoing.pk)

    def mark_sending(self, line: UndoLine) -> str:
        """Before it leaves. Empty where it may; else why nothing more may, and nothing was marked."""
        now = timezone.now()
        with self.commit() as found:
            if found.state != UndoingState.RUNNING or found.control:
                return STOPPED
            if why := why_connector_waits(found.run.connector) or why_not_written(found.run.project_id):
                return why
            own = UndoLine.objects.filter(pk=line.pk, state=UndoLineState.PLANNED)
            changed = {"state": UndoLineState.SENDING, "sent_at": now, "answered_at": None, "sends": line.sends + 1}
            if not own.update(**changed):
                return STOPPED
        line.state, line.sent_at, line.answered_at, line.sends = UndoLineState.SENDING, now, None, line.sends + 1
        return ""

    def record(self, line: UndoLine, state: UndoLineState, detail: str = "", *, answered: bool = True) -> None:
        """What became of it. An item that is recycled stands for its issue no more."""
        line.state, line.detail = state, detail
        line.answered_at = timezone.now() if answered else None
        with self.commit() as found:
            if state == UndoLineState.DONE:
                links = ItemLink.objects.filter(connector_id=found.run.connector_id, jira_id=line.jira_id)
                links.filter(align_id=line.align_id).delete()
            line.save(update_fields=["state", "detail", "answered_at"])

    def batch(self, action: str, lines: Sequence[UndoLine]) -> None:
        with self.commit():
            trail.record(undo_batch(action, self.undoing, lines))

    # --- the whole ----------------------------------------------------------------------------------------------------

    def pause(self, why: str, requests: int) -> None:
        """`why` is empty where a person asked for it. One that is cancelled is brought to its end instead."""
        with self.commit() as found:
            if found.state != UndoingState.RUNNING or found.control == "cancel":
                return
            found.state, found.control, found.error = UndoingState.PAUSED, "", why
            found.sent_requests += requests
            found.save(update_fields=["state", "control", "error", "sent_requests"])
            said = f"The roll back of import {found.run_id} was paused. {why}".strip()
            trail.record(undo_record("import-undo.paused", self.undoing, said, actor=self.undoing.approver))

    def finish(self, requests: int) -> None:
        with self.commit() as found:
            if found.state != UndoingState.RUNNING:
                return
            is_cancelled = found.control == "cancel"
            found.lines.filter(state=UndoLineState.PLANNED).update(state=UndoLineState.CANCELLED)
            counts = dict(sorted(Counter(found.lines.values_list("state", flat=True)).items()))
            found.state = UndoingState.CANCELLED if is_cancelled else UndoingState.FINISHED
            found.control, found.finished_at = "", timezone.now()
            found.sent_requests += requests
            found.save(update_fields=["state", "control", "finished_at", "sent_requests"])
            words = ", ".join(f"{number} {UndoLineState(state).label.lower()}" for state, number in counts.items())
            said = f"The roll back of import {found.run_id} ended: {words or 'nothing to do'}."
            record = undo_record("import-undo.finished", self.undoing, said, actor=self.undoing.approver, counts=counts)
            trail.record(record)

    def break_off(self, why: str) -> None:
        """After an error that has no words: it is paused, or where it was being planned has failed."""
        with self.commit() as found:
            if found.state == UndoingState.PLANNING:
                found.state, found.finished_at = UndoingState.FAILED, timezone.now()
            elif found.state == UndoingState.RUNNING:
                found.state, found.control = UndoingState.PAUSED, ""
            else:
                return
            found.error = why
            found.save(update_fields=["state", "control", "error", "finished_at"])
            said = f"The roll back of import {found.run_id} broke off. {why}"
            actor = self.undoing.approver or self.undoing.author
            trail.record(undo_record("import-undo.paused", self.undoing, said, actor=actor))

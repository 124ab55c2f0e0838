"""The journal of an import: each line moves by a commit that the lease guards, its item's link with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from connectors.jobs.runner import Run
from connectors.models import Project
from mappings.items.importing.entries import batch_record, import_record
from mappings.items.importing.rules import why_not_imported
from mappings.models import ImportAct, ImportLine, ImportLineState, ImportRun, ImportState, ItemLink

# After these no item can be there, so nothing has to be looked for by a later import.
CERTAINLY_NOT_MADE = (ImportLineState.FAILED, ImportLineState.PLANNED)


def link_item(line: ImportLine, align_id: int, now: datetime) -> None:
    """In the caller's transaction: this item stands for the issue from now on."""
    sent = {**line.values, **_parent_sent(line)}
    values = {"align_id": align_id, "linked_at": now, "level": line.level, "sent": sent, "sent_at": now}
    names = {"issue_key": line.issue_key, "project_id": line.run.project_id, "run_id": line.run_id}
    ItemLink.objects.update_or_create(
        connector_id=line.run.connector_id, jira_id=line.jira_id, defaults={**values, **names}
    )


def _parent_sent(line: ImportLine) -> dict[str, int]:
    """The item of its parent, as the request held it."""
    if line.parent_id is None:
        return {}
    own = ItemLink.objects.filter(connector_id=line.run.connector_id, jira_id=line.parent_id, align_id__isnull=False)
    item = own.values_list("align_id", flat=True).first()
    return {line.parent_field: item} if item is not None else {}


@dataclass(frozen=True, kw_only=True)
class ImportJournal:
    """What one run of the job writes down of one import."""

    job: Run
    run: ImportRun

    @contextmanager
    def commit(self) -> Iterator[ImportRun]:
        """One transaction with the import's row locked. Raises LeaseLost once another worker has the job."""
        with transaction.atomic():
            self.job.assert_lease()
            yield ImportRun.objects.locked().get(pk=self.run.pk)

    def why_not_sent(self, run: ImportRun) -> str:
        """Within `commit`, whose lock of the project's row keeps a reading from making it Align's in between."""
        if run.state != ImportState.RUNNING or run.control:
            return "stopped"
        rows = Project.objects.select_for_update(no_key=True, of=("self",))
        return why_not_imported(rows.get(pk=run.project_id))

    def mark_sending(self, line: ImportLine) -> str:
        """Before it leaves. Empty where it may; else why not, and nothing was marked."""
        now = timezone.now()
        with self.commit() as run:
            if why := self.why_not_sent(run):
                return why
            own = ImportLine.objects.filter(pk=line.pk, state=ImportLineState.PLANNED)
            if not own.update(state=ImportLineState.SENDING, sent_at=now, sends=line.sends + 1):
                return "stopped"
            if line.act == ImportAct.CREATE:
                ItemLink.objects.get_or_create(
                    connector_id=run.connector_id,
                    jira_id=line.jira_id,
                    defaults={
                        "issue_key": line.issue_key,
                        "project_id": run.project_id,
                        "level": line.level,
                        "sent_at": now,
                        "run_id": run.pk,
                    },
                )
        line.state, line.sent_at, line.sends = ImportLineState.SENDING, now, line.sends + 1
        return ""

    def record(
        self, line: ImportLine, state: ImportLineState, detail: str = "", *, align_id: int | None = None
    ) -> None:
        """What became of it. Whatever it was before, only the holder of the lease comes this far."""
        now = timezone.now()
        line.state, line.detail, line.answered_at = state, detail, now
        line.align_id = line.align_id if align_id is None else align_id
        with self.commit():
            if state == ImportLineState.DONE and line.act == ImportAct.CREATE and line.align_id is not None:
                link_item(line, line.align_id, now)
            elif line.act == ImportAct.CREATE and state in CERTAINLY_NOT_MADE:
                ItemLink.objects.filter(
                    connector_id=self.run.connector_id, jira_id=line.jira_id, align_id=None
                ).delete()
            elif state == ImportLineState.DONE and line.act == ImportAct.UPDATE:
                self._record_update(line, now)
            line.save(update_fields=["state", "detail", "answered_at", "align_id", "candidates"])

    def _record_update(self, line: ImportLine, now: datetime) -> None:
        link = ItemLink.objects.get(connector_id=self.run.connector_id, jira_id=line.jira_id)
        link.sent = {**link.sent, **line.values, **_parent_sent(line)}
        link.sent_at, link.issue_key = now, line.issue_key
        link.save(update_fields=["sent", "sent_at", "issue_key"])

    def batch(self, action: str, lines: Sequence[ImportLine]) -> None:
        with self.commit():
            trail.record(batch_record(action, self.run, lines))

    # --- the import ---------------------------------------------------------------------------------------------------

    def pause(self, why: str, requests: int) -> None:
        """`why` is empty where a person asked for it. One that is cancelled loses what was not sent."""
        with self.commit() as run:
            if run.state != ImportState.RUNNING:
                return
            if run.control == "cancel":
                run.lines.filter(state=ImportLineState.PLANNED).update(state=ImportLineState.CANCELLED)
                return
            run.state, run.control, run.error = ImportState.PAUSED, "", why
            run.sent_requests += requests
            run.save(update_fields=["state", "control", "error", "sent_requests"])
            said = f"Import {run.pk} was paused. {why}".strip()
            trail.record(import_record("import.paused", self.run, said, actor=self.run.approver))

    def finish(self, requests: int) -> bool:
        """Whether it is over, or paused; False where a person has put a line back meanwhile, which is sent first."""
        with self.commit() as run:
            if run.state != ImportState.RUNNING:
                return True
            if not run.control and run.lines.filter(state=ImportLineState.PLANNED).exists():
                return False
            states = list(run.lines.values_list("state", flat=True))
            counts = {state: states.count(state) for state in sorted(set(states))}
            is_cancelled = run.control == "cancel"
            run.state = ImportState.CANCELLED if is_cancelled else ImportState.FINISHED
            run.control, run.finished_at, run.sent_requests = "", timezone.now(), run.sent_requests + requests
            run.save(update_fields=["state", "control", "finished_at", "sent_requests"])
            words = ", ".join(f"{number} {state}" for state, number in counts.items())
            sentence = f"Import {run.pk} of {self.run.project.key} ended: {words}."
            record = import_record("import.finished", self.run, sentence, actor=self.run.approver, counts=counts)
            trail.record(record)
        return True

"""The journal of an import: each line moves by a commit that the lease guards, its item's link with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from connectors.jobs.runner import Run
from mappings.items.importing.entries import batch_record, import_record
from mappings.items.importing.rules import why_connector_waits, why_not_written
from mappings.models import ImportAct, ImportLine, ImportLineState, ImportRun, ImportState, ItemLink

STOPPED = "stopped"  # by a person
MADE = "It is made. Its state follows by an update."
# After these no item can be there, so nothing has to be looked for by a later import.
CERTAINLY_NOT_MADE = (ImportLineState.FAILED, ImportLineState.PLANNED)


class LineOvertaken(Exception):
    """Another import has had to do with this item since this one was planned; nothing was marked. Words for people."""


def link_item(line: ImportLine, align_id: int, now: datetime) -> None:
    """In the caller's transaction: this item stands for the issue from now on, as it was made by the request that left.

    Raises LineOvertaken where it stands for another issue, or the issue has another item.
    """
    link = ItemLink.objects.locked().get(connector_id=line.run.connector_id, jira_id=line.jira_id)
    if link.align_id is not None and link.align_id != align_id:
        raise LineOvertaken(f"Item {link.align_id} stands for {line.issue_key} already.")
    others = ItemLink.objects.filter(connector_id=link.connector_id, level=link.level, align_id=align_id)
    if other := others.exclude(pk=link.pk).first():
        raise LineOvertaken(f"Item {align_id} stands for {other.issue_key} already.")
    link.align_id, link.linked_at, link.issue_key = align_id, now, line.issue_key
    link.save(update_fields=["align_id", "linked_at", "issue_key"])


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
            yield ImportRun.objects.locked().select_related("connector").get(pk=self.run.pk)

    def why_not_sent(self, run: ImportRun) -> str:
        """Within `commit`, whose lock of the project's row keeps a reading from making it Align's in between."""
        if run.state != ImportState.RUNNING or run.control:
            return STOPPED
        if why := why_connector_waits(run.connector):
            return why
        return why_not_written(run.project_id)

    def mark_sending(self, line: ImportLine, values: Mapping[str, Any]) -> str:
        """Before it leaves. Empty where it may; else why nothing more may, and nothing was marked.

        `values`: of the request, as they are stored, with the parent. Raises LineOvertaken.
        """
        now = timezone.now()
        with self.commit() as run:
            if why := self.why_not_sent(run):
                return why
            link = ItemLink.objects.locked().filter(connector_id=run.connector_id, jira_id=line.jira_id).first()
            self._refuse_overtaken(run, line, link)
            own = ImportLine.objects.filter(pk=line.pk, state=ImportLineState.PLANNED)
            if not own.update(state=ImportLineState.SENDING, sent_at=now, sends=line.sends + 1):
                return STOPPED
            if line.act == ImportAct.CREATE and not line.awaits_update:
                self._mark_link(link, line, values, now)
        line.state, line.sent_at, line.sends = ImportLineState.SENDING, now, line.sends + 1
        return ""

    def link(self, line: ImportLine) -> str:
        """The item that Align has stands for the issue; empty, else why nothing more is done. Raises LineOvertaken."""
        now = timezone.now()
        with self.commit() as run:
            if why := self.why_not_sent(run):
                return why
            own = ImportLine.objects.filter(pk=line.pk, state=ImportLineState.PLANNED)
            if line.align_id is None or not own.update(state=ImportLineState.DONE, answered_at=now):
                return STOPPED
            if not ItemLink.objects.filter(connector_id=run.connector_id, jira_id=line.jira_id).exists():
                self._mark_link(None, line, {}, now)
            link_item(line, line.align_id, now)
        line.state = ImportLineState.DONE
        return ""

    def _refuse_overtaken(self, run: ImportRun, line: ImportLine, link: ItemLink | None) -> None:
        is_made = link is not None and link.align_id is not None
        if line.act == ImportAct.CREATE and is_made and not line.awaits_update:
            raise LineOvertaken("It has an item since this import was planned. Plan another one to update it.")
        if line.act != ImportAct.UPDATE and not line.awaits_update:
            return
        if link is None or link.align_id != line.align_id:
            raise LineOvertaken("It has another item since this import was planned. Plan another one.")
        if link.severed_at is not None:
            raise LineOvertaken(f"Its link is severed, so it is left alone: {link.severed_why} See the page Agreement.")
        if line.act == ImportAct.UPDATE and run.planned_at is not None and link.sent_at > run.planned_at:
            raise LineOvertaken("A later import has updated it. Plan another one.")

    def _mark_link(self, link: ItemLink | None, line: ImportLine, values: Mapping[str, Any], now: datetime) -> None:
        """What leaves is kept with it: by that it is looked for where no answer comes, also by a later import."""
        made = link or ItemLink(connector_id=self.run.connector_id, jira_id=line.jira_id)
        made.issue_key, made.level, made.sent, made.sent_at = line.issue_key, line.level, dict(values), now
        made.project_id, made.run_id = self.run.project_id, self.run.pk
        made.save()

    def record(
        self, line: ImportLine, state: ImportLineState, detail: str = "", *, align_id: int | None = None
    ) -> None:
        """What became of it. Whatever it was before, only the holder of the lease comes this far."""
        now = timezone.now()
        is_update = line.act == ImportAct.UPDATE or line.awaits_update
        if state == ImportLineState.DONE and line.later and not is_update:
            state, detail = ImportLineState.PLANNED, MADE
        line.state, line.detail, line.answered_at = state, detail, now
        line.align_id = line.align_id if align_id is None else align_id
        with self.commit():
            if is_update and state == ImportLineState.DONE:
                self._record_update(line, now)
            elif line.act == ImportAct.CREATE and align_id is not None:
                link_item(line, align_id, now)
            elif line.act == ImportAct.CREATE and state in CERTAINLY_NOT_MADE:
                ItemLink.objects.filter(
                    connector_id=self.run.connector_id, jira_id=line.jira_id, align_id=None
                ).delete()
            line.save(update_fields=["state", "detail", "answered_at", "align_id", "candidates"])

    def _record_update(self, line: ImportLine, now: datetime) -> None:
        link = ItemLink.objects.get(connector_id=self.run.connector_id, jira_id=line.jira_id)
        new = line.later if line.act == ImportAct.CREATE else {**line.values, **self._parent_sent(line)}
        link.sent = {**link.sent, **new}
        link.sent_at, link.issue_key = now, line.issue_key
        link.save(update_fields=["sent", "sent_at", "issue_key"])

    def _parent_sent(self, line: ImportLine) -> dict[str, int]:
        """The item of its parent, as the request of an update held it."""
        if line.parent_id is None:
            return {}
        own = ItemLink.objects.filter(connector_id=self.run.connector_id, jira_id=line.parent_id)
        item = own.values_list("align_id", flat=True).first()
        return {line.parent_field: item} if item is not None else {}

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

    def break_off(self, why: str) -> None:
        """After an error that has no words: it is paused, or where it was being planned has failed."""
        with self.commit() as run:
            if run.state == ImportState.PLANNING:
                run.state, run.error, run.finished_at = ImportState.FAILED, why, timezone.now()
            elif run.state == ImportState.RUNNING:
                run.state, run.control, run.error = ImportState.PAUSED, "", why
            else:
                return
            run.save(update_fields=["state", "control", "error", "finished_at"])
            said = f"Import {run.pk} broke off. {why}"
            trail.record(import_record("import.paused", self.run, said, actor=self.run.approver or self.run.author))

    def finish(self, requests: int) -> bool:
        """Whether it is over, or paused; False where a person has put a line back meanwhile, which is sent first."""
        with self.commit() as run:
            if run.state != ImportState.RUNNING:
                return True
            if run.control != "cancel" and run.lines.filter(state=ImportLineState.PLANNED).exists():
                return False
            run.lines.filter(state=ImportLineState.PLANNED).update(state=ImportLineState.CANCELLED)
            counts = dict(sorted(Counter(run.lines.values_list("state", flat=True)).items()))
            is_cancelled = run.control == "cancel"
            run.state = ImportState.CANCELLED if is_cancelled else ImportState.FINISHED
            run.control, run.finished_at, run.sent_requests = "", timezone.now(), run.sent_requests + requests
            run.save(update_fields=["state", "control", "finished_at", "sent_requests"])
            words = ", ".join(f"{number} {state}" for state, number in counts.items())
            sentence = f"Import {run.pk} of {self.run.project.key} ended: {words}."
            record = import_record("import.finished", self.run, sentence, actor=self.run.approver, counts=counts)
            trail.record(record)
        return True

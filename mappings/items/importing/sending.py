"""Sending an approved import: line by line in the order of the hierarchy, each marked before its request leaves.

What got no answer is looked for before anything more is sent (see .resolving).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.db.models import QuerySet

from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import (
    BadRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RemoteError,
    SignInRefused,
    Unreachable,
)
from connectors.align.client import AlignClient
from connectors.align.object_client import ObjectClient, Row
from connectors.align.object_values import replacing
from connectors.align.objects import OBJECTS
from connectors.align.query import Q, query_of
from connectors.credentials import clients
from connectors.jobs.runner import JobFailed, Run
from mappings.applying.outcomes import MOST_SENDS
from mappings.applying.project_identity import ProjectIdentity
from mappings.items.importing.fingerprint import ALTERED, ApprovedLines
from mappings.items.importing.journal import STOPPED, ImportJournal, LineOvertaken
from mappings.items.importing.read_back import READ_BACK, compare_read_back
from mappings.items.importing.resolving import Resolving
from mappings.items.importing.stored_values import restored, stored
from mappings.models import (
    UNANSWERED_LINES,
    ImportAct,
    ImportLine,
    ImportLineState,
    ImportRun,
    ItemLink,
)

BATCH = 100  # lines between two entries
KEPT = "What was not sent is kept: go on once that is mended."


@dataclass(kw_only=True)
class ImportSending:
    job: Run
    run: ImportRun
    align: AlignClient = field(init=False)
    total: int = field(init=False)  # lines
    stop: str | None = None  # why nothing more is sent; None: it goes on

    def work(self) -> None:
        """1. What a worker left without an answer is looked for. 2. Batch by batch: an entry, line by line, an entry.
        3. All that was created is read back. 4. The import ends, or is paused with the reason.
        """
        self.total = self.run.lines.count()
        try:
            self.align = clients.align_client(
                self.run.connector, job=self.job.job, on_wait=self.job.waits_for, read_only=False
            )
        except (RemoteError, SealError) as error:
            self.journal.pause(str(error), 0)
            raise JobFailed(f"{error} {KEPT}") from error
        is_over = False
        while not is_over:
            try:
                self._send_all()
            except (RemoteError, SealError, Refused) as error:
                self.stop = str(error)
            if self.stop is not None:
                self.journal.pause("" if self.stop == STOPPED else self.stop, self._sent)
            is_over = self.journal.finish(self._sent)
            self.stop = self.stop if is_over else None  # asked to pause with a line put back: that is looked at again
        if self.stop not in (None, STOPPED):
            raise JobFailed(f"{self.stop} {KEPT}")

    def _send_all(self) -> None:
        self._resolve()
        while self.stop is None and (batch := self._next()):
            self._send_batch(batch)
            self._resolve()
        if self.stop is None:
            self._read_back()

    @cached_property
    def journal(self) -> ImportJournal:
        return ImportJournal(job=self.job, run=self.run)

    @property
    def _sent(self) -> int:
        return self.align.sent + self._identity.sent

    @property
    def objects(self) -> ObjectClient:
        return self.align.objects

    def _next(self) -> list[ImportLine]:
        return list(self._lines().filter(state=ImportLineState.PLANNED)[:BATCH])

    def _lines(self) -> QuerySet[ImportLine]:
        return self.run.lines.select_related("run").order_by("position")

    def _resolve(self) -> None:
        waiting = list(self._lines().filter(state__in=UNANSWERED_LINES))
        if waiting:
            Resolving(job=self.job, journal=self.journal, objects=self.objects).work(waiting)

    # --- one batch ----------------------------------------------------------------------------------------------------

    def _send_batch(self, batch: Sequence[ImportLine]) -> None:
        """Only what was approved leaves, and only while Jira's project is the one that it was approved for."""
        if why := self._why_not_batch(batch):
            self.stop = why
            return
        self.journal.batch("import.batch", batch)
        parents = self._items_of({each.parent_id for each in batch if each.parent_id is not None})
        done = self.run.lines.exclude(state__in=[ImportLineState.PLANNED, *UNANSWERED_LINES]).count()
        sent: list[ImportLine] = []
        for line in batch:
            self.job.progress(f"{line.issue_key}: {line.title}"[:200], done=done + len(sent), total=self.total)
            if not self._send_one(line, parents):
                break
            sent.append(line)
        if sent:
            self.journal.batch("import.sent", sent)

    def _why_not_batch(self, batch: Sequence[ImportLine]) -> str:
        if not self._approved.are(batch):
            return ALTERED
        self._identity.look_at([self.run.project])
        return self._identity.gone.get(self.run.project_id, "")

    @cached_property
    def _approved(self) -> ApprovedLines:
        return ApprovedLines(self.run)

    @cached_property
    def _identity(self) -> ProjectIdentity:
        return ProjectIdentity(self.job, self.run.connector)

    def _items_of(self, issues: Iterable[int]) -> dict[int, int]:
        rows = ItemLink.objects.filter(connector=self.run.connector, jira_id__in=issues, align_id__isnull=False)
        return {jira_id: align_id for jira_id, align_id in rows.values_list("jira_id", "align_id") if align_id}

    def _send_one(self, line: ImportLine, parents: dict[int, int]) -> bool:
        """Whether the next one may be sent."""
        if line.act == ImportAct.LINK:
            return self._link_one(line)
        if line.awaits_update:  # made by a worker before
            return self._send_request(line, restored(line.later))
        values = restored(line.values)
        if line.parent_id is not None:
            item = parents.get(line.parent_id) or self._items_of([line.parent_id]).get(line.parent_id)
            if item is None:
                return self._without_parent(line, line.parent_id)
            values[line.parent_field] = item
        goes_on = self._send_request(line, values)
        is_made = line.act == ImportAct.CREATE and line.align_id is not None
        if goes_on and is_made and line.state == ImportLineState.PLANNED:
            return self._send_request(line, restored(line.later))
        return goes_on

    def _without_parent(self, line: ImportLine, parent: int) -> bool:
        if self._may_still_be_made(parent):
            return False  # the batch ends: what got no answer is looked for first
        said = f"Its parent {line.parent_key} was not created, so it was not sent. Mend that one, then retry."
        self.journal.record(line, ImportLineState.FAILED, said)
        return True

    def _send_request(self, line: ImportLine, values: dict[str, Any]) -> bool:
        """1. Marked in a commit. 2. Sent, while the job is still this worker's. 3. What became of it is recorded."""
        try:
            why = self.journal.mark_sending(line, stored(values))
        except LineOvertaken as overtaken:
            self.journal.record(line, ImportLineState.FAILED, str(overtaken))
            return True
        if why:
            self.stop = why
            return False
        self.job.check_cancelled()  # a worker that was frozen until now may have lost the job: it sends nothing
        try:
            align_id = self._request(line, values)
        except (RemoteError, Refused) as error:
            self._record_error(line, error)
            return self.stop is None
        if align_id is None:
            said = "Align did not say which item it made: it is looked for."
            self.journal.record(line, ImportLineState.UNKNOWN, said)
        else:
            self.journal.record(line, ImportLineState.DONE, align_id=align_id)
        return True

    def _link_one(self, line: ImportLine) -> bool:
        """Nothing is sent: Align has the item."""
        try:
            why = self.journal.link(line)
        except LineOvertaken as overtaken:
            self.journal.record(line, ImportLineState.FAILED, str(overtaken))
            return True
        self.stop = why or self.stop
        return not why

    def _may_still_be_made(self, issue: int) -> bool:
        return self.run.lines.filter(jira_id=issue, state__in=[ImportLineState.PLANNED, *UNANSWERED_LINES]).exists()

    def _request(self, line: ImportLine, values: dict[str, Any]) -> int | None:
        asked = OBJECTS[line.level]
        if line.act == ImportAct.CREATE and not line.awaits_update:
            return self.objects.create(asked, values).id
        if line.align_id is None:
            raise Refused("No item is known that could be updated.")
        self.objects.patch(asked, line.align_id, replacing(values))
        return line.align_id

    def _record_error(self, line: ImportLine, error: RemoteError | Refused) -> None:
        """What was certainly not carried out waits for the next go; what Align refuses has failed."""
        said = error.sentence if isinstance(error, RemoteError) else str(error)
        match error:
            case OutcomeUnknown():
                self.journal.record(line, ImportLineState.UNKNOWN, said)
            case SignInRefused():
                self.journal.record(line, ImportLineState.PLANNED, said)
                self.stop = said
            case RateLimited():
                self.journal.record(line, ImportLineState.PLANNED, said)
            case Unreachable() if not error.permanent and line.sends < MOST_SENDS:
                self.journal.record(line, ImportLineState.PLANNED, said)
            case BadRequest():
                self.journal.record(line, ImportLineState.FAILED, error.detail or said)
            case NotFound() if line.align_id is not None:
                gone = f"Item {line.align_id} is not in Align any more, so it was not updated."
                self.journal.record(line, ImportLineState.FAILED, gone)
            case _:
                self.journal.record(line, ImportLineState.FAILED, said)

    # --- reading back -------------------------------------------------------------------------------------------------

    def _read_back(self) -> None:
        """Of each level in lots of 100: whether Align has what was created, with the key and the state as sent."""
        rows = self.run.lines.filter(state=ImportLineState.DONE, act=ImportAct.CREATE, confirmed=None)
        by_level: dict[str, list[ImportLine]] = {}
        for line in rows.order_by("position"):
            by_level.setdefault(line.level, []).append(line)
        for level, lines in by_level.items():
            for start in range(0, len(lines), BATCH):
                lot = lines[start : start + BATCH]
                self.job.progress("reading back what was created", done=self.total, total=self.total)
                there = self._there(level, [each.align_id for each in lot if each.align_id is not None])
                for line in lot:
                    compare_read_back(line, there.get(line.align_id or 0))
                with self.journal.commit():
                    ImportLine.objects.bulk_update(lot, ["confirmed", "detail"])

    def _there(self, level: str, ids: Sequence[int]) -> dict[int, Row]:
        condition = reduce(or_, (Q("id").eq(each) for each in ids))
        query = query_of(level).select("id", *READ_BACK).where(condition).top(len(ids))
        return {row["id"]: row for row in self.objects.rows(query)}

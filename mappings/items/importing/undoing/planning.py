"""Working out what an import's roll back recycles and what it leaves, and why. The client refuses to write."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from connectors.credentials import clients
from connectors.jobs.runner import JobFailed, Run
from mappings.engine.hierarchy import DEPTHS
from mappings.items.importing.undoing.entries import undo_record
from mappings.items.importing.undoing.untouched import AT_ONCE, BELOW, UntouchedItems, programs_of
from mappings.models import (
    ImportAct,
    ImportUndoing,
    ItemLink,
    ItemWriteFacts,
    UndoAct,
    UndoingState,
    UndoLine,
    UndoLineState,
)

ROWS_AT_ONCE = 500
NO_RECYCLING = "Jira Align does not let {one} be recycled over its API, as a trial has shown: remove it there."
CHILD_STAYS = "{what} {number}, which stands below it, is left."


@dataclass(kw_only=True)
class UndoPlanning:
    job: Run
    undoing: ImportUndoing

    def work(self) -> None:
        try:
            self._plan()
        except (RemoteError, SealError, Refused) as error:
            self._fail(str(error))
            raise JobFailed(str(error)) from error

    def _plan(self) -> None:
        """1. The items that the import made. 2. How Align has them. 3. Children before parents, what stays and why."""
        connector = self.undoing.run.connector
        align = clients.align_client(connector, job=self.job.job, on_wait=self.job.waits_for, notes_forbidden=False)
        lines = list(self._lines())
        own: dict[str, set[int]] = defaultdict(set)
        for line in lines:
            own[line.level].add(line.align_id)
        programs = programs_of(each.sent for each in lines)
        found = UntouchedItems(objects=align.objects, called=connector.terminology, own=own, programs=programs)
        self.job.progress("what Jira Align has of the items", done=0, total=2)
        found.read(lines)
        self.job.progress("what stands below them", done=1, total=2)
        below = found.below(lines)
        since = self._written_at(lines)
        facts = ItemWriteFacts.objects.filter(connector=connector, recycles=False)
        refused = set(facts.values_list("level", flat=True))
        for line in lines:
            if found.is_gone(line):
                continue  # nothing is sent for it, and its link goes
            why = found.why_touched(line, since[line.jira_id]) or below.get((line.level, line.align_id), "")
            if line.level in refused and not why:
                why = NO_RECYCLING.format(one=connector.terminology.one(line.level))
            if why:
                leave(line, why)
        leave_parents(lines, connector.terminology.name)
        self._keep(lines, align.sent)

    def _lines(self) -> Iterator[UndoLine]:
        """The deepest first, so that nothing loses its parent while it is there."""
        run = self.undoing.run
        titles = dict(run.lines.filter(act=ImportAct.CREATE).values_list("jira_id", "title"))
        links = ItemLink.objects.filter(run=run, connector=run.connector, align_id__isnull=False, jira_id__in=titles)
        ordered = sorted(links, key=lambda each: (-DEPTHS.get(each.level, 0), each.jira_id))
        for place, link in enumerate(ordered):
            if link.align_id is not None:
                yield UndoLine(
                    undoing=self.undoing,
                    position=place,
                    jira_id=link.jira_id,
                    issue_key=link.issue_key,
                    title=titles[link.jira_id],
                    level=link.level,
                    align_id=link.align_id,
                    sent=link.sent,
                    act=UndoAct.RECYCLE,
                )

    def _written_at(self, lines: Sequence[UndoLine]) -> dict[int, datetime]:
        return dict(
            ItemLink.objects.filter(
                connector=self.undoing.run.connector, jira_id__in=[each.jira_id for each in lines]
            ).values_list("jira_id", "sent_at")
        )

    def _keep(self, lines: Sequence[UndoLine], requests: int) -> None:
        with transaction.atomic():
            self.job.assert_lease()
            found = ImportUndoing.objects.locked().get(pk=self.undoing.pk)
            if found.state != UndoingState.PLANNING:  # cancelled meanwhile
                return
            UndoLine.objects.bulk_create(lines, batch_size=ROWS_AT_ONCE)
            found.state, found.planned_at = UndoingState.DRAFT, timezone.now()
            found.fingerprint = undo_fingerprint(found, lines)
            found.requests, found.sent_requests = undo_cost(lines), requests
            found.save()
            self.undoing.fingerprint = found.fingerprint
            acts = Counter(each.act for each in lines)
            words = ", ".join(f"{acts[act]} to {act.label.lower()}" for act in UndoAct if acts[act]) or "no item"
            said = f"Planned the roll back of import {found.run_id}: {words}."
            record = undo_record("import-undo.planned", self.undoing, said, actor=found.author, acts=dict(acts))
            trail.record(record)

    def _fail(self, why: str) -> None:
        with transaction.atomic():
            self.job.assert_lease()
            own = ImportUndoing.objects.filter(pk=self.undoing.pk, state=UndoingState.PLANNING)
            if own.update(state=UndoingState.FAILED, error=why, finished_at=timezone.now()):
                said = f"The roll back of import {self.undoing.run_id} could not be planned: {why}"
                trail.record(undo_record("import-undo.failed", self.undoing, said, actor=self.undoing.author))


def leave(line: UndoLine, why: str) -> None:
    line.act, line.state, line.detail = UndoAct.LEAVE, UndoLineState.LEFT, why


def leave_parents(lines: Iterable[UndoLine], name: object) -> None:
    """Of lines with the deepest first: what stands above one that is left is left, too."""
    held: dict[tuple[str, int], UndoLine] = {}
    above = {(child, field): level for level, pairs in BELOW.items() for child, field in pairs}
    for line in lines:
        child = held.get((line.level, line.align_id))
        if child is not None and line.state == UndoLineState.PLANNED:
            called = name(child.level) if callable(name) else child.level
            leave(line, CHILD_STAYS.format(what=called, number=child.align_id))
        if line.state == UndoLineState.LEFT:
            for (level, field), parent_level in above.items():
                if level == line.level and isinstance(line.sent.get(field), int):
                    held.setdefault((parent_level, line.sent[field]), line)


def undo_fingerprint(undoing: ImportUndoing, lines: Iterable[UndoLine]) -> str:
    """SHA-256 of which items go and which stay."""
    whole = hashlib.sha256(f"undoing {undoing.run_id}".encode())
    for each in lines:
        whole.update(
            json.dumps([each.level, each.align_id, each.jira_id, each.act, each.sent], sort_keys=True).encode()
        )
    return whole.hexdigest()


def undo_cost(lines: Iterable[UndoLine]) -> int:
    """One for each item; in lots of 100 what it is and what is below it before, and whether it is gone afterwards."""
    counted = Counter(each.level for each in lines if each.act == UndoAct.RECYCLE)
    reads = sum(-(-number // AT_ONCE) * (2 + 2 * len(BELOW.get(level, ()))) for level, number in counted.items())
    return sum(counted.values()) + reads

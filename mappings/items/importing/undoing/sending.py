"""Carrying out an approved roll back: batch by batch, children before parents, each item looked at right before.

An answered request is a line to be looked at, as one without an answer is: it is done once Align shows it recycled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import BadRequest, NotFound, OutcomeUnknown, RateLimited, RemoteError, Unreachable
from connectors.align.client import AlignClient
from connectors.align.objects import OBJECTS
from connectors.credentials import clients
from connectors.jobs.runner import JobFailed, Run
from mappings.applying.outcomes import MOST_SENDS
from mappings.applying.resolve_unknown import wait_out
from mappings.items.importing.undoing.journal import STOPPED, UndoJournal
from mappings.items.importing.undoing.planning import CHILD_STAYS, undo_fingerprint
from mappings.items.importing.undoing.untouched import BELOW, GONE, UntouchedItems, programs_of
from mappings.models import UNANSWERED_UNDOS, ImportUndoing, ItemLink, UndoAct, UndoLine, UndoLineState

BATCH = 50  # lines that are looked at, and then sent
KEPT = "What was not recycled is kept: go on once that is mended."
ALTERED = (
    "What is stored of this roll back is not what was approved: its lines were altered in the database. Nothing more "
    "is sent of it. Cancel it, and plan another one."
)
SHOWN_STILL = "Jira Align took the request, and shows the item all the same."


@dataclass(kw_only=True)
class UndoSending:
    job: Run
    undoing: ImportUndoing
    align: AlignClient = field(init=False)
    stop: str | None = None  # why nothing more is sent; None: it goes on

    @cached_property
    def journal(self) -> UndoJournal:
        return UndoJournal(job=self.job, undoing=self.undoing)

    def work(self) -> None:
        """1. What a worker left without an answer is looked at. 2. Batch by batch: look, entry, send, look, entry.
        3. It ends, or is paused with the reason.
        """
        connector = self.undoing.run.connector
        try:
            self.align = clients.align_client(
                connector, job=self.job.job, on_wait=self.job.waits_for, read_only=False, notes_forbidden=False
            )
            self._send_all()
        except (RemoteError, SealError, Refused) as error:
            self.stop = str(error)
        sent = self.align.sent if hasattr(self, "align") else 0
        if self.stop is not None:
            self.journal.pause("" if self.stop == STOPPED else self.stop, sent)
        self.journal.finish(sent)
        if self.stop not in (None, STOPPED):
            raise JobFailed(f"{self.stop} {KEPT}")

    def _send_all(self) -> None:
        self._look_after()
        lines = self.undoing.lines.order_by("position")
        if undo_fingerprint(self.undoing, lines.iterator(500)) != self.undoing.fingerprint:
            self.stop = ALTERED
        while self.stop is None and (batch := list(lines.filter(state=UndoLineState.PLANNED)[:BATCH])):
            self._send_batch([each for each in batch if each.level == batch[0].level])

    def _send_batch(self, batch: Sequence[UndoLine]) -> None:
        """Of one level, so that what stands below is over before."""
        self.journal.batch("import-undo.batch", batch)
        for line in self._to_send(batch):
            self.job.progress(f"{line.issue_key}: {line.title}"[:200], done=self._done, total=self._total)
            if why := self.journal.mark_sending(line):
                self.stop = why
                break
            self.job.check_cancelled()  # a worker that was frozen until now may have lost the job: it sends nothing
            self._recycle(line)
            if self.stop is not None:
                break
        self._look_after()
        for line in batch:
            line.refresh_from_db()
        self.journal.batch("import-undo.sent", batch)

    @cached_property
    def _total(self) -> int:
        return self.undoing.lines.filter(act=UndoAct.RECYCLE).count()

    @property
    def _done(self) -> int:
        return self.undoing.lines.filter(act=UndoAct.RECYCLE).exclude(state=UndoLineState.PLANNED).count()

    def _to_send(self, batch: Sequence[UndoLine]) -> list[UndoLine]:
        """Those that nobody touched since it was planned, with nothing left below them."""
        going: dict[str, set[int]] = defaultdict(set)
        for level, number in self.undoing.lines.filter(act=UndoAct.RECYCLE).values_list("level", "align_id"):
            going[level].add(number)
        look = self._look(going)
        look.read(batch)
        below, left = look.below(batch), self._left_below(batch)
        links = ItemLink.objects.filter(connector=self.undoing.run.connector)
        since = dict(links.filter(jira_id__in=[each.jira_id for each in batch]).values_list("jira_id", "sent_at"))
        found = []
        for line in batch:
            place = (line.level, line.align_id)
            if look.is_gone(line):
                self.journal.record(line, UndoLineState.DONE, GONE)
            elif line.jira_id not in since:
                self.journal.record(line, UndoLineState.LEFT, "It does not stand for the issue any more.")
            elif why := look.why_touched(line, since[line.jira_id]) or below.get(place) or left.get(place):
                self.journal.record(line, UndoLineState.LEFT, why)
            else:
                found.append(line)
        return found

    def _look(self, own: Mapping[str, set[int]]) -> UntouchedItems:
        called = self.undoing.run.connector.terminology
        return UntouchedItems(objects=self.align.objects, called=called, own=own, programs=self._programs)

    @cached_property
    def _programs(self) -> frozenset[int]:
        return programs_of(self.undoing.lines.values_list("sent", flat=True).iterator(500))

    def _left_below(self, batch: Sequence[UndoLine]) -> dict[tuple[str, int], str]:
        """By item, what this roll back did not recycle of what stands below it."""
        pairs, level = BELOW.get(batch[0].level, ()), batch[0].level
        called = self.undoing.run.connector.terminology
        over = self.undoing.lines.filter(level__in=[child for child, _ in pairs]).exclude(state=UndoLineState.DONE)
        found: dict[tuple[str, int], str] = {}
        for line in over:
            for child, name in pairs:
                if child == line.level and isinstance(line.sent.get(name), int):
                    said = CHILD_STAYS.format(what=called.name(child), number=line.align_id)
                    found[level, line.sent[name]] = said
        return found

    def _recycle(self, line: UndoLine) -> None:
        record = self.journal.record
        try:
            self.align.objects.recycle(OBJECTS[line.level], line.align_id)
        except OutcomeUnknown as error:
            record(line, UndoLineState.UNKNOWN, error.sentence, answered=False)
        except BadRequest as error:
            why = f"Jira Align does not let it be recycled: {error.detail or error.sentence}"
            record(line, UndoLineState.LEFT, why)
        except NotFound:
            record(line, UndoLineState.DONE, GONE)
        except RemoteError as error:  # certainly not carried out
            is_again = isinstance(error, RateLimited) or (isinstance(error, Unreachable) and line.sends < MOST_SENDS)
            record(line, UndoLineState.PLANNED, error.sentence)
            self.stop = None if is_again else error.sentence
        else:
            record(line, UndoLineState.UNKNOWN, "Being looked at.")

    def _look_after(self) -> None:
        """What was sent is done once Align shows it so. What got no answer is looked at once it can have no effect."""
        sent = list(self.undoing.lines.filter(state__in=UNANSWERED_UNDOS).order_by("position"))
        if not sent:
            return
        if lost := [each for each in sent if each.answered_at is None]:
            wait_out(self.job, [each.sent_at for each in lost])
        look = self._look({})
        look.read(sent)
        for line in sent:
            if look.is_gone(line):
                self.journal.record(line, UndoLineState.DONE)
            elif line.sends < MOST_SENDS:
                self.journal.record(line, UndoLineState.PLANNED, "It is not recycled yet: it is sent again.")
            else:
                self.journal.record(line, UndoLineState.LEFT, SHOWN_STILL)

"""Checks of the whole history: the chain of entries, then every table that repeats what entries and lines say.

One at a time, in pages whose ends are kept, so that a check whose worker was killed goes on where it was; only the
chain itself is read from its beginning again. What a check found is an entry, and pages believe nothing else.
"""

from __future__ import annotations

import gc
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail, verification
from alignadmin.audit.entries import AuditRecord, digest, lock_head
from alignadmin.audit.models import ChainHead, Entry
from alignadmin.due_work import due_work
from connectors.history.intake import run_check
from connectors.history.verification import comparison, copies, pairings
from connectors.jobs import runner
from connectors.jobs.runner import MOST_TRIES, PROGRESS_EVERY, JobFailed, Reporter, Run, owner_name
from connectors.models import ACTIVE, Job, JobKind, JobState, MirrorLine, Verification
from connectors.ports.differences import Difference, Page, Position, TableComparison
from connectors.ports.extensions import extensions

VERIFIED = "history.verified"
KEPT = ("chain", "table_index", "position", "until_seq", "until_line", "differences", "found")  # to go on from
MOST_KEPT = 100  # differences that are named one by one
MOST_LISTED = 5  # of them in a sentence
TOO_OFTEN = "This check was started several times and never finished. See the log, then start it again."


def comparisons() -> Sequence[TableComparison]:
    """Every table that is compared, in the order in which one may rely on the other."""
    return (RUNS, *comparison.COMPARISONS, *pairings.COMPARISONS, *copies.COMPARISONS, *extensions().comparisons)


def _runs(after: Position) -> Page:
    """Lines, the runs that brought them, and covered time; in one go, as each line is hashed with the one before."""
    found: list[Difference] = []
    more = 0
    for each in run_check.compare():
        if len(found) < MOST_KEPT:
            found.append(each)
        else:
            more += 1
    return Page(following=None, rows=MirrorLine.objects.count(), found=found, more=more)


RUNS = TableComparison(name="lines and runs of the intake", page=_runs, count=MirrorLine.objects.count, is_final=True)


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(*, actor: Person | None, folder: Path | None = None, by_the_clock: bool = False) -> Verification:
    """Queue a check of everything, or return the one that waits or is under way."""
    with transaction.atomic():
        lock_head()  # clicks come one after the other
        copies_in = str(folder or "")
        same = Verification.objects.filter(job__state__in=ACTIVE, folder=copies_in).select_related("job").first()
        if same:
            return same
        subject = hashlib.sha256(copies_in.encode()).hexdigest() if copies_in else ""  # a path may be too long
        return Verification.objects.create(
            job=runner.start(None, JobKind.VERIFY, actor=actor, subject=subject),
            asked_by=actor,
            folder=copies_in,
            by_the_clock=by_the_clock,
            created_at=timezone.now(),
        )


def latest() -> Verification | None:
    return Verification.objects.select_related("asked_by", "job").order_by("-id").first()


@due_work
def ask_by_the_clock() -> int:
    """Once a day, from VERIFY_HOUR on."""
    if settings.VERIFY_HOUR < 0:
        return 0
    now = timezone.now()
    slot = now.astimezone(UTC).replace(hour=settings.VERIFY_HOUR % 24, minute=0, second=0, microsecond=0)
    if slot > now:
        slot -= timedelta(days=1)
    if Verification.objects.filter(by_the_clock=True, created_at__gte=slot).exists() or not _is_anything_there(slot):
        return 0
    return int(ask(actor=None, by_the_clock=True).by_the_clock)


def _is_anything_there(slot: datetime) -> bool:
    """A history that began since is checked the night after."""
    return Entry.objects.filter(seq=1, at__lt=slot).exists() or ChainHead.objects.filter(archived_seq__gt=0).exists()


# -- doing it ---------------------------------------------------------------------------------------------------------


def run_now(check: Verification, report: Reporter | None = None) -> Verification:
    """Do it here, or wait for whoever already does; returns it ended. For commands."""
    while check.is_active:
        if run := _claim(check):
            run.report = report
            runner.execute(run)
        else:
            time.sleep(PROGRESS_EVERY)
        check.refresh_from_db()
    return check


def _claim(check: Verification) -> Run | None:
    """Its job, or that of another check which was left alone: that one has to be brought to its end first."""
    before = Job.objects.filter(kind=JobKind.VERIFY, state=JobState.RUNNING).values_list("pk", flat=True).first()
    return runner.claim(owner_name(), before or check.job_id)


@runner.handler(JobKind.VERIFY)
def verify_history(run: Run) -> None:
    """Bring the check of a job to its end, from where it was."""
    check = Verification.objects.select_related("asked_by").get(job=run.job)
    if check.entry_seq is not None:  # done by a worker that was killed before the job's end was written
        return
    if run.job.epoch > MOST_TRIES + 1:
        raise JobFailed(TOO_OFTEN)
    tables = comparisons()
    if check.chain is None:
        _begin(run, check, tables)
        check.chain = _chain_checked(run, check)
        keep(run, check)
    read = int(check.chain["rows"])
    while check.table_index < len(tables):
        table = tables[check.table_index]
        run.job.item = table.name
        page = _page(table, check.position)
        check.differences += len(page.found) + page.more
        check.found += [asdict(each) for each in page.found[: MOST_KEPT - len(check.found)]]
        check.position = page.following
        if page.following is None:
            check.table_index += 1
        _progress(run, check, max(run.job.done, read) + page.rows)
    _finish(run, check)


def _progress(run: Run, check: Verification, done: int) -> None:
    """Raises Interrupted and LeaseLost. Kept at most twice a second: what is lost of it is only looked at again."""
    run.check_cancelled()
    run.job.done = done
    if time.monotonic() - run.written_at >= PROGRESS_EVERY:
        keep(run, check)


def keep(run: Run, check: Verification) -> None:
    """Write how far the job is, and where another worker would go on. Raises Interrupted and LeaseLost."""
    run.check_cancelled()
    with transaction.atomic():
        run.write()  # only the holder of the lease comes further
        check.save(update_fields=KEPT)


def _begin(run: Run, check: Verification, tables: Sequence[TableComparison]) -> None:
    check.until_seq = ChainHead.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
    check.until_line = MirrorLine.objects.aggregate(last=Max("pk"))["last"] or 0
    run.job.total = Entry.objects.count() + sum(table.count() for table in tables)
    run.job.item = "chain of entries"
    keep(run, check)


def _chain_checked(run: Run, check: Verification) -> dict[str, Any]:
    verdict = verification.verify(
        lambda done: _progress(run, check, done), Path(check.folder) if check.folder else None
    )
    said = asdict(verdict)
    said["remarks"] = list(verdict.remarks)
    return said


def _page(table: TableComparison, position: Any) -> Page:
    """What differs in a page may be half of what somebody writes just now: it is looked at again when nobody does."""
    with without_collector():
        page = table.read(position)
    if page.found and not table.is_final:
        with transaction.atomic():
            lock_head()
            page = table.read(position)
    return page


@contextmanager
def without_collector() -> Iterator[None]:
    """Rows are in no circles, and to look for some among them, time and again, takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _finish(run: Run, check: Verification) -> None:
    with transaction.atomic():
        run.assert_lease()
        check.entry_seq = _entry(check, sentence_of(check)).seq
        check.save(update_fields=[*KEPT, "entry_seq"])
    run.job.item = ""
    run.job.done = run.job.total = max(run.job.done, run.job.total)


def _entry(check: Verification, sentence: str) -> Entry:
    chain_ = check.chain or {}
    named = [{name: each[name] for name in ("kind", "table", "field", "seq", "line")} for each in check.found]
    return trail.record(
        AuditRecord(
            action=VERIFIED,
            actor=check.asked_by,
            subject="audit trail",
            sentence=sentence,
            data={
                "ok": is_ok(check),
                "rows": chain_.get("rows"),
                "first_wrong_seq": chain_.get("first_wrong_seq"),
                "until_seq": check.until_seq,
                "until_line": check.until_line,
                "differences": check.differences,
                "named": named,
            },
        )
    )


# -- what it found ----------------------------------------------------------------------------------------------------


def is_ok(check: Verification) -> bool:
    return bool(check.chain and check.chain["ok"]) and not check.differences


def sentence_of(check: Verification) -> str:
    return " ".join([str((check.chain or {}).get("sentence", "")), compared_sentence(check)])


def compared_sentence(check: Verification) -> str:
    if not check.differences:
        return "Every row says what its entry or line says; none is missing, none is surplus."
    first = " ".join(each["sentence"] for each in check.found[:MOST_LISTED])
    more = check.differences - min(len(check.found), MOST_LISTED)
    count = "1 difference" if check.differences == 1 else f"{check.differences:,} differences"
    verb = "was" if check.differences == 1 else "were"
    return (
        f"{count} between the rows and what they were made from {verb} found. {first}"
        + (f" And {more:,} more." if more else "")
        + " Keep a copy of the database, find out who had access to it, then run manage.py rebuild_history."
    )


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What the last check found, as its entry says."""

    at: datetime
    sentence: str
    until_seq: int
    until_line: int
    wrong_seq: int | None  # the first wrong entry of the chain
    differences: int
    seqs: frozenset[int]  # entries whose rows differ, as far as they were named
    lines: frozenset[int]
    is_named_in_full: bool

    def trusts_entry(self, seq: int) -> bool:
        """The check has read the entry and found its row as it should be."""
        before_break = self.wrong_seq is None or seq < self.wrong_seq
        return seq <= self.until_seq and before_break and self.is_named_in_full and seq not in self.seqs

    def trusts_line(self, line: int) -> bool:
        return line <= self.until_line and self.is_named_in_full and line not in self.lines


def entries_of_checks() -> QuerySet[Entry]:
    """The newest first; the index of the same name has just these."""
    return Entry.objects.filter(action=VERIFIED).order_by("-seq")


def last_found() -> CheckResult | None:
    """Of the newest entry of a check; a row of another table that says so is not believed."""
    entry = entries_of_checks().first()
    if entry is None or entry.hash != digest(entry.prev, entry.body):
        return None
    said = json.loads(entry.body)
    data = said["data"]
    if said["action"] != VERIFIED or said["seq"] != entry.seq or "until_seq" not in data:
        return None  # before rows were compared, a check said nothing of them
    named = data["named"]
    return CheckResult(
        at=datetime.fromisoformat(said["at"]),
        sentence=said["sentence"],
        until_seq=data["until_seq"],
        until_line=data["until_line"],
        wrong_seq=data["first_wrong_seq"],
        differences=data["differences"],
        seqs=frozenset(each["seq"] for each in named if each["seq"]),
        lines=frozenset(each["line"] for each in named if each["line"]),
        is_named_in_full=len(named) == data["differences"],
    )


def trouble() -> str:
    """What the last check found wrong, or why it did not come to its end; empty where all is well."""
    found, last = last_found(), latest()
    if found and (found.differences or found.wrong_seq is not None):
        return found.sentence
    if last and last.state == JobState.FAILED:
        return f"The last check of the history did not come to its end. {last.job.error}"
    return ""

"""Checks of the whole history: the chain of entries, then every table that repeats what entries and lines say.

One at a time, in pages whose ends are kept, so that a check whose worker was killed goes on where it was; only the
chain itself is read from its beginning again. What a check found is an entry, and pages believe nothing else.
"""

from __future__ import annotations

import gc
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail, verification
from alignadmin.audit.entries import AuditRecord, digest, lock_head
from alignadmin.audit.models import ChainHead, Entry
from alignadmin.due_work import due_work, wake
from connectors.history.intake import run_check
from connectors.history.verification import comparison, copies, pairings
from connectors.jobs import leases
from connectors.jobs.runner import MOST_TRIES, PROGRESS_EVERY, Interrupted, LeaseLost, owner_name, stopping
from connectors.models import MirrorLine, Verification, VerificationState
from connectors.ports.differences import Difference, Page, Position, TableComparison
from connectors.ports.extensions import extensions

log = logging.getLogger(__name__)

VERIFIED = "history.verified"
ACTIVE = (VerificationState.QUEUED, VerificationState.RUNNING)
MOST_KEPT = 100  # differences that are named one by one
MOST_TOLD = 5  # of them in a sentence
Tell = Callable[[str, int], None]  # what it is at, and how many rows were read
TOO_OFTEN = "This check was begun time and again and never came to its end. See the log, then start it again."


def comparisons() -> Sequence[TableComparison]:
    """Every table that is compared, in the order in which one may rely on the other."""
    return (RUNS, *comparison.LOOKS, *pairings.LOOKS, *copies.LOOKS, *extensions().comparisons)


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


RUNS = TableComparison(name="lines and runs of the intake", page=_runs, count=MirrorLine.objects.count, is_settled=True)


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(*, actor: Person | None, folder: Path | None = None, by_the_clock: bool = False) -> Verification:
    """Queue a check of everything, or return the one that waits or is under way."""
    with transaction.atomic():
        lock_head()  # clicks come one after the other
        same = Verification.objects.filter(state__in=ACTIVE, folder=str(folder or "")).first()
        if same:
            return same
        made = Verification.objects.create(
            asked_by=actor, folder=str(folder or ""), by_the_clock=by_the_clock, created_at=timezone.now()
        )
    wake()
    return made


def latest() -> Verification | None:
    return Verification.objects.select_related("asked_by").order_by("-id").first()


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


# -- the lease --------------------------------------------------------------------------------------------------------


@dataclass
class Hold:
    """A claimed check in the hands of whoever does it."""

    check: Verification
    held_until: float  # on the monotonic clock; nobody takes it over before
    tell: Tell | None = None
    written_at: float = field(default=0.0)

    def progress(self, done: int) -> None:
        """Raises LeaseLost."""
        self.check.done = done
        self.keep()

    def keep(self, *, at_once: bool = False) -> None:
        """Write how far it is, at most twice a second: what is lost of it is only looked at again. Raises LeaseLost."""
        if stopping.is_set():
            raise Interrupted
        if time.monotonic() >= self.held_until:
            raise LeaseLost
        if at_once or time.monotonic() - self.written_at >= PROGRESS_EVERY:
            self.written_at = time.monotonic()
            if self.tell:
                self.tell(self.check.item, self.check.done)
            names = ("chain", "look", "position", "until_seq", "until_line", "done", "total", "item")
            kept = {name: getattr(self.check, name) for name in (*names, "differences", "found")}
            self.write(**kept)

    def write(self, **values: Any) -> None:
        if not self.mine().update(**values):
            raise LeaseLost

    def assert_lease(self) -> None:
        """The first statement of a transaction that only the holder may commit. Raises LeaseLost."""
        if not self.mine().select_for_update(no_key=True).values_list("pk", flat=True).first():
            raise LeaseLost

    def requeue(self) -> None:
        self.mine().update(state=VerificationState.QUEUED, lease_until=None)

    def renew(self) -> bool:
        began = time.monotonic()
        if not self.mine().update(lease_until=leases.end()):
            return False
        self.held_until = leases.surely_until(began)
        return True

    def mine(self) -> QuerySet[Verification]:
        return Verification.objects.filter(pk=self.check.pk, epoch=self.check.epoch, state=VerificationState.RUNNING)


def claim(pk: int | None = None) -> Hold | None:
    """Take the check (or only the one of that key) that is queued, or whose worker has let its lease run out."""
    now, began = timezone.now(), time.monotonic()
    free = Q(state=VerificationState.QUEUED) | Q(state=VerificationState.RUNNING, lease_until__lt=now)
    waiting = Verification.objects.filter(free).order_by("-state", "id")  # one under way before those that wait
    for check in waiting if pk is None else waiting.filter(pk=pk):
        try:
            with transaction.atomic():  # the conditional update is the claim
                taken = Verification.objects.filter(free, pk=check.pk, epoch=check.epoch).update(
                    state=VerificationState.RUNNING,
                    owner=owner_name()[:100],
                    epoch=F("epoch") + 1,
                    started_at=check.started_at or now,
                    lease_until=leases.end(now),
                )
        except IntegrityError:  # another one is under way: one at a time
            return None
        if taken:
            mine = Verification.objects.select_related("asked_by").get(pk=check.pk)
            return Hold(check=mine, held_until=leases.surely_until(began))
    return None


# -- doing it ---------------------------------------------------------------------------------------------------------


@due_work
def verify_due() -> int:
    count = 0
    while not stopping.is_set() and (hold := claim()):
        execute(hold)
        count += 1
    return count


def run_now(check: Verification, tell: Tell | None = None) -> Verification:
    """Do it here, or wait for whoever already does; returns it ended. For commands."""
    while check.state in ACTIVE:
        if hold := claim(check.pk) or claim():  # another one first, if that was left alone
            hold.tell = tell
            execute(hold)
        else:
            time.sleep(PROGRESS_EVERY)
        check.refresh_from_db()
    return check


def execute(hold: Hold) -> None:
    """Bring a claimed check to its end; what goes wrong ends up as its sentence."""
    try:
        with leases.heartbeat(f"check {hold.check.pk} of the history", hold.renew):
            _verify(hold)
    except Interrupted:
        hold.requeue()
    except LeaseLost:
        log.warning("Check %s of the history was not held any more; another worker goes on with it", hold.check.pk)
        hold.requeue()  # unless it has been taken over
    except OperationalError:
        # Locked for too long, or gone: the lease runs out, and whoever takes it up then goes on.
        log.exception("The database did not let check %s of the history go on", hold.check.pk)
        connection.close_if_unusable_or_obsolete()
    except Exception as error:  # the outermost loop
        log.exception("Check %s of the history failed", hold.check.pk)
        _fail(hold, f"An error in AlignAdmin stopped this check ({type(error).__name__}). See the log.")


def _fail(hold: Hold, sentence: str) -> None:
    values = {"state": VerificationState.FAILED, "error": sentence, "finished_at": timezone.now(), "lease_until": None}
    hold.mine().update(**values)


def _verify(hold: Hold) -> None:
    check, tables = hold.check, comparisons()
    if check.epoch > MOST_TRIES + 1:
        _fail(hold, TOO_OFTEN)
        return
    if check.chain is None:
        _begin(hold, tables)
        check.chain = _chain_checked(hold)
        hold.keep(at_once=True)
    read = int(check.chain["rows"])
    while check.look < len(tables):
        look = tables[check.look]
        check.item = look.name
        page = _page(look, check.position)
        check.differences += len(page.found) + page.more
        check.found += [asdict(each) for each in page.found[: MOST_KEPT - len(check.found)]]
        check.position = page.following
        if page.following is None:
            check.look += 1
        hold.progress(max(check.done, read) + page.rows)
    _finish(hold)


def _begin(hold: Hold, tables: Sequence[TableComparison]) -> None:
    check = hold.check
    check.until_seq = ChainHead.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
    check.until_line = MirrorLine.objects.aggregate(last=Max("pk"))["last"] or 0
    check.total = Entry.objects.count() + sum(look.count() for look in tables)
    check.item = "chain of entries"
    hold.keep(at_once=True)


def _chain_checked(hold: Hold) -> dict[str, Any]:
    verdict = verification.verify(hold.progress, Path(hold.check.folder) if hold.check.folder else None)
    said = asdict(verdict)
    said["remarks"] = list(verdict.remarks)
    return said


def _page(look: TableComparison, position: Any) -> Page:
    """What differs in a page may be half of what somebody writes just now: it is looked at again when nobody does."""
    with without_collector():
        page = look.page(position)
    if page.found and not look.is_settled:
        with transaction.atomic():
            lock_head()
            page = look.page(position)
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


def _finish(hold: Hold) -> None:
    check = hold.check
    sentence = sentence_of(check)
    with transaction.atomic():
        hold.assert_lease()
        hold.write(
            state=VerificationState.DONE,
            done=max(check.done, check.total),
            total=max(check.done, check.total),
            differences=check.differences,
            found=check.found,
            look=check.look,
            item="",
            error="",
            finished_at=timezone.now(),
            lease_until=None,
        )
        entry = _entry(check, sentence)
        Verification.objects.filter(pk=check.pk).update(entry_seq=entry.seq)


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
    first = " ".join(each["sentence"] for each in check.found[:MOST_TOLD])
    more = check.differences - min(len(check.found), MOST_TOLD)
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


def last_found() -> CheckResult | None:
    """Of the newest entry of a check; a row of another table that says so is not believed."""
    # The action stands in the statement itself: with a place for it, SQLite does not use the index of just these.
    entry = Entry.objects.extra(where=[f"action = '{VERIFIED}'"]).order_by("-seq").first()  # noqa: S610  # nosec B610
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
    if last and last.state == VerificationState.FAILED:
        return f"The last check of the history did not come to its end. {last.error}"
    return ""

"""Applying an approved plan: batch by batch, reading before writing and again at the end.

A change is stored as `sending`, with its audit entry, before its request leaves; its outcome and that entry are one
commit after the answer. What has no answer is resolved by reading Align, never by sending blindly.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import OperationalError

from alignadmin.due_work import due_work
from alignadmin.http.errors import RemoteError, SignInRefused
from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.applying import overwrites
from mappings.applying.journal import Journal
from mappings.applying.outcomes import (
    ALREADY_ABSENT,
    MOST_SENDS,
    Outcome,
    one_per_key_batches,
    stale_reason,
    took_effect,
    was_not_found,
)
from mappings.applying.project_identity import ProjectIdentity
from mappings.applying.resolve_unknown import resolve_unknown, unanswered, wait_out
from mappings.applying.sending import SendingThreads
from mappings.engine.batches import pack
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState, Scope
from mappings.observing.lists import confirmed, read_scopes, store
from mappings.planning import GAP, stored_fingerprint
from mappings.planning.names_in_align import expect_as_listed

KEPT = "The plan is paused; nothing more was sent."
MAINTENANCE = "Maintenance of this connector has begun. Resume the plan when it has ended."
BROKE_OFF = "An error in AlignAdmin stopped the apply; see the log."
ASK_EVERY = 0.5  # seconds between two looks at what people ask for, while every thread waits


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Nothing more is sent. `why`: the sentence for people; empty where somebody asked to pause or to cancel."""

    why: str = ""


@dataclass
class Apply:
    """One run of one plan in the hands of a worker.

    What to send: the plan's changes that are `planned`. What came back: the journal, in each change's state. Why it
    stopped: `stop`, which `may_go_on` sets and everything that sends asks for. The loss of the lease alone is raised.
    """

    run: Run
    plan: Plan
    reader: AlignClient
    journal: Journal
    threads: SendingThreads = field(init=False)
    identity: ProjectIdentity = field(init=False)
    stop: Stop | None = None

    def __post_init__(self) -> None:
        self.threads = SendingThreads(self.run, self.plan.connector)
        self.identity = ProjectIdentity(self.run, self.plan.connector)

    def go(self) -> None:
        """
        1. What an earlier run left without an answer is resolved by reading.
        2. Batch by batch: ask Jira for its projects, read its lists, mark what moved as stale, send the rest, resolve
           what got no answer.
        3. Where that was stopped: pause or cancel what was not sent.
        4. Read the lists of all that was sent once more, and say of each change whether Align holds it.
        5. End the plan, unless it is paused, and look for values that our writes replaced unseen.
        """
        if stored_fingerprint(self.plan) != self.plan.approved_fingerprint:
            raise JobFailed("The stored changes are not the approved ones: nothing was sent. Plan again.")
        self.run.progress("starting", done=self._finished_count(), total=self.plan.changes.count())
        self.resolve_unanswered()
        while self.may_go_on() and (batch := self._next_batch()):
            self.apply_batch(batch)
            self.resolve_unanswered()
        if self.stop:
            self.pause_or_cancel()
        if not self._why_stopped():
            self.read_back()
        if self.plan.state != PlanState.PAUSED:
            self.journal.finish()
            runner.start(self.plan.connector, JobKind.INTAKE, actor=self.plan.applier)
        overwrites.find_overwrites(self.plan.connector)
        if self.plan.state == PlanState.PAUSED and (why := self._why_stopped()):
            raise JobFailed(f"{why} {KEPT}")

    def may_go_on(self) -> bool:
        """Asked before anything more is sent; a no is final. Raises LeaseLost when the lease may end soon."""
        self.run.check_cancelled()
        if self.stop is None:
            asked = Plan.objects.values_list("control", "connector__gap_since", "connector__maintenance_since")
            control, gap_since, maintenance_since = asked.get(pk=self.plan.pk)
            if gap_since or maintenance_since:
                self.stop = Stop(why=GAP if gap_since else MAINTENANCE)
            elif control:
                self.stop = Stop()
        return self.stop is None

    def _stop_if_refused(self, error: RemoteError | None) -> None:
        """With a token that is dead, sending more would only repeat the failure."""
        if isinstance(error, SignInRefused):
            self.stop = Stop(why=error.sentence)

    def _next_batch(self) -> Sequence[Change]:
        left = self.plan.changes.filter(state=ChangeState.PLANNED).select_related("mapping", "scope__project")
        # Packing two batches' worth is enough to know the next one.
        packed = pack(left[: 2 * settings.APPLY_BATCH], scope_of=lambda c: c.scope_id, limit=settings.APPLY_BATCH)
        return packed[0] if packed else ()

    def _finished_count(self) -> int:
        return self.plan.changes.exclude(state__in=[ChangeState.PLANNED, ChangeState.SENDING]).count()

    # --- one batch ---------------------------------------------------------------------------------------------

    def apply_batch(self, batch: Sequence[Change]) -> None:
        self.identity.look(batch)
        read_at = time.monotonic()
        self.read_lists(batch)
        if self.may_go_on():
            # So that no request arrives later than that after the reading, whatever it waits for.
            self.send(self._still_as_planned(batch), until=read_at + settings.APPLY_READ_MAX_AGE / 2)

    def read_lists(self, changes: Iterable[Change]) -> None:
        """Read and store their lists; a refused sign-in stops all, other failures are seen in the scope."""
        for reading in read_scopes(self.reader, list({change.scope for change in changes if change.scope})):
            sure = confirmed(self.reader, reading)
            store(sure)
            self._stop_if_refused(sure.error)

    def _still_as_planned(self, batch: Sequence[Change]) -> list[Change]:
        """The changes whose before values still hold; the others are marked stale, never sent."""
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in batch])
        scopes = Scope.objects.select_related("project").in_bulk([change.scope_id for change in batch])
        rows = [(change, mappings.get(change.mapping_id), scopes.get(change.scope_id)) for change in batch]
        reasons = {
            change: self.identity.why_not(change) or stale_reason(change, mapping, scope)
            for change, mapping, scope in rows
        }
        if absent := [
            change
            for change, mapping, _ in rows
            if not self.identity.why_not(change) and self._is_absent(change, mapping)
        ]:
            self.journal.mark_absent(absent)
            reasons |= dict.fromkeys(absent, ALREADY_ABSENT)
        if stale := {change: reason for change, reason in reasons.items() if reason and change not in absent}:
            self.journal.mark_stale(stale)
        fresh = [(change, mapping) for change, mapping, _ in rows if mapping is not None and not reasons[change]]
        for change, mapping in fresh:
            expect_as_listed(change, mapping)
        return [change for change, _ in fresh]

    @staticmethod
    def _is_absent(change: Change, mapping: Mapping | None) -> bool:
        """A deletion that was answered with 404 before, and whose record the list has no more."""
        was_answered = change.method == "DELETE" and was_not_found(change)
        return was_answered and mapping is not None and took_effect(change, mapping)

    def send(self, changes: Iterable[Change], *, until: float) -> None:
        """Send until that monotonic time, one request of a row at a time; what is not sent by then stays planned."""
        for each_row_once in one_per_key_batches(changes):
            if self.stop is None:
                self._send(each_row_once, until=until)

    def _send(self, changes: Sequence[Change], *, until: float) -> None:
        """
        1. As many changes as there are free threads wait for a slot of the rate budget.
        2. What came back is recorded, whatever comes up after it.
        3. When the time is over, the lease is, or something asks to stop: what waits for a slot waits no more.
        4. What has a slot is committed as `sending`, and only then its request leaves.
        """
        queue, is_over = deque(changes), False
        with self.threads as threads:
            while queue or threads.are_busy:
                for _ in range(min(len(queue), threads.free)):
                    threads.take_slot(queue.popleft(), until=until)
                threads.wait(ASK_EVERY)
                self._record(threads.outcomes())
                is_over = is_over or time.monotonic() >= until or not self._may_send_more()
                if is_over:
                    queue.clear()
                    threads.stop_waiting()
                admitted = threads.admitted()
                may_leave = self.journal.mark_sending([each for each, _ in admitted]) if not is_over else []
                for change, slot in admitted:
                    if change in may_leave:
                        threads.send(change, slot)
                    else:
                        threads.hand_back(slot)
        self.may_go_on()  # a lost lease is raised now that the answers are written

    def _may_send_more(self) -> bool:
        try:
            return self.may_go_on()
        except LeaseLost:
            return False

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self.journal.record(outcomes)
        for outcome in outcomes:
            self._stop_if_refused(outcome.error)
        self.run.force_progress(outcomes[-1].change.sentence, done=self._finished_count())

    # --- unknown outcomes --------------------------------------------------------------------------------------

    def resolve_unanswered(self) -> None:
        """What has no answer: read, and sent again where Align never took it, at most MOST_SENDS times."""
        for sends in range(1, MOST_SENDS + 1):
            changes = unanswered(self.plan)
            if self.stop or not changes:
                return
            wait_out(self.run, [change.sent_at for change in changes])
            self.identity.look(changes)
            self.read_lists(changes)
            if not self.may_go_on():
                return
            again = resolve_unknown(self.journal, changes, send_again=sends < MOST_SENDS)
            if not again:  # what is left could not be read
                return
            self.send(self._still_as_planned(again), until=time.monotonic() + settings.APPLY_READ_MAX_AGE / 2)

    # --- the end -----------------------------------------------------------------------------------------------

    def pause_or_cancel(self) -> None:
        """Resolve what has left, where Align can be read, and keep or cancel what has not."""
        changes = unanswered(self.plan)
        if changes and not self._why_stopped():
            wait_out(self.run, [change.sent_at for change in changes])
            self.read_lists(changes)
            resolve_unknown(self.journal, changes, send_again=True)
        self.journal.pause_or_cancel(self._why_stopped())

    def _why_stopped(self) -> str:
        return self.stop.why if self.stop else ""

    def read_back(self) -> None:
        """Read the lists of everything that was sent, and say of each change whether Align holds it now."""
        done = list(self.plan.changes.filter(state=ChangeState.DONE).select_related("scope__project"))
        unread = {change.scope for change in done if change.scope and change.confirmed is None}
        if not unread:
            return
        self.run.progress("reading back")
        for reading in read_scopes(self.reader, list(unread)):
            store(confirmed(self.reader, reading))
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in done])
        scopes = Scope.objects.select_related("project").in_bulk([change.scope_id for change in done])
        for change in done:
            mapping, scope = mappings.get(change.mapping_id), scopes.get(change.scope_id)
            if mapping is not None and scope is not None and scope.known:
                change.confirmed = took_effect(change, mapping)
        self.journal.record_read_back(done)


# --- the jobs ------------------------------------------------------------------------------------------------------


def apply_plan(run: Run) -> None:
    plan = Plan.objects.select_related("connector", "author", "applier", "approver").get(pk=int(run.job.subject))
    if plan.state != PlanState.APPLYING:
        return
    journal = Journal(run=run, plan=plan)
    try:
        reader = clients.align_client(plan.connector, job=run.job, on_wait=run.waits_for)
        Apply(run=run, plan=plan, reader=reader, journal=journal).go()
    except (LeaseLost, OperationalError):
        raise  # whoever takes the job up goes on
    except RemoteError as error:
        journal.pause_after_failure(error.sentence)
        raise JobFailed(error.sentence) from error
    except JobFailed as error:
        journal.pause_after_failure(str(error))
        raise
    except Exception:
        journal.pause_after_failure(BROKE_OFF)
        raise


@due_work
def resume_orphans() -> int:
    """A plan that is being applied without a job (its worker was killed while ending) gets one."""
    count = 0
    for plan in Plan.objects.filter(state=PlanState.APPLYING).select_related("connector", "applier"):
        active = Job.objects.filter(connector=plan.connector, kind=JobKind.APPLY, subject=str(plan.pk))
        if not active.filter(state__in=ACTIVE).exists():
            runner.start(plan.connector, JobKind.APPLY, actor=plan.applier, subject=str(plan.pk))
            count += 1
    return count

"""Applying an approved plan: batch by batch, reading before writing and again at the end.

A change is stored as `sending`, with its audit entry, before its request leaves; its outcome and that entry are one
commit after the answer. What is left `sending` or `unknown` is settled by reading Align, never by sending blindly.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.tasks import due_work
from connectors import jobs, remotes
from connectors.align.client import AlignClient
from connectors.align.resources import WriteRequest
from connectors.audit import trail
from connectors.audit.grammar import MappingEvent
from connectors.audit.trail import Act
from connectors.http.errors import (
    RemoteError,
    SignInRefused,
)
from connectors.jobs import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job
from connectors.threads import DatabaseThreads
from mappings.engine.plan import pack
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState, Scope
from mappings.observe import confirmed, read_scopes, store
from mappings.outcomes import Outcome, confirmed_count, judge, moved, state_counts, took_effect, waves, write_back
from mappings.planning import GAP, stored_fingerprint

OPEN = (ChangeState.PLANNED, ChangeState.SENDING, ChangeState.UNKNOWN)
MOST_SENDS = 3  # of one change whose outcome stays unknown


class Stopped(Exception):
    """Somebody asked to pause or cancel, or the sign-in was refused; what was not sent stays planned."""


@dataclass
class Apply:
    """One run of one plan in the hands of a worker."""

    run: Run
    plan: Plan
    reader: AlignClient
    writer: AlignClient
    refused: RemoteError | None = field(default=None)  # a refused sign-in: sending more would only repeat it
    in_gap: bool = False  # Align's token is being replaced, and the one in use is dead

    # --- the whole ---------------------------------------------------------------------------------------------

    def go(self) -> None:
        if stored_fingerprint(self.plan) != self.plan.approved_fingerprint:
            raise JobFailed("The stored changes are not the approved ones: nothing was sent. Plan again.")
        self.run.progress("starting", done=self._settled_count(), total=self.plan.changes.count())
        try:
            self.settle_unsettled()
            while batch := self._next_batch():
                self.apply_batch(batch)
                self.settle_unsettled()
        except Stopped:
            self._stop()
        self.read_back()
        self._finish()

    def _next_batch(self) -> Sequence[Change]:
        self._listen()
        left = self.plan.changes.filter(state=ChangeState.PLANNED).select_related("mapping", "scope__project")
        # Packing two batches' worth is enough to know the next one.
        packed = pack(left[: 2 * settings.APPLY_BATCH], scope_of=lambda c: c.scope_id, limit=settings.APPLY_BATCH)
        return packed[0] if packed else ()

    def _listen(self) -> None:
        """Hear what people asked for, and that the token has died, before the next request."""
        control, gap_since = Plan.objects.values_list("control", "connector__gap_since").get(pk=self.plan.pk)
        self.in_gap = gap_since is not None
        if self.refused or self.in_gap or control:
            raise Stopped

    def _settled_count(self) -> int:
        return self.plan.changes.exclude(state__in=[ChangeState.PLANNED, ChangeState.SENDING]).count()

    # --- one batch ---------------------------------------------------------------------------------------------

    def apply_batch(self, batch: Sequence[Change]) -> None:
        read_at = time.monotonic()
        self.read_lists({change.scope for change in batch if change.scope})
        fresh = self._fresh(batch)
        for wave in waves(fresh):
            self.send_all(wave, until=read_at + settings.APPLY_READ_MAX_AGE / 2)

    def read_lists(self, scopes: Iterable[Scope]) -> None:
        """Read and store the lists; a refused sign-in stops the apply, other failures are seen in the scope."""
        for reading in read_scopes(self.reader, list(scopes)):
            sure = confirmed(self.reader, reading)
            store(sure)
            if isinstance(sure.error, SignInRefused):
                self.refused = sure.error
        self._listen()

    def _fresh(self, batch: Sequence[Change]) -> list[Change]:
        """The changes whose before values still hold; the others are marked stale, never sent."""
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in batch])
        scopes = Scope.objects.in_bulk([change.scope_id for change in batch])
        reasons = {
            change.pk: moved(change, mappings.get(change.mapping_id), scopes.get(change.scope_id)) for change in batch
        }
        stale = [change for change in batch if reasons[change.pk]]
        if stale:
            with transaction.atomic():
                for change in stale:
                    self._move(change, ChangeState.PLANNED, ChangeState.STALE, detail=reasons[change.pk])
                self._entries("change.stale", stale)
        return [change for change in batch if not reasons[change.pk]]

    def send_all(self, changes: Iterable[Change], *, until: float) -> None:
        """Send while the lists read before are young enough; the rest stays planned for the next batch."""
        queue, under_way = deque(changes), dict[Future[Outcome], Change]()
        with DatabaseThreads(settings.APPLY_THREADS) as threads:
            while queue or under_way:
                heard = self._may_go_on() and time.monotonic() < until
                if not heard:
                    queue.clear()
                starting = [queue.popleft() for _ in range(min(len(queue), threads.width - len(under_way)))]
                for change in self._mark_sending(starting):
                    under_way[threads.submit(self._send, change)] = change
                ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
                self._record([future.result() for future in ready])
                for future in ready:
                    del under_way[future]
        self._listen()

    def _may_go_on(self) -> bool:
        try:
            self._listen()
        except Stopped:
            return False
        return True

    def _mark_sending(self, changes: list[Change]) -> list[Change]:
        """One commit with its entries, before anything leaves; only rows this worker moved may be sent."""
        if not changes:
            return []
        now = timezone.now()
        with transaction.atomic():
            sending = [c for c in changes if self._move(c, ChangeState.PLANNED, ChangeState.SENDING, sent_at=now)]
            self._entries("change.sent", sending)
        return sending

    def _send(self, change: Change) -> Outcome:
        """In a thread of the pool: HTTP only."""
        request = WriteRequest(
            method=change.method,
            path=change.path,
            query=tuple((name, value) for name, value in change.query),
            body=change.body,
        )
        try:
            return Outcome(change=change, answer=self.writer.send(request))
        except RemoteError as error:
            return Outcome(change=change, error=error)

    # --- outcomes ----------------------------------------------------------------------------------------------

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        """One commit: the outcomes, the mappings they changed, and their entries."""
        if not outcomes:
            return
        now = timezone.now()
        by_action: dict[str, list[Change]] = {}
        with transaction.atomic():
            for outcome in outcomes:
                change = outcome.change
                state, detail = judge(outcome)
                if not self._move(change, ChangeState.SENDING, state, detail=detail, answered_at=now):
                    continue
                if state == ChangeState.DONE:
                    write_back(change, outcome.answer.remote_id if outcome.answer else None)
                if isinstance(outcome.error, SignInRefused):
                    self.refused = outcome.error
                by_action.setdefault(f"change.{state.value}", []).append(change)
            for action, changes in by_action.items():
                self._entries(action, changes)
        last = outcomes[-1].change
        self.run.progress(last.sentence, done=self._settled_count())

    def _move(self, change: Change, old: ChangeState, new: ChangeState, **values: object) -> bool:
        """The conditional update that lets only one worker move a change."""
        if not Change.objects.filter(pk=change.pk, state=old).update(state=new, **values):
            return False
        change.state = new
        for name, value in values.items():
            setattr(change, name, value)
        return True

    def _entries(self, action: str, changes: Sequence[Change]) -> None:
        trail.append_many([self._act(action, change) for change in changes])

    def _act(self, action: str, change: Change) -> Act:
        return Act(
            action=action,
            actor=self.plan.applier,
            connector=self.plan.connector,
            subject=f"plan {self.plan.pk} change {change.position}",
            sentence=change.sentence,
            data={
                "method": change.method,
                "path": change.path,
                "query": change.query,
                "body": change.body,
                "detail": change.detail,
                "expected": change.expected_line,
            },
            event=MappingEvent(**change.event),
            plan=self.plan.pk,
            project_key=change.project_key,
            reason=self.plan.reason,
            ticket=self.plan.ticket,
            approver=self.plan.approver,
            happened_at=change.sent_at,
        )

    # --- unknown outcomes --------------------------------------------------------------------------------------

    def settle_unsettled(self) -> None:
        """Decide by reading what became of requests without an answer; a dead worker's too.

        Not before their deadline and a grace have passed: the request may still be under way.
        """
        for _ in range(MOST_SENDS):
            open_ = [ChangeState.SENDING, ChangeState.UNKNOWN]
            changes = list(self.plan.changes.filter(state__in=open_).select_related("mapping", "scope__project"))
            if not changes:
                return
            self._wait_out(changes)
            self.read_lists({change.scope for change in changes if change.scope})
            again = self._settle_by_reading(changes)
            for wave in waves(again):
                self.send_all(wave, until=time.monotonic() + settings.APPLY_READ_MAX_AGE / 2)

    def _wait_out(self, changes: Sequence[Change]) -> None:
        left = [change.sent_at for change in changes if change.sent_at]
        last = max(left, default=timezone.now())
        settled_at = last + timedelta(seconds=settings.REQUEST_DEADLINE + settings.SENDING_GRACE)
        while (seconds := (settled_at - timezone.now()).total_seconds()) > 0:
            self.run.waits_for(f"a request without an answer may still take effect: {seconds:.0f} s")
            time.sleep(min(1.0, seconds))

    def _settle_by_reading(self, changes: Sequence[Change]) -> list[Change]:
        """Equals after: done. Equals before: planned again. Anything else: stale. Not read: stays unknown."""
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in changes])
        scopes = Scope.objects.in_bulk([change.scope_id for change in changes])
        again: list[Change] = []
        with transaction.atomic():
            for change in changes:
                mapping, scope = mappings.get(change.mapping_id), scopes.get(change.scope_id)
                if mapping is None or scope is None or not scope.known:
                    continue
                if took_effect(change, mapping):
                    self._settle(change, ChangeState.DONE, "No answer came; Align holds the new value.")
                elif not moved(change, mapping, scope):
                    self._settle(change, ChangeState.PLANNED, "No answer came and nothing changed; sent again.")
                    again.append(change)
                else:
                    self._settle(change, ChangeState.STALE, "No answer came, and Align now holds something else.")
        return again

    def _settle(self, change: Change, state: ChangeState, detail: str) -> None:
        if self._move(change, ChangeState(change.state), state, detail=detail, answered_at=timezone.now()):
            self._entries(f"change.{'retried' if state == ChangeState.PLANNED else state.value}", [change])

    # --- the end -----------------------------------------------------------------------------------------------

    def read_back(self) -> None:
        """Read the lists of everything that was sent, and say of each change whether Align holds it now."""
        done = list(self.plan.changes.filter(state=ChangeState.DONE).select_related("scope__project"))
        unread = {change.scope for change in done if change.scope and change.confirmed is None}
        if not unread:
            return
        self.run.progress("reading back")
        for reading in read_scopes(self.reader, list(unread)):
            store(reading)
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in done])
        scopes = Scope.objects.in_bulk([change.scope_id for change in done])
        for change in done:
            mapping, scope = mappings.get(change.mapping_id), scopes.get(change.scope_id)
            if mapping is not None and scope is not None and scope.known:
                change.confirmed = took_effect(change, mapping)
        Change.objects.bulk_update(done, ["confirmed"], batch_size=500)

    def _stop(self) -> None:
        """Paused, cancelled, or a sign-in that Align refuses: say so, and keep what was not sent."""
        with transaction.atomic():
            plan = Plan.objects.select_for_update(of=("self",)).get(pk=self.plan.pk)
            if plan.control == "cancel":
                self.plan.changes.filter(state=ChangeState.PLANNED).update(state=ChangeState.CANCELLED)
            elif self.plan.changes.filter(state__in=OPEN).exists():
                plan.state, plan.control = PlanState.PAUSED, ""
                plan.save(update_fields=["state", "control"])
                self.plan.refresh_from_db()

    def _finish(self) -> None:
        counts = state_counts(self.plan)
        if self.plan.state != PlanState.PAUSED:
            with transaction.atomic():
                cancelled = counts.get(ChangeState.CANCELLED.value, 0)
                state = PlanState.CANCELLED if cancelled else PlanState.FINISHED
                Plan.objects.filter(pk=self.plan.pk).update(state=state, finished_at=timezone.now(), control="")
                self._end_entry(counts)
            jobs.start(self.plan.connector, "intake", actor=self.plan.applier)
        if self.refused:
            raise JobFailed(f"{self.refused.sentence} The plan is paused; nothing more was sent.")
        if self.in_gap and self.plan.state == PlanState.PAUSED:
            raise JobFailed(f"{GAP} The plan is paused; nothing more was sent.")

    def _end_entry(self, counts: dict[str, int]) -> None:
        words = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        trail.append(
            "plan.finished",
            actor=self.plan.applier,
            connector=self.plan.connector,
            subject=f"plan {self.plan.pk}",
            sentence=f"Plan {self.plan.pk} ended: {words}; {confirmed_count(self.plan)} confirmed by reading back.",
            data={"counts": counts, "fingerprint": self.plan.approved_fingerprint},
            plan=self.plan.pk,
            reason=self.plan.reason,
            ticket=self.plan.ticket,
        )


# --- the jobs ------------------------------------------------------------------------------------------------------


def apply_plan(run: Run) -> None:
    plan = Plan.objects.select_related("connector", "applier", "approver").get(pk=int(run.job.subject))
    if plan.state != PlanState.APPLYING:
        return
    patience = settings.APPLY_READ_MAX_AGE / 2  # so that no write follows a reading that is too old
    try:
        reader = remotes.align_client(plan.connector, job=run.job, on_wait=run.waits_for)
        writer = remotes.align_client(
            plan.connector, job=run.job, read_only=False, on_wait=run.waits_for, patience=patience
        )
        Apply(run=run, plan=plan, reader=reader, writer=writer).go()
    except LeaseLost:
        raise
    except RemoteError as error:
        _pause_after_failure(plan)
        raise JobFailed(error.sentence) from error
    except Exception:
        _pause_after_failure(plan)
        raise


def _pause_after_failure(plan: Plan) -> None:
    """A person decides how to go on; starting it again at once would only repeat the failure."""
    Plan.objects.filter(pk=plan.pk, state=PlanState.APPLYING).update(state=PlanState.PAUSED, control="")


@due_work
def resume_orphans() -> int:
    """A plan that is being applied without a job (its worker was killed while ending) gets one."""
    count = 0
    for plan in Plan.objects.filter(state=PlanState.APPLYING).select_related("connector", "applier"):
        active = Job.objects.filter(connector=plan.connector, kind="apply", subject=str(plan.pk))
        if not active.filter(state__in=ACTIVE).exists():
            jobs.start(plan.connector, "apply", actor=plan.applier, subject=str(plan.pk))
            count += 1
    return count

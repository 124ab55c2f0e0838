"""Applying an approved plan: batch by batch, reading before writing and again at the end.

A change is stored as `sending`, with its audit entry, before its request leaves; its outcome and that entry are one
commit after the answer. What is left `sending` or `unknown` is settled by reading Align, never by sending blindly.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import OperationalError

from alignadmin.due_work import due_work
from alignadmin.http.errors import RemoteError, SignInRefused
from alignadmin.http.slot_reservation import Door
from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, LeaseLost, Run
from connectors.models import ACTIVE, Job, JobKind
from mappings.applying import overwrites
from mappings.applying.journal import Journal
from mappings.applying.outcomes import MOST_SENDS, Outcome, one_per_key_batches, stale_reason, took_effect
from mappings.applying.resolve_unknown import Settling
from mappings.applying.sending import Sender, Stopped
from mappings.engine.batches import pack
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState, Scope
from mappings.observing.lists import confirmed, read_scopes, store
from mappings.planning import GAP, stored_fingerprint
from mappings.planning.names_in_align import tell_as_listed

KEPT = "The plan is paused; nothing more was sent."
MAINTENANCE = "Maintenance of this connector has begun. Resume the plan when it has ended."
BROKE_OFF = "An error in AlignAdmin stopped the apply; see the log."


@dataclass
class Apply:
    """One run of one plan in the hands of a worker."""

    run: Run
    plan: Plan
    reader: AlignClient
    journal: Journal
    sender: Sender = field(init=False)
    settling: Settling = field(init=False)
    refused: RemoteError | None = field(default=None)  # a refused sign-in: sending more would only repeat it
    held_up: str = ""  # why nothing may be sent although nobody asked to stop

    # --- the whole ---------------------------------------------------------------------------------------------

    def __post_init__(self) -> None:
        self.settling = Settling(run=self.run, journal=self.journal)
        door = Door()
        self.sender = Sender(
            run=self.run, door=door, listen=self._listen, mark=self.journal.sending, record=self._record
        )
        # No patience of its own: a request that was told to wait goes back into the plan.
        self.sender.writer = clients.align_client(
            self.plan.connector,
            job=self.run.job,
            read_only=False,
            on_wait=self.sender.told_to_wait,
            patience=0.0,
            door=door,
        )

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
        if not self._why_held_up():
            self.read_back()
        self._finish()

    def _next_batch(self) -> Sequence[Change]:
        self._listen()
        left = self.plan.changes.filter(state=ChangeState.PLANNED).select_related("mapping", "scope__project")
        # Packing two batches' worth is enough to know the next one.
        packed = pack(left[: 2 * settings.APPLY_BATCH], scope_of=lambda c: c.scope_id, limit=settings.APPLY_BATCH)
        return packed[0] if packed else ()

    def _listen(self) -> None:
        """Hear, before the next request, what people asked for, that the token has died, and that the lease ends."""
        self.run.check_cancelled()
        asked = Plan.objects.values_list("control", "connector__gap_since", "connector__maintenance_since")
        control, gap_since, maintenance_since = asked.get(pk=self.plan.pk)
        self.held_up = GAP if gap_since else MAINTENANCE if maintenance_since else ""
        if self.refused or self.held_up or control:
            raise Stopped

    def _why_held_up(self) -> str:
        return self.refused.sentence if self.refused else self.held_up

    def _settled_count(self) -> int:
        return self.plan.changes.exclude(state__in=[ChangeState.PLANNED, ChangeState.SENDING]).count()

    # --- one batch ---------------------------------------------------------------------------------------------

    def apply_batch(self, batch: Sequence[Change]) -> None:
        read_at = time.monotonic()
        self.read_lists(batch)
        self._listen()
        for wave in one_per_key_batches(self._fresh(batch)):
            # So that no request arrives later than that after the reading, whatever it waits for.
            self.sender.send_all(wave, until=read_at + settings.APPLY_READ_MAX_AGE / 2)

    def read_lists(self, changes: Iterable[Change]) -> None:
        """Read and store their lists; a refused sign-in is kept, other failures are seen in the scope."""
        for reading in read_scopes(self.reader, list({change.scope for change in changes if change.scope})):
            sure = confirmed(self.reader, reading)
            store(sure)
            if isinstance(sure.error, SignInRefused):
                self.refused = sure.error

    def _fresh(self, batch: Sequence[Change]) -> list[Change]:
        """The changes whose before values still hold; the others are marked stale, never sent."""
        mappings = Mapping.objects.in_bulk([change.mapping_id for change in batch])
        scopes = Scope.objects.in_bulk([change.scope_id for change in batch])
        rows = [(change, mappings.get(change.mapping_id), scopes.get(change.scope_id)) for change in batch]
        reasons = {change: stale_reason(change, mapping, scope) for change, mapping, scope in rows}
        if stale := {change: reason for change, reason in reasons.items() if reason}:
            self.journal.stale(stale)
        fresh = [(change, mapping) for change, mapping, _ in rows if mapping is not None and not reasons[change]]
        for change, mapping in fresh:
            tell_as_listed(change, mapping)
        return [change for change, _ in fresh]

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        self.refused = self.journal.record(outcomes) or self.refused
        self.run.force_progress(outcomes[-1].change.sentence, done=self._settled_count())

    # --- unknown outcomes --------------------------------------------------------------------------------------

    def settle_unsettled(self) -> None:
        """What has no answer: read, and sent again where Align never took it, at most MOST_SENDS times."""
        for sends in range(1, MOST_SENDS + 1):
            changes = self.settling.unsettled()
            if not changes:
                return
            self.settling.wait_out(changes)
            self.read_lists(changes)
            self._listen()
            again = self.settling.resolve_unknown(changes, send_again=sends < MOST_SENDS)
            if not again:  # what is left could not be read
                return
            for wave in one_per_key_batches(again):
                self.sender.send_all(wave, until=time.monotonic() + settings.APPLY_READ_MAX_AGE / 2)

    # --- the end -----------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Paused, cancelled or held up: settle what has left, where Align can be read, and keep what has not."""
        changes = self.settling.unsettled()
        if changes and not self._why_held_up():
            self.settling.wait_out(changes)
            self.read_lists(changes)
            self.settling.resolve_unknown(changes, send_again=True)
        self.journal.stop(self._why_held_up())

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
        self.journal.read_back(done)

    def _finish(self) -> None:
        if self.plan.state != PlanState.PAUSED:
            self.journal.finish()
            runner.start(self.plan.connector, JobKind.INTAKE, actor=self.plan.applier)
        overwrites.find_overwrites(self.plan.connector)
        if self.plan.state == PlanState.PAUSED and (why := self._why_held_up()):
            raise JobFailed(f"{why} {KEPT}")


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

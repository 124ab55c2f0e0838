"""The journal of an apply: every change of a row's state, with its audit entry, in one commit that the lease guards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import OperationalError, transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.http.errors import NotFound
from connectors.align.audit_sentences import MappingEvent
from connectors.align.refusals import may_be_the_key
from connectors.jobs.runner import Run
from connectors.ports.audited import context_of, event_fields
from mappings.applying.key_learning import store_key_fact
from mappings.applying.outcomes import (
    ALREADY_ABSENT,
    LOOKED_FOR,
    Outcome,
    classify_outcome,
    confirmed_count,
    lock_rows,
    looked_for,
    state_counts,
    write_back,
)
from mappings.edits.key_on_write import WITH_KEY, WITHOUT_KEY, KeyOnWrite
from mappings.models import NOT_ENDED, Change, ChangeState, Plan, PlanState
from mappings.planning.authors import author_of, earlier_of
from mappings.planning.entries import plan_entry
from mappings.planning.plan_outcomes import tell_finished, tell_stopped

log = logging.getLogger(__name__)

RETRIED = "change.retried"


@dataclass
class Journal:
    """What one run of one plan writes down."""

    run: Run
    plan: Plan
    keys: KeyOnWrite = field(init=False)

    def __post_init__(self) -> None:
        self.keys = KeyOnWrite(self.plan.connector)

    @contextmanager
    def commit(self, resolving: Iterable[Change] = ()) -> Iterator[None]:
        """One transaction. Raises LeaseLost, and writes nothing, once another worker has the job.

        `resolving`: changes whose mappings it may write back.
        """
        with transaction.atomic():
            self.run.assert_lease()
            lock_rows(resolving)
            yield

    # --- changes -----------------------------------------------------------------------------------------------

    def mark_sending(self, changes: Sequence[Change]) -> list[Change]:
        """Before anything leaves; only rows that this call moved may be sent."""
        if not changes:
            return []
        now = timezone.now()
        with self.commit():
            if not self._may_send():
                return []
            moved = [change for change in changes if self._mark_sending(change, now)]
            self._entries("change.sent", moved)
        return moved

    def _mark_sending(self, change: Change, now: datetime) -> bool:
        """With the line to expect, which follows the list that was read last."""
        return self._move(
            change,
            ChangeState.PLANNED,
            ChangeState.SENDING,
            sent_at=now,
            sends=change.sends + 1,
            key_turned=self.keys.turned(change),
            event=change.event,
            expected_line=change.expected_line,
        )

    def _may_send(self) -> bool:
        """The plan's row stays locked until the commit: a pause that was answered before it lets nothing leave."""
        plan = Plan.objects.locked().get(pk=self.plan.pk)
        return plan.state == PlanState.APPLYING and not plan.control

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes, the mappings they changed, what they show of the project's key, and their entries."""
        now = timezone.now()
        by_action: dict[str, list[Change]] = {}
        with self.commit([outcome.change for outcome in outcomes]):
            turning = []
            for outcome in outcomes:
                change = outcome.change
                state, detail, turns = self._classified(outcome)
                if not self._move(change, ChangeState.SENDING, state, detail=detail, answered_at=now):
                    continue
                turning += [change] if turns else []
                if state == ChangeState.DONE:
                    write_back(change, outcome.answer.remote_id if outcome.answer else None)
                    if outcome.answer and self.keys.learn(change):
                        store_key_fact(change)
                by_action.setdefault(f"change.{state.value}", []).append(change)
            for action, changes in by_action.items():
                self._entries(action, changes)
            self._turn(turning)  # after the entries, which tell the request that was answered

    def _turn(self, changes: Sequence[Change]) -> None:
        for change in changes:
            change.key_turned = not change.key_turned
            change.save(update_fields=["key_turned"])

    def _classified(self, outcome: Outcome) -> tuple[ChangeState, str, bool]:
        """State, words, and whether the request is to be sent the other way, with the project's key or without it.

        A site may refuse a request, or not find its record, for that key alone: then it waits, and is sent once more
        the other way. Every batch begins by reading its lists, so nothing is sent twice without a look in between.
        """
        change = outcome.change
        state, detail = classify_outcome(outcome)
        if outcome.error and may_be_the_key(outcome.error) and self.keys.may_turn(change, detail):
            words = outcome.error.detail or outcome.error.sentence
            is_looked_for = isinstance(outcome.error, NotFound) and change.method != "POST"
            return ChangeState.PLANNED, looked_for(words) if is_looked_for else words, True
        if change.key_turned and state == ChangeState.DONE and outcome.answer:
            detail = f"{WITH_KEY if change.carries_key else WITHOUT_KEY}."
        elif change.key_turned and outcome.error and change.detail.endswith(detail):
            detail = change.detail  # the same again, as of a site that is busy
        elif change.key_turned and outcome.error and change.detail:
            first = change.detail.removesuffix(LOOKED_FOR).strip()
            detail = f"{first} Sent {'with' if change.carries_key else 'without'} the project key: {detail}"
        return state, detail, False

    def mark_stale(self, reasons: Mapping[Change, str]) -> None:
        with self.commit():
            moved = [
                change
                for change, reason in reasons.items()
                if self._move(change, ChangeState.PLANNED, ChangeState.STALE, detail=reason)
            ]
            self._entries("change.stale", moved)

    def mark_absent(self, changes: Sequence[Change]) -> None:
        with self.commit(changes):
            for change in changes:
                self.resolve(change, ChangeState.DONE, ALREADY_ABSENT)

    def resolve(self, change: Change, state: ChangeState, detail: str, *, remote_id: int | None = None) -> bool:
        """A change without an answer gets its outcome. Within the caller's `commit` of it."""
        if not self._move(change, ChangeState(change.state), state, detail=detail, answered_at=timezone.now()):
            return False
        if state == ChangeState.DONE:
            write_back(change, remote_id)
        self._entries(RETRIED if state == ChangeState.PLANNED else f"change.{state.value}", [change])
        return True

    def record_read_back(self, changes: Sequence[Change]) -> None:
        with self.commit():
            Change.objects.bulk_update(changes, ["confirmed"], batch_size=500)

    def _move(self, change: Change, old: ChangeState, new: ChangeState, **values: object) -> bool:
        """The conditional update that lets only one worker move a change."""
        if not Change.objects.filter(pk=change.pk, state=old).update(state=new, **values):
            return False
        change.state = new
        for name, value in values.items():
            setattr(change, name, value)
        return True

    def _entries(self, action: str, changes: Sequence[Change]) -> None:
        trail.record_all([self._audit_record(action, change) for change in changes])

    def _audit_record(self, action: str, change: Change) -> AuditRecord:
        return AuditRecord(
            action=action,
            actor=self.plan.applier,
            context=context_of(self.plan.connector),
            subject=f"plan {self.plan.pk} change {change.position}",
            sentence=change.sentence,
            data={
                "method": change.method,
                "path": change.path,
                "query": change.request_query,
                "body": change.request_body,
                "detail": change.detail,
                "expected": change.expected_line,
            },
            event=event_fields(MappingEvent(**change.event)),
            plan=self.plan.pk,
            project_key=change.project_key,
            reason=self.plan.reason,
            ticket=self.plan.ticket,
            author=author_of(change),
            earlier=earlier_of(change),
            planner=self.plan.author,
            approver=self.plan.approver,
            happened_at=change.sent_at,
        )

    # --- the plan ----------------------------------------------------------------------------------------------

    def pause_or_cancel(self, why: str) -> None:
        """Cancel or keep what was not sent. `why`: the sentence where nobody asked for it, else empty."""
        with self.commit():
            plan = Plan.objects.locked().get(pk=self.plan.pk)
            if plan.control == "cancel":
                self.plan.changes.filter(state=ChangeState.PLANNED).update(state=ChangeState.CANCELLED)
            elif self.plan.changes.filter(state__in=NOT_ENDED).exists():
                plan.state, plan.control = PlanState.PAUSED, ""
                plan.save(update_fields=["state", "control"])
                if why:
                    self._tell(lambda: tell_stopped(plan, why))
                    self._plan_entry("plan.paused", f"Plan {plan.pk} was paused. {why}")
        self.plan.refresh_from_db()

    def finish(self) -> None:
        counts = state_counts(self.plan)
        words = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        sentence = f"Plan {self.plan.pk} ended: {words}; {confirmed_count(self.plan)} confirmed by reading back."
        state = PlanState.CANCELLED if counts.get(ChangeState.CANCELLED.value) else PlanState.FINISHED
        with self.commit():
            applying = Plan.objects.filter(pk=self.plan.pk, state=PlanState.APPLYING)
            if applying.update(state=state, finished_at=timezone.now(), control=""):
                self._tell(lambda: tell_finished(self.plan, counts))
                self._plan_entry("plan.finished", sentence, counts=counts, fingerprint=self.plan.approved_fingerprint)

    def pause_after_failure(self, why: str) -> None:
        """A person decides how to go on; starting it again at once would only repeat the failure."""
        with self.commit():
            applying = Plan.objects.filter(pk=self.plan.pk, state=PlanState.APPLYING)
            if applying.update(state=PlanState.PAUSED, control=""):
                self._tell(lambda: tell_stopped(self.plan, why))
                self._plan_entry("plan.paused", f"Plan {self.plan.pk} was paused. {why}")

    def _tell(self, telling: Callable[[], None]) -> None:
        """A message that cannot be made holds up no end of an apply. What the database puts off is tried again."""
        try:
            with transaction.atomic():
                telling()
        except OperationalError:
            raise
        except Exception:  # whatever it is: a plan that never ends is worse
            log.exception("Nobody was told of the end of plan %s.", self.plan.pk)

    def _plan_entry(self, action: str, sentence: str, **data: object) -> None:
        plan_entry(action, self.plan, self.plan.applier, sentence, **data)

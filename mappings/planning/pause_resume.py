"""What people tell a plan that was approved: pause, resume, cancel, send again what failed; and refresh before that.

A change that is not `planned` any more is never sent, so what is decided here holds for the next request already.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind
from connectors.setup import maintenance
from mappings.models import NOT_ENDED, OPEN_PLANS, UNANSWERED, ChangeState, Plan, PlanState
from mappings.planning.approval_asks import end_asks
from mappings.planning.approving import GAP, held_sentence
from mappings.planning.creation import stored_fingerprint
from mappings.planning.entries import plan_entry
from mappings.planning.plan_outcomes import tell_cancelled
from mappings.planning.rules import former_number_sentence, is_old, why_void

PLAN_AGAIN = "What failed waits in the draft: plan it again."


def control(plan: Plan, command: str, *, actor: Person) -> Plan:
    """Pause, resume or cancel; effective before the next request."""
    acts = {"pause": _pause, "resume": _resume, "cancel": _cancel}
    if command not in acts:
        raise Refused(f"A plan cannot be told to {command}.")
    with transaction.atomic():
        locked = _locked(plan)
        sentence = acts[command](locked, actor)
        locked.save(update_fields=["state", "control", "finished_at"])
        plan_entry(f"plan.{command}", locked, actor, sentence)
    return locked


def _locked(plan: Plan) -> Plan:
    found = Plan.objects.locked()
    return found.select_related("connector", "author", "approver").get(pk=plan.pk)


def left_words(plan: Plan) -> str:
    """ "38 of 100 changes left, 2 of them without an answer so far" """
    left = plan.changes.filter(state__in=NOT_ENDED).count()
    unanswered = plan.changes.filter(state__in=UNANSWERED).count()
    words = f"{left} of {plan.changes.count()} changes left"
    return f"{words}, {unanswered} of them without an answer so far" if unanswered else words


# --- pause and resume ----------------------------------------------------------------------------------------------


def _pause(plan: Plan, actor: Person) -> str:
    if plan.state != PlanState.APPLYING:
        raise Refused(f"This plan is {_state(plan)}: only one that is being applied can be paused.")
    if plan.control:
        raise Refused(f"Somebody asked to {plan.control} it already: it stops before its next request.")
    plan.control = "pause"
    return f"{actor} asked to pause plan {plan.pk}."


def _resume(plan: Plan, actor: Person) -> str:
    if plan.state == PlanState.APPLYING:
        raise Refused("This plan is being applied again already.")
    if plan.state != PlanState.PAUSED:
        raise Refused(f"This plan is {_state(plan)}, not paused.")
    _require_usable(plan.connector)
    plan.state, plan.control = PlanState.APPLYING, ""
    runner.start(plan.connector, JobKind.APPLY, actor=actor, subject=str(plan.pk))
    return f"{actor} resumed plan {plan.pk}: {left_words(plan)}."


def _require_usable(connector: Connector) -> None:
    maintenance.refuse(connector)
    if not connector.is_active:
        raise Refused("This connector is deactivated. Activate it before going on.")
    if connector.gap_since:
        raise Refused(GAP)


def _state(plan: Plan) -> str:
    return plan.get_state_display().lower()


# --- cancel --------------------------------------------------------------------------------------------------------


def _cancel(plan: Plan, actor: Person) -> str:
    """What was not sent is cancelled at once, so that nothing more leaves; what was sent is settled by reading."""
    if plan.state not in OPEN_PLANS:
        raise Refused(f"This plan is {_state(plan)}: there is nothing to cancel.")
    if plan.control == "cancel":
        raise Refused("It is already being cancelled: it ends when the requests in progress are finished.")
    count = _cancel_planned(plan)
    if plan.state == PlanState.APPLYING:
        plan.control = "cancel"
        return f"{actor} cancelled what was not sent of plan {plan.pk}: {counted(count, 'change')}."
    if plan.changes.filter(state__in=UNANSWERED).exists():
        return _cancel_unanswered(plan, actor, count)
    plan.state, plan.finished_at, plan.control = PlanState.CANCELLED, timezone.now(), ""
    end_asks(plan)
    tell_cancelled(plan, count, actor=actor)
    return f"{actor} cancelled plan {plan.pk}: {counted(count, 'change')} not sent."


def cancel_unstarted(plan: Plan, *, why: str, actor: Person) -> None:
    """End a plan that was not started, in the caller's transaction, which holds its row; `why` is a clause."""
    count = _cancel_planned(plan)
    plan.state, plan.finished_at, plan.control = PlanState.CANCELLED, timezone.now(), ""
    plan.save(update_fields=["state", "control", "finished_at"])
    end_asks(plan)
    tell_cancelled(plan, count, actor=actor, why=why)
    sentence = f"{actor} cancelled plan {plan.pk}, {why}: {counted(count, 'change')} not sent."
    plan_entry("plan.cancel", plan, actor, sentence)


def _cancel_planned(plan: Plan) -> int:
    """Rows that the worker moves at this moment are skipped, never waited for: they are under way, and it hears us."""
    planned = plan.changes.filter(state=ChangeState.PLANNED).locked(skip_locked=True)
    ids = list(planned.order_by().values_list("pk", flat=True))
    return plan.changes.filter(pk__in=ids, state=ChangeState.PLANNED).update(state=ChangeState.CANCELLED)


def _cancel_unanswered(plan: Plan, actor: Person, count: int) -> str:
    """A paused plan with requests that got no answer: the worker reads what became of them, and ends it."""
    unsent = counted(count, "change")
    sentence = f"{actor} cancelled what was not sent of plan {plan.pk}: {unsent}; the rest is to be read."
    connector = plan.connector
    if connector.gap_since or not connector.is_active or maintenance.is_on(connector):
        return sentence  # it cannot be read now: the plan stays paused, and resuming it will only read
    plan.state, plan.control = PlanState.APPLYING, "cancel"
    runner.start(connector, JobKind.APPLY, actor=actor, subject=str(plan.pk))
    return sentence


# --- again ---------------------------------------------------------------------------------------------------------


def retry_failed(plan: Plan, *, actor: Person) -> Plan:
    """Send again what failed, under the same approval; the rows are read first, as before every write."""
    try:
        with transaction.atomic():
            locked = _locked(plan)
            _require_retry(locked)
            failed = locked.changes.filter(state=ChangeState.FAILED)
            positions = list(failed.values_list("position", flat=True))
            failed.update(state=ChangeState.PLANNED, detail="", answered_at=None, key_turned=False)
            locked.state, locked.control = PlanState.APPLYING, ""
            locked.applier, locked.finished_at = actor, None
            locked.save(update_fields=["state", "control", "applier", "finished_at"])
            runner.start(locked.connector, JobKind.APPLY, actor=actor, subject=str(locked.pk))
            again = counted(len(positions), "change")
            sentence = f"{actor} had {again} of plan {locked.pk} sent again that had failed."
            plan_entry("plan.retry", locked, actor, sentence, changes=positions, fingerprint=locked.fingerprint)
    except IntegrityError as error:
        raise Refused(held_sentence(plan.connector)) from error
    return locked


def can_retry(plan: Plan) -> bool:
    """It ended with failures and is young enough; what else stands against it is said when it is asked for."""
    return plan.state == PlanState.FINISHED and not is_old(plan) and not plan.is_of_former_number


def _require_retry(plan: Plan) -> None:
    if plan.state == PlanState.APPLYING:
        raise Refused("This plan is being applied again already.")
    if plan.state != PlanState.FINISHED:
        raise Refused(f"This plan is {_state(plan)}: only a finished one can be sent again where it failed.")
    if not plan.changes.filter(state=ChangeState.FAILED).exists():
        raise Refused("Nothing of this plan failed, so there is nothing to send again.")
    if plan.is_of_former_number:
        raise Refused(former_number_sentence(plan))
    if is_old(plan):
        raise Refused(f"The values of this plan were read too long ago to continue. {PLAN_AGAIN}")
    _require_usable(plan.connector)
    plan.state = PlanState.APPROVED  # as which its approval is judged, like that of any other start
    if trouble := why_void(plan):
        raise Refused(f"{trouble} {PLAN_AGAIN}")
    if stored_fingerprint(plan) != plan.approved_fingerprint:
        raise Refused(f"The stored changes are not the approved ones. {PLAN_AGAIN}")


# --- before the apply ----------------------------------------------------------------------------------------------


def start_refresh(plan: Plan, *, actor: Person) -> Job:
    """Read the plan's lists again in the background; see refreshing.refresh_plan."""
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED):
        raise Refused(f"This plan is {_state(plan)}: there is nothing to refresh.")
    if plan.is_ours:
        raise Refused("This plan is of lists of ours, which are not read: its rows are compared when it is approved.")
    maintenance.refuse(plan.connector)
    return runner.start(plan.connector, JobKind.PLAN_REFRESH, actor=actor, subject=str(plan.pk))

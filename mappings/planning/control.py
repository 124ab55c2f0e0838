"""What people tell a plan that is under way: pause, resume, cancel, refresh."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from connectors import jobs
from connectors.models import Job, Person
from mappings.models import ChangeState, Plan, PlanState
from mappings.planning.approving import GAP
from mappings.planning.entries import plan_entry
from mappings.services import Refused


def control(plan: Plan, wish: str, *, actor: Person) -> Plan:
    """Pause, resume or cancel; effective before the next request."""
    acts = {"pause": _pause, "resume": _resume, "cancel": _cancel}
    if wish not in acts:
        raise Refused(f"A plan cannot be told to {wish}.")
    with transaction.atomic():
        locked = Plan.objects.select_for_update(of=("self",)).select_related("connector").get(pk=plan.pk)
        sentence = acts[wish](locked, actor)
        locked.save()
        plan_entry(f"plan.{wish}", locked, actor, sentence)
    return locked


def _pause(plan: Plan, actor: Person) -> str:
    if plan.state != PlanState.APPLYING:
        raise Refused("Only a plan that is being applied can be paused.")
    plan.control = "pause"
    return f"{actor} asked to pause plan {plan.pk}."


def _resume(plan: Plan, actor: Person) -> str:
    if plan.state != PlanState.PAUSED:
        raise Refused("This plan is not paused.")
    if plan.connector.gap_since:
        raise Refused(GAP)
    plan.state, plan.control = PlanState.APPLYING, ""
    jobs.start(plan.connector, "apply", actor=actor, subject=str(plan.pk))
    return f"{actor} resumed plan {plan.pk}."


def _cancel(plan: Plan, actor: Person) -> str:
    if plan.state == PlanState.APPLYING:
        plan.control = "cancel"
        return f"{actor} asked to cancel the rest of plan {plan.pk}."
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED, PlanState.PAUSED):
        raise Refused(f"This plan is {plan.get_state_display().lower()}: there is nothing to cancel.")
    plan.changes.filter(state=ChangeState.PLANNED).update(state=ChangeState.CANCELLED)
    plan.state, plan.finished_at, plan.control = PlanState.CANCELLED, timezone.now(), ""
    return f"{actor} cancelled plan {plan.pk}."


def start_refresh(plan: Plan, *, actor: Person) -> Job:
    """Read the plan's lists again in the background; see refreshing.refresh_plan."""
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED):
        raise Refused(f"This plan is {plan.get_state_display().lower()}: there is nothing to refresh.")
    return jobs.start(plan.connector, "plan-refresh", actor=actor, subject=str(plan.pk))

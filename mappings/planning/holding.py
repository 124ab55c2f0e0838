"""Which plan holds a connector: one is applied at a time, and another one waits for its end."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.models import ChangeState, Plan, PlanState

HOLDING = (PlanState.APPLYING, PlanState.PAUSED)
OPEN = (ChangeState.PLANNED, ChangeState.SENDING, ChangeState.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class HoldingPlan:
    """The plan that is being applied or paused, and how many of its changes are finished."""

    plan: Plan
    finished: int
    total: int

    @property
    def is_paused(self) -> bool:
        return self.plan.state == PlanState.PAUSED

    @property
    def sentence(self) -> str:
        """ "Plan 12 by Dana is being applied: 11 of 40." """
        doing = "is paused at" if self.is_paused else "is being applied:"
        return f"Plan {self.plan.pk} by {self.plan.author} {doing} {self.finished} of {self.total}."


def held_by_other(plan: Plan) -> HoldingPlan | None:
    """The plan in whose way this one would be; None where its connector is free, or held by this one."""
    found = Plan.objects.filter(connector=plan.connector_id, state__in=HOLDING).exclude(pk=plan.pk)
    other = found.select_related("author", "applier").first()
    if other is None:
        return None
    total = other.changes.count()
    return HoldingPlan(plan=other, finished=total - other.changes.filter(state__in=OPEN).count(), total=total)

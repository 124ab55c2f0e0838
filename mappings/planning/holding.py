"""Which plan holds a connector: one is applied at a time, and another one waits for its end."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.models import NOT_ENDED, UNDER_WAY, Plan, PlanState


@dataclass(frozen=True, kw_only=True)
class HoldingPlan:
    """The plan that is being applied or paused, and how many of its changes are finished."""

    plan: Plan
    finished: int
    total: int

    @property
    def is_paused(self) -> bool:
        return self.plan.state == PlanState.PAUSED


def held_by_other(plan: Plan) -> HoldingPlan | None:
    """The plan in whose way this one would be; None where its connector is free, or held by this one."""
    found = Plan.objects.filter(connector=plan.connector_id, state__in=UNDER_WAY).exclude(pk=plan.pk)
    other = found.select_related("author").first()
    if other is None:
        return None
    total = other.changes.count()
    return HoldingPlan(plan=other, finished=total - other.changes.filter(state__in=NOT_ENDED).count(), total=total)

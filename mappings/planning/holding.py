"""Which plan holds a connector: one is applied at a time, and another one waits for its end. Also of projects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from connectors.models import Connector
from connectors.ports.extensions import PlanLink
from mappings.models import NOT_ENDED, OPEN_PLANS, UNANSWERED, UNDER_WAY, Change, Plan, PlanState


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


def plans_of_projects(connector: Connector, projects: Collection[int]) -> list[PlanLink]:
    """With changes of these projects' own lists that have not ended, or whose outcome nobody knows yet."""
    open_ = Q(state__in=NOT_ENDED, plan__state__in=OPEN_PLANS) | Q(state__in=UNANSWERED)
    mine = Change.objects.filter(open_, plan__connector=connector, scope__project__in=projects).order_by("plan_id")
    numbers = mine.values_list("plan_id", flat=True).distinct()
    return [PlanLink(sentence=f"plan {number}", href=reverse("plan", args=[number])) for number in numbers]

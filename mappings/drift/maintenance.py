"""What the mappings have to do with a maintenance of their connector: plans that wait, and the check on return."""

from __future__ import annotations

from django.urls import reverse

from alignadmin.accounts.models import Person
from connectors.models import Connector, Job
from connectors.ports.extensions import HeldUp
from mappings.drift import watch
from mappings.models import Plan, PlanState

WORDS = {PlanState.APPLYING: "is being applied, and pauses before its next request", PlanState.PAUSED: "is paused"}


def plans_held_up(connector: Connector) -> list[HeldUp]:
    """At most one: a connector applies one plan at a time."""
    found = Plan.objects.filter(connector=connector, state__in=WORDS)
    return [
        HeldUp(sentence=f"Plan {plan.pk} {WORDS[PlanState(plan.state)]}", href=reverse("plan", args=[plan.pk]))
        for plan in found
    ]


def check_on_return(connector: Connector, actor: Person) -> Job:
    return watch.start_check(connector, actor)

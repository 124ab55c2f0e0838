"""Figures of the rate budget, for each site that an active connector leads to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count

from alignadmin.figures import Figure, FigureSource, FigureValue
from connectors.budget.origins import sites
from connectors.budget.slots import limits_from_settings, taken
from connectors.budget.slots import now as moment
from connectors.models import BudgetGate

SITE = ("system", "site")
SLOTS = Figure(
    name="alignadmin_budget_slots", help="Requests that we allow ourselves per window (BUDGET_SLOTS).", labels=SITE
)
FOR_WORK = Figure(
    name="alignadmin_budget_slots_for_work",
    help="Slots of them that workers may take: what is left (BUDGET_RESERVED) is for people's clicks.",
    labels=SITE,
)
USED = Figure(name="alignadmin_budget_slots_used", help="Slots that are taken now.", labels=SITE)
BLOCKED = Figure(
    name="alignadmin_budget_blocked_seconds",
    help="Seconds until requests go on, after the site has refused one; 0: it is not blocked.",
    labels=SITE,
)
REFUSALS = Figure(
    name="alignadmin_rate_limited_total",
    help="Times that the site asked to be left alone, by 429, or 503 with Retry-After: once for each block, however "
    "many requests it refused.",
    labels=SITE,
    only_rises=True,
)


def _read(_: datetime) -> Iterator[FigureValue]:
    limits, at = limits_from_settings(), moment()
    counted = BudgetGate.objects.annotate(used=Count("slots", filter=taken(limits, at)))
    gates = {(gate.system, gate.origin): gate for gate in counted}
    for system, origin in sites():
        gate, labels = gates.get((system, origin)), (system, origin)
        block = (gate.blocked_until - at).total_seconds() if gate and gate.blocked_until else 0.0
        yield SLOTS.of(limits.slots, *labels)
        yield FOR_WORK.of(limits.for_bulk(), *labels)
        yield USED.of(gate.used if gate else 0, *labels)
        yield BLOCKED.of(max(0.0, block), *labels)
        yield REFUSALS.of(gate.refusals if gate else 0, *labels)


BUDGET_FIGURES = FigureSource(name="budget", figures=(SLOTS, FOR_WORK, USED, BLOCKED, REFUSALS), read=_read)

"""Figures of the rate budget, for each site that an active connector leads to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Q

from alignadmin.figures import Figure, FigureSource, FigureValue
from connectors.budget.origins import origins
from connectors.budget.slots import System, limits_from_settings
from connectors.budget.slots import now as moment
from connectors.models import BudgetGate, Connector

SYSTEMS: tuple[System, ...] = ("align", "jira")

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


def sites() -> list[tuple[System, str]]:
    """Each once, whichever connectors share it."""
    active = Connector.objects.filter(is_active=True).order_by("name").only("align_site", "jira_site")
    found = [(system, origin) for each in active for system in SYSTEMS for origin in origins(each, system)]
    return list(dict.fromkeys(found))


def _read(_: datetime) -> Iterator[FigureValue]:
    limits, at = limits_from_settings(), moment()
    taken = Q(slots__number__lt=limits.slots, slots__free_at__gt=at)
    gates = {
        (gate.system, gate.origin): gate for gate in BudgetGate.objects.annotate(used=Count("slots", filter=taken))
    }
    for system, origin in sites():
        gate, labels = gates.get((system, origin)), (system, origin)
        block = (gate.blocked_until - at).total_seconds() if gate and gate.blocked_until else 0.0
        yield SLOTS.of(limits.slots, *labels)
        yield FOR_WORK.of(limits.for_bulk(), *labels)
        yield USED.of(gate.used if gate else 0, *labels)
        yield BLOCKED.of(max(0.0, block), *labels)
        yield REFUSALS.of(gate.refusals if gate else 0, *labels)


BUDGET_FIGURES = FigureSource(name="budget", figures=(SLOTS, FOR_WORK, USED, BLOCKED, REFUSALS), read=_read)

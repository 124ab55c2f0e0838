"""What becomes of plans and lists when a connector is handed over to the one that was made anew in Align.

Every record there is another one. So plans that were not started end, the ids of all records are forgotten, and each
list counts as not read until it was: no id of the former connector is ever sent to the new one. What people wanted and
what was agreed stays, so that the first reading shows what the new connector lacks.
"""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse

from alignadmin.accounts.models import Person
from connectors.models import Connector
from connectors.ports.extensions import PlanLink
from mappings.engine.values import Situation
from mappings.models import OPEN_PLANS, UNDER_WAY, ForeignRecord, Mapping, Plan, PlanState, Scope
from mappings.planning.pause_resume import cancel_unstarted

ENDING = (PlanState.DRAFT, PlanState.APPROVED)


def why_not(connector: Connector) -> str:
    """A plan that was started has requests under way, whose outcome only the former connector can tell."""
    busy = Plan.objects.filter(connector=connector, state__in=UNDER_WAY).first()
    if busy is None:
        return ""
    if busy.state == PlanState.PAUSED:
        return f"Plan {busy.pk} is paused: resume it, or cancel the rest of it, and hand over when it has ended."
    return f"Plan {busy.pk} is being applied: wait for its end, or cancel the rest of it."


def ending_plans(connector: Connector) -> list[PlanLink]:
    """None of lists of ours, whose records are here."""
    return _named(connector, ENDING, is_ours=False)


def open_plans(connector: Connector) -> list[PlanLink]:
    """Also those that were started."""
    return _named(connector, OPEN_PLANS)


def _named(connector: Connector, states: Collection[PlanState], **more: bool) -> list[PlanLink]:
    found = Plan.objects.filter(connector=connector, state__in=states, **more)
    plans = found.select_related("author").order_by("pk")
    return [
        PlanLink(
            sentence=f"Plan {plan.pk} of {plan.author} ({plan.get_state_display().lower()}): {plan.reason}",
            href=reverse("plan", args=[plan.pk]),
        )
        for plan in plans
    ]


def leave_former(connector: Connector, number: int, *, actor: Person) -> list[int]:
    """In the caller's transaction; the entries of the plans come last, since others lock lists before the history."""
    ending = Plan.objects.locked().filter(connector=connector, state__in=ENDING, is_ours=False).order_by("pk")
    plans = list(ending.select_related("connector", "author", "approver"))
    former = connector.align_connector_id
    unread = f"Not read since connector {former} was made anew in Jira Align as {number}: refresh it."
    scopes = Scope.objects.filter(connector=connector, is_ours=False)
    list(scopes.locked().order_by("pk").values_list("pk", flat=True))
    scopes.filter(observed_at__isnull=False).update(error=unread, remark="", rows=0, foreign_rows=0)
    ForeignRecord.objects.filter(scope__connector=connector).delete()
    _forget_records(connector)
    for plan in plans:
        cancel_unstarted(plan, why=f"since connector {former} was made anew in Jira Align as {number}", actor=actor)
    return [plan.pk for plan in plans]


def _forget_records(connector: Connector) -> None:
    """Which of several records an admin had chosen to stay is forgotten, too: it is gone with them."""
    rows = Mapping.objects.filter(scope__connector=connector, scope__is_ours=False)
    chosen = rows.filter(keep_remote_id__isnull=False).exclude(situation=Situation.EDITED)
    chosen.update(waits=False)
    rows.update(remote_id=None, duplicates=[], names_in_align={}, keep_remote_id=None, kept_by=None)

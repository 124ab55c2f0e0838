"""The rules of a connector's plans, and the emergency that they leave open."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act, carried_in, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.act_words import of_connector
from connectors.ports.requests import connector_or_404
from mappings import planning
from mappings.planning import emergencies
from mappings.planning.notifications import other_admins
from mappings.planning.rules import rules_of, set_rules
from mappings.plans.rules_form import RulesForm
from mappings.plans.views import TYPED, WARNINGS, plan_or_404

RULES = Act(
    does=of_connector("Change the rules of plans of {connector}"),
    shown=shown_in(RulesForm),
    carried=carried_in(RulesForm),
)
EMERGENCY = Act(
    does="Approve plan {pk} alone, in an emergency",
    shown={"emergency": "What the emergency is", "warnings": WARNINGS, "confirm": TYPED},
    carried=("fingerprint",),
)

# --- rules ---------------------------------------------------------------------------------------------------------


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=RULES)
def rules(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    if request.method != "POST":
        return _show(request, connector, RulesForm.of(rules_of(connector)))
    form = RulesForm.of(rules_of(connector), request.POST)
    if not form.is_valid():
        return _show(request, connector, form, status=400, trouble="The rules are not saved.")
    try:
        set_rules(connector, form.rules_typed, seen=form.cleaned_data["seen"], actor=person_of(request))
    except Refused as refused:
        connector.refresh_from_db()
        return _show(request, connector, RulesForm.of(rules_of(connector)), status=409, trouble=str(refused))
    messages.success(request, "The rules are saved. They hold for everything from now on, waiting plans too.")
    return redirect(request, reverse("connector-settings", args=[slug]))


def _show(
    request: HttpRequest, connector: Connector, form: RulesForm, *, status: int = 200, trouble: str = ""
) -> HttpResponse:
    context = {"connector": connector, "form": form, "is_alone": not other_admins(person_of(request))}
    return page(
        request, "mappings/plans/rules.html", {**context, "trouble": trouble} if trouble else context, status=status
    )


# --- emergencies ---------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=EMERGENCY)
def emergency(request: HttpRequest, pk: int) -> HttpResponse:
    """The author approves their own plan, where a second person has to."""
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    fingerprint, reason = text_in(request.POST, "fingerprint"), text_in(request.POST, "emergency")
    ticked, typed = text_in(request.POST, "warnings") == "on", text_in(request.POST, "confirm")
    try:
        planning.approve_in_emergency(
            found, fingerprint, ticked=ticked, reason=reason, typed=typed, actor=person_of(request)
        )
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, reverse("plan", args=[pk]))


@requires(Right.SEE, Right.APPROVE, ("POST",))
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Another admin has taken note of it."""
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    try:
        emergencies.acknowledge(found, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.success(request, f"Noted: the emergency approval of plan {pk} leaves the overview.")
    return redirect(request, reverse("plan", args=[pk]))

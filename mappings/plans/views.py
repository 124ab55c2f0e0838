"""Plans: choosing rows, the one page before, during and after an apply, and the acts on it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, consent
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.requests import connector_or_404
from mappings import planning
from mappings.edits.matrix_scope import OURS
from mappings.edits.names import names_of
from mappings.edits.queries import waiting_edits
from mappings.matrix.lines import EditLine, Places, edit_line
from mappings.models import Change, Plan
from mappings.planning import approval_asks, roll_back
from mappings.plans.plan_list import PlanList
from mappings.plans.plan_page import PlanPage, RollBackPage

FILTERS = ("action", "project_key", "direction", "state")


# --- choosing ------------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """The waiting rows, mine ticked; a POST makes the plan."""
    connector = connector_or_404(slug)
    person = person_of(request)
    if request.method == "POST":
        return _make(request, connector, person)
    return page(request, "mappings/plans/new.html", _choices(connector, person, text_in(request.GET, "of")))


def _choices(connector: Connector, person: Person, of: str, **extra: object) -> dict[str, object]:
    """A plan is of Align's lists, or of lists of ours: those that `of` asks for, else those of which some wait."""
    found = list(waiting_edits(connector))
    of_ours, of_align = (
        [each for each in found if each.scope.is_ours],
        [each for each in found if not each.scope.is_ours],
    )
    is_ours = bool(of_ours) and (of == OURS or not of_align)
    waiting, elsewhere = (of_ours, of_align) if is_ours else (of_align, of_ours)
    names, places = names_of(connector, waiting) if waiting else None, Places()
    lines: list[EditLine] = [edit_line(mapping, names, person, places) for mapping in waiting] if names else []
    mine = [line for line in lines if line.mine]
    others = [line for line in lines if not line.mine]
    kinds = {"is_ours": is_ours, "elsewhere": len(elsewhere), "can_plan": any(not line.unused for line in lines)}
    return {"connector": connector, "mine": mine, "others": others, **kinds, **extra}


def _make(request: HttpRequest, connector: Connector, person: Person) -> HttpResponse:
    chosen = {pk for each in request.POST.getlist("row") if (pk := whole(each)) is not None}
    reason, ticket = text_in(request.POST, "reason"), text_in(request.POST, "ticket")
    try:
        if not chosen:
            raise Refused("Choose at least one edit.")
        made = planning.make_plan(connector, chosen, actor=person, reason=reason, ticket=ticket)
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        typed = {"trouble": str(refused), "reason": reason, "ticket": ticket, "chosen": chosen}
        shown = _choices(connector, person, text_in(request.POST, "of"), **typed)
        return page(request, "mappings/plans/new.html", shown, status=409)
    return redirect(request, reverse("plan", args=[made.pk]))


@requires(Right.SEE)
def plans(request: HttpRequest) -> HttpResponse:
    asked = {name: text_in(request.GET, name) for name in ("state", "person")}
    found = PlanList(slug=text_in(request.GET, "connector"), number=text_in(request.GET, "page", "1"), **asked)
    return page(request, "mappings/plans/list.html", {"page": found})


# --- one plan ------------------------------------------------------------------------------------------------------


def plan_or_404(pk: int) -> Plan:
    return get_object_or_404(Plan.objects.select_related("connector", "author", "approver", "applier"), pk=pk)


@requires(Right.SEE)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    return _page(request, found)


def _page(request: HttpRequest, found: Plan) -> HttpResponse:
    filters = {name: text_in(request.GET, name) for name in FILTERS}
    shown = PlanPage(found, person_of(request), filters, text_in(request.GET, "page", "1"))
    return page(request, "mappings/plans/plan.html", {"page": shown}, fragment="mappings/plans/_plan.html")


Action = Callable[[Plan, HttpRequest], object]


def _perform(request: HttpRequest, pk: int, act: Action, *, in_place: bool = False) -> HttpResponse:
    """Act on a plan, then show it: by a redirect, or `in_place` for htmx, where nothing scrolls or loses the focus."""
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    try:
        act(found, request)
    except Refused as refused:
        return failure(request, str(refused))
    if in_place and request.htmx:  # type: ignore[attr-defined]
        return _page(request, plan_or_404(pk))
    query = request.GET.urlencode()
    return redirect(request, reverse("plan", args=[pk]) + (f"?{query}" if query else ""))


WARNINGS = consent("I have read the warnings")
TYPED = "Typed to confirm"
APPROVE = Act(does="Approve plan {pk}", shown={"warnings": WARNINGS, "confirm": TYPED}, carried=("fingerprint",))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=APPROVE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    return _perform(request, pk, _approve)


def _approve(found: Plan, request: HttpRequest) -> object:
    fingerprint, ticked = text_in(request.POST, "fingerprint"), text_in(request.POST, "warnings") == "on"
    typed = text_in(request.POST, "confirm")
    return planning.approve(found, fingerprint, ticked=ticked, typed=typed, actor=person_of(request))


@requires(Right.SEE, Right.EDIT, ("POST",))
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask admins to approve it."""
    return _perform(request, pk, _ask, in_place=True)


def _ask(found: Plan, request: HttpRequest) -> object:
    chosen = {number for each in request.POST.getlist("admin") if (number := whole(each)) is not None}
    return approval_asks.ask(found, chosen, note=text_in(request.POST, "note"), actor=person_of(request))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=Act(does="Apply plan {pk}", shown={"confirm": TYPED}))
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    return _perform(request, pk, _apply)


def _apply(found: Plan, request: HttpRequest) -> object:
    return planning.start_apply(found, typed=text_in(request.POST, "confirm"), actor=person_of(request))


@requires(Right.SEE, Right.EDIT, ("POST",))
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    return _perform(request, pk, lambda found, req: planning.start_refresh(found, actor=person_of(req)), in_place=True)


@requires(Right.SEE, Right.APPROVE, ("POST",))
def control(request: HttpRequest, pk: int, command: str) -> HttpResponse:
    """Pause, resume or cancel."""
    return _perform(
        request, pk, lambda found, req: planning.control(found, command, actor=person_of(req)), in_place=True
    )


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=Act(does="Retry the failed changes of plan {pk}"))
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again what failed."""
    return _perform(request, pk, lambda found, req: planning.retry_failed(found, actor=person_of(req)), in_place=True)


# --- taking back ---------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def back(request: HttpRequest, pk: int) -> HttpResponse:
    """What a roll back would restore and what it would leave out; a POST makes its plan."""
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    reason, ticket = text_in(request.POST, "reason", roll_back.opening(found)), text_in(request.POST, "ticket")
    if request.method != "POST":
        return page(request, "mappings/plans/roll_back.html", {"page": _roll_back_page(found, reason, ticket)})
    try:
        made = roll_back.roll_back(found, reason=reason, ticket=ticket, actor=person_of(request))
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        typed = {"page": _roll_back_page(found, reason, ticket), "trouble": str(refused)}
        return page(request, "mappings/plans/roll_back.html", typed, status=409)
    return redirect(request, reverse("plan", args=[made.pk]))


def _roll_back_page(found: Plan, reason: str, ticket: str) -> RollBackPage:
    return RollBackPage(
        plan=found,
        taking_back=roll_back.preview(found),
        under_way=roll_back.under_way(found),
        reason=reason,
        ticket=ticket,
    )


@requires(Right.SEE, Right.EDIT, ("POST",))
def put_back(request: HttpRequest, pk: int, position: int) -> HttpResponse:
    """Make the waiting edit that restores what a change overwrote."""
    change = get_object_or_404(Change, plan_id=pk, position=position)
    return _perform(request, pk, lambda _, req: roll_back.put_back(change, actor=person_of(req)), in_place=True)

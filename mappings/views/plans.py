"""Plans: choosing rows, the one page before, during and after an apply, and the acts on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.pages import failure, page, redirect
from connectors.context import belongs_to
from connectors.models import ACTIVE, Connector, Job, Person
from connectors.rights import Right, may, requires
from mappings import planning
from mappings.engine.families import FAMILIES
from mappings.models import Change, ChangeState, Plan, PlanState
from mappings.pages import EditLine, edit_line
from mappings.queries import names_of, waiting_edits
from mappings.services import Refused
from mappings.views.matrix import connector_or_404, person_of

PER_PAGE = 100
FILTERS = ("action", "project_key", "direction", "state")


# --- choosing ------------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """The waiting rows, mine ticked; a POST makes the plan."""
    connector = connector_or_404(slug)
    person = person_of(request)
    if request.method == "POST":
        return _make(request, connector, person)
    return page(request, "plans/new.html", _choices(connector, person))


def _choices(connector: Connector, person: Person, **extra: object) -> dict[str, object]:
    waiting = list(waiting_edits(connector))
    names = names_of(connector) if waiting else None
    lines: list[EditLine] = [edit_line(mapping, names, person) for mapping in waiting] if names else []
    mine = [line for line in lines if line.mine]
    others = [line for line in lines if not line.mine]
    return {"connector": connector, "mine": mine, "others": others, **extra}


def _make(request: HttpRequest, connector: Connector, person: Person) -> HttpResponse:
    chosen = {int(pk) for pk in request.POST.getlist("row") if pk.isascii() and pk.isdigit()}
    reason, ticket = request.POST.get("reason", ""), request.POST.get("ticket", "")[:100]
    try:
        if not chosen:
            raise Refused("Choose at least one edit.")
        made = planning.make_plan(connector, chosen, actor=person, reason=reason, ticket=ticket)
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        typed = {"trouble": str(refused), "reason": reason, "ticket": ticket, "chosen": chosen}
        return page(request, "plans/new.html", _choices(connector, person, **typed), status=409)
    return redirect(request, reverse("plan", args=[made.pk]))


@requires(Right.SEE)
def plans(request: HttpRequest) -> HttpResponse:
    found = Plan.objects.select_related("connector", "author", "approver").order_by("-id")
    slug, state = request.GET.get("connector", ""), request.GET.get("state", "")
    if slug:
        found = found.filter(connector__slug=slug)
    if state in PlanState.values:
        found = found.filter(state=state)
    context = {
        "plans": Paginator(found, 50).get_page(request.GET.get("page")),
        "connectors": Connector.objects.all(),
        "states": PlanState.choices,
        "slug": slug,
        "state": state,
    }
    return page(request, "plans/list.html", context)


# --- one plan ------------------------------------------------------------------------------------------------------


@dataclass
class PlanPage:
    """One plan for one person, with the filters of the address."""

    plan: Plan
    person: Person
    filters: dict[str, str]
    number: str = "1"

    @cached_property
    def counts(self) -> dict[str, int]:
        """By action, plus `stale`, `failed`, `done`, ... by state."""
        pairs = list(self.plan.changes.values_list("action", "state", "confirmed"))
        counts = Counter(action for action, _, _ in pairs) + Counter(state for _, state, _ in pairs)
        counts["confirmed"] = sum(confirmed is True for _, _, confirmed in pairs)
        counts["unconfirmed"] = sum(confirmed is False for _, _, confirmed in pairs)
        return dict(counts, total=len(pairs), open=counts["planned"] + counts["sending"] + counts["unknown"])

    @property
    def settled(self) -> int:
        return self.counts["total"] - self.counts["open"]

    @cached_property
    def changes(self) -> Page[Change]:
        return Paginator(self._filtered(), PER_PAGE).get_page(self.number)

    def _filtered(self) -> QuerySet[Change]:
        changes = self.plan.changes.select_related("scope__project").order_by("position")
        direction = self.filters.get("direction", "")
        wanted = {name: value for name, value in self.filters.items() if value and name != "direction"}
        if direction:
            wanted["family__startswith"] = direction
        return changes.filter(**wanted)

    @property
    def projects(self) -> list[str]:
        keys = self.plan.changes.exclude(project_key="").values_list("project_key", flat=True)
        return sorted(set(keys))[:500]

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.filters.items() if value})

    @property
    def is_running(self) -> bool:
        return self.plan.state == PlanState.APPLYING

    @property
    def is_old(self) -> bool:
        return self.plan.state in (PlanState.DRAFT, PlanState.APPROVED) and planning.is_old(self.plan)

    @cached_property
    def job(self) -> Job | None:
        """The apply or refresh that runs, or the last one, for its error."""
        found = Job.objects.filter(connector_id=self.plan.connector_id, subject=str(self.plan.pk))
        return found.filter(kind__in=["apply", "plan-refresh"]).order_by("-id").first()

    @property
    def is_busy(self) -> bool:
        return self.is_running or bool(self.job and self.job.state in ACTIVE)

    @property
    def current(self) -> Change | None:
        return self.plan.changes.filter(state=ChangeState.SENDING).order_by("position").first()

    @property
    def pace(self) -> float | None:
        """Settled changes a second since the start."""
        started, done = self.plan.started_at, self.settled
        if not started or not done or not self.job:
            return None
        last = self.plan.changes.exclude(answered_at=None).order_by("-answered_at").first()
        seconds = (last.answered_at - started).total_seconds() if last and last.answered_at else 0
        return done / seconds if seconds > 0 else None

    @property
    def can_approve(self) -> bool:
        return self.plan.state == PlanState.DRAFT and may(self.person, Right.APPROVE)

    @property
    def can_apply(self) -> bool:
        return self.plan.state == PlanState.APPROVED and may(self.person, Right.APPROVE)

    @property
    def can_control(self) -> bool:
        return may(self.person, Right.APPROVE)

    @property
    def can_refresh(self) -> bool:
        return self.plan.state in (PlanState.DRAFT, PlanState.APPROVED) and may(self.person, Right.EDIT)

    @cached_property
    def confirmation_word(self) -> str:
        return planning.confirmation_word(self.plan)

    @property
    def fingerprint(self) -> str:
        """In groups of four, as two people read it to each other."""
        text = self.plan.fingerprint[:16]
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    @property
    def directions(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in dict.fromkeys(f.direction for f in FAMILIES.values())]

    @property
    def max_age_minutes(self) -> int:
        return int(settings.PLAN_MAX_AGE // 60)


def plan_or_404(pk: int) -> Plan:
    return get_object_or_404(Plan.objects.select_related("connector", "author", "approver", "applier"), pk=pk)


@requires(Right.SEE)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    filters = {name: request.GET.get(name, "") for name in FILTERS}
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    shown = PlanPage(found, person_of(request), filters, request.GET.get("page", "1"))
    return page(request, "plans/plan.html", {"page": shown}, fragment="plans/_plan.html")


Act = Callable[[Plan, HttpRequest], object]


def _act(request: HttpRequest, pk: int, act: Act) -> HttpResponse:
    found = plan_or_404(pk)
    belongs_to(request, found.connector)
    try:
        act(found, request)
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, reverse("plan", args=[pk]))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=True)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, _approve)


def _approve(found: Plan, request: HttpRequest) -> object:
    fingerprint, ticked = request.POST.get("fingerprint", ""), "warnings" in request.POST
    return planning.approve(found, fingerprint, ticked=ticked, actor=person_of(request))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=True)
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, _apply)


def _apply(found: Plan, request: HttpRequest) -> object:
    return planning.start_apply(found, typed=request.POST.get("confirm", ""), actor=person_of(request))


@requires(Right.SEE, Right.EDIT, ("POST",))
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, _refresh)


def _refresh(found: Plan, request: HttpRequest) -> Job:
    return planning.start_refresh(found, actor=person_of(request))


@requires(Right.SEE, Right.APPROVE, ("POST",))
def control(request: HttpRequest, pk: int, wish: str) -> HttpResponse:
    """Pause, resume or cancel."""
    return _act(request, pk, lambda found, req: planning.control(found, wish, actor=person_of(req)))

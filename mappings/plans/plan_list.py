"""The list of all plans: what became of each, whose it is, and which of them the filters leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import ROLE_RIGHTS, Right
from alignadmin.parsing import whole
from alignadmin.text import first_of
from connectors.models import Connector
from mappings.models import UNANSWERED, Change, ChangeState, Plan, PlanState
from mappings.planning.rules import why_void
from mappings.plans.outcome import PlanOutcome, change_counts, outcome

PER_PAGE = 50
MOST_EDITORS = 3  # named in a row
EDITORS = [role for role, rights in ROLE_RIGHTS.items() if Right.EDIT in rights]
OF_PLAN = Change.objects.filter(plan=OuterRef("pk"))
ANY_DONE = Exists(OF_PLAN.filter(state=ChangeState.DONE))
ANY_UNKNOWN = Exists(OF_PLAN.filter(state__in=UNANSWERED))
ANY_OTHER = Exists(OF_PLAN.exclude(state=ChangeState.DONE))
FINISHED = Q(state=PlanState.FINISHED)
OUTCOMES = {  # value in the address -> label and what it leaves
    "draft": ("to approve", Q(state=PlanState.DRAFT)),
    "approved": ("approved", Q(state=PlanState.APPROVED)),
    "applying": ("applying", Q(state=PlanState.APPLYING)),
    "paused": ("paused", Q(state=PlanState.PAUSED)),
    "finished": ("ended", FINISHED),
    "applied": ("applied", FINISHED & Q(ANY_DONE) & ~Q(ANY_OTHER)),
    "partly": ("partly applied", FINISHED & Q(ANY_DONE) & Q(ANY_OTHER)),
    "nothing": ("nothing applied", FINISHED & ~Q(ANY_DONE) & ~Q(ANY_UNKNOWN)),
    "unknown": ("result not known", FINISHED & ~Q(ANY_DONE) & Q(ANY_UNKNOWN)),
    "cancelled": ("cancelled", Q(state=PlanState.CANCELLED)),
    "replaced": ("replaced", Q(state=PlanState.REPLACED)),
}


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """One row. `editors`: "Eli Editor and 2 more", whose edits it holds, where these are not the planner's alone."""

    plan: Plan
    outcome: PlanOutcome
    editors: str


@dataclass(frozen=True, kw_only=True)
class PlanList:
    """The plans that the filters of the address leave, the newest first. `person`: who had any part in them."""

    slug: str = ""
    state: str = ""
    person: str = ""
    number: str = "1"

    @property
    def query(self) -> str:
        pairs = {"connector": self.slug, "state": self.state, "person": self.person}
        return urlencode({name: value for name, value in pairs.items() if value})

    @cached_property
    def plans(self) -> Page[Plan]:
        return Paginator(self._filtered(), PER_PAGE).get_page(self.number)

    def _filtered(self) -> QuerySet[Plan]:
        found = Plan.objects.select_related("connector", "author", "approver", "applier").order_by("-id")
        if self.slug:
            found = found.filter(connector__slug=self.slug)
        if self.state in OUTCOMES:
            found = found.filter(OUTCOMES[self.state][1])
        if self.person:
            found = found.filter(_with_part_of(whole(self.person) or 0))
        return found

    @cached_property
    def lines(self) -> list[PlanLine]:
        """In two queries, however many plans there are."""
        ids = [plan.pk for plan in self.plans]
        counts, editors = change_counts(ids), _editors(ids)
        return [_line(plan, counts[plan.pk], editors[plan.pk]) for plan in self.plans]

    @property
    def connectors(self) -> QuerySet[Connector]:
        return Connector.objects.order_by("name")

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in OUTCOMES.items()]

    @property
    def people(self) -> QuerySet[Person]:
        """Who edits or plans, or had their name on a plan."""
        on_plans = Q()
        for part in ("author", "approver", "applier"):
            on_plans |= Q(pk__in=Plan.objects.exclude(**{part: None}).order_by().values(part))
        return Person.objects.filter(Q(role__in=EDITORS) | on_plans).order_by("name", "pk")


def _line(plan: Plan, counts: MappingOf[str, int], editors: list[tuple[int, str]]) -> PlanLine:
    is_void = bool(why_void(plan, {plan.author_id, *(pk for pk, _ in editors)}))
    return PlanLine(plan=plan, outcome=outcome(plan, counts, is_void=is_void), editors=_named(editors, plan.author_id))


def _with_part_of(person: int) -> Q:
    """Whoever planned, approved or applied it, or whose edits it holds."""
    return Q(author=person) | Q(approver=person) | Q(applier=person) | Q(Exists(OF_PLAN.filter(author=person)))


def _editors(plans: list[int]) -> defaultdict[int, list[tuple[int, str]]]:
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    edits = Change.objects.filter(plan__in=plans).exclude(author=None).order_by("author_name")
    for plan, pk, name in edits.values_list("plan", "author", "author_name").distinct():
        found[plan].append((pk, name))
    return found


def _named(editors: list[tuple[int, str]], planner: int) -> str:
    if [pk for pk, _ in editors] in ([], [planner]):
        return ""
    return first_of([name for _, name in editors], MOST_EDITORS)

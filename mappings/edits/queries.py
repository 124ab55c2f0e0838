"""What waits in a connector's mappings, and names for sentences about many of them."""

from __future__ import annotations

from django.db.models import BooleanField, Count, Exists, Func, OuterRef, Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.text import counted
from alignadmin.web.navigation import AttentionCount
from connectors.models import Connector
from mappings.engine.values import Situation
from mappings.models import NOT_ENDED, OPEN_PLANS, Change, Edit, Mapping, Plan, PlanState

OPEN_SITUATIONS = [Situation.DRIFTED, Situation.CONFLICT]


def waiting_edits(connector: Connector) -> QuerySet[Mapping]:
    """Rows that may go into a plan: edited ones, and duplicates for which somebody chose which record stays."""
    return (
        Mapping.objects.filter(waits=True, scope__connector=connector)
        .select_related("scope__project", "scope__connector", "wanted_by", "former_by", "kept_by")
        .order_by("scope_id", "work_item_type", "source_id")
    )


def unplanned() -> QuerySet[Mapping]:
    """Edits of every connector that nobody has planned as they are wanted now: what pages count as edits."""
    return Mapping.objects.filter(waits=True).exclude(Exists(_planned_as_wanted())).order_by()


def _planned_as_wanted() -> QuerySet[Change]:
    """Of a row outside: what an open plan still sends of it just as it is wanted. That waits there, and is told with
    the plan alone; an edit made since then is not in it. A further record to delete stands beside its own change.
    """
    left = Change.objects.filter(plan__state__in=OPEN_PLANS, mapping=OuterRef("pk"), state__in=NOT_ENDED)
    same = Q(after=OuterRef("wanted")) | (Q(after=None) & Q(mapping__wanted=None))
    return left.filter(same | Q(is_spare=True))


class HasSeveralRecords(Func):
    """Of the column `duplicates`: as the partial index of migration 0012 says it, without a parameter."""

    template = "(%(expressions)s <> '[]')"
    output_field = BooleanField()


def with_several_records(connector: Connector) -> QuerySet[Mapping]:
    """Keys of which Align has more than one record."""
    return Mapping.objects.filter(HasSeveralRecords("duplicates"), scope__connector=connector)


def to_decide(connector: Connector) -> QuerySet[Mapping]:
    """Rows that somebody changed elsewhere and nobody has decided on."""
    return (
        Mapping.objects.filter(scope__connector=connector, situation__in=OPEN_SITUATIONS)
        .select_related("scope__project", "wanted_by")
        .order_by("scope_id", "work_item_type", "source_id")
    )


def situation_counts(connector: Connector) -> dict[str, int]:
    rows = Mapping.objects.filter(scope__connector=connector).exclude(situation=Situation.IN_SYNC)
    return dict(rows.values_list("situation").annotate(n=Count("pk")))


def my_last_edits(connector: Connector, person_id: int) -> tuple[Edit | None, Edit | None]:
    """The edit that undo would take back, and the one that redo would make again."""
    mine = Edit.objects.filter(connector=connector, person_id=person_id)
    done = mine.filter(undone=False).order_by("-id").first()
    undone = mine.filter(undone=True, id__gt=done.pk if done else 0).order_by("id").first()
    return done, undone


def plans_waiting_for(person: Person) -> QuerySet[Plan] | int:
    """Plans that this person could move on: to approve, or approved and not applied."""
    if not may(person, Right.APPROVE):
        return 0
    return Plan.objects.filter(state__in=[PlanState.DRAFT, PlanState.APPROVED])


TO_APPROVE_OR_APPLY = AttentionCount(
    entry="Plans",
    of=plans_waiting_for,
    words=lambda number: f"{counted(number, 'plan')} to approve or apply",
    page="plans",
)

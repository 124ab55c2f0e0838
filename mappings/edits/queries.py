"""What waits in a connector's mappings, and names for sentences about many of them."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.models import Connector, ProcessStep
from connectors.models import Status as CatalogueStatus
from mappings.engine.values import ALIGN_STATES, Direction, Kind, Situation
from mappings.models import Edit, Mapping, Plan, PlanState

OPEN_SITUATIONS = [Situation.DRIFTED, Situation.CONFLICT]


def waiting_edits(connector: Connector) -> QuerySet[Mapping]:
    """Rows that may go into a plan: edited ones, and duplicates for which somebody chose which record stays."""
    return (
        Mapping.objects.filter(waits=True, scope__connector=connector)
        .select_related("scope__project", "scope__connector", "wanted_by", "former_by", "kept_by")
        .order_by("scope_id", "work_item_type", "source_id")
    )


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


def plans_waiting_for(person: Person) -> int:
    """Plans that this person could move on: to approve, or approved and not applied."""
    if not may(person, Right.APPROVE):
        return 0
    return Plan.objects.filter(state__in=[PlanState.DRAFT, PlanState.APPROVED]).count()


@dataclass(frozen=True)
class Names:
    """Names of statuses and steps by id."""

    statuses: MappingOf[int, str]
    steps: MappingOf[int, str]

    def of(self, kind: Kind, direction: Direction, *, source: int | None = None, target: int | None = None) -> str:
        """The name of a source or of a target, by what it is in this family; empty for None."""
        to_align = direction is Direction.JIRA_TO_ALIGN
        id_, is_status = (source, to_align) if source is not None else (target, not to_align)
        if id_ is None:
            return ""
        if is_status:
            return self.statuses.get(id_, f"Status {id_}")
        if kind is Kind.STATE:
            return ALIGN_STATES.get(id_, f"State {id_}")
        return self.steps.get(id_, f"Step {id_}")


def names_of(connector: Connector) -> Names:
    statuses = CatalogueStatus.objects.filter(connector=connector).values_list("jira_id", "name")
    steps = ProcessStep.objects.filter(connector=connector).values_list("align_id", "name")
    return Names(statuses=dict(statuses), steps=dict(steps))


def names_for(mappings: Sequence[Mapping]) -> Names:
    """Only the names that sentences about these rows need; all are of one connector."""
    if not mappings:
        return Names(statuses={}, steps={})
    connector_id = mappings[0].scope.connector_id
    values = (value for row in mappings for value in (row.source_id, row.wanted, row.applied, row.observed))
    ids = {value for value in values if value is not None}
    statuses = CatalogueStatus.objects.filter(connector_id=connector_id, jira_id__in=ids)
    steps = ProcessStep.objects.filter(connector_id=connector_id, align_id__in=ids)
    return Names(
        statuses=dict(statuses.values_list("jira_id", "name")), steps=dict(steps.values_list("align_id", "name"))
    )

"""What steps 5 to 10 of a set-up are worked out of, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Count, Min, Q

from connectors.align.terminology import ALIGNS_OWN, Terminology
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector
from connectors.ports.setup_steps import StatusPlace
from connectors.webhooks.setup_step import WebhookFacts, webhook_facts
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.edits.queries import unplanned, with_several_records
from mappings.engine.families import J2A_STATE
from mappings.engine.values import TypeName
from mappings.hierarchy.standing import HierarchyStanding, standing_of
from mappings.models import Change, ChangeState, Mapping
from mappings.observing.scopes import scopes_in_use
from mappings.setup_steps.fields_facts import FieldSetupFacts, facts_of_fields
from mappings.setup_steps.scope_facts import ScopeSetupFacts, facts_of_scope
from mappings.setup_steps.verify_facts import VerifySetupFacts, facts_of_verification


@dataclass(frozen=True, kw_only=True)
class TypeCoverage:
    """Of the statuses that a work item type can have, in the shared list and in those of team-managed projects."""

    work_item_type: TypeName
    mapped: int
    total: int


@dataclass(frozen=True, kw_only=True)
class MappingSetupFacts:
    slug: str
    coverage: Sequence[TypeCoverage] = ()
    lists: int = 0
    unread: int = 0  # of the lists: never read, or the last reading failed
    read_at: datetime | None = None  # of the list that was not read for longest
    trouble: str = ""  # why one of them could not be read
    duplicates: int = 0
    edits: int = 0  # not planned yet
    confirmed: int = 0  # changes that were applied from here and read back
    sharing: int = 0  # company-managed projects
    team_managed: int = 0
    is_active: bool = True
    terminology: Terminology = ALIGNS_OWN
    fields: FieldSetupFacts | None = None
    hierarchy: HierarchyStanding = field(default_factory=HierarchyStanding)
    webhook: WebhookFacts | None = None
    scope: ScopeSetupFacts | None = None
    verify: VerifySetupFacts | None = None

    @property
    def mapped(self) -> int:
        return sum(each.mapped for each in self.coverage)

    @property
    def total(self) -> int:
        return sum(each.total for each in self.coverage)


def facts_of_mappings(connector: Connector, matches: IssueTypes, *, for_states: bool = False) -> MappingSetupFacts:
    """`for_states`: see `guide_of`."""
    lists = scopes_in_use(connector)
    unread = Q(observed_at=None) | ~Q(error="")
    counts = lists.aggregate(all=Count("pk"), unread=Count("pk", filter=unread), read_at=Min("observed_at"))
    failed = lists.exclude(error="").order_by("pk").values_list("error", flat=True).first() if counts["unread"] else ""
    needed = MappingSetupFacts(
        slug=connector.slug,
        coverage=_coverage(connector, matches.places()),
        lists=counts["all"],
        unread=counts["unread"],
        read_at=counts["read_at"],
        trouble=failed or "",
        is_active=connector.is_active,
        terminology=connector.terminology,
        fields=facts_of_fields(connector, for_states=for_states),
        hierarchy=standing_of(connector, matches, for_states=for_states),
        webhook=webhook_facts(connector),
        scope=facts_of_scope(connector, for_states=for_states),
        verify=facts_of_verification(connector),
    )
    return needed if for_states else _with_what_is_shown(needed, connector)


def _with_what_is_shown(needed: MappingSetupFacts, connector: Connector) -> MappingSetupFacts:
    projects = projects_in_scope(connector).aggregate(
        sharing=Count("pk", filter=Q(team_managed=False)), team=Count("pk", filter=Q(team_managed=True))
    )
    applied = Change.objects.filter(plan__connector=connector, state=ChangeState.DONE, confirmed=True)
    return replace(
        needed,
        duplicates=with_several_records(connector).count(),
        edits=unplanned().filter(scope__connector=connector, scope__is_ours=False).count(),
        confirmed=applied.count(),
        sharing=projects["sharing"],
        team_managed=projects["team"],
    )


def _coverage(connector: Connector, places: MappingOf[str, AbstractSet[StatusPlace]]) -> list[TypeCoverage]:
    """States, Jira to Align: the direction in which a gap silently throws work back to 0 - Pending approval.

    A status that many company-managed projects share counts once, as its mapping is one.
    """
    of_align = Mapping.objects.filter(scope__connector=connector, scope__is_ours=False)
    rows = of_align.filter(scope__family=J2A_STATE.code, wanted__isnull=False)
    mapped: dict[str, set[StatusPlace]] = defaultdict(set)
    for type_name, project, status in rows.values_list("work_item_type", "scope__project_id", "source_id"):
        mapped[type_name].add((project, status))
    return [
        TypeCoverage(work_item_type=type_, mapped=len(places[type_] & mapped[type_]), total=len(places[type_]))
        for type_ in TypeName
    ]

"""What the connectors app asks of this one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alignadmin.accounts.models import Person
from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector, HistoryRow
from connectors.ports.differences import TableComparison
from connectors.ports.extensions import (
    ActivityLine,
    AttentionItem,
    ConnectorProjects,
    CoverageFigures,
    DriftFigures,
    HeldUp,
    PlanLink,
    ReadIssueTypes,
    RegularCheck,
    WriteProbe,
)
from connectors.ports.setup_steps import SetupCheck, SetupStep
from mappings import copies
from mappings.applying import overwrites
from mappings.configuration import proposing
from mappings.configuration.subjects import registered
from mappings.contract.write_probe import MappingWriteProbe
from mappings.drift import maintenance
from mappings.drift.status import status
from mappings.edits import lists_of_ours, mapping_document
from mappings.hierarchy import shared_levels
from mappings.in_use import rounds
from mappings.observing import unexplained_changes
from mappings.overview import checks, figures
from mappings.overview.activity import last_activity
from mappings.overview.cards import OverviewConnector
from mappings.planning import handing_over, holding, preferences
from mappings.planning import rules as plan_rules
from mappings.setup_steps import rules
from mappings.setup_steps.facts import facts_of_mappings


class MappingExtensions:
    """A `connectors.ports.extensions.ConnectorExtensions`."""

    write_probe: WriteProbe = MappingWriteProbe()
    comparisons: Sequence[TableComparison] = copies.COMPARISONS

    def rules_of_new(self) -> Mapping[str, Any]:
        return preferences.rules_of_new()

    def after_intake(self, connector: Connector, since: datetime) -> None:
        overwrites.find_overwrites(connector, since)

    def way_back(self, row: HistoryRow) -> str:
        return unexplained_changes.way_back(row)

    def attention(
        self, connector: Connector, person: Person, matches: ReadIssueTypes | None = None
    ) -> list[AttentionItem]:
        at_hand = matches if isinstance(matches, IssueTypes) else None
        waiting = OverviewConnector(connector, person, status(connector), at_hand).waiting
        return [AttentionItem(sentence=sentence, href=href) for sentence, href in waiting]

    def activity(self, connector: Connector, person: Person) -> Sequence[ActivityLine]:
        return last_activity(person, connector)

    def projects(self, connector: Connector) -> ConnectorProjects:
        return figures.projects(connector)

    def coverage(self, connector: Connector, only: Collection[int] | None) -> Mapping[int, CoverageFigures]:
        return figures.coverage(connector, only)

    def drift(self, connectors: Sequence[Connector]) -> Mapping[int, DriftFigures]:
        return figures.drift(connectors)

    def checks(self, connector: Connector) -> Sequence[RegularCheck]:
        return checks.checks(connector)

    def setup_steps(
        self,
        connector: Connector | None,
        known: Mapping[str, SetupCheck],
        matches: ReadIssueTypes | None,
        *,
        for_states: bool = False,
    ) -> Sequence[SetupStep]:
        facts = None
        if connector is not None and isinstance(matches, IssueTypes):
            facts = facts_of_mappings(connector, matches, for_states=for_states)
        return rules.mapping_steps(facts, known)

    def held_up(self, connector: Connector) -> list[HeldUp]:
        return maintenance.plans_held_up(connector)

    def on_return(self, connector: Connector, actor: Person) -> None:
        maintenance.check_on_return(connector, actor)

    def forget_jira(self, connector: Connector) -> None:
        rounds.forget(connector)

    def open_plans(self, connector: Connector) -> list[PlanLink]:
        return handing_over.open_plans(connector)

    def disconnect(self, connector: Connector, actor: Person) -> list[str]:
        return proposing.withdraw_disconnected(connector, actor=actor)

    def mappings_document(self, connector: Connector) -> Iterable[Mapping[str, Any]]:
        return mapping_document.mappings_of(connector)

    def configuration_document(self, connector: Connector) -> Mapping[str, Mapping[str, Any]]:
        return {subject.code: dict(subject.agreed(connector)) for subject in registered()}

    def agreed_levels(self, connector: Connector) -> Mapping[str, Sequence[str]]:
        return shared_levels.agreed_levels(connector)

    def wanted_levels(self, connector: Connector) -> Mapping[str, Sequence[str]]:
        return shared_levels.wanted_levels(connector)

    def draft_levels(self, connector: Connector, levels: Mapping[str, Sequence[str]], actor: Person) -> None:
        shared_levels.draft_levels(connector, levels, actor=actor)

    def take_rules(self, connector: Connector, values: Mapping[str, Any], actor: Person) -> None:
        rules = plan_rules.rules_of(Connector.objects.get(pk=connector.pk))
        plan_rules.set_rules(connector, replace(rules, **values), seen=rules.stamp, actor=actor)

    def why_no_hand_over(self, connector: Connector) -> str:
        return handing_over.why_not(connector)

    def plans_of_projects(self, connector: Connector, projects: Collection[int]) -> list[PlanLink]:
        return holding.plans_of_projects(connector, projects)

    def make_lists_of_ours(self, connector: Connector) -> None:
        lists_of_ours.ensure_lists_of_ours(connector)

    def ended_by_hand_over(self, connector: Connector) -> list[PlanLink]:
        return handing_over.ending_plans(connector)

    def hand_over(self, connector: Connector, number: int, actor: Person) -> list[int]:
        return handing_over.leave_former(connector, number, actor=actor)

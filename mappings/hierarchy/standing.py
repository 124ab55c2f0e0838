"""How far the hierarchy of a connector is agreed, for who only wants to know whether anything is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.catalogue.issue_types import IssueTypes
from connectors.models import Connector
from mappings.engine.hierarchy import check_hierarchy
from mappings.engine.values import Severity
from mappings.hierarchy.facts import HierarchyFacts
from mappings.hierarchy.page import HierarchyState


@dataclass(frozen=True, kw_only=True)
class HierarchyStanding:
    """`errors` and `warnings`: sentences about what is in force. `pending`: lines of the draft."""

    is_read: bool = False
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    pending: int = 0
    proposal: int | None = None
    proposer: str = ""


def standing_of(
    connector: Connector, matches: IssueTypes | None = None, *, for_states: bool = False
) -> HierarchyStanding:
    """Neither system is asked. `matches`, where they are at hand; `for_states`: see `guide_of`; the errors alone."""
    if for_states:
        facts = HierarchyFacts(connector, matches)
        # What projects lack is a warning, and there may be thousands of them.
        problems = check_hierarchy(facts.places(facts.agreed), (), connector.terminology) if facts.types else []
        return HierarchyStanding(
            is_read=bool(facts.types),
            errors=[each.sentence for each in problems if each.severity is Severity.ERROR],
        )
    state = HierarchyState(connector, matches)
    problems = state.agreed_problems
    proposal = state.proposal
    return HierarchyStanding(
        is_read=bool(state.facts.types),
        errors=[each.sentence for each in problems if each.severity is Severity.ERROR],
        warnings=[each.sentence for each in problems if each.severity is Severity.WARNING],
        pending=len(state.changes),
        proposal=proposal.pk if proposal else None,
        proposer=str(proposal.author) if proposal else "",
    )

"""What step 7 of a set-up is worked out of: the projects in scope, and which of their issues are to be imported."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from connectors.models import Connector, Project, in_scope_here
from mappings.configuration.agreed import agreed_lines
from mappings.configuration.draft import DraftState
from mappings.engine.configuration import line_key, split_line_key
from mappings.engine.import_scope import SHARED, SUBJECT
from mappings.items.scope.agreed import JQL
from mappings.items.scope.subject import ISSUES_TO_IMPORT, said


@dataclass(frozen=True, kw_only=True)
class ScopeSetupFacts:
    """`shared`: in words, what is in force for all projects. `own`: projects with something of their own in force."""

    slug: str
    projects: int = 0  # in scope
    ours: int = 0
    is_decided: bool = False
    shared: str = ""
    own: int = 0
    pending: int = 0  # lines of the draft
    proposal: int | None = None
    proposer: str = ""

    @property
    def carried(self) -> int:
        return self.projects - self.ours


def facts_of_scope(connector: Connector, *, for_states: bool = False) -> ScopeSetupFacts:
    """In one query for the states, else in four; neither system is asked. `for_states`: see `guide_of`."""
    agreed = agreed_lines(connector, SUBJECT)
    key = line_key(SHARED, JQL)
    found = ScopeSetupFacts(slug=connector.slug, is_decided=key in agreed, shared=said(SHARED, JQL, agreed.get(key)))
    if for_states:
        return found
    projects = Project.objects.filter(in_scope_here(), connector=connector)
    counts = projects.aggregate(all=Count("pk"), ours=Count("ours_at"))
    state = DraftState(ISSUES_TO_IMPORT, connector)
    proposal = state.proposal
    return ScopeSetupFacts(
        slug=found.slug,
        projects=counts["all"],
        ours=counts["ours"],
        is_decided=found.is_decided,
        shared=found.shared,
        own=len({split_line_key(each)[0] for each in agreed} - {SHARED}),
        pending=len(state.rows),
        proposal=proposal.pk if proposal else None,
        proposer=str(proposal.author) if proposal else "",
    )

"""What step 7 of a set-up is worked out of: the projects in scope, and which of their issues are to be imported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Count, Exists, OuterRef, Q

from connectors.models import Connector, Project, in_scope_here
from mappings.configuration.agreed import agreed_lines
from mappings.configuration.draft import DraftState
from mappings.engine.configuration import line_key, split_line_key
from mappings.engine.import_scope import SHARED, SUBJECT
from mappings.items.scope.agreed import JQL
from mappings.items.scope.subject import ISSUES_TO_IMPORT, said
from mappings.models import ImportRun, ImportState, Rehearsal


@dataclass(frozen=True, kw_only=True)
class ScopeSetupFacts:
    """`shared`: in words, what is in force for all projects. `own`: projects with something of their own in force."""

    slug: str
    projects: int = 0  # in scope
    ours: int = 0
    is_decided: bool = False
    shared: str = ""
    own: int = 0
    unrehearsed: int = 0  # of ours, never rehearsed to the end
    is_rehearsed: bool = False  # any project was
    unimported: int = 0  # of ours, without an import that ended
    pending: int = 0  # lines of the draft
    proposal: int | None = None
    proposer: str = ""

    @property
    def carried(self) -> int:
        return self.projects - self.ours


def facts_of_scope(connector: Connector, *, for_states: bool = False) -> ScopeSetupFacts:
    """In two queries for the states, else in four; neither system is asked. `for_states`: see `guide_of`."""
    agreed = agreed_lines(connector, SUBJECT)
    key = line_key(SHARED, JQL)
    projects = Project.objects.filter(in_scope_here(), connector=connector)
    is_ours = Q(ours_at__isnull=False)
    rehearsed = Exists(Rehearsal.objects.filter(project=OuterRef("pk"), finished_at__isnull=False))
    imported = Exists(ImportRun.objects.filter(project=OuterRef("pk"), state=ImportState.FINISHED))
    counts = projects.aggregate(
        all=Count("pk"),
        ours=Count("ours_at"),
        unrehearsed=Count("pk", filter=is_ours & ~Q(rehearsed)),
        unimported=Count("pk", filter=is_ours & ~Q(imported)),
        rehearsed=Count("pk", filter=Q(rehearsed)),
    )
    found = ScopeSetupFacts(
        slug=connector.slug,
        projects=counts["all"],
        ours=counts["ours"],
        unrehearsed=counts["unrehearsed"],
        unimported=counts["unimported"],
        is_rehearsed=bool(counts["rehearsed"]),
        is_decided=key in agreed,
        shared=said(SHARED, JQL, agreed.get(key)),
    )
    if for_states:
        return found
    state = DraftState(ISSUES_TO_IMPORT, connector)
    proposal = state.proposal
    return replace(
        found,
        own=len({split_line_key(each)[0] for each in agreed} - {SHARED}),
        pending=len(state.rows),
        proposal=proposal.pk if proposal else None,
        proposer=str(proposal.author) if proposal else "",
    )

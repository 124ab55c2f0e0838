"""Step 7 of the set-up, worked out of the facts of what is to be imported: pure, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterator

from alignadmin.text import counted
from connectors.ports.setup_steps import (
    Capability,
    SetupCheck,
    SetupCheckState,
    SetupLink,
    SetupPlace,
    SetupStep,
    SetupStepState,
)
from mappings.setup_steps.scope_facts import ScopeSetupFacts

SERVES = (Capability.IMPORT,)


def import_step(facts: ScopeSetupFacts | None) -> SetupStep:
    """Statuses need no import, so it keeps nobody from going on."""
    checks = tuple(_checks(facts)) if facts else ()
    is_done = bool(checks) and all(each.is_settled for each in checks)
    return SetupStep(
        key="import",
        number=7,
        title="First import",
        why="Which issues of a project of yours are brought to Jira Align, and where their items land.",
        leads_to="An import makes items in Jira Align of issues of a project that is ours, once an admin approves it.",
        state=SetupStepState.DONE if is_done else SetupStepState.OPTIONAL,
        checks=checks,
        tips=(
            "Closed issues are left out unless you ask for them.",
            "Items can be moved to another program, program increment or team later without losing their link.",
            *_carried(facts),
        ),
        links=tuple(_places(facts)) if facts else (),
    )


def _carried(facts: ScopeSetupFacts | None) -> Iterator[str]:
    if facts and facts.carried:
        yield (
            f"Align’s own connector carries {counted(facts.carried, 'project')} here. For their items, saving changes "
            "nothing in Jira Align: what is chosen is for comparison only."
        )


def _checks(facts: ScopeSetupFacts) -> Iterator[SetupCheck]:
    """In the order in which they are done."""
    yield _decided(facts)
    yield _rehearsed(facts)
    yield _imported(facts)


def _decided(facts: ScopeSetupFacts) -> SetupCheck:
    state = SetupCheckState.OK if facts.is_decided else SetupCheckState.OPEN
    said = "Not decided yet. Type which ones; saved empty, it is every open issue."
    if facts.is_decided:
        own = f" {counted(facts.own, 'project differs', 'projects differ')}." if facts.own else ""
        said = f"Shared by all projects: {facts.shared}.{own}"
    if facts.proposal is not None:
        said += f" Proposal {facts.proposal} by {facts.proposer} waits for an admin."
    elif facts.pending:
        said += f" {counted(facts.pending, 'line')} of the draft not proposed yet."
    return SetupCheck(
        id="import-scope",
        label="Which issues are imported is decided",
        state=state,
        sentence=said,
        serves=SERVES,
        mend=_place(facts).place,
    )


def _rehearsed(facts: ScopeSetupFacts) -> SetupCheck:
    state, said = SetupCheckState.OK, "What issues become in Jira Align was worked out, and nothing of it was written."
    if facts.unrehearsed:
        what = counted(facts.unrehearsed, "project of ours was", "projects of ours were")
        state, said = SetupCheckState.OPEN, f"{what} not rehearsed yet."
    elif not facts.is_rehearsed:
        state, said = SetupCheckState.OPEN, "No project was rehearsed yet. It writes nothing."
    return SetupCheck(
        id="import-rehearsed",
        label="The import was rehearsed",
        state=state,
        sentence=said,
        serves=SERVES,
        mend=SetupPlace(page="rehearsals", of=(facts.slug,)),
    )


def _imported(facts: ScopeSetupFacts) -> SetupCheck:
    state, said = SetupCheckState.OK, "An import of each project of ours has ended."
    if not facts.ours:
        state, said = SetupCheckState.NOT_NEEDED, "No project is ours: Align’s connector makes the items of its own."
    elif facts.unimported:
        what = counted(facts.unimported, "project of ours was", "projects of ours were")
        state, said = SetupCheckState.OPEN, f"{what} not imported yet."
    return SetupCheck(
        id="import-done",
        label="Projects of ours were imported",
        state=state,
        sentence=said,
        serves=SERVES,
        mend=SetupPlace(page="imports", of=(facts.slug,)),
    )


def _places(facts: ScopeSetupFacts) -> Iterator[SetupLink]:
    yield _place(facts)
    yield SetupLink(
        label="Rehearsals",
        place=SetupPlace(page="rehearsals", of=(facts.slug,)),
        sentence="what issues become, without writing anything",
    )
    yield SetupLink(
        label="Imports",
        place=SetupPlace(page="imports", of=(facts.slug,)),
        sentence="of projects that are ours, planned and approved",
    )


def _place(facts: ScopeSetupFacts) -> SetupLink:
    return SetupLink(
        label="Issues to import",
        place=SetupPlace(page="import-scope", of=(facts.slug,)),
        sentence=f"{facts.ours} of {counted(facts.projects, 'project')} in scope ours",
    )

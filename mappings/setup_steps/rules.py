"""Steps 5 to 10 of the set-up, worked out of the facts of a connector's mappings: pure, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from alignadmin.accounts.rights import Right
from alignadmin.text import counted
from connectors.ports.setup_steps import (
    Capability,
    CheckAgain,
    SetupCheck,
    SetupCheckState,
    SetupLink,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
    state_of,
)
from connectors.setup.readiness import CONFIGURATION_PULL, FLOWS_MENU
from connectors.webhooks.setup_step import webhook_step
from mappings.setup_steps.facts import MappingSetupFacts, TypeCoverage
from mappings.setup_steps.fields_rules import fields_step
from mappings.setup_steps.scope_rules import import_step
from mappings.setup_steps.verify_rules import verify_step

Known = Mapping[str, SetupCheck]
RECOMMENDED = SetupSeverity.RECOMMENDED
TO_JIRA = (Capability.STATUSES, Capability.ALIGN_TO_JIRA)


def mapping_steps(facts: MappingSetupFacts | None, known: Known) -> list[SetupStep]:
    """`known`: the checks of the readiness by id. Without facts, of a connector that is not here yet."""
    return [
        _types(facts, known),
        fields_step(facts.fields if facts else None),
        import_step(facts.scope if facts else None),
        _statuses(facts, known),
        webhook_step(facts.webhook if facts else None),
        verify_step(facts.verify if facts else None),
    ]


# --- 5 ----------------------------------------------------------------------------------------------------------------


def _types(facts: MappingSetupFacts | None, known: Known) -> SetupStep:
    checks: tuple[SetupCheck, ...] = ()
    if facts:
        refresh = CheckAgain(
            place=SetupPlace(page="connector-refresh", of=(facts.slug,)),
            fields={"on": "set-up-types"},
            right=Right.EDIT,
            label="Refresh",
        )
        edit = SetupPlace(page="hierarchy", of=(facts.slug,))
        types = replace(known["work-item-types"], again=refresh if facts.is_active else None, mend=edit)
        checks = (types, _order(facts, edit), _everywhere(facts, edit), _agreed(facts, edit))
    return SetupStep(
        key="types",
        number=5,
        title="Hierarchy",
        why="Each level of Align stands for one or more issue types of Jira.",
        leads_to="The rows of a matrix are the statuses that these issue types can have.",
        state=state_of(checks) if facts else SetupStepState.TO_DO,
        checks=checks,
        tips=(
            "In Align’s usual order, a Feature is Jira’s Epic, a Story is what stands at the level of Story, and a "
            "Task is a sub-task. Bugs are mostly Defects.",
            "The names are those of your two systems: a renamed type is found by its id, and keeps its mappings.",
            "A project may differ from what is shared. What Align’s connector makes of the projects that it carries is "
            "set in Align: nothing that is saved here changes it.",
        ),
        template="connectors/setup/steps/_types.html",
    )


def _order(facts: MappingSetupFacts, edit: SetupPlace) -> SetupCheck:
    found = facts.hierarchy
    state, said = SetupCheckState.OK, "Whatever belongs to something in Align can belong to it in Jira."
    if not found.is_read:
        state, said = SetupCheckState.OPEN, "Jira’s issue types have not been read yet: refresh the connector."
    elif found.errors:
        state, said = SetupCheckState.FAILED, _first(found.errors)
    return SetupCheck(
        id="hierarchy-order", label="The levels fit Jira’s own hierarchy", state=state, sentence=said, mend=edit
    )


def _everywhere(facts: MappingSetupFacts, edit: SetupPlace) -> SetupCheck:
    found = facts.hierarchy
    said = _first(found.warnings) if found.warnings else "Each project has what its levels stand for."
    state = SetupCheckState.OPEN if found.warnings or not found.is_read else SetupCheckState.OK
    return SetupCheck(
        id="hierarchy-projects",
        label="Each project has the issue types",
        state=state,
        sentence=said if found.is_read else "Not known before Jira’s issue types are read.",
        severity=RECOMMENDED,
        mend=edit,
    )


def _agreed(facts: MappingSetupFacts, edit: SetupPlace) -> SetupCheck:
    found = facts.hierarchy
    state, said = SetupCheckState.OK, "All that is wanted has been approved."
    if found.proposal is not None:
        state, said = SetupCheckState.OPEN, f"Proposal {found.proposal} by {found.proposer} waits for an admin."
    elif found.pending:
        state, said = SetupCheckState.OPEN, f"{counted(found.pending, 'line')} of the draft not proposed yet."
    return SetupCheck(
        id="hierarchy-agreed",
        label="Nothing waits to be agreed",
        state=state,
        sentence=said,
        severity=RECOMMENDED,
        mend=edit,
    )


def _first(sentences: Sequence[str]) -> str:
    more = len(sentences) - 1
    return f"{sentences[0]} And {counted(more, 'more problem')}." if more else sentences[0]


# --- 8 ----------------------------------------------------------------------------------------------------------------


def _statuses(facts: MappingSetupFacts | None, known: Known) -> SetupStep:
    checks = tuple(_status_checks(facts, known)) if facts else ()
    return SetupStep(
        key="statuses",
        number=8,
        title="Statuses",
        why="Without a mapping of its status, work that moves in Jira does not move in Align.",
        leads_to="Align shows where the work is. Nothing is sent before somebody approves a plan.",
        state=state_of(checks) if facts else SetupStepState.TO_DO,
        checks=checks,
        tips=(
            "Many Jira statuses may lead to one state: teams use ten or more, and Align’s six states are enough for "
            "who looks at a roadmap.",
            "A status without a mapping falls to 0 - Pending approval in Align, silently.",
            "Names and descriptions are carried by Align’s connector itself. Statuses are not, until they are mapped.",
            f"A status that Jira has and Align refuses is not pulled yet: run Jira Align, {CONFIGURATION_PULL}.",
            f"Process steps need a process flow. Create a missing one in Jira Align, {FLOWS_MENU}. From here none is "
            "created, since no document says how Align’s API takes the steps of one, and it updates none at all. The "
            "next reading brings it here.",
        ),
        template="mappings/setup_steps/_pull.html" if facts else "",
        links=tuple(_places(facts)) if facts else (),
    )


def _status_checks(facts: MappingSetupFacts, known: Known) -> Iterator[SetupCheck]:
    watch = CheckAgain(
        place=SetupPlace(page="drift-check", of=(facts.slug,)), fields={"on": "set-up-statuses"}, right=Right.EDIT
    )
    again = watch if facts.is_active else None
    yield _lists(facts, again)
    yield _mapped(facts, known["statuses-left"])
    yield replace(known["statuses-pulled"])
    yield replace(known["bidirectional-sync"], serves=TO_JIRA)
    yield _doubled(facts, again)
    yield _first_apply(facts)
    yield replace(known["process-flows"], serves=(Capability.PROCESS_STEPS,))
    yield replace(known["step-field"], serves=(Capability.PROCESS_STEPS,))


def _lists(facts: MappingSetupFacts, again: CheckAgain | None) -> SetupCheck:
    state, said = SetupCheckState.OK, f"{counted(facts.lists, 'list')} read."
    if facts.trouble:
        said = f"{facts.unread} of {counted(facts.lists, 'list')} not read. {facts.trouble}"
        state = SetupCheckState.FAILED
    elif facts.unread or not facts.lists:
        state, said = SetupCheckState.OPEN, "Align’s lists have not all been read yet, so nothing is known of them."
    return SetupCheck(
        id="mapping-lists",
        label="The mappings in Align were read",
        state=state,
        sentence=said,
        at=facts.read_at,
        again=again,
    )


def _mapped(facts: MappingSetupFacts, left: SetupCheck) -> SetupCheck:
    """Done with each status mapped; or a person says that the others are left so on purpose."""
    gaps = facts.total - facts.mapped
    state, said = SetupCheckState.OK, f"All {counted(facts.total, 'status', 'statuses')} mapped."
    is_open = gaps > 0 or not facts.total
    if not facts.total:
        state, said = SetupCheckState.OPEN, "No status is known yet: see the steps before."
    elif gaps:
        is_left = left.state is SetupCheckState.CONFIRMED
        state = SetupCheckState.CONFIRMED if is_left else SetupCheckState.OPEN
        said = (
            f"{facts.mapped} of {counted(facts.total, 'status', 'statuses')} mapped; the other {gaps} fall to "
            "0 - Pending approval. Map them, or confirm that they are left so on purpose."
        )
    return SetupCheck(
        id=left.id,
        label="Each status is mapped, or left on purpose",
        state=state,
        sentence=said,
        can_confirm=is_open and bool(facts.total),
        at=left.at if state is SetupCheckState.CONFIRMED else None,
        by=left.by if state is SetupCheckState.CONFIRMED else "",
        mend=SetupPlace(page="coverage", of=(facts.slug,), query="state=unmapped") if gaps else None,
    )


def _doubled(facts: MappingSetupFacts, again: CheckAgain | None) -> SetupCheck:
    said = "Align holds one record for each mapping."
    if facts.duplicates:
        said = (
            f"{counted(facts.duplicates, 'mapping has', 'mappings have')} more than one record in Align, and which of "
            "them counts is not documented. Choose in the matrix which one stays; a plan removes the others."
        )
    return SetupCheck(
        id="mapping-records",
        label="Each mapping has one record",
        state=SetupCheckState.FAILED if facts.duplicates else SetupCheckState.OK,
        sentence=said,
        severity=RECOMMENDED,
        again=again,
        mend=SetupPlace(page="drift", of=(facts.slug,)) if facts.duplicates else None,
    )


def _first_apply(facts: MappingSetupFacts) -> SetupCheck:
    said = "Nothing was applied from here yet. Set a status in the matrix, plan it, approve the plan and apply it."
    if facts.edits:
        said = f"{counted(facts.edits, 'edit')} not planned yet."
    if facts.confirmed:
        said = f"{counted(facts.confirmed, 'change')} applied from here and read back from Align."
    return SetupCheck(
        id="first-apply",
        label="A change went to Align and was read back",
        state=SetupCheckState.OK if facts.confirmed else SetupCheckState.OPEN,
        sentence=said,
        severity=RECOMMENDED,
        mend=SetupPlace(page="plan-new", of=(facts.slug,)) if facts.edits else None,
    )


def _places(facts: MappingSetupFacts) -> Iterator[SetupLink]:
    """The matrices to look at: those of each type in the shared list, and the map of the projects."""
    for each in facts.coverage:
        if each.total:
            query = urlencode({"type": each.work_item_type.value})
            yield SetupLink(
                label=f"Mappings of {facts.terminology.name(each.work_item_type)}",
                place=SetupPlace(page="matrix", of=(facts.slug,), query=query),
                sentence=_words(each),
            )
    if facts.sharing or facts.team_managed:
        shared = f"{counted(facts.sharing, 'company-managed project')} share their mappings"
        own = f"{counted(facts.team_managed, 'team-managed project')} with mappings of their own"
        yield SetupLink(
            label="Coverage by project",
            place=SetupPlace(page="coverage", of=(facts.slug,)),
            sentence="; ".join(words for words, there in ((shared, facts.sharing), (own, facts.team_managed)) if there),
        )


def _words(coverage: TypeCoverage) -> str:
    return f"{coverage.mapped} of {counted(coverage.total, 'status', 'statuses')} mapped"

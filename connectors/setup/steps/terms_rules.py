"""Step 1 of the set-up, worked out of facts: the words of both sides. Recommended, and keeps nobody from going on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alignadmin.accounts.rights import Right
from alignadmin.text import counted, first_of
from connectors.align.terminology import ALIGNS_OWN, LEVELS, Terminology, own_name
from connectors.ports.setup_steps import (
    CheckAgain,
    SetupCheck,
    SetupCheckState,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
)
from connectors.setup.level_names import LogTerms
from connectors.setup.steps.priorities import PriorityComparison

MOST_NAMED = 3
AGREED = "terms-agreed"  # the code under which it is confirmed that the words stay as they are
PRIORITIES_IN_ALIGN = "Jira Align, Settings > Connectors > Jira Settings > Jira Setup"
PRIORITIES_IN_JIRA = "Jira, Settings > Issues > Priorities"


@dataclass(frozen=True, kw_only=True)
class PrioritiesRead:
    """What was read of both sides. `trouble`: why one of the lists could not be read, or what of it cannot be used."""

    compared: PriorityComparison = field(default_factory=lambda: PriorityComparison(types=(), rows=()))
    jira_at: datetime | None = None
    align_at: datetime | None = None
    trouble: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class TermsFacts:
    """`log` and `priorities` are None where only the state of the step is asked for."""

    terminology: Terminology = ALIGNS_OWN
    log: Sequence[LogTerms] | None = None
    priorities: PrioritiesRead | None = None


def terms_step(
    slug: str = "", facts: TermsFacts | None = None, agreed: tuple[str, datetime] | None = None
) -> SetupStep:
    """Without facts: of a connector that is not here yet. `agreed`: who confirmed the words as they are, and when."""
    is_done = bool(agreed or (facts and facts.terminology.names))
    return SetupStep(
        key="terms",
        number=1,
        title="Terminology",
        why="Product and development teams should mean the same thing by the same word.",
        leads_to="Who reads a mapping knows which Jira issue a Feature of Align is. Recommended; may be skipped.",
        state=SetupStepState.DONE if is_done else SetupStepState.OPTIONAL,
        checks=tuple(_checks(slug, facts, agreed)) if facts else (),
        template="connectors/setup/steps/_terms.html",
    )


def _checks(slug: str, facts: TermsFacts, agreed: tuple[str, datetime] | None) -> Iterator[SetupCheck]:
    yield _names(facts.terminology, agreed)
    if facts.log is not None:
        yield _log(slug, facts.terminology, facts.log)
    if facts.priorities is not None:
        yield _priorities(slug, facts.priorities)


def _names(called: Terminology, agreed: tuple[str, datetime] | None) -> SetupCheck:
    """Done by giving names, or by confirming that there is nothing to do."""
    own = [f"{own_name(level)} is “{called.names[level]}”" for level in LEVELS if called.names.get(level)]
    state = SetupCheckState.OK if own else SetupCheckState.CONFIRMED if agreed else SetupCheckState.OPEN
    said = "Name the levels below as your people call them, or confirm that Align’s own names are fine."
    if own:
        said = f"{'; '.join(own)}."
    elif agreed:
        said = "Align’s own names are used."
    return SetupCheck(
        id=AGREED,
        label="The words for the levels are agreed",
        state=state,
        sentence=said,
        severity=SetupSeverity.RECOMMENDED,
        at=agreed[1] if agreed and not own else None,
        by=agreed[0] if agreed and not own else "",
        can_confirm=not own,
    )


def _log(slug: str, called: Terminology, log: Sequence[LogTerms]) -> SetupCheck:
    state, said = SetupCheckState.OK, "Nothing in it contradicts the names that are used here."
    learned = [f"{own_name(each.level)} “{each.learned}”" for each in log if each.learned]
    if learned:
        state = SetupCheckState.OPEN
        said = f"It calls {', '.join(learned)}. Take that as the name here, or give another."
    if wrong := [_contradiction(called, each) for each in log if each.elsewhere is not None]:
        state = SetupCheckState.FAILED
        said = f"{' '.join(wrong)} Choose another name here, or say on the tab Types what the term means."
    return SetupCheck(
        id="terms-log",
        label="Align’s log uses the same words",
        state=state,
        sentence=said,
        severity=SetupSeverity.RECOMMENDED,
        mend=SetupPlace(page="connector-types", of=(slug,)),
    )


def _contradiction(called: Terminology, found: LogTerms) -> str:
    means = f"it means {own_name(found.elsewhere)}" if found.elsewhere else "it is no work item type"
    return f"{own_name(found.level)} is called “{called.name(found.level)}” here, and in Align’s log {means}."


def _priorities(slug: str, found: PrioritiesRead) -> SetupCheck:
    state, said = _compared(found)
    refresh = SetupPlace(page="connector-refresh", of=(slug,))
    return SetupCheck(
        id="priorities",
        label="Each priority of Jira is one of Align",
        state=state,
        sentence=said,
        severity=SetupSeverity.RECOMMENDED,
        at=min((at for at in (found.jira_at, found.align_at) if at), default=None),
        again=CheckAgain(place=refresh, fields={"on": "set-up-terms"}, right=Right.EDIT, label="Refresh"),
    )


def _compared(found: PrioritiesRead) -> tuple[SetupCheckState, str]:
    trouble = " ".join(found.trouble)
    if found.jira_at is None or found.align_at is None:
        by_hand = f" Compare {PRIORITIES_IN_JIRA} with {PRIORITIES_IN_ALIGN}."
        return SetupCheckState.OPEN, trouble + by_hand if trouble else "Not read yet. Refresh reads both lists."
    said = []
    if unmapped := found.compared.unmapped:
        said.append(f"Align makes nothing of {first_of(unmapped, MOST_NAMED)}: give each a priority of Align.")
    if gone := found.compared.gone:
        said.append(f"Jira no longer has {first_of(gone, MOST_NAMED)}, which Align’s connector still names.")
    if said:
        return SetupCheckState.FAILED, " ".join([*said, f"Change it in {PRIORITIES_IN_ALIGN}.", trouble]).strip()
    number = counted(len(found.compared.rows), "priority", "priorities")
    return SetupCheckState.OK, f"{number} of Jira, each with a priority of Align. {trouble}".strip()

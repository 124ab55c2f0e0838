"""Step 10 of the set-up, worked out of the facts of what was verified live: pure, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.ports.setup_steps import (
    Capability,
    SetupCheck,
    SetupCheckState,
    SetupLink,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
)
from mappings.setup_steps.verify_facts import VerifySetupFacts

SERVES = (Capability.IN_STEP,)
VERIFIED = "Verified both ways"
WRITABLE = "Both sides can be written and read"


def verify_step(facts: VerifySetupFacts | None) -> SetupStep:
    """Mappings work without it, so it keeps nobody from going on; what is left changed has to be mended."""
    checks = tuple(_checks(facts)) if facts else ()
    is_done = bool(checks) and all(each.is_settled for each in checks)
    state = SetupStepState.DONE if is_done else SetupStepState.OPTIONAL
    return SetupStep(
        key="verify",
        number=10,
        title="Verify",
        why="Whether changes really come over is seen on one item, in both directions.",
        leads_to="You know how long a change takes each way, and what does not come and why.",
        state=SetupStepState.BROKEN if facts and facts.left is not None else state,
        checks=checks,
        tips=(
            "It changes a title and a status in Jira, then in Jira Align, and puts all of it back. You see exactly "
            "what is written before you agree.",
            "Take an issue that nobody is working on, or a throw-away one that is made for it.",
            "Nothing else writes to a project that Align’s connector carries.",
        ),
        links=(_link(facts),) if facts else (),
    )


def _link(facts: VerifySetupFacts) -> SetupLink:
    if facts.pair:
        said = f"{VERIFIED if not facts.is_of_ours else WRITABLE}: {facts.pair}"
        said = said if facts.is_fresh else f"Out of date: {facts.pair}"
    else:
        said = "Nothing was verified yet"
    return SetupLink(label="Live verification", place=SetupPlace(page="verify", of=(facts.slug,)), sentence=said)


def _checks(facts: VerifySetupFacts) -> Iterator[SetupCheck]:
    yield _verified(facts)
    if facts.left is not None:
        yield _left(facts.slug, facts.left)


def _verified(facts: VerifySetupFacts) -> SetupCheck:
    state, said = SetupCheckState.OPEN, "Nothing was verified yet. Choose an item, look at what is written, and agree."
    if facts.is_incomplete:
        what = "; ".join(facts.missing) or "see its page"
        state, said = SetupCheckState.FAILED, f"The last verification did not see everything: {what}."
    elif facts.is_broken_off:
        state, said = SetupCheckState.FAILED, f"The last verification broke off. {facts.error}".strip()
    elif facts.pair and not facts.is_fresh:
        state = SetupCheckState.FAILED
        said = f"Scope, levels, fields or mappings of {facts.project} have changed since {facts.pair} were verified."
        said = f"{said} Verify again."
    elif facts.pair and facts.left is None:
        state, said = SetupCheckState.OK, _proven(facts)
    elif facts.pair:
        state, said = SetupCheckState.OPEN, "Something is left changed: put that back first."
    return SetupCheck(
        id="verified-both-ways",
        label=WRITABLE if facts.is_of_ours else VERIFIED,
        state=state,
        sentence=said,
        severity=SetupSeverity.RECOMMENDED,
        serves=SERVES,
        at=facts.at if state is SetupCheckState.OK else None,
        mend=_last_place(facts) if state is SetupCheckState.FAILED else SetupPlace(page="verify", of=(facts.slug,)),
    )


def _proven(facts: VerifySetupFacts) -> str:
    if facts.is_of_ours:
        return (
            f"{facts.pair} were changed, read and put back. Nothing carries changes of projects of ours yet, so none "
            "was followed."
        )
    return f"{facts.pair}: each change came over, both ways, and was put back."


def _last_place(facts: VerifySetupFacts) -> SetupPlace:
    if facts.last is None or not (facts.is_incomplete or facts.is_broken_off):
        return SetupPlace(page="verify", of=(facts.slug,))
    return SetupPlace(page="verification", of=(str(facts.last),))


def _left(slug: str, left: int) -> SetupCheck:
    return SetupCheck(
        id="verification-put-back",
        label="What a verification changed is put back",
        state=SetupCheckState.FAILED,
        sentence=f"Verification {left} has left something changed: its page names it, and tries again.",
        serves=SERVES,
        mend=SetupPlace(page="verification", of=(str(left),)),
    )

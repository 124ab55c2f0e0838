"""Steps 1 to 4 of the set-up as a function of facts: which facts make a step to do, broken or done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.credentials.expiry import Deadline
from connectors.models import ConnectionCheck, System
from connectors.ports.setup_steps import (
    Capability,
    SetupCheck,
    SetupCheckState,
    SetupSeverity,
    SetupStep,
    SetupStepState,
    state_of,
)
from connectors.setup.checks import Since, SystemTest
from connectors.setup.readiness import Prerequisite, StepState
from connectors.setup.steps.facts import ConfirmedDecision, KeyFacts, ProjectFacts, SetupFacts
from connectors.setup.steps.guide import Guide
from connectors.setup.steps.rules import first_steps, known_checks

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DONE, TO_DO, BROKEN = SetupStepState.DONE, SetupStepState.TO_DO, SetupStepState.BROKEN
WORKS = ConnectionCheck(label="Jira: sign-in", ok=True, sentence="Signed in.", checked_at=NOW)
FAILS = ConnectionCheck(label="Jira: projects", ok=False, sentence="Jira forbade it (403).", checked_at=NOW)


def prerequisite(code: str, state: StepState = StepState.OK, **more: Any) -> Prerequisite:
    return Prerequisite(code=code, label=code, state=state, sentence="A sentence.", **more)


def key(system: System, **more: Any) -> KeyFacts:
    kind = "align-bearer" if system is System.ALIGN else "jira-cloud"
    facts: dict[str, Any] = {"kind": kind, "owner": "Dana", "test": SystemTest(system=system, checks=[WORKS]), **more}
    return KeyFacts(system=system, **facts)


CODES = ("align-token", "jira-token", "projects", "work-item-types", "statuses-pulled")
BY_CHOICE = SetupStep(key="fields", number=6, title="Fields", why="", state=SetupStepState.OPTIONAL)
WELL = SetupFacts(
    slug="acme",
    keys=[key(System.ALIGN), key(System.JIRA)],
    prerequisites={code: prerequisite(code) for code in CODES},
    projects=ProjectFacts(carried=14, seen=20),
    decisions={},
    catalogue_at=NOW,
    align_active=True,
)
ENDED = Deadline(days_left=-3, age_days=90, style="bad", words="expired 3 days ago")


def jira_key(**more: Any) -> SetupFacts:
    return replace(WELL, keys=[key(System.ALIGN), key(System.JIRA, **more)])


def found(code: str, state: StepState, **more: Any) -> SetupFacts:
    return replace(WELL, prerequisites={**WELL.prerequisites, code: prerequisite(code, state, **more)})


def states(facts: SetupFacts | None) -> dict[str, SetupStepState]:
    return {step.key: step.state for step in first_steps(facts)}


@pytest.mark.parametrize(
    ("facts", "key_step", "connect", "projects"),
    [
        (None, TO_DO, TO_DO, TO_DO),
        (WELL, DONE, DONE, DONE),
        (jira_key(kind="", owner=""), TO_DO, DONE, DONE),
        (jira_key(deadline=ENDED), BROKEN, DONE, DONE),
        (jira_key(kind="jira-password"), DONE, DONE, DONE),
        (found("jira-token", StepState.MISSING), DONE, TO_DO, DONE),
        (found("jira-token", StepState.MISSING, is_broken=True), DONE, BROKEN, DONE),
        (found("jira-token", StepState.UNKNOWN), DONE, TO_DO, DONE),
        (jira_key(test=SystemTest(system=System.JIRA, checks=[])), DONE, DONE, DONE),  # a test is recommended
        (jira_key(test=SystemTest(system=System.JIRA, checks=[WORKS, FAILS])), DONE, BROKEN, DONE),
        (jira_key(test=SystemTest(system=System.JIRA, checks=[FAILS], since=Since.REPLACED)), DONE, DONE, DONE),
        (replace(WELL, catalogue_at=None), DONE, DONE, TO_DO),
        (replace(WELL, catalogue_error="Jira did not answer."), DONE, DONE, BROKEN),
        (replace(WELL, align_active=None), DONE, DONE, DONE),
        (replace(WELL, align_active=False), DONE, DONE, BROKEN),
        (found("projects", StepState.MISSING), DONE, DONE, TO_DO),
        (replace(WELL, projects=ProjectFacts(unreadable=["PROJ"], unreadable_count=3)), DONE, DONE, BROKEN),
        (replace(WELL, projects=ProjectFacts(carried=14, gone=1)), DONE, DONE, DONE),  # told, and stops nobody
    ],
)
def test_facts_decide_the_state_of_each_step(
    facts: SetupFacts | None, key_step: SetupStepState, connect: SetupStepState, projects: SetupStepState
) -> None:
    expected = {"terms": SetupStepState.OPTIONAL, "key": key_step, "connect": connect, "projects": projects}
    assert states(facts) == expected


def test_each_check_has_an_id_of_its_own_and_says_what_to_do() -> None:
    facts = replace(WELL, projects=ProjectFacts(unreadable=["PROJ"], unreadable_count=3, gone=1), align_active=False)
    checks = [check for step in first_steps(facts) for check in step.checks]
    assert len({check.id for check in checks}) == len(checks) > 10
    assert all(check.sentence.endswith(".") for check in checks)
    said = {check.id: check.sentence for check in checks}
    assert said["projects-readable"].startswith("Jira refused PROJ and 2 more. Give the Jira user Browse projects")
    assert "Activate it in Jira Align" in said["align-connector"]
    password = {check.id: check for step in first_steps(jira_key(kind="jira-password")) for check in step.checks}
    assert password["jira-key"].state is SetupCheckState.NOT_NEEDED
    asked = {check.id: check for step in first_steps(jira_key(asked="Ines")) for check in step.checks}
    assert "Ines was asked for it by a link" in asked["jira-key"].sentence


def test_what_serves_another_capability_or_is_only_recommended_keeps_nobody_from_being_done() -> None:
    def check(state: SetupCheckState, **more: Any) -> SetupCheck:
        return SetupCheck(id="a", label="A", state=state, sentence="S.", **more)

    steps_only = {"serves": (Capability.PROCESS_STEPS,)}
    assert state_of([check(SetupCheckState.FAILED, **steps_only)]) is DONE
    assert state_of([check(SetupCheckState.FAILED, **steps_only)], [Capability.PROCESS_STEPS]) is BROKEN
    assert state_of([check(SetupCheckState.OPEN, severity=SetupSeverity.RECOMMENDED)]) is DONE
    assert state_of([check(SetupCheckState.OPEN), check(SetupCheckState.FAILED)]) is BROKEN
    assert state_of([check(SetupCheckState.NOT_NEEDED)]) is SetupStepState.NOT_NEEDED
    assert state_of([check(SetupCheckState.NOT_NEEDED), check(SetupCheckState.CONFIRMED)]) is DONE


def test_a_decision_is_confirmed_with_who_and_when() -> None:
    facts = replace(WELL, decisions={"statuses-left": ConfirmedDecision(by="Dana", at=NOW)})
    left = known_checks(facts)["statuses-left"]
    assert (left.state, left.by, left.at) == (SetupCheckState.CONFIRMED, "Dana", NOW)
    assert known_checks(WELL)["statuses-left"].state is SetupCheckState.OPEN
    assert known_checks(None) == {}


def test_the_first_step_with_something_undone_opens_and_one_of_choice_never_does() -> None:
    guide = Guide(steps=[*first_steps(found("projects", StepState.MISSING)), BY_CHOICE])
    assert guide.opens.key == "projects"
    assert guide.finish_sentence == "Finish set-up: 2 of 3 steps done, next 4 Projects"
    done = Guide(steps=[*first_steps(WELL), BY_CHOICE])
    assert (done.opens.key, done.finish_sentence) == ("fields", "")
    broken = Guide(steps=first_steps(jira_key(deadline=ENDED)))
    assert broken.finish_sentence == "Finish set-up: 2 of 3 steps done, mend 2 Key"

"""Steps 1 to 4 of the set-up, worked out of the facts of a connector: a pure function, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterator

from alignadmin.accounts.rights import Right
from alignadmin.text import counted, first_of
from connectors.models import CredentialKind
from connectors.ports.setup_steps import (
    CheckAgain,
    CheckDetail,
    SetupCheck,
    SetupCheckState,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
    state_of,
)
from connectors.setup.readiness import Prerequisite, StepState
from connectors.setup.steps.facts import MOST_NAMED, ConfirmedDecision, KeyFacts, SetupFacts
from connectors.setup.steps.terms_rules import AGREED, terms_step

RECOMMENDED, REQUIRED = SetupSeverity.RECOMMENDED, SetupSeverity.REQUIRED
IN_JIRA_ALIGN = "Jira Align, Settings > Connectors > Jira Settings"
STATES = {
    StepState.OK: SetupCheckState.OK,
    StepState.CONFIRMED: SetupCheckState.CONFIRMED,
    StepState.UNKNOWN: SetupCheckState.OPEN,
    StepState.MISSING: SetupCheckState.OPEN,
}


def first_steps(facts: SetupFacts | None) -> list[SetupStep]:
    """Of a connector, or (None) of one that is not here yet: then everything is to do."""
    return [_terms(facts), _key(facts), _connect(facts), _projects(facts)]


def known_checks(facts: SetupFacts | None) -> dict[str, SetupCheck]:
    """What the steps of other rooms show of the readiness, by id."""
    if facts is None:
        return {}
    left = decision_check(
        "statuses-left",
        "The statuses without a mapping are left so on purpose",
        "Issues in a status without a mapping fall to 0 - Pending approval in Align.",
        facts.decisions.get("statuses-left"),
    )
    return {code: check_of(found) for code, found in facts.prerequisites.items()} | {left.id: left}


def check_of(
    found: Prerequisite,
    *,
    severity: SetupSeverity = REQUIRED,
    again: CheckAgain | None = None,
    mend: SetupPlace | None = None,
) -> SetupCheck:
    """A prerequisite of the readiness as a check: what was there and fails is broken, what never was is to do."""
    return SetupCheck(
        id=found.code,
        label=found.label,
        state=SetupCheckState.FAILED if found.is_broken else STATES[found.state],
        sentence=found.sentence,
        severity=severity,
        at=found.confirmed_at,
        by=found.confirmed_by,
        can_confirm=found.can_confirm,
        again=again,
        mend=mend,
    )


def decision_check(code: str, label: str, advice: str, made: ConfirmedDecision | None) -> SetupCheck:
    """Something that a person decides, and confirms."""
    return SetupCheck(
        id=code,
        label=label,
        state=SetupCheckState.CONFIRMED if made else SetupCheckState.OPEN,
        sentence=advice,
        severity=RECOMMENDED,
        at=made.at if made else None,
        by=made.by if made else "",
        can_confirm=True,
    )


# --- 1 ----------------------------------------------------------------------------------------------------------------


def _terms(facts: SetupFacts | None) -> SetupStep:
    if facts is None:
        return terms_step()
    made = facts.decisions.get(AGREED)
    return terms_step(facts.slug, facts.terms, (made.by, made.at) if made else None)


# --- 2 ----------------------------------------------------------------------------------------------------------------


def _key(facts: SetupFacts | None) -> SetupStep:
    checks: tuple[SetupCheck, ...] = ()
    if facts:
        user = "Tokens of an employee end with the account of that employee. Confirm it once you have looked."
        decided = facts.decisions.get("integration-user")
        label = "Each credential belongs to a dedicated integration user"
        checks = (
            *(_stored(facts, key) for key in facts.keys),
            *(check for key in facts.keys for check in _expiry(facts, key)),
            decision_check("integration-user", label, user, decided),
        )
    return SetupStep(
        key="key",
        number=2,
        title="Key",
        why="AlignAdmin signs in at both systems with a credential that somebody creates there for it.",
        leads_to="With a credential for each side you can connect them.",
        state=state_of(checks) if facts else SetupStepState.TO_DO,
        checks=checks,
        template="connectors/setup/steps/_key.html",
    )


def _stored(facts: SetupFacts, key: KeyFacts) -> SetupCheck:
    label, name = f"A {key.system.label} credential is stored", key.system.label
    state, said = SetupCheckState.OK, f"{key.kind_label}."
    if key.kind:
        said += f" Owner: {key.owner or 'nobody'}."
    if not key.kind:
        state = SetupCheckState.OPEN
        said = f"None is stored for {name}. Create one as described below and store it, or send a link to its owner."
    elif key.kind == CredentialKind.JIRA_PASSWORD:
        state, said = SetupCheckState.NOT_NEEDED, f"{name} is signed in to with a user and a password: no token needed."
    elif key.deadline and key.deadline.has_passed:
        state, said = SetupCheckState.FAILED, f"It {key.deadline.words}. Create a new one and replace it."
    waits = ""
    if key.is_pending:
        waits = " A new one is stored as pending: probe it and switch to it."
    elif key.asked:
        waits = f" {key.asked} was asked for it by a link that is still open."
    return SetupCheck(
        id=f"{key.system.value}-key",
        label=label,
        state=state,
        sentence=said + waits,
        mend=SetupPlace(page="connector-credential", of=(facts.slug, key.system.value)),
    )


def _expiry(facts: SetupFacts, key: KeyFacts) -> Iterator[SetupCheck]:
    """Only Atlassian's own tokens are known to end; no address tells when, so a person has to say it."""
    if key.kind not in (CredentialKind.ALIGN_BASIC, CredentialKind.JIRA_CLOUD, CredentialKind.JIRA_PAT):
        return
    words = key.deadline.words if key.deadline else ""
    missing = "No last day is known, so nobody is reminded before it ends. Enter the day when you replace the token."
    yield SetupCheck(
        id=f"{key.system.value}-expiry",
        label=f"The last day of the {key.system.label} token is known",
        state=SetupCheckState.OK if key.expires else SetupCheckState.OPEN,
        sentence=f"The token {words}." if key.expires else missing,
        severity=RECOMMENDED,
        mend=SetupPlace(page="connector-credential", of=(facts.slug, key.system.value)),
    )


# --- 3 ----------------------------------------------------------------------------------------------------------------


def _connect(facts: SetupFacts | None) -> SetupStep:
    checks = tuple(check for key in facts.keys for check in _connection(facts, key)) if facts else ()
    return SetupStep(
        key="connect",
        number=3,
        title="Connect",
        why="AlignAdmin has to reach both systems, sign in, and see what it needs.",
        leads_to="Projects, statuses and mappings of both systems can be read.",
        state=state_of(checks) if facts else SetupStepState.TO_DO,
        checks=checks,
        template="connectors/setup/steps/_connect.html",
    )


def _connection(facts: SetupFacts, key: KeyFacts) -> Iterator[SetupCheck]:
    test = SetupPlace(page="connector-test", of=(facts.slug,))
    on = {"on": "set-up-connect", "system": key.system.value}
    again = CheckAgain(place=test, fields=on, label="Test")
    mend = SetupPlace(page="connector-credential", of=(facts.slug, key.system.value))
    yield check_of(facts.prerequisites[f"{key.system.value}-token"], again=again, mend=mend)
    tried = key.test
    state, severity = SetupCheckState.OK, REQUIRED
    sentence = f"{counted(len(tried.checks), 'check')} passed."
    if not tried.checks or tried.is_of_former:
        state, severity = SetupCheckState.OPEN, RECOMMENDED
        sentence = tried.advice or "Not tried yet. A test only reads, and shows what this credential may do."
    elif tried.failed:
        state = SetupCheckState.FAILED
        sentence = f"{tried.failed} of {counted(len(tried.checks), 'check')} failed. Mend that, then test again."
    yield SetupCheck(
        id=f"{key.system.value}-rights",
        label=f"{key.system.label}: what is needed can be read",
        state=state,
        sentence=sentence,
        severity=severity,
        at=tried.at,
        again=again,
        mend=mend if state is SetupCheckState.FAILED else None,
        details=tuple(CheckDetail(label=each.label, ok=each.ok, sentence=each.sentence) for each in tried.checks),
    )


# --- 4 ----------------------------------------------------------------------------------------------------------------


def _projects(facts: SetupFacts | None) -> SetupStep:
    checks = tuple(_project_checks(facts)) if facts else ()
    return SetupStep(
        key="projects",
        number=4,
        title="Projects",
        why="Mappings belong to Jira projects: to those that Align’s connector carries and that are in scope here.",
        leads_to="The issue types and statuses of these projects can be mapped. You can add projects later.",
        state=state_of(checks) if facts else SetupStepState.TO_DO,
        checks=checks,
        template="connectors/setup/steps/_projects.html",
    )


def _project_checks(facts: SetupFacts) -> Iterator[SetupCheck]:
    found = facts.projects
    refresh = SetupPlace(page="connector-refresh", of=(facts.slug,))
    again = CheckAgain(place=refresh, fields={"on": "set-up-projects"}, right=Right.EDIT, label="Refresh")
    state, said = (
        SetupCheckState.OK,
        f"{counted(found.seen, 'project')} seen in Jira, {found.carried} carried by Align, {found.in_scope} in scope.",
    )
    if facts.catalogue_error:
        state, said = SetupCheckState.FAILED, facts.catalogue_error
    elif facts.catalogue_at is None:
        state, said = SetupCheckState.OPEN, "Not read to the end yet. Reading takes up to some minutes."
    yield SetupCheck(
        id="catalogue",
        label="The lists of both systems were read",
        state=state,
        sentence=said,
        at=facts.catalogue_at,
        again=again if facts.is_active else None,
    )
    # The same reading looks at the next two.
    once_more = again if facts.is_active else None
    yield _active(facts, once_more)
    yield check_of(facts.prerequisites["projects"], again=once_more)
    yield _readable(facts)
    if found.gone:
        yield SetupCheck(
            id="projects-gone",
            label="Each project that Align carries is in Jira",
            state=SetupCheckState.FAILED,
            sentence=f"{counted(found.gone, 'project')} in Align’s list cannot be seen in Jira any more: each was "
            f"deleted, or this user may no longer see it. Take it out in {IN_JIRA_ALIGN}, or let the user see it.",
            severity=RECOMMENDED,
            mend=SetupPlace(page="connector-projects", of=(facts.slug,), query="problem=vanished"),
        )


def _active(facts: SetupFacts, again: CheckAgain | None) -> SetupCheck:
    state, severity, said = SetupCheckState.OK, REQUIRED, "Align says that it is active."
    if facts.align_active is None:
        state, severity = SetupCheckState.OPEN, RECOMMENDED
        said = f"Align does not tell this user. Look in {IN_JIRA_ALIGN} whether the connector is activated."
    elif not facts.align_active:
        because = f" It says: {facts.align_message.rstrip('.')}." if facts.align_message else ""
        state, said = SetupCheckState.FAILED, f"Align says that it is not.{because} Activate it in {IN_JIRA_ALIGN}."
    return SetupCheck(
        id="align-connector",
        label="The connector is active in Align",
        state=state,
        severity=severity,
        sentence=said,
        at=facts.catalogue_at,
        again=again,
    )


def _readable(facts: SetupFacts) -> SetupCheck:
    found = facts.projects
    state, said = SetupCheckState.OK, "Jira showed the statuses of each."
    if facts.catalogue_at is None:
        state, said = SetupCheckState.OPEN, "Not known before the lists were read."
    elif found.unreadable_count:
        refused = first_of(found.unreadable, MOST_NAMED, total=found.unreadable_count)
        said = (
            f"Jira refused {refused}. Give the Jira user Browse projects in the permission scheme of the project "
            "(Jira, Project settings, Permissions)."
        )
        state = SetupCheckState.FAILED
    return SetupCheck(
        id="projects-readable",
        label="The Jira user may read each project in scope",
        state=state,
        sentence=said,
        at=facts.catalogue_at,
        again=CheckAgain(
            place=SetupPlace(page="setup-projects-check", of=(facts.slug,)),
            fields={"scope": "in", "all": str(found.in_scope)},
            right=Right.EDIT,
            label="Check",
        )
        if facts.is_active and found.in_scope
        else None,
        mend=SetupPlace(page="connector-projects", of=(facts.slug,), query="problem=errors"),
    )

"""From a draft to what is in force: it is proposed as it stands, and approved by its fingerprint, or not at all.

All acts hold the connector's row while they decide, so that a change of its rules comes before or after, not between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.errors import Refused
from alignadmin.text import counted, first_of
from connectors.models import Connector
from connectors.ports.connected import lock_connected
from mappings.configuration.draft import DraftState, moved_lines, proposed_changes, put_into_draft
from mappings.configuration.entries import MOST_KEPT, MOST_NAMED, line_record, proposal_record
from mappings.configuration.notices import tell_decided, tell_proposed
from mappings.configuration.subjects import ConfigurationSubject, LineWords, subject_of
from mappings.engine.configuration import changed, fingerprint_of_lines, new_errors, warnings_of
from mappings.models import ConfigurationProposal, DraftLine, DraftSave, ProposalState
from mappings.planning.reasons import reason_typed, ticket_typed
from mappings.planning.second_person import needs_another, refuse_deactivated, refuse_no_admin

OWN_LINES = (
    "You have a part in this proposal, and this connector asks for a second person: an admin who has neither proposed "
    "it nor edited any of its changes has to approve it."
)
LACKS_REASON = "Say why: the reason goes into the history with every change of this proposal."
LACKS_DECLINE = "Say why it is declined: whoever proposed it reads it."
NOT_ON_PAGE = "This is not what is on your page. Look at it again before approving."


def propose(
    subject: ConfigurationSubject, connector: Connector, *, seen: str, reason: str, ticket: str = "", actor: Person
) -> ConfigurationProposal:
    """The whole draft, as a person saw it: `seen` is its fingerprint on their page. Raises Refused.

    Its lines leave the draft, and come back when it is declined or withdrawn.
    """
    why = reason_typed(reason, lacks=LACKS_REASON)
    with transaction.atomic():
        found = lock_connected(connector)
        because = ticket_typed(found, ticket)
        state = DraftState(subject, found)
        if state.proposal:
            raise Refused(f"Proposal {state.proposal.pk} by {state.proposal.author} waits already: decide on it first.")
        if not state.changes:
            raise Refused("There is nothing to propose: what is wanted is agreed already.")
        if seen != state.fingerprint:
            raise Refused("The draft is not the one on your page any more: look at it again, then propose it.")
        if state.errors:
            raise Refused(" ".join(each.sentence for each in state.errors[:MOST_NAMED]))
        proposal = ConfigurationProposal.objects.create(
            connector=found,
            subject=subject.code,
            author=actor,
            reason=why,
            ticket=because,
            lines=_lines(state, actor),
            warnings=warnings_of(state.problems),
            fingerprint=state.fingerprint,
            created_at=timezone.now(),
        )
        DraftLine.objects.filter(connector=found, subject=subject.code).delete()
        DraftSave.objects.filter(connector=found, subject=subject.code).update(is_over=True)
        tell_proposed(proposal, subject, actor=actor)
        what = counted(len(proposal.lines), "change")
        sentence = f"Proposed {what} of {subject.label}: {named_lines(proposal)}."
        trail.record(
            proposal_record(
                "configuration.proposed", subject, proposal, sentence, actor=actor, lines=proposal.lines[:MOST_KEPT]
            )
        )
    return proposal


def _lines(state: DraftState, proposer: Person) -> list[dict[str, Any]]:
    """As they are stored: values, the words that people read of them, and who decided on each."""
    words = {each.key: each for each in state.words}
    lines = []
    for change in state.changes:
        said = words.get(change.key) or LineWords(key=change.key, label=change.key, before="", after="")
        author = state.rows[change.key].author if change.key in state.rows else proposer
        lines.append(
            {
                "key": change.key,
                "label": said.label,
                "project_key": said.project_key,
                "before": change.before,
                "after": change.after,
                "before_words": said.before,
                "after_words": said.after,
                "author": vars(trail.copy_of(author)),
            }
        )
    order = {key: place for place, key in enumerate(words)}
    return sorted(lines, key=lambda line: order.get(line["key"], len(order)))


# --- deciding ----------------------------------------------------------------------------------------------------


def approve(
    proposal: ConfigurationProposal, fingerprint: str, *, ticked: bool = False, actor: Person
) -> ConfigurationProposal:
    """Put exactly what was looked at in force: the fingerprint is the one on the page. Raises Refused."""
    with transaction.atomic():
        found, subject = _locked(proposal)
        refuse_no_admin(actor)
        _refuse_decided(found)
        refuse_deactivated(found.connector)
        changes = proposed_changes(found)
        # Made anew from the lines, so that what is put in force is what the fingerprint was made of.
        if fingerprint != found.fingerprint or fingerprint != _fingerprint(found):
            raise Refused(NOT_ON_PAGE)
        if needs_another(found.connector, actor, lambda: found.people):
            raise Refused(OWN_LINES)
        state = DraftState(subject, found.connector)
        if why := why_stale(found, state):
            raise Refused(why)
        problems = list(subject.checks(found.connector, changed(state.agreed, changes)))
        if broken := new_errors(state.agreed_problems, problems):
            raise Refused(f"{first_of([each.sentence for each in broken], 1)} Nothing has taken effect.")
        now_warned = warnings_of(problems)
        if new := [each for each in now_warned if each not in found.warnings]:
            raise Refused(
                f"{first_of(new, 1)} That is so only since it was proposed: withdraw it, look at the draft, and "
                "propose it again."
            )
        if found.warnings and not ticked:
            raise Refused("Tick that you have read the warnings, then approve.")
        subject.put_in_force(found.connector, changes)
        _decide(found, ProposalState.APPROVED, actor)
        tell_decided(found, subject, actor=actor)
        sentence = f"Approved proposal {found.pk} of {subject.label}: {named_lines(found)}."
        trail.record_all(
            [
                *(line_record(subject, found, line, approver=actor) for line in found.lines),
                proposal_record("configuration.approved", subject, found, sentence, actor=actor, approver=actor),
            ]
        )
    proposal.refresh_from_db()
    return proposal


def decline(proposal: ConfigurationProposal, *, reason: str, actor: Person) -> ConfigurationProposal:
    """By an admin, with a reason; its lines are in the draft again. Raises Refused."""
    why = reason_typed(reason, lacks=LACKS_DECLINE)
    with transaction.atomic():
        found, subject = _locked(proposal)
        refuse_no_admin(actor)
        _refuse_decided(found)
        _back_to_draft(found)
        _decide(found, ProposalState.DECLINED, actor, why)
        tell_decided(found, subject, actor=actor)
        sentence = f"Declined proposal {found.pk} of {subject.label}: {why}"
        trail.record(
            proposal_record("configuration.declined", subject, found, sentence, actor=actor, declined_because=why)
        )
    proposal.refresh_from_db()
    return proposal


def withdraw(proposal: ConfigurationProposal, *, actor: Person) -> ConfigurationProposal:
    """By whoever has a part in it, or an admin; its lines are in the draft again. Raises Refused."""
    with transaction.atomic():
        found, subject = _locked(proposal)
        _refuse_decided(found)
        if not may_withdraw(found, Person.objects.filter(pk=actor.pk).first()):
            raise Refused("Only who has a part in this proposal, or an admin, can withdraw it.")
        _back_to_draft(found)
        _decide(found, ProposalState.WITHDRAWN, actor)
        tell_decided(found, subject, actor=actor)
        sentence = f"Withdrew proposal {found.pk} of {subject.label}."
        trail.record(proposal_record("configuration.withdrawn", subject, found, sentence, actor=actor))
    proposal.refresh_from_db()
    return proposal


def withdraw_disconnected(connector: Connector, *, actor: Person) -> list[str]:
    """Those that wait, in the transaction that disconnects it: nobody could decide on them any more.

    Returns a sentence about each.
    """
    waiting = ConfigurationProposal.objects.filter(connector=connector, state=ProposalState.OPEN)
    ended = []
    for found in waiting.locked().select_related("author", "decider").order_by("pk"):
        found.connector, subject = connector, subject_of(found.subject)
        _back_to_draft(found)
        _decide(found, ProposalState.WITHDRAWN, actor)
        tell_decided(found, subject, actor=actor)
        sentence = f"Withdrew proposal {found.pk} of {subject.label}, as {connector} was disconnected."
        trail.record(proposal_record("configuration.withdrawn", subject, found, sentence, actor=actor))
        ended.append(f"Proposal {found.pk} of {subject.label} withdrawn: its changes are in the draft again.")
    return ended


def may_withdraw(proposal: ConfigurationProposal, person: Person | None) -> bool:
    if person is None:
        return False
    return may(person, Right.APPROVE) or (may(person, Right.EDIT) and person.pk in proposal.people)


def _locked(proposal: ConfigurationProposal) -> tuple[ConfigurationProposal, ConfigurationSubject]:
    connector = lock_connected(proposal.connector)
    found = ConfigurationProposal.objects.locked().select_related("author", "decider").get(pk=proposal.pk)
    found.connector = connector
    return found, subject_of(found.subject)


def _refuse_decided(proposal: ConfigurationProposal) -> None:
    if proposal.state != ProposalState.OPEN:
        at = f" at {proposal.decided_at:%H:%M} UTC" if proposal.decided_at else ""
        state = ProposalState(proposal.state).label.lower()
        raise Refused(f"{proposal.decider or 'Somebody'} has decided on this already: it was {state}{at}.")


def why_stale(proposal: ConfigurationProposal, state: DraftState) -> str:
    """Why it cannot be approved any more; empty where what it was made upon still holds."""
    moved = moved_lines(proposal, state.agreed)
    if not moved:
        return ""
    lines, again = first_of(moved, MOST_NAMED), "Withdraw it, look at the draft, and propose it again."
    others = ConfigurationProposal.objects.filter(connector=proposal.connector, subject=proposal.subject)
    if others.filter(state=ProposalState.APPROVED, decided_at__gte=proposal.created_at).exists():
        return (
            f"Since this was proposed, what holds for {lines} has changed: approving it would replace what nobody "
            f"looked at. {again}"
        )
    return (
        f"Since this was proposed, what holds for {lines} has changed without a decision here: what it names is called "
        f"otherwise, or is gone, in Jira or Jira Align. {again}"
    )


def _decide(proposal: ConfigurationProposal, state: ProposalState, actor: Person, why: str = "") -> None:
    proposal.state, proposal.decider, proposal.decided_at = state, actor, timezone.now()
    proposal.decision_reason = why
    proposal.save(update_fields=["state", "decider", "decided_at", "decision_reason"])


def _back_to_draft(proposal: ConfigurationProposal) -> None:
    """Nothing else is in the draft: while a proposal is open nobody edits it."""
    put_into_draft(
        DraftLine(
            connector=proposal.connector,
            subject=proposal.subject,
            key=line["key"],
            agreed=line["before"],
            wanted=line["after"],
            author_id=line["author"]["id"],
            decided_at=proposal.created_at,
        )
        for line in proposal.lines
    )


def _fingerprint(proposal: ConfigurationProposal) -> str:
    return fingerprint_of_lines(proposal.connector_id, proposal.subject, proposed_changes(proposal))


def named_lines(proposal: ConfigurationProposal) -> str:
    return first_of([_said(line) for line in proposal.lines], MOST_NAMED)


def _said(line: Mapping[str, Any]) -> str:
    return f"{line['label']}: {line['after_words']} (was {line['before_words']})"

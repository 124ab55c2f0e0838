"""Telling people of proposals: the admins who may approve one, and the people of one what was decided."""

from __future__ import annotations

from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.people.services import is_waiting
from alignadmin.accounts.rights import Right
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.services import mark_done
from alignadmin.notifications.telling import News, tell
from alignadmin.text import counted
from mappings.configuration.subjects import ConfigurationSubject
from mappings.models import ConfigurationProposal, ProposalState
from mappings.planning.notifications import other_admins

PROPOSED = NotificationKind(
    key="configuration-proposed",
    label="A configuration waits for approval",
    explanation="Somebody proposed how the hierarchy or another part of a connector is set up, and you may approve it.",
    right=Right.APPROVE,
)
DECIDED = NotificationKind(
    key="configuration-decided",
    label="What became of a proposal of yours",
    explanation="A configuration that you proposed or that holds changes of yours was approved, declined or withdrawn.",
    right=Right.SEE,
)
DETAILS = {
    ProposalState.APPROVED: "It has taken effect.",
    ProposalState.DECLINED: "Its changes are in the draft again.",
    ProposalState.WITHDRAWN: "Its changes are in the draft again.",
}


def tell_proposed(proposal: ConfigurationProposal, subject: ConfigurationSubject, *, actor: Person) -> None:
    """Nobody who could not approve it, and nobody who was invited and has not joined: they would not see it."""
    has_part = proposal.people if proposal.connector.four_eyes else set()
    admins = [each for each in other_admins(actor) if each.pk not in has_part and not is_waiting(each)]
    news = News(
        kind=PROPOSED,
        about=_about(proposal),
        title=f"{actor} proposed {_name(proposal, subject)}",
        details=(
            f"{counted(len(proposal.lines), 'change')}. Reason: {proposal.reason}\n"
            "Open it, read what it changes, and approve or decline it."
        ),
        address=reverse("configuration-proposal", args=[proposal.pk]),
    )
    tell(news, admins)


def tell_decided(proposal: ConfigurationProposal, subject: ConfigurationSubject, *, actor: Person) -> None:
    """In the transaction of the decision, after which it is `proposal.state`; whoever decided knows it already."""
    did = {ProposalState.WITHDRAWN: "withdrew"}.get(ProposalState(proposal.state), proposal.state)
    why = f": {proposal.decision_reason}" if proposal.decision_reason else ""
    news = News(
        kind=DECIDED,
        about=_about(proposal),
        title=f"{actor} {did} {_name(proposal, subject)}{why}",
        details=DETAILS[ProposalState(proposal.state)],
        address=reverse("configuration-proposal", args=[proposal.pk]),
    )
    tell(news, Person.objects.filter(pk__in=proposal.people).exclude(pk=actor.pk).order_by("pk"))
    mark_done(PROPOSED, [_about(proposal)])


def _name(proposal: ConfigurationProposal, subject: ConfigurationSubject) -> str:
    return f"proposal {proposal.pk}, {subject.label} of {proposal.connector}"


def _about(proposal: ConfigurationProposal) -> str:
    return f"configuration proposal {proposal.pk}"

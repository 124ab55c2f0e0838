"""The acts on a draft and the page of a proposal; each subject has the page of its own where it is edited."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, consent
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import failure, page, redirect
from connectors.ports.requests import connector_or_404
from mappings.configuration import drafting, proposing
from mappings.configuration.page import ProposalPage
from mappings.configuration.subjects import subject_of
from mappings.models import ConfigurationProposal

TEMPLATE = "mappings/configuration/proposal.html"
APPROVE = Act(
    does="Approve proposal {pk}", shown={"warnings": consent("I have read the warnings")}, carried=("fingerprint",)
)
DECLINE = Act(does="Decline proposal {pk}", shown={"decline_reason": "Why it is declined"})


# --- the draft ---------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("POST",))
def undo(request: HttpRequest, slug: str, subject: str) -> HttpResponse:
    connector, found = connector_or_404(slug), subject_of(subject)
    try:
        drafting.undo(found, connector, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, f"{reverse(found.page, args=[slug])}#draft")


@requires(Right.SEE, Right.EDIT, ("POST",))
def drop(request: HttpRequest, slug: str, subject: str) -> HttpResponse:
    connector, found = connector_or_404(slug), subject_of(subject)
    key, seen = text_in(request.POST, "key"), text_in(request.POST, "seen")
    try:
        drafting.drop(found, connector, key, seen=seen, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, f"{reverse(found.page, args=[slug])}#draft")


@requires(Right.SEE, Right.EDIT, ("POST",))
def propose(request: HttpRequest, slug: str, subject: str) -> HttpResponse:
    """Leads to the page of the proposal."""
    connector, found = connector_or_404(slug), subject_of(subject)
    typed = {name: text_in(request.POST, name) for name in ("reason", "ticket", "seen")}
    try:
        made = proposing.propose(found, connector, actor=person_of(request), **typed)
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, reverse("configuration-proposal", args=[made.pk]))


# --- a proposal --------------------------------------------------------------------------------------------------


def proposal_or_404(pk: int) -> ConfigurationProposal:
    found = ConfigurationProposal.objects.select_related("connector", "author", "decider")
    return get_object_or_404(found, pk=pk)


@requires(Right.SEE)
def proposal(request: HttpRequest, pk: int) -> HttpResponse:
    found = proposal_or_404(pk)
    belongs_to(request, found.connector)
    return page(request, TEMPLATE, {"page": ProposalPage(found, person_of(request))})


Decision = Callable[[ConfigurationProposal], object]


def _decide(request: HttpRequest, pk: int, decision: Decision) -> HttpResponse:
    """Decide, then show it; what was refused is said on its page, as it is now."""
    found = proposal_or_404(pk)
    belongs_to(request, found.connector)
    try:
        decision(found)
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        typed = {"trouble": str(refused), "decline_reason": text_in(request.POST, "decline_reason")}
        shown = ProposalPage(proposal_or_404(pk), person_of(request))
        return page(request, TEMPLATE, {"page": shown, **typed}, status=409)
    return redirect(request, reverse("configuration-proposal", args=[pk]))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=APPROVE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Only now anything is in force."""
    fingerprint, ticked = text_in(request.POST, "fingerprint"), text_in(request.POST, "warnings") == "on"
    actor = person_of(request)
    return _decide(request, pk, lambda found: proposing.approve(found, fingerprint, ticked=ticked, actor=actor))


@requires(Right.SEE, Right.APPROVE, ("POST",), fresh=DECLINE)
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    reason, actor = text_in(request.POST, "decline_reason"), person_of(request)
    return _decide(request, pk, lambda found: proposing.decline(found, reason=reason, actor=actor))


@requires(Right.SEE, Right.EDIT, ("POST",))
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    actor = person_of(request)
    return _decide(request, pk, lambda found: proposing.withdraw(found, actor=actor))

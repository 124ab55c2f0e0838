"""The drift page of a connector, and what people do on it: decide rows, and look at Align now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect as plain_redirect
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import plain, text_in
from alignadmin.text import counted, end_of_day
from alignadmin.web.requests import number
from alignadmin.web.responses import failure, page, redirect
from connectors.catalogue import schedule
from connectors.models import Project
from connectors.ports.requests import back_to, connector_or_404
from mappings.drift import decisions, watch
from mappings.drift.address import DriftAddress, drift_url, found_url, read_address
from mappings.drift.confirming import DriftQuestion
from mappings.drift.decisions import (
    LONGEST_ACCEPTANCE,
    Decision,
    DecisionOutcome,
    DriftDecision,
    SeenRow,
    decide_many,
    read_token,
)
from mappings.drift.page import DriftPage
from mappings.drift.queries import most_drifted
from mappings.drift.restoring import restore
from mappings.edits.requests import mapping_or_404
from mappings.findings import services as findings
from mappings.matrix import address as matrix_address

LONGEST_REASON = 500
DONE = {
    Decision.ADOPT: "Adopted {}: what Align has is wanted here, too. Nothing was sent to Align.",
    Decision.ACCEPT: "Accepted {} for now. Nothing was sent to Align.",
    Decision.END: "Ended the acceptance of {}: what Align has counts as drift again.",
}


@requires(Right.SEE)
def drift(request: HttpRequest, slug: str) -> HttpResponse:
    address = read_address(connector_or_404(slug), request.GET)
    return page(request, "mappings/drift/drift.html", {"page": DriftPage(address, person_of(request))})


@requires(Right.SEE)
def first_drift(request: HttpRequest) -> HttpResponse:
    """The navigation's "Drift": the active connector with the most to decide."""
    connector = most_drifted()
    return plain_redirect(drift_url(connector) if connector else reverse("connectors"))


@requires(Right.SEE, Right.EDIT, ("POST",))
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """What a decision would do, before it is carried out: a page of its own, or what a dialog shows."""
    address = read_address(connector_or_404(slug), request.POST)
    try:
        return _question(request, address)
    except Refused as refused:
        return failure(request, str(refused))


def _question(request: HttpRequest, address: DriftAddress, *, trouble: str = "") -> HttpResponse:
    """`trouble` is why its plan was refused: it is asked again, with what was typed. Raises Refused."""
    asked = DriftQuestion(
        address=address,
        rows=_rows(request.POST),
        drift_decision=_decision(request.POST),
        until=text_in(request.POST, "until"),
        person=person_of(request),
        is_all=_is_all(request.POST),
        reason=text_in(request.POST, "reason") if trouble else "",
        ticket=text_in(request.POST, "ticket") if trouble else "",
    )
    if not asked.count:
        raise Refused(asked.outcome.sentence)
    context = {"page": asked, "is_dialog": request.htmx}  # type: ignore[attr-defined]
    if trouble:
        return page(request, "mappings/drift/confirm.html", {**context, "trouble": trouble}, status=409)
    return page(request, "mappings/drift/confirm.html", context, fragment="mappings/drift/_confirm.html")


@requires(Right.SEE, Right.EDIT, ("POST",))
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Decide the rows that were confirmed, or the one whose own button was pressed."""
    address = read_address(connector_or_404(slug), request.POST)
    try:
        outcome, next_page = _decide(address, request)
    except Refused as refused:
        return _refused(request, address, str(refused))
    if not outcome.decided:
        return failure(request, outcome.sentence)
    if outcome.sentence:
        messages.warning(request, outcome.sentence)
    return redirect(request, next_page)


def _refused(request: HttpRequest, address: DriftAddress, sentence: str) -> HttpResponse:
    """A dialog stands there still; a page is drawn again, so that the reason of a plan need not be typed again."""
    if text_in(request.POST, "decision") != Decision.RESTORE or request.htmx:  # type: ignore[attr-defined]
        return failure(request, sentence)
    try:
        return _question(request, address, trouble=sentence)
    except Refused as refused:
        return failure(request, str(refused))


def _decide(address: DriftAddress, request: HttpRequest) -> tuple[DecisionOutcome, str]:
    """What became of the rows, and where to go next: to the plan that restores them, or back to the list."""
    decision, rows, actor = _decision(request.POST), _rows(request.POST), person_of(request)
    if decision.decision is Decision.RESTORE:
        ticket = text_in(request.POST, "ticket")
        restored = restore(address.connector, rows, reason=text_in(request.POST, "reason"), ticket=ticket, actor=actor)
        return restored.outcome, reverse("plan", args=[restored.plan.pk]) if restored.plan else ""
    outcome = decide_many(address.connector, rows, decision, actor=actor)
    if outcome.decided:
        messages.success(request, DONE[decision.decision].format(counted(outcome.decided, "row")))
    return outcome, address.but(row=None).url


def _decision(data: QueryDict) -> DriftDecision:
    """A row's own button says "adopt 12.3.5"; the others go with the ticked rows."""
    word = (text_in(data, "one") or text_in(data, "decision")).partition(" ")[0]
    if word not in set(Decision):
        raise Refused("Choose adopt, restore or accept.")
    if Decision(word) is not Decision.ACCEPT:
        return DriftDecision(decision=Decision(word))
    return DriftDecision(
        decision=Decision.ACCEPT,
        until=end_of_day(text_in(data, "until"), LONGEST_ACCEPTANCE),
        reason=text_in(data, "reason").strip()[:LONGEST_REASON],
    )


def _rows(data: QueryDict) -> list[SeenRow]:
    """The one whose button was pressed, all that the filters left when it was drawn, or those that were ticked."""
    if token := text_in(data, "one").partition(" ")[2]:
        return [read_token(token)]
    tokens = data.getlist("shown" if _is_all(data) else "ticked")
    return [read_token(token) for each in tokens for token in plain(each).split()]


def _is_all(data: QueryDict) -> bool:
    return text_in(data, "all") == "on" and not text_in(data, "one")


@requires(Right.SEE, Right.EDIT, ("POST",))
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Look at every list now, and at what is new in Jira and Align."""
    connector, person = connector_or_404(slug), person_of(request)
    try:
        watch.start_check(connector, person)
        schedule.read_now(connector, Project.objects.all(), actor=person, interactive=False)
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, back_to(request, slug, read_address(connector, request.POST).url))


@requires(Right.SEE, Right.EDIT, ("POST",))
def mark_seen(request: HttpRequest, slug: str) -> HttpResponse:
    """Of what is new, renamed, moved or gone: of one line, or of all that the page showed."""
    connector = connector_or_404(slug)
    try:
        until = number(request.POST, "until")
        if until is None:
            raise Refused("This request does not say what was shown. Reload the page.")
        findings.mark_seen(connector, until=until, key=text_in(request.POST, "key"), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, found_url(connector))


@requires(Right.SEE, Right.EDIT, ("POST",))
def decide_one(request: HttpRequest, slug: str) -> HttpResponse:
    """From the matrix: adopt, restore, or accept until a day, what somebody changed elsewhere."""
    address = matrix_address.requested_address(slug, request.POST)
    data = request.POST
    mapping = mapping_or_404(address.connector, data)
    try:
        if data.get("decision") not in set(Decision):
            raise Refused("Choose adopt, restore or accept.")
        decisions.decide(
            mapping,
            Decision(data["decision"]),
            seen=number(data, "seen"),
            actor=person_of(request),
            until=end_of_day(text_in(data, "until"), LONGEST_ACCEPTANCE),
            reason=text_in(data, "reason"),
        )
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, address.url)

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
from alignadmin.text import end_of_day
from alignadmin.web.requests import number
from alignadmin.web.responses import failure, page, redirect
from connectors.catalogue import schedule
from connectors.models import Connector, Project
from connectors.ports.requests import connector_or_404
from mappings.drift import decisions, watch
from mappings.drift.address import drift_url, found_url, read_address
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
from mappings.edits.requests import mapping_or_404
from mappings.findings import services as findings
from mappings.matrix import address as matrix_address

LONGEST_REASON = 500


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
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Decide the ticked rows, or the one whose own button was pressed."""
    connector = connector_or_404(slug)
    try:
        outcome = _decide(connector, request)
    except Refused as refused:
        return failure(request, str(refused))
    if outcome.refused and not outcome.decided:
        return failure(request, outcome.sentence)
    if outcome.sentence:
        messages.warning(request, outcome.sentence)
    return redirect(request, read_address(connector, request.POST).but(row=None).url)


def _decide(connector: Connector, request: HttpRequest) -> DecisionOutcome:
    decision, rows = _asked(request.POST)
    accepts = decision is Decision.ACCEPT
    drift_decision = DriftDecision(
        decision=decision,
        until=end_of_day(text_in(request.POST, "until"), LONGEST_ACCEPTANCE) if accepts else None,
        reason=text_in(request.POST, "reason").strip()[:LONGEST_REASON] if accepts else "",
    )
    return decide_many(connector, rows, drift_decision, actor=person_of(request))


def _asked(data: QueryDict) -> tuple[Decision, list[SeenRow]]:
    """A row's own button says "adopt 12.3.5"; the others go with the ticked rows."""
    word, _, token = (text_in(data, "one") or text_in(data, "decision")).partition(" ")
    if word not in set(Decision):
        raise Refused("Choose adopt, restore or accept.")
    tokens = [token] if token else [plain(each) for each in data.getlist("ticked")]
    return Decision(word), [read_token(each) for each in tokens]


@requires(Right.SEE, Right.EDIT, ("POST",))
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Look at every list now, and at what is new in Jira and Align."""
    connector, person = connector_or_404(slug), person_of(request)
    try:
        watch.start_check(connector, person)
        schedule.read_now(connector, Project.objects.all(), actor=person, interactive=False)
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, read_address(connector, request.POST).url)


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
    address = matrix_address.read_address(connector_or_404(slug), request.POST)
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

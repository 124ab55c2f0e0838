"""The pages of a connector's log: each taking-in with who, when and what, one of them, and its withdrawal."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import page, redirect
from connectors.history.intake import withdrawals
from connectors.models import IntakeRun
from connectors.models.connector import Connector

PER_PAGE = 50
BIGGEST = 2**63 - 1  # that a database's key can be


@requires(Right.HISTORY)
def listed(request: HttpRequest, slug: str) -> HttpResponse:
    """Newest first; those by hand alone, unless `way=all`: the endpoint's are one an hour and more."""
    connector = get_object_or_404(Connector, slug=slug)
    every = text_in(request.GET, "way") == "all"
    found = IntakeRun.objects.filter(connector=connector).select_related("withdrawal").order_by("-number")
    found = found if every else found.filter(intake__in=withdrawals.BY_HAND)
    shown = Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "connector": connector,
        "page": shown,
        "runs": [withdrawals.RunView(run=run) for run in shown],
        "every": every,
        "query": "way=all" if every else "",
    }
    return page(request, "connectors/history/intake/runs.html", context)


@requires(Right.HISTORY, Right.HISTORY, ("GET", "POST"))
def one(request: HttpRequest, slug: str, run: int) -> HttpResponse:
    """One run; sent to, it is withdrawn, and the page then says what that did."""
    if run > BIGGEST:
        raise Http404
    runs = IntakeRun.objects.select_related("connector", "withdrawal")
    found = get_object_or_404(runs, number=run, connector__slug=slug)
    if request.method != "POST":
        return _show(request, found)
    reason = text_in(request.POST, "reason")
    try:
        outcome = withdrawals.withdraw(found, reason, actor=person_of(request))
    except Refused as refused:
        again = get_object_or_404(runs, number=run)
        return _show(request, again, trouble=str(refused), reason=reason, status=409)
    messages.success(request, f"Withdrawn. {outcome.sentence}")
    return redirect(request, reverse("history-run", args=[slug, run]))


def _show(
    request: HttpRequest, run: IntakeRun, *, trouble: str = "", reason: str = "", status: int = 200
) -> HttpResponse:
    why_not = withdrawals.why_not(run)
    context = {
        "shown": withdrawals.RunView(run=run),
        "connector": run.connector,
        "why_not": why_not,
        "preview": None if why_not else withdrawals.preview(run),
        "outcome": withdrawals.outcome(run),
        "trouble": trouble,
        "reason": reason,
        "longest": withdrawals.LONGEST_REASON,
    }
    return page(request, "connectors/history/intake/run.html", context, status=status)

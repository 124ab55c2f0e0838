"""The overview: what needs attention, the state of what runs, each connector, and what happened last."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.shortcuts import redirect as plain_redirect
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import checkpoints
from alignadmin.parsing import text_in
from alignadmin.web.responses import page
from connectors.credentials import reminders
from connectors.history.packs import schedules
from connectors.history.reviews import questions, sign_off
from connectors.history.verification import services as verification
from connectors.jobs import heartbeat
from connectors.models import Connector
from connectors.ports.requests import with_credentials
from mappings.drift.status import statuses
from mappings.matrix.coverage import WORST_FIRST
from mappings.matrix.coverage import coverage as project_coverage
from mappings.overview.activity import last_activity
from mappings.overview.cards import OverviewConnector
from mappings.planning.emergencies import emergencies

MOST_WAITING = 30  # lines that are seen at once
PER_PAGE = 100  # projects


@requires(Right.SEE)
def overview(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    connectors = list(with_credentials().filter(is_active=True))
    watched = statuses(connectors)
    cards = [OverviewConnector(connector, person, watched[connector.pk]) for connector in connectors]
    kinds = zip(*(card.waiting_by_kind for card in cards), strict=True)
    waiting = [
        (card.connector, *line) for kind in kinds for card, part in zip(cards, kind, strict=True) for line in part
    ]
    sees_history = may(person, Right.HISTORY)
    context = {
        "cards": cards,
        "waiting": waiting[:MOST_WAITING],
        "more_waiting": waiting[MOST_WAITING:],
        "emergencies": emergencies(person),
        "questions": questions.to_answer(person)[: questions.MOST_OPEN],
        "reviews": sign_off.to_do() if sees_history else None,
        "checkpoint": checkpoints.state() if sees_history else None,
        "check_trouble": verification.trouble() if sees_history else "",
        "failed_packs": schedules.troubles() if sees_history else [],
        "activity": last_activity(person),
        "heard_at": heartbeat.last_heartbeat_at(),
        "silence": heartbeat.silence(),
        "inactive": Connector.objects.filter(is_active=False),
        "unsent": reminders.unsent() if may(person, Right.CONFIGURE) else 0,
    }
    return page(request, "mappings/overview/overview.html", context)


@requires(Right.SEE)
def coverage(request: HttpRequest, slug: str) -> HttpResponse:
    """Every project of a connector, worst first, by words of its key or name and by the state of a square."""
    connector = get_object_or_404(Connector, slug=slug)
    found = project_coverage(connector)
    words, state = text_in(request.GET, "q").strip(), text_in(request.GET, "state")
    if state not in WORST_FIRST:
        state = ""
    rows = [row for row in found.worst_first if row.fits(words, state)]
    context = {
        "connector": connector,
        "coverage": found,
        "found": Paginator(rows, PER_PAGE).get_page(text_in(request.GET, "page")),
        "states": [(each, found.counts.get(each, 0)) for each in WORST_FIRST],
        "words": words,
        "state": state,
        "query": urlencode({name: value for name, value in (("q", words), ("state", state)) if value}),
    }
    return page(request, "mappings/overview/coverage.html", context, fragment="mappings/overview/_percent.html")


@requires(Right.SEE)
def first_matrix(request: HttpRequest) -> HttpResponse:
    """The navigation's "Mappings": the first active connector's matrix."""
    connector = Connector.objects.filter(is_active=True).first()
    return plain_redirect(reverse("matrix", args=[connector.slug]) if connector else reverse("connectors"))

"""The tabs of a connector's page, a view each, and the forms that stand on them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect as plain_redirect
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import failure, page, redirect
from connectors.history.mirror import labels
from connectors.models import Connector, System, WorkItemType
from connectors.ports.requests import back_to, with_credentials_or_404
from connectors.setup import queries, services
from connectors.setup.checks import BOTH, run_test
from connectors.setup.forms import TermsForm
from connectors.setup.projects import ProjectTable
from connectors.setup.readiness import matches_in_words

TYPE_CHOICES = [*WorkItemType.choices, ("", "none of these")]
FORMER_FILTERS = ("q", "kind", "scope", "page")  # of the time when everything stood on one page
FORMER_SCOPES = {"trouble": "errors", "vanished": "vanished"}  # that are problems now
TESTED_ON = {"overview": "connector", "checks": "connector-checks"}


def _show(request: HttpRequest, tab: str, shown: Connector, *, status: int = 200, **extra: Any) -> HttpResponse:
    asked = text_in(request.GET, "tested")
    context = {"connector": shown, "page": queries.ConnectorPage(shown, person_of(request), asked), **extra}
    return page(request, f"connectors/setup/{tab}.html", context, status=status)


@requires(Right.SEE)
def connector(request: HttpRequest, slug: str) -> HttpResponse:
    """The overview. An address that filters the projects, as it once did here, leads on to their tab."""
    shown = with_credentials_or_404(slug)
    if asked := {name: text_in(request.GET, name) for name in FORMER_FILTERS if name in request.GET}:
        if problem := FORMER_SCOPES.get(asked.get("scope", "")):
            asked = {**asked, "scope": "", "problem": problem}
        return plain_redirect(f"{reverse('connector-projects', args=[slug])}?{urlencode(asked)}")
    return _show(request, "connector", shown)


@requires(Right.SEE)
def projects(request: HttpRequest, slug: str) -> HttpResponse:
    shown = with_credentials_or_404(slug)
    return _show(request, "projects", shown, table=ProjectTable(shown, request.GET.dict()))


@requires(Right.SEE)
def credentials(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, "credentials", with_credentials_or_404(slug))


@requires(Right.SEE)
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, "settings", with_credentials_or_404(slug))


# --- types ------------------------------------------------------------------------------------------------------------


@requires(Right.SEE)
def types(request: HttpRequest, slug: str) -> HttpResponse:
    """Which Jira issue types each Align work item type stands for, and what the site's own terms mean."""
    shown = with_credentials_or_404(slug)
    types, terms = matches_in_words(shown), labels.terms_shown(shown)
    return _show(request, "types", shown, types=types, terms=terms, type_choices=TYPE_CHOICES)


@requires(Right.SEE, Right.CONFIGURE, ("POST",))
def terms(request: HttpRequest, slug: str) -> HttpResponse:
    """What the site's own terms in Align's log mean."""
    stored = with_credentials_or_404(slug)
    form = TermsForm(request.POST)
    if not form.is_valid():
        return failure(request, " ".join(problems_of(form)), status=400)
    try:
        services.decide_terms(stored, form.cleaned_data["meanings"], actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, f"{reverse('connector-types', args=[slug])}#terms")


# --- checks -----------------------------------------------------------------------------------------------------------


@requires(Right.SEE)
def checks(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, "checks", with_credentials_or_404(slug))


@requires(Right.SEE, Right.CONFIGURE, ("POST",))
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Try the stored credentials, of both systems or of one, and go back to where it was asked for.

    That page is read anew, so that its readiness, health and alarms say what the test has found.
    """
    stored = with_credentials_or_404(slug)
    chosen = [system for system in System if system.value == text_in(request.POST, "system")]
    try:
        run_test(stored, chosen or System, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    back = reverse(TESTED_ON.get(text_in(request.POST, "on"), "connector-checks"), args=[slug])
    return redirect(request, f"{back_to(request, slug, back)}?tested={chosen[0].value if chosen else BOTH}")

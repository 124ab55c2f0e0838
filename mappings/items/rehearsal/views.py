"""The pages of rehearsals: which projects had one, and one project's with starting another."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import page, redirect
from connectors.models import Connector, Project
from connectors.ports.requests import with_credentials_or_404
from mappings.items.rehearsal import services
from mappings.items.rehearsal.page import ProjectsPage, RehearsalPage

LIST, ONE = "mappings/items/rehearsals.html", "mappings/items/rehearsal.html"


@requires(Right.SEE)
def rehearsals(request: HttpRequest, slug: str) -> HttpResponse:
    connector = with_credentials_or_404(slug)
    words, number = text_in(request.GET, "q").strip(), text_in(request.GET, "page")
    shown = ProjectsPage(connector, person_of(request), words=words, number=number)
    return page(request, LIST, {"connector": connector, "page": shown})


@requires(Right.ITEMS, Right.EDIT, ("GET", "POST"))
def rehearsal(request: HttpRequest, slug: str, project: int) -> HttpResponse:
    """GET shows the last one, or the one that is asked for; POST starts another, which writes nothing anywhere."""
    connector = with_credentials_or_404(slug)
    found = get_object_or_404(Project, pk=project, connector=connector)
    if request.method != "POST":
        return _show(request, connector, found)
    typed = text_in(request.POST, "issues").strip()
    try:
        services.start(connector, found, whole(typed) or 0, actor=person_of(request))
    except Refused as refused:
        return _show(request, connector, found, trouble=str(refused), typed=typed, status=409)
    return redirect(request, reverse("rehearsal", args=[slug, found.pk]))


def _show(
    request: HttpRequest,
    connector: Connector,
    project: Project,
    *,
    trouble: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = {name: text_in(request.GET, name) for name in ("run", "loss", "outcome", "issue", "page")}
    shown = RehearsalPage(connector, project, person_of(request), asked)
    typed = typed if trouble else str(services.USUAL)
    context = {"connector": connector, "page": shown, "job": shown.job, "trouble": trouble, "typed": typed}
    return page(request, ONE, context, status=status)

"""The page of progress, and having it read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import page, redirect
from connectors.models import Connector
from connectors.ports.requests import with_credentials_or_404
from mappings.items.progress import services
from mappings.items.progress.page import ProgressPage

TEMPLATE = "mappings/items/progress/progress.html"
LONGEST = 40


@requires(Right.ITEMS, Right.EDIT, ("GET", "POST"))
def progress(request: HttpRequest, slug: str) -> HttpResponse:
    """GET shows what is kept of the last readings; POST has both systems read, which writes nothing in either."""
    connector = with_credentials_or_404(slug)
    if request.method != "POST":
        return _show(request, connector)
    typed = {name: text_in(request.POST, name).strip() for name in ("program", "release")}
    release = whole(typed["release"]) if typed["release"] else None
    try:
        if typed["release"] and not release:
            raise Refused(
                "A program increment is named by its id in Jira Align, a whole number. Leave it empty for all."
            )
        services.start(connector, whole(typed["program"]), release, actor=person_of(request))
    except Refused as refused:
        shown = {name: value[:LONGEST] for name, value in typed.items()}
        return _show(request, connector, trouble=str(refused), typed=shown, status=409)
    return redirect(request, reverse("progress", args=[slug]))


def _show(
    request: HttpRequest,
    connector: Connector,
    *,
    trouble: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    asked = {name: text_in(request.GET, name) for name in ("reading", "by", "in", "page")}
    shown = ProgressPage(connector, person_of(request), asked, typed)
    context = {"connector": connector, "page": shown, "job": shown.job, "trouble": trouble}
    return page(request, TEMPLATE, context, status=status)

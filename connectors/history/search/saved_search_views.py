"""The page of saved searches, and the acts on them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import page, redirect
from connectors.history.search import query_language, saved_views
from connectors.models import SavedView

HERE = "connectors/history/search/views.html"
post_only = requires(Right.MAPPING_HISTORY, Right.MAPPING_HISTORY, ("POST",))


@requires(Right.MAPPING_HISTORY, Right.MAPPING_HISTORY, ("GET", "POST"))
def views(request: HttpRequest) -> HttpResponse:
    """All that one sees; a POST saves another."""
    if request.method != "POST":
        return _show(request)
    name, query = text_in(request.POST, "name"), text_in(request.POST, "q")
    try:
        made = saved_views.save(name, query, shared=_is_shared(request), actor=person_of(request))
    except Refused as refused:
        return _show(request, trouble=str(refused), name=name, query=query, status=400)
    messages.info(request, f"The search is saved as “{made.name}”.")
    return redirect(request, saved_views.SavedViewLine(view=made, is_own=True).address)


@post_only
def change(request: HttpRequest, view: int) -> HttpResponse:
    found, name = _own(request, view), text_in(request.POST, "name")
    try:
        saved_views.change(found, name, shared=_is_shared(request))
    except Refused as refused:
        return _show(request, trouble=str(refused), changed=view, status=400)
    messages.info(request, f"The search is now “{found.name}”, {'shared' if found.shared else 'your own'}.")
    return redirect(request, reverse("history-views"))


@post_only
def delete(request: HttpRequest, view: int) -> HttpResponse:
    found = _own(request, view)
    found.delete()
    messages.info(request, f"The saved search “{found.name}” is deleted. The history itself is as it was.")
    return redirect(request, reverse("history-views"))


def _own(request: HttpRequest, view: int) -> SavedView:
    """What is not one's own is not there."""
    found = saved_views.of(person_of(request)).filter(pk=view).first()
    if found is None:
        raise Http404
    return found


def _is_shared(request: HttpRequest) -> bool:
    return text_in(request.POST, "shared") == "yes"


def _show(
    request: HttpRequest,
    *,
    trouble: str = "",
    name: str = "",
    query: str | None = None,
    changed: int | None = None,
    status: int = 200,
) -> HttpResponse:
    asked = text_in(request.GET, "q") if query is None else query
    context = {
        "views": saved_views.seen_by(person_of(request)),
        "most": saved_views.MOST,
        "audience": saved_views.audience(person_of(request)),
        "trouble": trouble,
        "name": name,
        "query": query_language.write(query_language.parse(asked)),
        "changed": changed,
    }
    return page(request, HERE, context, status=status)

"""The explorer's page: a query by rows of a form or as a text, what it costs, and the button that runs it.

A GET shows and asks Align nothing; the whole query stands in its address. A POST looks names up, and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.acts import Act, Params, Typed
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.http.errors import RemoteError
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, page, redirect
from connectors.explorer import lookups, saved, services
from connectors.explorer.access import explored_or_404
from connectors.explorer.page import ExplorerPage, page_of
from connectors.models import Connector, SavedQuery
from connectors.ports.act_words import connector_name
from connectors.ports.requests import connector_or_404

HERE = "connectors/explorer/explorer.html"
FRAGMENTS = {"_reading": "connectors/explorer/_reading.html", "_rows": "connectors/explorer/_rows.html"}


@requires(Right.EDIT, Right.EDIT, ("GET", "POST"))
def explorer(request: HttpRequest, slug: str) -> HttpResponse:
    connector = explored_or_404(request, slug)
    if request.method == "POST":
        return _sent(request, connector)
    shown = page_of(connector, person_of(request), request.GET, _typed(request.GET))
    response = _show(request, shown)
    if getattr(request, "htmx", False) and not shown.is_typed:
        response.headers["HX-Replace-Url"] = _address(connector, shown)
    return response


def _sent(request: HttpRequest, connector: Connector) -> HttpResponse:
    """1. Names are looked up; where that leaves a choice, the page shows it.
    2. `act=run` runs what is complete, `act=save` keeps it; anything else leads to the address that says it all.
    """
    act = text_in(request.POST, "act")
    shown = page_of(connector, person_of(request), request.POST, _typed(request.POST))
    if not shown.is_typed and shown.fields.lookups:
        found = lookups.look_up(connector, shown.fields, actor=person_of(request))
        shown = ExplorerPage(
            connector, person_of(request), found.fields, choices=found.choices, problems=found.problems
        )
        if not found.is_complete:
            return _show(request, shown)
    if act == "custom":
        try:
            lookups.look_up_custom(connector, shown.fields.asked, actor=person_of(request))
        except RemoteError as error:
            return _show(request, shown, trouble=str(error), status=409)
    if act not in ("run", "save"):
        return redirect(request, _address(connector, shown))
    if shown.query is None:
        trouble = "" if shown.is_typed else "This is no query yet: see what is marked."
        return _show(request, shown, trouble=trouble, status=400)
    if act == "save":
        return _saved(request, shown)
    try:
        run = services.run(connector, shown.query, actor=person_of(request), uuid=_uuid(request))
    except Refused as refused:
        return _show(request, shown, trouble=str(refused), status=409)
    return redirect(request, reverse("explorer-run", args=[connector.slug, run.uuid]))


def _saved(request: HttpRequest, shown: ExplorerPage) -> HttpResponse:
    name, is_shared = text_in(request.POST, "name"), text_in(request.POST, "shared") == "yes"
    try:
        made = saved.save(shown.connector, name, shown.text, shared=is_shared, actor=person_of(request))
    except Refused as refused:
        return _show(request, shown, save_trouble=str(refused), status=400)
    messages.info(request, f"The query is saved as “{made.name}”.")
    return redirect(request, _address(shown.connector, shown))


def _typed(data: Mapping[str, Any]) -> str | None:
    return text_in(data, "q") if "q" in data else None


def _uuid(request: HttpRequest) -> UUID | None:
    try:
        return UUID(text_in(request.POST, "uuid"))
    except ValueError:
        return None


def _address(connector: Connector, shown: ExplorerPage) -> str:
    query = urlencode({"q": shown.reading.typed}) if shown.reading else shown.fields.in_address
    return f"{reverse('explorer', args=[connector.slug])}?{query}"


def _show(
    request: HttpRequest, shown: ExplorerPage, *, trouble: str = "", save_trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "connector": shown.connector,
        "page": shown,
        "trouble": trouble,
        "save_trouble": save_trouble,
        "name": text_in(request.POST, "name"),
    }
    wanted = getattr(getattr(request, "htmx", None), "target", None) or ""
    return page(request, HERE, context, fragment=FRAGMENTS.get(wanted, HERE), status=status)


# -- queries under a name ---------------------------------------------------------------------------------------------


@requires(Right.EDIT, Right.EDIT, ("POST",))
def rename(request: HttpRequest, slug: str, query: int) -> HttpResponse:
    connector, found = _own_saved(request, slug, query)
    try:
        saved.change(found, text_in(request.POST, "name"), shared=text_in(request.POST, "shared") == "yes")
    except Refused as refused:
        shown = page_of(connector, person_of(request), request.GET, None)
        shown.renamed = query
        return _show(request, shown, trouble=str(refused), status=400)
    messages.info(request, f"The query is now “{found.name}”, {'shared' if found.shared else 'your own'}.")
    return redirect(request, reverse("explorer", args=[connector.slug]))


@requires(Right.EDIT, Right.EDIT, ("POST",))
def unsave(request: HttpRequest, slug: str, query: int) -> HttpResponse:
    connector, found = _own_saved(request, slug, query)
    found.delete()
    messages.info(request, f"The saved query “{found.name}” is deleted.")
    return redirect(request, reverse("explorer", args=[connector.slug]))


def _own_saved(request: HttpRequest, slug: str, query: int) -> tuple[Connector, SavedQuery]:
    """What is not one's own is not there."""
    connector = explored_or_404(request, slug)
    found = saved.of(person_of(request), connector).filter(pk=query).first()
    if found is None:
        raise Http404
    return connector, found


# -- who may use it ---------------------------------------------------------------------------------------------------


def _access_words(typed: Typed, params: Params) -> str:
    act = {"yes": "Open", "no": "Close"}.get(typed.get("editors", ""), "Open or close")
    return f"{act} the explorer of {connector_name(params['slug'])} to editors"


@requires(Right.EDIT, Right.CONFIGURE, ("POST",), fresh=Act(does=_access_words, carried=("editors",)))
def access(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    is_open = text_in(request.POST, "editors")
    if is_open not in ("yes", "no"):
        return failure(request, "The request does not say whether to open or to close it: reload the page.", status=400)
    services.open_to_editors(connector, is_open == "yes", actor=person_of(request))
    return redirect(request, reverse("explorer", args=[connector.slug]))

"""The acts of step 4: choosing what is in scope, checking projects, and looking at the boards of one."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.text import counted
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector, Project, ScopeChoice
from connectors.ports.act_words import of_connector
from connectors.ports.requests import connector_or_404, with_credentials_or_404
from connectors.setup.scope import services
from connectors.setup.scope.boards import look_at_boards
from connectors.setup.scope.project_filters import PER_PAGE
from connectors.setup.scope.table import ScopeTable

FILTERS = ("q", "kind", "category", "programme", "carried", "scope")
CHOOSE = Act(
    does=of_connector("Choose which projects of {connector} are in scope"),
    shown={"choice": "Chosen"},
    carried=("ticked", "all", "page", *FILTERS),
)
NONE_CHOSEN = "No project was chosen: tick some in the table, or all that the filter shows, and press again."
DONE = {
    ScopeChoice.IN: "in scope now",
    ScopeChoice.OUT: "out of scope now; their mappings and history stay",
    ScopeChoice.ALIGN: "in scope as far as Align carries them",
}


@requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=CHOOSE)
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Of the projects that were ticked, or of all that the filter shows while these are as many as were seen."""
    connector = connector_or_404(slug)
    choice = text_in(request.POST, "choice")
    if choice not in ScopeChoice.values:
        return failure(request, "Choose: in scope, out of scope, or as Align carries.", status=400)
    try:
        ids = chosen_ids(request, connector)
        changed = services.choose_scope(connector, ids, ScopeChoice(choice), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    done = f"{counted(len(changed), 'project')} {DONE[ScopeChoice(choice)]}."
    messages.info(request, done if changed else "Nothing was changed: that is how they were already.")
    return redirect(request, _back(request, connector))


@requires(Right.SEE, Right.EDIT, ("POST",))
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask Jira again, in the background, what its account may do in these projects."""
    connector = connector_or_404(slug)
    try:
        ids = chosen_ids(request, connector)
        job = services.check_projects(connector, ids, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.info(request, f"{services.checked_words(len(ids), job)}. The results stand here when Jira has answered.")
    return redirect(request, _back(request, connector))


def chosen_ids(request: HttpRequest, connector: Connector) -> list[int]:
    """Raises Refused for what names no projects, or for another number of them than the page showed."""
    if text_in(request.POST, "all"):
        seen = whole(text_in(request.POST, "all"))
        found = list(ScopeTable(connector, request.POST.dict()).wanted().values_list("pk", flat=True))
        if seen != len(found):
            now = counted(len(found), "project")
            raise Refused(f"The filter shows {now} now, which is not what the page showed. Reload it and choose again.")
        return found
    typed = list(dict.fromkeys(request.POST.getlist("ticked")))
    numbers = [whole(each) for each in typed]
    if not typed or len(typed) > PER_PAGE or None in numbers:
        raise Refused(NONE_CHOSEN)
    return [number for number in numbers if number is not None]


def _back(request: HttpRequest, connector: Connector) -> str:
    table = ScopeTable(connector, request.POST.dict())
    number = whole(text_in(request.POST, "page"))
    query = urlencode(table.filters | ({"page": str(number)} if number and number > 1 else {}))
    address = reverse("setup-step", args=[connector.slug, "projects"])
    return f"{address}{'?' if query else ''}{query}#projects"


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def boards(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Shows nothing of Jira before somebody presses the button: only then it is asked."""
    connector = with_credentials_or_404(slug)
    project = get_object_or_404(Project, connector=connector, pk=pk)
    can_edit = may(request.user, Right.EDIT) and connector.disconnected_at is None
    context = {"connector": connector, "project": project, "back": _back(request, connector), "can_edit": can_edit}
    if request.method != "POST":
        return page(request, "connectors/setup/scope/boards.html", context)
    try:
        found = look_at_boards(connector, project, actor=person_of(request))
    except Refused as refused:
        trouble = {**context, "trouble": str(refused)}
        return page(request, "connectors/setup/scope/boards.html", trouble, status=409)
    return page(request, "connectors/setup/scope/boards.html", {**context, "found": found})

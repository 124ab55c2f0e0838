"""The page of the hierarchy, saving what was chosen on it into the draft, and starting from a scheme."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.text import counted
from alignadmin.web.responses import failure, page, redirect
from connectors.align.terminology import LEVELS
from connectors.models import Connector, Project
from connectors.ports.requests import with_credentials_or_404
from mappings.configuration.drafting import LineRequest, set_lines
from mappings.engine.configuration import line_key
from mappings.engine.hierarchy import SHARED
from mappings.hierarchy.form import TypedLevel, requests_of, seen_in, typed_in
from mappings.hierarchy.page import HierarchyPage
from mappings.hierarchy.subject import HIERARCHY, OLD_PAGE

TEMPLATE = "mappings/hierarchy/hierarchy.html"
SAVED = "Saved in the draft. It takes effect once it is proposed and approved."
NOTHING_NEW = "Nothing was changed: that is what is wanted already."


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def hierarchy(request: HttpRequest, slug: str) -> HttpResponse:
    """Of all projects, or with `project` of the one with that key. A POST saves the form into the draft."""
    connector = with_credentials_or_404(slug)
    asked = request.POST if request.method == "POST" else request.GET
    key = text_in(asked, "project").strip()
    project = Project.objects.filter(connector=connector, key__iexact=key, vanished_at=None).first() if key else None
    if key and project is None:
        unknown = f"There is no project {key[:40]} here: what you see holds for all projects."
        if request.method == "POST":
            return failure(request, f"There is no project {key[:40]} here. Nothing was saved.")
        return _show(request, connector, trouble=unknown, status=404)
    if request.method != "POST":
        return _show(request, connector, project)
    return _save(request, connector, project)


def _show(
    request: HttpRequest,
    connector: Connector,
    project: Project | None = None,
    *,
    typed: dict[str, TypedLevel] | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = HierarchyPage(connector, person_of(request), project=project, typed=typed)
    return page(request, TEMPLATE, {"connector": connector, "page": shown, "trouble": trouble}, status=status)


def _save(request: HttpRequest, connector: Connector, project: Project | None) -> HttpResponse:
    typed = typed_in(request.POST)
    place = str(project.jira_id) if project else SHARED
    try:
        seen = seen_in(request.POST)
        changed = set_lines(HIERARCHY, connector, requests_of(place, typed, seen), actor=person_of(request))
    except Refused as refused:
        return _show(request, connector, project, typed=typed, trouble=str(refused), status=409)
    messages.info(request, SAVED if changed else NOTHING_NEW)
    query = f"?project={project.key}" if project else ""
    return redirect(request, f"{reverse('hierarchy', args=[connector.slug])}{query}#draft")


@requires(Right.SEE, Right.EDIT, ("POST",))
def start_from(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a scheme's levels into the draft, for all projects; whoever saw something else than is wanted now is told."""
    connector = with_credentials_or_404(slug)
    shown = HierarchyPage(connector, person_of(request))
    scheme = next((each for each in shown.schemes if each.code == text_in(request.POST, "scheme")), None)
    try:
        if scheme is None or not shown.is_read:
            raise Refused(OLD_PAGE)
        seen = seen_in(request.POST)
        requests = [
            LineRequest(key=line_key(SHARED, level), wanted=list(scheme.levels.get(level, ())), seen=seen[level].value)
            for level in LEVELS
        ]
        changed = set_lines(HIERARCHY, connector, requests, actor=person_of(request))
    except Refused as refused:
        return _show(request, connector, trouble=str(refused), status=409)
    messages.info(request, f"{counted(len(changed), 'level')} put into the draft." if changed else NOTHING_NEW)
    return redirect(request, f"{reverse('hierarchy', args=[connector.slug])}#draft")

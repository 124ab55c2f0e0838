"""The page of the issues to import, saving into the draft, and asking Jira what a JQL finds."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, page, redirect
from connectors.jira.typed_jql import typed_condition
from connectors.models import Project
from connectors.ports.requests import with_credentials_or_404
from mappings.configuration.drafting import set_lines
from mappings.engine.import_scope import SHARED, ImportScope
from mappings.items.scope.agreed import CLOSED, JQL, LANDING, scope_at
from mappings.items.scope.form import SeenPart, TypedScope, requests_of, seen_in, typed_in
from mappings.items.scope.landing import FoundLanding, find_landing
from mappings.items.scope.live_check import check_scope
from mappings.items.scope.page import ImportScopePage, ScopeOutcome
from mappings.items.scope.subject import ISSUES_TO_IMPORT

TEMPLATE, CHECKED = "mappings/items/scope/scope.html", "mappings/items/scope/_checked.html"
SAVED = "Saved in the draft. It takes effect once it is proposed and approved."
NOTHING_NEW = "Nothing was changed: that is what is wanted already."


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def import_scope(request: HttpRequest, slug: str) -> HttpResponse:
    """Of all projects, or with `project` of the one with that key. A POST saves into the draft, or only checks."""
    connector = with_credentials_or_404(slug)
    asked = request.POST if request.method == "POST" else request.GET
    key = text_in(asked, "project").strip()
    project = Project.objects.filter(connector=connector, key__iexact=key, vanished_at=None).first() if key else None
    if key and project is None:
        if request.method == "POST":
            return failure(request, f"There is no project {key[:40]} here. Nothing was saved.")
        trouble = f"There is no project {key[:40]} here: what you see holds for all projects."
        return _show(request, ImportScopePage(connector, person_of(request)), ScopeOutcome(trouble=trouble), status=404)
    shown = ImportScopePage(connector, person_of(request), project=project)
    if request.method != "POST":
        return _show(request, shown)
    return _check(request, shown) if "check" in request.POST else _save(request, shown)


def _show(
    request: HttpRequest, shown: ImportScopePage, outcome: ScopeOutcome | None = None, *, status: int = 200
) -> HttpResponse:
    shown.outcome = outcome or shown.outcome
    context = {"connector": shown.connector, "page": shown, "trouble": shown.outcome.trouble}
    return page(request, TEMPLATE, context, status=status)


def _check(request: HttpRequest, shown: ImportScopePage) -> HttpResponse:
    """What was typed stays in the form, whatever Jira says; while somebody types, that alone is drawn anew."""
    typed = typed_in(request.POST)
    try:
        wanted = _as_typed(typed, shown, seen_in(request.POST))
    except Refused as refused:
        outcome = ScopeOutcome(typed=typed, trouble=str(refused), problems={JQL: str(refused)})
    else:
        checked = check_scope(shown.connector, shown.followers(), wanted, actor=shown.person)
        outcome = ScopeOutcome(typed=typed, checked=checked)
    shown.outcome = outcome
    status = 409 if shown.checked and shown.checked.problem and not request.htmx else 200  # type: ignore[attr-defined]
    context = {"connector": shown.connector, "page": shown, "trouble": outcome.trouble}
    return page(request, TEMPLATE, context, fragment=CHECKED, status=status)


def _as_typed(typed: TypedScope, shown: ImportScopePage, seen: dict[str, SeenPart]) -> ImportScope:
    """Of a project the parts that it takes from what is shared, as they are wanted there."""
    shared = scope_at(shown.values, SHARED)
    follows = typed.following(seen) if shown.project else frozenset()
    return ImportScope(
        jql=shared.jql if JQL in follows else typed.jql,
        with_closed=shared.with_closed if CLOSED in follows else typed.with_closed,
    )


def _save(request: HttpRequest, shown: ImportScopePage) -> HttpResponse:
    """1. What was typed is whole. 2. Align knows where items land. 3. Both go into the draft."""
    typed, connector = typed_in(request.POST), shown.connector
    try:
        seen = seen_in(request.POST)
    except Refused as refused:
        return _show(request, shown, ScopeOutcome(typed=typed, trouble=str(refused)), status=409)
    try:
        typed_condition(typed.jql)
    except Refused as refused:
        return _show(request, shown, ScopeOutcome(typed=typed, problems={JQL: str(refused)}), status=409)
    found = FoundLanding()
    if not shown.project or LANDING not in typed.following(seen):
        found = find_landing(connector, typed.landing, shown.known_landing, actor=shown.person)
    if found.problems:
        outcome = ScopeOutcome(typed=typed, problems=found.problems, choices=found.choices)
        return _show(request, shown, outcome, status=409)
    try:
        requests = requests_of(shown.place, typed, found.value, seen)
        changed = set_lines(ISSUES_TO_IMPORT, connector, requests, actor=shown.person)
    except Refused as refused:
        fresh = ImportScopePage(connector, shown.person, project=shown.project)
        return _show(request, fresh, ScopeOutcome(typed=typed, trouble=str(refused)), status=409)
    messages.info(request, SAVED if changed else NOTHING_NEW)
    query = f"?{urlencode({'project': shown.project.key})}" if shown.project else ""
    return redirect(request, f"{reverse('import-scope', args=[connector.slug])}{query}#draft")

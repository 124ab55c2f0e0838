"""The pages of imports: which there were, planning one, and one with its approval, its progress and its report."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, consent
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import page, redirect
from connectors.models import Connector, Project
from connectors.ports.requests import with_credentials_or_404
from mappings.items.importing import services
from mappings.items.importing.page import ImportPage, ImportsPage
from mappings.items.importing.report import report_csv
from mappings.models import ImportRun

LIST, ONE = "mappings/items/importing/imports.html", "mappings/items/importing/import.html"
FRAGMENT = "mappings/items/importing/_import.html"
APPROVE = Act(
    does="Approve import {pk}", shown={"warnings": consent("I have read the warnings")}, carried=("fingerprint",)
)


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """POST has one planned; nothing is written to Align before it is approved."""
    connector = with_credentials_or_404(slug)
    if request.method != "POST":
        return _show_all(request, connector, typed={"project": text_in(request.GET, "project")})
    typed = {name: text_in(request.POST, name) for name in ("project", "reason", "ticket")}
    project = Project.objects.filter(connector=connector, pk=whole(typed["project"]) or 0).first()
    try:
        if project is None:
            raise Refused("Choose a project first.")
        run = services.start(
            connector, project, reason=typed["reason"], ticket=typed["ticket"], actor=person_of(request)
        )
    except Refused as refused:
        return _show_all(request, connector, trouble=str(refused), typed=typed, status=409)
    return redirect(request, reverse("import-run", args=[run.pk]))


def _show_all(
    request: HttpRequest,
    connector: Connector,
    *,
    trouble: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = ImportsPage(connector, person_of(request), typed=typed)
    return page(request, LIST, {"connector": connector, "page": shown, "trouble": trouble}, status=status)


def import_or_404(request: HttpRequest, pk: int) -> ImportRun:
    rows = ImportRun.objects.select_related("connector", "project", "author", "approver")
    found = get_object_or_404(rows, pk=pk)
    belongs_to(request, found.connector)
    return found


@requires(Right.ITEMS)
def import_run(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, import_or_404(request, pk))


def _show(request: HttpRequest, run: ImportRun, *, trouble: str = "", status: int = 200) -> HttpResponse:
    asked = {name: text_in(request.GET, name) for name in ("state", "page")}
    shown = ImportPage(run, person_of(request), asked)
    context = {"connector": run.connector, "page": shown, "job": shown.job, "trouble": trouble}
    return page(request, ONE, context, fragment=FRAGMENT, status=status)


def _do(request: HttpRequest, pk: int, act: Callable[[ImportRun], object]) -> HttpResponse:
    """Do it, then show the import; what was refused is said on its page, as it is now."""
    run = import_or_404(request, pk)
    try:
        act(run)
    except Refused as refused:
        return _show(request, import_or_404(request, pk), trouble=str(refused), status=409)
    return redirect(request, reverse("import-run", args=[pk]))


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=APPROVE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """From now on it is sent."""
    fingerprint, ticked = text_in(request.POST, "fingerprint"), text_in(request.POST, "warnings") == "on"
    return _do(request, pk, lambda run: services.approve(run, fingerprint, ticked=ticked, actor=person_of(request)))


@requires(Right.ITEMS, Right.EDIT, ("POST",))
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _do(request, pk, lambda run: services.cancel(run, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def control(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, go on, or retry what failed."""
    acts = {"pause": services.pause, "resume": services.resume, "retry": services.retry}
    asked = acts.get(text_in(request.POST, "act"))

    def act(run: ImportRun) -> None:
        if asked is None:
            raise Refused("Load the page again: this button is not one of an import.")
        asked(run, actor=person_of(request))

    return _do(request, pk, act)


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Which of several items is the one whose answer was lost, or that it is none of them."""
    number, item = whole(text_in(request.POST, "line")), text_in(request.POST, "item")

    def act(run: ImportRun) -> None:
        line = run.lines.select_related("run__connector").filter(pk=number or 0).first()
        align_id = whole(item)
        if line is None or (align_id is None and item != "none"):
            raise Refused("Choose one of the items that were found, or none of them.")
        services.choose(line, align_id, actor=person_of(request))

    return _do(request, pk, act)


@requires(Right.ITEMS)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The report as CSV."""
    run = import_or_404(request, pk)
    answer = StreamingHttpResponse(report_csv(run), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{run.pk}.csv"'
    return answer  # type: ignore[return-value]

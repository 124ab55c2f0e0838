"""The page of an import's roll back, with its plan, its approval and its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, consent
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import page, redirect
from mappings.items.importing.undoing import services
from mappings.items.importing.undoing.page import UndoPage
from mappings.models import ImportRun, ImportUndoing

TEMPLATE, FRAGMENT = "mappings/items/importing/undo.html", "mappings/items/importing/_undo.html"
APPROVE = Act(
    does="Approve the roll back of import {pk}",
    shown={"recycle": consent("These items go into Jira Align’s recycle bin")},
    carried=("fingerprint",),
)


@requires(Right.ITEMS, Right.EDIT, ("GET", "POST"))
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """POST has it planned; nothing is recycled before it is approved."""
    run = _run_or_404(request, pk)
    if request.method != "POST":
        return _show(request, run)
    typed = {name: text_in(request.POST, name) for name in ("reason", "ticket")}
    try:
        services.start(run, reason=typed["reason"], ticket=typed["ticket"], actor=person_of(request))
    except Refused as refused:
        return _show(request, _run_or_404(request, pk), trouble=str(refused), typed=typed, status=409)
    return redirect(request, reverse("import-undo", args=[pk]))


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=APPROVE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """From now on it is carried out."""
    fingerprint, ticked = text_in(request.POST, "fingerprint"), text_in(request.POST, "recycle") == "on"
    return _do(request, pk, lambda found: services.approve(found, fingerprint, ticked=ticked, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def control(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, go on, or cancel."""
    acts = {"pause": services.pause, "resume": services.resume, "cancel": services.cancel}
    asked = acts.get(text_in(request.POST, "act"))

    def act(found: ImportUndoing) -> None:
        if asked is None:
            raise Refused("Load the page again: this button is not one of a roll back.")
        asked(found, actor=person_of(request))

    return _do(request, pk, act)


def _do(request: HttpRequest, pk: int, act: Callable[[ImportUndoing], object]) -> HttpResponse:
    """Do it, then show the page; what was refused is said there, as it is now."""
    run = _run_or_404(request, pk)
    try:
        found = run.undoings.select_related("run__connector").first()
        if found is None:
            raise Refused("No roll back of this import was planned. Plan one first.")
        act(found)
    except Refused as refused:
        return _show(request, _run_or_404(request, pk), trouble=str(refused), status=409)
    return redirect(request, reverse("import-undo", args=[pk]))


def _run_or_404(request: HttpRequest, pk: int) -> ImportRun:
    found = get_object_or_404(ImportRun.objects.select_related("connector", "project"), pk=pk)
    belongs_to(request, found.connector)
    return found


def _show(
    request: HttpRequest,
    run: ImportRun,
    *,
    trouble: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    asked = {name: text_in(request.GET, name) for name in ("state", "page")}
    shown = UndoPage(run, person_of(request), asked, typed)
    context = {"connector": run.connector, "page": shown, "job": shown.job, "trouble": trouble}
    return page(request, TEMPLATE, context, fragment=FRAGMENT, status=status)

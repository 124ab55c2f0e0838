"""The matrix page and what people do on it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.text import counted
from alignadmin.web.requests import number
from alignadmin.web.responses import failure, page, redirect
from connectors.catalogue import schedule
from connectors.jobs import runner
from connectors.models import JobKind, Project
from mappings.edits import copying, services
from mappings.edits.catalogue_facts import projects_of_ours
from mappings.edits.requests import mapping_or_404
from mappings.edits.services import EditRequest, MatrixKey
from mappings.edits.unused import former_sentence
from mappings.engine.values import Direction
from mappings.in_use.counting import count_some
from mappings.matrix import grid_html
from mappings.matrix.address import MatrixAddress, requested_address
from mappings.matrix.edit_answer import EditAnswer
from mappings.matrix.page import MatrixPage
from mappings.matrix.pending import read_pending
from mappings.models import Mapping, Scope
from mappings.observing.scopes import ensure_scopes


@requires(Right.SEE)
def matrix(request: HttpRequest, slug: str) -> HttpResponse:
    address = requested_address(slug, request.GET)
    if address.project is not None and address.project.key != text_in(request.GET, "scope"):
        return redirect(request, address.url)  # renamed since: an old link leads on
    shown = MatrixPage(address, person_of(request))
    return page(request, "mappings/matrix/matrix.html", {"page": shown}, fragment="mappings/matrix/_matrix.html")


@requires(Right.SEE, Right.EDIT, ("POST",))
def cell(request: HttpRequest, slug: str) -> HttpResponse:
    """Toggle one dot or ring; the answer holds only what changed of the page, out of band."""
    address = requested_address(slug, request.POST)
    before = as_before(address, request)
    try:
        edit = _cell_edit(before, request.POST)
        mapping = services.set_wanted(edit, actor=person_of(request), catalogue=before.facts.catalogue)
    except Refused as refused:
        return _refused(request, before, refused)
    return _changed(request, before, mapping, undo=True, redo=False)


def as_before(address: MatrixAddress, request: HttpRequest) -> MatrixPage:
    """The page as it is before an act; what changed is the difference to it."""
    shown = MatrixPage(address, person_of(request))
    _ = shown.facts_view
    shown.pending = read_pending(shown.connector, shown.person)
    return shown


def _cell_edit(shown: MatrixPage, data: QueryDict) -> EditRequest:
    status_id, target_id = number(data, "status"), number(data, "target")
    if status_id is None or target_id is None:
        raise Refused("This request does not name a cell. Reload the page.")
    asked = text_in(data, "to")
    direction = Direction(asked) if asked in set(Direction) else Direction.JIRA_TO_ALIGN
    to_align = direction is Direction.JIRA_TO_ALIGN
    source, value = (status_id, target_id) if to_align else (target_id, status_id)
    seen = number(data, "seen")
    clears = data.get("act") == "clear" or seen == value
    scope = shown.facts.scope(shown.address.shown, direction)
    key = _key_of(shown.address, direction, source, scope)
    return EditRequest(key=key, wanted=None if clears else value, seen=seen)


def _key_of(address: MatrixAddress, direction: Direction, source_id: int, scope: Scope | None) -> MatrixKey:
    """The row that a cell of this matrix edits. Raises Refused where there is none."""
    refusal = former_sentence(address.project) if address.former and address.project else address.refusal(direction)
    if refusal:
        raise Refused(refusal)
    if scope is None:
        raise Refused("This list has not been read from Align, so nobody knows what it holds. Refresh it first.")
    return MatrixKey(scope=scope, work_item_type=address.work_item_type, source_id=source_id)


def _changed(
    request: HttpRequest, before: MatrixPage, mapping: Mapping, *, undo: bool | None = None, redo: bool | None = None
) -> HttpResponse:
    """`undo` and `redo`: whether there is something to take back, or to do again, where the act says so."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(request, before.address.url)
    after = before.after_edit(mapping)
    if undo is not None and redo is not None:
        after.undo_redo = {"undo": undo, "redo": redo}
    answer = EditAnswer(before, after, mapping, request.headers.get("X-Beside", ""))
    return page(request, "mappings/matrix/_changed.html", {"page": after, "answer": answer})


def _refused(request: HttpRequest, before: MatrixPage, refused: Refused) -> HttpResponse:
    """409 with the sentence; the row is drawn as it is now when somebody else was faster."""
    if not request.htmx or not isinstance(refused, services.Overtaken):  # type: ignore[attr-defined]
        return failure(request, str(refused))
    after = before.read_again()
    row = refused.mapping
    html = grid_html.draw_row_cells(after.matrix, row.source_id, row.direction, grid_html.edited_options(after))
    shown = {"page": after, "cells": html, "trouble": str(refused)}
    return page(request, "mappings/matrix/_overtaken.html", shown, status=409)


@requires(Right.SEE, Right.EDIT, ("POST",))
def save_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The list view's form: `j2a-<status>` and `a2j-<target>` selects, each with its `seen-` value."""
    address = requested_address(slug, request.POST)
    try:
        edits = list(_list_edits(address, request.POST))
        changed, refused = services.set_many(edits, actor=person_of(request))
    except Refused as refusal:
        return failure(request, str(refusal))
    if refused:
        kept = f"Stored {len(changed)} of {len(changed) + len(refused)} edits. "
        return failure(request, kept + " ".join(refused[:10]))
    return redirect(request, address.url)


def _list_edits(address: MatrixAddress, data: QueryDict) -> list[EditRequest]:
    edits: list[EditRequest] = []
    for direction in Direction:
        prefix = f"{direction.value}-"
        sources = {name: whole(name.removeprefix(prefix)) for name in data if name.startswith(prefix)}
        edited = {
            name: source
            for name, source in sources.items()
            if source is not None and number(data, name) != number(data, f"seen-{name}")
        }
        if not edited:
            continue
        key = _key_of(address, direction, 0, _stored_scope(address, direction))
        for name, source in edited.items():
            row = MatrixKey(scope=key.scope, work_item_type=key.work_item_type, source_id=source)
            edits.append(EditRequest(key=row, wanted=number(data, name), seen=number(data, f"seen-{name}")))
    return edits


def _stored_scope(address: MatrixAddress, direction: Direction) -> Scope | None:
    family, project_id, is_ours = address.shown.scope_address(direction) or ("", None, False)
    scopes = Scope.objects.select_related("connector", "project").filter(is_ours=is_ours)
    return scopes.filter(Q(project_id=project_id), connector=address.connector, family=family).first()


@requires(Right.SEE, Right.EDIT, ("POST",))
def undo(request: HttpRequest, slug: str) -> HttpResponse:
    return _step(request, slug, services.undo)


@requires(Right.SEE, Right.EDIT, ("POST",))
def redo(request: HttpRequest, slug: str) -> HttpResponse:
    return _step(request, slug, services.redo)


def _step(request: HttpRequest, slug: str, act: Callable[..., Mapping]) -> HttpResponse:
    address = requested_address(slug, request.POST)
    before = as_before(address, request)
    try:
        mapping = act(address.connector, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return _changed(request, before, mapping)


@requires(Right.SEE, Right.EDIT, ("POST",))
def drop(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one waiting edit out of the draft."""
    address = requested_address(slug, request.POST)
    before = as_before(address, request)
    mapping = mapping_or_404(address.connector, request.POST)
    try:
        dropped = services.drop_edit(
            mapping,
            seen=number(request.POST, "seen"),
            actor=person_of(request),
            catalogue=before.facts.catalogue,
        )
    except Refused as refused:
        return failure(request, str(refused))
    return _changed(request, before, dropped, undo=True, redo=False)


@requires(Right.SEE, Right.EDIT, ("POST",))
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose which of several records of one key stays."""
    address = requested_address(slug, request.POST)
    try:
        record = number(request.POST, "record")
        if record is None:
            raise Refused("Choose the record that stays.")
        services.keep_duplicate(mapping_or_404(address.connector, request.POST), record, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, address.url)


@requires(Right.SEE, Right.EDIT, ("POST",))
def copy(request: HttpRequest, slug: str) -> HttpResponse:
    """What a project that was ours kept, as edits of the lists of Align that count for it now."""
    address = requested_address(slug, request.POST)
    if address.project is None:
        return failure(request, "This request names no project. Reload the page.", status=400)
    try:
        changed, refused = copying.copy_from_ours(address.project, actor=person_of(request))
    except Refused as refusal:
        return failure(request, str(refusal))
    left = f" {counted(len(refused), 'mapping')} not: {refused[0]}" if refused else ""
    messages.info(request, f"{counted(changed, 'mapping')} copied into the draft.{left}")
    return redirect(request, address.but(former=False).url)


@requires(Right.SEE, Right.EDIT, ("POST",))
def refresh(request: HttpRequest, slug: str) -> HttpResponse:
    """Read what this matrix shows, in Align and in Jira: a person's click may use the reserved part of the budget."""
    person, address = person_of(request), requested_address(slug, request.POST)
    connector = address.connector
    shown = MatrixPage(address, person)
    if address.is_ours:
        with transaction.atomic():
            ensure_scopes(connector)  # a project may be managed otherwise since
        schedule.read_now(connector, _projects_of(address), actor=person, interactive=True)
        return redirect(request, address.url)
    if not shown.scopes:
        with transaction.atomic():
            ensure_scopes(connector)
        shown = MatrixPage(address, person)
    wanted = sorted(scope.pk for scope in shown.scopes)
    subject = ",".join(str(pk) for pk in wanted)[:100]
    # Without a list of its own the job reads all of them, which is no longer what one person waits for.
    params = {"scopes": wanted, "interactive": bool(wanted)}
    runner.start(connector, JobKind.OBSERVE, actor=person, subject=subject, params=params)
    schedule.read_now(connector, _projects_of(address), actor=person, interactive=True)
    return redirect(request, address.url)


@requires(Right.SEE, Right.EDIT, ("POST",))
def count(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask Jira how many issues are in some of the statuses shown, from the row `after` on.

    With htmx the first answer only says that it begins, and each further one (`go`) brings the next counts and asks
    again. Without, one request counts what a page may wait for and leads to the list view.
    """
    address = requested_address(slug, request.POST)
    shown = MatrixPage(address, person_of(request))
    is_fragment: bool = request.htmx  # type: ignore[attr-defined]
    counting, first = shown.counting, whole(text_in(request.POST, "after")) or 0
    counting.position = first
    if not counting.total or (is_fragment and "go" not in request.POST):
        return page(request, "mappings/matrix/_counting.html", {"page": shown})
    try:
        step = count_some(address.connector, address.shown, counting.status_ids[first:], actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    if not is_fragment:
        return failure(request, step.trouble) if step.trouble else redirect(request, address.but(view="list").url)
    counting.known.update(step.counts)
    counting.position, counting.trouble = first + step.asked, step.trouble
    numbers = {status_id: each.number for status_id, each in step.counts.items()}
    type_, called = address.work_item_type, address.connector.terminology
    cells = [grid_html.count_of(id_, each, type_, called, oob=True) for id_, each in numbers.items()]
    return page(request, "mappings/matrix/_counted.html", {"page": shown, "cells": cells})


def _projects_of(address: MatrixAddress) -> QuerySet[Project]:
    """Whose statuses the matrix shows."""
    if address.project is not None:
        return Project.objects.filter(pk=address.project.pk)
    if address.is_ours:
        return projects_of_ours(address.connector).filter(team_managed=False)
    return Project.objects.filter(team_managed=False)

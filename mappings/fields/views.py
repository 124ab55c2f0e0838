"""The page of fields of a work item type, that of one field with its options, and reading both sides again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, page, redirect
from connectors.catalogue.fields.job import read_fields_now
from connectors.models import Connector, WorkItemType
from connectors.ports.requests import back_to, connector_or_404
from mappings.configuration.drafting import set_lines
from mappings.fields.forms import accepted_in, choices_in, match_request, matches_in, requests_in
from mappings.fields.page import TypeFields, address_of
from mappings.fields.pair_page import PairPage
from mappings.fields.subject import FieldPairs

TEMPLATE, PAIR_TEMPLATE = "mappings/fields/fields.html", "mappings/fields/pair.html"


def type_in(request: HttpRequest) -> WorkItemType:
    """The first one, where the address names none."""
    typed = text_in(request.GET, "type")
    return WorkItemType(typed) if typed in WorkItemType.values else next(iter(WorkItemType))


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def fields(request: HttpRequest, slug: str) -> HttpResponse:
    """GET shows, POST puts what was chosen into the draft: nothing of it is in force before it is approved."""
    connector, person = connector_or_404(slug), person_of(request)
    found = TypeFields(connector, type_in(request), person, asked=request.GET.dict())
    if request.method != "POST":
        return _show(request, connector, found)
    choices = choices_in(request.POST, found)
    try:
        choices = accepted_in(request.POST, found, choices)
        changed = set_lines(FieldPairs(), connector, requests_in(request.POST, found, choices), actor=person)
    except Refused as refused:
        again = TypeFields(connector, found.type, person, asked=found.asked, typed=choices)
        return _show(request, connector, again, trouble=str(refused), status=409)
    return redirect(request, f"{found.address}{'#draft' if changed else ''}")


def _show(
    request: HttpRequest, connector: Connector, found: TypeFields, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {"connector": connector, "fields": found, "panel": found.panel, "job": found.job, "trouble": trouble}
    return page(request, TEMPLATE, context, status=status)


@requires(Right.SEE, Right.EDIT, ("GET", "POST"))
def pair(request: HttpRequest, slug: str) -> HttpResponse:
    """One field of Align: what fits and what does not, and the options of its pair; of none it leads to all."""
    connector, person = connector_or_404(slug), person_of(request)
    found = TypeFields(connector, type_in(request), person)
    field = next((each for each in found.sides.align if each.key == text_in(request.GET, "field")), None)
    if field is None:
        return redirect(request, address_of(connector, found.type))
    shown = PairPage(found, field)
    if request.method != "POST":
        return _show_pair(request, connector, shown)
    matches = matches_in(request.POST, shown)
    try:
        set_lines(FieldPairs(), connector, [match_request(request.POST, shown, matches)], actor=person)
    except Refused as refused:
        again = PairPage(TypeFields(connector, found.type, person), field, typed=matches)
        return _show_pair(request, connector, again, trouble=str(refused), status=409)
    return redirect(request, f"{shown.back}#draft")


def _show_pair(
    request: HttpRequest, connector: Connector, shown: PairPage, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    return page(request, PAIR_TEMPLATE, {"connector": connector, "shown": shown, "trouble": trouble}, status=status)


@requires(Right.SEE, Right.EDIT, ("POST",))
def read(request: HttpRequest, slug: str) -> HttpResponse:
    """Both sides again, in the background."""
    connector = connector_or_404(slug)
    try:
        read_fields_now(connector, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, back_to(request, slug, address_of(connector, type_in(request))))

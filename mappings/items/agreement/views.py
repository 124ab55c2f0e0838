"""The page of the agreement check, and what people do there: switch it, compare now, link again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, typed, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.act_words import of_connector
from connectors.ports.requests import with_credentials_or_404
from mappings.items.agreement import services
from mappings.items.agreement.page import NAMES, AgreementPage
from mappings.items.agreement.queries import compared_projects
from mappings.models import ComparedItem

HERE = "mappings/items/agreement.html"
SWITCH = Act(
    does=of_connector("Switch the comparison of items and issues of {connector}"), shown={"on": "Compare by the clock"}
)
LINK = Act(
    does=of_connector("Link an issue of {connector} to its item again"),
    shown={"issue": "Issue", "item": "Item in Align"},
)


@requires(Right.ITEMS)
def agreement(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, with_credentials_or_404(slug))


@requires(Right.ITEMS, Right.EDIT, ("POST",))
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Of a project, or of one issue of it; reads both systems now, and writes to neither."""
    connector = with_credentials_or_404(slug)
    chosen, key = text_in(request.POST, "project"), typed(text_in(request.POST, "issue"))
    project = compared_projects(connector).filter(pk=whole(chosen) or 0).first()
    if project is None:
        return _show(request, connector, trouble="Choose a project that is compared.", issue=key, status=409)
    try:
        services.compare_now(connector, project, key, actor=person_of(request))
    except Refused as refused:
        return _show(request, connector, trouble=str(refused), issue=key, status=409)
    return redirect(request, reverse("agreement", args=[slug]))


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=SWITCH)
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    connector, on = with_credentials_or_404(slug), text_in(request.POST, "on")
    if on not in ("yes", "no"):
        return failure(request, "Choose whether items and issues are compared by the clock.")
    try:
        services.switch(connector, on=on == "yes", actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    said = "Compared by the clock from now on; the first whole comparison begins." if on == "yes" else "Switched off."
    messages.info(request, said)
    return redirect(request, reverse("agreement", args=[slug]))


@requires(Right.ITEMS, Right.EDIT, ("POST",), fresh=LINK)
def link(request: HttpRequest, slug: str) -> HttpResponse:
    """A link that was severed, by the key of its issue, to the item of a number."""
    connector = with_credentials_or_404(slug)
    row = get_object_or_404(
        ComparedItem.objects.select_related("connector", "project"),
        connector=connector,
        issue_key=typed(text_in(request.POST, "issue")),
    )
    try:
        services.link_again(row, whole(typed(text_in(request.POST, "item"))), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.info(request, f"{row.issue_key} is linked again, and being compared.")
    return redirect(request, reverse("agreement", args=[slug]))


def _show(
    request: HttpRequest, connector: Connector, *, trouble: str = "", issue: str = "", status: int = 200
) -> HttpResponse:
    asked = {name: typed(text_in(request.GET, name))[:255] for name in (*NAMES, "issue", "page")}
    shown = AgreementPage(connector, person_of(request), asked)
    context = {"connector": connector, "page": shown, "job": shown.job, "trouble": trouble, "typed_issue": issue}
    return page(request, HERE, context, status=status)

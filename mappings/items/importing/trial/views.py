"""The page of trials of an item, and what admins do there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act, ActField, Params, consent, one_of
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.align.terminology import ALIGNS_OWN, LEVELS
from connectors.models import Connector, Project
from connectors.ports.act_words import of_connector
from connectors.ports.requests import with_credentials_or_404
from mappings.items.importing.trial import services
from mappings.items.importing.trial.page import TrialsPage
from mappings.models import ItemTrial

TEMPLATE = "mappings/items/importing/trials.html"
TYPED = ("project", "level", "reason")


def _key(value: str, params: Params) -> str:
    rows = Project.objects.filter(connector__slug=params["slug"], pk=whole(value) or 0)
    return rows.values_list("key", flat=True).first() or value


TRY = Act(
    does=of_connector("Try one item in the Jira Align of {connector}"),
    shown={
        "project": ActField(label="It lands where items of this project do", words=_key),
        "level": one_of("Item", [(level, ALIGNS_OWN.name(level)) for level in LEVELS]),
        "reason": "Reason",
        "consent": consent("I agree that one item is made in Jira Align and recycled"),
    },
)


@requires(Right.ITEMS)
def trials(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, with_credentials_or_404(slug))


def _show(request: HttpRequest, connector: Connector, *, trouble: str = "", status: int = 200) -> HttpResponse:
    typed = {name: text_in(request.POST, name) for name in TYPED}
    shown = TrialsPage(connector, person_of(request), typed)
    context = {"connector": connector, "page": shown, "job": shown.job, "trouble": trouble}
    return page(request, TEMPLATE, context, status=status)


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=TRY)
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """One consent, one item."""
    connector = with_credentials_or_404(slug)
    number, level = whole(text_in(request.POST, "project")), text_in(request.POST, "level")
    project = Project.objects.filter(connector=connector, pk=number or 0).first()
    try:
        if project is None or level not in LEVELS:
            raise Refused("Choose a project and an item from the lists. Nothing was tried.")
        services.start(
            connector,
            project,
            level,
            reason=text_in(request.POST, "reason"),
            consents=text_in(request.POST, "consent") == "on",
            actor=person_of(request),
        )
    except Refused as refused:
        return _refused(request, slug, refused)
    return redirect(request, reverse("item-trials", args=[slug]))


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def control(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a trial go on, or say that its item is gone."""
    connector = with_credentials_or_404(slug)
    acts = {"on": services.go_on, "gone": services.say_gone}
    rows = ItemTrial.objects.select_related("connector").filter(connector=connector)
    try:
        act = acts.get(text_in(request.POST, "act"))
        trial = rows.filter(pk=whole(text_in(request.POST, "trial")) or 0).first()
        if act is None or trial is None:
            raise Refused("Load the page again: this button is not one of a trial.")
        act(trial, actor=person_of(request))
    except Refused as refused:
        return _refused(request, slug, refused)
    return redirect(request, reverse("item-trials", args=[slug]))


def _refused(request: HttpRequest, slug: str, refused: Refused) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return failure(request, str(refused))
    return _show(request, with_credentials_or_404(slug), trouble=str(refused), status=409)

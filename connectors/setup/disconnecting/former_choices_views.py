"""The page on which choices of a disconnected connector are taken over: which connector, a preview, and the ticks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act, Params, Typed
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.text import counted
from alignadmin.web.responses import page, redirect
from connectors.models import Connector
from connectors.ports.act_words import connector_name
from connectors.ports.requests import with_credentials_or_404
from connectors.setup.disconnecting import former_choices

TEMPLATE = "connectors/setup/disconnecting/former_choices.html"
IN_DRAFT = " Issue types are in the draft of the hierarchy: propose them there."
NONE_CHOSEN = "The request does not say of which connector: choose one."


def _words(typed: Typed, params: Params) -> str:
    return f"Take over choices of {connector_name(typed.get('of', ''))} for {connector_name(params['slug'])}"


TAKE = Act(does=_words, shown={"choice": "Choices"}, carried=("of", "seen"))


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=TAKE)
def former(request: HttpRequest, slug: str) -> HttpResponse:
    """`of` is the slug of the disconnected one; without it the last one that was disconnected."""
    shown = with_credentials_or_404(slug)
    sent = request.POST if request.method == "POST" else request.GET
    found = list(former_choices.formers(shown)[:50])
    asked = text_in(sent, "of")
    chosen = next((each for each in found if each.slug == asked), None if asked else next(iter(found), None))
    if request.method != "POST":
        return _show(request, shown, found, chosen)
    if chosen is None:
        return _show(request, shown, found, next(iter(found), None), status=400, trouble=NONE_CHOSEN)
    ticked = request.POST.getlist("choice")
    try:
        number = former_choices.take(
            shown, chosen, ticked, seen=text_in(request.POST, "seen"), actor=person_of(request)
        )
    except Refused as refused:
        return _show(request, with_credentials_or_404(slug), found, chosen, status=409, trouble=str(refused))
    drafted = IN_DRAFT if any(each.startswith(former_choices.OF_LEVEL) for each in ticked) else ""
    messages.info(request, f"{counted(number, 'choice')} of {chosen} taken over.{drafted}")
    return redirect(request, reverse("connector-settings", args=[slug]))


def _show(
    request: HttpRequest,
    shown: Connector,
    found: list[Connector],
    chosen: Connector | None,
    *,
    status: int = 200,
    trouble: str = "",
) -> HttpResponse:
    offered = former_choices.choices(shown, chosen) if chosen else []
    context = {
        "connector": shown,
        "formers": found,
        "former": chosen,
        "choices": offered,
        "seen": former_choices.stamp_of(offered),
        "trouble": trouble,
    }
    return page(request, TEMPLATE, context, status=status)

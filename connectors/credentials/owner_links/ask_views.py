"""An admin asks the owner of a token for it, by a link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act, one_of
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import page, redirect
from connectors.credentials.owner_links import asking
from connectors.credentials.owner_links.forms import AskForm
from connectors.credentials.rotation.forms import user_shown
from connectors.models import Connector, Credential, CredentialKind, Stage, System
from connectors.ports.act_words import of_connector
from connectors.ports.requests import with_credentials_or_404

ASK = Act(
    does=of_connector("Make a link for the owner of a new {system} token of {connector}"),
    shown={
        "asked": "Who owns the token",
        "kind": one_of("Sign-in", CredentialKind.choices),
        "user": user_shown("User"),
    },
)
WITHDRAW = Act(
    does=of_connector("Withdraw the link for the owner of a {system} token of {connector}"), carried=("link",)
)


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=ASK)
def ask(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """Who is asked; POST shows the link, this once."""
    connector, wanted = _of_address(slug, system)
    form = AskForm(request.POST if request.method == "POST" else None, connector=connector, system=wanted)
    if request.method != "POST":
        return _page(request, connector, wanted, {"form": form})
    if not form.is_valid():
        return _page(request, connector, wanted, {"form": form}, status=400)
    try:
        address = asking.make(connector, wanted, form.wanted, actor=person_of(request))
    except Refused as refused:
        return _page(request, connector, wanted, {"form": form, "refused": str(refused)}, status=409)
    return _page(request, connector, wanted, {"address": address})


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",), fresh=WITHDRAW)
def withdraw(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """The one that the page showed."""
    connector, wanted = _of_address(slug, system)
    try:
        asking.withdraw(connector, wanted, whole(text_in(request.POST, "link")) or 0, actor=person_of(request))
    except Refused as refused:
        form = AskForm(connector=connector, system=wanted)
        return _page(request, connector, wanted, {"form": form, "refused": str(refused)}, status=409)
    messages.info(request, "The link no longer works.")
    return redirect(request, reverse("owner-link-ask", args=[slug, system]))


def _of_address(slug: str, system: str) -> tuple[Connector, System]:
    if system not in System.values:
        raise Http404
    return with_credentials_or_404(slug), System(system)


def _page(
    request: HttpRequest, connector: Connector, system: System, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    bearer = Credential.objects.filter(connector=connector, stage=Stage.CURRENT, kind=CredentialKind.ALIGN_BEARER)
    shown = {
        "connector": connector,
        "system": system,
        "open": asking.open_link(connector, system),
        "can_have_gap": system is System.ALIGN and bearer.exists(),
    }
    return page(request, "connectors/credentials/owner_link_ask.html", shown | context, status=status)


__all__ = ["ask", "withdraw"]

"""An admin asks the owner of a token for it; the owner, without an account, enters it by a link."""

from __future__ import annotations

from typing import Any

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from alignadmin.accounts.acts import Act, one_of
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.accounts.signin.throttling import APP, too_many_requests
from alignadmin.errors import Refused
from alignadmin.web.responses import page, redirect
from connectors.credentials.owner_links import links
from connectors.credentials.owner_links.forms import AskForm, OwnerForm
from connectors.credentials.rotation.forms import user_shown
from connectors.models import Connector, Credential, CredentialKind, OwnerLink, Stage, System
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
WITHDRAW = Act(does=of_connector("Withdraw the link for the owner of a {system} token of {connector}"))
OPENED = "owner_link"  # in the session, so that the secret of the link does not stay in the address
KEPT = "enter"  # in the address instead of it
LIMIT = "owner_link"  # of ACCOUNT_RATE_LIMITS


# --- for admins -------------------------------------------------------------------------------------------------------


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=ASK)
def ask(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    """Who is asked; POST shows the link, this once."""
    connector, wanted = _of_address(slug, system)
    form = AskForm(request.POST if request.method == "POST" else None, connector=connector, system=wanted)
    if request.method != "POST":
        return _ask_page(request, connector, wanted, {"form": form})
    if not form.is_valid():
        return _ask_page(request, connector, wanted, {"form": form}, status=400)
    try:
        address = links.make(connector, wanted, form.wanted, actor=person_of(request))
    except Refused as refused:
        return _ask_page(request, connector, wanted, {"form": form, "refused": str(refused)}, status=409)
    return _ask_page(request, connector, wanted, {"address": address})


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",), fresh=WITHDRAW)
def withdraw(request: HttpRequest, slug: str, system: str) -> HttpResponse:
    connector, wanted = _of_address(slug, system)
    try:
        links.withdraw(connector, wanted, actor=person_of(request))
    except Refused as refused:
        form = AskForm(connector=connector, system=wanted)
        return _ask_page(request, connector, wanted, {"form": form, "refused": str(refused)}, status=409)
    messages.info(request, "The link no longer works.")
    return redirect(request, reverse("owner-link-ask", args=[slug, system]))


def _of_address(slug: str, system: str) -> tuple[Connector, System]:
    if system not in System.values:
        raise Http404
    return with_credentials_or_404(slug), System(system)


def _ask_page(
    request: HttpRequest, connector: Connector, system: System, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    shown = {"connector": connector, "system": system, "open": links.open_link(connector, system)}
    return page(request, "connectors/credentials/owner_link_ask.html", shown | context, status=status)


# --- for the owner of the token ---------------------------------------------------------------------------------------


@sensitive_post_parameters()
@requires(Right.PUBLIC, methods=("GET", "POST"))
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Stores one secret as pending. The answer to a dead link does not tell what was wrong with it."""
    if token != KEPT:
        return _keep(request, token)
    kept = str(request.session.get(OPENED, ""))
    link = links.found(kept)
    if request.method == "POST" and not ratelimit.consume(request, app=APP, action=LIMIT, limit_get=True):
        return too_many_requests(request)
    if link is None:
        return page(request, "connectors/credentials/owner_link.html", {"dead": links.DEAD}, status=404)
    if request.method != "POST":
        return _entry_page(request, link, OwnerForm(link=link, current=_current(link)))
    return _store(request, kept, link)


def _keep(request: HttpRequest, token: str) -> HttpResponse:
    """Follow the link: nothing is kept for a dead one, or strangers would fill the table of sessions."""
    if not ratelimit.consume(request, app=APP, action=LIMIT, limit_get=True):
        return too_many_requests(request)
    if links.found(token):
        request.session[OPENED] = token
    return redirect(request, reverse("owner-link", args=[KEPT]))


def _store(request: HttpRequest, token: str, link: OwnerLink) -> HttpResponse:
    form = OwnerForm(request.POST, link=link, current=_current(link))
    if not form.is_valid():
        return _refused(request, token, link, form)
    try:
        links.store(token, form.secret_typed, replaces_same_user=form.is_of_same_user)
    except links.NotNow as wait:
        return _entry_page(request, link, form, trouble=str(wait), status=409)
    except Refused as refused:
        form.add_error(None, str(refused))
        return _refused(request, token, link, form)
    del request.session[OPENED]
    return page(request, "connectors/credentials/owner_link.html", {"stored": link})


def _refused(request: HttpRequest, token: str, link: OwnerLink, form: OwnerForm) -> HttpResponse:
    try:
        left = links.count_try(token)
    except Refused as dead:
        left, trouble = 0, str(dead)
    else:
        trouble = f"Nothing was stored. The link takes {left} more tries." if left else links.DEAD
    if not left:
        return page(request, "connectors/credentials/owner_link.html", {"dead": trouble}, status=404)
    return _entry_page(request, link, form, trouble=trouble, status=400)


def _entry_page(
    request: HttpRequest, link: OwnerLink, form: OwnerForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    context = {"link": link, "form": form, "trouble": trouble, "site": _site(link)}
    return page(request, "connectors/credentials/owner_link.html", context, status=status)


def _current(link: OwnerLink) -> Credential | None:
    return Credential.objects.filter(connector=link.connector, system=link.system, stage=Stage.CURRENT).first()


def _site(link: OwnerLink) -> str:
    return link.connector.align_site if link.system == System.ALIGN else link.connector.jira_site


__all__ = ["ask", "enter", "withdraw"]

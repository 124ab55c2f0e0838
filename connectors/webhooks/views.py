"""The page of a webhook, what admins do there, and what editors do with its inbox."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused, SealError
from alignadmin.parsing import text_in
from alignadmin.text import counted
from alignadmin.web.responses import failure, page, redirect
from connectors.models import InboxDelivery, JiraKind, Webhook, WebhookSecretKind
from connectors.ports.act_words import of_connector
from connectors.ports.requests import connector_or_404
from connectors.webhooks import services
from connectors.webhooks.announcement import ISSUE_EVENTS
from connectors.webhooks.page import WebhookPage, why_unreachable, window
from connectors.webhooks.receiving import public_address
from connectors.webhooks.sealed import opened_body

HERE = "connectors/webhooks/webhook.html"
NOT_SET_UP = "This connector has no webhook: set it up first."
SET_UP = Act(does=of_connector("Set up the webhook of {connector}"), shown={"signs": "Jira signs what it sends"})
REGISTER = Act(does=of_connector("Register the webhook of {connector} in Jira"))
REMOVE = Act(does=of_connector("Remove the webhook of {connector}"))
SECRET = Act(does=of_connector("Make a new secret of the webhook of {connector}"))
CANARY = Act(does=of_connector("Choose the issue that proves the webhook of {connector}"), shown={"issue": "Issue"})
CANARY_SEND = Act(does=of_connector("Label an issue in Jira to prove the webhook of {connector}"))


@requires(Right.ITEMS)
def webhook(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    return page(request, HERE, {"connector": connector, "page": WebhookPage(connector, request.GET, timezone.now())})


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=SET_UP)
def set_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Jira Cloud always signs; of Data Center whoever sets it up says so."""
    connector = connector_or_404(slug)
    is_signed = connector.jira_kind == JiraKind.CLOUD or text_in(request.POST, "signs") != "no"
    try:
        services.set_up(connector, is_signed=is_signed, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.info(request, "The webhook has its address. Register it in Jira now, or enter it there by hand.")
    return _back(request, slug)


@requires(Right.CONFIGURE, fresh_to_read=True)
def by_hand(request: HttpRequest, slug: str) -> HttpResponse:
    """Gives the address and the secret out."""
    connector = connector_or_404(slug)
    found = services.of(connector)
    if found is None or found.ended_at is not None:
        return failure(request, NOT_SET_UP)
    try:
        held = services.secrets_of(found)
    except SealError as error:
        return failure(request, str(error))
    context = {
        "connector": connector,
        "webhook": found,
        "address": public_address(held[WebhookSecretKind.ADDRESS]),
        "secret": held.get(WebhookSecretKind.CURRENT, ""),
        "jql": services.jql_of(connector),
        "events": ISSUE_EVENTS,
        "unreachable": why_unreachable(connector),
    }
    return page(request, "connectors/webhooks/by_hand.html", context)


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=REGISTER)
def register(request: HttpRequest, slug: str) -> HttpResponse:
    return _done(request, slug, services.register, "The webhook is being registered in Jira.")


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=REMOVE)
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    return _done(request, slug, services.remove, "The webhook is removed: nothing is received at its address any more.")


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=SECRET)
def secret(request: HttpRequest, slug: str) -> HttpResponse:
    """Of one that was entered by hand it has to be entered in Jira, so its page follows."""
    found = services.of(connector_or_404(slug))
    then = "webhook-by-hand" if found is not None and found.jira_id is None else "webhook"
    done = "There is a new secret. The former one is good for 24 hours."
    return _done(request, slug, services.change_secret, done, then=then)


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=CANARY)
def canary(request: HttpRequest, slug: str) -> HttpResponse:
    key = text_in(request.POST, "issue")

    def choose(found: Webhook, *, actor: Person) -> None:
        services.choose_canary(found, key, actor=actor)

    return _done(request, slug, choose, "Saved.")


@requires(Right.ITEMS, Right.CONFIGURE, ("POST",), fresh=CANARY_SEND)
def canary_send(request: HttpRequest, slug: str) -> HttpResponse:
    return _done(request, slug, services.send_canary, "The label is being added and removed. Reload to see what came.")


@requires(Right.ITEMS, Right.EDIT, ("POST",))
def replay(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    found = services.of(connector)
    if found is None:
        return failure(request, NOT_SET_UP)
    try:
        number = services.replay(found, lambda: window(found, request.POST), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.info(request, f"{counted(number, 'delivery', 'deliveries')} replayed: their issues are looked at again.")
    return _back(request, slug)


@requires(Right.EDIT)
def body(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    connector = connector_or_404(slug)
    rows = InboxDelivery.objects.select_related("webhook", "replay_of")
    found = get_object_or_404(rows, pk=pk, webhook__connector=connector)
    trouble, text = "", ""
    try:
        text = opened_body(found)
    except SealError as error:
        trouble = str(error)
    context = {"connector": connector, "delivery": found, "body": _pretty(text), "trouble": trouble}
    return page(request, "connectors/webhooks/delivery.html", context)


def _pretty(text: str) -> str:
    """Indented; as it came where that would go too deep."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else ""
    except RecursionError:
        return text


def _done(
    request: HttpRequest, slug: str, does: Callable[..., None], said: str, *, then: str = "webhook"
) -> HttpResponse:
    found = services.of(connector_or_404(slug))
    if found is None:
        return failure(request, NOT_SET_UP)
    try:
        does(found, actor=person_of(request))
    except (Refused, SealError) as refused:
        return failure(request, str(refused))
    messages.info(request, said)
    return redirect(request, reverse(then, args=[slug]))


def _back(request: HttpRequest, slug: str) -> HttpResponse:
    return redirect(request, reverse("webhook", args=[slug]))

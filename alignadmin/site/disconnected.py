"""A disconnected connector is read and nothing else: what is sent to an address of it is refused, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import SAFE_METHODS
from alignadmin.accounts.rights import Right, may
from alignadmin.web.responses import failure, redirect
from connectors.models import Connector
from connectors.ports.connected import disconnected_sentence

GetResponse = Callable[[HttpRequest], HttpResponse]
# What is sent about a disconnected one: connecting it again, and what is exported.
ALLOWED = frozenset({"connector-again", "connector-disconnect", "connector-export"})
# Pages that are nothing but an act.
ONLY_ACTS = frozenset(
    {
        "connector-edit",
        "connector-hand-over",
        "connector-rules",
        "connector-maintenance",
        "connector-credential",
        "owner-link-ask",
        "explorer",
        "plan-new",
    }
)


class Disconnected:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """One query as long as it is connected, and only of what may change something. Whoever may not send it at all
        is told so by the view."""
        match = request.resolver_match
        name, slug = (match.url_name or "" if match else ""), str(kwargs.get("slug", ""))
        is_read = request.method in SAFE_METHODS
        if not slug or (name not in ONLY_ACTS if is_read else name in ALLOWED) or not may(request.user, Right.SEE):
            return None
        found = Connector.objects.filter(slug=slug, disconnected_at__isnull=False)
        if not found.exists():  # of nearly every one: a fifth of what it takes to read it with its person
            return None
        connector = found.select_related("disconnected_by").first()
        if connector is None:
            return None
        if is_read:
            page = "connector-disconnect" if may(request.user, Right.CONFIGURE) else "connector"
            return redirect(request, reverse(page, args=[slug]))
        return failure(request, f"{disconnected_sentence(connector)} Nothing was changed.")

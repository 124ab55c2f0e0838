"""The connector of an address, and the page that a form of it was sent from."""

from __future__ import annotations

import re

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.parsing import text_in
from connectors.models import Connector, Credential

SET_UP = "set-up-"  # before the key of a step, in what a form says of the page that it stands on


def with_credentials() -> QuerySet[Connector]:
    return Connector.objects.prefetch_related(
        Prefetch("credentials", Credential.objects.defer("sealed").select_related("owner", "backup_owner"))
    )


def connector_or_404(slug: str) -> Connector:
    return get_object_or_404(Connector, slug=slug)


def with_credentials_or_404(slug: str) -> Connector:
    return get_object_or_404(with_credentials(), slug=slug)


def back_to(request: HttpRequest, slug: str, otherwise: str) -> str:
    """The address of the checks or of the step of the set-up where the form was pressed there, else `otherwise`."""
    on = text_in(request.POST, "on")
    if on == "checks":
        return reverse("connector-checks", args=[slug])
    if on.startswith(SET_UP) and re.fullmatch(r"[a-z-]+", step := on.removeprefix(SET_UP)):
        return reverse("setup-step", args=[slug, step])
    return otherwise

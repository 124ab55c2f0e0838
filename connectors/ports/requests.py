"""The connector of an address, and the page that a form of it was sent from."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.parsing import text_in
from connectors.models import Connector, Credential


def with_credentials() -> QuerySet[Connector]:
    return Connector.objects.prefetch_related(
        Prefetch("credentials", Credential.objects.defer("sealed").select_related("owner", "backup_owner"))
    )


def connector_or_404(slug: str) -> Connector:
    return get_object_or_404(Connector, slug=slug)


def with_credentials_or_404(slug: str) -> Connector:
    return get_object_or_404(with_credentials(), slug=slug)


def back_to(request: HttpRequest, slug: str, otherwise: str) -> str:
    """The address of the checks where the form was pressed there, else `otherwise`."""
    return reverse("connector-checks", args=[slug]) if text_in(request.POST, "on") == "checks" else otherwise

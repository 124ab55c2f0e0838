"""The connector of an address."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404

from connectors.models import Connector, Credential


def with_credentials() -> QuerySet[Connector]:
    return Connector.objects.prefetch_related(
        Prefetch("credentials", Credential.objects.defer("sealed").select_related("owner", "backup_owner"))
    )


def connector_or_404(slug: str) -> Connector:
    return get_object_or_404(Connector, slug=slug)


def with_credentials_or_404(slug: str) -> Connector:
    return get_object_or_404(with_credentials(), slug=slug)

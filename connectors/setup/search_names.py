"""Connectors as the search finds them: by name, address and the number that they have in Align."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q
from django.urls import reverse

from alignadmin.accounts.rights import Right
from alignadmin.search.kinds import FoundPlace, Name, SearchKind
from connectors.models import Connector


def _names(chosen: Q) -> Iterable[Name]:
    for each in Connector.objects.filter(chosen).only("name", "slug", "align_connector_id"):
        yield Name(target=each.pk, connector=each.pk, label=each.name, terms=f"{each.slug} {each.config_name}")


def _places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    return {
        each.pk: FoundPlace(
            label=each.name,
            where=each.config_name if each.is_active else f"{each.config_name} · {each.state}",
            href=reverse("connector", args=[each.slug]),
        )
        for each in Connector.objects.filter(pk__in=ids)
    }


CONNECTORS = SearchKind(
    key="connector",
    position=4,
    plural="Connectors",
    right=Right.SEE,
    model=Connector,
    names=_names,
    places=_places,
)

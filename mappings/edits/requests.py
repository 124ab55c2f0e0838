"""The mapping that a form names."""

from __future__ import annotations

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from alignadmin.web.requests import number
from connectors.models import Connector
from mappings.models import Mapping


def mapping_or_404(connector: Connector, data: QueryDict) -> Mapping:
    found = Mapping.objects.select_related("scope__project", "scope__connector")
    return get_object_or_404(found, pk=number(data, "mapping") or 0, scope__connector=connector)

"""Whose page it is: admins', and editors' where an admin has opened the connector's explorer to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from connectors.models import Connector, QueryRun
from connectors.ports.requests import connector_or_404


def may_explore(person: Any, connector: Connector) -> bool:
    """Its rows are what the connector's token may see, whoever looks: so it is an admin's decision who does."""
    if may(person, Right.CONFIGURE):
        return True
    return connector.explorer_for_editors and may(person, Right.EDIT)


def explored_or_404(request: HttpRequest, slug: str) -> Connector:
    """What one may not use is not there."""
    found = connector_or_404(slug)
    if not may_explore(request.user, found):
        raise Http404
    return found


def own_run_or_404(request: HttpRequest, slug: str, uuid: UUID) -> QueryRun:
    """Another person's run is not there, for an admin neither."""
    connector = explored_or_404(request, slug)
    own = QueryRun.objects.filter(connector=connector, person=person_of(request)).select_related("job")
    found = get_object_or_404(own, uuid=uuid)
    found.connector = connector
    found.job.connector = connector
    return found

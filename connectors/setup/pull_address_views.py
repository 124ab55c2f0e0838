"""Entering the address of the configuration data pull, on the step of the statuses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, redirect
from connectors.ports.requests import connector_or_404
from connectors.setup.pull_address import set_pull_address


@requires(Right.SEE, Right.CONFIGURE, ("POST",))
def pull_address(request: HttpRequest, slug: str) -> HttpResponse:
    connector = connector_or_404(slug)
    if "address" not in request.POST:
        return failure(request, "The request has no address: reload the page and try again.", status=400)
    try:
        set_pull_address(connector, text_in(request.POST, "address"), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, f"{reverse('setup-step', args=[slug, 'statuses'])}#pull")

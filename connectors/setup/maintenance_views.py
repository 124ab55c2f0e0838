"""Beginning and ending the maintenance of a connector, and the page about it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from alignadmin.accounts.acts import Act, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.act_words import of_connector
from connectors.ports.requests import with_credentials_or_404
from connectors.setup import maintenance as maintaining
from connectors.setup.maintenance_form import MaintenanceForm

NO_SINCE = "The request does not say which maintenance to end: reload this page and try again."
BEGIN = Act(does=of_connector("Start maintenance of {connector}"), shown=shown_in(MaintenanceForm))
END = Act(does=of_connector("End the maintenance of {connector}"), carried=("since",))


@requires(Right.SEE)
def maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    return _show(request, with_credentials_or_404(slug), MaintenanceForm())


@requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=BEGIN)
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    shown, form = with_credentials_or_404(slug), MaintenanceForm(request.POST)
    if not form.is_valid():
        return _not_begun(request, shown, form, " ".join(problems_of(form)), status=400)
    try:
        maintaining.begin(shown, reason=form.cleaned_data["reason"], until=form.until_typed, actor=person_of(request))
    except Refused as refused:
        return _not_begun(request, with_credentials_or_404(slug), form, str(refused), status=409)
    return redirect(request, _address(shown))


@requires(Right.SEE, Right.CONFIGURE, ("POST",), fresh=END)
def end(request: HttpRequest, slug: str) -> HttpResponse:
    """Names the maintenance that was seen, since another may have begun. One that is over already is no trouble."""
    shown, since = with_credentials_or_404(slug), _since(request)
    if since is None:
        return failure(request, NO_SINCE, status=400)
    try:
        maintaining.end(shown, since=since, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, _address(shown))


def _since(request: HttpRequest) -> datetime | None:
    try:
        found = parse_datetime(text_in(request.POST, "since"))
    except ValueError:  # well written, and no moment of any calendar
        return None
    return found if found and found.tzinfo else None


def _not_begun(
    request: HttpRequest, shown: Connector, form: MaintenanceForm, sentence: str, *, status: int
) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return failure(request, sentence, status=status)
    return _show(request, shown, form, status=status, trouble=sentence)


def _show(
    request: HttpRequest, shown: Connector, form: MaintenanceForm, *, status: int = 200, trouble: str = ""
) -> HttpResponse:
    context = {"connector": shown, "form": form, "held_up": maintaining.held_up(shown), "trouble": trouble}
    return page(request, "connectors/setup/maintenance.html", context, status=status)


def _address(shown: Connector) -> str:
    return reverse("connector-maintenance", args=[shown.slug])

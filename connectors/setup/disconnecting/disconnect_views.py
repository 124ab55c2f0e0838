"""Disconnecting a connector, exporting what was chosen for it, and connecting it again."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import Act, Params, Typed, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import page, redirect
from connectors.models import Connector
from connectors.ports.act_words import connector_name, of_connector
from connectors.ports.requests import with_credentials_or_404
from connectors.setup.connection_test import data_of
from connectors.setup.credentials_of_both import SECRETS_GONE, show_test
from connectors.setup.disconnecting import choices_document, disconnect
from connectors.setup.disconnecting import connect_again as connecting
from connectors.setup.disconnecting.disconnect_form import AgainForms, DisconnectForm

AGAIN_PAGE = "connectors/setup/disconnecting/connect_again.html"


def _again_words(typed: Typed, params: Params) -> str:
    does = "Test the new credentials of {}" if typed.get("act") == "test" else "Connect {} again"
    return does.format(connector_name(params["slug"]))


DISCONNECT = Act(does=of_connector("Disconnect {connector}"), shown=shown_in(DisconnectForm))
AGAIN = Act(
    does=_again_words, shown=AgainForms.shown, carried=("act", "seen"), secrets=AgainForms.secrets, refills=True
)


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=DISCONNECT)
def disconnect_page(request: HttpRequest, slug: str) -> HttpResponse:
    """What ends and what stays, what to export first, and the form; of a disconnected one, how it is now."""
    shown = with_credentials_or_404(slug)
    if request.method != "POST":
        return _show(request, shown, DisconnectForm(connector=shown))
    form = DisconnectForm(request.POST, connector=shown)
    if not form.is_valid():
        return _show(request, shown, form, status=400, trouble=" ".join(problems_of(form)))
    try:
        found = disconnect.disconnect(shown, reason=form.cleaned_data["reason"], actor=person_of(request))
    except Refused as refused:
        return _show(request, with_credentials_or_404(slug), form, status=409, trouble=str(refused))
    messages.info(request, f"{found.name} is disconnected. Its mappings and its history stay here to be read.")
    return redirect(request, reverse("connector-disconnect", args=[slug]))


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",))
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """The document, also of one that is disconnected."""
    shown = with_credentials_or_404(slug)
    file = choices_document.export(shown, actor=person_of(request))
    name = f"{shown.slug}-{timezone.now():%Y-%m-%d-%H%M}.json"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/json")  # type: ignore[return-value]


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=AGAIN)
def connect_again(request: HttpRequest, slug: str) -> HttpResponse:
    """One plain form with the new credentials; `act=test` tries them and stores nothing."""
    shown = with_credentials_or_404(slug)
    if shown.disconnected_at is None:
        messages.info(request, f"{shown.name} is connected.")
        return redirect(request, reverse("connector", args=[slug]))
    if request.method != "POST":
        return _show_again(request, AgainForms(shown, typed=kept_form.typed_before(request)))
    forms = AgainForms(shown, request.POST)
    is_valid = forms.is_valid()
    if text_in(request.POST, "act") == "test":
        context = {"connector": shown, "again": forms}
        return show_test(request, AGAIN_PAGE, context, forms, data_of(shown) if is_valid else None)
    if not is_valid:
        return _show_again(request, forms, status=400, trouble=f"Nothing is stored. {SECRETS_GONE}")
    seen = forms.seen.cleaned_data["seen"]
    try:
        connecting.connect_again(shown, forms.secrets_typed, seen=seen, actor=person_of(request))
    except Refused as refused:
        return _show_again(request, forms, status=409, trouble=f"{refused} {SECRETS_GONE}")
    for sentence in (*forms.notes, f"{shown.name} is connected again. Its projects and mappings are being read."):
        messages.info(request, sentence)
    return redirect(request, reverse("connector", args=[slug]))


def _show_again(request: HttpRequest, forms: AgainForms, *, status: int = 200, trouble: str = "") -> HttpResponse:
    context = {"connector": forms.connector, "again": forms, "trouble": trouble}
    return page(request, AGAIN_PAGE, context, status=status)


def _show(
    request: HttpRequest, shown: Connector, form: DisconnectForm, *, status: int = 200, trouble: str = ""
) -> HttpResponse:
    context = {
        "connector": shown,
        "form": form,
        "preview": disconnect.preview(shown),
        "pack_query": disconnect.pack_query(shown),
        "trouble": trouble,
    }
    return page(request, "connectors/setup/disconnecting/disconnect.html", context, status=status)

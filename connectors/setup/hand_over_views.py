"""The page on which a connector is handed over to the one that was made anew in Align: look first, then confirm."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act, Params, Typed, carried_in, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.forms import problems_of
from alignadmin.web.responses import page, redirect
from connectors.models import Connector
from connectors.ports.act_words import connector_name
from connectors.ports.requests import with_credentials_or_404
from connectors.setup import hand_over as handing_over
from connectors.setup import services
from connectors.setup.hand_over import HandOverPreview
from connectors.setup.hand_over_form import ConfirmForm, HandOverForm

TEMPLATE = "connectors/setup/hand_over.html"


def _words(typed: Typed, params: Params) -> str:
    name = connector_name(params["slug"])
    if typed.get("act") == "confirm":
        return f"Hand {name} over to connector {typed.get('number', '')}"
    return f"Show what handing {name} over will do"


HAND_OVER = Act(does=_words, shown=shown_in(ConfirmForm), carried=("act", *carried_in(ConfirmForm)))


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=HAND_OVER)
def hand_over(request: HttpRequest, slug: str) -> HttpResponse:
    """`act=confirm` does what was looked at; any other POST asks Align and shows what would happen."""
    shown = with_credentials_or_404(slug)
    if request.method != "POST":
        initial = {"number": whole(text_in(request.GET, "number")), "former": shown.align_connector_id}
        return _show(request, shown, HandOverForm(initial=initial))
    if text_in(request.POST, "act") == "confirm":
        return _confirm(request, shown)
    form = HandOverForm(request.POST)
    if not form.is_valid():
        return _show(request, shown, form, status=400, trouble=" ".join(problems_of(form)))
    try:
        preview = handing_over.look(shown, form.cleaned_data["number"], actor=person_of(request))
    except Refused as refused:
        return _show(request, with_credentials_or_404(slug), form, status=409, trouble=str(refused))
    confirming = ConfirmForm(initial=form.cleaned_data, connector=shown)
    return _show(request, shown, confirming, preview=preview)


def _confirm(request: HttpRequest, shown: Connector) -> HttpResponse:
    form, actor = ConfirmForm(request.POST, connector=shown), person_of(request)
    preview: HandOverPreview | None = None
    try:
        if form.is_valid():
            found = handing_over.hand_over(
                shown,
                form.cleaned_data["number"],
                former=form.cleaned_data["former"],
                reason=form.cleaned_data["reason"],
                actor=actor,
            )
            messages.info(request, f"{found.name} is connector {found.align_connector_id} of Jira Align now.")
            return redirect(request, reverse("connector", args=[found.slug]))
        trouble, status = " ".join(problems_of(form)), 400
        if "number" in form.cleaned_data:
            preview = handing_over.look(shown, form.cleaned_data["number"], actor=actor)
    except Refused as refused:
        trouble, status = str(refused), 409
    if preview is not None:
        return _show(request, shown, form, preview=preview, status=status, trouble=trouble)
    again = HandOverForm(initial={name: text_in(request.POST, name) for name in ("number", "reason", "former")})
    return _show(request, with_credentials_or_404(shown.slug), again, status=status, trouble=trouble)


def _show(
    request: HttpRequest,
    shown: Connector,
    form: HandOverForm,
    *,
    preview: HandOverPreview | None = None,
    status: int = 200,
    trouble: str = "",
) -> HttpResponse:
    context = {
        "connector": shown,
        "form": form,
        "preview": preview,
        "is_in_use": services.is_in_use(shown),
        "trouble": trouble,
    }
    return page(request, TEMPLATE, context, status=status)

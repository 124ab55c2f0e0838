"""Adding a connector: asking both sites what they are, testing, storing, and keeping what is typed until then."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from alignadmin.accounts import kept_form
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, page, redirect
from connectors.models import SetUpDraft
from connectors.setup import services
from connectors.setup.adding import drafts
from connectors.setup.adding.discovery import Discovery, discover
from connectors.setup.adding.forms import ADD, SetUp, keepable
from connectors.setup.credentials_of_both import SECRETS_GONE, show_test
from connectors.setup.disconnecting import former_choices

TEMPLATE = "connectors/setup/adding/new.html"
FORM = "connectors/setup/adding/_connect_form.html"
TYPED_BEFORE = "What you had entered is here again. Secrets are never kept: enter them once more."


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=ADD)
def new(request: HttpRequest) -> HttpResponse:
    """`act=look` asks both sites what they are, `act=test` tries what is typed; neither stores a connector.

    Whatever is not added is kept for its author, without its secrets.
    """
    if request.method != "POST":
        return _begin(request)
    typed = keepable(request.POST)
    discovery = drafts.discovery_for(typed, drafts.of(person_of(request)))
    set_up, act = SetUp(request.POST, discovery=discovery), text_in(request.POST, "act")
    if act == "look":
        return _look(request, set_up)
    is_valid = set_up.is_valid()
    if act == "test":
        data = set_up.details.data_typed if is_valid else None
        return show_test(request, TEMPLATE, _kept(request, set_up), set_up, data)
    if is_valid:
        try:
            return _add(request, set_up)
        except Refused as refused:
            set_up.details.add_error(None, str(refused))
    trouble = f"The connector is not saved. {SECRETS_GONE}"
    return page(request, TEMPLATE, _kept(request, set_up) | {"trouble": trouble}, status=400)


def _begin(request: HttpRequest) -> HttpResponse:
    """With what waits for a new proof of who it is, else with what was kept."""
    draft = drafts.of(person_of(request))
    typed = {name: str(value) for name, value in kept_form.typed_before(request).items()}
    if typed:
        messages.info(request, TYPED_BEFORE)
    elif draft:
        typed = draft.typed
    set_up = SetUp(typed=typed, discovery=drafts.discovery_for(typed, draft))
    return page(request, TEMPLATE, {"set_up": set_up, "draft": draft, "is_resumed": bool(draft)})


def _kept(request: HttpRequest, set_up: SetUp, found: Discovery | None = None) -> dict[str, Any]:
    """Keeps what was sent, as it is drawn now; that it could not be kept undoes nothing else."""
    try:
        draft = drafts.keep(keepable(set_up.data), actor=person_of(request), discovery=found)
    except Refused as refused:
        return {"set_up": set_up, "not_kept": str(refused)}
    return {"set_up": set_up, "draft": draft}


def _look(request: HttpRequest, set_up: SetUp) -> HttpResponse:
    """htmx gets the form alone, in which the browser keeps its secrets; a plain form comes back without them."""
    found = None
    if set_up.may_be_looked_up():
        sites = set_up.details.cleaned_data
        secrets = set_up.secrets_typed
        found = discover(sites["align_site"], sites["jira_site"], secrets, fitting=set_up.fitting_kinds)
        set_up.take(found)
    context = _kept(request, set_up, found) | {"looked": True, "is_found": found is not None}
    if not request.htmx:  # type: ignore[attr-defined]
        context["trouble"] = f"Nothing is saved yet. {SECRETS_GONE}"
    return page(request, TEMPLATE, context, fragment=FORM)


def _add(request: HttpRequest, set_up: SetUp) -> HttpResponse:
    actor, slug = person_of(request), set_up.details.cleaned_data["slug"]
    made = services.add_connector(slug, set_up.details.data_typed, set_up.secrets_typed, actor=actor)
    services.start_refresh(made, actor=actor)
    drafts.discard(actor=actor)
    for sentence in (*set_up.notes, f"{made.name} is stored. Its projects and mappings are being read."):
        messages.info(request, sentence)
    if former := former_choices.formers(made).first():
        address = reverse("connector-former", args=[made.slug])
        sentence = (
            '{} shares a site with it and is disconnected: once it is read, <a href="{}">take over its choices</a>.'
        )
        messages.info(request, format_html(sentence, former, address))
    return redirect(request, reverse("setup", args=[made.slug]))


# --- what is kept -----------------------------------------------------------------------------------------------------


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",))
def draft(request: HttpRequest) -> HttpResponse:
    """Sent by the page while somebody types, and by a button without JavaScript."""
    try:
        kept: SetUpDraft | None = drafts.keep(keepable(request.POST), actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    if request.htmx:  # type: ignore[attr-defined]
        return page(request, TEMPLATE, {"draft": kept}, fragment="connectors/setup/adding/_draft.html")
    return redirect(request, reverse("connector-new"))


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",))
def start_over(request: HttpRequest) -> HttpResponse:
    drafts.discard(actor=person_of(request))
    messages.info(request, "What you had typed is discarded.")
    return redirect(request, reverse("connector-new"))

"""The list of connectors, editing one, its background work, and what is done to it by a click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html

from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import Act, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import failure, page, redirect
from connectors.models import Connector
from connectors.ports.act_words import of_connector
from connectors.ports.requests import back_to, with_credentials_or_404
from connectors.setup import queries, services
from connectors.setup.connection_test import data_of
from connectors.setup.forms import SITES, ConnectorForm
from connectors.setup.readiness import CONFIRMABLE, DECIDABLE

EDITED_BEFORE = "What you had entered is here again. An address with a sign-in in it is never kept: enter it once more."
EDIT = Act(does=of_connector("Edit {connector}"), shown=shown_in(ConnectorForm, **SITES), refills=True)


# --- looking ----------------------------------------------------------------------------------------------------------


@requires(Right.SEE)
def connectors(request: HttpRequest) -> HttpResponse:
    cards = queries.cards()
    context = {
        "cards": cards,
        "connected": [each for each in cards if not each.connector.disconnected_at],
        "disconnected": [each for each in cards if each.connector.disconnected_at],
    }
    return page(request, "connectors/setup/list.html", context)


@requires(Right.SEE)
def job(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One job as it stands; once a refresh has ended, what follows it, so that polling sees the whole work."""
    owner = get_object_or_404(Connector, slug=slug)
    shown = get_object_or_404(owner.jobs.select_related("requested_by"), pk=pk)
    context = {"connector": owner, "job": queries.following_job(shown)}
    return page(request, "connectors/jobs/job.html", context, fragment="connectors/jobs/_job.html")


# --- editing ----------------------------------------------------------------------------------------------------------


def _edited_before(request: HttpRequest) -> dict[str, Any]:
    """In place of all that is stored: a site that was not kept is empty, and a box that was not ticked stays so."""
    typed = kept_form.typed_before(request)
    if not typed:
        return {}
    messages.info(request, EDITED_BEFORE)
    return {**typed.dict(), "log_by_hand": "log_by_hand" in typed}


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=EDIT)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    stored = with_credentials_or_404(slug)
    if request.method != "POST":
        form = ConnectorForm(initial=_edited_before(request) or vars(data_of(stored)), stored=stored)
        context = {"connector": stored, "form": form, "is_in_use": services.is_in_use(stored)}
        return page(request, "connectors/setup/edit.html", context)
    form = ConnectorForm(request.POST, stored=stored)
    if form.is_valid():
        try:
            services.edit_connector(stored, form.data_typed, actor=person_of(request))
        except services.AnotherNumber as refused:
            typed = form.data_typed.align_connector_id
            address = f"{reverse('connector-hand-over', args=[slug])}?number={typed}"
            link = format_html('{} <a href="{}">Hand over to connector {}</a>', refused, address, typed)
            form.add_error(None, link)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            _flash(request, [*form.notes, "The connector is saved."])
            return redirect(request, reverse("connector-settings", args=[slug]))
    is_in_use = services.is_in_use(stored)
    context = {"connector": stored, "form": form, "is_in_use": is_in_use, "trouble": "The connector is not saved."}
    return page(request, "connectors/setup/edit.html", context, status=400)


# --- acting -----------------------------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("POST",))
def refresh(request: HttpRequest, slug: str) -> HttpResponse:
    stored = with_credentials_or_404(slug)
    if not stored.is_active:
        return failure(request, f"{stored.name} is deactivated: activate it first.")
    return _done(request, stored, lambda actor: services.start_refresh(stored, actor=actor))


@requires(Right.SEE, Right.CONFIGURE, ("POST",))
def active(request: HttpRequest, slug: str) -> HttpResponse:
    stored, chosen = with_credentials_or_404(slug), text_in(request.POST, "active")
    if chosen not in ("yes", "no"):
        return failure(request, "The request does not say whether to activate or to deactivate.", status=400)

    def act(actor: Person) -> None:
        services.set_active(stored, chosen == "yes", actor=actor)

    return _done(request, stored, act, then="connector-settings")


@requires(Right.SEE, Right.CONFIGURE, ("POST",))
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    stored, code = with_credentials_or_404(slug), text_in(request.POST, "code")
    if code not in CONFIRMABLE and code not in DECIDABLE:
        return failure(request, "This is none of the prerequisites that a person can confirm.", status=400)
    return _done(request, stored, lambda actor: services.confirm_prerequisite(stored, code, actor=actor))


def _done(
    request: HttpRequest, stored: Connector, act: Callable[[Person], object], *, then: str = "connector"
) -> HttpResponse:
    try:
        act(person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    return redirect(request, back_to(request, stored.slug, reverse(then, args=[stored.slug])))


def _flash(request: HttpRequest, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        messages.info(request, sentence)

"""The owner of a token enters it by a link, without an account here."""

from __future__ import annotations

import math

from allauth.core.internal import ratelimit
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right
from alignadmin.accounts.signin import throttling
from alignadmin.errors import Refused
from alignadmin.text import counted
from alignadmin.web.responses import page, redirect
from connectors.credentials.owner_links import browser, entering, links
from connectors.credentials.owner_links.entering import Visit
from connectors.credentials.owner_links.forms import OwnerForm
from connectors.models import Credential, OwnerLink, Stage, System

LIMIT = throttling.AttemptCount("owner_link", "")  # of ACCOUNT_RATE_LIMITS
NO_LINK = 0  # in the address after a dead one
PAGE = "connectors/credentials/owner_link.html"


@requires(Right.PUBLIC)
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """To an address without the secret. Nothing is kept of a dead one: strangers would fill the table of sessions."""
    if seconds := _seconds_to_wait(request):
        return _too_many(request, seconds)
    link = entering.found(links.hash_of(token))
    if link is None:
        return _to_entry(request, NO_LINK)
    browser.keep(request, link)
    entering.note_opened(link, _visit(request, link.pk))
    return _to_entry(request, link.pk)


@sensitive_post_parameters()
@requires(Right.PUBLIC, methods=("GET", "POST"))
def enter(request: HttpRequest, link: int) -> HttpResponse:
    """Stores one secret as pending. The answer to a dead link does not tell what was wrong with it."""
    if request.method == "POST" and (seconds := _seconds_to_wait(request)):
        return _too_many(request, seconds)
    found = entering.found(browser.hash_kept(request.session, link))
    if found is None:
        return _after_its_end(request, link)
    if request.method != "POST":
        return _form_page(request, found, OwnerForm(link=found, current=_current(found)))
    return _store(request, found)


def _store(request: HttpRequest, link: OwnerLink) -> HttpResponse:
    form = OwnerForm(request.POST, link=link, current=_current(link))
    if not form.is_valid():
        return _refused(request, link, form)
    visit = _visit(request, link.pk)
    try:
        entering.store(link.token_hash, form.secret_typed, visit, replaces_same_user=form.is_of_same_user)
    except entering.NotNow as wait:
        return _form_page(request, link, form, trouble=str(wait), status=409)
    except entering.Dead:
        return _after_its_end(request, link.pk)
    except Refused as refused:
        form.add_error(None, str(refused))
        return _refused(request, link, form)
    browser.keep_notes(request.session, link.pk, form.notes)
    return _to_entry(request, link.pk)


def _refused(request: HttpRequest, link: OwnerLink, form: OwnerForm) -> HttpResponse:
    try:
        left = entering.count_try(link.token_hash, _visit(request, link.pk))
    except entering.Dead:
        left = 0
    if not left:
        return _after_its_end(request, link.pk)
    trouble = f"Nothing was stored. The link takes {counted(left, 'more try', 'more tries')}."
    return _form_page(request, link, form, trouble=trouble, status=400)


def _after_its_end(request: HttpRequest, link: int) -> HttpResponse:
    """To the browser that stored the secret, that it is stored, however often it asks or sends; to others: dead."""
    kept = browser.hash_kept(request.session, link)
    used = entering.with_hash(kept) if kept else None
    if used is None or not browser.has_used(request.session, used):
        return page(request, PAGE, {"dead": entering.DEAD}, status=404)
    waits = used.system == System.ALIGN and used.connector.gap_since is not None
    context = {"stored": used, "notes": browser.notes_of(request.session, link), "applies_wait": waits}
    return page(request, PAGE, context)


def _form_page(
    request: HttpRequest, link: OwnerLink, form: OwnerForm, *, trouble: str = "", status: int = 200
) -> HttpResponse:
    return page(request, PAGE, {"link": link, "form": form, "trouble": trouble}, status=status)


def _to_entry(request: HttpRequest, link: int) -> HttpResponse:
    return redirect(request, reverse("owner-link-enter", args=[link]))


def _current(link: OwnerLink) -> Credential | None:
    return Credential.objects.filter(connector=link.connector, system=link.system, stage=Stage.CURRENT).first()


def _visit(request: HttpRequest, link: int) -> Visit:
    return Visit(
        person=request.user if isinstance(request.user, Person) else None,
        address=throttling.address_of(request),
        browser=browser.mark_of(request.session, link),
    )


def _seconds_to_wait(request: HttpRequest) -> int:
    """0 for one that is not too many."""
    action, key = LIMIT
    if ratelimit.consume(request, app=throttling.APP, action=action, key=key, limit_get=True):
        return 0
    throttling.fail_if_nothing_is_stored()
    return throttling.seconds_to_wait(request, [LIMIT])


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """A page without a way to the sign-in: whoever has a link needs none."""
    minutes = math.ceil(seconds / throttling.MINUTE)
    answer = page(request, PAGE, {"minutes": minutes}, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


__all__ = ["enter", "follow"]

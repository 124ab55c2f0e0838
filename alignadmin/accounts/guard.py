"""Who may enter a view: rights, the second factor, and the same for the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import Act
from alignadmin.accounts.models import Person
from alignadmin.accounts.recent_sign_in import is_fresh, page_to_return_to
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import WHO_MAY, WITH_SECOND_FACTOR, Right, may
from alignadmin.accounts.second_factors import has_second_factor
from alignadmin.web.responses import redirect

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


OWN_PAGES = (Right.PUBLIC, Right.SIGNED_IN)  # of one's own account, where a second factor is added


SECOND_FACTOR_FIRST = "Your role needs a second factor: add one to your account, then continue."


SEND_BY_A_CLICK = "Nothing was sent yet. Confirm that it is you; then send it with one click."
ENTER_AGAIN = "Nothing was sent. Confirm that it is you; then enter once more what was not kept."
LOST_BY_SIGNING_IN = (
    "What you sent ({}) was not done, and it cannot be kept while you sign out and in again: "
    "enter it once more afterwards."
)


FACTOR = "second_factor"  # in the session; SessionLimits forgets it once a minute


View = TypeVar("View", bound=Callable[..., HttpResponse])


def requires(
    read: Right,
    write: Right | None = None,
    methods: tuple[str, ...] = ("GET",),
    *,
    fresh: Act | None = None,
    fresh_to_read: bool = False,
) -> Callable[[View], View]:
    """Guard a function view: `read` is needed to see it (else 404), `write` to send to it (else 403 with a sentence).

    `methods` are the methods it answers, HEAD and OPTIONS aside; others get 405. For the act `fresh` the person has
    signed in or confirmed it within the last FRESH_SIGN_IN seconds, else they are asked to, and the form waits. Reading
    asks for nothing, but with `fresh_to_read`: where a page gives a secret or a file out, or begins something whose
    answer is never kept.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in (*methods, "HEAD") or (request.method == "HEAD" and "GET" not in methods):
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            if not may(request.user, read):
                raise Http404
            if request.method not in SAFE_METHODS and write and not may(request.user, write):
                return refusal(request, write)
            if read not in OWN_PAGES and lacks_second_factor(request):
                return to_second_factor(request)
            if request.method in SAFE_METHODS:
                if fresh_to_read and not is_fresh(request):
                    return _ask_who_it_is(request, page_to_return_to(request))
            elif fresh:
                if not is_fresh(request):
                    return _keep_and_ask(request, fresh, kwargs, is_page="GET" in methods)
                kept_form.used(request)
            return view(request, *args, **kwargs)

        outer = guarded if read is Right.PUBLIC else login_required(guarded)
        outer.rule = (read, write, methods)  # type: ignore[attr-defined]
        outer.act = fresh  # type: ignore[attr-defined]
        outer.fresh_to_read = fresh_to_read  # type: ignore[attr-defined]
        return outer  # type: ignore[return-value]

    return decorate


def _keep_and_ask(request: HttpRequest, act: Act, params: Mapping[str, Any], *, is_page: bool) -> HttpResponse:
    """`is_page`: the address is a page as well. Who can only sign in again is told at once that nothing is kept."""
    person = person_of(request)
    if not get_adapter().get_reauthentication_methods(person):
        messages.warning(request, LOST_BY_SIGNING_IN.format(kept_form.title_of(request, act, params, person)))
        return _ask_who_it_is(request, request.get_full_path() if is_page else page_to_return_to(request))
    kept = kept_form.keep(request, act, params, person)
    messages.warning(request, SEND_BY_A_CLICK if kept.is_whole else ENTER_AGAIN)
    return _ask_who_it_is(request, reverse("account_confirm"))


def _ask_who_it_is(request: HttpRequest, then: str) -> HttpResponse:
    """To the page that asks for a proof, which leads to `then`."""
    return redirect(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}")


def refusal(request: HttpRequest, right: Right) -> HttpResponse:
    sentence = f"This needs {WHO_MAY[right]}; you are signed in as {request.user} without that role."
    if getattr(request, "htmx", False):
        return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
    return render(request, "refused.html", {"sentence": sentence}, status=403)


def lacks_second_factor(request: HttpRequest | Request) -> bool:
    """True for a person who needs a second factor and has none. That they have one is remembered for a minute."""
    person = request.user
    if not settings.MFA_REQUIRED or not any(may(person, right) for right in WITH_SECOND_FACTOR):
        return False
    if not request.session.get(FACTOR):
        if not (isinstance(person, Person) and has_second_factor(person)):
            return True
        request.session[FACTOR] = True
    return False


def to_second_factor(request: HttpRequest) -> HttpResponse:
    messages.warning(request, SECOND_FACTOR_FIRST)
    return redirect(request, reverse("mfa_index"))


class HasRight(BasePermission):
    """REST: a view names `right`; what one may not see answers 404, as on the pages."""

    def has_permission(self, request: Request, view: Any) -> bool:
        right: Right = getattr(view, "right", Right.CONFIGURE)
        if request.user and request.user.is_authenticated and not may(request.user, right):
            raise Http404
        if may(request.user, right) and lacks_second_factor(request):
            raise PermissionDenied(SECOND_FACTOR_FIRST)
        return may(request.user, right)

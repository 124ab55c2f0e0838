"""Single sign-on by OpenID Connect: who came back from the provider, and the way there and back.

The provider's word counts for one thing: that the browser belongs to this verified e-mail address. The person must
have been added by an admin, is looked up at each sign-in, and still needs the second factor their role asks for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from requests import RequestException

from alignadmin.accounts.models import Person
from alignadmin.accounts.signin import audit_entries

PROVIDER = "oidc"
UNVERIFIED = (
    "The sign-in service does not vouch for your e-mail address. "
    "Ask its operator to have the address verified, or sign in with your password."
)
UNKNOWN = "Nobody with your e-mail address was added to this installation. Ask an admin to invite you."
MIXED = "The sign-in service named two different people. Start again; if it happens again, tell its operator."
NOT_A_SIGN_IN = "This was no sign-in. Start from the sign-in page."
UNREACHABLE = "The sign-in service did not answer as it should. Try again in a minute, or sign in with your password."
# What a provider's answer of another shape ends in, deep in allauth.
UNUSABLE = (RequestException, LookupError, TypeError, ValueError, AttributeError)

log = logging.getLogger(__name__)


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider by way of a page: a form must not lead off our site, wherever the provider may pass it on."""
    try:
        answer: HttpResponse = views.login(request, provider_id)
    except UNUSABLE as error:
        return _unreachable(request, error)
    if isinstance(answer, HttpResponseRedirect):
        return render(request, "socialaccount/leaving.html", {"address": answer["Location"]})
    return answer


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = views.callback(request, provider_id)
    except UNUSABLE as error:
        return _unreachable(request, error)
    return answer


def person_of(request: HttpRequest, sociallogin: Any) -> Person | HttpResponse:
    """The person who comes in, or the answer that says why nobody does."""
    if sociallogin.state.get("process") != AuthProcess.LOGIN:
        return refusal(request, NOT_A_SIGN_IN)
    extra_data: Mapping[str, Any] = sociallogin.account.extra_data
    claims, token = extra_data.get("userinfo") or {}, extra_data.get("id_token") or {}
    if claims and token and claims.get("sub") != token.get("sub"):
        return refusal(request, MIXED)
    return _known(request, claims or token)


def _known(request: HttpRequest, claims: Mapping[str, Any]) -> Person | HttpResponse:
    person = Person.objects.filter(email=str(claims.get("email") or "").lower()).first()
    if claims.get("email_verified") is not True:
        return _refused(request, person, UNVERIFIED, "the provider did not verify the address")
    if person is None:
        return refusal(request, UNKNOWN)
    if not person.is_active:
        _refused(request, person, "", "the account is deactivated")
        return HttpResponseRedirect(reverse("account_inactive"))
    return person


def _refused(request: HttpRequest, person: Person | None, sentence: str, why: str) -> HttpResponse:
    if person is not None:
        audit_entries.refused(
            request, person, f"A single sign-on as {person} was refused: {why}.", how=audit_entries.SINGLE_SIGN_ON
        )
    return refusal(request, sentence)


def _unreachable(request: HttpRequest, error: Exception) -> HttpResponse:
    # Its text may hold the code or the token of this sign-in.
    log.warning("Single sign-on failed: %s", type(error).__name__)
    return refusal(request, UNREACHABLE, status=502)


def refusal(request: HttpRequest, sentence: str, *, status: int = 403) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", {"sentence": sentence}, status=status)

"""Guessing stopped: failed attempts are counted by allauth in the cache table that all processes share.

Here is what allauth leaves open: a page that says when to try again, one count per account whatever address the site
was reached by, and the client's address for both the count and the audit entries.
"""

from __future__ import annotations

import math
import time
import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connectors.signin.passwords import LONGEST, TOO_LONG

APP, FAILED = "allauth.account", "login_failed"
MINUTE = 60


class ThrottledAdapter(DefaultAccountAdapter):
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before a password is looked at, so that those at the same moment are counted too."""
        if len(credentials.get("password") or "") > LONGEST:
            raise ValidationError(TOO_LONG)
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            key = self._get_login_attempts_cache_key(request, **credentials)
            raise ImmediateHttpResponse(too_many_failures(request, seconds_to_wait(request, key))) from error

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """allauth's has the site's host in it: a new count for each name the site answers to."""
        typed = str(credentials.get("email") or credentials.get("username") or "")
        return unicodedata.normalize("NFKC", typed).strip().casefold()


def seconds_to_wait(request: HttpRequest, key: str) -> int:
    """Until the oldest of the attempts that fill a limit is forgotten; a minute when none is full any more."""
    now = time.time()
    waits = [MINUTE]
    for rate in ratelimit.get_rates(app=APP, action=FAILED):
        counted = cache.get(ratelimit.get_cache_key(request, app=APP, action=FAILED, rate=rate, key=key), [])
        if len(counted) >= rate.amount:
            waits.append(math.ceil(counted[-1] + rate.duration - now))
    return max(waits)


def too_many_failures(request: HttpRequest, seconds: int) -> HttpResponse:
    sentence = "Too many attempts to sign in have failed, with this e-mail address or from your network."
    return _refusal(request, f"{sentence} This one was not looked at.", seconds)


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What allauth answers to every other flood; its limits are per minute, that of forgotten passwords apart."""
    return _refusal(request, "There were too many requests from you or your network. Nothing was done.", MINUTE)


def _refusal(request: HttpRequest, sentence: str, seconds: int) -> HttpResponse:
    context = {"sentence": sentence, "minutes": math.ceil(seconds / MINUTE)}
    answer = render(request, "account/too_many.html", context, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def address_of(request: HttpRequest | None) -> str:
    """The client's address, past as many proxies as the operator has named; "" if there is none."""
    if request is None:
        return ""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:  # allauth's word for a request without an address
        return ""

"""Guessing stopped: failed attempts are counted by allauth in the cache table that all processes share.

Here is what allauth leaves open: what is counted, a page that says when to try again, and the client's address for both
the count and the audit entries. One count per account would let anybody keep its owner out by typing wrong passwords.
So failures count per account *and* address, per address, and, far higher, per account over all addresses; a browser
that its owner has signed in with before has a count of its own, which nobody else can fill.
"""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from alignadmin.accounts.signin import known_devices
from alignadmin.accounts.signin.password_validators import LONGEST, TOO_LONG

APP = "allauth.account"
SIGN_IN = "sign_in"  # a flood of any kind
FAILED, FAILED_ADDRESS, FAILED_ACCOUNT = "login_failed", "login_failed_address", "login_failed_account"
MINUTE = 60
UNUSED = "nothing-is-stored-under-this"


class AttemptCount(NamedTuple):
    """What ACCOUNT_RATE_LIMITS limits under `action`, for one `key` where it does so per key."""

    action: str
    key: str


class ThrottledAdapter(DefaultAccountAdapter):
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before a password is looked at, so that those at the same moment are counted too."""
        if len(credentials.get("password") or "") > LONGEST:
            raise ValidationError(TOO_LONG)
        counts = self._counts(request, self._get_login_attempts_cache_key(request, **credentials))
        used = []
        for count in counts:
            usage = ratelimit.consume(request, app=APP, action=count.action, key=count.key)
            if usage is None:
                fail_if_nothing_is_stored()
                raise ImmediateHttpResponse(too_many_failures(request, seconds_to_wait(request, counts)))
            used += usage.usage
        self._login_failed_rl_usage = ratelimit.RateLimitUsage(usage=used)  # allauth takes it back on success

    def _counts(self, request: HttpRequest, account: str) -> Sequence[AttemptCount]:
        """The last one is reached only by what the others let through: one address alone cannot fill it."""
        if device := known_devices.device_of(request, account):
            return [AttemptCount(FAILED, f"device|{device}")]
        address = ratelimit.get_ip(request)
        return [
            AttemptCount(FAILED_ADDRESS, ""),
            AttemptCount(FAILED, f"{account}|{address}"),
            AttemptCount(FAILED_ACCOUNT, account),
        ]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """allauth's has the site's host in it: a new count for each name the site answers to."""
        typed = str(credentials.get("email") or credentials.get("username") or "")
        return unicodedata.normalize("NFKC", typed).strip().casefold()


def seconds_to_wait(request: HttpRequest, counts: Sequence[AttemptCount]) -> int:
    """Until the oldest of the attempts that fill a limit is forgotten; a minute when none is full any more."""
    now = time.time()
    seconds = [MINUTE]
    for action, key in counts:
        for rate in ratelimit.get_rates(app=APP, action=action):
            counted = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
            if len(counted) >= rate.amount:
                seconds.append(math.ceil(counted[-1] + rate.duration - now))
    return max(seconds)


def floods(request: HttpRequest) -> bool:
    """Whether a network sends too many sign-ins; a known browser in it is not held up by the others."""
    return not known_devices.is_known(request) and not ratelimit.consume(request, app=APP, action=SIGN_IN)


def fail_if_nothing_is_stored() -> None:
    """An attempt that cannot be counted is refused like one too many: the cache keeps to itself what the database says.

    Its deletion does not: a database that is locked or only reads is told as that, not as somebody's many attempts.
    """
    cache.delete(UNUSED)


def too_many_failures(request: HttpRequest, seconds: int) -> HttpResponse:
    sentence = "Too many attempts to sign in have failed, with this e-mail address or from your network."
    return _refusal(request, f"{sentence} This one was not checked.", seconds)


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What allauth answers to every other flood; its limits are per minute, that of forgotten passwords apart."""
    fail_if_nothing_is_stored()
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
    except (PermissionDenied, ImproperlyConfigured):  # allauth's words for no address, and for fewer than the proxies
        return ""

"""Browsers that somebody has signed in with before: what strangers type elsewhere does not keep their owner out.

The cookie holds a random number for each person, under our signature. It opens nothing: whoever has it still needs the
password, and gets a count of failures of their own instead of the one that everybody shares.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.models import Person

SALT = "alignadmin.accounts.signin.known_devices"
KEPT = timedelta(days=365)  # since the last sign-in
MOST_PEOPLE = 5  # of one browser; whoever signed in longest ago is forgotten


def remember(request: HttpRequest, answer: HttpResponse, person: Person) -> None:
    """To be called for every sign-in that is complete."""
    known = dict(_known(request))
    device = known.pop(str(person.pk), "") or secrets.token_urlsafe(16)
    latest = [*known.items(), (str(person.pk), device)][-MOST_PEOPLE:]
    answer.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(dict(latest), salt=SALT),
        max_age=KEPT,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def device_of(request: HttpRequest, account: str) -> str:
    """The number of this browser for the person of this e-mail address; "" where they never signed in with it."""
    known = _known(request)
    for person in Person.objects.filter(pk__in=known) if known else ():
        if person.email.casefold() == account:
            return known[str(person.pk)]
    return ""


def is_known(request: HttpRequest) -> bool:
    """Whether anybody has signed in with this browser."""
    return bool(_known(request))


def _known(request: HttpRequest) -> Mapping[str, str]:
    try:
        remembered = signing.loads(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        return {}
    return remembered if isinstance(remembered, dict) else {}

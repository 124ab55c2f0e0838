"""How long ago a person proved who they are in this session, and which page they come from."""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.preferences import FRESH_SIGN_IN
from alignadmin.web.responses import page_before

BEGAN, SEEN = "began_at", "seen_at"  # in the session, in seconds since 1970


@receiver(user_logged_in)
def store_beginning(sender: type[Person], request: HttpRequest, user: Person, **kwargs: Any) -> None:
    """Both limits of the session (alignadmin.site.middleware.SessionLimits) and the freshness count from here."""
    request.session[BEGAN] = request.session[SEEN] = timezone.now().timestamp()


def confirmed_at(request: HttpRequest) -> float:
    """When the person last signed in or confirmed to be the one who did; 0 if that is not known."""
    if not isinstance(request.user, Person):
        return 0.0
    records = get_authentication_records(request, request.user)
    return max([float(request.session.get(BEGAN, 0)), *(float(record["at"]) for record in records)])


def is_fresh(request: HttpRequest) -> bool:
    oldest: float = timezone.now().timestamp() - FRESH_SIGN_IN.value()
    return confirmed_at(request) >= oldest


def reads(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD")


def page_to_return_to(request: HttpRequest) -> str:
    """The address itself if it was read as a page, else the page of our own site that the form or fragment is on."""
    if reads(request) and not getattr(request, "htmx", False):
        return request.get_full_path()
    return page_before(request)

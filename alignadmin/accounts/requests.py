"""The person of a request."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from alignadmin.accounts.models import Person


def person_of(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise Http404
    return request.user

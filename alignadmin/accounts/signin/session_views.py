"""Where one is signed in: every session of one's own, and ending the others."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.acts import ACTOR, Act, Params, Typed
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.accounts.signin import sessions
from alignadmin.web.responses import page, redirect


@requires(Right.SIGNED_IN)
def own(request: HttpRequest) -> HttpResponse:
    shown = sessions.own_sessions(person_of(request), _key(request), timezone.now())
    return page(request, "usersessions/usersession_list.html", {"sessions": shown, "limits": sessions.limits()})


def _end_words(_typed: Typed, params: Params) -> str:
    return f"End the session {sessions.named(params['pk'], params[ACTOR]) or 'that has ended already'}"


@requires(Right.SIGNED_IN, Right.SIGNED_IN, ("POST",), fresh=Act(does=_end_words))
def end(request: HttpRequest, pk: int) -> HttpResponse:
    person = person_of(request)
    if sessions.is_current(person, pk, _key(request)):
        return redirect(request, reverse("account_logout"))
    if sessions.end_session(person, pk, actor=person):
        messages.success(request, "That session has ended: its next request is asked to sign in.")
    else:
        messages.info(request, "That session had ended already.")
    return redirect(request, reverse("usersessions_list"))


@requires(Right.SIGNED_IN, Right.SIGNED_IN, ("POST",), fresh=Act(does="End all other sessions"))
def end_others(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    ended = sessions.end_all(person, but=_key(request), actor=person)
    messages.success(request, "Every other session has ended." if ended else "There was no other session.")
    return redirect(request, reverse("usersessions_list"))


def _key(request: HttpRequest) -> str:
    return request.session.session_key or ""

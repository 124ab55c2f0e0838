"""The page that shows a form which waited for its person to confirm who they are, for one click that sends it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import ACTOR
from alignadmin.accounts.guard import requires
from alignadmin.accounts.kept_form import KEPT, KEPT_FOR, KeptForm, act_of
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.web.responses import page

NOTHING = (
    "No form is waiting. It was sent already, or you have signed out meanwhile. "
    "Look whether it was done; if it was not, fill it in again."
)
OVER = f"A form waits for {KEPT_FOR // 60} minutes, and those are over. Nothing was sent: fill it in again."
NOT_YOURS = "Your role does not include this any more. Nothing was sent."


@requires(Right.SIGNED_IN, fresh_to_read=True)
def confirm(request: HttpRequest) -> HttpResponse:
    """Nothing is sent but by the button, to the address that the form was for, which judges it as any other."""
    stored = request.session.get(KEPT)
    is_over = stored is not None and kept_form.is_over(stored)
    found = kept_form.waiting(request)
    if found is None:
        kept_form.forget(request.session)
        return _show(request, {"sentence": OVER if is_over else NOTHING})
    if not kept_form.is_allowed(found, person_of(request)):
        kept_form.forget(request.session)
        return _show(request, {"sentence": NOT_YOURS})
    match = found.match
    act = act_of(match) if match else None
    params = {**match.kwargs, ACTOR: found.person} if match else {}
    lines = list(act.lines(found.pairs, params)) if act and (found.pairs or found.is_whole) else []
    return _show(request, {"kept": found, "lines": lines, "form_page": _again(found), "minutes": _minutes_left(found)})


def _show(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    return page(request, "account/confirm.html", context)


def _again(found: KeptForm) -> str:
    """The page of the form, told to fill in what was kept."""
    if not found.pairs or found.form_page != found.address:
        return found.form_page
    return f"{found.form_page}{'&' if urlsplit(found.form_page).query else '?'}again=1"


def _minutes_left(found: KeptForm) -> int:
    return max(1, round((found.until - timezone.now().timestamp()) / 60))

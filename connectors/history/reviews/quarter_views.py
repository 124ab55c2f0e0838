"""The pages of reviews by quarter, the running one first, and signing the quiet weeks of one together."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.acts import Act, ActField
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.text import counted
from alignadmin.web.responses import page, redirect
from connectors.history.reviews import quarters, quiet_weeks, sign_off, weeks
from connectors.history.reviews.quarter_page import QuarterPage
from connectors.history.reviews.quarters import Quarter


@requires(Right.HISTORY)
def running(request: HttpRequest) -> HttpResponse:
    """Or the one of the week that an address of the former list names."""
    now = timezone.now()
    if former := weeks.read(text_in(request.GET, "until"), now):
        return redirect(request, reverse("review-quarter", args=[quarters.quarter_of(former).slug]))
    return _show(request, quarters.quarter_of(weeks.week_of(now)))


@requires(Right.HISTORY)
def quarter(request: HttpRequest, quarter: str) -> HttpResponse:
    return _show(request, _quarter(quarter))


SIGN = Act(
    does="Sign off the quiet weeks of {quarter}",
    shown={"note": "Note", "weeks": ActField(label="Weeks", words=lambda value, _params: quiet_weeks.in_words(value))},
)


@requires(Right.HISTORY, Right.REVIEW, ("POST",), fresh=SIGN)
def sign(request: HttpRequest, quarter: str) -> HttpResponse:
    found, note = _quarter(quarter), text_in(request.POST, "note")
    seen = quiet_weeks.read(text_in(request.POST, "weeks"))
    try:
        signed = quiet_weeks.sign_together(found, note=note, seen=seen, actor=person_of(request))
    except Refused as refused:
        return _show(request, found, trouble=str(refused), note=note, status=409)
    done = "is" if len(signed) == 1 else "are"
    messages.success(request, f"{counted(len(signed), 'week')} of {found} {done} signed off.")
    return redirect(request, reverse("review-quarter", args=[found.slug]))


def _show(
    request: HttpRequest, shown: Quarter, *, trouble: str = "", note: str | None = None, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    found = QuarterPage(quarter=shown, viewer=person_of(request), now=now, first=weeks.first(now))
    context = {
        "page": found,
        "quarter": shown,
        "trouble": trouble,
        "note": found.prepared if note is None else note,
        "open_questions": sign_off.open_questions(),
        "overdue_days": weeks.OVERDUE.days,
    }
    return page(request, "connectors/history/reviews/review.html", context, status=status)


def _quarter(slug: str) -> Quarter:
    found = quarters.read(slug, timezone.now())
    if found is None:
        raise Http404
    return found

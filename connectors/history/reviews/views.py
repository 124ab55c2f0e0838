"""The page of one week: its sample, the note that is prepared for it, and signing it off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.acts import Act, ActField
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import page, redirect
from connectors.history.reviews import drafts, samples, sign_off, weeks
from connectors.history.reviews.week_page import WeekPage
from connectors.history.reviews.weeks import Week

DRAWN = 10  # where nobody says how many


@requires(Right.HISTORY)
def week(request: HttpRequest, week: str) -> HttpResponse:
    return _show(request, _week(week))


@requires(Right.HISTORY, Right.REVIEW, ("POST",))
def sample(request: HttpRequest, week: str) -> HttpResponse:
    """Draw rows at random; the entry of it is in the address that follows, so that the page can be sent."""
    found = _week(week)
    number, among = _number(text_in(request.POST, "number", str(DRAWN))), text_in(request.POST, "among", "all")
    try:
        entry = samples.take(found, number, among, actor=person_of(request))
    except Refused as refused:
        return _show(request, found, trouble=str(refused), status=409)
    return redirect(request, f"{_address(found)}?sample={entry.seq}#sample")


@requires(Right.HISTORY, Right.REVIEW, ("POST",))
def draft(request: HttpRequest, week: str) -> HttpResponse:
    """Keep a note for when the week is over; an empty one forgets what was kept."""
    found, note = _week(week), text_in(request.POST, "note")
    try:
        is_kept = drafts.keep(found, note, actor=person_of(request))
    except Refused as refused:
        return _show(request, found, trouble=str(refused), note=note, status=409)
    messages.success(request, "Your note is kept for this week." if is_kept else "No note is kept for this week.")
    return redirect(request, f"{_address(found)}#sign-heading")


SIGN = Act(
    does="Sign off the week {week}",
    shown={
        "note": "Note",
        "rows": "Rows looked through",
        "cases": "Open cases",
        "sample": ActField(label="Sample", words=lambda value, _params: f"that of entry {value}", absent="none"),
    },
    carried=("seen",),
)


@requires(Right.HISTORY, Right.REVIEW, ("POST",), fresh=SIGN)
def sign(request: HttpRequest, week: str) -> HttpResponse:
    found, note, drawn = _week(week), text_in(request.POST, "note"), _number(text_in(request.POST, "sample"))
    seen = sign_off.SeenWeek(
        review=_number(text_in(request.POST, "seen")),
        rows=_number(text_in(request.POST, "rows")),
        open_cases=_number(text_in(request.POST, "cases")),
    )
    try:
        sign_off.sign(found, note=note, seen=seen, sample=drawn, actor=person_of(request))
    except Refused as refused:
        return _show(request, found, trouble=str(refused), note=note, sample=drawn, status=409)
    messages.success(request, f"The week {found} is signed off.")
    return redirect(request, _address(found))


def _show(
    request: HttpRequest,
    shown: Week,
    *,
    trouble: str = "",
    note: str | None = None,
    sample: int = 0,
    status: int = 200,
) -> HttpResponse:
    found = WeekPage(
        week=shown,
        viewer=person_of(request),
        now=timezone.now(),
        asked_sample=sample or _number(text_in(request.GET, "sample")),
    )
    context: dict[str, Any] = {
        "page": found,
        "week": shown,
        "trouble": trouble,
        "note": found.draft if note is None else note,
        "drawn": DRAWN,
        "most": samples.MOST,
    }
    return page(request, "connectors/history/reviews/review_week.html", context, status=status)


def _week(text: str) -> Week:
    found = weeks.read(text, timezone.now())
    if found is None:
        raise Http404
    return found


def _number(text: str) -> int:
    """0 for what is no number of ours."""
    return whole(text) or 0


def _address(found: Week) -> str:
    return reverse("review-week", args=[found.slug])

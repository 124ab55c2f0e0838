"""The page on which lines of Align's log are pasted or uploaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page
from connectors.history.intake import intake
from connectors.history.intake.forms import LARGEST, TOO_LARGE, IntakeForm
from connectors.history.intake.page import intake_states
from connectors.history.intake.paste_times import AskHour, AskZone
from connectors.history.intake.pasted_log import FORMS, SLASHED_EXAMPLE, AskDayOrder, Hour
from connectors.history.intake.storing import IntakeResult

FORM_OVERHEAD = 64 * 1024

View = Callable[[HttpRequest], HttpResponse]


def small_enough(view: View) -> View:
    """Refuse more than 10 MB by its announced length, before anything has read the body."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if (whole(request.META.get("CONTENT_LENGTH")) or 0) > LARGEST + FORM_OVERHEAD:
            return failure(request, TOO_LARGE, status=413)
        return view(request)

    return guarded


# The check of the CSRF token reads the body, so it comes after the check of its length.
@requires(Right.HISTORY, Right.HISTORY, ("GET", "POST"))
@csrf_exempt
@small_enough
@csrf_protect
def take_in(request: HttpRequest) -> HttpResponse:
    """Paste or upload the four columns of Align's log."""
    form = (
        IntakeForm(request.POST, request.FILES) if request.method == "POST" else IntakeForm(initial=_initial(request))
    )
    result = _take_in(form, person_of(request)) if form.is_bound and form.is_valid() else None
    context = {
        "form": form,
        "result": result,
        "connector": form.cleaned_data["connector"] if result else None,
        "forms": FORMS,
        "slashed": SLASHED_EXAMPLE,
        "intakes": intake_states(),
    }
    return page(
        request,
        "connectors/history/intake/intake.html",
        context,
        status=400 if form.is_bound and result is None else 200,
    )


def _initial(request: HttpRequest) -> dict[str, str]:
    return {"connector": text_in(request.GET, "connector")}


def _take_in(form: IntakeForm, actor: Person) -> IntakeResult | None:
    given = form.cleaned_data
    try:
        return intake.take_in(
            given["connector"],
            given["text"],
            intake=given["intake"],
            actor=actor,
            order=given["order"] or None,
            hour=Hour(given["hour"]) if given["hour"] else None,
            zone=given["zone"],
        )
    except AskDayOrder:
        form.add_error("order", "These dates can be read in two ways: say whether the day or the month comes first.")
    except AskZone as asks:
        form.offer_zones(asks.zones)
        form.add_error(
            "zone",
            f"{asks} Choose the right one (those that fit come first), or {given['connector'].time_zone} if "
            "that is right after all.",
        )
    except AskHour as asks:
        form.add_error("hour", f"{asks}")
    return None

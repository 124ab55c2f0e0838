"""The pages on which lines of Align's log are pasted or uploaded, looked at, and confirmed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.align.audit_times import FORMS, SLASHED_EXAMPLE, AskDayOrder, DayOrder
from connectors.history.intake import waiting
from connectors.history.intake.by_hand import AlreadyImported, ReadOptions
from connectors.history.intake.forms import TOO_LARGE, IntakeForm
from connectors.history.intake.log_files import LARGEST
from connectors.history.intake.page import IntakePreview, intake_states
from connectors.history.intake.paste_times import AskHour, AskZone
from connectors.history.intake.pasted_log import Hour
from connectors.history.intake.storing import IntakeResult
from connectors.models import WaitingIntake

FORM_OVERHEAD = 64 * 1024
GONE = (
    "No such lines wait for you: they were discarded, are older than an hour, or were sent by somebody else. Paste or "
    "upload them again."
)

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
    """Paste or upload the columns of Align's log; what was read is then shown before it is imported."""
    form = (
        IntakeForm(request.POST, request.FILES) if request.method == "POST" else IntakeForm(initial=_initial(request))
    )
    kept = _keep(form, person_of(request)) if form.is_bound and form.is_valid() else None
    if kept:
        return redirect(request, reverse("history-intake-preview", args=[kept.pk]))
    context = {"form": form, "forms": FORMS, "slashed": SLASHED_EXAMPLE, "intakes": intake_states()}
    return page(request, "connectors/history/intake/intake.html", context, status=400 if form.is_bound else 200)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {"connector": text_in(request.GET, "connector")}


def _keep(form: IntakeForm, actor: Person) -> WaitingIntake | None:
    given = form.cleaned_data
    options = ReadOptions(
        order=DayOrder(given["order"]) if given["order"] else None,
        hour=Hour(given["hour"]) if given["hour"] else None,
        zone=given["zone"],
    )
    try:
        return waiting.put(
            given["connector"],
            given["text"],
            options,
            intake=given["intake"],
            actor=actor,
            file_name=given["file"].name if given["file"] else "",
            file_kind=given["file_kind"],
            file_sha256=given["file_sha256"],
        )
    except AskDayOrder as asks:
        form.add_error("order", f"{asks}")
    except AskZone as asks:
        form.offer_zones(asks.zones)
        form.add_error(
            "zone",
            f"{asks} Choose the right one (those that fit come first), or {asks.read_in} if that is right after all.",
        )
    except AskHour as asks:
        form.add_error("hour", f"{asks}")
    except Refused as refused:
        form.add_error("file" if given["file"] else "text", str(refused))
    return None


@requires(Right.HISTORY, Right.HISTORY, ("GET", "POST"))
def preview(request: HttpRequest, key: UUID) -> HttpResponse:
    """What was read of the lines; sent to, they are imported, or discarded."""
    person = person_of(request)
    found = waiting.of(person, key)
    if found is None:
        return failure(request, GONE, status=404)
    if found.imported_at:
        return _to_run(request, found)
    if request.method == "POST" and "discard" in request.POST:
        waiting.discard(found, actor=person)
        messages.success(request, "Discarded: nothing of it was imported.")
        return redirect(request, reverse("history-intake"))
    trouble, result = "", None
    try:
        if request.method == "POST":
            result = waiting.confirm(found, actor=person, also=request.POST.getlist("also"))
    except AlreadyImported:
        found.refresh_from_db()
        return _to_run(request, found)
    except (AskDayOrder, AskHour, AskZone, Refused) as refused:
        trouble = str(refused)
    if result:
        return _show_result(request, found, result)
    return _show_preview(request, found, trouble)


def _to_run(request: HttpRequest, found: WaitingIntake) -> HttpResponse:
    messages.info(request, "These lines were imported already, and only once.")
    return redirect(request, reverse("history-run", args=[found.run_slug, found.run_number]))


def _show_preview(request: HttpRequest, found: WaitingIntake, trouble: str) -> HttpResponse:
    shown = None
    try:
        shown = IntakePreview.of(found)
    except (AskDayOrder, AskHour, AskZone, Refused) as refused:  # since it was sent, the history has gone on
        trouble = trouble or f"{refused} Discard these lines and send them again."
    said = f"Nothing was imported. {trouble}" if trouble else ""
    context = {"waiting": found, "preview": shown, "trouble": said, "connector": found.connector}
    status = 409 if trouble and request.method == "POST" else 200
    return page(request, "connectors/history/intake/preview.html", context, status=status)


def _show_result(request: HttpRequest, found: WaitingIntake, result: IntakeResult) -> HttpResponse:
    found.refresh_from_db(fields=["run_slug"])
    context = {"result": result, "run_slug": found.run_slug, "connector": found.connector}
    return page(request, "connectors/history/intake/result.html", context)

"""The pages of live verifications: choosing an item, what is written, consent, progress, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.acts import Act, consent
from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.navigation import belongs_to
from alignadmin.web.responses import failure, page, redirect
from connectors.align.terminology import LEVELS
from connectors.models import Connector, Project
from connectors.ports.requests import with_credentials_or_404
from mappings.items.round_trip import services
from mappings.items.round_trip.page import TripPage, VerifyPage
from mappings.models import RoundTrip

ALL, ONE = "mappings/items/round_trip/verify.html", "mappings/items/round_trip/verification.html"
PROGRESS = "mappings/items/round_trip/_progress.html"
APPROVE = Act(
    does="Begin live verification {pk}, which changes both systems",
    shown={"agreed": consent("I agree that these values are changed, and put back at the end")},
    carried=("fingerprint",),
)
PUT_BACK = Act(does="Put back what live verification {pk} has left changed")
LEAVE = Act(does="Leave as it is what live verification {pk} has left changed")
TYPED = ("item", "level", "project", "title_back")


@requires(Right.ITEMS, Right.APPROVE, ("GET", "POST"))
def verify(request: HttpRequest, slug: str) -> HttpResponse:
    """POST has one prepared, which reads both systems; nothing is written before somebody consents to what it shows."""
    connector = with_credentials_or_404(slug)
    if request.method != "POST":
        return _show_all(request, connector)
    typed = {name: text_in(request.POST, name) for name in TYPED}
    with_title_back, actor = typed["title_back"] == "on", person_of(request)
    try:
        if text_in(request.POST, "throw_away"):
            number = whole(typed["project"])
            project = Project.objects.filter(connector=connector, pk=number or 0).first()
            if project is None:
                raise Refused("Choose the project in which the issue is made.")
            trip = services.prepare_throw_away(connector, project, with_title_back=with_title_back, actor=actor)
        else:
            level = typed["level"] if typed["level"] in LEVELS else ""
            trip = services.prepare(connector, typed["item"], level, with_title_back=with_title_back, actor=actor)
    except Refused as refused:
        return _show_all(request, connector, trouble=str(refused), typed=typed, status=409)
    return redirect(request, reverse("verification", args=[trip.pk]))


def _show_all(
    request: HttpRequest,
    connector: Connector,
    *,
    trouble: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = VerifyPage(connector, person_of(request), typed=typed)
    return page(request, ALL, {"connector": connector, "page": shown, "trouble": trouble}, status=status)


def trip_or_404(request: HttpRequest, pk: int) -> RoundTrip:
    rows = RoundTrip.objects.select_related("connector", "project", "author", "approver")
    found = get_object_or_404(rows, pk=pk)
    belongs_to(request, found.connector)
    return found


@requires(Right.ITEMS)
def verification(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, trip_or_404(request, pk))


def _show(request: HttpRequest, trip: RoundTrip, *, trouble: str = "", status: int = 200) -> HttpResponse:
    shown = TripPage(trip, person_of(request))
    context = {"connector": trip.connector, "page": shown, "job": shown.job, "trouble": trouble}
    return page(request, ONE, context, fragment=PROGRESS, status=status)


def _do(request: HttpRequest, pk: int, act: Callable[[RoundTrip], object]) -> HttpResponse:
    """Do it, then show the verification; what was refused is said on its page, as it is now."""
    trip = trip_or_404(request, pk)
    try:
        act(trip)
    except Refused as refused:
        if request.htmx:  # type: ignore[attr-defined]
            return failure(request, str(refused))
        return _show(request, trip_or_404(request, pk), trouble=str(refused), status=409)
    return redirect(request, reverse("verification", args=[pk]))


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=APPROVE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """From now on both systems are changed."""
    fingerprint, ticked = text_in(request.POST, "fingerprint"), text_in(request.POST, "agreed") == "on"
    return _do(request, pk, lambda trip: services.approve(trip, fingerprint, ticked=ticked, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=PUT_BACK)
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _do(request, pk, lambda trip: services.put_back(trip, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",), fresh=LEAVE)
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    return _do(request, pk, lambda trip: services.leave(trip, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends the waiting; what was changed is put back."""
    return _do(request, pk, lambda trip: services.stop(trip, actor=person_of(request)))


@requires(Right.ITEMS, Right.APPROVE, ("POST",))
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """One that was prepared and not begun."""
    trip = trip_or_404(request, pk)
    try:
        services.discard(trip, actor=person_of(request))
    except Refused as refused:
        return _show(request, trip_or_404(request, pk), trouble=str(refused), status=409)
    return redirect(request, reverse("verify", args=[trip.connector.slug]))

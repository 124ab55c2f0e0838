"""The page of what one was told, with how one wants to be told; one's own alone."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.mail.outbox import has_mail
from alignadmin.notifications import queries, services
from alignadmin.notifications.choices import set_choices
from alignadmin.notifications.forms import ChoicesForm
from alignadmin.notifications.kinds import fixed_of
from alignadmin.notifications.preferences import DIGEST_HOUR
from alignadmin.parsing import text_in, whole
from alignadmin.text import counted
from alignadmin.web.responses import failure, page, redirect

PER_PAGE = 50


@requires(Right.SEE, Right.SEE, ("GET", "POST"))
def notifications(request: HttpRequest) -> HttpResponse:
    """A POST stores the choices."""
    person = person_of(request)
    form = ChoicesForm(person, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        set_choices(person, form.wanted, actor=person)
        messages.success(request, "You are told as you chose here from now on.")
        return redirect(request, reverse("notifications"))
    found = Paginator(queries.told(person), PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "found": found,
        "newest": queries.newest(person),
        "days": queries.KEPT.days,
        "form": form,
        "fixed": [(each, each.whether(person)) for each in fixed_of(person)],
        "has_mail": has_mail(),
        "hour": DIGEST_HOUR.kind.words(DIGEST_HOUR.value()),
    }
    return page(request, "alignadmin/notifications/notifications.html", context, status=400 if form.is_bound else 200)


@requires(Right.SEE)
def notification(request: HttpRequest, pk: int) -> HttpResponse:
    """To what it tells of; from then on it counts as read."""
    person = person_of(request)
    found = get_object_or_404(queries.told(person), pk=pk)
    services.mark_read(found, actor=person)
    return redirect(request, found.address)


@requires(Right.SEE, Right.SEE, ("POST",))
def read_all(request: HttpRequest) -> HttpResponse:
    person, until = person_of(request), whole(text_in(request.POST, "until"))
    if until is None:
        return failure(request, "Reload the page, then mark what it shows as read: nothing was marked.")
    number = services.mark_all_read(actor=person, until=until)
    said = f"{counted(number, 'notification')} marked as read." if number else "Nothing was unread any more."
    messages.success(request, said)
    return redirect(request, reverse("notifications"))

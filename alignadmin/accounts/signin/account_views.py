"""The page of one's own account: who one is, password, second factors, sessions, time zone."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.second_factors import factors_of
from alignadmin.accounts.signin import audit_entries
from alignadmin.accounts.signin.forms import ZONES, ZoneForm
from alignadmin.web.responses import redirect


def account(request: HttpRequest) -> HttpResponse:
    person = request.user
    assert isinstance(person, Person)  # noqa: S101  (`requires` let nobody else in)
    form = ZoneForm(request.POST or None, initial={"time_zone": person.time_zone})
    if form.is_valid():
        set_time_zone(person, form.cleaned_data["time_zone"], actor=person)
        messages.success(request, "Times are shown in this zone from now on.")
        return redirect(request, reverse("account"))
    context = {"factors": factors_of(person), "form": form, "zones": sorted(ZONES)}
    return render(request, "account/account.html", context)


def set_time_zone(person: Person, zone: str, *, actor: Person) -> None:
    if zone == person.time_zone:
        return
    with transaction.atomic():
        person.time_zone = zone
        person.save(update_fields=["time_zone"])
        audit_entries.zone_changed(person, zone, actor=actor)

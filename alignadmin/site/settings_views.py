"""The settings page: what this installation is set to, read only, and a test of its e-mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.people import invitations
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.mail import outbox
from alignadmin.mail.outbox import NO_SERVER, has_mail
from alignadmin.site.system_info import Installation
from alignadmin.web.responses import page, redirect


@requires(Right.CONFIGURE)
def shown(request: HttpRequest) -> HttpResponse:
    tested = outbox.last([invitations.TEST], invitations.about(person_of(request)))
    return page(request, "alignadmin/site/settings.html", {"installation": Installation(), "mail": tested})


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",), fresh=Act(does="Send me a test e-mail"))
def mail(request: HttpRequest) -> HttpResponse:
    """Only to oneself, so that the button cannot be used to write to others."""
    person = person_of(request)
    if not has_mail():
        messages.error(request, f"The test e-mail was not sent: {NO_SERVER}.")
    else:
        invitations.send_test(person)
        messages.success(request, f"A test e-mail is queued for {person.email}.")
    return redirect(request, reverse("settings"))

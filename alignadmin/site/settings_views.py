"""The settings page: what an admin sets, what the operator has set, read only, and a test of the e-mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.acts import Act
from alignadmin.accounts.guard import requires
from alignadmin.accounts.people import invitations
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.mail import outbox
from alignadmin.mail.outbox import NO_SERVER, has_mail
from alignadmin.preferences import services
from alignadmin.preferences.reading import chosen
from alignadmin.preferences.services import NotChosen
from alignadmin.site.settings_form import GroupForm, forms_of_page, refused_form, typed_in
from alignadmin.site.settings_groups import ACT, BY_KEY
from alignadmin.site.system_info import Installation
from alignadmin.web.responses import page, redirect


@requires(Right.CONFIGURE)
def shown(request: HttpRequest) -> HttpResponse:
    return _show(request)


def _show(request: HttpRequest, instead: GroupForm | None = None, *, status: int = 200) -> HttpResponse:
    context = {
        "groups": forms_of_page(chosen(), instead),
        "installation": Installation(),
        "mail": outbox.last([invitations.TEST], invitations.about(person_of(request))),
    }
    return page(request, "alignadmin/site/settings.html", context, status=status)


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=ACT)
def choose(request: HttpRequest, group: str) -> HttpResponse:
    """Save the settings of one group. What is refused is shown again as it was typed.

    Its address stays in the browser then; whoever opens that again gets the page.
    """
    found = BY_KEY.get(group)
    if found is None:
        raise Http404
    of_group = f"{reverse('settings')}#{found.key}"
    if request.method != "POST":
        return redirect(request, of_group)
    try:
        changed = services.choose(typed_in(found, request.POST), actor=person_of(request))
    except NotChosen as refused:
        form = refused_form(found, chosen(), request.POST, refused)
        return _show(request, form, status=409 if refused.is_stale else 400)
    if changed:
        messages.success(request, f"Saved: {', '.join(each.label for each in changed)}.")
    else:
        messages.info(request, "Nothing was changed.")
    return redirect(request, of_group)


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

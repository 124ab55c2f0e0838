"""Signing in, changing a password and setting a forgotten one: allauth's pages, each act with its audit entry."""

from __future__ import annotations

from typing import Any

from allauth.account import views
from allauth.account.forms import ResetPasswordForm, default_token_generator
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from alignadmin.accounts.models import Person
from alignadmin.accounts.signin import audit_entries, password_reset, sessions
from alignadmin.accounts.signin.throttling import floods, too_many_requests


class SignIn(views.LoginView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = too_many_requests(request) if floods(request) else super().post(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"by_mail": bool(settings.EMAIL_URL)}


class ChangePassword(views.PasswordChangeView):
    def form_valid(self, form: Any) -> HttpResponse:
        person = form.user
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            ended = sessions.end_silently(person, but=self.request.session.session_key or "")
            audit_entries.password_changed(self.request, person, "changed the password", sessions=ended)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        sessions.keep(self.request, form.user)
        answer: HttpResponse = super().form_invalid(form)
        return answer


class ForgottenPasswordForm(ResetPasswordForm):
    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """The same for every address, known or not."""
        found = [person for person in self.users if person.has_usable_password()]
        password_reset.send_link(found[0] if found else None)
        return str(self.cleaned_data["email"])


class AskForReset(views.PasswordResetView):
    form_class = ForgottenPasswordForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.EMAIL_URL:
            answer: HttpResponse = self.get(request, *args, **kwargs)
        else:
            answer = super().post(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"by_mail": bool(settings.EMAIL_URL), "hours": hours}


class SetForgotten(views.PasswordResetFromKeyView):
    """Sets the password and no more: who has a second factor is asked for it at the sign-in that follows."""

    success_url = reverse_lazy("account_login")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            # Of two who use one link at once the second waits here, and then the link is used up.
            person = Person.objects.select_for_update(no_key=True).get(pk=self.reset_user.pk)
            if not (person.is_active and default_token_generator.check_token(person, self.key)):
                refusal: HttpResponse = self.render_to_response(self.get_context_data(token_fail=True))
                return refusal
            answer: HttpResponse = super().form_valid(form)
            ended = sessions.end_silently(person)
            audit_entries.password_changed(self.request, person, "set a forgotten password by e-mail", sessions=ended)
        messages.info(self.request, "Sign in with it now.")
        return answer


sign_in = SignIn.as_view()
change = ChangePassword.as_view()
ask_for_reset = AskForReset.as_view()
reset_asked = views.password_reset_done
set_forgotten = SetForgotten.as_view()

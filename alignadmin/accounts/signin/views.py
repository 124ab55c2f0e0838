"""allauth's pages of second factors, each act one transaction with its audit entry, one act of a person at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.account.adapter import get_adapter
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy

from alignadmin.accounts import kept_form
from alignadmin.accounts.guard import FACTOR
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.second_factors import factors_of, has_second_factor
from alignadmin.accounts.signin import audit_entries, forms, used_codes
from alignadmin.accounts.signin.throttling import address_of
from alignadmin.errors import SealError
from alignadmin.parsing import text_in

APP = "an authenticator app"
log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]


def in_words(view: View) -> View:
    """A stored factor that does not open ends in a page that says so, and in nothing else."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer = view(request, *args, **kwargs)
            return answer.render() if isinstance(answer, TemplateResponse) else answer
        except SealError as error:
            log.error("A stored second factor does not open: %s", error)
            return render(request, "mfa/sealed.html", status=500)

    return answered


class _OneTransaction:
    """The whole POST: a code is used, a factor changed, a session begun and the entry written, or none of them."""

    request: HttpRequest

    def person(self) -> Person:
        person = self.request.user
        assert isinstance(person, Person)  # noqa: S101  narrows the type; `requires` has let nobody else in
        return person

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            # Two requests with one code, or two that remove a factor, come one after the other.
            Person.objects.locked().get(pk=self.person().pk)
            return super().post(request, *args, **kwargs)  # type: ignore[misc,no-any-return]


# --- the second step of signing in, and confirming who one is ---------------------------------------------------------


class Authenticate(_OneTransaction, base.AuthenticateView):
    form_class = forms.CodeForm
    webauthn_form_class = forms.KeyForm

    def person(self) -> Person:
        person = self.stage.login.user
        assert isinstance(person, Person)  # noqa: S101  the stage begins with a person
        return person

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.person().is_active:  # deactivated since the password was typed
            clear_login(request)
            return HttpResponseRedirect(reverse("account_inactive"))
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"factors": factors_of(self.person())}


class SignInByPasskey(webauthn.LoginWebAuthnView):
    """A key that has checked its owner is both factors at once. GET is its script's question, in JSON."""

    form_class = forms.PasskeyForm

    def form_valid(self, form: forms.PasskeyForm) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
        return answer

    def form_invalid(self, form: forms.PasskeyForm) -> HttpResponse:
        log.warning("A passkey from %s was refused.", address_of(self.request))
        answer: HttpResponse = super().form_invalid(form)
        return answer


class ConfirmByCode(_OneTransaction, base.ReauthenticateView):
    form_class = forms.ConfirmingCodeForm


class ConfirmByKey(_OneTransaction, webauthn.ReauthenticateWebAuthnView):
    form_class = forms.ConfirmingKeyForm

    def form_invalid(self, form: forms.ConfirmingKeyForm) -> HttpResponse:
        """allauth's own would leave for the sign-in page."""
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's own forgets the form that has errors."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"form": kwargs.get("form") or self.get_form()}


def reauthenticate(request: HttpRequest) -> HttpResponse:
    """A person without a password and a second factor can only sign in again, and no form waits through that."""
    if not get_adapter().get_reauthentication_methods(request.user):
        then = text_in(request.GET, "next", "/")
        kept = kept_form.waiting(request) if then == reverse("account_confirm") else None
        if kept:  # of a person who had a password or a factor when they sent it
            kept_form.forget(request.session)
            then = kept.form_page
        context = {"next": then, "kept": kept}
        return render(request, "account/sign_in_again.html", context)
    answer: HttpResponse = account.reauthenticate(request)
    return answer


# --- one's own factors ------------------------------------------------------------------------------------------------


def second_factors(request: HttpRequest) -> HttpResponse:
    return render(request, "mfa/index.html", {"factors": factors_of(person_of(request))})


class AddApp(_OneTransaction, totp.ActivateTOTPView):
    form_class = forms.SetUpAppForm

    def form_valid(self, form: forms.SetUpAppForm) -> HttpResponse:
        if Authenticator.objects.filter(user=self.person(), type=Authenticator.Type.TOTP).exists():
            return HttpResponseRedirect(reverse("mfa_index"))  # added by a request that came just before
        answer: HttpResponse = super().form_valid(form)
        used_codes.use_up(self.person(), form.cleaned_data["code"])  # it does not sign in as well
        audit_entries.factor_added(self.request, self.person(), APP, codes_made=self.did_generate_recovery_codes)
        return answer


class _Removal(_OneTransaction):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"factors": factors_of(self.person())}

    def record_removal(self, factor: str) -> None:
        last = not has_second_factor(self.person())
        self.request.session.pop(FACTOR, None)  # the rule that asks for one looks again
        audit_entries.factor_removed(self.request, self.person(), factor, codes_removed=last)


class RemoveApp(_Removal, totp.DeactivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        if not Authenticator.objects.filter(pk=self.authenticator.pk).exists():
            return HttpResponseRedirect(reverse("mfa_index"))
        answer: HttpResponse = super().form_valid(form)
        self.record_removal(APP)
        return answer


class AddKey(_OneTransaction, webauthn.AddWebAuthnView):
    form_class = forms.AddKeyForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """As in ConfirmByKey."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"form": kwargs.get("form") or self.get_form()}

    def form_valid(self, form: forms.AddKeyForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        key = f'the security key "{form.cleaned_data["name"]}"'
        audit_entries.factor_added(self.request, self.person(), key, codes_made=self.did_generate_recovery_codes)
        return answer


class RemoveKey(_Removal, webauthn.RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        name = str(self.get_object())
        answer: HttpResponse = super().form_valid(form)
        self.record_removal(f'the security key "{name}"')
        return answer


class RenameKey(_OneTransaction, webauthn.EditWebAuthnView):
    form_class = forms.RenameKeyForm
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: forms.RenameKeyForm) -> HttpResponse:
        before = str(self.get_object())
        answer: HttpResponse = super().form_valid(form)
        after = form.cleaned_data["name"]
        if after != before:
            audit_entries.factor_renamed(self.request, self.person(), f'the security key "{before}"', f'"{after}"')
        return answer


class MakeCodes(_OneTransaction, recovery.GenerateRecoveryCodesView):
    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit_entries.codes(self.request, self.person())
        return answer


authenticate = in_words(Authenticate.as_view())
sign_in_by_passkey = SignInByPasskey.as_view()
confirm_by_code = in_words(ConfirmByCode.as_view())
confirm_by_key = ConfirmByKey.as_view()
add_app = in_words(AddApp.as_view())
remove_app = RemoveApp.as_view()
add_key = in_words(AddKey.as_view())
remove_key = RemoveKey.as_view()
rename_key = RenameKey.as_view()
make_codes = in_words(MakeCodes.as_view())
view_codes = in_words(recovery.view_recovery_codes)
download_codes = in_words(recovery.download_recovery_codes)

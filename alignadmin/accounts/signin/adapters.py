"""What allauth asks us: nobody signs up by themselves, second factors are sealed, a sign-in is written down."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.accounts.signin import known_devices, sessions, single_sign_on
from alignadmin.accounts.signin.throttling import ThrottledAdapter

STORED = "mfa_authenticator|secret"


class AccountAdapter(ThrottledAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an admin."""
        return False

    def login(self, request: HttpRequest, user: Person) -> None:
        """Every way of signing in ends here: the new session and its audit entry are one transaction."""
        with transaction.atomic():
            super().login(request, user)

    def post_login(self, request: HttpRequest, user: Person, **kwargs: Any) -> HttpResponse:
        """And here, once it is complete."""
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        known_devices.remember(request, answer, user)
        return answer

    def reauthenticate(self, user: Person, password: str) -> bool:
        confirmed = bool(super().reauthenticate(user, password))
        if confirmed:
            user.refresh_from_db(fields=["password"])
            sessions.keep(self.request, user)
        return confirmed

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Our own rule `fresh` stands before those pages; allauth's keeps what was typed, secrets too, and sends it."""
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code was not accepted. Each code works once and only while your app shows it: "
        "type the one it shows now. If the next one is refused, too, the clock of your phone (or of this server) is "
        "more than half a minute wrong: let the phone set its time by itself.",
        "cannot_generate_recovery_codes": "Recovery codes replace a second factor that is lost: add one first.",
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, bound_to=STORED)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises sealing.DoesNotOpen: what does not open lets nobody in."""
        return sealing.unseal(encrypted_text, bound_to=STORED)


class ProviderAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Single sign-on is for people an admin has added."""
        return False

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """allauth's own way takes a person's password away and accepts "false" as a verified address."""
        return

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find the person anew each time, so that no link to the provider outlives a changed address."""
        found = single_sign_on.person_of(request, sociallogin)
        if not isinstance(found, Person):
            raise ImmediateHttpResponse(found)
        sociallogin.user = found

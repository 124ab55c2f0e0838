"""Signing in and out with allauth: nobody signs up by themselves, and each act is an audit entry."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from connectors.audit import trail
from connectors.models import Person


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are added by an admin."""
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    pass


class ProviderAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Single sign-on is for people an admin has added."""
        return False


@receiver(user_logged_in)
def note_sign_in(sender: type[Person], request: HttpRequest, user: Person, **kwargs: Any) -> None:
    with transaction.atomic():
        _entry("person.signed_in", user, f"{user} signed in.", request)


@receiver(user_logged_out)
def note_sign_out(sender: type[Person], request: HttpRequest, user: Person | None, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            _entry("person.signed_out", user, f"{user} signed out.", request)


@receiver(user_login_failed)
def note_refused_sign_in(
    sender: str, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Only for known people: what a stranger types may be a password in the wrong field, and grows without limit."""
    typed = str(credentials.get("email") or credentials.get("username") or "")
    person = Person.objects.filter(email=typed.lower()).first()
    if person is not None:
        with transaction.atomic():
            _entry("person.refused", person, f"A sign-in as {person} was refused.", request)


def _entry(action: str, person: Person, sentence: str, request: HttpRequest | None) -> None:
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    trail.append(
        action,
        actor=person,
        connector=None,
        subject=f"person {person.pk}",
        sentence=sentence,
        data={"address": address},
    )

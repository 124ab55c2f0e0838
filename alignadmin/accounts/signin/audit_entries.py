"""The audit entries of signing in and out and of second factors, each in the transaction of its act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from alignadmin.accounts.models import Person
from alignadmin.accounts.signin.throttling import address_of
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord

PASSWORD, SINGLE_SIGN_ON, PASSKEY = "password", "single sign-on", "passkey"
CODE = "authenticator app or recovery code"
WAYS = {
    "password": PASSWORD,
    "socialaccount": SINGLE_SIGN_ON,
    Authenticator.Type.TOTP.value: "authenticator app",
    Authenticator.Type.WEBAUTHN.value: "security key",
    Authenticator.Type.RECOVERY_CODES.value: "recovery code",
}


@receiver(user_logged_in)
def record_sign_in(sender: type[Person], request: HttpRequest, user: Person, **kwargs: Any) -> None:
    ways = ways_of(request, user)
    with_ways = f" with {' and '.join(ways)}" if ways else ""
    with transaction.atomic():
        _entry("person.signed_in", user, f"{user} signed in{with_ways}.", request, how=ways)


def ways_of(request: HttpRequest, person: Person) -> list[str]:
    """What the person proved in this session until now, in words and in order."""
    records = get_authentication_records(request, person)
    return list(dict.fromkeys(_way(record) for record in records))


def _way(record: Mapping[str, Any]) -> str:
    if record.get("passwordless"):
        return PASSKEY
    return WAYS.get(record.get("type") or record["method"], "another way")


@receiver(user_logged_out)
def record_sign_out(sender: type[Person], request: HttpRequest, user: Person | None, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            _entry("person.signed_out", user, f"{user} signed out.", request)


@receiver(user_login_failed)
def record_refused_sign_in(
    sender: str, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Only for known people: what a stranger types may be a password in the wrong field, and grows without limit."""
    typed = str(credentials.get("email") or credentials.get("username") or "")
    person = Person.objects.filter(email=typed.lower()).first()
    if person is not None:
        refused(request, person, f"A sign-in as {person} was refused.", how=PASSWORD)


@receiver(authentication_failed)
def record_refused_code(sender: type[Authenticator], request: HttpRequest, user: Person, **kwargs: Any) -> None:
    refused(request, user, f"A code for {user} was refused.", how=CODE)


def refused(request: HttpRequest | None, person: Person, sentence: str, *, how: str) -> None:
    with transaction.atomic():
        _entry("person.refused", person, sentence, request, how=[how])


def password_changed(request: HttpRequest, person: Person, what: str, *, sessions: int) -> None:
    """`what` they did, e.g. "changed the password"; `sessions` is how many ended by it."""
    _entry("person.password_changed", person, f"{person} {what}.", request, sessions=sessions)


def factor_added(request: HttpRequest, person: Person, factor: str, *, codes_made: bool) -> None:
    _entry("person.factor_added", person, f"{person} added {factor} as a second factor.", request)
    if codes_made:
        codes(request, person)


def factor_removed(request: HttpRequest, person: Person, factor: str, *, codes_removed: bool) -> None:
    too = ", and with it the recovery codes" if codes_removed else ""
    _entry("person.factor_removed", person, f"{person} removed {factor}{too}.", request)


def factor_renamed(request: HttpRequest, person: Person, before: str, after: str) -> None:
    _entry("person.edited", person, f"{person} renamed {before} to {after}.", request)


def codes(request: HttpRequest, person: Person) -> None:
    _entry("person.codes_made", person, f"{person} made new recovery codes; earlier ones are void.", request)


def zone_changed(person: Person, zone: str, *, actor: Person) -> None:
    sentence = f"{person} now reads times in {zone or 'UTC'}."
    trail.record(AuditRecord(action="person.edited", actor=actor, subject=f"person {person.pk}", sentence=sentence))


def _entry(action: str, person: Person, sentence: str, request: HttpRequest | None, **data: Any) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=person,
            subject=f"person {person.pk}",
            sentence=sentence,
            data={"address": address_of(request), **data},
        )
    )

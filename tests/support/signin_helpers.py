"""Steps of the tests of signing in: people who come by the form, and what they are told."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, override_settings

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from tests.environment import PASSWORD
from tests.support.processes import Site

LOGIN, SESSIONS = "/accounts/login/", "/accounts/sessions/"
WRONG = "not-the-password-of-anybody"
NEW = "four plain words together"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"
HASHER = "tests.support.signin_helpers.CountingHasher"


class CountingHasher(PBKDF2PasswordHasher):
    """Cheap, and counts: the time of a hash is what would tell a known address from an unknown one."""

    iterations = 1
    hashed = 0

    def encode(self, *arguments: Any, **named: Any) -> str:
        type(self).hashed += 1
        return super().encode(*arguments, **named)


def signed_in_as(person: Person, *, browser: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    """By the form, as people do."""
    client = Client(headers={"User-Agent": browser}, REMOTE_ADDR=address)
    answer = client.post(LOGIN, {"login": person.email, "password": PASSWORD})
    assert answer.status_code == 302, said(answer)
    return client


def attempt(password: str, *, email: str = "dana@example.test", client: Client | None = None, **extra: Any) -> Any:
    return (client or Client()).post(LOGIN, {"login": email, "password": password}, **extra)


def said(answer: Any) -> str:
    return unescape(answer.content.decode())


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action).order_by("seq"))


def shift(client: Client, **seconds: float) -> None:
    """Let what the session notes lie further back: `shift(client, seen_at=61)`."""
    session = client.session
    for name, back in seconds.items():
        session[name] -= back
    session.save()


def let_the_sign_in_age(site: Site, session_key: str) -> None:
    """By three hours, as it stands in the database: the installation of a run takes two for recent."""
    ((stored,),) = site.rows(f"SELECT session_data FROM django_session WHERE session_key = '{session_key}'")
    with override_settings(SECRET_KEY=site.environment["SECRET_KEY"]):
        data = SessionStore().decode(stored)
        data["began_at"] -= 3 * 3600
        data.pop("account_authentication_methods", None)
        signed = SessionStore().encode(data)
    site.sql(f"UPDATE django_session SET session_data = '{signed}' WHERE session_key = '{session_key}'")


def change(client: Client, *, old: str, new: str) -> Any:
    typed = {"oldpassword": old, "password1": new, "password2": new}
    return client.post("/accounts/password/change/", typed)

"""Signing in and out, the first admin by command, and what of it stands in the history."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from tests.environment import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, LOGOUT = "/accounts/login/", "/accounts/logout/"
EMAIL = "dana@example.test"
WRONG = "not-the-password-of-anybody"


@pytest.fixture(autouse=True)
def _no_attempts_of_other_tests() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana(db: None) -> Person:
    return Person.objects.create_user(EMAIL, PASSWORD, name="Dana", role=Role.ADMIN)


def sign_in(client: Client, *, email: str = EMAIL, password: str = PASSWORD, address: str = LOGIN) -> Any:
    return client.post(address, {"login": email, "password": password})


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action).order_by("seq"))


def said(answer: Any) -> str:
    return unescape(answer.content.decode())


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [EMAIL, "Dana@Example.TEST", f" {EMAIL} "])
def test_a_person_signs_in_with_the_address_however_it_is_typed(client: Client, dana: Person, email: str) -> None:
    answer = sign_in(client, email=email)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_a_sign_in_is_an_entry_with_person_and_address(client: Client, dana: Person) -> None:
    sign_in(client)
    (entry,) = entries("person.signed_in")
    assert '"sentence":"Dana signed in with password."' in entry.body
    assert '"address":"127.0.0.1"' in entry.body


def test_the_session_gets_a_new_key_at_the_sign_in(client: Client, dana: Person) -> None:
    client.get(LOGIN)
    sign_in(client)
    first = client.session.session_key
    client.post(LOGOUT)
    sign_in(client)
    assert client.session.session_key != first


def test_it_leads_back_to_the_page_that_was_asked_for(client: Client, dana: Person) -> None:
    asked = client.get("/connectors/?q=1")
    assert asked["Location"] == f"{LOGIN}?next=/connectors/%3Fq%3D1"
    assert sign_in(client, address=asked["Location"])["Location"] == "/connectors/?q=1"


@pytest.mark.parametrize("elsewhere", ["https://evil.example.test/", "//evil.example.test", "javascript:alert(1)"])
def test_it_never_leads_to_another_site(client: Client, dana: Person, elsewhere: str) -> None:
    assert sign_in(client, address=f"{LOGIN}?next={elsewhere}")["Location"] == "/"


# --- being refused ----------------------------------------------------------------------------------------------------


def shape(answer: Any) -> str:
    """The page without what is different in each answer."""
    text = said(answer).replace(EMAIL, "").replace("nobody@example.test", "")
    return re.sub(r'(csrfmiddlewaretoken" value|name="login" value)="[^"]*"', "", text)


def test_an_unknown_person_and_a_wrong_password_get_the_same_answer(dana: Person) -> None:
    wrong = sign_in(Client(), password=WRONG)
    unknown = sign_in(Client(), email="nobody@example.test")
    assert wrong.status_code == unknown.status_code == 200
    assert shape(wrong) == shape(unknown)
    assert "not correct" in said(wrong)


def test_a_refused_sign_in_is_an_entry_without_what_was_typed(client: Client, dana: Person) -> None:
    sign_in(client, password=WRONG)
    (entry,) = entries("person.refused")
    assert '"sentence":"A sign-in as Dana was refused."' in entry.body
    assert WRONG not in entry.body
    assert client.get("/").status_code == 302


def test_what_a_stranger_types_is_not_kept(client: Client, dana: Person) -> None:
    sign_in(client, email=WRONG, password=WRONG)
    sign_in(client, email="nobody@example.test", password=WRONG)
    assert not any(WRONG in body or "nobody@" in body for body in Entry.objects.values_list("body", flat=True))


def test_a_deactivated_person_does_not_get_in_and_the_attempt_is_an_entry(client: Client, dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    answer = sign_in(client)
    assert client.get("/").status_code == 302
    assert "/accounts/inactive/" in answer["Location"]
    assert "This account is deactivated" in said(client.get(answer["Location"]))
    assert len(entries("person.refused")) == 1
    assert entries("person.signed_in") == []


def test_that_an_account_is_deactivated_is_told_only_to_who_knows_its_password(client: Client, dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert "not correct" in said(sign_in(client, password=WRONG))


def test_guessing_is_stopped_and_then_even_the_right_password_waits(client: Client, dana: Person) -> None:
    for _ in range(5):
        sign_in(client, password=WRONG)
    late = sign_in(client)
    assert late.status_code == 429
    assert "Too many attempts to sign in have failed" in said(late)
    assert client.get("/").status_code == 302
    assert len(entries("person.refused")) == 5


def test_a_form_of_another_site_signs_nobody_in(dana: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403
    assert strict.get("/").status_code == 302


# --- signing out ------------------------------------------------------------------------------------------------------


def test_signing_out_is_asked_first_and_is_an_entry(client: Client, dana: Person) -> None:
    sign_in(client)
    assert "Sign out?" in said(client.get(LOGOUT))
    assert client.get("/").status_code == 200
    assert client.post(LOGOUT)["Location"] == LOGIN
    assert client.get("/").status_code == 302
    (entry,) = entries("person.signed_out")
    assert '"sentence":"Dana signed out."' in entry.body


# --- nothing else of the sign-in package ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["signup/", "email/", "password/set/", "confirm-email/", "login/code/", "3rdparty/"]
)
def test_only_the_pages_we_use_are_there(client: Client, address: str) -> None:
    assert client.get(f"/accounts/{address}").status_code == 404
    assert client.post(f"/accounts/{address}", {"email": EMAIL, "password1": PASSWORD}).status_code == 404
    assert not Person.objects.exists()


def change_password(client: Client, *, old: str, new: str) -> Any:
    typed = {"oldpassword": old, "password1": new, "password2": new}
    return client.post("/accounts/password/change/", typed)


def test_a_person_changes_the_own_password_with_the_old_one(client: Client, dana: Person) -> None:
    sign_in(client)
    assert change_password(client, old=WRONG, new="another-good-password-1").status_code == 200
    assert change_password(client, old=PASSWORD, new="short").status_code == 200
    assert change_password(client, old=PASSWORD, new="another-good-password-1").status_code == 302
    assert client.get("/").status_code == 200
    assert "not correct" in said(sign_in(Client()))
    assert sign_in(Client(), password="another-good-password-1").status_code == 302


# --- the first admin --------------------------------------------------------------------------------------------------


def create(monkeypatch: pytest.MonkeyPatch, *arguments: str, password: str = PASSWORD) -> str:
    output = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("createadmin", *arguments, "--password-stdin", stdout=output)
    return output.getvalue()


def test_a_new_installation_knows_nobody() -> None:
    """As the migrations leave it."""
    assert not Person.objects.exists()


def test_the_command_makes_an_admin_who_can_sign_in(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "can sign in as an admin" in create(monkeypatch, "Dana@example.test", "--name", "Dana")
    made = Person.objects.get()
    assert (made.email, made.name, made.role, made.is_active) == (EMAIL, "Dana", Role.ADMIN, True)
    assert sign_in(client).status_code == 302
    (entry,) = entries("person.added")
    assert "Added Dana as an admin by command." in entry.body
    assert PASSWORD not in entry.body


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("no-address", PASSWORD, "valid email address"),
        (EMAIL, "too-short", "at least 15 characters"),
        (EMAIL, "", "at least 15 characters"),
        (EMAIL, "dana@example.test", "too similar"),
    ],
)
def test_the_command_refuses_what_cannot_work_in_words(
    monkeypatch: pytest.MonkeyPatch, email: str, password: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(monkeypatch, email, password=password)
    assert not Person.objects.exists()
    assert not Entry.objects.exists()


def test_the_command_changes_nobody_who_is_already_here(dana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="already here"):
        create(monkeypatch, EMAIL.upper(), password="another-good-password-1")
    dana.refresh_from_db()
    assert dana.check_password(PASSWORD)


def test_two_different_passwords_make_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, WRONG])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("connectors.management.commands.createadmin.getpass", lambda _: next(typed))
    with pytest.raises(CommandError, match="differ"):
        call_command("createadmin", EMAIL)
    assert not Person.objects.exists()

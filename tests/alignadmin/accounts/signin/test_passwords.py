"""Passwords that are taken and refused, changed, and set anew by e-mail when forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import LazySettings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.password_validation import CommonPasswordValidator, validate_password
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.signin.password_validators import LONGEST
from alignadmin.due_work import run_due
from alignadmin.mail.models import OutgoingMail
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.people_helpers import at_once
from tests.support.signin_helpers import (
    HASHER,
    LOGIN,
    NEW,
    SAFARI,
    SESSIONS,
    attempt,
    change,
    entries,
    said,
    signed_in_as,
)

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"


@pytest.fixture(autouse=True)
def _cheap_hashes_and_no_attempts_of_other_tests(settings: LazySettings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [HASHER]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana(db: None) -> Person:
    return factories.person(Role.ADMIN, email="dana@example.test", name="Dana")


# --- a new password ---------------------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(dana: Person) -> None:
    phone, here = signed_in_as(dana, browser=SAFARI), signed_in_as(dana)
    assert "signed out of all your other sessions" in said(here.get("/accounts/password/change/"))
    assert change(here, old=PASSWORD, new=NEW).status_code == 302
    assert phone.get("/").status_code == 302
    assert here.get("/").status_code == 200
    assert Session.objects.count() == 1
    (entry,) = entries("person.password_changed")
    assert '"sentence":"Dana changed the password."' in entry.body
    assert '"sessions":1' in entry.body
    assert NEW not in entry.body


def test_a_password_stored_by_an_older_recipe_ends_no_session_when_it_is_typed(dana: Person) -> None:
    client = signed_in_as(dana)

    def stored_as_before() -> None:
        dana.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
        dana.save(update_fields=["password"])
        session = client.session
        session["_auth_user_hash"] = dana.get_session_auth_hash()
        session.save()

    stored_as_before()
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get("/").status_code == 200
    assert "1 session" in said(client.get(SESSIONS))
    stored_as_before()
    assert change(client, old=PASSWORD, new="short").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("x" * 14, "at least 15 characters"),
        ("k7!" * 334, f"longer than {LONGEST:,} characters"),
        ("k7!" * 350_000, f"longer than {LONGEST:,} characters"),
        ("dana@example.test", "too similar to the e"),
        ("AlignAdmin-Jira-2026", "words that would be guessed first (alignadmin, jira)"),
        ("J1ra@l1gnAdm1n!!!", "words that would be guessed first"),
        ("dana dana dana 12345", "words that would be guessed first (dana)"),
        ("acme acme jira 1234", "words that would be guessed first"),
        ("aaaaaaaaaaaaaaaaaaaa", 'only repeats "a"'),
        ("qwertyqwertyqwerty", 'only repeats "qwerty"'),
    ],
)
def test_a_password_that_would_be_guessed_is_refused_in_words(dana: Person, password: str, sentence: str) -> None:
    factories.connector("http://127.0.0.1:9", actor=dana)  # called Acme
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        validate_password(password, dana)


def test_each_common_password_that_is_long_enough_is_refused(dana: Person) -> None:
    """Of Django's list few are: whoever thinks of 20,000 refusals thinks of shorter passwords."""
    common = [each for each in CommonPasswordValidator().passwords if len(each) >= 15]
    assert len(common) > 40
    taken = []
    for password in common:
        with suppress(ValidationError):
            validate_password(password, dana)
            taken.append(password)
    assert taken == []
    with pytest.raises(ValidationError, match="This password is too common"):
        validate_password("manchesterunited", dana)


@pytest.mark.parametrize(
    "password",
    [
        NEW,
        "vx quartz birch",  # 15
        "kx7! quartz birch 9" + "birch quartz 58 " * 61 + "birch",  # 1,000
        "realign the purple stars",
        "x7" * 31 + "yz",
        "k7! ü√ " + "abcdefgh ijklmnop " * 7,
        " leading and trailing ",
        "123 go fish 456 now",
    ],
)
def test_long_ones_without_rules_of_composition_are_taken(dana: Person, password: str) -> None:
    assert 15 <= len(password) <= LONGEST == 1000
    client = signed_in_as(dana)
    assert change(client, old=PASSWORD, new=password).status_code == 302
    dana.refresh_from_db()
    assert dana.check_password(password)


@pytest.mark.parametrize(
    ("address", "hints"),
    [
        (LOGIN, ["email", "current-password"]),
        ("/accounts/password/change/", ["username", "current-password", "new-password", "new-password"]),
        ("/accounts/reauthenticate/", ["current-password"]),
    ],
)
def test_password_managers_know_which_field_is_which(dana: Person, address: str, hints: list[str]) -> None:
    client = Client() if address == LOGIN else signed_in_as(dana)
    page = said(client.get(address))
    assert re.findall(r'autocomplete="([^"]*)"', page) == hints
    assert "onpaste" not in page


# --- a forgotten password ---------------------------------------------------------------------------------------------


@pytest.fixture
def _mail(settings: LazySettings) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    settings.PUBLIC_ADDRESS = "https://align.acme.test"


def ask(email: str = "dana@example.test", **extra: Any) -> Any:
    return Client().post(RESET, {"email": email}, **extra)


def sent_links() -> list[str]:
    """Let the worker send what is queued."""
    run_due()
    return [
        found for message in mail.outbox for found in re.findall(r"https://align\.acme\.test(/\S+)", str(message.body))
    ]


def set_by(link: str, new: str, client: Client | None = None) -> Any:
    browser = client or Client()
    opened = browser.get(link)
    if opened.status_code != 302:
        return opened
    return browser.post(opened["Location"], {"password1": new, "password2": new})


@pytest.mark.usefixtures("_mail")
def test_a_forgotten_password_is_set_by_a_link_that_works_once(dana: Person) -> None:
    phone = signed_in_as(dana)
    assert ask()["Location"] == f"{RESET}done/"
    (link,) = sent_links()
    answer = set_by(link, NEW)
    assert answer["Location"] == LOGIN
    assert phone.get("/").status_code == 302
    assert attempt(PASSWORD).status_code == 200
    assert attempt(NEW).status_code == 302
    (entry,) = entries("person.password_changed")
    assert '"sentence":"Dana set a forgotten password by e-mail."' in entry.body
    assert NEW not in entry.body
    again = set_by(link, "another four plain words")
    assert "This link does not work" in said(again)
    assert attempt(NEW).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_mail")
def test_of_two_uses_of_a_link_at_once_one_sets_a_password(dana: Person) -> None:
    ask()
    (link,) = sent_links()
    answers: dict[str, Any] = {}
    browsers = {NEW: Client(), "another four plain words": Client()}
    forms = {new: browser.get(link)["Location"] for new, browser in browsers.items()}  # both stand at the form

    def set_password(new: str) -> None:
        answers[new] = browsers[new].post(forms[new], {"password1": new, "password2": new})

    at_once([partial(set_password, new) for new in browsers])
    (won,) = (new for new, answer in answers.items() if answer.status_code == 302)
    (lost,) = set(browsers) - {won}
    assert answers[won]["Location"] == LOGIN
    assert "This link does not work" in said(answers[lost])
    assert attempt(lost).status_code == 200
    assert attempt(won).status_code == 302
    assert len(entries("person.password_changed")) == 1


@pytest.mark.usefixtures("_mail")
def test_the_key_of_the_link_stands_in_no_address_of_the_form(dana: Person) -> None:
    ask()
    (link,) = sent_links()
    opened = Client().get(link)
    assert link.rstrip("/").split("-", 1)[1] not in opened["Location"]


@pytest.mark.usefixtures("_mail")
def test_setting_it_signs_nobody_in_and_goes_around_no_second_factor(dana: Person) -> None:
    TOTP.activate(dana, generate_totp_secret())
    ask()
    (link,) = sent_links()
    client = Client()
    set_by(link, NEW, client)
    assert client.get("/").status_code == 302
    assert urlsplit(attempt(NEW, client=client)["Location"]).path == "/accounts/2fa/authenticate/"
    assert client.get("/").status_code == 302


@pytest.mark.usefixtures("_mail")
def test_an_unknown_address_gets_the_same_answer_and_no_mail(dana: Person) -> None:
    Person.objects.create_user("invited@example.test", None, name="Invited")
    Person.objects.create_user("gone@example.test", PASSWORD, name="Gone", is_active=False)
    answers = [ask(email) for email in (dana.email, "invited@example.test", "gone@example.test", "no@example.test")]
    assert {(each.status_code, each["Location"]) for each in answers} == {(302, f"{RESET}done/")}
    waiting = OutgoingMail.objects.filter(kind="password-reset")
    assert [bool(each.recipients) for each in waiting.order_by("id")] == [True, False, False, False]
    assert len({len(each.body) // 100 for each in waiting}) == 1, "the same work for each"
    sent_links()
    assert [message.to for message in mail.outbox] == [["dana@example.test"]]


@pytest.mark.usefixtures("_mail")
def test_the_link_leads_to_the_operators_address_whatever_the_host_header_says(
    dana: Person, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    ask(headers={"Host": "evil.example.test"})
    assert len(sent_links()) == 1
    assert "evil" not in mail.outbox[0].body


@pytest.mark.usefixtures("_mail")
def test_the_link_is_good_for_an_hour(dana: Person, settings: LazySettings) -> None:
    ask()
    (link,) = sent_links()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "This link does not work" in said(set_by(link, NEW))
    settings.PASSWORD_RESET_TIMEOUT = 3600
    assert set_by(link, NEW)["Location"] == LOGIN


@pytest.mark.usefixtures("_mail")
def test_a_link_of_somebody_deactivated_meanwhile_sets_nothing(dana: Person) -> None:
    ask()
    (link,) = sent_links()
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert "This link does not work" in said(set_by(link, NEW))
    dana.refresh_from_db()
    assert dana.check_password(PASSWORD)


@pytest.mark.parametrize("link", ["1-x", "zzzzzzzzzzzzzzz-1", "0-set-password", f"1-{'x' * 5000}"])
def test_a_link_that_was_never_made_is_refused_in_words(dana: Person, link: str) -> None:
    assert "This link does not work" in said(Client().get(f"{RESET}key/{link}/"))


def test_without_a_mail_server_the_page_says_whom_to_ask(dana: Person) -> None:
    assert "Ask an admin" in said(Client().get(RESET))
    answer = ask()
    assert answer.status_code == 200
    assert "Ask an admin" in said(answer)
    assert "Ask an admin" in said(Client().get(LOGIN))
    assert mail.outbox == []


@pytest.mark.usefixtures("_mail")
def test_with_one_the_sign_in_page_leads_there(dana: Person) -> None:
    assert RESET in said(Client().get(LOGIN))

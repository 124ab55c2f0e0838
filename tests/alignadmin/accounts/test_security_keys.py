"""Security keys over HTTP: added, used, refused, and what no key would send."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from alignadmin.accounts.models import Person
from alignadmin.accounts.second_factors import has_second_factor
from tests.support.factor_helpers import (
    APP,
    CODES,
    INDEX,
    KEY,
    LOGIN,
    STEP,
    dana,
    entries,
    inside,
    password,
    said,
    signed_in,
    stale,
    without_a_chain,
)
from tests.support.one_time_codes import app_of
from tests.support.software_key import SoftwareKey

__all__ = ["dana", "inside"]

pytestmark = pytest.mark.django_db


# --- security keys ----------------------------------------------------------------------------------------------------


def asked(page: Any) -> Any:
    """What the page asks the browser to ask the key."""
    found = re.search(r'id="js_data" type="application/json">(.+?)</script>', page.content.decode())
    assert found
    return json.loads(found[1])


def add_key(client: Client, key: SoftwareKey, name: str = "Blue key") -> Any:
    return client.post(KEY, {"name": name, "credential": key.added(asked(client.get(KEY)))})


def test_a_key_is_added_and_signs_in(inside: Client, client: Client, dana: Person) -> None:
    key = SoftwareKey()
    assert add_key(inside, key)["Location"] == CODES
    assert entries("person.factor_added") == ['Dana added the security key "Blue key" as a second factor.']
    assert len(entries("person.codes_made")) == 1
    password(client)
    answer = client.post(STEP, {"credential": key.signed(asked(client.get(STEP)))})
    assert answer["Location"] == "/"
    assert signed_in(client)
    assert entries("person.signed_in")[-1] == "Dana signed in with password and security key."


@pytest.mark.parametrize("trouble", ["forged", "another key", "another site", "an old question", "the same answer"])
def test_it_refuses_a_key_that_does_not_prove_itself_now(
    inside: Client, client: Client, dana: Person, trouble: str
) -> None:
    key, other = SoftwareKey(), SoftwareKey()
    add_key(inside, key)
    password(client)
    old = key.signed(asked(client.get(STEP)))
    question = asked(client.get(STEP))
    answers = {
        "forged": key.signed(question, forged=True),
        "another key": other.signed(question),
        "another site": key.signed(question, host="elsewhere.test"),
        "an old question": old,
        "the same answer": old,
    }
    if trouble == "the same answer":
        first = Client()
        password(first)
        answers[trouble] = key.signed(asked(first.get(STEP)))
        assert first.post(STEP, {"credential": answers[trouble]}).status_code == 302
    refused = client.post(STEP, {"credential": answers[trouble]})
    assert "This security key was not accepted" in said(refused)
    assert not signed_in(client)
    assert entries("person.refused") == ["A security key for Dana was refused."]
    assert client.post(STEP, {"credential": key.signed(asked(client.get(STEP)))}).status_code == 302


def test_a_key_of_another_site_is_not_added(inside: Client, dana: Person) -> None:
    question = asked(inside.get(KEY))
    refused = inside.post(KEY, {"name": "", "credential": SoftwareKey().added(question, host="elsewhere.test")})
    assert "gave no usable answer" in said(refused)
    assert not has_second_factor(dana)
    assert add_key(inside, SoftwareKey(), name="")["Location"] == CODES
    assert "Master key" in said(inside.get(INDEX))


def test_a_key_confirms_who_one_is(inside: Client, dana: Person) -> None:
    key = SoftwareKey()
    add_key(inside, key)
    stale(inside)
    address = f"/accounts/2fa/webauthn/reauthenticate/?next={APP}"
    refused = inside.post(address, {"credential": key.signed(asked(inside.get(address)), forged=True)})
    assert "This security key was not accepted" in said(refused)
    assert inside.get(APP).status_code == 303
    assert inside.post(address, {"credential": key.signed(asked(inside.get(address)))})["Location"] == APP
    assert inside.get(APP).status_code == 200
    assert entries("person.refused") == ["A security key for Dana was refused."]


def test_without_an_entry_no_key_is_added_removed_or_signs_in(inside: Client, client: Client, dana: Person) -> None:
    inside.raise_request_exception = client.raise_request_exception = False
    key = SoftwareKey()
    with without_a_chain():
        assert add_key(inside, key).status_code == 500
    assert not Authenticator.objects.exists()
    add_key(inside, key)
    password(client)
    with without_a_chain():
        assert client.post(STEP, {"credential": key.signed(asked(client.get(STEP)))}).status_code == 500
        assert not signed_in(client)
    assert client.post(STEP, {"credential": key.signed(asked(client.get(STEP)))}).status_code == 302
    remove = f"/accounts/2fa/webauthn/keys/{Authenticator.objects.get(type='webauthn').pk}/remove/"
    with without_a_chain():
        assert client.post(remove).status_code == 500
    assert has_second_factor(dana)
    assert client.post(remove).status_code == 302


# --- signing in by a key alone ----------------------------------------------------------------------------------------

PASSKEY = "/accounts/2fa/webauthn/login/"


@pytest.fixture
def passkey(inside: Client) -> SoftwareKey:
    """Added to Dana's account to sign in alone."""
    key = SoftwareKey(has_checked_its_owner=True)
    answer = key.added(asked(inside.get(KEY)))
    assert inside.post(KEY, {"name": "Laptop", "passwordless": "on", "credential": answer}).status_code == 302
    cache.clear()
    return key


def question_for_anybody(client: Client) -> Any:
    """As the sign-in page's script asks for it."""
    return client.get(PASSKEY, headers={"Accept": "application/json"}).json()


def test_a_passkey_signs_in_alone_and_the_entry_says_so(client: Client, passkey: SoftwareKey, settings: Any) -> None:
    """The first entry is that of the one who added it."""
    settings.MFA_REQUIRED = True
    assert "Sign in with a passkey" in said(client.get(LOGIN))
    answer = client.post(PASSKEY, {"credential": passkey.signed(question_for_anybody(client)), "next": "/plans/"})
    assert answer["Location"] == "/plans/"
    assert client.get("/settings/").status_code == 200, "it is a second factor, too"
    assert entries("person.signed_in")[1:] == ["Dana signed in with passkey."]
    assert "device" in answer.cookies


def test_no_failure_of_others_keeps_a_passkey_out(client: Client, passkey: SoftwareKey, dana: Person) -> None:
    for number in range(40):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post(LOGIN, {"login": dana.email, "password": "wrong" * 4})
    for _ in range(40):
        client.post(LOGIN, {"login": dana.email, "password": "wrong" * 4})
    assert password(client).status_code == 429
    assert client.post(PASSKEY, {"credential": passkey.signed(question_for_anybody(client))})["Location"] == "/"


@pytest.mark.parametrize(
    "trouble", ["not checked", "forged", "another key", "another site", "another person", "an old question"]
)
def test_it_refuses_a_passkey_that_does_not_prove_its_owner_now(
    client: Client, passkey: SoftwareKey, trouble: str
) -> None:
    old = passkey.signed(question_for_anybody(client))
    question = question_for_anybody(client)
    stranger = SoftwareKey(has_checked_its_owner=True, person=passkey.person)
    without_check = replace(passkey, has_checked_its_owner=False)
    of_nobody = replace(passkey, person=b"999999")
    answers = {
        "not checked": without_check.signed(question),
        "forged": passkey.signed(question, forged=True),
        "another key": stranger.signed(question),
        "another site": passkey.signed(question, host="elsewhere.test"),
        "another person": of_nobody.signed(question),
        "an old question": old,
    }
    refused = client.post(PASSKEY, {"credential": answers[trouble]}, follow=True)
    assert "This passkey was not accepted" in said(refused)
    assert not signed_in(client)
    assert client.post(PASSKEY, {"credential": passkey.signed(question_for_anybody(client))}).status_code == 302
    assert signed_in(client)


def test_who_is_deactivated_does_not_get_in_by_a_passkey(client: Client, passkey: SoftwareKey, dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    answer = client.post(PASSKEY, {"credential": passkey.signed(question_for_anybody(client))})
    assert answer["Location"] == "/accounts/inactive/"
    assert not signed_in(client)


def test_a_key_that_checks_nobody_is_not_added_to_sign_in_alone(inside: Client) -> None:
    answer = SoftwareKey().added(asked(inside.get(KEY)))
    refused = inside.post(KEY, {"name": "", "passwordless": "on", "credential": answer})
    assert "gave no usable answer" in said(refused)
    assert not Authenticator.objects.exists()


def test_without_an_entry_no_passkey_signs_in(client: Client, passkey: SoftwareKey) -> None:
    client.raise_request_exception = False
    question = question_for_anybody(client)
    with without_a_chain():
        assert client.post(PASSKEY, {"credential": passkey.signed(question)}).status_code == 500
    assert not signed_in(client)


# --- what a key could send --------------------------------------------------------------------------------------------

NO_ANSWERS = [
    "",
    "no json",
    "null",
    "[]",
    "17",
    '"text"',
    "{}",
    '{"id": 1}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": null}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}}',
    '{"id": "\\u0000", "rawId": [], "response": {"clientDataJSON": {}, "authenticatorData": 1, "signature": true}}',
    "[" * 5000,
    '{"id": "' + "A" * 1_000_000 + '"}',
]


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_it_refuses_what_no_key_answers(inside: Client, client: Client, dana: Person, answer: str) -> None:
    inside.get(KEY)
    assert inside.post(KEY, {"name": "mine", "credential": answer}).status_code == 200
    assert not Authenticator.objects.exists()
    app_of(dana)
    password(client)
    client.get(STEP)
    assert client.post(STEP, {"credential": answer}).status_code == 200
    stranger = Client()
    question_for_anybody(stranger)
    assert stranger.post(PASSKEY, {"credential": answer})["Location"] == LOGIN
    assert not signed_in(client)
    assert inside.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": answer}).status_code == 302

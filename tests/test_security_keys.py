"""Security keys over HTTP: added, used, refused, and what no key would send."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from connectors.models import Person
from connectors.signin.factors import has_second_factor
from tests.factor_steps import (
    APP,
    CODES,
    INDEX,
    KEY,
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
from tests.one_time_codes import app_of
from tests.software_key import SoftwareKey

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
    assert not signed_in(client)
    assert inside.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": answer}).status_code == 302

"""What tests of second factors do and look at: signing in by both steps, adding an app, a chain that is away."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.one_time_codes import Clock

LOGIN = "/accounts/login/"
STEP = "/accounts/2fa/authenticate/"
INDEX = "/accounts/2fa/"
APP = "/accounts/2fa/totp/activate/"
REMOVE_APP = "/accounts/2fa/totp/deactivate/"
CODES = "/accounts/2fa/recovery-codes/"
KEY = "/accounts/2fa/webauthn/add/"
CONFIRM = "/accounts/2fa/reauthenticate/"


@pytest.fixture
def dana() -> Person:
    return factories.person(Role.ADMIN, email="dana@example.test", name="Dana")


@pytest.fixture
def inside(dana: Person) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def said(answer: Any) -> str:
    return unescape(answer.content.decode())


def password(client: Client) -> Any:
    return client.post(LOGIN, {"login": "dana@example.test", "password": PASSWORD})


def step(client: Client, code: str) -> Any:
    return client.post(STEP, {"code": code})


def signed_in(client: Client) -> bool:
    return client.get("/accounts/password/change/").status_code == 200


def entries(action: str) -> list[str]:
    return [json.loads(each.body)["sentence"] for each in Entry.objects.filter(action=action).order_by("seq")]


def secret_on(page: Any) -> str:
    found = re.search(r'class="mono secret"[^>]*>([A-Z2-7]+)<', said(page))
    assert found
    return found[1]


def codes_on(page: Any) -> list[str]:
    return re.findall(r"<li>(\d{8})</li>", said(page))


def add_app(client: Client, clock: Clock) -> str:
    secret = secret_on(client.get(APP))
    answer = client.post(APP, {"code": clock.next_code(secret)})
    assert answer.status_code == 302, said(answer)
    return secret


@contextmanager
def without_a_chain() -> Iterator[None]:
    """The database cannot take audit entries."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_chainhead RENAME TO chain_is_away")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE chain_is_away RENAME TO audit_chainhead")


def stale(client: Client) -> None:
    session = client.session
    session["began_at"] = time.time() - settings.FRESH_SIGN_IN - 5
    session.pop("account_authentication_methods", None)
    session.save()

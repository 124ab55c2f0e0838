"""The settings page: what this installation is set to, in words and without a secret, and the test e-mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.models import Connector, Credential
from tests.support import factories
from tests.support.people_helpers import said

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(signed_in: Callable[[Role], Client]) -> Client:
    """The admin's browser."""
    return signed_in(Role.ADMIN)


@pytest.fixture
def mail_server(settings: Settings) -> None:
    """E-mails arrive in `mail.outbox`."""
    settings.EMAIL_URL = "smtp://mail.example.test"


@pytest.fixture
def no_mail_server(settings: Settings) -> None:
    """Nothing listens where e-mails go."""
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9


@pytest.fixture
def owned(admin: Person) -> Connector:
    """With two sealed credentials."""
    return factories.connector("http://127.0.0.1:9", actor=admin)


def test_the_settings_are_told_in_words(boss: Client, settings: Settings) -> None:
    settings.EGRESS_ADDRESSES = ["203.0.113.7", "2001:db8::7"]
    settings.REMINDER_RECIPIENTS = ["ops@example.test"]
    page = said(boss.get("/settings/"))
    assert "A second factor is not required" in page
    assert "203.0.113.7 2001:db8::7" in page
    assert "ops@example.test" in page
    failures = "at most 5 in 15 minutes for one account at one address or by one known browser, 20 in 15 minutes from"
    assert f"{failures} one address, 30 an hour for one account" in page
    assert "No mail server is set" in page
    assert "works once" not in page
    settings.MFA_REQUIRED = True
    Authenticator.objects.create(user=Person.objects.get(role=Role.ADMIN), type="totp", data={})
    session = boss.session
    session.pop("second_factor", None)
    session.save()
    page = said(boss.get("/settings/"))
    assert "A second factor is not required" not in page
    assert "required of everybody who may approve, apply or configure" in page


def test_the_settings_page_names_keys_and_counts_what_they_seal(
    boss: Client, owned: Connector, settings: Settings
) -> None:
    assert "test 2 values active" in said(boss.get("/settings/"))
    old = settings.SEAL_KEYS
    settings.SEAL_KEYS = ["newer:" + "A" * 43 + "=", *old]
    page = said(boss.get("/settings/"))
    assert "newer 0 values active test 2 values old, still needed" in page
    assert "2 values are still encrypted with an old key. manage.py seal_rotate" in page


def test_the_settings_page_holds_no_secret(boss: Client, owned: Connector, settings: Settings) -> None:
    settings.EMAIL_URL = "smtp+tls://canary-user:canary-password@mail.example.test:587"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.test", 587
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "canary-user", "canary-password"
    settings.OIDC_SERVER = "https://canary-user:canary-password@login.example.test/realms/acme"
    page = boss.get("/settings/").content.decode()
    assert "mail.example.test:587" in page
    assert "login.example.test" in page
    key = settings.SEAL_KEYS[0].partition(":")[2]
    sealed = Credential.objects.values_list("sealed", flat=True)
    for secret in ("canary", key, settings.SECRET_KEY, *sealed, "sandbox-align-token"):
        assert secret not in page


def test_a_test_e_mail_goes_to_oneself(boss: Client, admin: Person, mail_server: None) -> None:
    page = boss.post("/settings/mail/", {"to": "somebody@example.test"}, follow=True)
    assert f"A test e-mail is queued for {admin.email}" in said(page)
    assert run_due() == 1
    (message,) = mail.outbox
    assert message.to == [admin.email]
    assert f"Test e-mail to {admin.email}: sent" in said(boss.get("/settings/"))


def test_a_test_e_mail_that_fails_says_why(boss: Client, no_mail_server: None) -> None:
    boss.post("/settings/mail/")
    run_due()
    page = said(boss.get("/settings/"))
    assert ": queued" in page
    assert "Not sent yet: the mail server cannot be reached" in page

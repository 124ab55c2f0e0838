"""Inviting somebody, and the link with which they set a password: once, in time, and in no wrong hands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import services
from alignadmin.accounts.people.invitations import hash_of
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.mail.models import OutgoingMail
from tests.conftest import People
from tests.environment import PASSWORD
from tests.support.people_helpers import (
    INVITED,
    LIST,
    NEW,
    NEW_PASSWORD,
    at_once,
    entries,
    invite,
    is_in,
    join,
    link_in,
    open_link,
    said,
    send,
    sign_in,
    unwritable_history,
)

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


# --- inviting and joining ---------------------------------------------------------------------------------------------


def test_an_invited_person_sets_a_password_and_signs_in(boss: Client, admin: Person) -> None:
    link = invite(boss)
    nora = Person.objects.get(email="nora@example.test")
    assert (nora.name, nora.role, nora.has_usable_password()) == ("Nora New", Role.EDITOR, False)
    (entry,) = entries("person.invited")
    assert entry["actor"]["id"] == admin.pk
    assert entry["data"] == {"email": "nora@example.test", "role": "editor"}

    answer = join(link)
    assert answer.headers["Location"] == "/accounts/login/"
    (entry,) = entries("person.joined")
    assert entry["actor"]["id"] == nora.pk
    assert is_in(sign_in("nora@example.test", NEW_PASSWORD))


def test_with_a_mail_server_the_link_is_in_the_e_mail_alone(boss: Client, mail_server: None) -> None:
    answer = boss.post(NEW, INVITED, follow=True)
    assert mail.outbox == []
    assert "to nora@example.test: queued" in said(answer)
    assert run_due() == 1
    (message,) = mail.outbox
    assert message.to == ["nora@example.test"]
    link = link_in(str(message.body))
    assert "works once, for 7 days" in str(message.body)
    assert link not in answer.content.decode()
    assert "to nora@example.test: sent" in said(send(boss, "person", Person.objects.get(email="nora@example.test")))
    assert join(link).status_code == 303


def test_the_link_is_in_no_log_and_no_entry(
    boss: Client, no_mail_server: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    boss.post(NEW, INVITED, follow=True)
    run_due()  # its e-mail fails, which is logged
    (waiting,) = OutgoingMail.objects.all()
    settings.EMAIL_URL = ""
    link = link_in(said(send(boss, "person-invitation", Person.objects.get(email="nora@example.test"))))
    assert join(link, "short").status_code == 400
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(link, follow=True)
    assert browser.post(page.request["PATH_INFO"], {"password": NEW_PASSWORD}).status_code == 403
    assert join(link).status_code == 303
    token = link.rstrip("/").rsplit("/", 1)[1]
    assert "was not sent" in caplog.text
    assert token not in caplog.text
    assert not [each for each in Entry.objects.all() if token in each.body]
    assert "/join/" not in waiting.body, "it is sealed while it waits"
    assert token not in said(boss.get(LIST)) + said(boss.get("/history/"))


def test_a_failing_mail_server_leaves_the_person_invited_and_offers_to_send_again(
    boss: Client, no_mail_server: None, settings: Settings
) -> None:
    boss.post(NEW, INVITED)
    run_due()
    nora = Person.objects.get(email="nora@example.test")
    page = said(boss.get(reverse("person", args=[nora.pk])))
    assert "Not sent yet: the mail server cannot be reached" in page
    assert "Invite again" in page
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send(boss, "person-invitation", nora)
    run_due()
    assert len(mail.outbox) == 1, "the older one, whose link is dead, is not sent any more"
    assert join(link_in(str(mail.outbox[0].body))).status_code == 303


def used(link: str, boss: Client, settings: Settings) -> str:
    join(link)
    return link


def too_old(link: str, boss: Client, settings: Settings) -> str:
    settings.INVITATION_AGE = 60
    Person.objects.update(invited_at=timezone.now() - timedelta(seconds=61))
    nora = Person.objects.get(email="nora@example.test")
    return urlsplit(services.invitation_link(nora)).path


def replaced(link: str, boss: Client, settings: Settings) -> str:
    send(boss, "person-invitation", Person.objects.get(email="nora@example.test"))
    return link


def deactivated(link: str, boss: Client, settings: Settings) -> str:
    services.deactivate(Person.objects.get(email="nora@example.test"), actor=Person.objects.get(role=Role.ADMIN))
    return link


def deactivated_and_back(link: str, boss: Client, settings: Settings) -> str:
    deactivated(link, boss, settings)
    services.activate(Person.objects.get(email="nora@example.test"), actor=Person.objects.get(role=Role.ADMIN))
    return link


def altered(link: str, boss: Client, settings: Settings) -> str:
    return link[:-2] + ("0" if link[-2] != "0" else "1") + "/"


def of_another(link: str, boss: Client, settings: Settings) -> str:
    _, _, _, _, token, _ = link.split("/")
    return reverse("person-join", args=["MQ", token])


def of_nobody(link: str, boss: Client, settings: Settings) -> str:
    return "/accounts/join/OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk/0-0/"


def nonsense(link: str, boss: Client, settings: Settings) -> str:
    return "/accounts/join/%F0%9F%90%8D%00/%C3%A4-%00/"


@pytest.mark.parametrize(
    "kill", [used, too_old, replaced, deactivated, deactivated_and_back, altered, of_another, of_nobody, nonsense]
)
def test_every_dead_link_gets_the_same_answer(
    kill: Callable[[str, Client, Settings], str], boss: Client, settings: Settings
) -> None:
    link = invite(boss)
    assert "Welcome" in said(open_link(link)[1])
    client, page = open_link(kill(link, boss, settings))
    assert page.status_code == 200
    assert "This link does not work It was used, has expired, or was replaced by a newer one." in said(page)
    assert "Nora" not in said(page)
    before = {each.pk: each.password for each in Person.objects.all()}
    client.post(page.request["PATH_INFO"], {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert {each.pk: each.password for each in Person.objects.all()} == before


def test_a_dead_link_leaves_no_session_behind(boss: Client) -> None:
    link, before = invite(boss), Session.objects.count()
    open_link("/accounts/join/MQ/no-such-token/")
    assert Session.objects.count() == before
    client, _page = open_link(link)
    assert Session.objects.count() == before + 1
    assert link.rstrip("/").rsplit("/", 1)[1] not in client.session["joining"], "the table of sessions lets nobody in"


@pytest.mark.parametrize(
    ("password", "again", "sentence"),
    [
        ("short", "", "at least 15 characters"),
        ("nora-alignadmin-12", "", "guessed first"),
        (NEW_PASSWORD, "another-one-entirely", "The two passwords differ"),
        ("x" * 1_000_000, "", "longer than 1,000 characters"),
        ("a\x00" * 20, "", "Null characters"),
        ("", "", "required"),
    ],
)
def test_joining_follows_the_rules_for_passwords(boss: Client, password: str, again: str, sentence: str) -> None:
    link = invite(boss)
    answer = join(link, password, again)
    assert answer.status_code == 400
    assert sentence in said(answer)
    assert not Person.objects.get(email="nora@example.test").has_usable_password()
    assert join(link).status_code == 303


def test_an_invitation_is_answered_in_words_when_the_address_is_known(boss: Client, people: People) -> None:
    for email in ("EDITOR@example.test", "viewer@example.test"):
        answer = boss.post(NEW, {**INVITED, "email": email})
        assert answer.status_code == 400
        assert "already here" in said(answer)
    services.deactivate(people[Role.VIEWER], actor=people[Role.ADMIN])
    assert "activate them instead" in said(boss.post(NEW, {**INVITED, "email": "viewer@example.test"}))
    assert Person.objects.count() == len(Role)
    assert not entries("person.invited")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"email": "a@example.test\nBcc: b@example.test"},
        {"email": f"{'a' * 300}@example.test"},
        {"name": ""},
        {"name": "N" * 201},
        {"name": "Nora\u202eweN"},
        {"name": "Nora\x00"},
        {"role": "owner"},
        {"role": ""},
    ],
)
def test_it_refuses_an_invitation_that_makes_no_sense(boss: Client, wrong: dict[str, str], mail_server: None) -> None:
    assert boss.post(NEW, {**INVITED, **wrong}).status_code == 400
    assert not Person.objects.filter(email__startswith="nora").exists()
    assert mail.outbox == []
    assert boss.post(NEW, INVITED).status_code == 303


def test_a_new_link_lets_somebody_who_has_a_password_set_another(boss: Client, people: People) -> None:
    editor = people[Role.EDITOR]
    browser = sign_in(editor.email, PASSWORD)
    link = link_in(said(send(boss, "person-invitation", editor)))
    assert is_in(browser)  # until it is used
    assert join(link).status_code == 303
    assert not is_in(browser)
    assert is_in(sign_in(editor.email, NEW_PASSWORD))
    (entry,) = entries("person.password_changed")
    assert entry["actor"]["id"] == editor.pk


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_used_twice_at_once_sets_one_password(boss: Client) -> None:
    *_, uid, token, _ = invite(boss).split("/")
    first, second, kept = NEW_PASSWORD, f"{NEW_PASSWORD}-2", hash_of(token)
    refusals = at_once([partial(services.join, uid, kept, first), partial(services.join, uid, kept, second)])
    assert refusals == [services.DEAD_LINK]
    nora = Person.objects.get(email="nora@example.test")
    assert nora.check_password(first) != nora.check_password(second)
    assert len(entries("person.joined")) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_that_join_by_a_link_at_once_one_is_told_that_it_is_used(boss: Client) -> None:
    link = invite(boss)
    answers: dict[str, Any] = {}
    opened = {new: open_link(link) for new in (NEW_PASSWORD, f"{NEW_PASSWORD}-2")}  # both stand at the form

    def send_form(new: str) -> None:
        client, page = opened[new]
        answers[new] = client.post(page.request["PATH_INFO"], {"password": new, "again": new})

    at_once([partial(send_form, new) for new in opened])
    (won,) = (new for new, answer in answers.items() if answer.status_code == 303)
    (lost,) = set(opened) - {won}
    assert "This link does not work It was used" in said(answers[lost])
    assert not is_in(sign_in("nora@example.test", lost))
    assert is_in(sign_in("nora@example.test", won))
    assert len(entries("person.joined")) == 1


@pytest.mark.django_db(transaction=True)
def test_an_address_invited_twice_at_once_is_one_person(admin: Person) -> None:
    one = partial(services.invite, "nora@example.test", "Nora", Role.EDITOR, actor=admin)
    (refusal,) = at_once([one, one])
    assert "already here" in refusal
    assert Person.objects.filter(email="nora@example.test").count() == 1


def test_nobody_is_invited_without_an_entry(boss: Client, mail_server: None) -> None:
    boss.raise_request_exception = False
    with unwritable_history():
        assert boss.post(NEW, INVITED).status_code == 500
    assert not Person.objects.filter(email="nora@example.test").exists()
    assert mail.outbox == []


def test_nobody_joins_without_an_entry(boss: Client) -> None:
    link = invite(boss)
    client, page = open_link(link)
    client.raise_request_exception = False
    form = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    with unwritable_history():
        assert client.post(page.request["PATH_INFO"], form).status_code == 500
    assert not Person.objects.get(email="nora@example.test").has_usable_password()
    assert client.post(page.request["PATH_INFO"], form).status_code == 303

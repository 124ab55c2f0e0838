"""How long a session lasts, and one's own sessions listed and ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from tests.conftest import SignIn
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.signin_helpers import (
    FIREFOX,
    HASHER,
    LOGIN,
    NEW,
    SAFARI,
    SESSIONS,
    attempt,
    change,
    entries,
    said,
    shift,
    signed_in_as,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/plans/?state=draft"}


@pytest.fixture(autouse=True)
def _cheap_hashes_and_no_attempts_of_other_tests(settings: LazySettings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [HASHER]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana(db: None) -> Person:
    return factories.person(Role.ADMIN, email="dana@example.test", name="Dana")


# --- how long a session lasts -----------------------------------------------------------------------------------------


LIMITS = [
    pytest.param({"seen_at": 30 * 60}, "You were signed out after 30 minutes without activity.", id="idle"),
    pytest.param({"began_at": 12 * 3600}, "You were signed out 12 hours after you had signed in.", id="absolute"),
]


@pytest.mark.parametrize(("limit", "reason"), LIMITS)
def test_a_session_ends_at_its_limit_and_the_sign_in_page_says_why(
    signed_in: SignIn, limit: dict[str, float], reason: str
) -> None:
    client = signed_in(Role.EDITOR)
    shift(client, **{name: seconds - 5 for name, seconds in limit.items()})
    assert client.get("/plans/?state=draft").status_code == 200
    shift(client, **limit)
    key = client.session.session_key
    answer = client.get("/plans/?state=draft")
    assert answer.status_code == 303
    assert answer["Location"] == f"{LOGIN}?next=%2Fplans%2F%3Fstate%3Ddraft"
    assert reason in said(client.get(answer["Location"]))
    assert not Session.objects.filter(session_key=key).exists()
    assert client.get("/plans/").status_code == 302


def test_the_cookie_of_an_ended_session_is_worth_nothing(signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.EDITOR)
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    shift(client, seen_at=settings.SESSION_IDLE + 1)
    client.get("/plans/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/plans/")["Location"].startswith(LOGIN)


def test_a_session_without_a_beginning_is_not_taken(signed_in: SignIn) -> None:
    client = signed_in(Role.EDITOR)
    session = client.session
    del session["began_at"]
    session.save()
    assert client.get("/plans/")["Location"].startswith(LOGIN)


def test_htmx_is_led_to_the_sign_in_page_and_back_to_the_page_it_was_on(
    signed_in: SignIn, settings: LazySettings
) -> None:
    client = signed_in(Role.EDITOR)
    shift(client, seen_at=settings.SESSION_IDLE + 1)
    answer = client.get("/plans/1/", headers=HTMX | {"X-Polling": "1"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == f"{LOGIN}?next=%2Fplans%2F%3Fstate%3Ddraft"


def test_the_api_answers_401_when_the_session_has_ended(signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.EDITOR)
    assert client.get("/api/v1/plans/").status_code == 200
    shift(client, seen_at=settings.SESSION_IDLE + 1)
    answer = client.get("/api/v1/plans/")
    assert answer.status_code == 401
    assert answer.json() == {"error": "You were signed out after 30 minutes without activity. Sign in again."}


def test_a_form_sent_too_late_says_that_nothing_was_sent(signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.EDITOR)
    shift(client, seen_at=settings.SESSION_IDLE + 1)
    answer = client.post("/plans/1/refresh/", headers={"Referer": "http://testserver/plans/1/"})
    assert answer["Location"] == f"{LOGIN}?next=%2Fplans%2F1%2F"
    assert "Nothing was sent." in said(client.get(answer["Location"]))


def test_signing_in_works_in_a_browser_whose_session_has_ended(dana: Person, settings: LazySettings) -> None:
    client = signed_in_as(dana)
    shift(client, seen_at=settings.SESSION_IDLE + 1)
    assert client.get(LOGIN).status_code == 200
    shifted = signed_in_as(dana)
    shift(shifted, seen_at=settings.SESSION_IDLE + 1)
    assert attempt(PASSWORD, client=shifted)["Location"] == "/"
    assert shifted.get("/").status_code == 200


def writes(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]


def test_activity_is_noted_at_most_once_a_minute_with_when_the_person_was_last_seen(
    dana: Person, signed_in: SignIn
) -> None:
    client = signed_in_as(dana)
    with CaptureQueriesContext(connection) as first:
        client.get("/plans/")
    assert writes(first) == []
    shift(client, seen_at=61)
    long_ago = timezone.now() - timedelta(hours=1)
    Person.objects.filter(pk=dana.pk).update(last_seen_at=long_ago)
    with CaptureQueriesContext(connection) as due:
        client.get("/plans/")
    assert len(writes(due)) == 2, "the person and the session"
    dana.refresh_from_db()
    assert dana.last_seen_at is not None
    assert dana.last_seen_at > long_ago
    with CaptureQueriesContext(connection) as again:
        client.get("/plans/")
    assert len(again) == len(first)


def test_a_page_that_asks_by_itself_keeps_no_session_alive(signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.EDITOR)
    shift(client, seen_at=settings.SESSION_IDLE - 30)
    before = client.session["seen_at"]
    assert client.get("/plans/", headers={"X-Polling": "1"}).status_code == 200
    assert client.session["seen_at"] == before
    assert client.get("/plans/").status_code == 200
    assert client.session["seen_at"] > before


def test_a_deactivated_person_is_out_at_once(dana: Person) -> None:
    client = signed_in_as(dana)
    assert client.get("/plans/").status_code == 200
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert client.get("/plans/")["Location"].startswith(LOGIN)


def test_signing_out_ends_the_session_on_the_server(dana: Person, settings: LazySettings) -> None:
    client = signed_in_as(dana)
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/plans/")["Location"].startswith(LOGIN)


def test_the_key_of_a_visitor_is_not_the_key_of_the_person_who_signs_in(dana: Person, settings: LazySettings) -> None:
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    attempt(PASSWORD, client=client)
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    assert thief.get("/plans/").status_code == 302


# --- one's own sessions -----------------------------------------------------------------------------------------------


def other_pk(client: Client) -> int:
    return int(UserSession.objects.exclude(session_key=client.session.session_key).get().pk)


def test_the_page_lists_ones_own_sessions_in_words(dana: Person) -> None:
    signed_in_as(dana, browser=SAFARI, address="192.0.2.9")
    signed_in_as(factories.person(Role.VIEWER), address="198.51.100.1")
    here = signed_in_as(dana)
    page = said(here.get(SESSIONS))
    for words in ("Firefox on Windows", "this one", "192.0.2.7", "Safari on iPhone", "192.0.2.9", "2 sessions"):
        assert words in page
    assert "198.51.100.1" not in page


def test_a_session_that_has_run_out_is_not_listed(dana: Person, settings: LazySettings) -> None:
    idle, here = signed_in_as(dana, browser=SAFARI), signed_in_as(dana)
    assert "Safari" in said(here.get(SESSIONS))
    shift(idle, seen_at=settings.SESSION_IDLE + 1)
    assert "Safari" not in said(here.get(SESSIONS))


def test_what_is_left_of_an_ended_session_is_cleared_away_a_day_later(dana: Person) -> None:
    old, here = signed_in_as(dana, browser=SAFARI), signed_in_as(dana)
    Session.objects.filter(pk=old.session.session_key).update(expire_date=timezone.now() - timedelta(hours=23))
    run_due()
    assert Session.objects.count() == 2
    Session.objects.filter(pk=old.session.session_key).update(expire_date=timezone.now() - timedelta(hours=25))
    run_due()
    assert list(Session.objects.values_list("pk", flat=True)) == [here.session.session_key]
    assert UserSession.objects.count() == 1


def test_one_session_is_ended_and_that_is_an_entry(dana: Person) -> None:
    phone, tablet, here = (signed_in_as(dana, browser=each) for each in (SAFARI, "x (iPad) Safari/6", FIREFOX))
    pk = UserSession.objects.get(user_agent=SAFARI).pk
    assert here.post(f"{SESSIONS}{pk}/end/")["Location"] == SESSIONS
    assert phone.get("/").status_code == 302
    assert tablet.get("/").status_code == here.get("/").status_code == 200
    (entry,) = entries("person.session_ended")
    assert '"sentence":"Dana ended a session in Safari on iPhone."' in entry.body
    assert "had ended already" in said(here.post(f"{SESSIONS}{pk}/end/", follow=True))
    assert len(entries("person.session_ended")) == 1


def test_all_other_sessions_are_ended_with_one_entry(dana: Person) -> None:
    others = [signed_in_as(dana, browser=SAFARI) for _ in range(2)]
    here = signed_in_as(dana)
    here.post(f"{SESSIONS}end-others/")
    assert [each.get("/").status_code for each in others] == [302, 302]
    assert here.get("/").status_code == 200
    (entry,) = entries("person.session_ended")
    assert '"sentence":"Dana ended 2 sessions elsewhere."' in entry.body
    here.post(f"{SESSIONS}end-others/")
    assert len(entries("person.session_ended")) == 1


def test_nobody_ends_the_session_of_somebody_else(dana: Person) -> None:
    theirs = signed_in_as(factories.person(Role.VIEWER))
    here = signed_in_as(dana)
    here.post(f"{SESSIONS}{other_pk(here)}/end/")
    here.post(f"{SESSIONS}end-others/")
    assert theirs.get("/").status_code == 200
    assert entries("person.session_ended") == []


def test_ending_a_session_asks_for_a_fresh_sign_in(dana: Person, settings: LazySettings) -> None:
    phone, here = signed_in_as(dana, browser=SAFARI), signed_in_as(dana)
    shift(here, began_at=settings.FRESH_SIGN_IN + 1)
    session = here.session
    session["account_authentication_methods"] = []
    session.save()
    answer = here.post(f"{SESSIONS}{other_pk(here)}/end/", headers={"Referer": f"http://testserver{SESSIONS}"})
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Fconfirm%2F"
    assert phone.get("/").status_code == 200


def test_if_the_entry_cannot_be_written_no_session_ends(dana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, here = signed_in_as(dana, browser=SAFARI), signed_in_as(dana)
    here.raise_request_exception = False
    with connection.execute_wrapper(no_entries):
        assert here.post(f"{SESSIONS}{other_pk(here)}/end/").status_code == 500
        assert change(here, old=PASSWORD, new=NEW).status_code == 500
    assert phone.get("/").status_code == here.get("/").status_code == 200
    dana.refresh_from_db()
    assert dana.check_password(PASSWORD)


def no_entries(execute: Any, sql: str, *arguments: Any) -> Any:
    if sql.startswith("INSERT") and Entry._meta.db_table in sql:
        raise RuntimeError("the chain takes no entry")
    return execute(sql, *arguments)

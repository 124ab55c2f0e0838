"""Guessing is stopped, over all processes, and alike for known and unknown people; and nobody can keep others out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.conf import LazySettings
from django.core import signing
from django.core.cache import cache
from django.db import connections
from django.test import Client, RequestFactory

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.signin import known_devices
from alignadmin.accounts.signin.password_validators import LONGEST
from alignadmin.accounts.signin.throttling import address_of
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.processes import Site, csrf
from tests.support.signin_helpers import HASHER, LOGIN, WRONG, CountingHasher, attempt, entries, said, signed_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cheap_hashes_and_no_attempts_of_other_tests(settings: LazySettings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [HASHER]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def dana(db: None) -> Person:
    return factories.person(Role.ADMIN, email="dana@example.test", name="Dana")


# --- guessing ---------------------------------------------------------------------------------------------------------


def test_after_five_failures_an_account_waits_at_that_address_and_the_page_says_how_long(dana: Person) -> None:
    for _ in range(5):
        assert attempt(WRONG).status_code == 200
    answer = attempt(PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts to sign in have failed" in said(answer)
    assert "Try again in <b>15 minutes</b>" in said(answer)
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert len(entries("person.refused")) == 5, "what is throttled never reaches the chain"
    assert entries("person.signed_in") == []


def test_a_stranger_s_failures_keep_nobody_out_at_another_address(dana: Person) -> None:
    for _ in range(30):
        attempt(WRONG, REMOTE_ADDR="198.51.100.9")
    assert attempt(PASSWORD).status_code == 302


def test_a_guess_from_everywhere_is_stopped_for_that_account(dana: Person) -> None:
    """Thirty failures an hour, of which one address can make at most twenty-five."""
    for number in range(30):
        assert attempt(WRONG, REMOTE_ADDR=f"192.0.2.{number}").status_code == 200
    answer = attempt(PASSWORD, REMOTE_ADDR="192.0.2.99")
    assert answer.status_code == 429
    assert 3000 <= int(answer["Retry-After"]) <= 3600, "until the first of them is an hour old"
    assert attempt(PASSWORD, email="nobody@example.test", REMOTE_ADDR="192.0.2.99").status_code == 200


def test_one_address_cannot_fill_the_count_of_an_account(dana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    for minute in range(0, 60, 3):
        monkeypatch.setattr(time, "time", lambda minute=minute: began + 60 * minute)
        for _ in range(5):
            attempt(WRONG, REMOTE_ADDR="198.51.100.9")
    assert attempt(PASSWORD, REMOTE_ADDR="198.51.100.9").status_code == 429
    assert attempt(PASSWORD).status_code == 302


# --- browsers that are known ------------------------------------------------------------------------------------------


def fill_every_count() -> None:
    """From Dana's own network, as a colleague could, and from everywhere."""
    for number in range(35):
        attempt(WRONG, REMOTE_ADDR=f"192.0.2.{number}")
    for number in range(25):
        attempt(WRONG, REMOTE_ADDR=HERS, email=f"somebody{number}@example.test")
    for _ in range(10):
        attempt(WRONG, REMOTE_ADDR=HERS)


HERS = "192.0.2.7"


def test_a_browser_she_signed_in_with_lets_her_in_whatever_strangers_typed(dana: Person) -> None:
    known = signed_in_as(dana, address=HERS)
    known.post("/accounts/logout/")
    fill_every_count()
    assert attempt(PASSWORD, REMOTE_ADDR=HERS).status_code == 429
    assert attempt(PASSWORD, client=known).status_code == 302


def test_confirming_is_held_up_by_no_stranger_either(dana: Person) -> None:
    inside = signed_in_as(dana, address=HERS)
    fill_every_count()
    assert inside.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_a_known_browser_has_a_count_of_its_own(dana: Person) -> None:
    """Whoever steals one can guess as little as anybody else, and keeps out nobody but themselves."""
    known, other = signed_in_as(dana), signed_in_as(dana)
    for client in (known, other):
        client.post("/accounts/logout/")
    for number in range(5):
        assert attempt(WRONG, client=known, REMOTE_ADDR=f"198.51.100.{number}").status_code == 200
    assert attempt(PASSWORD, client=known, REMOTE_ADDR="198.51.100.77").status_code == 429
    assert attempt(PASSWORD, client=other).status_code == 302


def test_a_browser_is_known_for_the_person_who_signed_in_and_for_no_other(dana: Person) -> None:
    eve = factories.person(Role.VIEWER, email="eve@example.test", name="Eve")
    hers = signed_in_as(eve)
    hers.post("/accounts/logout/")
    for _ in range(5):
        attempt(WRONG, client=hers)
    assert attempt(PASSWORD, client=hers).status_code == 429
    assert attempt(PASSWORD, client=hers, email=eve.email).status_code == 302


def test_a_shared_browser_is_known_for_each_who_used_it(dana: Person) -> None:
    eve = factories.person(Role.VIEWER, email="eve@example.test", name="Eve")
    shared = signed_in_as(dana, address=HERS)
    for person in (eve, dana):
        shared.post("/accounts/logout/")
        assert attempt(PASSWORD, client=shared, email=person.email).status_code == 302
    shared.post("/accounts/logout/")
    fill_every_count()
    assert attempt(PASSWORD, client=shared, email=eve.email).status_code == 302


@pytest.mark.parametrize("forged", ["", "x", "eyI5MDAxIjoieCJ9:1:x", "another key", "too old"])
def test_a_forged_or_old_mark_of_a_browser_is_nothing(
    dana: Person, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, forged: str
) -> None:
    made = {
        "another key": signing.dumps({str(dana.pk): "x"}, key="another", salt=known_devices.SALT),
        "too old": signing.dumps({str(dana.pk): "x"}, salt=known_devices.SALT),
    }
    if forged == "too old":
        too_late = time.time() + known_devices.KEPT.total_seconds() + 60
        monkeypatch.setattr(time, "time", lambda: too_late)
    client = Client(REMOTE_ADDR=HERS)
    client.cookies["device"] = made.get(forged, forged)
    for _ in range(5):
        attempt(WRONG, REMOTE_ADDR=HERS)
    assert attempt(PASSWORD, client=client).status_code == 429


def test_the_mark_of_a_browser_is_signed_lasts_and_is_no_script_s(dana: Person) -> None:
    cookie = signed_in_as(dana).cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert int(cookie["max-age"]) == 365 * 24 * 3600
    assert dana.email not in cookie.value
    refused = attempt(WRONG)
    assert "device" not in refused.cookies


def test_a_flood_from_her_network_does_not_hold_up_a_known_browser(dana: Person) -> None:
    known = signed_in_as(dana, address=HERS)
    known.post("/accounts/logout/")
    answers = [attempt(PASSWORD, REMOTE_ADDR=HERS).status_code for _ in range(31)]
    assert answers[-1] == 429
    assert attempt(PASSWORD, client=known).status_code == 302


# --- guessing, further ------------------------------------------------------------------------------------------------


def test_after_twenty_failures_an_address_waits_whatever_it_types(dana: Person) -> None:
    for number in range(20):
        attempt(WRONG, email=f"person{number}@example.test")
    assert attempt(PASSWORD).status_code == 429
    assert attempt(PASSWORD, REMOTE_ADDR="192.0.2.50").status_code == 302


def test_a_known_and_an_unknown_address_are_throttled_alike(dana: Person) -> None:
    answers = {}
    for email, address in (("dana@example.test", "192.0.2.1"), ("nobody@example.test", "192.0.2.2")):
        answers[email] = [attempt(WRONG, email=email, REMOTE_ADDR=address) for _ in range(6)]
    known, unknown = answers.values()
    assert [each.status_code for each in known] == [each.status_code for each in unknown] == [200] * 5 + [429]
    assert said(known[-1]) == said(unknown[-1])


@pytest.mark.parametrize("typed", ["DANA@example.test", " dana@example.test ", "dana@EXAMPLE.test"])
def test_another_way_to_write_the_address_is_no_new_count(dana: Person, typed: str) -> None:
    for _ in range(5):
        attempt(WRONG)
    assert attempt(PASSWORD, email=typed).status_code == 429


def test_another_name_of_the_site_is_no_new_count(dana: Person, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = [".acme.test"]
    for number in range(5):
        attempt(WRONG, headers={"Host": f"n{number}.acme.test"})
    assert attempt(PASSWORD, headers={"Host": "other.acme.test"}).status_code == 429


def test_a_name_in_forwarded_for_is_nothing_without_a_proxy_of_the_operator(dana: Person) -> None:
    for number in range(20):
        attempt(WRONG, email=f"p{number}@example.test", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert attempt(PASSWORD, headers={"X-Forwarded-For": "198.51.100.77"}).status_code == 429


def test_behind_a_proxy_the_address_it_saw_counts_and_is_in_the_entry(dana: Person, settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(20):
        forged = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.1"}
        attempt(WRONG, email=f"p{number}@example.test", headers=forged)
    assert attempt(PASSWORD, headers={"X-Forwarded-For": "203.0.113.99, 198.51.100.1"}).status_code == 429
    assert attempt(PASSWORD, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 302
    (entry,) = entries("person.signed_in")
    assert '"address":"198.51.100.2"' in entry.body


def test_fewer_addresses_than_proxies_are_no_address(settings: LazySettings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "127.0.0.1"})
    assert address_of(request) == ""


def test_confirming_a_password_is_counted_with_the_sign_ins(dana: Person) -> None:
    client = signed_in_as(dana)
    for _ in range(5):
        assert client.post("/accounts/reauthenticate/", {"password": WRONG}).status_code == 200
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 429
    assert client.get("/").status_code == 200


def test_the_page_of_every_other_flood_is_ours(dana: Person) -> None:
    answers = [attempt(PASSWORD) for _ in range(31)]
    assert answers[29].status_code == 302
    assert answers[30].status_code == 429
    assert "There were too many requests" in said(answers[30])


def test_a_password_of_a_megabyte_is_refused_before_it_is_hashed(dana: Person) -> None:
    CountingHasher.hashed = 0
    answer = attempt("x" * 1_000_000)
    assert answer.status_code == 200
    assert f"longer than {LONGEST:,} characters" in said(answer)
    assert CountingHasher.hashed == 0


def test_every_refusal_hashes_as_much_whoever_it_is(db: None) -> None:
    Person.objects.create_user("invited@example.test", None, name="Invited")
    Person.objects.create_user("gone@example.test", PASSWORD, name="Gone", is_active=False)
    known = Person.objects.create_user("known@example.test", PASSWORD, name="Known")
    numbers = {}
    for email in (known.email, "invited@example.test", "gone@example.test", "nobody@example.test"):
        CountingHasher.hashed = 0
        assert "not correct" in said(attempt(WRONG, email=email))
        numbers[email] = CountingHasher.hashed
    assert set(numbers.values()) == {1}, numbers


@pytest.mark.django_db(transaction=True)
def test_attempts_at_the_same_moment_are_all_counted(dana: Person) -> None:
    def guess(number: int) -> int:
        try:
            return int(attempt(f"{WRONG}{number}").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(guess, range(20)))
    assert statuses.count(200) <= 5, statuses
    assert set(statuses) == {200, 429}
    assert attempt(PASSWORD).status_code == 429


def test_attempts_are_counted_over_all_processes_and_over_a_restart(site: Site) -> None:
    """The one that is started after the attempts knows of them: what counts them is the database."""
    assert [typed_at(site, WRONG) for _ in range(6)] == [200] * 5 + [429]
    started_later = Site(data_dir=site.data_dir, database_url=site.database_url)
    try:
        started_later.start_web()
        assert typed_at(started_later, WRONG) == 429
    finally:
        started_later.stop()


def typed_at(site: Site, password: str) -> int:
    session = requests.Session()
    address = f"{site.url}{LOGIN}"
    session.get(address, timeout=10)
    form = {"login": "nobody.else@example.test", "password": password, "csrfmiddlewaretoken": csrf(session)}
    return session.post(address, data=form, headers={"Referer": address}, timeout=30, allow_redirects=False).status_code

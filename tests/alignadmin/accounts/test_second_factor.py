"""Authenticator apps and recovery codes over HTTP: each act is an entry or has not happened."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.second_factors import has_second_factor
from alignadmin.accounts.signin.adapters import SecondFactorAdapter
from alignadmin.audit.models import Entry
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.factor_helpers import (
    APP,
    CODES,
    CONFIRM,
    INDEX,
    KEY,
    LOGIN,
    REMOVE_APP,
    STEP,
    add_app,
    codes_on,
    dana,
    entries,
    inside,
    password,
    said,
    secret_on,
    signed_in,
    stale,
    step,
    without_a_chain,
)
from tests.support.one_time_codes import SECRET, Clock, app_of, clock, code_now, code_of

__all__ = ["clock", "dana", "inside"]

pytestmark = pytest.mark.django_db


# --- the authenticator app --------------------------------------------------------------------------------------------


def test_an_app_is_added_with_its_first_code_and_recovery_codes_come_with_it(
    inside: Client, dana: Person, clock: Clock
) -> None:
    page = inside.get(APP)
    assert 'src="data:image/svg+xml;base64,' in said(page)
    answer = inside.post(APP, {"code": clock.code(secret_on(page))})
    assert answer["Location"] == CODES
    assert len(codes_on(inside.get(CODES))) == 10
    assert has_second_factor(dana)
    assert entries("person.factor_added") == ["Dana added an authenticator app as a second factor."]
    assert entries("person.codes_made") == ["Dana made new recovery codes; earlier ones are void."]


def test_signing_in_then_takes_password_and_code_and_the_entry_says_so(client: Client, dana: Person) -> None:
    app_of(dana)
    assert password(client)["Location"] == STEP
    assert not signed_in(client)
    assert step(client, code_now(SECRET))["Location"] == "/"
    assert signed_in(client)
    assert entries("person.signed_in") == ["Dana signed in with password and authenticator app."]


def test_a_code_signs_in_once(dana: Person, clock: Clock) -> None:
    app_of(dana)
    first, second = Client(), Client()
    password(first)
    password(second)
    assert step(first, clock.code()).status_code == 302
    replayed = step(second, clock.code())
    assert "This code was not accepted" in said(replayed)
    assert not signed_in(second)
    assert entries("person.refused") == ["A code for Dana was refused."]
    assert step(second, clock.next_code()).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_one_code_in_four_sign_ins_at_the_same_moment_lets_one_in(dana: Person, clock: Clock) -> None:
    app_of(dana)
    clients = [Client() for _ in range(4)]
    for each in clients:
        password(each)
    together = Barrier(len(clients))

    def send(client: Client) -> int:
        together.wait()
        try:
            return int(step(client, clock.code()).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as threads:
        answers = list(threads.map(send, clients))
    assert sorted(answers) == [200, 200, 200, 302]
    assert len(entries("person.signed_in")) == 1


def test_the_code_that_added_an_app_does_not_sign_in_as_well(inside: Client, clock: Clock) -> None:
    secret = add_app(inside, clock)
    thief = Client()
    password(thief)
    assert step(thief, clock.code(secret)).status_code == 200
    assert not signed_in(thief)
    assert step(thief, clock.next_code(secret)).status_code == 302


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_wrong_and_the_refusal_of_more_names_it(
    client: Client, dana: Person, clock: Clock, steps: int, is_taken: bool
) -> None:
    app_of(dana)
    password(client)
    answer = step(client, code_of(SECRET, clock.counter + steps))
    assert signed_in(client) is is_taken
    assert ("the clock of your phone (or of this server) is more than half a minute wrong" in said(answer)) is (
        not is_taken
    )
    assert getattr(django_settings, "MFA_TOTP_PERIOD", 30) == 30


@pytest.mark.parametrize("parted_by", ["", "-", " "])
def test_a_used_code_counts_no_second_time_while_a_wrong_clock_may_show_it(
    dana: Person, clock: Clock, parted_by: str
) -> None:
    """allauth forgets it after 30 seconds, when it would be taken for one of a clock that is slow."""
    app_of(dana)
    used = clock.code()
    typed = f"{used[:3]}{parted_by}{used[3:]}"
    first, thief = Client(), Client()
    password(first)
    assert step(first, used).status_code == 302
    clock.counter += 1
    cache.delete(f"allauth.mfa.totp.used?user={dana.pk}&code={used}")
    password(thief)
    assert step(thief, typed).status_code == 200
    assert not signed_in(thief)
    assert entries("person.refused") == ["A code for Dana was refused."]
    assert step(thief, clock.next_code()).status_code == 302


@pytest.mark.parametrize("typed", ["", "000", "abcdef", "１２３４５６", "\x00" * 6, "9" * 100_000, "' or 1=1 --"])
def test_it_refuses_what_is_no_code(client: Client, dana: Person, clock: Clock, typed: str) -> None:
    app_of(dana)
    password(client)
    assert step(client, typed).status_code == 200
    assert not signed_in(client)
    assert step(client, clock.code()).status_code == 302


def test_guessing_codes_is_stopped_and_then_even_the_right_one_waits(
    client: Client, dana: Person, clock: Clock
) -> None:
    app_of(dana)
    password(client)
    for guess in range(5):
        step(client, f"{guess:06}")
    assert step(client, clock.code()).status_code == 200
    assert not signed_in(client)
    assert len(entries("person.refused")) == 5


def test_the_second_step_is_not_there_without_the_first(client: Client, dana: Person, clock: Clock) -> None:
    app_of(dana)
    assert client.get(STEP)["Location"] == LOGIN
    assert step(client, clock.code())["Location"] == LOGIN
    assert not signed_in(client)


def test_who_is_deactivated_between_the_steps_does_not_get_in(client: Client, dana: Person, clock: Clock) -> None:
    app_of(dana)
    password(client)
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert step(client, clock.code())["Location"] == "/accounts/inactive/"
    assert entries("person.signed_in") == []


def test_a_wrong_first_code_adds_nothing_and_keeps_the_picture(inside: Client, dana: Person, clock: Clock) -> None:
    secret = secret_on(inside.get(APP))
    wrong = inside.post(APP, {"code": "000000"})
    assert "This code was not accepted" in said(wrong)
    assert secret_on(wrong) == secret
    assert not has_second_factor(dana)
    assert inside.post(APP, {"code": clock.code(secret)}).status_code == 302


def test_a_form_of_an_earlier_page_adds_nothing(inside: Client, dana: Person, clock: Clock) -> None:
    earlier = secret_on(inside.get(APP))
    secret_on(inside.get(APP))
    assert inside.post(APP, {"code": clock.code(earlier)}).status_code == 200
    assert not has_second_factor(dana)


def test_a_second_app_is_not_added_beside_the_first(inside: Client, dana: Person, clock: Clock) -> None:
    add_app(inside, clock)
    assert inside.get(APP)["Location"] == REMOVE_APP
    assert inside.post(APP, {"code": clock.code()})["Location"] == REMOVE_APP
    assert Authenticator.objects.filter(user=dana, type="totp").count() == 1


# --- recovery codes ---------------------------------------------------------------------------------------------------


def test_a_recovery_code_stands_in_once(inside: Client, clock: Clock) -> None:
    add_app(inside, clock)
    code = codes_on(inside.get(CODES))[0]
    first, second = Client(), Client()
    password(first)
    password(second)
    inside = Client()
    inside.force_login(Person.objects.get())  # the password was hashed anew, which ends earlier sessions
    assert step(first, code).status_code == 302
    assert step(second, code).status_code == 200
    assert not signed_in(second)
    assert entries("person.signed_in")[-1] == "Dana signed in with password and recovery code."
    assert code not in codes_on(inside.get(CODES))
    assert "9 left" in said(inside.get(INDEX))
    assert "9 left" in said(inside.get("/accounts/"))


def test_new_codes_void_the_old_ones(inside: Client, clock: Clock) -> None:
    add_app(inside, clock)
    old = codes_on(inside.get(CODES))
    assert inside.post(f"{CODES}generate/")["Location"] == CODES
    new = codes_on(inside.get(CODES))
    assert not set(old) & set(new)
    client = Client()
    password(client)
    assert step(client, old[0]).status_code == 200
    assert step(client, new[0]).status_code == 302
    assert len(entries("person.codes_made")) == 2


def test_codes_are_downloaded_as_text(inside: Client, clock: Clock) -> None:
    add_app(inside, clock)
    answer = inside.get(f"{CODES}download/")
    assert answer["Content-Type"].startswith("text/plain")
    assert "no-store" in answer["Cache-Control"]
    assert re.findall(r"^\d{8}$", said(answer), re.MULTILINE) == codes_on(inside.get(CODES))


def test_there_are_no_codes_without_a_factor(inside: Client, dana: Person) -> None:
    assert inside.get(CODES).status_code == 404
    assert inside.get(f"{CODES}download/").status_code == 404
    assert "add one first" in said(inside.post(f"{CODES}generate/"))
    assert not Authenticator.objects.exists()
    assert entries("person.codes_made") == []


# --- removing ---------------------------------------------------------------------------------------------------------


def test_removing_the_last_factor_takes_the_codes_with_it_and_is_an_entry(
    inside: Client, dana: Person, clock: Clock
) -> None:
    add_app(inside, clock)
    assert "your recovery codes go with it" in said(inside.get(REMOVE_APP))
    assert inside.post(REMOVE_APP)["Location"] == INDEX
    assert not Authenticator.objects.exists()
    assert entries("person.factor_removed") == ["Dana removed an authenticator app, and with it the recovery codes."]
    assert inside.post(REMOVE_APP).status_code == 404
    assert len(entries("person.factor_removed")) == 1


def test_who_needs_a_factor_and_removes_the_last_one_sees_only_the_way_to_add_one(
    inside: Client, clock: Clock, settings: Any
) -> None:
    settings.MFA_REQUIRED = True
    add_app(inside, clock)
    assert inside.get("/connectors/new/").status_code == 200
    assert "you cannot open any other page" in said(inside.get(REMOVE_APP))
    inside.post(REMOVE_APP)
    closed = inside.get("/connectors/new/")
    assert closed["Location"] == INDEX
    assert "needs a second factor" in said(inside.get(INDEX))
    add_app(inside, clock)
    assert inside.get("/connectors/new/").status_code == 200


def test_an_operator_lets_somebody_in_who_lost_everything(inside: Client, client: Client, clock: Clock) -> None:
    add_app(inside, clock)
    call_command("remove_second_factors", "Dana@example.test")
    assert inside.get("/")["Location"].startswith("/accounts/login/"), "a session with a lost key goes on"
    assert not Authenticator.objects.exists()
    assert password(client)["Location"] == "/"
    assert entries("person.factor_removed") == ["Removed the second factor of Dana, as lost, by command."]
    with pytest.raises(CommandError, match="no second factor"):
        call_command("remove_second_factors", "dana@example.test")
    with pytest.raises(CommandError, match="No person has the e-mail address"):
        call_command("remove_second_factors", "nobody@example.test")
    assert len(entries("person.factor_removed")) == 1


def test_other_peoples_keys_are_not_there(inside: Client, dana: Person) -> None:
    other = factories.person(Role.EDITOR, email="sam@example.test", name="Sam")
    data = {"name": "of Sam", "credential": {}}
    theirs = Authenticator.objects.create(user=other, type="webauthn", data=data)
    mine = Authenticator.objects.create(user=dana, type="webauthn", data=data | {"name": "of Dana"})
    for act in ("remove", "edit"):
        assert inside.get(f"/accounts/2fa/webauthn/keys/{theirs.pk}/{act}/").status_code == 404
        assert inside.post(f"/accounts/2fa/webauthn/keys/{theirs.pk}/{act}/", {"name": "x"}).status_code == 404
    renamed = inside.post(f"/accounts/2fa/webauthn/keys/{mine.pk}/edit/", {"name": " Key\n of  mine "})
    assert renamed["Location"] == INDEX
    assert "Key of mine" in said(inside.get(INDEX))
    assert inside.post(f"/accounts/2fa/webauthn/keys/{mine.pk}/remove/")["Location"] == INDEX
    assert list(Authenticator.objects.all()) == [theirs]
    assert entries("person.edited") == ['Dana renamed the security key "of Dana" to "Key of mine".']
    assert entries("person.factor_removed")[0].startswith('Dana removed the security key "Key of mine"')


# --- confirming -------------------------------------------------------------------------------------------------------


FACTOR_FORMS = (APP, REMOVE_APP, KEY, f"{CODES}generate/")


@pytest.mark.parametrize("address", [*FACTOR_FORMS, CODES, f"{CODES}download/"])
def test_factors_and_codes_ask_for_a_fresh_sign_in_and_keep_nothing_typed(
    inside: Client, dana: Person, clock: Clock, address: str
) -> None:
    app_of(dana)
    stale(inside)
    if address in (REMOVE_APP, f"{CODES}generate/"):
        assert inside.get(address).status_code == 200  # it only shows what would be done
    else:
        assert inside.get(address)["Location"].startswith("/accounts/reauthenticate/?next=")
    if address in FACTOR_FORMS:
        answer = inside.post(address, {"code": "typed-here"})
        assert answer["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Fconfirm%2F"
    assert "typed-here" not in str(dict(inside.session))
    assert Authenticator.objects.count() == 1
    confirmed = inside.post(f"{CONFIRM}?next={INDEX}", {"code": clock.code()})
    assert confirmed["Location"] == INDEX
    assert inside.get(REMOVE_APP).status_code == 200


def test_it_is_confirmed_by_password_too_and_a_wrong_one_is_an_entry(dana: Person) -> None:
    dana.set_password(PASSWORD)  # as often as today, else confirming hashes it anew and ends the session
    dana.save()
    inside = Client()
    inside.force_login(dana)
    stale(inside)
    again = "/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/"
    assert inside.post(again, {"password": "no-password-of-hers"}).status_code == 200
    assert inside.get(APP).status_code == 303
    assert inside.post(again, {"password": PASSWORD})["Location"] == APP
    assert inside.get(APP).status_code == 200
    assert entries("person.refused") == ["A sign-in as Dana was refused."]


def test_confirming_uses_a_code_up_and_a_refused_one_is_an_entry(inside: Client, dana: Person, clock: Clock) -> None:
    app_of(dana)
    stale(inside)
    assert inside.post(CONFIRM, {"code": "000000"}).status_code == 200
    assert inside.post(CONFIRM, {"code": clock.code()}).status_code == 302
    assert inside.post(CONFIRM, {"code": clock.code()}).status_code == 200
    assert entries("person.refused") == ["A code for Dana was refused."] * 2


def test_who_has_neither_password_nor_factor_is_told_to_sign_in_again(client: Client, dana: Person) -> None:
    dana.set_unusable_password()
    dana.save()
    client.force_login(dana)
    page = client.get("/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/")
    assert "Sign out and in again" in said(page)
    assert page.status_code == 200


# --- what is stored ---------------------------------------------------------------------------------------------------


def test_secrets_and_codes_are_stored_sealed_and_written_nowhere(
    inside: Client, dana: Person, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    secret = secret_on(inside.get(APP))
    waiting = inside.session["mfa.totp.secret"]
    code = clock.code(secret)
    inside.post(APP, {"code": code})
    codes = codes_on(inside.get(CODES))
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    written = stored + waiting + caplog.text + str(list(Entry.objects.values_list("body", flat=True)))
    written += str([each.get_decoded() for each in Session.objects.all()])
    assert [each for each in (secret, code, *codes) if each in written] == []
    adapter = SecondFactorAdapter()
    assert adapter.decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_a_value_that_does_not_open_lets_nobody_in_and_says_so(client: Client, dana: Person, clock: Clock) -> None:
    app = app_of(dana)
    sealed = app.data["secret"]
    Authenticator.objects.filter(pk=app.pk).update(data={"secret": sealed[:-4] + "AAA="})
    password(client)
    answer = step(client, clock.code())
    assert answer.status_code == 500
    assert "Your second factor cannot be checked" in said(answer)
    assert not signed_in(client)
    assert client.get("/accounts/login/").status_code == 302  # still at the second step
    Authenticator.objects.filter(pk=app.pk).update(data={"secret": sealed})
    assert step(client, clock.code()).status_code == 302


# --- no entry, no act -------------------------------------------------------------------------------------------------


def test_without_an_entry_no_app_is_added(inside: Client, clock: Clock) -> None:
    inside.raise_request_exception = False
    secret = secret_on(inside.get(APP))
    with without_a_chain():
        assert inside.post(APP, {"code": clock.code(secret)}).status_code == 500
    assert not Authenticator.objects.exists()
    assert inside.post(APP, {"code": clock.code(secret)}).status_code == 302


def test_without_an_entry_no_app_is_removed(inside: Client, dana: Person, clock: Clock) -> None:
    inside.raise_request_exception = False
    app_of(dana)
    with without_a_chain():
        assert inside.post(REMOVE_APP).status_code == 500
    assert has_second_factor(dana)
    assert inside.post(REMOVE_APP).status_code == 302


def test_without_an_entry_no_codes_are_made(inside: Client, clock: Clock) -> None:
    inside.raise_request_exception = False
    add_app(inside, clock)
    codes = codes_on(inside.get(CODES))
    with without_a_chain():
        assert inside.post(f"{CODES}generate/").status_code == 500
    assert codes_on(inside.get(CODES)) == codes


def test_without_an_entry_nobody_signs_in_and_no_code_is_used_up(client: Client, dana: Person, clock: Clock) -> None:
    client.raise_request_exception = False
    app_of(dana)
    password(client)
    before = Session.objects.count()
    with without_a_chain():
        assert step(client, clock.code()).status_code == 500
        assert not signed_in(client)
        assert Session.objects.count() == before
    assert step(client, clock.code()).status_code == 302


def test_without_an_entry_a_password_alone_signs_nobody_in(client: Client, dana: Person) -> None:
    client.raise_request_exception = False
    with without_a_chain():
        assert password(client).status_code == 500
        assert not signed_in(client)
    assert password(client).status_code == 302


# --- the account page -------------------------------------------------------------------------------------------------


def test_the_account_page_says_who_one_is_and_what_is_missing(inside: Client, settings: Any) -> None:
    settings.MFA_REQUIRED = True
    page = said(inside.get("/accounts/"))
    assert "dana@example.test" in page
    assert "Admin" in page
    assert "Add one" in page


def test_a_person_chooses_the_zone_times_are_shown_in(inside: Client, dana: Person) -> None:
    assert inside.post("/accounts/", {"time_zone": "Europe/Warsaw"}).status_code == 303
    dana.refresh_from_db()
    assert dana.time_zone == "Europe/Warsaw"
    assert inside.post("/accounts/", {"time_zone": "Europe/Warsaw"}).status_code == 303
    assert entries("person.edited") == ["Dana now reads times in Europe/Warsaw."]
    assert inside.post("/accounts/", {"time_zone": ""}).status_code == 303
    dana.refresh_from_db()
    assert dana.time_zone == ""


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "U" * 5000, "Europe/Warsaw\n", "localtime"])
def test_it_refuses_what_is_no_zone(inside: Client, dana: Person, zone: str) -> None:
    answer = inside.post("/accounts/", {"time_zone": zone})
    dana.refresh_from_db()
    assert dana.time_zone in ("", "Europe/Warsaw")  # a line break at the end is trimmed
    assert answer.status_code == (303 if dana.time_zone else 200)


def test_without_an_entry_no_zone_is_changed(inside: Client, dana: Person) -> None:
    inside.raise_request_exception = False
    with without_a_chain():
        assert inside.post("/accounts/", {"time_zone": "Europe/Warsaw"}).status_code == 500
    dana.refresh_from_db()
    assert dana.time_zone == ""

"""A sign-in that is fresh enough, and the second factor: what the rules of a page ask besides the role."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignadmin.accounts.guard import FACTOR
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right, may
from mappings.models import Plan, PlanState
from tests.alignadmin.test_roles import TABLE
from tests.conftest import SignIn
from tests.environment import PASSWORD
from tests.support.address_world import World, addresses, world

__all__ = ["world"]

pytestmark = pytest.mark.django_db
CONFIRM = "/accounts/reauthenticate/"
AGAIN = "Nothing was sent yet. Confirm that it is you; then send it with one click."
WAITING = "/accounts/confirm/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_attempts_of_other_tests(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["tests.support.signin_helpers.CountingHasher"]  # a real hash takes a third of a second
    cache.clear()


def age(client: Client, seconds: float) -> None:
    """Let the sign-in of this client be older, its last activity not."""
    session = client.session
    session["began_at"] -= seconds
    session.save()


def sent_to(answer: Any) -> tuple[str, str]:
    """The path, and the page it leads back to."""
    address = urlsplit(answer.headers.get("HX-Redirect") or answer.headers["Location"])
    return address.path, parse_qs(address.query)["next"][0]


def apply(client: Client, world: World, **headers: Any) -> Any:
    plan = world.parameters["pk"]
    return client.post(f"/plans/{plan}/apply/", headers={"Referer": f"http://testserver/plans/{plan}/?x=1"} | headers)


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [each for each in Right if each is not Right.PUBLIC])
def test_who_is_deactivated_has_no_right_whatever_the_role(right: Right) -> None:
    assert not any(may(Person(role=role, reviews=True, is_active=False), right) for role in Role)


def test_of_those_who_are_no_reviewers_only_admins_can_be_made_to_review() -> None:
    assert {role for role in Role if may(Person(role=role, reviews=True, is_active=True), Right.REVIEW)} == {
        Role.ADMIN,
        Role.REVIEWER,
    }
    assert not may(Person(role=Role.ADMIN, reviews=False, is_active=True), Right.REVIEW)


# --- fresh ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def approved(world: World) -> World:
    Plan.objects.filter(pk=world.parameters["pk"]).update(state=PlanState.APPROVED)
    return world


def state(world: World) -> str:
    return str(Plan.objects.get(pk=world.parameters["pk"]).state)


def test_applying_asks_first_who_it_is_when_the_sign_in_is_old(
    approved: World, signed_in: SignIn, settings: LazySettings
) -> None:
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN + 1)
    answer = apply(client, approved)
    assert (answer.status_code, sent_to(answer), state(approved)) == (303, (CONFIRM, WAITING), PlanState.APPROVED)
    assert AGAIN in client.get(answer["Location"]).content.decode()
    confirmed = client.post(answer["Location"], {"password": PASSWORD, "next": WAITING})
    assert (confirmed.status_code, confirmed["Location"]) == (302, WAITING)
    assert not asks_to_confirm(apply(client, approved))


def asks_to_confirm(answer: Any) -> bool:
    assert answer.status_code in (303, 409), "led somewhere, or refused by the plan itself"
    return str(answer.headers.get("Location", "")).startswith(CONFIRM)


def test_applying_goes_on_with_a_sign_in_of_the_last_minutes(
    approved: World, signed_in: SignIn, settings: LazySettings
) -> None:
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN - 5)
    assert not asks_to_confirm(apply(client, approved))


def test_a_wrong_password_confirms_nothing(approved: World, signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN + 1)
    assert client.post(CONFIRM, {"password": "not-the-password-of-anybody"}).status_code == 200
    assert sent_to(apply(client, approved))[0] == CONFIRM


def test_htmx_is_led_to_the_same_page(approved: World, signed_in: SignIn, settings: LazySettings) -> None:
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN + 1)
    answer = apply(client, approved, **HTMX)
    assert answer.status_code == 204
    assert sent_to(answer) == (CONFIRM, WAITING)


@pytest.mark.parametrize(
    "referrer",
    ["https://evil.example.test/plans/1/", "//evil.example.test/", "http://testserver//evil.example.test/", "", "x:y"],
)
def test_a_referring_page_elsewhere_is_not_led_back_to(
    approved: World, signed_in: SignIn, settings: LazySettings, referrer: str
) -> None:
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN + 1)
    assert sent_to(apply(client, approved, Referer=referrer)) == (CONFIRM, WAITING)
    client.post(CONFIRM, {"password": PASSWORD})
    assert '<a class="btn quiet" href="/">Back' in client.get(WAITING).content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.example.test/", "//evil.example.test", "javascript:alert(1)"])
def test_confirming_never_leads_to_another_site(people: Any, signed_in: SignIn, elsewhere: str) -> None:
    answer = signed_in(Role.ADMIN).post(f"{CONFIRM}?next={elsewhere}", {"password": PASSWORD, "next": elsewhere})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_only_what_gives_a_secret_or_a_file_out_asks_when_it_is_read_and_is_led_back_to(
    world: World, signed_in: SignIn, settings: LazySettings
) -> None:
    """By hand: recovery codes, packs, the page of a waiting form, a webhook's secret, and the two that begin what is
    never kept.
    """
    client = signed_in(Role.ADMIN)
    age(client, settings.FRESH_SIGN_IN + 1)
    asking = {
        address.name
        for address in addresses()
        if address.name in TABLE and not address.is_rest and "GET" in TABLE[address.name].methods
        for answer in [client.get(world.url(address))]
        if answer.headers.get("Location", "").startswith(f"{CONFIRM}?next=")
    }
    codes = {"mfa_view_recovery_codes", "mfa_download_recovery_codes"}
    given_out = codes | {"history-pack-file", "account_confirm", "webhook-by-hand"}
    assert asking == given_out | {"mfa_activate_totp", "mfa_add_webauthn"}
    address = f"/history/packs/{world.parameters['pack']}/file/?x=1"
    assert sent_to(client.get(address)) == (CONFIRM, address)


def test_who_may_not_do_it_is_refused_before_being_asked_for_a_password(
    approved: World, signed_in: SignIn, settings: LazySettings
) -> None:
    client = signed_in(Role.EDITOR)
    age(client, settings.FRESH_SIGN_IN + 1)
    assert apply(client, approved).status_code == 403


def test_secrets_applies_and_people_ask_for_a_fresh_sign_in() -> None:
    fresh = {address.name for address in addresses() if getattr(address.callback, "act", None)}
    expected = {"plan-apply", "plan-approve", "connector-credential", "usersessions_end", "usersessions_end_others"}
    expected |= {name for name in TABLE if name.startswith(("credential-", "person-")) and name != "person-join"}
    assert expected - fresh == set()


# --- the second factor ------------------------------------------------------------------------------------------------


def give_factor(person: Person) -> None:
    TOTP.activate(person, generate_totp_secret())


@pytest.fixture
def _required(settings: LazySettings) -> None:
    settings.MFA_REQUIRED = True


@pytest.mark.usefixtures("_required")
def test_an_admin_without_a_second_factor_is_led_to_the_page_that_adds_one(people: Any, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (303, reverse("mfa_index"))
    assert "Your role needs a second factor" in client.get(answer["Location"]).content.decode()
    assert client.post("/plans/1/apply/", headers=HTMX)["HX-Redirect"] == reverse("mfa_index")
    give_factor(people[Role.ADMIN])
    assert client.get("/").status_code == 200


@pytest.mark.usefixtures("_required")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_other_roles_need_no_second_factor(signed_in: SignIn, role: Role) -> None:
    assert signed_in(role).get("/").status_code == 200


def test_the_operator_can_turn_the_second_factor_off(signed_in: SignIn, settings: LazySettings) -> None:
    settings.MFA_REQUIRED = False
    assert signed_in(Role.ADMIN).get("/").status_code == 200


@pytest.mark.usefixtures("_required")
def test_the_api_refuses_an_admin_without_a_second_factor(people: Any, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    answer = client.get("/api/v1/connectors/")
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("Your role needs a second factor")
    give_factor(people[Role.ADMIN])
    assert client.get("/api/v1/connectors/").status_code == 200


@pytest.mark.usefixtures("_required")
def test_that_a_person_has_a_second_factor_costs_no_query_on_the_next_page(people: Any, signed_in: SignIn) -> None:
    give_factor(people[Role.ADMIN])
    client = signed_in(Role.ADMIN)
    client.get("/plans/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/plans/").status_code == 200
    assert [query["sql"] for query in queries if "mfa_authenticator" in query["sql"]] == []


@pytest.mark.usefixtures("_required")
def test_a_second_factor_removed_by_others_is_missed_within_a_minute(people: Any, signed_in: SignIn) -> None:
    admin = people[Role.ADMIN]
    give_factor(admin)
    client = signed_in(Role.ADMIN)
    assert client.get("/").status_code == 200
    assert client.session[FACTOR]
    admin.authenticator_set.all().delete()
    session = client.session
    session["seen_at"] -= 61
    session.save()
    assert client.get("/")["Location"] == reverse("mfa_index")

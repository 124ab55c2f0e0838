"""Single sign-on against a real provider over HTTP: who comes in, who does not, and what is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.environment import PASSWORD
from tests.support.oidc_provider import CLIENT, SECRET, Provider, running_provider
from tests.support.one_time_codes import code_now
from tests.support.processes import Site, created_database, csrf

START = "/accounts/oidc/login/"
numbers = count(1)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def house(processes: None, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation that knows the provider; second factors are required."""
    extra = {"OIDC_SERVER": provider.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET}
    extra |= {"OIDC_NAME": "Acme login", "MFA_REQUIRED": "1"}
    with created_database() as database_url:
        site = Site(data_dir=tmp_path_factory.mktemp("house"), database_url=database_url, extra=extra)
        try:
            site.copy_tables()
            site.start_web()
            yield site
        finally:
            site.stop()


@pytest.fixture
def dana(house: Site, provider: Provider) -> str:
    """Her address; the provider vouches for it and for nobody else."""
    email = f"dana{next(numbers)}@example.test"
    house.command("createadmin", email, "--name", "Dana", "--password-stdin", stdin=f"{PASSWORD}\n")
    provider.claims = {"sub": email, "email": email, "email_verified": True}
    provider.faults = {}
    return email


def start(house: Site, session: requests.Session, **query: str) -> requests.Response:
    session.get(f"{house.url}/accounts/login/", timeout=10)
    address = f"{house.url}{START}"
    return session.post(
        address,
        params=query,
        data={"csrfmiddlewaretoken": csrf(session)},
        headers={"Referer": address},
        timeout=10,
        allow_redirects=False,
    )


def way_out(page: requests.Response) -> str:
    found = re.search(r'class="btn primary" href="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


def come_in(house: Site, session: requests.Session | None = None, **query: str) -> requests.Response:
    session = session or requests.Session()
    return session.get(way_out(start(house, session, **query)), timeout=10)


def is_in(house: Site, session: requests.Session) -> bool:
    return session.get(f"{house.url}/accounts/", timeout=10, allow_redirects=False).status_code == 200


def asked(house: Site, expression: str) -> Any:
    """What the installation's own database holds."""
    imports = (
        "import json; from alignadmin.accounts.models import *; from alignadmin.audit.models import *; "
        "from connectors.models import *; from allauth.socialaccount.models import *"
    )
    return json.loads(house.command("shell", "--no-imports", "-c", f"{imports}; print(json.dumps({expression}))"))


def entries(house: Site, action: str, email: str) -> list[str]:
    found = f"[json.loads(each.body) for each in Entry.objects.filter(action={action!r}).order_by('seq')]"
    return [each["sentence"] for each in asked(house, found) if each["actor"]["email"] == email]


def test_the_sign_in_page_offers_it_by_its_name(house: Site) -> None:
    assert "Sign in with <bdi>Acme login</bdi>" in requests.get(f"{house.url}/accounts/login/", timeout=10).text


def test_who_was_added_comes_in_by_a_verified_address_and_it_is_an_entry(house: Site, dana: str) -> None:
    session = requests.Session()
    page = come_in(house, session)
    assert page.url == f"{house.url}/accounts/2fa/"  # an admin needs a second factor here too
    assert "Your role needs a second factor" in page.text
    assert is_in(house, session)
    assert entries(house, "person.signed_in", dana) == ["Dana signed in with single sign-on."]


def test_it_leaves_the_password_as_it_is_and_keeps_no_tokens(house: Site, dana: str) -> None:
    come_in(house)
    house.signed_in(dana)
    kept = asked(house, "[SocialAccount.objects.count(), SocialToken.objects.count()]")
    assert kept == [0, 0]


def test_the_second_factor_is_asked_for(house: Site, dana: str) -> None:
    session = house.signed_in(dana)
    address = f"{house.url}/accounts/2fa/totp/activate/"
    found = re.search(r'class="mono secret"[^>]*>([A-Z2-7]+)<', session.get(address, timeout=10).text)
    assert found
    form = {"csrfmiddlewaretoken": csrf(session), "code": code_now(found[1])}
    assert "recovery-codes" in session.post(address, data=form, headers={"Referer": address}, timeout=10).url
    other = requests.Session()
    assert come_in(house, other).url == f"{house.url}/accounts/2fa/authenticate/"
    assert not is_in(house, other)


@pytest.mark.parametrize("verified", [False, None, "false", 1], ids=repr)
def test_it_refuses_an_address_that_is_not_verified(
    house: Site, dana: str, provider: Provider, verified: object
) -> None:
    session = requests.Session()
    provider.claims["email_verified"] = verified
    refused = come_in(house, session)
    assert refused.status_code == 403
    assert "does not vouch for your e-mail address" in refused.text
    assert not is_in(house, session)
    sentence = "A single sign-on as Dana was refused: the provider did not verify the address."
    assert entries(house, "person.refused", dana) == [sentence]
    provider.claims["email_verified"] = True
    come_in(house, session)
    assert is_in(house, session)


def test_nobody_is_created(house: Site, dana: str, provider: Provider) -> None:
    session = requests.Session()
    provider.claims |= {"email": "stranger@example.test", "sub": "stranger"}
    refused = come_in(house, session)
    assert "Nobody with your e-mail address was added" in refused.text
    assert not is_in(house, session)
    assert asked(house, "Person.objects.filter(email='stranger@example.test').count()") == 0


def test_who_is_deactivated_stays_out(house: Site, dana: str) -> None:
    asked(house, f"Person.objects.filter(email={dana!r}).update(is_active=False)")
    session = requests.Session()
    assert come_in(house, session).url == f"{house.url}/accounts/inactive/"
    assert not is_in(house, session)
    assert entries(house, "person.refused", dana) == [
        "A single sign-on as Dana was refused: the account is deactivated."
    ]


def test_it_refuses_two_people_in_one_answer(house: Site, dana: str, provider: Provider) -> None:
    session = requests.Session()
    provider.faults["id_token"] = {"sub": "somebody-else"}
    assert "two different people" in come_in(house, session).text
    assert not is_in(house, session)


@pytest.mark.parametrize("process", ["connect", "redirect"])
def test_it_joins_no_other_identity_to_who_is_signed_in(
    house: Site, dana: str, provider: Provider, process: str
) -> None:
    session = house.signed_in(dana)
    provider.claims |= {"email": "stranger@example.test", "sub": "stranger"}
    address = f"{house.url}{START}"
    form = {"csrfmiddlewaretoken": csrf(session)}
    page = session.post(address, params={"process": process}, data=form, headers={"Referer": address}, timeout=10)
    assert "This was no sign-in" in session.get(way_out(page), timeout=10).text
    assert asked(house, "SocialAccount.objects.count()") == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"id_token": {"aud": "another-client"}},
        {"id_token": {"iss": "https://elsewhere.test"}},
        {"id_token": {"exp": 1}},
        {"/userinfo": [1]},
        {"/userinfo": {"email": "no-sub@example.test"}},
        {"/userinfo": "no json"},
        {"/userinfo": {"sub": {"a": 1}, "email": ["x"], "email_verified": True}},
    ],
    ids=str,
)
def test_it_refuses_an_unusable_answer_in_words(
    house: Site, dana: str, provider: Provider, fault: dict[str, Any]
) -> None:
    session = requests.Session()
    provider.faults |= fault
    refused = come_in(house, session)
    assert refused.status_code in (401, 403, 502)
    assert "You are not signed in" in refused.text
    assert not is_in(house, session)


@pytest.mark.parametrize("configuration", ["no json", [1], {"issuer": "x"}], ids=str)
def test_a_provider_that_does_not_answer_is_told_in_words(
    house: Site, dana: str, provider: Provider, configuration: object
) -> None:
    provider.faults["/.well-known/openid-configuration"] = configuration
    answer = start(house, requests.Session())
    assert answer.status_code == 502
    assert "did not answer as it should" in answer.text


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(house: Site, dana: str) -> None:
    session, thief = requests.Session(), requests.Session()
    address = way_out(start(house, session))
    back = requests.get(address, timeout=10, allow_redirects=False).headers["Location"]
    assert "You are not signed in" in thief.get(back, timeout=10).text
    assert not is_in(house, thief)
    session.get(back, timeout=10)
    assert is_in(house, session)
    again = thief.get(back, timeout=10)
    assert again.status_code == 401


def way_back(house: Site, session: requests.Session) -> str:
    """The provider's answer, not followed: its code has been used by nobody yet."""
    answer = requests.get(way_out(start(house, session)), timeout=10, allow_redirects=False)
    return answer.headers["Location"]


@pytest.mark.parametrize("state", [None, "", "guessed", "x" * 5000], ids=str)
def test_a_good_code_without_the_state_of_this_browser_is_refused(house: Site, dana: str, state: str | None) -> None:
    session = requests.Session()
    address, query = (back := urlsplit(way_back(house, session)))._replace(query="").geturl(), parse_qs(back.query)
    sent = {"code": query["code"][0]} | ({} if state is None else {"state": state})
    refused = session.get(address, params=sent, timeout=10)
    assert refused.status_code == 401
    assert "You are not signed in" in refused.text
    assert not is_in(house, session)
    session.get(back.geturl(), timeout=10)  # the same code, as the provider sent it
    assert is_in(house, session)


def test_a_code_of_another_browser_is_refused_with_the_state_of_this_one(house: Site, dana: str) -> None:
    """No nonce is sent: what binds a code to the browser that asked for it is the proof of PKCE."""
    victim, thief = requests.Session(), requests.Session()
    stolen = parse_qs(urlsplit(way_back(house, victim)).query)["code"][0]
    own = urlsplit(way_back(house, thief))
    state = parse_qs(own.query)["state"][0]
    refused = thief.get(own._replace(query="").geturl(), params={"code": stolen, "state": state}, timeout=10)
    assert "You are not signed in" in refused.text
    assert not is_in(house, thief)


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?error=%00", "?code=x&state=y", "?state=" + "y" * 5000])
def test_a_way_back_that_nobody_went_is_refused_in_words(house: Site, query: str) -> None:
    answer = requests.get(f"{house.url}{START}callback/{query}", timeout=10)
    assert answer.status_code in (200, 401)
    assert "You are not signed in" in answer.text


def test_the_way_out_carries_no_secret_and_needs_a_form_of_ours(house: Site, dana: str) -> None:
    session = requests.Session()
    asked_for = parse_qs(urlsplit(way_out(start(house, session))).query)
    assert SECRET not in str(asked_for)
    assert asked_for["code_challenge_method"] == ["S256"]
    assert asked_for["redirect_uri"] == [f"{house.url}{START}callback/"]
    assert requests.post(f"{house.url}{START}", timeout=10).status_code == 403
    assert "Continue" in requests.get(f"{house.url}{START}", timeout=10).text


def test_a_browser_goes_there_and_back_within_the_policy(house: Site, dana: str, page: Page) -> None:
    page.goto(f"{house.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with Acme login").click()
    page.wait_for_url(f"{house.url}/accounts/2fa/")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()

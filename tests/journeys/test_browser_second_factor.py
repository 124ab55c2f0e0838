"""Second factors in a real browser: an app, a security key and recovery codes, added and used, on pages that hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.environment import PASSWORD
from tests.support.browser import NARROW, WIDE, Complaints, axe, fits, sign_in, watched_page
from tests.support.one_time_codes import code_now
from tests.support.processes import Site

# Those that only a person with factors can open; {key} is the number of a security key.
PAGES = {
    "second factor": "/accounts/2fa/",
    "add an app": "/accounts/2fa/totp/activate/",
    "remove the app": "/accounts/2fa/totp/deactivate/",
    "add a key": "/accounts/2fa/webauthn/add/",
    "rename a key": "/accounts/2fa/webauthn/keys/{key}/edit/",
    "remove a key": "/accounts/2fa/webauthn/keys/{key}/remove/",
    "recovery codes": "/accounts/2fa/recovery-codes/",
    "new recovery codes": "/accounts/2fa/recovery-codes/generate/",
    "account": "/accounts/",
    "confirm by password": "/accounts/reauthenticate/",
    "confirm by code": "/accounts/2fa/reauthenticate/",
    "confirm by key": "/accounts/2fa/webauthn/reauthenticate/",
    "second step": "/accounts/2fa/authenticate/",
}


def address_of(site: Site) -> str:
    """Browsers keep security keys for names, not for numbers."""
    return f"http://localhost:{site.port}"


def person(site: Site, name: str) -> str:
    """A new admin's e-mail address: the others of this installation sign in by password alone."""
    email = f"{name}@factor.test"
    site.command("createadmin", email, "--name", name.capitalize(), "--password-stdin", stdin=f"{PASSWORD}\n")
    return email


def plug_in_a_key(page: Page) -> CDPSession:
    """A key that is touched whenever it is asked for."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def add_key(page: Page, address: str) -> None:
    page.goto(f"{address}{PAGES['second factor']}")
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add the key").click()


def add_app(page: Page, address: str) -> str:
    page.goto(f"{address}{PAGES['add an app']}")
    secret = page.locator(".secret").inner_text()
    page.get_by_label("Code that your app shows").fill(code_now(secret))
    page.get_by_role("button", name="Add the app").click()
    page.get_by_text("Your authenticator app is added").wait_for()
    return secret


def sign_out(page: Page) -> None:
    page.locator("details.account > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


@pytest.fixture(scope="module")
def holder(site: Site, browser: Browser) -> Iterator[tuple[Page, Complaints]]:
    """A person with an app and a key, signed in."""
    with watched_page(browser) as (page, complaints):
        plug_in_a_key(page)
        address = address_of(site)
        sign_in(page, address, person(site, "holder"), PASSWORD)
        add_key(page, address)
        page.get_by_text("Your security key is added").wait_for()
        add_app(page, address)
        yield page, complaints


def test_a_security_key_is_added_and_signs_in(site: Site, page: Page) -> None:
    plug_in_a_key(page)
    address, email = address_of(site), person(site, "keyes")
    sign_in(page, address, email, PASSWORD)
    page.locator("details.account summary").click()
    page.get_by_role("link", name="Account").click()
    page.get_by_role("link", name="Add one").click()
    add_key(page, address)
    expect(page.locator(".codes li")).to_have_count(10)
    code = page.locator(".codes li").first.inner_text()

    sign_out(page)
    sign_in(page, address, email, PASSWORD)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use your security key").click()
    page.wait_for_url(f"{address}/")

    sign_out(page)
    sign_in(page, address, email, PASSWORD)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/accounts/")
    expect(page.get_by_text("9 left")).to_be_visible()


def test_a_passkey_signs_in_from_the_sign_in_page_without_a_password(site: Site, page: Page) -> None:
    plug_in_a_key(page)
    address = address_of(site)
    sign_in(page, address, person(site, "alone"), PASSWORD)
    page.goto(f"{address}{PAGES['add a key']}")
    page.get_by_label("Name").fill("This laptop")
    page.get_by_label("It signs me in alone").check()
    page.get_by_role("button", name="Add the key").click()
    page.get_by_text("Your security key is added").wait_for()
    page.goto(f"{address}{PAGES['second factor']}")
    expect(page.get_by_text("signs you in alone")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/accounts/")
    expect(page.get_by_role("definition").filter(has_text="Alone").first).to_be_visible()


def test_the_sign_in_page_says_that_no_passkey_answered(site: Site, page: Page) -> None:
    devtools = plug_in_a_key(page)
    address = address_of(site)
    page.goto(f"{address}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No security key answered", timeout=30_000)
    devtools.detach()


def test_the_browser_says_on_the_page_why_a_key_was_not_added(site: Site, page: Page) -> None:
    plug_in_a_key(page)
    address = address_of(site)
    sign_in(page, address, person(site, "twice"), PASSWORD)
    add_key(page, address)
    page.get_by_text("Your security key is added").wait_for()
    add_key(page, address)
    expect(page.get_by_role("alert")).to_contain_text("already among yours")


def test_an_app_is_added_without_scripts(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(10_000)
    page = context.new_page()
    address = address_of(site)
    sign_in(page, address, person(site, "plain"), PASSWORD)
    add_app(page, address)
    expect(page.locator(".codes li")).to_have_count(10)
    page.goto(f"{address}{PAGES['add a key']}")
    expect(page.get_by_text("A security key needs JavaScript")).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_silent_and_fits_a_phone(site: Site, holder: tuple[Page, Complaints], name: str) -> None:
    page, complaints = holder
    address = address_of(site)
    page.goto(f"{address}{PAGES['second factor']}")
    if name == "second step":
        sign_out(page)
        sign_in(page, address, "holder@factor.test", PASSWORD)
    else:
        found = re.search(r"/keys/(\d+)/", page.get_by_role("link", name="Rename").get_attribute("href") or "")
        assert found
        answer = page.goto(address + PAGES[name].format(key=found[1]))
        assert answer
        assert answer.status == 200
    for scheme, size in (("light", WIDE), ("dark", NARROW)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)
        assert fits(page), "a phone has to scroll sideways"
        axe(page)
    assert complaints.messages == []

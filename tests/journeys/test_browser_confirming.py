"""Confirming who one is in a real browser: an act with an old sign-in, its form shown again, and sent by one click."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.sync_api import Browser, Page, expect

from tests.environment import PASSWORD
from tests.support import browser_helpers as steps
from tests.support.browser import look, sign_in
from tests.support.browser_helpers import ADMIN
from tests.support.processes import Site
from tests.support.signin_helpers import let_the_sign_in_age

TYPED = {"Name": "Acme elsewhere", "Jira Align site": "https://elsewhere.jiraalign.com", "Jira user": "me@acme.test"}


def let_it_age(site: Site, page: Page) -> None:
    cookies = {each.get("name"): each.get("value") for each in page.context.cookies()}
    let_the_sign_in_age(site, str(cookies["session"]))


def prove(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def fill_in_a_person(page: Page, site: Site) -> str:
    name = f"Nora {uuid4().hex[:6]}"
    page.goto(f"{site.url}/settings/people/new/")
    page.get_by_label("E-mail").fill(f"{uuid4().hex[:8]}@example.test")
    page.get_by_label("Name").fill(name)
    page.get_by_role("radio", name=re.compile("^Editor")).check()
    page.get_by_role("button", name="Invite").click()
    return name


def test_an_act_is_confirmed_and_sent_by_one_click_and_a_secret_is_typed_again(site: Site, page: Page) -> None:
    sign_in(page, site.url, ADMIN, PASSWORD)
    let_it_age(site, page)
    name = fill_in_a_person(page, site)
    expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    prove(page)
    expect(page.get_by_role("heading", name="Confirm: Invite a person")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text=name)).to_be_visible()
    look(page)
    page.get_by_role("button", name="Invite a person").click()
    expect(page.get_by_label("Link to set a password")).to_be_visible()
    page.goto(f"{site.url}/accounts/confirm/")
    expect(page.get_by_text("It was sent already")).to_be_visible()

    page.goto(f"{site.url}/connectors/new/")
    for label, value in TYPED.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Align API token").fill("never-kept-anywhere")
    let_it_age(site, page)
    page.get_by_role("button", name="Continue").click()  # by htmx, which leads the whole page
    prove(page)
    expect(page.get_by_role("heading", name="Confirm: Look up the connector Acme elsewhere")).to_be_visible()
    expect(page.get_by_text("this has to be entered again: Align API token")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Back to the form").click()
    for label, value in TYPED.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    expect(page.get_by_label("Align API token")).to_have_value("")


def test_it_goes_without_scripts_too(site: Site, browser: Browser) -> None:
    with steps.without_scripts(browser) as page:
        sign_in(page, site.url, ADMIN, PASSWORD)
        let_it_age(site, page)
        name = fill_in_a_person(page, site)
        prove(page)
        expect(page.get_by_role("definition").filter(has_text=name)).to_be_visible()
        page.get_by_role("button", name="Invite a person").click()
        expect(page.get_by_label("Link to set a password")).to_be_visible()

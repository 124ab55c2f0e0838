"""People in a real browser: invite, join, sign in, another role, deactivated with what they owned handed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import look, sign_in, watched_page
from tests.support.browser_helpers import ADMIN, Own, own_connector
from tests.support.processes import Site

NEW_PASSWORD = "quiet-harbour-lantern-oat"


@contextmanager
def colleague(browser: Browser) -> Iterator[Page]:
    with watched_page(browser) as (page, complaints):
        yield page
        complaints.check()


def invite(page: Page, site: Site, name: str, email: str) -> str:
    """By the navigation; the link that the page shows once."""
    page.goto(f"{site.url}/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    look(page)
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="People").click()
    look(page)
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name").fill(name)
    page.get_by_role("radio", name=re.compile("^Viewer")).check()
    look(page)
    page.get_by_role("button", name="Invite").click()
    shown = page.get_by_label("Link to set a password")
    expect(shown).to_be_focused()
    look(page)
    link = shown.input_value().replace("http://localhost:8000", site.url)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_text("Invited", exact=True)).to_be_visible()
    look(page)
    return link


def join(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_text("Welcome, ")).to_be_visible()
    assert link.rstrip("/").rsplit("/", 1)[1] not in page.url  # nor in what the browser remembers of the form
    look(page)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_label("The same again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set. Sign in with it.")).to_be_visible()


@pytest.mark.journey
def test_from_the_invitation_to_the_last_day(site: Site, browser: Browser, page: Page) -> None:
    with own_connector(site) as own:
        the_journey(own, site, browser, page)


def the_journey(own: Own, site: Site, browser: Browser, page: Page) -> None:
    email = f"nora-{uuid4().hex[:8]}@example.test"
    steps.enter(page, site, ADMIN)
    link = invite(page, site, "Nora New", email)
    address = page.url
    with colleague(browser) as hers:
        join(hers, link)
        sign_in(hers, site.url, email, NEW_PASSWORD)
        nav = hers.get_by_role("navigation", name="Main")
        expect(nav.get_by_role("link", name="Settings")).to_have_count(0)

        page.reload()
        page.get_by_role("combobox", name="Role").select_option(label="Admin")
        page.get_by_role("button", name="Set role").click()
        expect(page.get_by_text("The role is set.")).to_be_visible()
        hers.reload()
        expect(nav.get_by_role("link", name="Settings")).to_be_visible()

        own_credentials(page, own, "Nora New")
        page.goto(address)
        page.get_by_role("link", name="Deactivate").click()
        expect(page.get_by_text("1 credential will have no owner")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Deactivate").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nora New is deactivated")
        expect(page.get_by_text(f"The Jira credential of {own.slug} has no owner now.")).to_be_visible()
        look(page)
        hers.reload()
        expect(hers).to_have_url(re.compile("/accounts/login/"))

    page.get_by_role("link", name="Name one").click()
    expect(page).to_have_url(f"{own.page}credential/jira/")
    page.goto(own.history)
    expect(page.get_by_text("owner Nora New → Dana Admin, back-up owner Dana Admin → none")).to_be_visible()


def own_credentials(page: Page, own: Own, name: str) -> None:
    """Make that person the owner of both, with a back-up owner for Align's alone."""
    for system, backup in (("align", "Dana Admin"), ("jira", "")):
        page.goto(f"{own.page}credential/{system}/")
        card = page.get_by_role("region", name="Owners")
        choose(card.get_by_label(re.compile("^Owner")), name)
        choose(card.get_by_label(re.compile("^Back-up owner")), backup)
        with page.expect_navigation():
            card.get_by_role("button").click()
        expect(card.get_by_label(re.compile("^Owner")).locator("option:checked")).to_contain_text(name)


def choose(select: Locator, name: str) -> None:
    value = select.locator("option").filter(has_text=name).first.get_attribute("value") if name else ""
    select.select_option(value)


def test_a_dead_link_says_what_to_do(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/accounts/join/MQ/no-such-token/")
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    expect(page.get_by_text("Ask an admin")).to_be_visible()
    look(page)

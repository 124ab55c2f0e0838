"""A connector is disconnected and connected again in a real browser: by keyboard, and without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import Complaints, axe, look
from tests.support.browser_helpers import Own, own_connector
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN

A_TEST = 20_000  # ms, until both systems were asked what the credentials may do


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def fill_again(page: Page) -> None:
    page.get_by_label("Align API token", exact=True).fill(ALIGN_TOKEN)
    page.get_by_label("Jira user").fill(ADMIN)
    page.get_by_label("Jira token or password").fill(JIRA_TOKEN)


def test_a_connector_is_left_and_taken_up_again(own: Own, page: Page, complaints: Complaints) -> None:
    complaints.expect("400")  # the name that is typed wrong
    steps.enter(page, own.site)
    page.goto(f"{own.page}settings/")
    page.get_by_role("link", name="Disconnect…").click()
    look(page)
    with page.expect_download() as exported:
        page.get_by_role("button", name="Download the document").click()
    assert exported.value.suggested_filename.startswith(own.slug)
    page.reload()
    expect(page.get_by_text("not exported yet")).to_have_count(0)
    # By keyboard, and first with the wrong name.
    page.get_by_label("Why").focus()
    page.keyboard.type("Given up")
    page.keyboard.press("Tab")
    page.keyboard.type("another")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text(own.slug)
    expect(page.get_by_label("Why")).to_have_value("Given up")
    page.get_by_label(f"Type {own.slug} to confirm").fill(own.slug)
    own.sandbox.clear_journal()
    page.get_by_role("button", name="Disconnect", exact=True).click()
    expect(page.get_by_role("heading", name="is disconnected")).to_be_visible()
    look(page)
    page.goto(own.matrix)
    expect(page.get_by_role("region", name="Disconnected")).to_contain_text("Given up")
    axe(page)
    page.goto(f"{own.site.url}/connectors/")
    listed = page.get_by_role("link", name=f"Connect again: {own.slug}")
    if not listed.is_visible():  # it is folded where others are connected
        page.locator("summary", has_text="disconnected").click()
    expect(listed).to_be_visible()
    axe(page)
    assert own.sandbox.journal() == []
    # Again.
    page.goto(own.page)
    page.get_by_role("link", name="Connect again").click()
    look(page)
    fill_again(page)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#checks")).to_contain_text("Works", timeout=A_TEST)
    page.get_by_role("button", name="Connect again").click()
    expect(page.get_by_text("is connected again")).to_be_visible(timeout=A_TEST)
    own.wait_until_idle()
    page.goto(own.page)
    expect(page.get_by_role("region", name="Disconnected")).to_have_count(0)
    axe(page)


def test_without_scripts_it_is_done_as_well(own: Own, browser: Browser) -> None:
    with steps.without_scripts(browser) as page:
        steps.enter(page, own.site)
        page.goto(f"{own.page}disconnect/")
        page.get_by_label("Why").fill("Given up")
        page.get_by_label(f"Type {own.slug} to confirm").fill(own.slug)
        page.get_by_role("button", name="Disconnect", exact=True).click()
        expect(page.get_by_role("heading", name="is disconnected")).to_be_visible()
        page.get_by_role("link", name="Connect again").first.click()
        fill_again(page)
        page.get_by_role("button", name="Connect again").click()
        expect(page.get_by_text("is connected again")).to_be_visible(timeout=A_TEST)
